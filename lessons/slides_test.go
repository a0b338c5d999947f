package lessons_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A slide of the lecture: its title, and which of those with that title it is, from 1. Titles of the lecture come again: there are six outlines.
type slide struct {
	title string
	nth   string
}

// A place is where a slide is taught: a cell of a lesson, or in words which later lesson takes it.
type place struct{ lesson, cell string }

const later = "later" // in place of a lesson

// laterLesson is how such a line begins: with the numbers of lessons that there are not yet.
var laterLesson = regexp.MustCompile(`^lessons? ([01][0-9])(–[01][0-9])?: .{10,}`)

// readSlides reads slides.tsv: title, which one, lesson, cell, with tabs between; a slide may have several lines. Lines that start with % are
// remarks.
func readSlides(text string) (order []slide, places map[slide][]place, err error) {
	places = make(map[slide][]place)
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "%") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 4 || slices.Contains(fields, "") {
			return nil, nil, fmt.Errorf("slides.tsv:%d: %q is not title, number, lesson and cell with tabs between", i+1, line)
		}
		s := slide{fields[0], fields[1]}
		if places[s] == nil {
			order = append(order, s)
		}
		places[s] = append(places[s], place{fields[2], fields[3]})
	}
	return order, places, nil
}

// titles are the headings of a Markdown text with their numbers, in order.
func titles(markdown string) (all []slide) {
	seen := make(map[string]int)
	for _, line := range strings.Split(markdown, "\n") {
		marks := len(line) - len(strings.TrimLeft(line, "#"))
		title, is := strings.CutPrefix(line[marks:], " ")
		if marks == 0 || !is {
			continue
		}
		title = strings.TrimSpace(title)
		seen[title]++
		all = append(all, slide{title, fmt.Sprint(seen[title])})
	}
	return all
}

// fault says what is wrong with a place, or "". source gives the text of a lesson.
func (p place) fault(source func(lesson string) (string, error)) string {
	if p.lesson == later {
		if !laterLesson.MatchString(p.cell) {
			return fmt.Sprintf("%q does not say which lesson will take it: write \"lesson 04: …\" with what it will do", p.cell)
		}
		if _, err := source(laterLesson.FindStringSubmatch(p.cell)[1] + "-"); err == nil {
			return fmt.Sprintf("%q: that lesson is there by now: name its cell", p.cell)
		}
		return ""
	}
	text, err := source(p.lesson)
	if err != nil {
		return err.Error()
	}
	if strings.HasPrefix(p.cell, "#") {
		if !slices.Contains(strings.Split(text, "\n"), "// "+p.cell) {
			return fmt.Sprintf("lesson %s has no heading %q", p.lesson, p.cell)
		}
		return ""
	}
	if !strings.Contains(text, "\nfunc Example_"+p.cell+"() {\n") {
		return fmt.Sprintf("lesson %s has no cell %s", p.lesson, p.cell)
	}
	return ""
}

// lessonSource reads the lesson whose directory begins so.
func lessonSource(lesson string) (string, error) {
	files, err := filepath.Glob(lesson + "*/lesson_test.go")
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("there is no lesson %s", lesson)
	}
	text, err := os.ReadFile(files[0])
	return string(text), err
}

// Every slide of the lecture has its cell, and the cell exists.
func TestEverySlideHasItsCell(t *testing.T) {
	text, err := os.ReadFile("slides.tsv")
	if err != nil {
		t.Fatal(err)
	}
	order, places, err := readSlides(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range order {
		for _, p := range places[s] {
			if fault := p.fault(lessonSource); fault != "" {
				t.Errorf("%s (%s): %s", s.title, s.nth, fault)
			}
		}
	}
	lecture, err := os.ReadFile(filepath.Join("..", "..", "shared", "lecture.md"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the lecture is not beside this checkout: whether slides.tsv has all of its slides is not looked at")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := titles(string(lecture)); !slices.Equal(got, order) {
		t.Errorf("slides.tsv and the lecture differ in their slides: %s", firstDifference(got, order))
	}
}

// firstDifference says where two lists of slides part.
func firstDifference(lecture, listed []slide) string {
	for i := range max(len(lecture), len(listed)) {
		switch {
		case i == len(listed):
			return fmt.Sprintf("%v is missing", lecture[i])
		case i == len(lecture):
			return fmt.Sprintf("%v is no slide", listed[i])
		case lecture[i] != listed[i]:
			return fmt.Sprintf("the lecture has %v where the list has %v", lecture[i], listed[i])
		}
	}
	return "they agree"
}

// The test above finds what it is there for.
func TestAFaultInTheSlidesIsFound(t *testing.T) {
	source := func(lesson string) (string, error) {
		if lesson != "07" && lesson != "07-" {
			return "", fmt.Errorf("there is no lesson %s", lesson)
		}
		return "// ## 1 · Words\n\nfunc Example_there() {\n", nil
	}
	for _, c := range []struct {
		place place
		fault string
	}{
		{place{"07", "there"}, ""},
		{place{"07", "## 1 · Words"}, ""},
		{place{"07", "the"}, "no cell"},
		{place{"07", "## 1"}, "no heading"},
		{place{"08", "there"}, "no lesson 08"},
		{place{later, "lesson 09: segmentation"}, ""},
		{place{later, "lessons 09–11: segmentation"}, ""},
		{place{later, "some day"}, "which lesson"},
		{place{later, "lesson 07: segmentation"}, "is there by now"},
	} {
		if got := c.place.fault(source); (got == "") != (c.fault == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%v: %q, want %q", c.place, got, c.fault)
		}
	}
	if _, _, err := readSlides("Outline\t1\t07\n"); err == nil {
		t.Error("a line without a cell is taken")
	}
	got := titles("# Outline\ntext\n## Input\n#no heading\n# Outline\n")
	if want := []slide{{"Outline", "1"}, {"Input", "1"}, {"Outline", "2"}}; !slices.Equal(got, want) {
		t.Errorf("titles %v, want %v", got, want)
	}
	if text := firstDifference(got, got[:2]); !strings.Contains(text, "missing") {
		t.Error(text)
	}
}
