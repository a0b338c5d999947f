package engine

import (
	"context"
	"errors"
	"io"
	"log"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestPhaseIsChecked: what cannot be meant is refused in words that say what can, before anything is computed.
func TestPhaseIsChecked(t *testing.T) {
	ownCache(t)
	model := pixels.WithHead("refused", tl.Dense(3))
	inf, nan := math.Inf(1), math.NaN()
	for want, change := range map[string]func(*tl.Phase){
		"Epochs is 0":                           func(p *tl.Phase) { p.Epochs = 0 },
		"LearningRate is 0: give one above 0":   func(p *tl.Phase) { p.LearningRate = 0 },
		"LearningRate is -1":                    func(p *tl.Phase) { p.LearningRate = -1 },
		"LearningRate is NaN":                   func(p *tl.Phase) { p.LearningRate = nan },
		"LearningRate is +Inf":                  func(p *tl.Phase) { p.LearningRate = inf },
		"RateDecay is -0.5":                     func(p *tl.Phase) { p.RateDecay = -0.5 },
		"RateDecay is 2":                        func(p *tl.Phase) { p.RateDecay = 2 },
		"RateDecay is NaN":                      func(p *tl.Phase) { p.RateDecay = nan },
		"rate 0 for block head":                 func(p *tl.Phase) { p.Rates = map[string]float64{"head": 0} },
		"rate -1 for block head":                func(p *tl.Phase) { p.Rates = map[string]float64{"head": -1} },
		"rate NaN for block head":               func(p *tl.Phase) { p.Rates = map[string]float64{"head": nan} },
		"rate +Inf for block head":              func(p *tl.Phase) { p.Rates = map[string]float64{"head": inf} },
		`no block "haed": did you mean head?`:   func(p *tl.Phase) { p.Rates = map[string]float64{"haed": 1} },
		"block pixels, which is frozen":         func(p *tl.Phase) { p.Rates = map[string]float64{"pixels": 1} },
		"BatchSize is -3":                       func(p *tl.Phase) { p.BatchSize = -3 },
		`no optimizer "adma": did you mean`:     func(p *tl.Phase) { p.Optimizer = "adma" },
		"Momentum is 1":                         func(p *tl.Phase) { p.Optimizer, p.Momentum = "sgd", 1 },
		"Momentum is -0.9":                      func(p *tl.Phase) { p.Optimizer, p.Momentum = "sgd", -0.9 },
		`Momentum 0.9 is for Optimizer "sgd"`:   func(p *tl.Phase) { p.Momentum = 0.9 },
		"no learning-rate schedule":             func(p *tl.Phase) { p.Schedule = "triangle" },
		"WeightDecay is -1":                     func(p *tl.Phase) { p.WeightDecay = -1 },
		"WeightDecay is +Inf":                   func(p *tl.Phase) { p.WeightDecay = inf },
		"ClipNorm is -1":                        func(p *tl.Phase) { p.ClipNorm = -1 },
		"ClipNorm is NaN":                       func(p *tl.Phase) { p.ClipNorm = nan },
		"Anchor is -1":                          func(p *tl.Phase) { p.Anchor = -1 },
		"AnchorHead is NaN":                     func(p *tl.Phase) { p.AnchorHead = nan },
		"LabelSmoothing is 1":                   func(p *tl.Phase) { p.LabelSmoothing = 1 },
		"no batch-norm policy":                  func(p *tl.Phase) { p.BatchNorm = "moving" },
		`no balance "wieghts": did you mean`:    func(p *tl.Phase) { p.Balance = "wieghts" },
		"2 ClassWeights for a head of 3":        func(p *tl.Phase) { p.ClassWeights = []float64{1, 2} },
		"the weight of class 1 is -2":           func(p *tl.Phase) { p.ClassWeights = []float64{1, -2, 1} },
		"the weight of class 2 is NaN":          func(p *tl.Phase) { p.ClassWeights = []float64{1, 2, nan} },
		"the weights of all classes are 0":      func(p *tl.Phase) { p.ClassWeights = []float64{0, 0, 0} },
		"both ClassWeights and Balance":         func(p *tl.Phase) { p.ClassWeights, p.Balance = []float64{1, 2, 3}, tl.BalanceWeights },
		"Patience is -1":                        func(p *tl.Phase) { p.Patience = -1 },
		"Patience is 2 without valid":           func(p *tl.Phase) { p.Patience = 2 },
		`no precision "float16": did you mean`:  func(p *tl.Phase) { p.Precision = "float16" },
		`no block "pixel": did you mean pixels`: func(p *tl.Phase) { p.Thaw = []string{"pixel"} },
	} {
		p := tl.Phase{Name: "wrong", Epochs: 1, LearningRate: 1e-3}
		change(&p)
		_, err := model.Fit(quiet(), figures.Take(8), none, p)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `phase "wrong"`) {
			t.Errorf("want %q: error %v", want, err)
		}
	}
	if histories := must[[]tl.History](t)(model.Histories(quiet())); len(histories) != 0 {
		t.Errorf("refused phases left %d histories", len(histories))
	}
}

// TestTrainingDataIsChecked: no rows, and rows of one class, are refused; a batch of more rows than there are is a batch of all of them.
func TestTrainingDataIsChecked(t *testing.T) {
	ownCache(t)
	model := pixels.WithHead("rows", tl.Dense(3))
	phase := tl.Phase{Epochs: 2, LearningRate: 1e-3, Optimizer: "sgd", BatchSize: 64}
	labels := must[[]int](t)(figures.Labels(quiet()))
	var ones []int
	for row, label := range labels {
		if label == 1 {
			ones = append(ones, row)
		}
	}
	for want, data := range map[string]datasets.Dataset{"no row is left": figures.Skip(48), "every training row is of class 1": figures.Rows(ones...)} {
		if _, err := model.Fit(quiet(), data, none, phase); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: error %v", want, err)
		}
	}
	if _, err := model.Fit(quiet(), figures.Take(8), figures.Rows(ones...), phase); err != nil {
		t.Errorf("valid may be of one class: %v", err)
	}
	var losses [2][]float64
	for i, size := range []int{20, 64} {
		must[bool](t)(model.Reset(quiet()))
		phase.BatchSize = size
		h := must[tl.History](t)(model.Fit(quiet(), figures.Take(20), none, phase))
		if !strings.Contains(h.String(), "20 images in one batch") {
			t.Errorf("batch of %d: %v", size, h)
		}
		for _, e := range h.Epochs {
			losses[i] = append(losses[i], e.Loss)
		}
	}
	for i := range losses[0] {
		close64(t, "loss in a batch of 64", losses[1][i], losses[0][i], 1e-5)
	}
}

// diverges runs a phase that must diverge, and checks what is left: nothing but finite weights, of the last finished epoch.
func diverges(t *testing.T, m tl.Model, p tl.Phase, epochs int, wants ...string) {
	t.Helper()
	h, err := m.Fit(quiet(), figures.Take(20), none, p)
	for _, want := range wants {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if len(h.Epochs) != epochs || h.Kept != epochs || !h.Stopped {
		t.Errorf("%d epochs, kept %d, stopped %v; want %d: %v", len(h.Epochs), h.Kept, h.Stopped, epochs, h)
	}
	trained := must[*trained](t)(registeredEngine.model(quiet(), m))
	defer trained.gate.Unlock()
	for i, saved := range append(slices.Clone(trained.epochs), &moment{values: trained.values}) {
		if block := notFinite(saved.values); block != "" {
			t.Errorf("saved epoch %d has numbers that are none in block %s", i+1, block)
		}
	}
}

// TestDivergenceIsNamed: phase, epoch, step, and what ran away.
func TestDivergenceIsNamed(t *testing.T) {
	ownCache(t)
	model := pixels.WithHead("diverges", tl.Dense(3))
	// One step an epoch: the loss of the step that ruins the weights is a good number, and it is the epoch's last.
	diverges(t, model, tl.Phase{Name: "jump", Epochs: 5, LearningRate: 1e38, Optimizer: "sgd"}, 0,
		`phase "jump", epoch 1, step 1`, "block head", "the learning rate is too high", "model as before the phase")
	must[bool](t)(model.Reset(quiet()))
	// A decay that multiplies the weights by −10⁴ with each step: the loss is finite for some epochs.
	h, _ := model.Fit(quiet(), figures.Take(20), none, tl.Phase{Epochs: 50, LearningRate: 1, WeightDecay: 1e4, Optimizer: "sgd"})
	if n := len(h.Epochs); n < 2 || n > 10 || !isFinite(h.Epochs[n-1].Loss) {
		t.Errorf("%v", h)
	}
	must[bool](t)(model.Reset(quiet()))
	diverges(t, model, tl.Phase{Name: "growth", Epochs: 50, LearningRate: 1, WeightDecay: 1e4, Optimizer: "sgd"}, len(h.Epochs),
		`phase "growth", epoch `, "step 1", "the learning rate is too high", h.Standing())
}

// TestNotANumberBeforeThePhase: weights that are no numbers are found out, in the blocks that train and in frozen ones.
func TestNotANumberBeforeThePhase(t *testing.T) {
	ownCache(t)
	for block, want := range map[string]string{"three": "the weights of block three held NaN or Inf before the phase", "one": "the output of block two holds NaN or Inf"} {
		model := small("no numbers").WithHead("no numbers in "+block, tl.Dense(3))
		trained := must[*trained](t)(registeredEngine.model(quiet(), model))
		for path, v := range trained.values {
			if blockOf(path) == block && strings.HasSuffix(path, "/offset") {
				data := slices.Clone(v.Data)
				data[1] = float32(math.NaN())
				trained.values[path] = newValue(v.Shape, data)
			}
		}
		trained.gate.Unlock()
		_, err := model.Fit(quiet(), figures.Take(8), none, tl.Phase{Epochs: 2, LearningRate: 1e-3, Thaw: []string{"three"}})
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, errDiverged) && !strings.Contains(err.Error(), "epoch 1, step 1") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestFreshEnginesGiveTheSameBits: two engines that share nothing train the same weights from the same seed, whatever is random.
func TestFreshEnginesGiveTheSameBits(t *testing.T) {
	train := figures.Augment(datasets.Augmentation{FlipLeftRight: true})
	model := small("bits").WithHead("bits", tl.Dropout(0.3), tl.Dense(3)).Seeded(5)
	once := func() map[string]string {
		ownCache(t)
		e := inProcess()
		for _, p := range []tl.Phase{
			{Epochs: 2, LearningRate: 1e-2, BatchSize: 16, Balance: tl.BalanceOver, Schedule: "one-cycle"},
			{Epochs: 2, LearningRate: 1e-3, BatchSize: 16, Optimizer: "sgd", Momentum: 0.9, ClipNorm: 1, Anchor: 0.1, Thaw: []string{"three"}, Balance: tl.BalanceUnder},
		} {
			var h tl.History
			if err := e.Call(context.Background(), tl.VerbFit, tl.FitRequest{Model: model, Train: train, Phase: p}, &h, func(remote.Progress) {}); err != nil {
				t.Fatal(err)
			}
		}
		return must[map[string]string](t)(e.fingerprint(quiet(), tl.ModelRequest{Model: model}, nil))
	}
	if changed := moved(once(), once()); changed != nil {
		t.Errorf("the same seed gave other bits in %v", changed)
	}
}

// TestFaultsOfOursAreNoGraphErrors: GoMLX turns every panic in a graph function into an error; a fault of ours says that it is one, and what is wrong
// with a graph stays what it is.
func TestFaultsOfOursAreNoGraphErrors(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	for want, build := range map[string]graphFunction{
		"internal fault, please report it": func(*model.Scope, []*graph.Node) []*graph.Node {
			var empty []int
			return []*graph.Node{nil}[empty[0]:]
		},
		"engine: compile": func(_ *model.Scope, in []*graph.Node) []*graph.Node { return []*graph.Node{graph.Reshape(in[0], 3, 5)} },
	} {
		err := func() (err error) {
			defer recoverInto(&err)
			p, err := registeredEngine.program(quiet(), "none", "fault", "fault "+want, build)
			if err == nil {
				_, err = p.compile(shapes.Make(dtypes.Float32, 2, 2))
			}
			return err
		}()
		if err == nil || !strings.HasPrefix(strings.TrimPrefix(err.Error(), "engine: "), strings.TrimPrefix(want, "engine: ")) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
