package check

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seat is a desk whose paper can be read. Each call stands for a cell, which is a process of its own: only the folder is the same.
func seat(t *testing.T, student string) (sit func() desk, said func() string) {
	t.Helper()
	dir := t.TempDir()
	var paper strings.Builder
	return func() desk { return desk{exercises: lesson00, student: student, dir: dir, out: &paper} }, func() string {
		text := paper.String()
		paper.Reset()
		return text
	}
}

func expect(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if absent, is := strings.CutPrefix(want, "!"); is {
			if strings.Contains(text, absent) {
				t.Errorf("%q stands in\n%s", absent, text)
			}
		} else if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// The hint comes after two tries in different cells; the same answer again is no other try, and what is not understood is none.
func TestHintAfterTwoTries(t *testing.T) {
	sit, said := seat(t, "")
	sit().answer("00/conv", 216)
	expect(t, said(), "00/conv: not yet. You forgot the biases. The rest is worth 0.5 of 1 point.", "adds one more number", "!Hint")
	sit().answer("00/conv", 216)
	expect(t, said(), "!Hint")
	sit().answer("00/conv", "what")
	expect(t, said(), "not understood", "!Hint")
	sit().answer("00/conv", 80)
	expect(t, said(), "forgot the depth", "Hint", "Count for one filter first")
	sit().answer("00/conv", 224)
	expect(t, said(), "00/conv: right. 1 of 1 point.", "8 × (3×3×3) + 8 = 224", "!Hint")
	sit().progress([]string{"00"})
	expect(t, said(), "00/conv", "right", "in all", "1  11")
}

// A prediction can be changed before the result is out, and not after; without one the result stays closed.
func TestPredictThenReveal(t *testing.T) {
	sit, said := seat(t, "ada")
	sit().reveal("00/accuracy", 0.8125)
	expect(t, said(), "predict first", "!0.81")
	sit().predict("00/accuracy", nil)
	expect(t, said(), "Which accuracy", "0.70", `check.Predict("00/accuracy"`)
	sit().predict("00/accuracy", 85)
	expect(t, said(), "cannot be: it lies between 0 and 1")
	sit().predict("00/accuracy", 0.5)
	sit().predict("00/accuracy", 0.95)
	expect(t, said(), "you predict 0.5", "you predict 0.95")
	sit().reveal("00/accuracy", 0.8125)
	expect(t, said(), "1 of 1 point for having predicted", "You predicted 0.95; measured: 0.8125. You were too high by 0.1375. The base has never seen")
	sit().predict("00/accuracy", 0.81)
	expect(t, said(), "the result is out", "stays 0.95")
	sit().reveal("00/accuracy", 0.82) // another run measures a little differently
	expect(t, said(), "You predicted 0.95; measured: 0.82")
	sit().progress(nil)
	expect(t, said(), "Progress of ada", "revealed")
}

func TestWordsForWhatIsNoAnswer(t *testing.T) {
	sit, said := seat(t, "")
	sit().answer("00/conv", nil)
	expect(t, said(), "Exercise 00/conv · parameters of a convolution · 1 point", "8 filters of 3×3", `check.Answer("00/conv", 123)`)
	sit().answer("00/none", 1)
	expect(t, said(), `no such exercise: "00/none"`, "00/conv, 00/share")
	sit().answer("00/conv", math.NaN())
	expect(t, said(), "NaN is no number")
	sit().answer("00/conv", "22,4")
	expect(t, said(), "not understood", "a comma stands between thousands here, as in 1,234. Write a fraction with a point")
	sit().answer("00/share", "0,698")
	expect(t, said(), "not understood")
	sit().answer("00/conv", 1e12)
	expect(t, said(), "far too much")
	sit().answer("00/formula", "2n")
	expect(t, said(), "write 2*n for two times n")
	sit().answer("00/accuracy", 0.5)
	expect(t, said(), "Use check.Predict")
	sit().reveal("00/conv", 1)
	expect(t, said(), "nothing was to be predicted")
	sit().answer("00/differs", "a")
	expect(t, said(), "What is right is worth 1 of 2 points", "One is missing")
}

// A func that panics, never returns, or is of another type is told so kindly.
func TestWordsForFuncs(t *testing.T) {
	sit, said := seat(t, "")
	sit().answer("00/same", func(side, stride int) int { return []int{}[side] })
	expect(t, said(), "On (32, 1) it stopped with a panic: runtime error: index out")
	sit().answer("00/same", func(side, stride int) int {
		for stride > 0 {
			select {}
		}
		return 0
	})
	expect(t, said(), "On (32, 1) it did not return within 2s. Is there a loop whose")
	sit().answer("00/same", func(side int) int { return side })
	expect(t, said(), "A func(int, int) int is wanted; yours is a func(int) int")
	sit().answer("00/same", func(side, stride int) int { return side })
	expect(t, said(), "On (32, 2) it returns 32; right is 16")
	sit().answer("00/same", func(side, stride int) int { return (side + stride - 1) / stride })
	expect(t, said(), "right. 1 of 1 point")
}

// What is kept is whole or not there, and a folder that cannot be written is said and harms nothing.
func TestKeeping(t *testing.T) {
	sit, said := seat(t, "Zoë O'Hara/..")
	sit().answer("00/conv", 1)
	said()
	dir := sit().dir
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	if len(files) != 1 || !strings.HasSuffix(files[0], "00-conv.json") || filepath.Dir(filepath.Dir(files[0])) != dir {
		t.Fatalf("kept as %q", files)
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	sit().answer("00/conv", 2)
	expect(t, said(), "is damaged; starting this exercise anew", "not yet")
	blocked := sit()
	blocked.student = ""
	blocked.dir = filepath.Join(files[0], "below") // a file is no folder
	blocked.answer("00/conv", 224)
	expect(t, said(), "right", "the next cell will not know of it")
	blocked.dir = ""
	blocked.answer("00/conv", 224)
	expect(t, said(), "right", "no cache directory is known")
}

// Students have variants of their own, always the same ones.
func TestVariantsDiffer(t *testing.T) {
	questions := map[string]bool{}
	for _, name := range students() {
		text := lesson00[0].For(name).ask("00/conv")
		if text != lesson00[0].For(name).ask("00/conv") {
			t.Fatal("a variant changes")
		}
		questions[text] = true
	}
	if len(questions) < 20 {
		t.Errorf("%d variants among a hundred students", len(questions))
	}
	folders := map[string]bool{}
	for _, name := range []string{"", "lecture", "Ada", "ada", "a/b", "..", strings.Repeat("x", 500)} {
		f := folder(name)
		if folders[f] || strings.ContainsAny(f, `/\.`) || len(f) > 64 {
			t.Errorf("folder of %q is %q", name, f)
		}
		folders[f] = true
	}
}
