package source

import (
	"strings"
	"testing"
)

func seeds(f *testing.F) {
	for _, seed := range []string{
		"", "6*7", "x := 5; x*2", "%%\nf(\n1)", "import \"fmt\"; fmt.Println(1)", "/* a\nb */ f()", "%%bash\nls", "%", "% ", "%\\\n!\\",
		"func() {}()", "func (a) b() {}\nb", "`\n%%\n`", "packages", "package x; y", "%exec", "//gonb:%main\r\nx", "\"", "'", "}{", "\x00\xff", "//line a:9\nx\nx",
		"tlab_cell", "%%script", "a\r\r\nb", "%%\nx()\n}\nfunc g() {", "const (\na = iota\nb\n)\nb", "var x, y = f()\n%rm x", "!a\\\n%%\nx",
	} {
		f.Add(seed)
	}
}

// squeeze is a text without what Prepare may add or move: white space, its import, its call, its %%.
func squeeze(code string, p Prepared) string {
	for _, line := range strings.Split(code, "\n") {
		if strings.HasPrefix(line, "import tlab_cell") && p.Result {
			code = strings.Replace(code, line+"\n", "", 1)
			alias := strings.Fields(line)[1]
			code = strings.Replace(code, alias+".Result(", "", 1)
			break
		}
	}
	return strings.Join(strings.Fields(code), "")
}

// Whatever the text: nothing panics, the user's text stays, and lines map in order onto all lines of the cell.
func FuzzPrepare(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, code string) {
		c := Parse(code)
		_ = c.Fault()
		count := strings.Count(c.Without(), "\n") + 1
		if got := c.Without(c.Commands()...); strings.Count(got, "\n")+1 != count {
			t.Fatalf("without commands %q has other lines", got)
		}
		for _, p := range []Prepared{c.Prepare(), c.Prepare().Plain()} {
			before, seen := 0, map[int]bool{}
			lines := strings.Split(p.Code, "\n")
			for i, line := range lines {
				at := p.Line(i)
				if at < 0 {
					if line != "%%" && line != "//" && !strings.HasPrefix(line, "import tlab_cell") {
						t.Fatalf("line %q of %q is the user's", line, p.Code)
					}
					continue
				}
				if at < before {
					t.Fatalf("line %d is before %d in %q", at, before, p.Code)
				}
				before, seen[at] = at, true
				for column := range line {
					if got := p.Column(i, column); got < 0 || got > column {
						t.Fatalf("column %d of %q is %d", column, line, got)
					}
				}
			}
			if len(seen) != count || p.Line(len(lines)) != -1 {
				t.Fatalf("%d of %d lines in %q", len(seen), count, p.Code)
			}
			was, is := squeeze(c.Without(), Prepared{}), squeeze(p.Code, p)
			if added := len(is) - len(was); added != 0 && added != 1 && added != 2 && added != 3 {
				t.Fatalf("%q became %q", code, p.Code)
			}
			if !subsequence(was, is) {
				t.Fatalf("%q lost text in %q", code, p.Code)
			}
			if again := Parse(p.Code).Prepare().Plain(); again.Code != p.Code && !p.Result {
				t.Fatalf("%q becomes %q becomes %q", code, p.Code, again.Code)
			}
		}
	})
}

func subsequence(part, whole string) bool {
	for i := 0; i < len(whole) && part != ""; i++ {
		if whole[i] == part[0] {
			part = part[1:]
		}
	}
	return part == ""
}

func FuzzComplete(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, code string) {
		status, indent := Parse(code).Complete()
		if status != complete && status != incomplete && status != invalid {
			t.Fatalf("%q is %q", code, status)
		}
		if strings.Trim(indent, " \t") != "" || indent != "" && status != incomplete {
			t.Fatalf("%q: %s with indent %q", code, status, indent)
		}
	})
}

// What a log replays is text that a log learns the same from.
func FuzzReplay(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, code string) {
		var once, twice Log
		once.Add(Parse(code))
		cells := once.Replay()
		for _, cell := range cells {
			twice.Add(Parse(cell))
		}
		if got := twice.Replay(); strings.Join(got, "\x00") != strings.Join(cells, "\x00") {
			t.Fatalf("%q replays %q, then %q", code, cells, got)
		}
	})
}

// A cell is taken apart in far less time than its compiler needs, also where it breaks off.
func BenchmarkCell(b *testing.B) {
	code := strings.Repeat("func f() int {\n\treturn 1\n}\n\n", 250) + "x := []int{\n1, 2}\nx"
	for b.Loop() {
		c := Parse(code + "+")
		c.Complete()
		Parse(code).Prepare()
	}
}
