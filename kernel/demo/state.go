package demo

import "transferlab/tl"

// State is all that the page shows. It is sent whole at each change: it is small, and a page that was away needs no past.
type State struct {
	Engine   EngineState  `json:"engine"`
	Classes  []ClassState `json:"classes"`
	Unseen   int          `json:"unseen"` // pictures that the network has not represented yet
	Training Training     `json:"training"`
	Model    *ModelState  `json:"model"`  // nil before the first training
	Round    int          `json:"round"`  // counts resets
	Kept     string       `json:"kept"`   // the folder that keeps things, "" without one
	Limits   Limits       `json:"limits"` // for the page to refuse early
}

// EngineState is how the engine is: "starting", "ready" or "down".
type EngineState struct {
	State string `json:"state"`
	Text  string `json:"text"`
}

// ClassState is a class with the pictures it has, oldest first.
type ClassState struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Pictures []int  `json:"pictures"`
}

// Training is the run that goes on, or the last one.
type Training struct {
	Run     int          `json:"run"`     // counts trainings
	State   string       `json:"state"`   // "", "running", "done", "stopped" or "failed"
	Text    string       `json:"text"`    // what is being done, or what went wrong
	Epochs  int          `json:"epochs"`  // planned
	Curve   []Point      `json:"curve"`   // of the epochs so far
	Phases  []PhaseState `json:"phases"`  // those that have begun
	Left    float64      `json:"left"`    // seconds, 0 where that is not known
	Seconds float64      `json:"seconds"` // that it took
	Rows    int          `json:"rows"`    // pictures that it learns from …
	Held    int          `json:"held"`    // … and that it is judged by
	Kept    int          `json:"kept"`    // the epoch, from 1, whose weights stand
}

// PhaseState is where a phase begins in the curve.
type PhaseState struct {
	Name  string `json:"name"`
	After int    `json:"after"` // epochs
}

// Point is one epoch of the curve. The last two are nil where no pictures are held out.
type Point struct {
	Loss          float64  `json:"loss"`
	Accuracy      float64  `json:"accuracy"`
	ValidLoss     *float64 `json:"validLoss"`
	ValidAccuracy *float64 `json:"validAccuracy"`
}

// ModelState is the model that answers.
type ModelState struct {
	Classes []int   `json:"classes"` // ids, oldest first
	Stale   bool    `json:"stale"`   // whether classes or pictures changed since it was trained
	Saved   string  `json:"saved"`   // the folder that holds it, "" without one
	Seconds float64 `json:"seconds"` // from the first picture to the first prediction; 0 before that
}

// Limits are the bounds of this package, for the page.
type Limits struct {
	Classes  int `json:"classes"`
	Pictures int `json:"pictures"`
	Bytes    int `json:"bytes"`
	Name     int `json:"name"`
}

// pointOf is an epoch for the curve. JSON has no NaN.
func pointOf(e tl.Epoch) Point {
	p := Point{Loss: e.Loss, Accuracy: e.Accuracy}
	if e.ValidLoss == e.ValidLoss {
		p.ValidLoss, p.ValidAccuracy = &e.ValidLoss, &e.ValidAccuracy
	}
	return p
}
