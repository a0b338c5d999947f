package source

import "testing"

func TestComplete(t *testing.T) {
	for code, want := range map[string]string{
		// ready to run
		"":                                   "complete",
		"6*7":                                "complete",
		"x := 5; x*2":                        "complete",
		"func f() {}":                        "complete",
		"import \"fmt\"\nfmt.Println(1)":     "complete",
		"%%\nfmt.Println(1)":                 "complete",
		"%main\nif x {\n\ty()\n}":            "complete",
		"!ls":                                "complete",
		"%env A b":                           "complete",
		"// words":                           "complete",
		"for range 3 {\n\tf()\n}":            "complete",
		"var x = `a\nb`":                     "complete",
		"type T struct {\n\tA int\n}\n":      "complete",
		"func TestA(t *testing.T) {}\n%test": "complete",
		"func() { f() }()":                   "complete",
		"%%\nf()\n}\nfunc g() {\n\th()":      "complete", // the body's own bracket closes g
		// more is needed
		"%%":                     "incomplete",
		"%%\n\n":                 "incomplete",
		"func f() {":             "incomplete",
		"func f()":               "incomplete",
		"func f(a int,":          "incomplete",
		"func (t T":              "incomplete",
		"x := 5 +":               "incomplete",
		"x := 5 +\n":             "incomplete",
		"f(1,\n":                 "incomplete",
		"f(1,\n2,":               "incomplete",
		"x :=":                   "incomplete",
		"var x":                  "incomplete",
		"var x =":                "incomplete",
		"var x, y":               "incomplete",
		"var (\n\ta = 1":         "incomplete",
		"import":                 "incomplete",
		"import (\n\t\"fmt\"":    "incomplete",
		"type T":                 "incomplete",
		"type T struct {":        "incomplete",
		"if x":                   "incomplete",
		"if x {\n\ty()\n} else":  "incomplete",
		"for i := 0; i < 3;":     "incomplete",
		"for i := range":         "incomplete",
		"switch x {\ncase 1:":    "incomplete",
		"x := []int{1, 2":        "incomplete",
		"x := map[string]int{\n": "incomplete",
		"x := `raw":              "incomplete",
		"x := `raw\n\n":          "incomplete",
		"/* a comment\n":         "incomplete",
		"f() /* a comment\n":     "incomplete",
		"%%\nif x {":             "incomplete",
		"fmt.":                   "incomplete",
		"!ls \\":                 "incomplete",
		"f()\n!ls \\\n-l \\":     "incomplete",
		"%%bash\nls":             "incomplete",
		"go func() {":            "incomplete",
		"return":                 "complete",
		"%%bash\nls\n":           "complete",
		// nothing helps
		"x := := 5":               "invalid",
		"import = 7q":             "invalid",
		"f(]":                     "invalid",
		"}":                       "invalid",
		"func f() }":              "invalid",
		"x := (1, 2\n":            "invalid",
		"fmt.Println(\"a":         "invalid", // the next line would not be part of the string
		"fmt.Println(\"a\n":       "invalid",
		"if x\n":                  "incomplete", // x may be the statement before the condition
		"if x\n{\n}":              "invalid",
		"for x y {":               "invalid",
		"func 1f() {}":            "invalid",
		"def f(x):\n  return x\n": "invalid",
		"% ":                      "invalid",
		"%%\na()\n%%\nb()":        "invalid",
		"x = 'ab'":                "invalid",
	} {
		if got, _ := Parse(code).Complete(); got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
}

func TestIndent(t *testing.T) {
	for code, want := range map[string]string{
		"func f() {":                         "\t",
		"func f() {\n\tif x {":               "\t\t",
		"func f() {\n\tif x {\n\t\ty()\n\t}": "\t",
		"  if x {":                           "  \t",
		"x := 5 +":                           "\t",
		"f(1,":                               "\t",
		"f(\n\t1,":                           "\t",
		"if x {\n} else {":                   "\t",
		"switch x {\ncase 1:":                "\t",
		"x := `raw {":                        "",
		"/* a {":                             "",
		"%%\nfor {":                          "\t",
		"!ls \\":                             "",
	} {
		status, got := Parse(code).Complete()
		if status != "incomplete" || got != want {
			t.Errorf("%q: %s, indent %q, want %q", code, status, got, want)
		}
	}
}
