package grade

import (
	"encoding/json"

	"transferlab/lessons/check/answer"
)

// job is what goes into a sandbox, as JSON on its standard input.
type job struct {
	Notebook []byte                   `json:"notebook"` // the submission, without outputs
	Cases    map[string][]answer.Case `json:"cases"`    // arguments for the funcs that students write
	Limits   Limits                   `json:"limits"`
	All      bool                     `json:"all"`     // run all cells, not only those that declare or answer
	Slot     int                      `json:"slot"`    // which of those that run at once,
	Slots    int                      `json:"slots"`   // and how many do; 0 for a program of ours, which has the machine to itself
	Overlay  string                   `json:"overlay"` // without a sandbox: what go build is told to put in the place of lessons/check
}

// line is one line of what comes out. Exactly one field is set.
type line struct {
	Given *answer.Given `json:"given,omitempty"`
	Note  string        `json:"note,omitempty"` // what went wrong with a cell
	Done  bool          `json:"done,omitempty"` // all cells ran, or failed
}

const (
	mostOutput = 4 << 20  // bytes that are read from a sandbox
	mostNotes  = 20       // of a submission
	longest    = 300      // bytes of a note
	largest    = 64 << 20 // bytes of a notebook that is handed in
	mostValues = 300_000  // of its JSON
)

// readLine reads a line from a sandbox: false for what is none, which is passed over.
func readLine(data []byte) (l line, is bool) {
	if json.Unmarshal(data, &l) != nil {
		return line{}, false
	}
	return l, l.Given != nil || l.Note != "" || l.Done
}
