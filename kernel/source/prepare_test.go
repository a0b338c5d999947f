package source

import (
	"strings"
	"testing"
)

const imported = `import tlab_cell "transferlab/kernel/cell"` + "\n"

func TestPrepare(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		// (1) statements get a body
		{"expression", "6*7", imported + "%%\ntlab_cell.Result(6*7)"},
		{"statements", "x := 5; x*2", imported + "%%\nx := 5; tlab_cell.Result(x*2)"},
		{"declarations first", "import \"fmt\"\n\nvar a = 1\nfunc f() {}\n\n// words\nfmt.Println(a)",
			"import \"fmt\"\n\nvar a = 1\nfunc f() {}\n\n// words\n%%\nfmt.Println(a)"},
		{"one line", "\timport \"fmt\"; fmt.Println(1)", "\timport \"fmt\"; \n%%\n\t              fmt.Println(1)"},
		{"behind a comment", "/* a\nb */ f(1) // c", imported + "/* a\nb */ \n%%\n     tlab_cell.Result(f(1)) // c"},
		{"literal called", "func() { f() }()", imported + "%%\ntlab_cell.Result(func() { f() }())"},
		{"literal with a result", "func(a int) T { return g }(1)", imported + "%%\ntlab_cell.Result(func(a int) T { return g }(1))"},
		{"method stays", "func (t T) f() {}\nt.Show()", "func (t T) f() {}\n%%\nt.Show()"},
		{"commands stay", "%env A b\nvar x = 1\n!ls\nfor {\n}", "%env A b\nvar x = 1\n!ls\n%%\nfor {\n}"},
		{"a mistake stays", "x := := 3", "%%\nx := := 3"},
		{"not a package clause", "%%\npackages := 3\nf(packages);", "%%\n packages := 3\nf(packages);"},
		// untouched
		{"empty", "", ""},
		{"declarations", "var x = 1\ntype T struct{}\n", "var x = 1\ntype T struct{}\n"},
		{"own main", "func main() { f() }\ng()", "func main() { f() }\ng()"},
		{"test", "%test\nf()", "%test\nf()"},
		{"wasm", "%wasm\nf()", "%wasm\nf()"},
		{"script", "%%bash\n6*7", "%%bash\n6*7"},
		{"exec", "%exec f\n6*7", "%exec f\n6*7"},
		{"exec alone", "%exec f a\n", "%exec f a\n\n//"},
		{"two bodies", "%%\n1\n%%\n2", "%%\n1\n%%\n2"},
		{"commands only", "%noautoget\n!ls", "%noautoget\n!ls"},
		{"unfinished function", "func f() {\nx()", "func f() {\nx()"},
		{"stray bracket", "var x = 1\n}", "var x = 1\n}"},
		// (2) what is shown
		{"body", "%%\nx := 1\nx", imported + "%%\nx := 1\ntlab_cell.Result(x)"},
		{"main", "%main -v\nf()", imported + "%main -v\ntlab_cell.Result(f())"},
		{"escaped", "//gonb:%%\nf()", imported + "//gonb:%%\ntlab_cell.Result(f())"},
		{"several lines", "%%\nf(\n\t1,\n) // c\n\n!ls", imported + "%%\ntlab_cell.Result(f(\n\t1,\n)) // c\n\n!ls"},
		{"wide letters", "%%\n/* ä */ f(\"中\")", imported + "%%\n/* ä */ tlab_cell.Result(f(\"中\"))"},
		{"line directive", "%%\n//line a.go:9\nf()", imported + "%%\n//line a.go:9\ntlab_cell.Result(f())"},
		{"alias taken", "%%\ntlab_cell", "import tlab_cell_ \"transferlab/kernel/cell\"\n%%\ntlab_cell_.Result(tlab_cell)"},
		{"receive", "%%\n<-c", imported + "%%\ntlab_cell.Result(<-c)"},
		{"logger", "log.New(a, b, c)", imported + "%%\ntlab_cell.Result(log.New(a, b, c))"},
		// what is not
		{"semicolon", "%%\nf();", "%%\nf();"},
		{"semicolon behind a comment", "%%\nf() /* c */ ;", "%%\nf() /* c */ ;"},
		{"printing", "%%\nfmt.Printf(\"a\")", "%%\nfmt.Printf(\"a\")"},
		{"printing to", "%%\nfmt.Fprintln(w, 1)", "%%\nfmt.Fprintln(w, 1)"},
		{"println", "%%\nprintln(1)", "%%\nprintln(1)"},
		{"figure", "%%\nplots.Show(f)", "%%\nplots.Show(f)"},
		{"own show", "%%\nx.y.Show()", "%%\nx.y.Show()"},
		{"assignment", "%%\nx = 1", "%%\nx = 1"},
		{"loop", "%%\nfor {\nx()\n}", "%%\nfor {\nx()\n}"},
		{"declared without results", "func f() {}\n%%\nf()", "func f() {}\n%%\nf()"},
		{"declared with a result", "func f() int { return 1 }\n%%\nf()", imported + "func f() int { return 1 }\n%%\ntlab_cell.Result(f())"},
		{"body closed by hand", "%%\nx()\n}\nfunc g() {\n6*7", imported + "%%\ntlab_cell.Result(x())\n}\nfunc g() {\n6*7"},
	} {
		p := Parse(c.code).Prepare()
		if p.Code != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, p.Code, c.want)
		}
		if p.Result != strings.Contains(c.want, ".Result(") {
			t.Errorf("%s: Result is %v", c.name, p.Result)
		}
		if plain := p.Plain(); plain.Result || strings.Contains(plain.Code, ".Result(") || !p.Result && plain.Code != p.Code {
			t.Errorf("%s: plain is %q", c.name, plain.Code)
		}
	}
}

func TestCallee(t *testing.T) {
	for code, want := range map[string]string{
		"f()": "f", "a.b()": "a.b", "a.b.c(1)": "a.b.c", "(f)(1)": "f", "f[int](1)": "f", "a.f[int, string]()": "a.f",
		"f().g()": ".g", "x": "", "func() int { return 1 }()": "", "a[0].b()": "a.b",
	} {
		if got := Parse(code).Prepare().Callee; got != want {
			t.Errorf("%s calls %q, want %q", code, got, want)
		}
	}
}

// A compiler's message points into the prepared text; its author sees the cell.
func TestPlaces(t *testing.T) {
	p := Parse("var a = 1; f(\n\ta)").Prepare()
	want := imported + "var a = 1; \n%%\n           tlab_cell.Result(f(\n\ta))"
	if p.Code != want {
		t.Fatalf("%q", p.Code)
	}
	for line, want := range []int{-1, 0, -1, 0, 1, -1, -1} {
		if got := p.Line(line); got != want {
			t.Errorf("line %d is %d, want %d", line, got, want)
		}
	}
	for _, c := range [][3]int{{1, 4, 4}, {3, 11, 11}, {3, 20, 11}, {3, 28, 11}, {3, 29, 12}, {4, 1, 1}, {4, 3, 3}, {4, 4, 3}} {
		if got := p.Column(c[0], c[1]); got != c[2] {
			t.Errorf("column %d of line %d is %d, want %d", c[1], c[0], got, c[2])
		}
	}
	if p.Line(-1) != -1 {
		t.Error("line -1 is of the cell")
	}
	one := Parse("f(1)").Prepare()
	if got := one.Column(2, len("tlab_cell.Result(f(1))")); got != len("f(1)") {
		t.Errorf("the end of one line is column %d", got)
	}
}
