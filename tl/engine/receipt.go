package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// journal is what a receipt tells of a model beyond its histories. It is kept in checkpoints and saved with the model.
type journal struct {
	Before      string // digest of the weights before the first phase; "" before it
	Classes     []string
	Phases      []phaseEntry // one for each history
	Evaluations []tl.ReceiptEvaluation
}

// phaseEntry is what a history does not say of its phase.
type phaseEntry struct {
	Train         tl.ReceiptData
	Valid         *tl.ReceiptData `json:",omitempty"`
	Before, After string          // digests of the weights
	Resumed       int             `json:",omitempty"`
	classes       []string
}

// entry describes the data of a phase that is about to begin.
func (u *run) describe(train, valid datasets.Dataset) error {
	entry := phaseEntry{Before: digest(u.model.values)}
	var err error
	if entry.Train, entry.classes, err = described(u.ctx, train, u.views[0].hashes, u.labels); err == nil {
		err = u.model.sameClasses("train", entry.classes)
	}
	if err != nil {
		return err
	}
	if u.valid != nil {
		data, classes, err := described(u.ctx, valid, u.valid.hashes, u.vLabels)
		if err == nil {
			err = sameOrder("valid", classes, entry.classes)
		}
		if err != nil {
			return err
		}
		entry.Valid = &data
	}
	u.entry = entry
	return nil
}

// sameClasses refuses data whose classes have other numbers than those the model was trained on.
func (t *trained) sameClasses(role string, classes []string) error {
	return sameOrder(role, classes, t.journal.Classes)
}

// sameOrder refuses classes that are known by another number: labels are numbers, and every answer would be taken for another one.
func sameOrder(role string, classes, trained []string) error {
	for i, class := range classes {
		if j := slices.Index(trained, class); j >= 0 && j != i {
			return fmt.Errorf("%s has class %q as number %d, the model was trained with it as number %d: give data whose classes are in the order %s",
				role, class, i, j, strings.Join(trained, ", "))
		}
	}
	return nil
}

// withPhase is the journal with a phase more.
func (j journal) withPhase(entry phaseEntry) journal {
	if len(j.Phases) == 0 {
		j.Before = entry.Before
	}
	j.Phases = append(slices.Clone(j.Phases), entry)
	if entry.classes != nil {
		j.Classes = entry.classes
	}
	return j
}

// noted is the phase's entry now that the model stands as it does after it.
func (u *run) noted() phaseEntry {
	u.entry.After = digest(u.model.values)
	return u.entry
}

// described is a data set as a receipt has it: hashes are those of its images, labels their classes.
func described(ctx context.Context, d datasets.Dataset, hashes [][32]byte, labels []int) (tl.ReceiptData, []string, error) {
	classes, err := d.Classes(ctx)
	if err != nil {
		return tl.ReceiptData{}, nil, err
	}
	local := d
	if local.Path != "" {
		local.Path = filepath.Base(d.Path) // where a folder lies on this machine is nobody's business
	}
	r := tl.ReceiptData{Name: d.Source, Description: local.String(), Rows: len(hashes), Classes: map[string]int{}}
	if d.Source == "folder" {
		r.Name = local.Path
	}
	images, rows := make([]string, len(hashes)), make([]string, len(hashes))
	for i, hash := range hashes {
		class := classes[labels[i]]
		r.Classes[class]++
		images[i], rows[i] = string(hash[:]), string(hash[:])+class
	}
	r.Order = digestOf(rows)
	slices.Sort(images)
	slices.Sort(rows)
	r.Images, r.Labelled = digestOf(images), digestOf(rows)
	return r, classes, nil
}

// digestOf is the SHA-256 over texts, in hex. Each stands with its length, so that no two lists share one.
func digestOf(texts []string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// looked notes an evaluation. Call it with the model's gate.
func (e *Engine) looked(ctx context.Context, t *trained, d rows, ev tl.Evaluation) error {
	data, _, err := described(ctx, d.Dataset, d.hashes, ev.Labels)
	if err != nil {
		return err
	}
	look := tl.ReceiptEvaluation{Data: data, Look: 1, Phases: len(t.histories), Weights: digest(t.values), Accuracy: ev.Accuracy(),
		Balanced: ev.BalancedAccuracy(), Loss: ev.Loss, Interval: ev.Interval, Seconds: ev.Time.Total.Seconds()}
	if ev.Views > 1 {
		look.Views = ev.Views
	}
	for _, before := range t.journal.Evaluations {
		if before.Data.Images == data.Images {
			look.Look++
		}
	}
	t.journal.Evaluations = append(slices.Clone(t.journal.Evaluations), look)
	e.keep(ctx, t)
	return nil
}

// receipt gives the receipt of a model; see tl.Model.Receipt.
func (e *Engine) receipt(ctx context.Context, r tl.ModelRequest, _ func(remote.Progress)) (tl.Receipt, error) {
	if isBare(r.Model) {
		return tl.Receipt{}, fmt.Errorf("a base has no receipt: give it a head with WithHead")
	}
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Receipt{}, err
	}
	defer t.gate.Unlock()
	if _, err := e.open(ctx); err != nil { // the receipt names what computes
		return tl.Receipt{}, err
	}
	return e.receiptOf(t), nil
}

// receiptOf is the receipt of a model as it stands. Call it with its gate.
func (e *Engine) receiptOf(t *trained) tl.Receipt {
	r := tl.NewReceipt()
	d := t.description
	r.Model, r.Seed, r.Head, r.Frozen, r.Classes = d.Name, d.Seed, d.Head, t.frozenNames(), t.journal.Classes
	r.Base = tl.ReceiptBase{Name: d.Base.Name, Weights: digest(ofBlocks(t.base, t.base.values, 0, len(t.base.Blocks))), Blocks: len(t.base.Blocks)}
	r.Weights = tl.ReceiptWeights{Before: t.journal.Before, After: digest(t.values), Opened: d.Origin.Digest}
	if r.Weights.Before == "" {
		r.Weights.Before = r.Weights.After
	}
	seconds := time.Duration(0)
	for i, h := range t.histories {
		seconds += h.Time.Total
		phase := tl.ReceiptPhase{Phase: h.Phase, Rates: h.Rates, Chosen: chosen(h), Kept: h.Kept, Stopped: h.Stopped, Epochs: h.Epochs, Proof: h.Proof,
			Seconds: h.Time.Total.Seconds()}
		if i < len(t.journal.Phases) {
			entry := t.journal.Phases[i]
			phase.Train, phase.Valid, phase.Before, phase.After, phase.Resumed = entry.Train, entry.Valid, entry.Before, entry.After, entry.Resumed
		}
		r.Phases = append(r.Phases, phase)
	}
	r.Seconds = seconds.Seconds()
	r.Evaluations = slices.Clone(t.journal.Evaluations)
	for _, ev := range r.Evaluations {
		r.Seconds += ev.Seconds
	}
	r.Machine, r.Versions = e.machine(), versions()
	return r
}

// chosen says which data chose the epoch that stands.
func chosen(h tl.History) string {
	switch {
	case h.SteppedBack:
		return "StepBack"
	case h.Valid && !h.Phase.KeepLast && !h.Stopped:
		return "valid"
	}
	return "none (the last stands)"
}
