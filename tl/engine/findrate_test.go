package engine

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestFindRateLeavesNoTrace: after a search the weights, histories and freeze state are as before, bit for bit, and so is what a phase then does:
// optimizer, dropout, order of rows and views.
func TestFindRateLeavesNoTrace(t *testing.T) {
	ownCache(t)
	train := figures.Take(24).Augment(datasets.Augmentation{FlipLeftRight: true})
	model := lite.WithHead("search", tl.Dropout(0.3), tl.Dense(3))
	phase := tl.Phase{Epochs: 1, LearningRate: 3e-3, BatchSize: 8}
	run := func(search bool) (before, found, after map[string]string) {
		must[bool](t)(model.Reset(quiet()))
		must[tl.Summary](t)(model.UnfreezeTop(quiet(), 1))
		must[tl.History](t)(model.Fit(quiet(), train, none, phase))
		before = fingerprint(t, model)
		if search {
			curve := must[tl.RateCurve](t)(model.FindRate(quiet(), train, tl.RateSearch{Steps: 30, Phase: tl.Phase{BatchSize: 8, Thaw: []string{"head"}}}))
			checkCurve(t, curve)
			found = fingerprint(t, model)
			if s := must[tl.Summary](t)(model.Summary(quiet())); s.Blocks[len(s.Blocks)-2].Frozen {
				t.Error("the search froze a block")
			}
			if h := must[[]tl.History](t)(model.Histories(quiet())); len(h) != 1 {
				t.Errorf("%d histories, want 1", len(h))
			}
		}
		must[tl.History](t)(model.Fit(quiet(), train, none, phase))
		return before, found, fingerprint(t, model)
	}
	_, _, free := run(false)
	before, found, after := run(true)
	if changed := moved(before, found); changed != nil {
		t.Errorf("the search moved %v", changed)
	}
	if changed := moved(free, after); changed != nil {
		t.Errorf("the phase after a search differs in %v", changed)
	}
}

func checkCurve(t *testing.T, c tl.RateCurve) {
	t.Helper()
	n := len(c.Rates)
	if n < 6 || n > 30 || len(c.Losses) != n || c.Rates[0] != 1e-7 || math.Abs(c.Rates[1]/c.Rates[0]-math.Pow(1e8, 1.0/29)) > 1e-9 {
		t.Fatalf("the rates are not 30 from 1e-7 to 10: %v", c.Rates)
	}
	if n < 30 && !c.Diverged {
		t.Errorf("ended after %d steps for no reason", n)
	}
	if !(c.Valley > 1e-6 && c.Valley < 1) || !(c.Steep > 1e-6) || !(c.Tenth > 1e-6) {
		t.Errorf("suggestions %g, %g, %g", c.Valley, c.Steep, c.Tenth)
	}
	if c.Model != "search" || c.Time.Total == 0 {
		t.Errorf("%+v", c)
	}
}

func TestFindRateUsesTheCompiledStep(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("search the same step", tl.Dense(3))
	must[tl.History](t)(model.Fit(quiet(), figures.Take(8), none, tl.Phase{Epochs: 1, LearningRate: 1e-3}))
	before := registeredEngine.compiled.Load()
	must[tl.RateCurve](t)(model.FindRate(quiet(), figures.Take(8), tl.RateSearch{Steps: 6}))
	if after := registeredEngine.compiled.Load(); after != before {
		t.Errorf("%d graphs were compiled", after-before)
	}
}

// TestFindRateStops: where its client goes the model stays as it is; a rate that is too high for a number ends the curve.
func TestFindRateStops(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("search stops", tl.Dense(3))
	before := fingerprint(t, model)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := model.FindRate(tl.WithReport(ctx, func(p remote.Progress) {
		if strings.Contains(p.Detail, "rate") && p.Done == 3 {
			cancel()
		}
	}), figures, tl.RateSearch{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	curve := must[tl.RateCurve](t)(model.FindRate(quiet(), figures, tl.RateSearch{From: 1, To: 1e38, Steps: 20, Phase: tl.Phase{Optimizer: "sgd"}}))
	if last := len(curve.Losses) - 1; !curve.Diverged || last == 19 {
		t.Errorf("the loss did not explode: %v", curve.Losses)
	}
	if changed := moved(before, fingerprint(t, model)); changed != nil {
		t.Errorf("moved %v", changed)
	}
	for want, search := range map[string]tl.RateSearch{
		"rates from 1 to 0.1":    {From: 1, To: 0.1},
		"rates from -1 to 10":    {From: -1},
		"5 steps: at least 6":    {Steps: 5},
		"no optimizer \"lion\"":  {Phase: tl.Phase{Optimizer: "lion"}},
		"rates from 1e-07 to +I": {To: math.Inf(1)},
	} {
		if _, err := model.FindRate(quiet(), figures, search); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
