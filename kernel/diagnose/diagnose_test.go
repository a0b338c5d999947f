package diagnose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/kernel/diagnose"
)

func BenchmarkBuild(b *testing.B) {
	s := sessions(b)["packages"]
	for b.Loop() {
		for _, f := range s.Failures {
			s.context(f.ID, s.Workspace).Build(f.Value, f.Traceback)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(s.Failures)), "ms/reply")
}

// BenchmarkLongSession: an unknown name is looked for in a thousand cells.
func BenchmarkLongSession(b *testing.B) {
	c := diagnose.Context{Current: 1000, Module: "../.."}
	c.Source = func(id int) (string, int, func(int) int, bool) {
		return fmt.Sprintf("func f%d() {}\n%%%%\nx%d := f()\n%s", id, id, strings.Repeat("fmt.Println(1, 2)\n", 20)), id, nil, true
	}
	c.Cells = func() (ids []int) {
		for i := range 1000 {
			ids = append(ids, i+1)
		}
		return ids
	}
	for b.Loop() {
		f := c.Build("# gonb_12345678\n./main.go:13:13: undefined: nowhere\n", nil)
		if f.Name != "CompileError" {
			b.Fatal(f)
		}
	}
}

// cells is a context of cells given by their texts, the first with id 1; the last one failed.
func cells(texts ...string) diagnose.Context {
	return diagnose.Context{
		Source: func(id int) (string, int, func(int) int, bool) {
			if id < 1 || id > len(texts) {
				return "", 0, nil, false
			}
			return texts[id-1], id, func(line int) int { return line }, true
		},
		Cells: func() (ids []int) {
			for i := range texts {
				ids = append(ids, i+1)
			}
			return ids
		},
		Current: len(texts),
		Module:  "../..",
	}
}

// reply is what GoNB answers about one line of a composed program.
func reply(id, line int, composed string, column int, message string) (string, []string) {
	context := "a\nb\nc\n" + composed + "\n" + strings.Repeat(" ", column-1) + "^\nd\n"
	return fmt.Sprintf("# gonb_12345678\n./main.go:20:%d: %s\n", column, message),
		[]string{"# gonb_12345678", fmt.Sprintf("Cell[%d]: Line %d\n%s\n\x1b[31m%s\x1b[0m", id, line, context, message), ""}
}

func shown(f diagnose.Failure) string {
	return colours.ReplaceAllString(strings.Join(f.Traceback, "\n"), "")
}

// A kernel that puts lines before the user's and wraps the last expression is not seen in what people read.
func TestInsertedLines(t *testing.T) {
	text := "x := 3\n  double(x, nowhere)"
	c := cells(text)
	c.Source = func(int) (string, int, func(int) int, bool) {
		return text, 7, func(line int) int { return line - 2 }, true // an import and %% before
	}
	composed := "  tlab_cell.Result(double(x, nowhere))"
	value, traceback := reply(1, 4, composed, strings.Index(composed, "nowhere")+1, "undefined: nowhere")
	got := shown(c.Build(value, traceback))
	want := "CompileError: undefined: nowhere\n\nin cell [7], line 2\n  1 │ x := 3\n→ 2 │   double(x, nowhere)\n    │             ^"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	value, traceback = reply(1, 1, `	tlab_cell "transferlab/kernel/cell"`, 2, "no required module provides package transferlab/kernel/cell")
	f := c.Build(value, traceback)
	if !strings.Contains(shown(f), "in a line that the kernel adds: tlab_cell \"transferlab/kernel/cell\"") || f.Name != "ImportError" {
		t.Errorf("%q: %s", f.Name, shown(f))
	}
}

// The echo of a cell that was compiled without showing its last expression is left out, unless it is all there is.
func TestEcho(t *testing.T) {
	c := cells("%%\ny := h()\nx")
	value, traceback := reply(1, 2, "y := h()", 6, "h() (no value) used as value")
	more, entries := reply(1, 3, "x", 1, "x (variable of type int) is not used")
	_, more, _ = strings.Cut(more, "\n")
	f := c.Build(value+more, append(traceback[:2:2], entries[1:]...))
	if text := shown(f); strings.Contains(text, "is not used") || !strings.Contains(text, "h() returns nothing") {
		t.Errorf("%s", text)
	}
	f = c.Build("# gonb_12345678\n"+more, append([]string{"# gonb_12345678"}, entries[1:]...))
	if text := shown(f); !strings.Contains(text, "is not used") || !strings.Contains(text, "fmt.Println(x)") {
		t.Errorf("%s", text)
	}
}

func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		name     string
		cells    []string
		composed string
		at       string // where in composed the complaint points
		message  string
		want     string
	}{
		{"lab package", []string{"tl.Load(\"x\")"}, "tl.Load(\"x\")", "tl", "undefined: tl", "import \"transferlab/tl\""},
		{"package below another", []string{"count.Dense(1, 2)"}, "count.Dense(1, 2)", "count", "undefined: count", "import \"transferlab/tl/count\""},
		{"package of the build", []string{"graph.Add(x, y)"}, "graph.Add(x, y)", "graph", "undefined: graph", "import \"github.com/gomlx/gomlx/core/graph\""},
		{"package of the kernel is none for cells", []string{"sockets.Listen()"}, "sockets.Listen()", "sockets", "undefined: sockets", ""},
		{"mistyped package", []string{"string.ToUpper(\"a\")"}, "datasts.Open(\"elpv\")", "datasts", "undefined: datasts", "Did you mean datasets?"},
		{"two with the name", []string{"template.New(\"a\")"}, "template.New(\"a\")", "template", "undefined: template", "Add one of these lines at the top of the cell:\n      import \"html/template\"\n      import \"text/template\""},
		{"verb without its package", []string{"Load(\"vgg16\")"}, "Load(\"vgg16\")", "Load", "undefined: Load", "Package tl has it: tl.Load"},
		{"python", []string{"x := None"}, "x := None", "None", "undefined: None", "In Go that is nil."},
		{"value of an earlier cell", []string{"%%\nrate, n := 0.1, 3\n_ = n", "fmt.Println(rate)"}, "fmt.Println(rate)", "rate", "undefined: rate", "cell.Keep(\"rate\", rate)"},
		{"value of a cell of statements alone", []string{"rate := 0.1", "rate"}, "rate", "rate", "undefined: rate", "var rate = 0.1"},
		{"what a verb gave", []string{"%%\nr := tl.Must(base.Represent(ctx, train))", "r"}, "r", "r", "undefined: r", "call it here again:\n      r := tl.Must(base.Represent(ctx, train))"},
		{"var below statements", []string{"%%\nvar (\n\trate = 0.1\n\tn int\n)", "n"}, "n", "n", "undefined: n", "set by a statement of cell [1], line 4"},
		{"local of a function is not meant", []string{"func f() { inside := 1; _ = inside }", "inside"}, "inside", "inside", "undefined: inside", ""},
		{"declared in a cell that failed", []string{"func twice(x int) int { return x + y }", "twice(3)"}, "twice(3)", "twice", "undefined: twice", "twice is declared in cell [1]"},
		{"mistyped variable", []string{"%%\nweights := 3\nfmt.Println(wieghts)"}, "fmt.Println(wieghts)", "wieghts", "undefined: wieghts", "Did you mean weights?"},
		{"field of one's own", []string{"type P struct {\n\tWidth, Height int\n}\nfunc (p *P) Area() int { return p.Widht }"}, "p.Widht", "Widht", "p.Widht undefined (type *P has no field or method Widht)", "Did you mean Width?"},
		{"method of one's own", []string{"type P struct{}\nfunc (p *P) Area() int { return 0 }\n%%\np.Aera()"}, "p.Aera()", "Aera", "p.Aera undefined (type P has no field or method Aera)", "Did you mean Area?"},
		{"unlike anything", []string{"qqqqqq"}, "qqqqqq", "qqqqqq", "undefined: qqqqqq", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			value, traceback := reply(len(c.cells), strings.Count(c.cells[len(c.cells)-1], "\n")+1, c.composed, strings.Index(c.composed, c.at)+1, c.message)
			text := shown(cells(c.cells...).Build(value, traceback))
			if c.want == "" && strings.Count(text, "→") > 1 || !strings.Contains(text, c.want) {
				t.Errorf("want %q in\n%s", c.want, text)
			}
		})
	}
}

// Whatever is missing of the context, something is said.
func TestLittleContext(t *testing.T) {
	for name, s := range sessions(t) {
		for _, f := range s.Failures {
			for _, c := range []diagnose.Context{
				{},
				{Current: f.ID, Module: "/nowhere", Workspace: "/nowhere"},
				{Source: func(int) (string, int, func(int) int, bool) { return "", 0, nil, true }},
				{Source: s.context(f.ID, "").Source, Cells: func() []int { return []int{-5, 1 << 40} }, Current: -1},
			} {
				sound(t, c.Build(f.Value, f.Traceback))
				sound(t, c.Build(f.Value, nil))
				sound(t, c.Run(f.Stderr, f.Value))
				if t.Failed() {
					t.Fatalf("%s, cell %d", name, f.ID)
				}
			}
		}
	}
}

func TestNeedsPlain(t *testing.T) {
	for value, want := range map[string]bool{
		"# gonb_1\n./main.go:14:18: show() (no value) used as value\n":                                             true,
		"./main.go:14:18: too many arguments in call to tlab_cell.Result\n\thave (int, error)\n\twant (any)\n":     true,
		"./main.go:9:30: use of untyped nil in argument to tlab_cell_.Result":                                      true,
		"./main.go:9:30: cannot use 1 << 64 (untyped int constant) as int value in argument to cell.Result (over)": true,
		"./main.go:14:18: undefined: x":                                  false,
		"./main.go:14:18: x (variable of type int) is not used":          false,
		"/tmp/gonb_1/main.go:7:26: missing ',' before newline in Result": false,
	} {
		if got := diagnose.NeedsPlain(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestHoldFrom(t *testing.T) {
	for text, want := range map[string]int{
		"panic: at the disco\n\ngoroutine 1 [running]:\n": 0,
		"words\npanic: x\n": 6,
		"words\nfatal error: all goroutines are asleep - deadlock!\n":                         6,
		"SIGSEGV: segmentation violation\nPC=0x1":                                             0,
		"a\nruntime: goroutine stack exceeds 1000000000-byte limit\nfatal error: stack":       2,
		"runtime: out of memory: cannot allocate 67108864-byte block\nfatal error: out of":    0,
		"unexpected fault address 0x7f\nfatal error: fault\n":                                 0,
		"no newline at the endpanic: after\n\ngoroutine 1 [running]:\n":                       21,
		"no newline at the endpanic: first [recovered]\n\tpanic: 2\n\ngoroutine 1 [running]:": 21,
		"do not panic: it is nothing\n":                                                       -1,
		"don't panic\n":                                                                       -1,
		"runtime: 3 s\n":                                                                      -1,
		"":                                                                                    -1,
		"SIGNAL\n":                                                                            -1,
	} {
		if got := diagnose.HoldFrom(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestPieces: text that is cut anywhere is held back from the same letter on.
func TestPieces(t *testing.T) {
	text := "some words\nSome more: panic\npanic: at the disco\n\ngoroutine 1 [running]:\nmain.main()\n"
	want := strings.Index(text, "panic: at")
	for size := 1; size < len(text); size++ {
		passed, kept, held := "", "", ""
		for rest := text; rest != ""; {
			piece := rest[:min(size, len(rest))]
			rest = rest[len(piece):]
			if held != "" {
				held += piece
				continue
			}
			piece = kept + piece
			kept = ""
			// HoldFrom takes the piece's beginning for a line's.
			begins := ""
			if passed != "" && !strings.HasSuffix(passed, "\n") {
				begins = "·"
			}
			if at := diagnose.HoldFrom(begins + piece); at >= 0 {
				passed += piece[:at-len(begins)]
				held = piece[at-len(begins):]
				continue
			}
			at := max(0, diagnose.Undecided(begins+piece)-len(begins))
			passed, kept = passed+piece[:at], piece[at:]
		}
		if passed != text[:want] || held != text[want:] {
			t.Fatalf("pieces of %d: passed %q, kept %q, held %q", size, passed, kept, held)
		}
	}
}

// A text that only looks like a panic is shown when the program ended otherwise.
func TestNoPanicAfterAll(t *testing.T) {
	f := cells("%%\nfmt.Fprintln(os.Stderr, \"panic: no\")\nos.Exit(3)").Run("panic: no\nand more\nexit status 3\n", "exit status 3")
	want := "ExitError: exit status 3\npanic: no\nand more\n\nin cell [1], line 3\n  1 │ %%\n  2 │ fmt.Fprintln(os.Stderr, \"panic: no\")\n→ 3 │ os.Exit(3)\n    │ ^"
	if got := shown(f); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEnds(t *testing.T) {
	for ended, want := range map[string]string{
		"signal: killed":                           "Killed: the cell's program was killed (signal: killed)\n→ Mostly the system does that when memory runs out",
		"signal: interrupt":                        "Interrupt: the cell was stopped",
		"signal: segmentation fault (core dumped)": "SIGSEGV: segmentation fault\n→ C code",
		"signal: aborted":                          "SIGABRT: aborted\n→ The program was told to abort",
		"signal: real-time signal 3":               "Killed: signal: real-time signal 3",
		"exit status 66":                           "ExitError: exit status 66\n→ The race detector",
		"exit status 255":                          "ExitError: exit status 255\n→ The program ended itself",
		"":                                         "Error: the cell failed; GoNB gives no reason",
		"fork/exec /tmp/gonb_12345678/gonb_12345678: text file busy": "Error: fork/exec the cell's program: text file busy",
	} {
		if got := shown(cells("f()").Run("", ended)); !strings.HasPrefix(got, want) {
			t.Errorf("%q: got\n%s\nwant\n%s", ended, got, want)
		}
	}
}

// Errors of the engine come as the text of a panic; what GoMLX says in them is put as shortly as in a cell.
func TestEngineShapes(t *testing.T) {
	stderr := "panic: tl: fit \"cells\": failed during graph construction/compilation: compilation failed for Exec \"Exec:step\": graphFn for \"Exec:step\" panicked: " +
		"if operands are not scalars, their rank must match for BinaryOp (Sub), got shapes (Float32)[32, 2] and (Float32)\n\n" +
		"goroutine 1 [running]:\ntransferlab/tl.Must[...](...)\n\t/src/tl/engine.go:67\nmain.main()\n\t \x1b[7m[[ Cell [1] Line 2 ]]\x1b[0m /tmp/gonb_12345678/main.go:18 +0x1e5\nexit status 2\n"
	f := cells("%%\ntl.Must(model.Fit(ctx, train, valid, phase))").Run(stderr, "exit status 2")
	if f.Name != "panic" || f.Value != `tl: fit "cells": Sub: the shapes Float32[32, 2] and Float32[] differ in their number of axes` {
		t.Errorf("%s: %s", f.Name, f.Value)
	}
	if text := shown(f); !strings.Contains(text, "in cell [1], line 2\n") || !strings.Contains(text, "1 frame inside the Go runtime and packages (transferlab/tl)") {
		t.Errorf("%s", text)
	}
}

// TestLarge: what a program that went wrong leaves may be large; the explanation is short and comes soon.
func TestLarge(t *testing.T) {
	line := strings.Repeat("x + ", 1<<18)
	source := "%%\n" + line + "\n" + strings.Repeat("f(1)\n", 1<<14)
	c := cells(source, source)
	start := time.Now()
	value, traceback := reply(2, 2, line, 9, "undefined: x")
	sound(t, c.Build(value, traceback))
	sound(t, c.Build(strings.Repeat("./main.go:1:2: undefined: y\n", 1<<12), nil))
	frames := strings.Repeat("main.f(0x1)\n\t [[ Cell [1] Line 3 ]] /tmp/gonb_12345678/main.go:3 +0x1\nmain.g()\n\t/tmp/gonb_12345678/main.go:4\n", 1<<15)
	sound(t, c.Run("panic: "+strings.Repeat("a\n\t", 1<<18)+"\n\ngoroutine 1 [running]:\n"+frames, "exit status 2"))
	sound(t, c.Run("fatal error: all goroutines are asleep - deadlock!\n\n"+strings.Repeat("goroutine 1 [select]:\n"+frames[:300]+"\n", 1<<12), "exit status 2"))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	} else {
		t.Logf("took %v", took)
	}
}

// Lines that GoNB left unmarked are found by their text, in the latest cell that has the lines around them too.
func TestRecognise(t *testing.T) {
	workspace := filepath.Join(t.TempDir(), "gonb_0a1b2c3d")
	if err := os.Mkdir(workspace, 0o700); err != nil {
		t.Fatal(err)
	}
	program := "package main\n\nvar (\n\ttable = build(3)\n)\n\nfunc build(n int) int {\n\treturn one(n)\n}\n\n" +
		"func main() {\n\tflag.Parse()\nx := 1\nfmt.Println(x)\nx = 2\ntlab_cell.Result(one(x,\n\ty))\n}\n"
	if err := os.WriteFile(filepath.Join(workspace, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	c := cells("var table = build(3)\nfunc build(n int) int {\n\treturn one(n)\n}", "%%\nx := 1\nfmt.Println(x)", "x := 1\nfmt.Println(x)\nx = 2\none(x,\n\ty)")
	c.Workspace = filepath.Dir(workspace)
	for line, want := range map[int]string{4: "cell [1], line 1", 8: "cell [1], line 3", 14: "cell [3], line 2", 16: "cell [3], line 4", 17: "cell [3], line 5", 12: "", 99: ""} {
		stderr := fmt.Sprintf("panic: p\n\ngoroutine 1 [running]:\nmain.f()\n\t%s/main.go:%d +0x1\nexit status 2\n", workspace, line)
		text := shown(c.Run(stderr, "exit status 2"))
		if want == "" && strings.Contains(text, "cell") || !strings.Contains(text, want) {
			t.Errorf("line %d: want %q in\n%s", line, want, text)
		}
	}
	// Nothing outside the kernel's folder is read.
	c.Workspace = t.TempDir()
	if text := shown(c.Run("panic: p\n\ngoroutine 1 [running]:\nmain.f()\n\t"+workspace+"/main.go:8 +0x1\n", "exit status 2")); strings.Contains(text, "cell") {
		t.Errorf("%s", text)
	}
}
