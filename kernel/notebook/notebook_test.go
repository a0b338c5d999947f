package notebook

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"transferlab/kernel/wire"
)

func TestParse(t *testing.T) {
	data, err := os.ReadFile("testdata/python.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	nb, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(nb.Cells) != 3 || nb.Cells[0].Kind != Markdown || nb.Cells[0].Source != "# Title\n\nα < β" {
		t.Errorf("%+v", nb.Cells[0])
	}
	c := nb.Cells[1]
	if c.Kind != Code || c.Count != 3 || len(c.Outputs) != 4 || c.Outputs[0].Text != "one\ntwo\n" {
		t.Errorf("%+v", c)
	}
	if got := c.Outputs[1].DataText("text/plain"); got != "<Figure>" {
		t.Error(got)
	}
	if c.Outputs[3].ErrValue != "division by zero" || nb.Cells[2].Count != 0 {
		t.Errorf("%+v", c.Outputs[3])
	}
	if nb.Language() != "python" || (&Notebook{}).Language() != "" {
		t.Errorf("language %q", nb.Language())
	}
	back, err := nb.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if string(back) != string(data) {
		t.Errorf("nbformat wrote this file; written again it differs:\n%s", back)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"", "unexpected end"},
		{"{\n\n\"cells\": [}", "line 3"},
		{`[]`, "cannot unmarshal"},
		{`{"nbformat":3,"worksheets":[]}`, "nbformat 3"},
		{`{"nbformat":4,"cells":[{"cell_type":"heading","source":""}]}`, `cell 1: cell_type "heading"`},
		{`{"nbformat":4,"cells":[{"cell_type":"code","source":7}]}`, "neither a string"},
		{`{"nbformat":4,"cells":[{"cell_type":"code","source":"","outputs":[{"output_type":"pyout"}]}]}`, `"pyout"`},
		{`{"nbformat":4,"cells":[{"cell_type":"code","source":"","outputs":[{"output_type":"error"}]}]}`, "without ename"},
	} {
		if _, err := Parse([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.data, err, c.want)
		}
	}
}

func TestIDsAreValidAndUnique(t *testing.T) {
	nb := &Notebook{}
	for _, id := range []string{"", "a b", "same", "same", "cell-4", strings.Repeat("x", 65)} {
		nb.Cells = append(nb.Cells, &Cell{ID: id, Kind: Markdown})
	}
	data, err := nb.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range back.Cells {
		if !validID(c.ID) || seen[c.ID] {
			t.Errorf("id %q", c.ID)
		}
		seen[c.ID] = true
	}
}

func message(t testing.TB, msgType, content string) *wire.Message {
	m, err := wire.New("s", msgType, json.RawMessage(content))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// record plays messages, written "type {content}", into one cell.
func record(t testing.TB, r *Recorder, cell *Cell, messages ...string) {
	r.Begin(cell)
	for _, m := range messages {
		msgType, content, _ := strings.Cut(m, " ")
		if _, err := r.Message(message(t, msgType, content)); err != nil {
			t.Fatal(err)
		}
	}
	r.End()
}

// show renders outputs on one line.
func show(outputs []*Output) string {
	var parts []string
	for _, o := range outputs {
		switch o.Kind {
		case Stream:
			parts = append(parts, fmt.Sprintf("%s %q", o.Name, o.Text))
		case Error:
			parts = append(parts, "error "+o.ErrValue)
		default:
			parts = append(parts, o.Kind+" "+o.DataText("text/plain"))
		}
	}
	return strings.Join(parts, "; ")
}

func TestRecorder(t *testing.T) {
	text := func(name, s string) string {
		b, _ := json.Marshal(map[string]string{"name": name, "text": s})
		return "stream " + string(b)
	}
	plain := func(kind, s, id string) string {
		return fmt.Sprintf(`%s {"data":{"text/plain":%q},"transient":{"display_id":%q}}`, kind, s, id)
	}
	for _, c := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"streams join", []string{text("stdout", "a"), text("stdout", "b\n"), text("stderr", "c"), text("stdout", "d")},
			`stdout "ab\n"; stderr "c"; stdout "d"`},
		{"carriage return", []string{text("stdout", "epoch 1\repo"), text("stdout", "ch 2"), text("stdout", "\rE"), text("stdout", "\n")}, `stdout "Epoch 2\n"`},
		{"carriage return at the end", []string{text("stdout", "10%\r"), text("stdout", "20%\r"), text("stdout", "100%\r")}, `stdout "100%"`},
		{"many small pieces", slices.Repeat([]string{text("stdout", "."), text("stdout", "\r")}, 50), `stdout "."`},
		{"carriage return and newline", []string{text("stdout", "dos\r\nline\r"), text("stdout", "\nx")}, `stdout "dos\nline\nx"`},
		{"erase line", []string{text("stdout", "a long line"), text("stdout", "\r\x1b[Kshort")}, `stdout "short"`},
		{"backspace", []string{text("stdout", "ab\b\bcd\b!")}, `stdout "c!"`},
		{"only its own line", []string{text("stdout", "kept\nx\ry")}, `stdout "kept\ny"`},
		{"update", []string{plain("display_data", "1", "p"), text("stdout", "x"), plain("update_display_data", "2", "p"), plain("update_display_data", "3", "p")},
			`display_data 3; stdout "x"`},
		{"update of nothing", []string{plain("update_display_data", "2", "unknown")}, ``},
		{"clear", []string{text("stdout", "x"), `clear_output {"wait":false}`}, ``},
		{"clear and wait", []string{text("stdout", "x"), `clear_output {"wait":true}`, text("stdout", "y")}, `stdout "y"`},
		{"clear that waits for ever", []string{text("stdout", "x"), `clear_output {"wait":true}`}, `stdout "x"`},
		{"error", []string{`error {"ename":"ERROR","evalue":"no","traceback":["l"]}`}, `error no`},
		{"result", []string{`execute_result {"data":{"text/plain":["a\n","b"]},"execution_count":2}`}, "execute_result a\nb"},
		{"others", []string{`status {"execution_state":"busy"}`, `comm_open {"comm_id":"x"}`, `execute_input {"execution_count":7}`}, ``},
	} {
		cell := &Cell{Kind: Code}
		record(t, &Recorder{}, cell, c.messages...)
		if got := show(cell.Outputs); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if c.name == "others" && cell.Count != 7 {
			t.Errorf("count %d", cell.Count)
		}
	}
}

func TestUpdateReachesAnEarlierCell(t *testing.T) {
	r, first, second := &Recorder{}, &Cell{Kind: Code}, &Cell{Kind: Code}
	record(t, r, first, `display_data {"data":{"text/plain":"old"},"transient":{"display_id":"d"}}`)
	record(t, r, second, `update_display_data {"data":{"text/plain":"new"},"transient":{"display_id":"d"}}`)
	if got := show(first.Outputs) + "|" + show(second.Outputs); got != "display_data new|" {
		t.Error(got)
	}
}

func TestFloodIsBounded(t *testing.T) {
	r, cell := &Recorder{}, &Cell{Kind: Code}
	r.Begin(cell)
	piece := message(t, "stream", `{"name":"stdout","text":"`+strings.Repeat("ü", 1000)+`"}`)
	for range 3 * StreamLimit / 2000 {
		if _, err := r.Message(piece); err != nil {
			t.Fatal(err)
		}
	}
	r.End()
	if n := len(cell.Outputs); n != 2 || len(cell.Outputs[0].Text) > StreamLimit || len(cell.Outputs[0].Text) < StreamLimit-2 {
		t.Fatalf("%d outputs, %d bytes", n, len(cell.Outputs[0].Text))
	}
	if !strings.Contains(cell.Outputs[1].Text, "were not kept") {
		t.Error(cell.Outputs[1].Text)
	}
}

// FuzzParse: no input panics, and what is accepted survives being written and read.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/python.ipynb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"nbformat":4,"cells":[{"cell_type":"code","source":["a\n","b"],"execution_count":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Parse(data)
		if err != nil {
			return
		}
		once, err := nb.Bytes()
		if err != nil {
			t.Fatalf("accepted but not written: %v", err)
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("own bytes refused: %v\n%s", err, once)
		}
		twice, err := again.Bytes()
		if err != nil || !reflect.DeepEqual(once, twice) {
			t.Fatalf("not stable: %v\n%s\n%s", err, once, twice)
		}
	})
}

// FuzzScreen: overwriting gives the same text however the output was cut into messages.
func FuzzScreen(f *testing.F) {
	f.Add("ab\rc\n\bd\r", uint8(2))
	f.Fuzz(func(t *testing.T, s string, at uint8) {
		if strings.ContainsRune(s, '\x1b') || !json.Valid([]byte(fmt.Sprintf("%q", s))) || strings.ContainsRune(s, '\uFFFD') {
			return // an escape or a rune may be cut in two: what a terminal then shows depends on the cut
		}
		runes := []rune(s)
		cut := len(string(runes[:min(int(at), len(runes))]))
		var whole, parts screen
		whole.write(s)
		parts.write(s[:cut])
		parts.write(s[cut:])
		if whole.String() != parts.String() {
			t.Errorf("%q at once, %q in parts", whole.String(), parts.String())
		}
	})
}
