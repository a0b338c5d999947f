package kernel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"transferlab/kernel/source"
	"transferlab/kernel/wire"
)

// gonbCommands are the names that GoNB's specialcmd package knows, for completion of lines that begin with %.
var gonbCommands = []string{"args", "autoget", "capture", "cd", "env", "goflags", "goworkfix", "help", "list", "ls", "main", "noautoget", "remove",
	"reset", "rm", "test", "track", "untrack", "version", "wasm", "widgets", "widgets_hb", "with_inputs", "with_password"}

// gonbCells are those that a cell may begin with.
var gonbCells = []string{"%%", "%%bash", "%%script", "%%sh", "%%writefile"}

// cursorRequest is the content of complete_request and inspect_request.
type cursorRequest struct {
	Code   string `json:"code"`
	Cursor int    `json:"cursor_pos"` // in characters
	Detail int    `json:"detail_level"`
}

// answerTime is how long gopls may take. It reads all that a cell may import before its first answer; but while it thinks, GoNB does nothing
// else, and cells wait.
const answerTime = 30 * time.Second

// complete answers at once where the cursor is in the name of a command; Go is gopls's to complete.
func (p *proxy) complete(ctx context.Context, r request) {
	var asked cursorRequest
	_ = r.Decode(&asked) // without content nothing matches
	asked.Cursor = min(max(asked.Cursor, 0), len([]rune(asked.Code)))
	if start, matches, special := p.completeCommand(asked); special {
		p.reply(r, "complete_reply", map[string]any{"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": asked.Cursor, "metadata": map[string]any{}})
		return
	}
	p.ask(ctx, r, asked, map[string]any{"status": "ok", "matches": []string{}, "cursor_start": asked.Cursor, "cursor_end": asked.Cursor, "metadata": map[string]any{}})
}

func (p *proxy) inspect(ctx context.Context, r request) {
	var asked cursorRequest
	_ = r.Decode(&asked) // without content nothing is found
	asked.Cursor = min(max(asked.Cursor, 0), len([]rune(asked.Code)))
	p.ask(ctx, r, asked, map[string]any{"status": "ok", "found": false, "data": map[string]any{}, "metadata": map[string]any{}})
}

// ask forwards a question about code to GoNB; nothing is the reply if it has none.
func (p *proxy) ask(ctx context.Context, r request, asked cursorRequest, nothing map[string]any) {
	replyType := replyTo(r.Header.Type)
	if strings.TrimSpace(asked.Code) == "" { // GoNB has no reply to that
		p.reply(r, replyType, nothing)
		return
	}
	now := p.begin(ctx, nil, nil)
	defer p.finish(now)
	arranged, shift := arrange(asked)
	m := behind(r.Message)
	m.Content = raw(arranged)
	answer, err := p.question(now.ctx, m)
	if err != nil {
		p.reply(r, replyType, nothing)
		return
	}
	var content map[string]any
	if answer.Decode(&content) != nil || content["status"] != "ok" || isComplaint(content["data"]) {
		content = nothing // gopls could make nothing of the code; for the user that is no error
	}
	for _, key := range []string{"cursor_start", "cursor_end"} {
		if at, found := content[key].(float64); found {
			content[key] = int(at) - shift
		}
	}
	p.reply(r, replyType, content)
}

// question puts a question about code to GoNB, and through it to gopls, within answerTime.
func (p *proxy) question(ctx context.Context, m *wire.Message) (*wire.Message, error) {
	client, err := p.gonb.acquire(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := client.pass(ctx, m, func(*wire.Message) {})
	if errors.Is(err, context.DeadlineExceeded) {
		p.logf("gopls answers no %s; GoNB, which would wait for it, is started again", m.Header.Type)
		p.gonb.kill()
	}
	return answer, err
}

// arrange is what GoNB is to see of a cell, with %% before its statements, and how many characters stand before the cursor more than in the cell.
func arrange(asked cursorRequest) (arranged cursorRequest, shift int) {
	prepared := source.Parse(asked.Code).Prepare().Plain()
	before := string([]rune(asked.Code)[:asked.Cursor])
	line, column := strings.Count(before, "\n"), len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	at := 0
	for i, text := range strings.Split(prepared.Code, "\n") {
		length := len([]rune(text))
		if prepared.Line(i) == line {
			arranged = cursorRequest{Code: prepared.Code, Cursor: at + min(column, length), Detail: asked.Detail}
			return arranged, arranged.Cursor - asked.Cursor
		}
		at += length + 1
	}
	return asked, 0
}

// isComplaint reports whether an inspection found only that gopls could not read the code.
func isComplaint(data any) bool {
	bundle, _ := data.(map[string]any)
	text, _ := bundle["text/plain"].(string)
	return strings.HasPrefix(text, "gopls ") || strings.Contains(text, "expected declaration, found") || strings.HasPrefix(text, "Failed to inspect")
}

// completeCommand completes the name of a command. special is false if the cursor is not in one.
func (p *proxy) completeCommand(asked cursorRequest) (start int, matches []string, special bool) {
	before := string([]rune(asked.Code)[:asked.Cursor])
	line := before[strings.LastIndexByte(before, '\n')+1:]
	if !strings.HasPrefix(line, "%") || strings.ContainsAny(line, " \t") {
		return 0, nil, false
	}
	names := slices.Clone(gonbCells)
	for _, name := range gonbCommands {
		names = append(names, "%"+name)
	}
	for _, c := range p.ownCommands() {
		names = append(names, "%"+c.Name)
	}
	matches = []string{}
	for _, name := range names {
		if strings.HasPrefix(name, line) {
			matches = append(matches, name)
		}
	}
	slices.Sort(matches)
	return asked.Cursor - len([]rune(line)), matches, true
}
