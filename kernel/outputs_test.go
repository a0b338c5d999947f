package kernel

import (
	"slices"
	"strings"
	"testing"

	"transferlab/kernel/wire"
	"transferlab/plots"
)

// TestDisplayIDs: an id that an earlier run used makes a display of its own.
func TestDisplayIDs(t *testing.T) {
	s := session(t)
	code := "import \"github.com/janpfeifer/gonb/gonbui\"\n%%\ngonbui.UpdateHtml(\"same\", \"1\")\ngonbui.UpdateHtml(\"same\", \"2\")"
	var ids []string
	for range 2 {
		var types []string
		_, err := s.Execute(t.Context(), code, func(m *wire.Message) {
			var c displayContent
			if m.Decode(&c) == nil && c.Transient["display_id"] != nil {
				types = append(types, m.Header.Type)
				ids = append(ids, c.Transient["display_id"].(string))
			}
		})
		if err != nil || !slices.Equal(types, []string{"display_data", "update_display_data"}) {
			t.Errorf("%v %q", err, types)
		}
	}
	if len(ids) != 4 || ids[0] != ids[1] || ids[2] != ids[3] || ids[0] == ids[2] {
		t.Errorf("%q", ids)
	}
}

// TestUpdateBeside: an answer to a widget's message updates the display of the running cell, and no other.
func TestUpdateBeside(t *testing.T) {
	var sent []string
	out := newOutputs(1<<20, nil, func(m *wire.Message) {
		var c displayContent
		if err := m.Decode(&c); err != nil {
			t.Error(err)
		}
		sent = append(sent, c.Transient["display_id"].(string))
	})
	message := func(id string) *wire.Message {
		m, err := wire.New("s", "update_display_data", map[string]any{"data": map[string]string{"text/html": ""}, "transient": map[string]string{"display_id": id}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	now := &run{out: out}
	now.take(message("script"))
	if !now.update(message("script")) || now.update(message("of another cell")) || (&run{}).update(message("script")) {
		t.Error("update took the wrong ones")
	}
	if len(sent) != 2 || sent[0] != sent[1] {
		t.Errorf("sent %q", sent)
	}
}

func TestClearOutput(t *testing.T) {
	if clearMIME != plots.ClearMIME {
		t.Fatal("plots and the kernel speak of different messages")
	}
	s := session(t)
	var got []string
	_, err := s.Execute(t.Context(), "import \"transferlab/plots\"\n%%\nfmt.Println(1)\nplots.Clear(false)\nplots.Clear(true)", func(m *wire.Message) {
		if m.Header.Type == "clear_output" || m.Header.Type == "display_data" {
			got = append(got, string(m.Content))
		}
	})
	if err != nil || !slices.Equal(got, []string{`{"wait":false}`, `{"wait":true}`}) {
		t.Errorf("%v %q", err, got)
	}
}

// TestOutputs feeds stderr in pieces: what belongs to a panic is held, everything else shown at once.
func TestOutputs(t *testing.T) {
	for _, c := range []struct {
		pieces      []string
		shown, held string
	}{
		{[]string{"plain\n", "more"}, "plain\nmore", ""},
		{[]string{"before\n", "panic: ", "oh", "\n\ngoroutine 1 [running]:\n"}, "before\n", "panic: oh\n\ngoroutine 1 [running]:\n"},
		{[]string{"before\npanic: oh\n"}, "before\n", "panic: oh\n"},
		{[]string{"no panic: here\n"}, "no panic: here\n", ""},
		{[]string{"half a line ", "panic: in it\n"}, "half a line ", "panic: in it\n"}, // a write of its own
		{[]string{"pan", "ic: oh\n"}, "", "panic: oh\n"},
		{[]string{"pan", "cake\n"}, "pancake\n", ""},
		{[]string{"a\x1b[2Jb"}, "a[clear]b", ""},
		{[]string{"fatal error: all goroutines are asleep - deadlock!\n", "exit status 2\n"}, "", "fatal error: all goroutines are asleep - deadlock!\n"},
		{[]string{"exit status 2\n", "printed by the user\n"}, "exit status 2\nprinted by the user\n", ""},
	} {
		var shown strings.Builder
		o := newOutputs(1<<20, func(msgType string, content any) {
			if msgType == "clear_output" {
				shown.WriteString("[clear]")
				return
			}
			shown.WriteString(content.(stream).Text)
		}, nil)
		for _, piece := range c.pieces {
			m, err := wire.New("s", "stream", stream{"stderr", piece})
			if err != nil {
				t.Fatal(err)
			}
			o.take(m)
		}
		if shown.String() != c.shown || o.held.String() != c.held {
			t.Errorf("%q: shown %q, held %q", c.pieces, shown.String(), o.held.String())
		}
	}
}

// TestArrange: the cursor stays where it was in the text, whatever stands before it.
func TestArrange(t *testing.T) {
	for _, code := range []string{"fmt.Pr|", "x := 5\nfmt.Pr|\ny := 6", "import \"fmt\"\nvar größe = 1\nfmt.Print(\"ü\").|", "%%\nfmt.Pr|", "func f() { fmt.| }", "|", ""} {
		before, after, _ := strings.Cut(code, "|")
		asked := cursorRequest{Code: before + after, Cursor: len([]rune(before))}
		got, shift := arrange(asked)
		text := []rune(got.Code)
		line := before[strings.LastIndexByte(before, '\n')+1:]
		if shift != got.Cursor-asked.Cursor || !strings.HasSuffix(string(text[:got.Cursor]), line) || !strings.HasPrefix(string(text[got.Cursor:]), after) {
			t.Errorf("%q: %q at %d, shift %d", code, got.Code, got.Cursor, shift)
		}
		if before == "fmt.Pr" && !strings.HasPrefix(got.Code, "%%\n") {
			t.Errorf("%q: %q lacks %%%%", code, got.Code)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"8GB": 8e9, "1.5 MB": 15e5, "4GiB": 4 << 30, "100": 100, "2k": 2000} {
		if n, err := ParseBytes(text); n != want || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "8XB", "0", "1e30", "NaN"} {
		if n, err := ParseBytes(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}
