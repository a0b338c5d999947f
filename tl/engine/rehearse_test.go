package engine

import (
	"strings"
	"testing"
	"time"

	"transferlab/tl"
)

// TestWithinLeavesNoTrace: a phase whose limit is far away measures a few steps first, and is the same phase all the same, bit for bit.
func TestWithinLeavesNoTrace(t *testing.T) {
	ownCache(t)
	phase := tl.Phase{Epochs: 3, LearningRate: 1e-2, BatchSize: 16, Schedule: "one-cycle", WarmUp: 0.3, StartDivisor: 5}
	run := func(within time.Duration) (map[string]string, tl.History) {
		model := lite.WithHead("within", tl.Dropout(0.5), tl.Dense(8), tl.ReLU(), tl.Dense(3))
		must[bool](t)(model.Reset(quiet()))
		phase.Within = within
		h := must[tl.History](t)(model.Fit(quiet(), figures.Take(40), figures.Skip(40), phase))
		return fingerprint(t, model), h
	}
	free, _ := run(0)
	limited, h := run(time.Hour)
	if changed := moved(free, limited); changed != nil {
		t.Errorf("measuring left its mark in %v", changed)
	}
	if len(h.Epochs) != 3 {
		t.Errorf("%d epochs, want 3", len(h.Epochs))
	}
}

// TestWithinEndsThePhase: more epochs than anybody waits for end near the limit; a limit that is over at once gives none and no error.
func TestWithinEndsThePhase(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("within ends", tl.Dense(3))
	must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 1, LearningRate: 1e-3})) // compiles
	begun := time.Now()
	h := must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 1e6, LearningRate: 1e-4, Schedule: "cosine", Within: time.Second}))
	if took := time.Since(begun); took > 3*time.Second || len(h.Epochs) < 2 || len(h.Epochs) == 1e6 {
		t.Errorf("%d epochs in %s, want about a second of them", len(h.Epochs), took)
	}
	if last := h.Epochs[len(h.Epochs)-1].Blocks[0].Rate; last > 1e-6 {
		t.Errorf("the cosine schedule ended at a rate of %g", last)
	}
	before := fingerprint(t, model)
	h = must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 5, LearningRate: 1e-4, Within: time.Nanosecond}))
	if len(h.Epochs) != 0 || h.Kept != 0 || moved(before, fingerprint(t, model)) != nil {
		t.Errorf("in a nanosecond: %v", h)
	}
}

func TestPhaseRefusesTimes(t *testing.T) {
	for want, p := range map[string]tl.Phase{
		"Within is -1s":       {Within: -time.Second},
		"WarmUp is 1":         {Schedule: "one-cycle", WarmUp: 1},
		"StartDivisor is 0.5": {Schedule: "one-cycle", StartDivisor: 0.5},
		"\"one-cycle\" alone": {Schedule: "cosine", WarmUp: 0.3},
	} {
		p.Epochs, p.LearningRate, p.BatchSize = 1, 1, 1
		if err := checkPhase(p, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
