package check

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"transferlab/lessons/check/answer"
)

// These are the functions that cells call. `tlab grade` puts a package with the same ones in the place of this package, which only
// notes what was given: see kernel/grade/recorder.

// StudentKey names the environment variable with the student's name, for those who did not call [Student].
const StudentKey = "TLAB_STUDENT"

// student is the name that the cell gave. A cell is a process of its own and has one student.
var student string

// Student sets whose variant of the exercises this notebook asks, and whose progress it keeps. It stands in a var, where every cell calls
// it again: var student = check.Student("name"). Without it, and without $TLAB_STUDENT, exercises have the lecture's own numbers.
func Student(name string) string {
	student = strings.TrimSpace(name)
	return student
}

// Ask prints an exercise.
func Ask(id string) { here().ask(id) }

// Answer checks an answer and prints the judgement with its reason: a number, a formula as text, the letter of a choice, or a func. nil
// is no answer yet and prints the exercise. Answers may be changed as often as one likes; after two that were not right there is a hint.
func Answer(id string, answer any) { here().answer(id, answer) }

// Predict keeps a prediction. It can be changed until [Reveal] has shown the result. nil is none yet and prints the exercise.
func Predict(id string, prediction any) { here().predict(id, prediction) }

// Reveal shows what was measured beside what was predicted. Without a prediction it keeps the measurement to itself, so that running all
// cells of a notebook gives nothing away.
func Reveal(id string, measured float64) { here().reveal(id, measured) }

// Progress prints a table of all exercises with the points that they have earned so far; of given lessons only: Progress("02").
func Progress(lessons ...string) { here().progress(lessons) }

// desk is where a student sits: exercises, a name, a folder that keeps what was tried, and paper.
type desk struct {
	exercises []Exercise
	student   string
	dir       string // "" where there is none
	out       io.Writer
}

func here() desk {
	name := student
	if name == "" {
		name = strings.TrimSpace(os.Getenv(StudentKey))
	}
	return desk{exercises: All(), student: name, dir: progressDir(), out: os.Stdout}
}

func (d desk) find(id string) (Exercise, bool) {
	e, err := find(d.exercises, id)
	if err != nil {
		fmt.Fprintln(d.out, err)
	}
	return e, err == nil
}

func (d desk) ask(id string) {
	if e, found := d.find(id); found {
		d.print(fmt.Sprintf("Exercise %s · %s · %s", e.ID, e.Title, pointsText(e.Worth())), e.For(d.student).ask(e.ID))
	}
}

func (d desk) answer(id string, value any) {
	e, found := d.find(id)
	if !found {
		return
	}
	q := e.For(d.student)
	seed := rand.Int64()
	g := answer.Give(id, answer.Answered, value, e.Cases(d.student, seed), patience)
	r := e.Judge(d.student, g, seed)
	if r.Status == Blank {
		d.ask(id)
		return
	}
	kept := d.load(id)
	kept.take(g, r)
	d.print(e.verdict(r), r.Reason)
	if r.Status != Right && kept.Tries >= triesBeforeHint && q.hint() != "" {
		d.print("Hint", q.hint())
	}
	d.save(kept)
}

// verdict is the first line of a judgement.
func (e Exercise) verdict(r Ruling) string {
	switch {
	case r.Status == Right:
		return fmt.Sprintf("%s: right. %s of %s.", e.ID, trimmed(e.Worth()), pointsText(e.Worth()))
	case r.Status == NotUnderstood:
		return fmt.Sprintf("%s: not understood, and not counted as a try.", e.ID)
	}
	text, good := e.ID+": not yet.", "What is right"
	if r.Name != "" {
		text, good = fmt.Sprintf("%s: not yet. You %s.", e.ID, r.Name), "The rest"
	}
	if r.Credit > 0 {
		text += fmt.Sprintf(" %s is worth %s of %s.", good, trimmed(r.Credit*e.Worth()), pointsText(e.Worth()))
	}
	return text
}

func (d desk) predict(id string, value any) {
	e, found := d.find(id)
	if !found {
		return
	}
	g := answer.Give(id, answer.Predicted, value, nil, patience)
	r := e.Judge(d.student, g, 0)
	kept := d.load(id)
	q, _ := e.For(d.student).(Prediction)
	switch {
	case kept.Measured != nil && kept.Predicted != nil:
		d.print(e.ID+": the result is out.", fmt.Sprintf("Your prediction stays %s.", q.text(*kept.Predicted)))
	case r.Status == Blank:
		d.ask(id)
	case r.Status != Right:
		d.print(e.verdict(r), r.Reason)
	default:
		kept.take(g, r)
		kept.Predicted = g.Number
		d.print(fmt.Sprintf("%s: you predict %s.", e.ID, q.text(*g.Number)), r.Reason)
		d.save(kept)
	}
}

func (d desk) reveal(id string, measured float64) {
	e, found := d.find(id)
	if !found {
		return
	}
	q, is := e.For(d.student).(Prediction)
	kept := d.load(id)
	switch {
	case !is:
		d.print(e.ID+": nothing was to be predicted here.", "Use check.Answer.")
	case kept.Predicted == nil:
		d.print(e.ID+": predict first.", fmt.Sprintf("Put your prediction into the cell with check.Predict(%q, …), run it, and then this cell again. Until then the comparison stays closed.", e.ID))
	default:
		if kept.Measured == nil {
			kept.Measured = finite(measured)
			d.save(kept)
		}
		d.print(fmt.Sprintf("%s: %s of %s for having predicted.", e.ID, trimmed(e.Worth()), pointsText(e.Worth())), q.compare(*kept.Predicted, measured))
	}
}

// finite is nil for what JSON cannot hold.
func finite(n float64) *float64 {
	if n-n != 0 {
		return nil
	}
	return &n
}
