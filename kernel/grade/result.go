package grade

import (
	"strings"
	"unicode"

	"transferlab/lessons/check"
	"transferlab/lessons/check/answer"
)

// Report is the outcome of one grading.
type Report struct {
	Sandbox string   `json:"sandbox"` // "bubblewrap 0.8.0", or Trusted
	Seed    int64    `json:"seed"`    // for the arguments on which funcs were tried; --seed takes it
	Results []Result `json:"results"`
}

// Trusted stands in the place of the sandbox's name in each row where there was none.
const Trusted = "none: --trust"

// Result is what one submission gets.
type Result struct {
	File      string   `json:"file"`
	Student   string   `json:"student"`         // "" is the lecture's own variant
	Sandbox   string   `json:"sandbox"`         // as in Report: also a single row says how it came about
	Ended     string   `json:"ended,omitempty"` // why the run ended early; "" if all cells ran
	Points    float64  `json:"points"`
	Of        float64  `json:"of"` // for all exercises of the lessons that the submission is about, answered or not
	Seconds   float64  `json:"seconds"`
	Notes     []string `json:"notes,omitempty"`
	Exercises []Mark   `json:"exercises"`
}

// Mark is what one answer gets.
type Mark struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Status  string  `json:"status"` // "right", "partly right", "wrong", "not understood", "blank"
	Points  float64 `json:"points"`
	Of      float64 `json:"of"`
	Answer  string  `json:"answer,omitempty"`
	Mistake string  `json:"mistake,omitempty"` // the typical one that was recognised
	Reason  string  `json:"reason,omitempty"`
}

// mark judges what a submission gave. Nothing else of it has a say: given is data, and the exercises are this process's own.
func (r *Result) mark(exercises []check.Exercise, given []answer.Given, seed int64) {
	r.Exercises = make([]Mark, 0, len(exercises))
	last := map[string]answer.Given{}
	for _, g := range given {
		if !g.Blank {
			last[g.ID] = g
		}
	}
	for _, e := range exercises {
		g, is := last[e.ID]
		if !is {
			g = answer.Given{ID: e.ID, Blank: true}
		}
		ruling := e.Judge(r.Student, g, seed)
		m := Mark{ID: e.ID, Title: e.Title, Status: ruling.Status.String(), Points: ruling.Credit * e.Worth(), Of: e.Worth(), Mistake: ruling.Name}
		if ruling.Status != check.Blank {
			m.Answer, m.Reason = printable(g.String()), printable(ruling.Reason)
		}
		r.Points, r.Of = r.Points+m.Points, r.Of+m.Of
		r.Exercises = append(r.Exercises, m)
	}
}

// twice notes where somebody has more than one submission on the same exercises: which of them counts is not for a program to say.
func (r *Report) twice() {
	type asked struct{ student, id string }
	first := map[asked]int{}
	told := map[[2]int]bool{}
	for i := range r.Results {
		student := r.Results[i].Student
		for _, m := range r.Results[i].Exercises {
			k, seen := first[asked{student, m.ID}]
			switch {
			case student == "":
			case !seen:
				first[asked{student, m.ID}] = i
			case !told[[2]int{k, i}]:
				told[[2]int{k, i}] = true
				r.Results[i].note("also of " + student + ", on the same exercises: " + r.Results[k].File)
				r.Results[k].note("also of " + student + ", on the same exercises: " + r.Results[i].File)
			}
		}
	}
}

// note keeps what went wrong, in words of the submission's own perhaps.
func (r *Result) note(text string) {
	if len(r.Notes) < mostNotes {
		r.Notes = append(r.Notes, printable(text))
	}
}

// printable is a text that does nothing to a terminal, and is not long.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
