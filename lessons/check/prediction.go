package check

import (
	"fmt"
	"math"
	"strconv"

	"transferlab/lessons/check/answer"
)

// Prediction asks for a number before it is measured. Having predicted earns the points, whatever came out: being wrong first is how one
// remembers. [Reveal] then says how far off it was.
type Prediction struct {
	Ask       string
	Low, High float64 // what it can be at all; both are allowed. An accuracy: 0, 1
	Close     float64 // a difference up to this is close, > 0
	Unit      string  // "seconds"; "" has none
	Hint      string  // what to think about before predicting; shown with the question. "" shows nothing
	// Say adds a sentence on how the two differ and why; nil adds none.
	Say func(predicted, measured float64) string
}

func (q Prediction) ask(id string) string {
	text := q.Ask
	if q.Hint != "" {
		text += "\n" + q.Hint
	}
	return text + fmt.Sprintf("\nPredict a number from %s to %s: check.Predict(%q, …). It can be changed until you see the result.", q.text(q.Low), q.text(q.High), id)
}

func (q Prediction) hint() string { return "" }

// text writes a number with its unit.
func (q Prediction) text(n float64) string {
	s := strconv.FormatFloat(n, 'g', 4, 64)
	if math.Abs(n) >= 1e4 {
		s = strconv.FormatFloat(n, 'f', 0, 64)
	}
	if q.Unit != "" {
		s += " " + q.Unit
	}
	return s
}

func (q Prediction) judge(g answer.Given, _ int64) Ruling {
	if g.Number == nil {
		return Ruling{Status: NotUnderstood, Reason: "A number is wanted."}
	}
	if n := *g.Number; n < q.Low || n > q.High {
		return Ruling{Status: NotUnderstood, Reason: fmt.Sprintf("%s cannot be: it lies between %s and %s.", q.text(n), q.text(q.Low), q.text(q.High))}
	}
	return Ruling{Status: Right, Credit: 1, Reason: "Your prediction is kept. Now run the cell that measures."}
}

// compare says how far off a prediction was.
func (q Prediction) compare(predicted, measured float64) string {
	difference := measured - predicted
	text := fmt.Sprintf("You predicted %s; measured: %s. ", q.text(predicted), q.text(measured))
	switch {
	case math.Abs(difference) <= q.Close:
		text += "That is close."
	case difference > 0:
		text += fmt.Sprintf("You were too low by %s.", q.text(difference))
	default:
		text += fmt.Sprintf("You were too high by %s.", q.text(-difference))
	}
	if q.Say != nil {
		text += " " + q.Say(predicted, measured)
	}
	return text
}
