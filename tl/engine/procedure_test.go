package engine

import (
	"slices"
	"strings"
	"testing"

	"transferlab/tl"
)

// threeStages is a network of three stages for the 32×32 figures, with random weights: procedures run on it in a moment.
var threeStages = tl.Sequence("small", []int{32, 32, 3},
	tl.Named("one", tl.Conv(8, 3), tl.BatchNorm(), tl.ReLU(), tl.MaxPool(2)).In("early"),
	tl.Named("two", tl.Conv(16, 3), tl.BatchNorm(), tl.ReLU(), tl.MaxPool(2)).In("middle"),
	tl.Named("three", tl.Conv(16, 3), tl.BatchNorm(), tl.ReLU(), tl.GlobalAveragePool()).In("late"))

// TestProceduresRun carries each of them out: what moved in the end, how many phases there were, and which blocks had a rate in each.
func TestProceduresRun(t *testing.T) {
	ownCache(t)
	tuning := tl.Tuning{HeadEpochs: 2, Epochs: 1}
	for _, c := range []struct {
		procedure tl.Procedure
		moved     string
		phases    []string // the blocks with a rate
	}{
		{tl.Extract(tuning), "head", []string{"head"}},
		{tl.FineTune(tuning), "head three two", []string{"head", "head three two"}},
		{tl.Gradual(tuning), "head one three two", []string{"head", "head three", "head three two", "head one three two"}},
		{tl.Discriminative(tuning), "head one three two", []string{"head", "head one three two"}},
		{tl.LinearThenFull(tuning), "head one three two", []string{"head", "head one three two"}},
		{tl.L2SP(tuning), "head one three two", []string{"head", "head one three two"}},
		{tl.Scratch(tuning), "head one three two", []string{"head one three two"}},
	} {
		t.Run(c.procedure.Name, func(t *testing.T) {
			model := threeStages.WithHead(c.procedure.Name, tl.Dense(3))
			before := fingerprint(t, model)
			o := must[tl.Outcome](t)(model.Run(quiet(), figures, none, c.procedure))
			if got := strings.Join(moved(before, fingerprint(t, model)), " "); got != c.moved {
				t.Errorf("%s moved, want %s", got, c.moved)
			}
			var phases []string
			for _, h := range o.Histories {
				var rated []string
				for block := range h.Rates {
					rated = append(rated, block)
				}
				slices.Sort(rated)
				phases = append(phases, strings.Join(rated, " "))
				if h.Phase.Name == "" || len(h.Epochs) != h.Phase.Epochs {
					t.Errorf("phase %q had %d epochs", h.Phase.Name, len(h.Epochs))
				}
			}
			if !slices.Equal(phases, c.phases) {
				t.Errorf("phases with rates for %q, want %q", phases, c.phases)
			}
		})
	}
}

// TestDiscriminativeRates: fastai's slice(lr/100, lr) over the four groups of the small network.
func TestDiscriminativeRates(t *testing.T) {
	ownCache(t)
	model := threeStages.WithHead("slice", tl.Dense(3))
	o := must[tl.Outcome](t)(model.Run(quiet(), figures, none, tl.Discriminative(tl.Tuning{Epochs: 1})))
	rates := o.Histories[1].Rates
	for block, want := range map[string]float64{"head": 1e-3, "three": 2.1544e-4, "two": 4.6416e-5, "one": 1e-5} {
		if got := rates[block]; got < want*0.9999 || got > want*1.0001 {
			t.Errorf("%s has rate %g, want %g", block, got, want)
		}
	}
}

// TestScratchOnPretrainedWeights is refused before anything moves.
func TestScratchOnPretrainedWeights(t *testing.T) {
	model := lite.WithHead("no scratch", tl.Dense(3))
	if _, err := model.Run(quiet(), figures, none, tl.Scratch(tl.Tuning{})); err == nil || !strings.Contains(err.Error(), "base.Initial(seed)") {
		t.Errorf("error %v", err)
	}
}
