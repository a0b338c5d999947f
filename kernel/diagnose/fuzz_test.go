package diagnose_test

import (
	"strings"
	"testing"

	"transferlab/kernel/diagnose"
)

// FuzzBuild: whatever GoNB answers and whatever stands in the cells, the result is an error that a front end can show.
func FuzzBuild(f *testing.F) {
	for _, s := range sessions(f) {
		for _, one := range s.Failures {
			if len(one.Traceback) > 0 {
				f.Add(one.Value, one.Traceback[0], one.Traceback[len(one.Traceback)/2], s.source(one.ID))
			}
		}
	}
	f.Add("./main.go:99999999999999999999:0: undefined: x", "Cell[1]: Line 0\n", "", "\x1b[31m\t\xff")
	f.Fuzz(func(t *testing.T, value, first, second, source string) {
		if len(value)+len(first)+len(second)+len(source) > 20_000 {
			return
		}
		n := strings.Count(value, "\n") + 1
		traceback := make([]string, n)
		for i := range traceback {
			traceback[i] = first
			if i%2 == 1 {
				traceback[i] = second
			}
		}
		c := cells("%%\nx := 1", source)
		c.Module = "" // files have no part in this
		visible(t, c.Build(value, traceback))
		diagnose.NeedsPlain(value)
	})
}

// FuzzRun: the same for what a dying program writes.
func FuzzRun(f *testing.F) {
	for _, s := range sessions(f) {
		for _, one := range s.Failures {
			if one.Stderr != "" {
				f.Add(one.Stderr, one.Value, s.source(one.ID))
			}
		}
	}
	f.Add("panic: \n\t\n\tpanic: \ngoroutine 1 [x]:\n()\n\t[[ Cell [-1] Line -1 ]] /gonb_00000000/main.go:0\n", "", "")
	f.Fuzz(func(t *testing.T, stderr, ended, source string) {
		if len(stderr)+len(ended)+len(source) > 100_000 {
			return
		}
		c := cells(source, source)
		c.Module, c.Workspace = "", "/nowhere"
		if at := diagnose.HoldFrom(stderr); at > len(stderr) || at < -1 {
			t.Fatal(at)
		}
		if at := diagnose.Undecided(stderr); at > len(stderr) || at < 0 {
			t.Fatal(at)
		}
		visible(t, c.Run(stderr, ended))
	})
}

// visible is sound without the words that a fuzzer may put in.
func visible(t *testing.T, f diagnose.Failure) {
	t.Helper()
	text := strings.Join(f.Traceback, "\n")
	if f.Name == "" || f.Value == "" || strings.ContainsAny(f.Value, "\n\x1b") || len(f.Traceback) == 0 || len(f.Traceback) > 300 || len(text) > 300_000 {
		t.Fatalf("%+v", f)
	}
	if strings.Count(text, "\x1b[") != 2*strings.Count(text, "\x1b[0m") || strings.Contains(text, "\r") {
		t.Fatalf("%q", text)
	}
}
