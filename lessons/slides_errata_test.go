package lessons_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// errata are the slips of the lecture, each by a word that every text on it must hold.
var errata = []string{
	"134,268,738", // VGG16 with two classes, where the slide has one less
	"FC1",         // the formula without its biases and a product
	"1.4 M",       // ImageNet's images, 1.2 M elsewhere
	"telescope",   // a task about documents
	"prior",       // P(Y), where the slide says P(Y|X)
	"Spanish",     // "same domains"
}

var errataHeading = regexp.MustCompile(`(?m)^// ##+ .*Errata.*$`)

// errataOf is what the lesson says under its headings of errata: up to the next heading or cell.
func errataOf(lesson string) (text string) {
	for _, at := range errataHeading.FindAllStringIndex(lesson, -1) {
		rest := lesson[at[1]:]
		if end := regexp.MustCompile(`(?m)^(// #|func |var )`).FindStringIndex(rest); end != nil {
			rest = rest[:end[0]]
		}
		text += rest
	}
	return text
}

// Each slip of the lecture stands in the README's table and in the Errata of a lesson.
func TestEveryErratumHasItsPlace(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(readme), "\n## Errata of the lecture\n")
	if !found {
		t.Fatal("the README has no errata")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	files, err := filepath.Glob("*/lesson_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var cells string
	for _, file := range files {
		lesson, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cells += errataOf(string(lesson))
	}
	for _, word := range errata {
		if !strings.Contains(table, word) {
			t.Errorf("the README's errata do not mention %q", word)
		}
		if !strings.Contains(cells, word) {
			t.Errorf("no lesson mentions %q under a heading of errata", word)
		}
	}
}

func TestErrataEndAtTheNextCell(t *testing.T) {
	lesson := "// ## 1 · Words\n// 134\n// ## 2 · Errata\n//\n// one\n// two\nfunc Example_x() {\n\tthree()\n}\n\n// ### Errata of two slides\n// four\n"
	if got, want := errataOf(lesson), "\n//\n// one\n// two\n\n// four\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
