package kernel

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"transferlab/kernel/diagnose"
	"transferlab/kernel/source"
	"transferlab/kernel/wire"
)

// Command is a line of a cell that begins with %, carried out by the kernel rather than by GoNB.
type Command struct {
	Name  string // without %
	Usage string // its arguments: "[free NAME…]"
	Help  string // one sentence
	Run   func(ctx context.Context, args []string, out io.Writer) error
}

// ownCommands are the kernel's commands: those of the program that runs it, and its own.
func (p *proxy) ownCommands() []Command {
	own := []Command{{
		Name: "limit", Usage: "[memory=8GB] [output=50MB]",
		Help: "Shows or sets what a cell may take: memory of its processes, bytes of text.",
		Run: func(_ context.Context, args []string, out io.Writer) error {
			for _, arg := range args {
				if err := p.limits.set(arg); err != nil {
					return err
				}
			}
			_, err := io.WriteString(out, p.limits.String())
			return err
		},
	}}
	if p.cfg.Commands != nil {
		own = append(own, p.cfg.Commands(p.engine.socket(), p.kernelID)...)
	}
	return own
}

// commands carries out the kernel's commands among the cell's lines, in order, and returns the cell without them.
func (p *proxy) commands(now *run, cell *source.Cell) (rest *source.Cell, failure *diagnose.Failure) {
	var done []source.Command
	own := p.ownCommands()
	for _, line := range cell.Commands() {
		if line.Sign != '%' || len(line.Args) == 0 {
			continue
		}
		i := slices.IndexFunc(own, func(c Command) bool { return c.Name == line.Args[0] })
		if i < 0 {
			continue
		}
		done = append(done, line)
		if err := own[i].Run(now.ctx, line.Args[1:], streamWriter{now, "stdout"}); err != nil {
			return cell, &diagnose.Failure{Name: "CommandError", Value: err.Error(),
				Traceback: []string{fmt.Sprintf("\x1b[31mCommandError\x1b[0m in line %d: %s", line.Line+1, err)}}
		}
	}
	if len(done) == 0 {
		return cell, nil
	}
	return source.Parse(cell.Without(done...)), nil
}

// afterCell adds our part to GoNB's %help.
func (p *proxy) afterCell(now *run, cell *source.Cell) {
	for _, line := range cell.Commands() {
		if line.Sign == '%' && len(line.Args) > 0 && line.Args[0] == "help" {
			now.mu.Lock()
			now.out.publish("display_data", map[string]any{
				"data":     map[string]any{"text/markdown": p.help(), "text/plain": p.help()},
				"metadata": map[string]any{}, "transient": map[string]any{},
			})
			now.mu.Unlock()
			return
		}
	}
}

// help is what %help shows below GoNB's own text.
func (p *proxy) help() string {
	var b strings.Builder
	b.WriteString(`## Transfer Learning Lab

Cells are Go. A cell without ` + "`%%`" + ` may also hold plain statements, and the value of its last expression is shown: ` + "`6*7`" + `.

* Declarations (` + "`var`, `func`, `type`, `const`, `import`" + `) stay for later cells; values that a cell computes end with it.
* Verbs of package ` + "`tl`" + ` work in the engine, which stays: models, weights, representations, compiled graphs.
* ` + "`cell.Keep(\"name\", value)` and `cell.Get[T](\"name\")`" + ` of package ` + "`transferlab/kernel/cell`" + ` keep any other value until the kernel restarts.
* ` + "`name?`" + ` shows the documentation of a name.

Commands of the lab:

`)
	for _, c := range p.ownCommands() {
		fmt.Fprintf(&b, "* `%s`: %s\n", strings.TrimSpace("%"+c.Name+" "+c.Usage), c.Help)
	}
	return b.String()
}

// streamWriter writes into a cell's output.
type streamWriter struct {
	run  *run
	name string
}

func (w streamWriter) Write(text []byte) (int, error) {
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	w.run.out.print(w.name, string(text))
	return len(text), nil
}

// question is a cell that asks for the documentation of a name, as IPython's do.
var question = regexp.MustCompile(`^\s*(?:\?\s*([\pL_][\pL\pN_.]*)|([\pL_][\pL\pN_.]*)\s*\?)\s*$`)

func helpAsked(code string) (name string, asked bool) {
	m := question.FindStringSubmatch(code)
	if m == nil {
		return "", false
	}
	return m[1] + m[2], true
}

// page answers such a cell: the text goes into the reply, for the front end's pager.
func (p *proxy) page(now *run, name string, reply map[string]any) *diagnose.Failure {
	data, err := p.describe(now.ctx, "%%\n_ = "+name, len([]rune("%%\n_ = "+name))-1)
	if why := p.stopped(now, nil); why != nil {
		return why
	}
	if err != nil || len(data) == 0 {
		value := fmt.Sprintf("no documentation of %q: completion and inspection need gopls (see tlab doctor), and the name must be known to a cell that ran", name)
		return &diagnose.Failure{Name: "NotFound", Value: value, Traceback: []string{value}}
	}
	reply["payload"] = []any{map[string]any{"source": "page", "data": data, "start": 0}}
	return nil
}

// describe asks GoNB, and through it gopls, about the name at cursor, in characters.
func (p *proxy) describe(ctx context.Context, code string, cursor int) (map[string]any, error) {
	m, err := wire.New(p.session, "inspect_request", map[string]any{"code": code, "cursor_pos": cursor, "detail_level": 0})
	if err != nil {
		return nil, err
	}
	answer, err := p.question(ctx, m)
	if err != nil {
		return nil, err
	}
	var found struct {
		Found bool           `json:"found"`
		Data  map[string]any `json:"data"`
	}
	if err := answer.Decode(&found); err != nil || !found.Found {
		return nil, err
	}
	if text, ok := found.Data["text/plain"]; !ok || text == "" {
		found.Data["text/plain"] = found.Data["text/markdown"]
	}
	return found.Data, nil
}
