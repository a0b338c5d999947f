package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"transferlab/kernel/diagnose"
	"transferlab/kernel/source"
	"transferlab/kernel/wire"
)

// cells is what the kernel knows of those that were run.
type cells struct {
	mu    sync.Mutex
	shown int // the count that front ends see
	ran   map[int]ranCell
	void  map[string]bool // functions that turned out to have no value
	log   source.Log
}

// ranCell is a cell as GoNB got it; its key in cells.ran is GoNB's own count.
type ranCell struct {
	text  string
	count int
	line  func(int) int
}

func newCells() *cells { return &cells{ran: map[int]ranCell{}, void: map[string]bool{}} }

func (c *cells) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown
}

func (c *cells) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown++
	return c.shown
}

// source is diagnose's view of a cell.
func (c *cells) source(id int) (text string, count int, line func(int) int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.ran[id]
	return r.text, r.count, r.line, ok
}

func (c *cells) ids() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]int, 0, len(c.ran))
	for id := range c.ran {
		ids = append(ids, id)
	}
	return ids
}

// reset forgets GoNB's counts: a new GoNB counts from one.
func (c *cells) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran = map[int]ranCell{}
}

// replay is what a new GoNB is to run so that it knows what the old one knew.
func (c *cells) replay() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Replay()
}

func (c *cells) learn(cell *source.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Contains(cell.Without(), "func ") {
		clear(c.void) // a function of that name may be another now
	}
	c.log.Add(cell)
}

func (c *cells) learnCommands(cell *source.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log.AddCommands(cell)
}

// valueless reports whether a call is known to have no value: to build its cell twice once is enough.
func (c *cells) valueless(callee string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.void[callee] || c.log.Valueless(callee)
}

func (c *cells) noteValueless(callee string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.void[callee] = true
}

// decodeExecute reads the content of an execute_request with the protocol's defaults.
func decodeExecute(r request) (executeRequest, error) {
	content := executeRequest{StoreHistory: true, AllowStdin: true, StopOnError: true}
	err := r.Decode(&content)
	if content.Silent {
		content.StoreHistory = false
	}
	content.Expressions = map[string]any{} // Go has no expressions to evaluate beside a cell
	return content, err
}

// execute runs one cell and answers it.
func (p *proxy) execute(ctx context.Context, r request) {
	content, err := decodeExecute(r)
	if err != nil {
		p.reply(r, "execute_reply", map[string]any{"status": "error", "ename": "BadRequest", "evalue": err.Error(), "traceback": []string{}, "execution_count": p.cells.count()})
		return
	}
	count := p.cells.count()
	if content.StoreHistory {
		count = p.cells.next()
		p.history.add(count, content.Code)
	}
	publish := func(msgType string, content any) { p.publish(r.Header, msgType, content) }
	relay := p.relay
	if content.Silent {
		publish, relay = func(string, any) {}, func(*wire.Message) {}
	}
	publish("execute_input", map[string]any{"code": content.Code, "execution_count": count})
	out := newOutputs(p.limits.outputNow(), publish, relay)
	now := p.begin(ctx, &r, out)
	go p.watchMemory(now)
	reply := map[string]any{"status": "ok", "execution_count": count, "user_expressions": map[string]any{}, "payload": []any{}}
	failure := p.carryOut(now, content, count, reply)
	p.hearEngine(now, failure)
	if why := now.reason(); why != "" {
		p.sweepCell(now)
		p.finish(now)
		p.tellStopped(ctx, out)
	} else {
		p.finish(now)
	}
	for _, text := range now.said {
		out.print("stderr", text)
	}
	out.close()
	if failure != nil {
		trace := map[string]any{"ename": failure.Name, "evalue": failure.Value, "traceback": orNone(failure.Traceback)}
		publish("error", trace)
		reply = map[string]any{"status": "error", "execution_count": count, "payload": []any{}}
		for k, v := range trace {
			reply[k] = v
		}
	}
	p.reply(r, "execute_reply", reply)
	if failure != nil && content.StopOnError {
		for _, waiting := range p.queue.drop() {
			p.aborted(waiting, "an earlier cell failed")
		}
	}
}

func orNone(lines []string) []string {
	if lines == nil {
		return []string{}
	}
	return lines
}

// tellStopped says how the engine's work stands that the cell had asked for.
func (p *proxy) tellStopped(ctx context.Context, out *outputs) {
	if p.cfg.Stopped == nil {
		return
	}
	for _, line := range p.cfg.Stopped(ctx, p.engine.socket(), p.kernelID) {
		out.print("stderr", line+"\n")
	}
}

// carryOut runs a cell's own commands, then hands the rest to GoNB. It returns nil if all went well.
func (p *proxy) carryOut(now *run, content executeRequest, count int, reply map[string]any) *diagnose.Failure {
	cell := source.Parse(content.Code)
	if name, asked := helpAsked(content.Code); asked {
		return p.page(now, name, reply)
	}
	rest, failure := p.commands(now, cell)
	if failure != nil || now.reason() != "" {
		return p.stopped(now, failure)
	}
	prepared := rest.Prepare()
	if fault := rest.Fault(); fault != nil {
		return &diagnose.Failure{Name: "CommandError", Value: fault.Error(), Traceback: []string{"\x1b[31mCommandError\x1b[0m: " + fault.Error()}}
	}
	if prepared.Result && p.cells.valueless(prepared.Callee) {
		prepared = prepared.Plain()
	}
	for {
		failure, again := p.hand(now, rest, prepared, content, count)
		if again {
			p.cells.noteValueless(prepared.Callee)
			prepared = prepared.Plain()
			continue
		}
		if failure == nil {
			p.showResult(now, count)
			p.afterCell(now, rest)
		}
		return p.stopped(now, failure)
	}
}

// stopped replaces whatever a cell failed with, when the kernel made it fail.
func (p *proxy) stopped(now *run, failure *diagnose.Failure) *diagnose.Failure {
	switch why := now.reason(); why {
	case "":
		return failure
	case interrupted:
		return &diagnose.Failure{Name: "Interrupt", Value: "the cell was stopped", Traceback: []string{"\x1b[31mInterrupt\x1b[0m: the cell was stopped"}}
	default:
		return &diagnose.Failure{Name: "LimitError", Value: why, Traceback: []string{"\x1b[31mLimitError\x1b[0m: " + why}}
	}
}

// badEnd is how GoNB says that a program ended badly.
const badEnd = `(exit status \d+|signal: [A-Za-z0-9 ]+)( \(core dumped\))?`

// ends recognises that in a reply; everything else that GoNB says there is of building the program.
var ends = regexp.MustCompile(`^` + badEnd + `$`)

// hand gives GoNB the prepared cell and waits. again is true when the cell is to be handed once more, without showing its last expression.
func (p *proxy) hand(now *run, cell *source.Cell, prepared source.Prepared, content executeRequest, count int) (failure *diagnose.Failure, again bool) {
	p.clearResult()
	m := behind(now.request.Message)
	forGoNB := content
	forGoNB.Code, forGoNB.Silent, forGoNB.StoreHistory = prepared.Code, false, true // GoNB counts each cell, so that its errors name one
	m.Content = raw(forGoNB)
	reply, err := p.askGoNB(now, m)
	now.mu.Lock()
	defer now.mu.Unlock()
	if err != nil {
		now.out.release()
		return kernelError(now.blame(err)), false
	}
	p.cells.mu.Lock()
	p.cells.ran[reply.Count] = ranCell{content.Code, count, prepared.Line}
	p.cells.mu.Unlock()
	switch {
	case reply.Status == "ok":
		now.out.release()
		p.cells.learn(cell)
		return nil, false
	case ends.MatchString(reply.Value):
		p.cells.learn(cell) // it was compiled: GoNB keeps what it declares
		now.out.flush()
		f := p.context(reply.Count).Run(now.out.held.String(), reply.Value)
		return &f, false
	}
	now.out.release()
	p.cells.learnCommands(cell) // GoNB carried them out before it compiled
	if prepared.Result && diagnose.NeedsPlain(reply.Value) {
		return nil, true
	}
	f := p.context(reply.Count).Build(reply.Value, reply.Traceback)
	return &f, false
}

// askGoNB sends an execute_request and waits for the reply, however long: GoNB ends a cell that the kernel stops.
func (p *proxy) askGoNB(now *run, m *wire.Message) (reply Reply, err error) {
	for began, tried := false, false; ; tried = true {
		client, err := p.gonb.acquire(now.ctx)
		if err != nil {
			return reply, err
		}
		answer, err := client.pass(context.WithoutCancel(now.ctx), m, func(m *wire.Message) { began = true; now.take(m) })
		if errors.Is(err, errUnsent) || errors.Is(err, ErrGone) && !began && !tried && now.ctx.Err() == nil {
			continue // it died while it had nothing to do, and had not begun, or it would have said busy; the next one gets the cell
		}
		if err != nil {
			return reply, err
		}
		return reply, answer.Decode(&reply)
	}
}

// blame says why GoNB gave no answer.
func (r *run) blame(err error) string {
	switch {
	case !errors.Is(err, ErrGone):
		return err.Error()
	case r.ctx.Err() != nil && r.why == "":
		return "the kernel was told to end"
	}
	return "GoNB ended while it worked on this cell and was started again; it knows the declarations of the cells before"
}

func kernelError(text string) *diagnose.Failure {
	return &diagnose.Failure{Name: "KernelError", Value: text, Traceback: []string{"\x1b[31mKernelError\x1b[0m: " + text}}
}

// context is what diagnose may look at.
func (p *proxy) context(id int) diagnose.Context {
	return diagnose.Context{Source: p.cells.source, Current: id, Workspace: p.dir, Cells: p.cells.ids, Module: p.cfg.Module}
}

// resultFile is where package cell leaves the value of a cell's last expression.
func (p *proxy) resultFile() string { return filepath.Join(p.dir, "result.json") }

func (p *proxy) clearResult() { _ = os.Remove(p.resultFile()) }

// showResult publishes what the cell's last expression gave, if it ended in one. A cell that called cell.Result itself has left several
// lines; Jupyter knows one result a cell, and the others are shown before it.
func (p *proxy) showResult(now *run, count int) {
	data, err := os.ReadFile(p.resultFile())
	if err != nil {
		return // the cell ended in a statement
	}
	p.clearResult()
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	now.mu.Lock()
	defer now.mu.Unlock()
	for i, line := range lines {
		var bundle struct {
			Data     map[string]any `json:"data"`
			Metadata map[string]any `json:"metadata"`
		}
		if err := json.Unmarshal(line, &bundle); err != nil || len(bundle.Data) == 0 {
			p.logf("a result was dropped: %v", err)
			continue
		}
		if bundle.Metadata == nil {
			bundle.Metadata = map[string]any{}
		}
		if i < len(lines)-1 {
			now.out.publish("display_data", map[string]any{"data": bundle.Data, "metadata": bundle.Metadata, "transient": map[string]any{}})
			continue
		}
		now.out.publish("execute_result", map[string]any{"data": bundle.Data, "metadata": bundle.Metadata, "execution_count": count})
		if text, ok := bundle.Data["text/plain"].(string); ok {
			p.history.result(text)
		}
	}
}
