package check

import (
	"fmt"
	"slices"
	"strings"

	"transferlab/lessons/check/answer"
)

// Exercise is one question with its answer. See the package comment for how to write one.
type Exercise struct {
	ID     string  // lesson, slash, name: "02/conv1"
	Title  string  // a few words, for tables
	Points float64 // for the whole answer; 0 is 1

	// Make makes the question in the variant that d draws. It must be a pure function of what it draws.
	Make func(d *Draw) Question

	// Samples of answers in the lecture's own variant (no student): every one of Right earns all points, every one of Wrong is
	// recognised as a mistake whose name contains Names, every one of Nonsense earns nothing and is not recognised. A test demands
	// at least one of each (of a Prediction only Right and Nonsense) and tries them all.
	Right    []any
	Wrong    []Sample
	Nonsense []any
}

// Sample is a typical wrong answer and what it must be called.
type Sample struct {
	Answer any
	Names  string // part of the name of the mistake: "bias"
}

// Mistake is a typical wrong answer, computed from the student's own numbers.
type Mistake struct {
	Answer any     // what the mistake leads to: a number (Numeric), a formula (Symbolic), a func (Code)
	Name   string  // what went wrong, as the rest of "You …": "forgot the biases"
	Why    string  // what to think about, in a sentence or two, without giving the answer away
	Credit float64 // share of the points that the rest of the thought is worth, 0 to less than 1
}

// Question is a question in one variant: a [Numeric], [Symbolic], [Choice], [Code] or [Prediction].
type Question interface {
	ask(id string) string // the question, and how to answer
	hint() string
	judge(g answer.Given, cases int64) Ruling // cases seeds the inputs of a Code
}

// Status is what became of an answer.
type Status int

const (
	Blank         Status = iota // nothing was given
	NotUnderstood               // something else than what was asked for: a text that is no formula, a letter that is no choice
	Wrong
	Partly // a recognised mistake, or some of several cases, worth part of the points
	Right
)

func (s Status) String() string {
	return [...]string{"blank", "not understood", "wrong", "partly right", "right"}[s]
}

// Ruling is the judgement of one answer.
type Ruling struct {
	Status Status
	Credit float64 // share of the points, 0 to 1
	Name   string  // of the recognised mistake; "" if none is
	Reason string  // why, in sentences
}

// Worth is the points of the exercise for the whole answer.
func (e Exercise) Worth() float64 {
	if e.Points == 0 {
		return 1
	}
	return e.Points
}

// Lesson is the number of the exercise's lesson, "02".
func (e Exercise) Lesson() string {
	lesson, _, _ := strings.Cut(e.ID, "/")
	return lesson
}

// For is the question of a student; "" is the lecture's own variant.
func (e Exercise) For(student string) Question {
	d := newDraw(student, e.ID)
	q := e.Make(d)
	if choice, is := q.(Choice); is {
		return choice.shuffled(d)
	}
	return q
}

// Judge rules on an answer to the student's variant. cases seeds the inputs on which a func is compared: the answer's outputs must be
// for [Exercise.Cases] with the same number.
func (e Exercise) Judge(student string, g answer.Given, cases int64) Ruling {
	q := e.For(student)
	_, isPrediction := q.(Prediction)
	switch {
	case g.Blank:
		return Ruling{Status: Blank, Reason: "There is no answer yet."}
	case g.Fault != "":
		return Ruling{Status: NotUnderstood, Reason: capital(g.Fault) + "."}
	case isPrediction != (g.Verb == answer.Predicted):
		return Ruling{Status: NotUnderstood, Reason: "Use check.Predict for what is to be predicted, and check.Answer for all else."}
	}
	r := q.judge(g, cases)
	r.Credit = min(max(r.Credit, 0), 1)
	return r
}

// Cases are the inputs on which a func is tried; none for other kinds of questions.
func (e Exercise) Cases(student string, seed int64) []answer.Case {
	if c, is := e.For(student).(Code); is {
		return c.cases(seed)
	}
	return nil
}

// lessons holds the exercises of each lesson, in the order in which they are asked.
var lessons = [][]Exercise{lesson01, lesson02, lesson03, lesson06, lesson07, lesson08, lesson12}

// All lists the exercises of all lessons.
func All() []Exercise { return slices.Concat(lessons...) }

// Find finds an exercise.
func Find(id string) (Exercise, error) { return find(All(), id) }

func find(all []Exercise, id string) (Exercise, error) {
	if i := slices.IndexFunc(all, func(e Exercise) bool { return e.ID == id }); i >= 0 {
		return all[i], nil
	}
	var near []string
	lesson, _, _ := strings.Cut(id, "/")
	for _, e := range all {
		if e.Lesson() == lesson {
			near = append(near, e.ID)
		}
	}
	if len(near) == 0 {
		return Exercise{}, fmt.Errorf("check: no such exercise: %q (check.Progress() lists all)", id)
	}
	return Exercise{}, fmt.Errorf("check: no such exercise: %q (have %s)", id, strings.Join(near, ", "))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
