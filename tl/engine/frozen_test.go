package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"transferlab/tl"
)

// small is a network with batch norm in every block whose training graph compiles at once.
func small(name string) tl.Base {
	block := func(name string, filters int) tl.Layers {
		return tl.Named(name, tl.Conv(filters, 3).Strided(2).WithoutBias(), tl.BatchNorm(), tl.ReLU())
	}
	last := block("three", 12)
	last.Layers = append(last.Layers, tl.GlobalAveragePool())
	return tl.Sequence(name, []int{32, 32, 3}, block("one", 6), block("two", 8), last)
}

// TestFrozenStaysUnderEveryOption: frozen blocks, batch norm included, keep every bit whatever moves the others, with their activations cached
// and in the training graph; and both give the same losses.
func TestFrozenStaysUnderEveryOption(t *testing.T) {
	ownCache(t)
	for name, p := range map[string]tl.Phase{
		"adam, clipped, anchored, decay":           {WeightDecay: 0.5, ClipNorm: 0.1, Anchor: 0.5, AnchorHead: 0.5},
		"adamw, weighted, smoothed, cycle":         {Optimizer: "adamw", ClassWeights: []float64{1, 2, 3}, LabelSmoothing: 0.1, Schedule: "one-cycle", RateDecay: 0.1},
		"rmsprop, clipped, decay":                  {Optimizer: "rmsprop", WeightDecay: 0.5, ClipNorm: 0.1},
		"sgd, anchored":                            {Optimizer: "sgd", Anchor: 0.5, AnchorHead: 0.5},
		"momentum, clipped, over-sampled, rounded": {Optimizer: "sgd", Momentum: 0.9, ClipNorm: 0.1, WeightDecay: 0.5, Balance: tl.BalanceOver, Precision: tl.BFloat16, Rates: map[string]float64{"three": 0.1}},
	} {
		var losses [2][]float64
		for i, noCache := range []bool{false, true} {
			model := small("frozen").WithHead("frozen "+name, tl.Dense(3))
			must[bool](t)(model.Reset(quiet()))
			before := fingerprint(t, model)
			p.Epochs, p.LearningRate, p.BatchSize, p.NoCache, p.Thaw = 2, 1e-2, 8, noCache, []string{"three"}
			h := must[tl.History](t)(model.Fit(quiet(), figures.Take(20), none, p))
			if changed := moved(before, fingerprint(t, model)); !slices.Equal(changed, []string{"head", "three"}) {
				t.Errorf("%s, NoCache %v: blocks %v moved", name, noCache, changed)
			}
			if h.Proof.Tensors != 10 || len(h.Proof.Moved) > 0 || h.Proof.InGraph != noCache || h.Proof.UpToBlock != "two" {
				t.Errorf("%s, NoCache %v: proof %+v", name, noCache, h.Proof)
			}
			for _, e := range h.Epochs {
				losses[i] = append(losses[i], e.Loss)
			}
		}
		tolerance := 1e-4
		if p.Precision != tl.Float32 {
			tolerance = 0.02 // the cached activations were not rounded
		}
		for i := range losses[0] {
			if !(math.Abs(losses[0][i]-losses[1][i]) <= tolerance*losses[0][i]) {
				t.Errorf("%s, epoch %d: loss %g cached, %g in the graph", name, i+1, losses[0][i], losses[1][i])
			}
		}
	}
}

// TestBatchNormPolicies shows the damage that two of the policies are there to show: which tensors of frozen blocks move, that the proof names them, and that
// batch norm of unfrozen blocks follows the policy.
func TestBatchNormPolicies(t *testing.T) {
	ownCache(t)
	for policy, kinds := range map[tl.BatchNormPolicy][]string{
		tl.BatchNormFrozen:   {},
		tl.BatchNormAverages: {"mean", "variance"},
		tl.BatchNormTrained:  {"mean", "offset", "scale", "variance"},
	} {
		model := small("policies").WithHead("policy "+string(policy), tl.Dense(3))
		before := fingerprint(t, model)
		h := must[tl.History](t)(model.Fit(quiet(), figures.Take(20), none,
			tl.Phase{Epochs: 1, LearningRate: 1e-2, BatchSize: 8, BatchNorm: policy, Thaw: []string{"three"}}))
		var want []string
		for _, block := range []string{"one", "two"} {
			for _, kind := range kinds {
				want = append(want, kind+" of "+block)
			}
		}
		var got []string
		for path, sum := range fingerprint(t, model) {
			kind := path[strings.LastIndex(path, "/")+1:]
			switch block := blockOf(path); {
			case before[path] == sum:
			case block == "one", block == "two":
				got = append(got, kind+" of "+block)
			case block == "three" && (kind == "mean" || kind == "variance") && policy == tl.BatchNormFrozen:
				t.Errorf("the %s of the unfrozen block moved under the policy for frozen batch norm", kind)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(h.Proof.Moved) != len(want) {
			t.Errorf("policy %q moved %v, proof %v; want %v", policy, got, h.Proof.Moved, want)
		}
		after := fingerprint(t, model)
		for path := range after {
			if strings.HasSuffix(path, "/mean") && strings.HasPrefix(path, "/three/") && policy != tl.BatchNormFrozen && after[path] == before[path] {
				t.Errorf("policy %q: %s of the unfrozen block stayed", policy, path)
			}
		}
	}
}

// TestAnchorPullsBack: L2-SP keeps unfrozen blocks near the pretrained weights, and the records show it; strong enough, it holds them there.
func TestAnchorPullsBack(t *testing.T) {
	ownCache(t)
	drift := func(anchor float64) float64 {
		model := small("anchored").WithHead("anchored", tl.Dense(3))
		must[bool](t)(model.Reset(quiet()))
		h := must[tl.History](t)(model.Fit(quiet(), figures, none,
			tl.Phase{Epochs: 8, LearningRate: 0.05, BatchSize: 16, Optimizer: "sgd", Anchor: anchor, Thaw: []string{"t*"}}))
		last := h.Epochs[7].Blocks
		if len(last) != 3 || last[0].Block != "head" || last[1].Block != "two" || last[2].Block != "three" {
			t.Fatalf("records %+v", last)
		}
		return last[2].Drift
	}
	free, pulled := drift(0), drift(5)
	if !(pulled > 0 && pulled < free/2) {
		t.Errorf("block three drifted by %g, anchored by %g", free, pulled)
	}
}

// TestThawOfAPhase: a phase says which blocks stand unfrozen; where it fails, those of before do.
func TestThawOfAPhase(t *testing.T) {
	ownCache(t)
	model := small("thawed").WithHead("thawed", tl.Dense(3))
	fit := func(thaw ...string) error {
		_, err := model.Fit(quiet(), figures.Take(8), none, tl.Phase{Epochs: 1, LearningRate: 1e-3, Thaw: thaw})
		return err
	}
	unfrozen := func() (names []string) {
		for _, b := range must[tl.Summary](t)(model.Summary(quiet())).Blocks {
			if !b.Frozen && b.Stage != "head" {
				names = append(names, b.Name)
			}
		}
		return names
	}
	for _, c := range []struct{ thaw, want []string }{
		{[]string{"t*"}, []string{"two", "three"}}, {nil, []string{"two", "three"}}, {[]string{"*"}, []string{"one", "two", "three"}},
		{[]string{"one", "head"}, []string{"one"}}, {[]string{"head"}, nil},
	} {
		if err := fit(c.thaw...); err != nil {
			t.Fatal(err)
		}
		if got := unfrozen(); !slices.Equal(got, c.want) {
			t.Errorf("Thaw %q: %v stand unfrozen, want %v", c.thaw, got, c.want)
		}
	}
	for pattern, want := range map[string]string{"tow": `no block "tow": did you mean two?`, "[": "malformed", "x*": `"x*"`} {
		if err := fit("three", pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Thaw %q: error %v", pattern, err)
		}
	}
	if got := unfrozen(); got != nil {
		t.Errorf("a phase that failed left %v unfrozen", got)
	}
}

// TestFreezeBetweenPhases: blocks that a phase trained hold still in the next, in the training graph as well. A compiled step would not see it:
// GoMLX reads what is trainable when a graph is built.
func TestFreezeBetweenPhases(t *testing.T) {
	ownCache(t)
	model := small("between").WithHead("between", tl.Dense(3))
	before := fingerprint(t, model)
	for i, want := range [][]string{{"head", "three", "two"}, {"head"}, {"head", "three"}} {
		thaw := [][]string{{"two", "three"}, {"head"}, {"three"}}[i]
		must[tl.History](t)(model.Fit(quiet(), figures.Take(8), none, tl.Phase{Epochs: 1, LearningRate: 1e-2, NoCache: true, Thaw: thaw}))
		after := fingerprint(t, model)
		if changed := moved(before, after); !slices.Equal(changed, want) {
			t.Errorf("phase %d, thaw %v: blocks %v moved", i+1, thaw, changed)
		}
		before = after
	}
}

// TestRateOfALaterPhase: the same compiled step takes the next phase's rate, where GoMLX's variable would keep the first one's; and Adam starts its
// count anew, so that its first step is as large as the rate.
func TestRateOfALaterPhase(t *testing.T) {
	ownCache(t)
	model := pixels.WithHead("later", tl.Dense(3))
	for i, rate := range []float64{1e-2, 1e-4, 3e-3} {
		trained := must[*trained](t)(registeredEngine.model(quiet(), model))
		old := trained.values["/head/dense0/bias"].Data
		trained.gate.Unlock()
		must[tl.History](t)(model.Fit(quiet(), figures.Take(20), none, tl.Phase{Epochs: 1, LearningRate: rate}))
		for j, now := range trained.values["/head/dense0/bias"].Data {
			close64(t, fmt.Sprintf("phase %d, first step of bias %d", i+1, j), math.Abs(float64(now-old[j])), rate, 1e-2)
		}
	}
}

// TestPrecision: products in bfloat16 train nearly the same model, and not the same.
func TestPrecision(t *testing.T) {
	ownCache(t)
	loss := func(p tl.Precision) float64 {
		model := small("precision").WithHead("precision", tl.Dense(3))
		must[bool](t)(model.Reset(quiet()))
		h := must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 6, LearningRate: 1e-2, BatchSize: 16, Precision: p, Thaw: []string{"*"}}))
		return h.Epochs[5].Loss
	}
	exact, rounded := loss(tl.Float32), loss(tl.BFloat16)
	if exact == rounded || !(math.Abs(rounded-exact) < 0.1*exact) {
		t.Errorf("loss %g in float32, %g in bfloat16", exact, rounded)
	}
}
