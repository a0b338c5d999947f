package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
)

func TestExplain(t *testing.T) {
	program := filepath.Join(t.TempDir(), "gonb_0a1b2c3d")
	if err := os.Mkdir(program, 0o700); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(program, "main.go")
	if err := os.WriteFile(program, []byte("package main\n\nfunc main() {\n\tm[\"x\"] = 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	earlier := &notebook.Cell{Kind: notebook.Code, Source: "func f() {\n\tpanic(\"in f\")\n}"}
	stderr := func(text string) []*notebook.Output {
		return []*notebook.Output{{Kind: notebook.Stream, Name: "stderr", Text: text}}
	}
	for _, c := range []struct {
		name    string
		source  string
		outputs []*notebook.Output
		reply   kernel.Reply
		want    string
	}{
		{"compile error", "%%\nx := 1\ny = 2", nil,
			kernel.Reply{Value: "# gonb\n./main.go:13:1: …", Traceback: []string{"# gonb", "Cell[5]: Line 3\nfunc main() {\n\n\x1b[31mundefined: y\x1b[0m"}},
			"n.ipynb: cell 2, line 3:\n    y = 2\n  undefined: y"},
		{"panic", "%%\nf()", stderr("panic: in f\n\ngoroutine 1 [running]:\nmain.f()\n\t \x1b[7m[[ Cell [2] Line 2 ]]\x1b[0m /tmp/gonb_1/main.go:9\nexit status 2\n"),
			kernel.Reply{Value: "exit status 2", Traceback: []string{"exit status 2"}},
			"n.ipynb: cell 1, line 2:\n    panic(\"in f\")\n  in f"},
		{"panic with an error of two lines", "%%\nf()", stderr("panic: tl: load: no\n\tremedy: yes\n\ngoroutine 1 [running]:\n"),
			kernel.Reply{Value: "exit status 2", Traceback: []string{"exit status 2"}},
			"n.ipynb: cell 2\n  tl: load: no\n  \tremedy: yes"},
		{"trace that GoNB did not mark", "%%\nvar m map[string]int\nm[\"x\"] = 1", stderr("panic: nil map\n\ngoroutine 1 [running]:\nmain.main()\n\t" + program + ":4 +0xad\n"),
			kernel.Reply{Value: "exit status 2", Traceback: []string{"exit status 2"}},
			"n.ipynb: cell 2, line 3:\n    m[\"x\"] = 1\n  nil map"},
		{"program is gone", "%%\nx()", stderr("panic: p\n\ngoroutine 1 [running]:\n\t/nowhere/gonb_1/main.go:4 +0xad\n"),
			kernel.Reply{Value: "exit status 2"}, "n.ipynb: cell 2\n  p"},
		{"exit", "%%\nlog.Fatal(1)", stderr("2026 giving up\nexit status 1\n"), kernel.Reply{Value: "exit status 1"},
			"n.ipynb: cell 2\n  2026 giving up (exit status 1)"},
		{"silent exit", "%%\nos.Exit(3)", nil, kernel.Reply{Value: "exit status 3"}, "n.ipynb: cell 2\n  exit status 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cell := &notebook.Cell{Kind: notebook.Code, Source: c.source, Outputs: c.outputs}
			ran := map[int]*notebook.Cell{2: earlier, 5: cell}
			number := func(x *notebook.Cell) int { return map[*notebook.Cell]int{earlier: 1, cell: 2}[x] }
			if got := explain(cell, c.reply, ran).report("n.ipynb", number); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
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
