package tl

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"transferlab/datasets"
)

// Origin is the folder that an opened model starts from. [Open] makes it; the zero value is the base's pretrained weights and a new head.
type Origin struct {
	Dir    string // absolute
	Digest string // SHA-256 of its model.json, which holds those of the other files: what was opened, whatever the folder holds later
}

// Saved is what [Model.Save] wrote.
type Saved struct {
	Dir    string // absolute
	Digest string // as in Origin
	Files  []SavedFile
}

// SavedFile is one file of a saved model.
type SavedFile struct {
	Name   string // inside the folder
	Bytes  int64
	SHA256 string // in hex
}

// Save writes the model into the folder dir, which is there whole or not at all, also where the machine fails meanwhile:
//
//   - model.json: description, class names, preprocessing, freeze state, the phases that were fitted, and the SHA-256 of every other file
//   - weights.safetensors: every tensor of base and head by its path ("mbconv3/expand/kernel"), float32, in the layout of Keras: convolutions
//     [height, width, in, out], depthwise ones [height, width, 1, channels], dense layers [in, out]; batch norm scale, offset, mean, variance
//   - pretrained.safetensors: what the tensors of the base that moved were before, which drift and L2-SP are measured from
//   - receipt.json: how the model came to be; see [Receipt]
//   - after a phase that was stopped also its epochs and the optimizer's state, from which [Model.Resume] goes on
//
// A folder that holds an earlier state of the same model is replaced in one step. One that holds another model, or anything else, is
// left alone and reported, as is one that another run is writing.
func (m Model) Save(ctx context.Context, dir string) (Saved, error) {
	full, err := folder(dir)
	if err != nil {
		return Saved{}, fmt.Errorf("tl: save %q: %w", m.Name, err)
	}
	return call[Saved](ctx, VerbSave, m.Name, SaveRequest{Model: m, Dir: full})
}

// Open reads a folder that [Model.Save] wrote and returns the model's description, whose verbs find it as it was saved: weights, freeze state,
// histories. It needs nothing but the folder, not the base's weights either. What is cut short, damaged, of another architecture or of a
// newer version is refused. Opening a folder again finds the same model as it stands by then; a folder that was saved anew is another model.
func Open(ctx context.Context, dir string) (Model, error) {
	full, err := folder(dir)
	if err != nil {
		return Model{}, fmt.Errorf("tl: open a saved model: %w", err)
	}
	return call[Model](ctx, VerbOpen, dir, OpenRequest{Dir: full})
}

// folder is dir as seen from the root: the engine may work in another directory than this program.
func folder(dir string) (string, error) {
	if strings.TrimSpace(dir) == "" {
		return "", fmt.Errorf("no folder is named: give the path of one, such as %q", "models/cells")
	}
	return filepath.Abs(dir)
}

// Resume goes on with the phase that was stopped last, from its last finished epoch: with the optimizer's state, the schedule and the
// random numbers as they were then, so that the model has the very bits of a run that nobody stopped. Train and valid are those of
// the phase; others are refused. It works after a stop in this engine, in one that a crashed engine left its checkpoints to, and on an
// opened model.
func (m Model) Resume(ctx context.Context, train, valid datasets.Dataset) (History, error) {
	return call[History](ctx, VerbResume, m.Name, ResumeRequest{Model: m, Train: train, Valid: valid})
}

// Bytes is the size of all files.
func (s Saved) Bytes() (sum int64) {
	for _, f := range s.Files {
		sum += f.Bytes
	}
	return sum
}

// String lists the files.
func (s Saved) String() string {
	rows := [][]string{{"file", "size", "SHA-256"}}
	for _, f := range s.Files {
		rows = append(rows, []string{f.Name, bytesText(f.Bytes), f.SHA256[:min(len(f.SHA256), 12)] + "…"})
	}
	return s.Dir + "\n" + table("lrl", append(rows, []string{"total", bytesText(s.Bytes()), ""})...)
}
