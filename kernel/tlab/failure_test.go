package main

import (
	"strings"
	"testing"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
)

func TestFailed(t *testing.T) {
	first, second := &notebook.Cell{}, &notebook.Cell{}
	c := &course{job: job{path: "n.ipynb"}, code: []*notebook.Cell{first, second}, ran: map[int]*notebook.Cell{3: first, 4: second}}
	for _, one := range []struct {
		reply kernel.Reply
		want  string
	}{
		{kernel.Reply{Name: "panic", Value: "p", Traceback: []string{"\x1b[31mpanic\x1b[0m: p", "", "in cell [4], line 1 ", "→ 1 │ f()"}},
			"n.ipynb: cell 2, line 1:\n  panic: p\n\n  in cell [4], line 1\n  → 1 │ f()"},
		{kernel.Reply{Name: "panic", Value: "p", Traceback: []string{"panic: p", "\x1b[32min cell [3], line 7, in f\x1b[0m", "called from cell [4], line 1"}},
			"n.ipynb: cell 1, line 7:\n  panic: p\n  in cell [3], line 7, in f\n  called from cell [4], line 1"},
		{kernel.Reply{Name: "panic", Value: "p", Traceback: []string{"a\nb\n"}}, "n.ipynb: cell 2 failed:\n  a\n  b"},
		{kernel.Reply{Name: "Killed", Value: "why"}, "n.ipynb: cell 2 failed:\n  Killed: why"},
	} {
		if got := c.failed(second, one.reply); got != one.want {
			t.Errorf("got %q, want %q", got, one.want)
		}
	}
}

func TestHeadline(t *testing.T) {
	for source, want := range map[string]string{
		"%%\nfmt.Println(1)":           "fmt.Println(1)",
		"\n  \nx := 1\n":               "x := 1",
		"import (\n\t\"fmt\"\n)":       "import (\"fmt\"",
		"%noautoget":                   "%noautoget",
		"%% --flag\n\n// why\nf()":     "// why",
		"var (\n\n\ta = 1\n\tb = 2\n)": "var (a = 1",
		"f(\n\tx)":                     "f(x)",
		"":                             "",
	} {
		if got := headline(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
	if got := clip(strings.Repeat("é", 10), 4); got != "ééé…" {
		t.Error(got)
	}
}
