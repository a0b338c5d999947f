package engine

import (
	"math"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestSecondCallCompilesNothing: a graph serves any number of rows, since the last, smaller batch has the shape of the others, and any model
// of the same structure.
func TestSecondCallCompilesNothing(t *testing.T) {
	ownCache(t)
	model, twin := lite.WithHead("compiled", tl.Dense(3)), lite.WithHead("compiled twin", tl.Dense(3))
	evaluated := func(m tl.Model, d datasets.Dataset) { must[tl.Evaluation](t)(m.Evaluate(quiet(), d)) }
	phase := tl.Phase{Epochs: 1, LearningRate: 1e-3, BatchSize: 8}
	work := map[string]func(seed int64, rows int, m tl.Model){
		"represent": func(seed int64, rows int, _ tl.Model) {
			must[tl.Representation](t)(lite.Represent(quiet(), datasets.Shapes(rows, seed)))
		},
		"predict": func(seed int64, rows int, _ tl.Model) {
			must[tl.Predictions](t)(lite.Predict(quiet(), datasets.Shapes(rows, seed)))
		},
		"evaluate": func(seed int64, rows int, m tl.Model) { evaluated(m, datasets.Shapes(rows, seed)) },
		"fit": func(seed int64, rows int, m tl.Model) {
			must[tl.History](t)(m.Fit(quiet(), datasets.Shapes(max(rows, 4), seed), datasets.Shapes(rows, seed), phase))
		},
		"fit with a block thawed": func(seed int64, rows int, m tl.Model) {
			must[tl.Summary](t)(m.UnfreezeTop(quiet(), 1))
			must[tl.History](t)(m.Fit(quiet(), datasets.Shapes(max(rows, 4), seed), none, phase)) // rows of one class are refused
			evaluated(m, datasets.Shapes(rows, seed))
		},
	}
	for _, verb := range []string{"represent", "predict", "evaluate", "fit", "fit with a block thawed"} {
		work[verb](21, 40, model)
		before := must[tl.Held](t)(tl.Holdings(quiet())).Compilations
		if before == 0 {
			t.Fatal("nothing was compiled at all")
		}
		for rows, m := range map[int]tl.Model{13: model, 1: twin, 64: twin} {
			work[verb](22, rows, m)
			if now := must[tl.Held](t)(tl.Holdings(quiet())).Compilations; now != before {
				t.Errorf("%s of %d rows, after 40: %d more graphs were compiled", verb, rows, now-before)
			}
		}
	}
}

// TestNumbersCompileNothing: the numbers of a phase are inputs of its step; only what changes the structure is another graph.
func TestNumbersCompileNothing(t *testing.T) {
	ownCache(t)
	model := small("numbers").WithHead("numbers", tl.Dense(3))
	fit := func(d datasets.Dataset, p tl.Phase) int64 {
		t.Helper()
		before := registeredEngine.compiled.Load()
		p.Epochs, p.BatchSize, p.Optimizer, p.Thaw = 1, 8, "sgd", []string{"three"}
		must[tl.History](t)(model.Fit(quiet(), d, none, p))
		return registeredEngine.compiled.Load() - before
	}
	first := tl.Phase{LearningRate: 1e-3, Momentum: 0.9, ClipNorm: 1, Anchor: 0.1, AnchorHead: 0.1, WeightDecay: 0.1}
	if fit(figures.Take(20), first) == 0 {
		t.Fatal("nothing was compiled at all")
	}
	other := tl.Phase{LearningRate: 1e-4, Momentum: 0.5, ClipNorm: 2, Anchor: 0.3, AnchorHead: 0.4, WeightDecay: 0.2, LabelSmoothing: 0.1, RateDecay: 0.5,
		Schedule: "cosine", ClassWeights: []float64{1, 2, 3}, KeepLast: true}
	for _, balance := range []tl.Balance{tl.BalanceNone, tl.BalanceOver, tl.BalanceUnder} {
		other.Balance = balance
		if n := fit(figures.Take(20), other); n != 0 {
			t.Errorf("other numbers, balance %q: %d more graphs were compiled", balance, n)
		}
	}
	other.Momentum = 0
	if n := fit(figures.Take(20), other); n != 1 {
		t.Errorf("without momentum: %d more graphs were compiled, want 1", n)
	}
}

// TestFewImages: a photograph gets a small batch of its own, until a large one was compiled, and the same answer.
func TestFewImages(t *testing.T) {
	ownCache(t)
	logits := func(e *Engine, d datasets.Dataset) tl.Tensor {
		t.Helper()
		var p tl.Predictions
		if err := e.Call(quiet(), tl.VerbPredict, tl.DataRequest{Model: tl.Model{Base: lite}, Data: d}, &p, func(remote.Progress) {}); err != nil {
			t.Fatal(err)
		}
		return p.Logits
	}
	e := inProcess()
	few := logits(e, figures.Take(3))
	before := e.compiled.Load()
	logits(e, datasets.Shapes(1, 77))
	if now := e.compiled.Load(); now != before {
		t.Errorf("another photograph compiled %d graphs", now-before)
	}
	ownCache(t)
	other := inProcess()
	many := logits(other, figures)
	before = other.compiled.Load()
	logits(other, datasets.Shapes(1, 78))
	if now := other.compiled.Load(); now != before {
		t.Errorf("a photograph after many images compiled %d graphs", now-before)
	}
	for i, v := range few.Data {
		if math.Abs(float64(v-many.Data[i])) > 1e-4 {
			t.Fatalf("logit %d of three images alone is %g, among 48 %g", i, v, many.Data[i])
		}
	}
}
