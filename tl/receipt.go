package tl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ReceiptFile is the name of the receipt in the folder of a saved model.
const ReceiptFile = "receipt.json"

// receiptFormat and receiptVersion are what a receipt says of itself.
const (
	receiptFormat  = "transferlab receipt"
	receiptVersion = 1
)

// Receipt says how a model came to be: whatever two runs can differ in. It holds no path and no name of a user or machine, but for the
// names that data sets have. The same receipt, times apart, means the same bits on a CPU.
type Receipt struct {
	Format  string // "transferlab receipt"
	Version int

	Model   string
	Seed    int64
	Base    ReceiptBase
	Head    []Layer
	Classes []string // of the training data; nil before the first phase

	Weights ReceiptWeights
	Frozen  []string // blocks, as they are now

	Phases      []ReceiptPhase
	Evaluations []ReceiptEvaluation // in the order in which they were made
	Tried       []Tried             `json:",omitempty"` // every configuration that was tried on the way to this one; a tuning appends them

	Machine  Machine
	Versions map[string]string // of Go and of the modules that the numbers depend on
	Seconds  float64           // wall time of all phases and evaluations
}

// ReceiptBase is the pretrained network.
type ReceiptBase struct {
	Name    string
	Weights string // digest of its pretrained tensors
	Blocks  int
}

// ReceiptWeights are digests, SHA-256 in hex, over all tensors of base and head: equal exactly where every bit is.
type ReceiptWeights struct {
	Before string // the first phase
	After  string // as the model is now
	Opened string `json:",omitempty"` // of the saved model that it was opened from, where it was; see Origin
}

// ReceiptData is a data set as a run saw it.
type ReceiptData struct {
	Name        string // "elpv", or that of a folder
	Description string // with its picks and its augmentation: "elpv; without every 4th row; 0.85 of each class, seed 1"
	Rows        int
	Classes     map[string]int // rows of each
	Images      string         // digest of the images, whatever their order
	Labelled    string         // digest of the images with their classes, whatever their order
	Order       string         // digest of the same, in order
}

// ReceiptPhase is one phase: what it was given and what came of it.
type ReceiptPhase struct {
	Phase         Phase              // as the engine took it, with its name and its batch size
	Rates         map[string]float64 // of each unfrozen block and the head
	Train         ReceiptData
	Valid         *ReceiptData `json:",omitempty"` // nil where there was none
	Chosen        string       // which data chose the epoch that stands: "valid", "none (the last stands)" or "StepBack"
	Kept          int          // that epoch, from 1; 0 where none finished
	Stopped       bool         // whether it ended before its last epoch
	Resumed       int          // how often it was stopped and gone on with
	Epochs        []Epoch
	Proof         FreezeProof
	Before, After string // digests of the weights, as in ReceiptWeights
	Seconds       float64
}

// ReceiptEvaluation is one look at held-out images.
type ReceiptEvaluation struct {
	Data     ReceiptData
	Look     int    // how often these images were evaluated by now, this time included: of an honest test set it is 1
	Phases   int    // that were fitted before it
	Weights  string // digest of the weights it measured
	Accuracy float64
	Balanced float64
	Loss     float64 // mean cross-entropy in nats
	Interval [2]float64
	Seconds  float64
	Views    int `json:",omitempty"` // of each image, averaged; 0 is the plain image alone
}

// Tried is one configuration that a tuning tried, chosen or not.
type Tried struct {
	Name          string
	Phases        []Phase
	Seed          int64
	ValidLoss     float64 // NaN where it was not measured
	ValidAccuracy float64
	Seconds       float64
	Chosen        bool
}

// Machine is what a run ran on.
type Machine struct {
	OS, Arch string // as in runtime.GOOS and GOARCH
	CPU      string // the model's name, where the system says it
	Cores    int
	Backend  string // of GoMLX: the plugin's name and version
}

// Receipt gives the model's receipt as of now.
func (m Model) Receipt(ctx context.Context) (Receipt, error) {
	return call[Receipt](ctx, VerbReceipt, m.Name, ModelRequest{Model: m})
}

// NewReceipt is a receipt that holds nothing yet, of this version.
func NewReceipt() Receipt { return Receipt{Format: receiptFormat, Version: receiptVersion} }

// Looks is how often images were evaluated that are those of d.
func (r Receipt) Looks(d ReceiptData) (n int) {
	for _, e := range r.Evaluations {
		if e.Data.Images == d.Images {
			n++
		}
	}
	return n
}

// Line says in one line what the receipt is of.
func (r Receipt) Line() string {
	text := fmt.Sprintf("%q on %s, seed %d; %s", r.Model, r.Base.Name, r.Seed, plural(len(r.Phases), "phase"))
	if n := len(r.Evaluations); n > 0 {
		last := r.Evaluations[n-1]
		text += fmt.Sprintf("; accuracy %.3f on %s images of %s", last.Accuracy, WithCommas(int64(last.Data.Rows)), last.Data.Name)
	}
	return text
}

// Write writes the receipt as JSON: under a temporary name, and then renamed.
func (r Receipt) Write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("tl: write a receipt: %w", err)
	}
	out, err := os.CreateTemp(filepath.Dir(file), ".receipt-")
	if err != nil {
		return fmt.Errorf("tl: write a receipt: %w", err)
	}
	defer os.Remove(out.Name()) // fails after the rename, as it should
	_, err = out.Write(append(text, '\n'))
	if err = errors.Join(err, out.Chmod(0o644), out.Sync(), out.Close()); err == nil {
		err = os.Rename(out.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("tl: write the receipt %s: %w", file, err)
	}
	return nil
}

// maxReceipt bounds what is read as a receipt. One of 100 phases of 100 epochs has 4 MB.
const maxReceipt = 64 << 20

// ReadReceipt reads a receipt: a file, or a folder that Save wrote.
func ReadReceipt(path string) (Receipt, error) {
	r, err := readReceipt(path)
	if err != nil {
		return Receipt{}, fmt.Errorf("tl: read a receipt: %w", err)
	}
	return r, nil
}

func readReceipt(path string) (r Receipt, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, ReceiptFile)
	}
	file, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxReceipt+1))
	switch {
	case err != nil:
		return r, err
	case len(text) > maxReceipt:
		return r, fmt.Errorf("%s has more than %d MB: it is no receipt", path, maxReceipt>>20)
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Format != receiptFormat {
		if err == nil {
			err = fmt.Errorf("its format is %q, not %q", r.Format, receiptFormat)
		}
		return r, fmt.Errorf("%s is no receipt, or was cut short: %w", path, err)
	}
	if r.Version > receiptVersion {
		return r, fmt.Errorf("%s is of version %d, this lab reads versions up to %d: update the lab", path, r.Version, receiptVersion)
	}
	return r, nil
}

// MarshalJSON writes a loss that is no number as a string.
func (e ReceiptEvaluation) MarshalJSON() ([]byte, error) {
	type plain ReceiptEvaluation
	return json.Marshal(struct {
		plain
		Loss figure
	}{plain(e), figure(e.Loss)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *ReceiptEvaluation) UnmarshalJSON(text []byte) error {
	type plain ReceiptEvaluation
	read := struct {
		*plain
		Loss figure
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	e.Loss = float64(read.Loss)
	return nil
}

// MarshalJSON writes figures that are no numbers as strings.
func (t Tried) MarshalJSON() ([]byte, error) {
	type plain Tried
	return json.Marshal(struct {
		plain
		ValidLoss, ValidAccuracy figure
	}{plain(t), figure(t.ValidLoss), figure(t.ValidAccuracy)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Tried) UnmarshalJSON(text []byte) error {
	type plain Tried
	read := struct {
		*plain
		ValidLoss, ValidAccuracy figure
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	t.ValidLoss, t.ValidAccuracy = float64(read.ValidLoss), float64(read.ValidAccuracy)
	return nil
}
