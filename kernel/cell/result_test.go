package cell

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type point struct{ X, Y float64 }

type temperature float64

func (t temperature) String() string { return fmt.Sprintf("%.1f °C", float64(t)) }

type rich struct{}

func (rich) HTML() string       { return "<b>1 < 2</b>" }
func (rich) Markdown() string   { return "**1**" }
func (rich) Latex() string      { return `\frac{1}{2}` }
func (rich) SVG() string        { return "<svg/>" }
func (rich) JavaScript() string { return "1" }
func (rich) PNG() []byte        { return []byte{0x89, 'P'} }
func (rich) JPEG() []byte       { return []byte{0xff} }
func (rich) PDF() []byte        { return []byte("%PDF") }

type pointer struct{ n int }

func (p *pointer) HTML() string { return fmt.Sprint(p.n) }

type failure struct{}

func (*failure) Error() string { return "failed" }

// shown is what Result hands the kernel: a JSON object for each call.
func shown(t *testing.T, calls ...func()) (all []map[string]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result")
	t.Setenv(resultKey, file)
	for _, call := range calls {
		call()
	}
	written, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for line := range bytes.Lines(written) {
		var object struct {
			Data     map[string]string
			Metadata map[string]any
		}
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if object.Metadata == nil {
			t.Error("no metadata")
		}
		all = append(all, object.Data)
	}
	return all
}

func TestResultText(t *testing.T) {
	many := make([]int, 1001)
	many[1000] = 7
	for _, c := range []struct {
		values []any
		want   string
	}{
		{[]any{42}, "42"},
		{[]any{float32(0.1), 1e100}, "0.1, 1e+100"},
		{[]any{"a\tb"}, `"a\tb"`},
		{[]any{"two\nlines \"quoted\""}, "two\nlines \"quoted\""},
		{[]any{temperature(3)}, "3.0 °C"},
		{[]any{time.Second}, "1s"},
		{[]any{point{1, 2}}, "{X:1 Y:2}"},
		{[]any{&point{1, 2}}, "&{X:1 Y:2}"},
		{[]any{[]string{"a", "b"}}, "[a b]"},
		{[]any{map[string]int{"b": 2, "a": 1}}, "map[a:1 b:2]"},
		{[]any{func(int) error { return nil }}, "func(int) error"},
		{[]any{make(chan int)}, "chan int"},
		{[]any{many}, "[" + strings.Repeat("0 ", 10) + "… " + strings.Repeat("0 ", 9) + "7] ([]int, 1001 elements)"},
		{[]any{many[:3]}, "[0 0 0]"},
		{[]any{1, "a", true}, `1, "a", true`},
		{[]any{1, nil}, "1"},
		{[]any{5, error(nil)}, "5"},
		{[]any{nil, 1}, "<nil>, 1"},
		{[]any{"a\nb", 1}, "a\nb\n1"},
		{[]any{"\x00\x1f\\ \xff é 中 \u2028"}, "\"\\x00\\x1f\\\\ \\xff é 中 \\u2028\""},
		{[]any{"\n\x00\x1f\\\xff é 中"}, "\n\x00\x1f\\\uFFFD é 中"},
		{[]any{(*pointer)(nil)}, "<nil>"},
	} {
		got := shown(t, func() { Result(c.values...) })
		if len(got) != 1 || len(got[0]) != 1 || got[0]["text/plain"] != c.want {
			t.Errorf("%v: %q, want %q", c.values, got, c.want)
		}
	}
}

func TestNothingToShow(t *testing.T) {
	for _, values := range [][]any{nil, {nil}, {error(nil)}, {(*failure)(nil)}, {struct{}{}}} {
		if got := shown(t, func() { Result(values...) }); got != nil {
			t.Errorf("%v shows %q", values, got)
		}
	}
}

func TestLongText(t *testing.T) {
	got := shown(t, func() { Result(map[int]string{1: strings.Repeat("é", 100_000)}) })[0]["text/plain"]
	if len(got) > longest+100 || !strings.HasSuffix(got, "… (200007 bytes in all; fmt.Println shows them)") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-80:])
	}
}

func TestResultForms(t *testing.T) {
	got := shown(t, func() { Result(rich{}) }, func() { Result(&pointer{3}) }, func() { Result(rich{}, 1) }, func() { Result(rich{}, error(nil)) })
	if len(got) != 4 {
		t.Fatalf("%q", got)
	}
	for kind, want := range map[string]string{
		"text/plain": "{}", "text/html": "<b>1 < 2</b>", "text/markdown": "**1**", "text/latex": `\frac{1}{2}`, "image/svg+xml": "<svg/>",
		"application/javascript": "1", "image/png": "iVA=", "image/jpeg": "/w==", "application/pdf": "JVBERg==",
	} {
		if got[0][kind] != want || got[3][kind] != want {
			t.Errorf("%s is %q and %q, want %q", kind, got[0][kind], got[3][kind], want)
		}
	}
	if got[1]["text/html"] != "3" || len(got[2]) != 1 {
		t.Errorf("%q", got[1:3])
	}
}

// An error at the end is not shown but ends the cell.
func TestResultPanics(t *testing.T) {
	want := errors.New("no such file")
	for _, values := range [][]any{{want}, {1, want}} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("%v: panics with %v", values, got)
				}
			}()
			if got := shown(t, func() { Result(values...) }); got != nil {
				t.Errorf("%v shows %q", values, got)
			}
		}()
	}
}

func ExampleResult() {
	os.Unsetenv(resultKey) // outside the lab's kernel
	Result(6 * 7)
	Result(strings.Cut("key=value", "="))
	// Output:
	// 42
	// "key", "value", true
}
