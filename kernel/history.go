package kernel

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
)

// remembered is how many cells of earlier sessions a kernel reads when it starts.
const remembered = 1000

// history is what was run in this session and in those before it: front ends offer it at the up arrow. Earlier sessions are in a file of
// lines of JSON, to which each cell is appended.
type history struct {
	mu      sync.Mutex
	session int // of this kernel; one more than the last in the file
	entries []entry
	file    string // "" keeps nothing beyond this session
	warned  bool
	log     func(format string, args ...any)
}

// entry is one cell that was run.
type entry struct {
	Session int    `json:"session"`
	Line    int    `json:"line"` // its count
	Input   string `json:"input"`
	Output  string `json:"-"` // its result as text, "" if it had none
}

// openHistory reads file, which need not exist.
func openHistory(file string, log func(string, ...any)) *history {
	h := &history{session: 1, file: file, log: log}
	if file == "" {
		return h
	}
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		h.warn(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<26) // a cell is one line
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Session > 0 { // a line that was cut by a full disk is no reason to lose the others
			h.entries = append(h.entries, e)
			h.session = max(h.session, e.Session+1)
		}
	}
	if len(h.entries) > 2*remembered {
		h.entries = h.entries[len(h.entries)-remembered:]
		h.shorten()
	}
	return h
}

// shorten rewrites the file with what is still remembered.
func (h *history) shorten() {
	var all bytes.Buffer
	for _, e := range h.entries {
		line, err := json.Marshal(e)
		if err == nil {
			all.Write(append(line, '\n'))
		}
	}
	temporary := h.file + fmt.Sprintf(".%d.part", os.Getpid())
	if err := os.WriteFile(temporary, all.Bytes(), 0o600); err != nil {
		h.warn(err)
		_ = os.Remove(temporary)
		return
	}
	if err := os.Rename(temporary, h.file); err != nil {
		h.warn(err)
	}
}

// warn says once that the history will not outlive the session; nothing else suffers from it.
func (h *history) warn(err error) {
	if !h.warned && h.log != nil {
		h.log("history: %v", err)
	}
	h.warned = true
}

// add notes a cell when it is run. In one write, so that the lines of two kernels do not mix.
func (h *history) add(line int, input string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := entry{Session: h.session, Line: line, Input: input}
	h.entries = append(h.entries, e)
	if h.file == "" {
		return
	}
	text, err := json.Marshal(e)
	if err == nil {
		err = appendTo(h.file, append(text, '\n'))
	}
	if err != nil {
		h.warn(err)
	}
}

func appendTo(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// result notes what the latest cell showed.
func (h *history) result(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.entries); n > 0 {
		h.entries[n-1].Output = text
	}
}

// historyRequest is the content of a history_request.
type historyRequest struct {
	Output  bool   `json:"output"`
	Access  string `json:"hist_access_type"`
	Session int    `json:"session"` // 0 is this one, -1 the one before it
	Start   int    `json:"start"`
	Stop    *int   `json:"stop"` // nil: to the end
	N       int    `json:"n"`
	Pattern string `json:"pattern"`
	Unique  bool   `json:"unique"`
}

func (p *proxy) tellHistory(r request) {
	var asked historyRequest
	if err := r.Decode(&asked); err != nil {
		p.reply(r, "history_reply", map[string]any{"status": "error", "ename": "BadRequest", "evalue": err.Error(), "traceback": []string{}, "history": []any{}})
		return
	}
	rows := [][3]any{}
	for _, e := range p.history.find(asked) {
		row := [3]any{e.Session, e.Line, e.Input}
		if asked.Output {
			row[2] = [2]any{e.Input, nilIfEmpty(e.Output)}
		}
		rows = append(rows, row)
	}
	p.reply(r, "history_reply", map[string]any{"status": "ok", "history": rows})
}

func nilIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// find selects entries, oldest first.
func (h *history) find(asked historyRequest) []entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []entry
	switch asked.Access {
	case "range":
		session := asked.Session
		if session <= 0 {
			session += h.session
		}
		for _, e := range h.entries {
			if e.Session == session && e.Line >= asked.Start && (asked.Stop == nil || e.Line < *asked.Stop) {
				found = append(found, e)
			}
		}
		return found
	case "tail":
		found = h.entries
	case "search":
		for _, e := range h.entries {
			if match, err := path.Match(glob(asked.Pattern), flat(e.Input)); err == nil && match {
				found = append(found, e)
			}
		}
		if asked.Unique {
			found = latest(found)
		}
	}
	if asked.N > 0 && len(found) > asked.N {
		found = found[len(found)-asked.N:]
	}
	return append([]entry(nil), found...)
}

// glob is IPython's pattern for path.Match: there a star also stands for a slash, and nothing but stars and question marks is special.
func glob(pattern string) string {
	var out []rune
	for _, c := range flat(pattern) {
		if c == '[' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// flat replaces slashes, which path.Match treats as borders.
func flat(s string) string {
	out := []rune(s)
	for i, c := range out {
		if c == '/' {
			out[i] = '\x00'
		}
	}
	return string(out)
}

// latest keeps of equal inputs the one that was run last.
func latest(all []entry) []entry {
	seen := map[string]bool{}
	var kept []entry
	for i := len(all) - 1; i >= 0; i-- {
		if !seen[all[i].Input] {
			seen[all[i].Input] = true
			kept = append([]entry{all[i]}, kept...)
		}
	}
	return kept
}
