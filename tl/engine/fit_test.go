package engine

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

var none datasets.Dataset

// moved lists the blocks in which a tensor changed between two fingerprints.
func moved(before, after map[string]string) []string {
	var blocks []string
	for path, sum := range after {
		if before[path] != sum && !slices.Contains(blocks, blockOf(path)) {
			blocks = append(blocks, blockOf(path))
		}
	}
	slices.Sort(blocks)
	return blocks
}

func fingerprint(t *testing.T, m tl.Model) map[string]string {
	t.Helper()
	prints, err := fingerprintOf(quiet(), m)
	if err != nil {
		t.Fatal(err)
	}
	return prints
}

func fingerprintOf(ctx context.Context, m tl.Model) (map[string]string, error) {
	return (*Engine).fingerprint(registeredEngine, ctx, tl.ModelRequest{Model: m}, nil)
}

// TestFrozenStays is the proof that frozen held, given twice: with the frozen blocks' activations cached, and with those blocks in
// the training graph under Adam with weight decay. Both train the same losses.
func TestFrozenStays(t *testing.T) {
	ownCache(t)
	phase := tl.Phase{Name: "proof", Epochs: 2, LearningRate: 1e-3, RateDecay: 0.5, BatchSize: 8, WeightDecay: 0.1}
	var losses [2][]float64
	for i, noCache := range []bool{false, true} {
		model := lite.WithHead("proof", tl.Dense(3)).Seeded(int64(7))
		must[bool](t)(model.Reset(quiet()))
		must[tl.Summary](t)(model.UnfreezeTop(quiet(), 2))
		before := fingerprint(t, model)
		phase.NoCache = noCache
		h := must[tl.History](t)(model.Fit(quiet(), figures.Take(20), none, phase))
		if want := []string{"head", "mbconv16", "top"}; !slices.Equal(moved(before, fingerprint(t, model)), want) {
			t.Errorf("NoCache %v: blocks %v moved, want %v", noCache, moved(before, fingerprint(t, model)), want)
		}
		if h.Proof.Tensors < 200 || len(h.Proof.Moved) > 0 || h.Proof.InGraph != noCache || h.Proof.UpToBlock != "mbconv15" {
			t.Errorf("NoCache %v: proof %+v", noCache, h.Proof)
		}
		// The averages of unfrozen blocks stay, too: batch norm is in inference mode.
		for path, sum := range fingerprint(t, model) {
			if strings.HasSuffix(path, "/mean") && before[path] != sum {
				t.Errorf("NoCache %v: %s moved", noCache, path)
			}
		}
		for _, e := range h.Epochs {
			losses[i] = append(losses[i], e.Loss)
		}
	}
	for i := range losses[0] {
		if math.Abs(losses[0][i]-losses[1][i]) > 1e-3*losses[0][i] {
			t.Errorf("epoch %d: loss %g cached, %g in the graph", i+1, losses[0][i], losses[1][i])
		}
	}
}

func TestSameSeedSameBits(t *testing.T) {
	ownCache(t)
	train := figures.Augment(datasets.Augmentation{FlipLeftRight: true})
	phase := tl.Phase{Epochs: 2, LearningRate: 1e-2, BatchSize: 16, Schedule: "one-cycle", LabelSmoothing: 0.1}
	run := func(seed int64) map[string]string {
		model := lite.WithHead("bits", tl.Dropout(0.5), tl.Dense(8), tl.ReLU(), tl.Dense(3)).Seeded(seed)
		must[bool](t)(model.Reset(quiet()))
		must[tl.History](t)(model.Fit(quiet(), train, none, phase))
		return fingerprint(t, model)
	}
	first, second, other := run(1), run(1), run(2)
	if changed := moved(first, second); changed != nil {
		t.Errorf("the same seed gave other bits in %v", changed)
	}
	if changed := moved(first, other); !slices.Equal(changed, []string{"head"}) {
		t.Errorf("another seed changed %v, want the head alone", changed)
	}
}

// TestPhasesContinue: a second phase continues from the first with fresh optimizer state, and what was thawed in between moves.
func TestPhasesContinue(t *testing.T) {
	ownCache(t)
	train, valid := figures.Split(0.75, 1)
	model := lite.WithHead("phases", tl.Dense(3))
	first := must[tl.History](t)(model.Fit(quiet(), train, valid, tl.Phase{Epochs: 12, LearningRate: 3e-3}))
	if last := first.Epochs[11]; last.Loss > first.Epochs[0].Loss/2 || last.ValidAccuracy < 0.7 {
		t.Errorf("the head does not learn shapes: %v", first)
	}
	before := fingerprint(t, model)
	must[tl.Summary](t)(model.UnfreezeTop(quiet(), 1))
	second := must[tl.History](t)(model.Fit(quiet(), train, valid, tl.Phase{Epochs: 2, LearningRate: 1e-4, Optimizer: "sgd"}))
	if second.Phase.Name != "phase 2" || second.Epochs[0].Loss > first.Epochs[1].Loss {
		t.Errorf("the second phase started over: %v", second)
	}
	if got := moved(before, fingerprint(t, model)); !slices.Equal(got, []string{"head", "top"}) {
		t.Errorf("phase 2 moved %v", got)
	}
	histories := must[[]tl.History](t)(model.Histories(quiet()))
	if len(histories) != 2 {
		t.Errorf("%d histories", len(histories))
	}
	after := fingerprint(t, model)
	stepped := must[tl.History](t)(model.StepBack(quiet(), 1))
	if second.Kept == 2 && moved(after, fingerprint(t, model)) == nil || stepped.Kept != 1 {
		t.Errorf("stepping back from epoch %d to 1 changed nothing: %v", second.Kept, stepped)
	}
	other := model
	other.Head = []tl.Layer{tl.Dense(4)}
	if h := must[[]tl.History](t)(other.Histories(quiet())); len(h) != 0 {
		t.Error("a changed description found the old model")
	}
	if h := must[[]tl.History](t)(model.Histories(quiet())); len(h) != 2 {
		t.Error("changing back lost the model")
	}
}

func TestStopKeepsLastFinishedEpoch(t *testing.T) {
	ownCache(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	epochs := 0
	ctx = tl.WithReport(ctx, func(p remote.Progress) {
		if p.Finished {
			if epochs++; epochs == 3 {
				cancel()
			}
		}
	})
	model := lite.WithHead("stop", tl.Dense(3))
	h, err := model.Fit(ctx, figures, none, tl.Phase{Epochs: 1000, LearningRate: 1e-3})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if !h.Stopped || len(h.Epochs) != 3 || h.Kept != 3 || !strings.Contains(h.String(), "stopped in epoch 4; model as of epoch 3") {
		t.Errorf("%v", h)
	}
	again := must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 1, LearningRate: 1e-3}))
	if again.Stopped || again.Epochs[0].Loss > h.Epochs[0].Loss {
		t.Errorf("the model did not go on from epoch 3: %v", again)
	}
}

// TestStopInTheFirstEpoch: what a stopped step left in the compiled graph does not leak into the next run.
func TestStopInTheFirstEpoch(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("first epoch", tl.Dense(3))
	fit := func(ctx context.Context) (tl.History, error) {
		must[bool](t)(model.Reset(quiet()))
		must[tl.Summary](t)(model.UnfreezeTop(quiet(), 1))
		return model.Fit(ctx, figures, none, tl.Phase{Epochs: 1, LearningRate: 1e-2, Optimizer: "sgd"})
	}
	must[tl.History](t)(fit(quiet()))
	undisturbed := fingerprint(t, model)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h, err := fit(tl.WithReport(ctx, func(p remote.Progress) {
		if strings.Contains(p.Detail, "loss") {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) || h.Kept != 0 || len(h.Epochs) != 0 {
		t.Fatalf("%v, %v", h, err)
	}
	must[tl.History](t)(fit(quiet()))
	if changed := moved(undisturbed, fingerprint(t, model)); changed != nil {
		t.Errorf("a run that was stopped in its first epoch left its mark on the next in %v", changed)
	}
}

func TestDivergenceIsAnError(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("diverge", tl.Dense(3))
	_, err := model.Fit(quiet(), figures, none, tl.Phase{Epochs: 50, LearningRate: 1e38, Optimizer: "sgd"})
	if err == nil || !strings.Contains(err.Error(), "learning rate is too high") {
		t.Errorf("error %v", err)
	}
	ev, err := model.Evaluate(quiet(), figures)
	if err != nil || math.IsNaN(ev.Loss) {
		t.Errorf("the model is lost: %v, loss %g", err, ev.Loss)
	}
}

func TestStageRates(t *testing.T) {
	model := lite.WithHead("rates", tl.Dense(3))
	must[tl.Summary](t)(model.UnfreezeTop(quiet(), 6))
	e := registeredEngine
	trained := must[*trained](t)(e.model(quiet(), model))
	defer trained.gate.Unlock()
	rates, err := trained.stageRates(tl.Phase{LearningRate: 0.9, RateDecay: 1.0 / 3, Rates: map[string]float64{"mbconv13": 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"head": 0.9, "top": 0.3, "mbconv16": 0.3, "mbconv15": 0.1, "mbconv14": 0.1, "mbconv13": 0.5, "mbconv12": 0.1}
	for name, rate := range want {
		if math.Abs(rates[name]-rate) > 1e-12 {
			t.Errorf("%s: rate %g, want %g", name, rates[name], rate)
		}
	}
	if len(rates) != len(want) {
		t.Errorf("rates %v", rates)
	}
}

// TestStepRatios measures on real tensors what RateDecay promises: under SGD one step is gradient times rate, under Adam the first
// step has the size of the rate itself, element by element.
func TestStepRatios(t *testing.T) {
	ownCache(t)
	for _, optimizer := range []string{"sgd", "adam"} {
		step := func(decay float64) map[string]*value {
			model := lite.WithHead("ratios "+optimizer, tl.Dense(3))
			must[bool](t)(model.Reset(quiet()))
			must[tl.Summary](t)(model.UnfreezeTop(quiet(), 3))
			trained := must[*trained](t)(registeredEngine.model(quiet(), model))
			before := trained.suffixValues(15)
			trained.gate.Unlock()
			must[tl.History](t)(model.Fit(quiet(), figures.Take(16), none,
				tl.Phase{Epochs: 1, LearningRate: 1e-2, RateDecay: decay, BatchSize: 16, Optimizer: optimizer}))
			steps := map[string]*value{}
			for path, old := range before {
				now, difference := trained.values[path], make([]float32, len(old.Data))
				for i := range difference {
					difference[i] = now.Data[i] - old.Data[i]
				}
				steps[path] = newValue(old.Shape, difference)
			}
			return steps
		}
		whole, decayed := step(1), step(0.2)
		// The last blocks are of stage 7, mbconv15 and the blocks before of stage 6: one and two groups from the head.
		for path, want := range map[string]float64{"/head/dense0/kernel": 1, "/top/conv/kernel": 0.2, "/mbconv16/project/kernel": 0.2, "/mbconv15/project/kernel": 0.04} {
			ratio := norm(decayed, path, t) / norm(whole, path, t)
			if math.Abs(ratio/want-1) > 0.01 {
				t.Errorf("%s: step of %s shrinks by %g, want %g", optimizer, path, ratio, want)
			}
		}
	}
}

func norm(steps map[string]*value, path string, t *testing.T) float64 {
	t.Helper()
	v := steps[path]
	if v == nil {
		t.Fatalf("no variable %s", path)
	}
	sum := 0.0
	for _, x := range v.Data {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}
