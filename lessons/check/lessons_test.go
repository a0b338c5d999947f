package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// inCells are the functions that a lesson may call: those for which `tlab grade` has a stand-in. Student is for released notebooks.
var inCells = []string{"Ask", "Answer", "Predict", "Reveal", "Progress"}

// use is a call of this package in a lesson.
type use struct {
	file, function, id string
	blank              bool // the answer is nil
	named              bool // the id is a name of the lesson's, not a text: it may be any that stands in the file
}

// uses lists the calls in all lessons.
func uses(t *testing.T) (all []use) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "[0-9][0-9]-*", "lesson_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no lessons: %v", err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is {
				return true
			}
			selector, is := call.Fun.(*ast.SelectorExpr)
			if !is {
				return true
			}
			if from, is := selector.X.(*ast.Ident); !is || from.Name != "check" {
				return true
			}
			u := use{file: path, function: selector.Sel.Name}
			if len(call.Args) > 0 {
				literal, is := call.Args[0].(*ast.BasicLit)
				if u.named = !is; is {
					u.id, _ = strconv.Unquote(literal.Value)
				}
			}
			if len(call.Args) > 1 {
				value, is := call.Args[1].(*ast.Ident)
				u.blank = is && value.Name == "nil"
			}
			all = append(all, u)
			return true
		})
	}
	return all
}

// Lessons call what grading can stand in for, ask exercises of their own that exist, and hold no answers.
func TestLessonsAsk(t *testing.T) {
	for _, u := range uses(t) {
		if !slices.Contains(inCells, u.function) {
			t.Errorf("%s calls check.%s; a lesson calls %v", u.file, u.function, inCells)
			continue
		}
		if u.function == "Progress" || u.named {
			continue
		}
		e, err := Find(u.id)
		if err != nil {
			t.Errorf("%s: check.%s: %v", u.file, u.function, err)
			continue
		}
		switch {
		case !strings.HasPrefix(filepath.Base(filepath.Dir(u.file)), e.Lesson()+"-"):
			t.Errorf("%s asks %s, which is another lesson's", u.file, u.id)
		case (u.function == "Answer" || u.function == "Predict") && !u.blank:
			t.Errorf("%s: check.%s(%q) has an answer; put nil", u.file, u.function, u.id)
		}
		_, isPrediction := e.For("").(Prediction)
		if isPrediction != (u.function == "Predict" || u.function == "Reveal") && u.function != "Ask" {
			t.Errorf("%s: check.%s(%q) does not fit the exercise", u.file, u.function, u.id)
		}
	}
}

// No exercise is forgotten: each has a cell that takes its answer, and each prediction one that reveals.
func TestEachExerciseIsAsked(t *testing.T) {
	all := uses(t)
	for _, e := range All() {
		for _, function := range wanted(e) {
			takes := func(u use) bool {
				return u.function == function && (u.id == e.ID || u.named && mentions(t, u.file, e.ID))
			}
			if !slices.ContainsFunc(all, takes) {
				t.Errorf("no lesson has check.%s(%q, …)", function, e.ID)
			}
		}
	}
}

// mentions reports whether the id stands in a file as a text.
func mentions(t *testing.T, file, id string) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(data), strconv.Quote(id))
}

func wanted(e Exercise) []string {
	if _, is := e.For("").(Prediction); is {
		return []string{"Predict", "Reveal"}
	}
	return []string{"Answer"}
}

// The course has its exercises: thirty at least, fifteen of them on parameter counts, and all kinds.
func TestEnoughExercises(t *testing.T) {
	lesson2, kinds := 0, map[string]int{}
	for _, e := range All() {
		if e.Lesson() == "02" {
			lesson2++
		}
		switch e.For("").(type) {
		case Numeric:
			kinds["numeric"]++
		case Symbolic:
			kinds["symbolic"]++
		case Choice:
			kinds["choice"]++
		case Code:
			kinds["code"]++
		case Prediction:
			kinds["prediction"]++
		}
	}
	if len(All()) < 30 || lesson2 < 15 || len(kinds) != 5 {
		t.Errorf("%d exercises, %d of lesson 2: %v", len(All()), lesson2, kinds)
	}
}
