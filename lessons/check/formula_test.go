package check

import (
	"math"
	"strings"
	"testing"
)

func TestFormulas(t *testing.T) {
	at := map[string]float64{"n": 8, "k": 3, "c": 2}
	for text, want := range map[string]float64{
		"n*(k*k*c) + n":         152,
		"n × k² × c + n":        152,
		"n·k^2·c+n":             152,
		"n*k**2*c + n":          152,
		"2*n - k - c":           11, // from the left
		"n/2/2":                 2,
		"2^k^c":                 512, // from the right
		"-k^2":                  -9,
		"2^-1":                  0.5,
		"⌊(n-k)/2⌋+1":           3,
		"ceil((n - k)/2)":       3,
		"max(n, k) + min(k, c)": 10,
		"sqrt(n*c)":             4,
		"1.5e1*k":               45,
		"[n+k]*{c}":             22,
		"+n":                    8,
	} {
		f, err := parseFormula(text, []string{"n", "k", "c"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := f(at); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
}

func TestNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "no formula",
		"2n":                      "operator is missing",
		"n(k)":                    "operator is missing",
		"n k":                     "operator is missing",
		"n*":                      "ends too early",
		"(n":                      "bracket",
		"n)":                      "no place",
		"n*x":                     `"x" means nothing here; the names are k, n`,
		"floor(n, k)":             "floor takes 1, not 2",
		"floor":                   "means nothing here",
		"n $ k":                   "no place",
		"n + \"k\"":               "no place",
		strings.Repeat("(", 5000): "bytes long",
		strings.Repeat("(", 400):  "ends too early",
		"\x00\xff":                "no place",
	} {
		if _, err := parseFormula(text, []string{"n", "k"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q in it", text, err, want)
		}
	}
}

// No text, however odd, ends the parser in anything but a formula or an error.
func FuzzFormula(f *testing.F) {
	for _, text := range []string{"n*(k+1)", "⌊n/2⌋", "2^-n", "floor(", "--n", "1e999", "n²³"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		formula, err := parseFormula(text, []string{"n", "k"})
		if err == nil {
			formula(map[string]float64{"n": 3, "k": 2})
		}
	})
}
