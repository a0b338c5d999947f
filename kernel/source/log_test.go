package source

import (
	"slices"
	"strings"
	"testing"
)

func TestReplay(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells []string
		want  []string
	}{
		{"nothing", []string{"", "%%\nf()", "6*7", "%%bash\nvar x = 1", "func main() {}", "%ls\n!ls"}, nil},
		{"every kind", []string{"import \"fmt\"\nimport . \"math\"\nimport m \"math/rand\"\n\ntype (\n\tA int\n\tB = A\n)\nconst C = 1\nvar v int\n// words\n// of f\nfunc f() {}\nfmt.Println(1)"},
			[]string{"import . \"math\"\nimport \"fmt\"\nimport m \"math/rand\"\ntype A int\ntype B = A\nconst C = 1\nvar v int\n// words\n// of f\nfunc f() {}\n"}},
		{"the latest wins", []string{"import a \"b/c\"\nvar x = 1\nfunc f() int { return 1 }\ntype T int", "import a \"d\"\nvar x = 2\nfunc f() int { return 2 }\ntype T string"},
			[]string{"import a \"d\"\ntype T string\nvar x = 2\nfunc f() int { return 2 }\n"}},
		{"not what does not parse", []string{"var x = 1", "var x = = 2"}, []string{"var x = 1\n"}},
		{"methods by receiver", []string{"type A int\ntype B int\nfunc (a A) f() {}\nfunc (b *B) f() {}\nfunc f() {}", "func (x *A) f() { g() }"},
			[]string{"type A int\ntype B int\nfunc (x *A) f() { g() }\nfunc (b *B) f() {}\nfunc f() {}\n"}},
		{"init functions", []string{"func init_a() { x() }", "func init_b() {}", "func init_a() {}"}, []string{"func init_a() {}\nfunc init_b() {}\n"}},
		{"one initialiser for two", []string{"var a, b = f()", "var b = 1"}, []string{"var b = 1\n"}},
		{"run again", []string{"var a, b = f()", "var a, b = f()"}, []string{"var a, b = f()\n"}},
		{"a value each", []string{"var a, b = 1, 2\nvar c, d int", "var a = 3\nvar d = 4"}, []string{"var a = 3\nvar b = 2\nvar c int\nvar d = 4\n"}},
		{"without a name", []string{"var _ I = T{}\nvar _ J = T{}", "var _ I = T{}"}, []string{"var _ I = T{}\nvar _ J = T{}\n"}},
		{"iota stays together", []string{"const (\n\tA = iota\n\tB\n)"}, []string{"const (\n\tA = iota\n\tB\n)\n"}},
		{"a group goes with its first name", []string{"const (\n\tA = iota\n\tB\n)", "const A = 1"}, []string{"const A = 1\n"}},
		{"rm", []string{"import \"fmt\"\nvar x, y = f()\nfunc g() {}\ntype T int\nfunc (t T) g() {}\nconst C = 1", "%rm fmt x\n%remove T~g C nothing"}, []string{"type T int\nfunc g() {}\n"}},
		{"rm of a second name changes nothing", []string{"var x, y = f()", "%rm y"}, []string{"var x, y = f()\n"}},
		{"reset", []string{"%env A 1\n!*go get a@v1\n%goworkfix\nvar x = 1", "%reset\nvar y = 2"}, []string{"%env A 1", "var y = 2\n"}},
		{"reset of go.mod", []string{"!*go get a@v1\nvar x = 1", "%reset go.mod"}, []string{"var x = 1\n"}},
		{"commands", []string{"%noautoget\n%env A=1\n%env AB=1\n%goflags -race", "%env AB \"2 3\"\n%goflags -v\n%goflags\n%autoget\n!ls\n!go get x"},
			[]string{"%env AB \"2 3\"\n%goflags -v\n%autoget"}},
		{"folders", []string{"%cd a", "%cd b", "%env AB 1", "%cd", "%track x"}, []string{"%cd a", "%cd b", "%env AB 1", "%track x"}},
		{"folders start afresh", []string{"%cd a", "%cd /b", "%cd ~/c", "%cd d"}, []string{"%cd ~/c", "%cd d"}},
		{"tracked", []string{"%track a", "%track b", "%track a", "%untrack b", "%track"}, []string{"%track a", "%untrack b"}},
		{"go.mod", []string{"!*go get \\\na@v1", "!*go mod edit -x", "!*go get a@v1", "!*ls", "%goworkfix"}, []string{"!*go mod edit -x", "!*go get a@v1", "%goworkfix"}},
		{"behind //gonb:", []string{"//gonb:%env AB 1\n//gonb:%%\nx()"}, []string{"%env AB 1"}},
		{"tests stay", []string{"%test\nfunc TestA(t *testing.T) {}"}, []string{"func TestA(t *testing.T) {}\n"}},
		{"statements are not kept", []string{"var x = 1; x = 2; var y = 3"}, []string{"var x = 1\n"}},
		{"GoNB leaves lines out of raw strings", []string{"var x = `a\n!b\npackage c\nd`"}, []string{"var x = `a\nd`\n"}},
		{"a body closed by hand", []string{"%%\nx()\n}\nfunc g() {\ny()"}, []string{"func g() {\ny()\n\n}\n"}},
	} {
		var l Log
		for _, code := range c.cells {
			l.Add(Parse(code))
		}
		if got := l.Replay(); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, c.want)
		}
		// Taught what was replayed, a log replays the same.
		var again Log
		for _, code := range l.Replay() {
			again.Add(Parse(code))
		}
		if got := again.Replay(); !slices.Equal(got, c.want) && c.name != "without a name" {
			t.Errorf("%s, again: %q", c.name, got)
		}
	}
}

func TestCommandsOfFailedCells(t *testing.T) {
	var l Log
	l.AddCommands(Parse("%env AB 1\nvar x = 1"))
	l.AddCommands(Parse("%%bash\n%env CD 1"))
	if got := strings.Join(l.Replay(), "|"); got != "%env AB 1" {
		t.Errorf("%q", got)
	}
}

func TestValueless(t *testing.T) {
	var l Log
	l.Add(Parse("func f() {}\nfunc g() int { return 1 }\ntype T int\nfunc (t T) h() {}"))
	for callee, want := range map[string]bool{"f": true, "g": false, "h": false, "t.h": false, "": false} {
		if l.Valueless(callee) != want {
			t.Errorf("%q is %v", callee, !want)
		}
	}
}
