package engine

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// softmax is a linear softmax classifier in float64 and its training by full batches: what a phase on tl.RawPixels with one dense layer
// must do, option by option.
type softmax struct {
	x       [][]float32
	labels  []int
	weights []float64 // of the rows' losses
	w, b    [][]float64
}

func (s *softmax) gradient(smoothing float64) (loss float64, w, b [][]float64) {
	inputs, classes := len(s.w), len(s.b[0])
	w, b = matrix(inputs, classes), matrix(1, classes)
	for i, x := range s.x {
		logits, sum := make([]float64, classes), 0.0
		for c := range logits {
			logits[c] = s.b[0][c]
			for j, v := range x {
				logits[c] += float64(v) * s.w[j][c]
			}
		}
		top := slices.Max(logits)
		for _, z := range logits {
			sum += math.Exp(z - top)
		}
		for c, z := range logits {
			target := smoothing / float64(classes)
			if c == s.labels[i] {
				target += 1 - smoothing
			}
			share := s.weights[i] / float64(len(s.x))
			loss -= share * target * (z - top - math.Log(sum))
			slope := share * (math.Exp(z-top)/sum - target)
			b[0][c] += slope
			for j, v := range x {
				w[j][c] += slope * float64(v)
			}
		}
	}
	return loss, w, b
}

func matrix(rows, columns int) [][]float64 {
	m := make([][]float64, rows)
	for i := range m {
		m[i] = make([]float64, columns)
	}
	return m
}

// each runs over the numbers of both parameters: value, gradient, and two that the optimizer keeps.
func (s *softmax) each(w, b, stateW, stateB [][]float64, f func(kernel bool, value, gradient, state *float64)) {
	for _, p := range []struct {
		kernel                 bool
		value, gradient, state [][]float64
	}{{true, s.w, w, stateW}, {false, s.b, b, stateB}} {
		for i := range p.value {
			for j := range p.value[i] {
				f(p.kernel, &p.value[i][j], &p.gradient[i][j], &p.state[i][j])
			}
		}
	}
}

// fit is one step an epoch with the options of p that are arithmetic on gradients; it gives the losses and the last epoch's update.
func (s *softmax) fit(p tl.Phase) (losses []float64, update float64) {
	stateW, stateB := matrix(len(s.w), len(s.b[0])), matrix(1, len(s.b[0]))
	for range p.Epochs {
		loss, w, b := s.gradient(p.LabelSmoothing)
		losses = append(losses, loss)
		norm := 0.0
		s.each(w, b, stateW, stateB, func(kernel bool, value, gradient, _ *float64) {
			if kernel {
				*gradient += p.AnchorHead * *value
			}
			norm += *gradient * *gradient
		})
		factor := 1.0
		if p.ClipNorm > 0 {
			factor = min(1, p.ClipNorm/math.Sqrt(norm))
		}
		steps, weights := 0.0, 0.0
		s.each(w, b, stateW, stateB, func(kernel bool, value, gradient, state *float64) {
			step := *gradient * factor
			switch p.Optimizer {
			case "sgd":
				*state = p.Momentum**state + step
				step = *state
			case "rmsprop":
				*state = 0.9**state + 0.1*step*step
				step /= math.Sqrt(*state + 1e-7)
			}
			if kernel {
				step += p.WeightDecay * *value
			}
			steps, weights = steps+math.Pow(p.LearningRate*step, 2), weights+*value**value
			*value -= p.LearningRate * step
		})
		update = math.Sqrt(steps / weights)
	}
	return losses, update
}

// newSoftmax is the classifier that a new model on tl.RawPixels is.
func newSoftmax(t *testing.T, m tl.Model, d datasets.Dataset) *softmax {
	t.Helper()
	trained := must[*trained](t)(registeredEngine.model(quiet(), m))
	defer trained.gate.Unlock()
	r := must[tl.Tensor](t)(must[tl.Representation](t)(m.Base.Represent(quiet(), d)).Values(quiet()))
	s := &softmax{labels: must[[]int](t)(d.Labels(quiet())), w: wide(trained.values["/head/dense0/kernel"]), b: wide(trained.values["/head/dense0/bias"])}
	for i := range s.labels {
		s.x, s.weights = append(s.x, r.Row(i)), append(s.weights, 1)
	}
	return s
}

// wide is a matrix, or a vector as a row, in float64.
func wide(v *value) [][]float64 {
	columns := v.Shape[len(v.Shape)-1]
	m := matrix(len(v.Data)/columns, columns)
	for i, x := range v.Data {
		m[i/columns][i%columns] = float64(x)
	}
	return m
}

// TestPhaseOptionsInFloat64 trains a linear classifier with each option, by full batches, and beside it the same by hand.
func TestPhaseOptionsInFloat64(t *testing.T) {
	ownCache(t)
	data := figures.Take(20)
	labels := must[[]int](t)(data.Labels(quiet()))
	count := [3]float64{}
	for _, label := range labels {
		count[label]++
	}
	for name, p := range map[string]tl.Phase{
		"sgd":             {Optimizer: "sgd"},
		"momentum":        {Optimizer: "sgd", Momentum: 0.9},
		"clipped":         {Optimizer: "sgd", ClipNorm: 0.5},
		"clip not needed": {Optimizer: "sgd", ClipNorm: 1000},
		"rmsprop":         {Optimizer: "rmsprop", LearningRate: 1e-3},
		"L2 of the head":  {Optimizer: "sgd", AnchorHead: 0.3},
		"weight decay":    {Optimizer: "sgd", WeightDecay: 0.3, Momentum: 0.5},
		"smoothing":       {Optimizer: "sgd", LabelSmoothing: 0.2},
		"class weights":   {Optimizer: "sgd", ClassWeights: []float64{2, 0, 0.5}},
		"balanced":        {Optimizer: "sgd", Balance: tl.BalanceWeights},
		"all":             {Optimizer: "rmsprop", LearningRate: 1e-3, ClipNorm: 0.5, AnchorHead: 0.3, WeightDecay: 0.1, LabelSmoothing: 0.1, Balance: tl.BalanceWeights},
	} {
		t.Run(name, func(t *testing.T) {
			model := pixels.WithHead("by hand, "+name, tl.Dense(3))
			p.Epochs, p.BatchSize, p.LearningRate = 3, 64, cmp.Or(p.LearningRate, 0.01)
			s := newSoftmax(t, model, data)
			for i, label := range labels {
				switch {
				case p.ClassWeights != nil:
					s.weights[i] = p.ClassWeights[label]
				case p.Balance == tl.BalanceWeights:
					s.weights[i] = float64(len(labels)) / (3 * count[label]) // sklearn.utils.class_weight.compute_class_weight("balanced")
				}
			}
			compare(t, model, data, p, s)
		})
	}
}

// compare fits the model and its twin by hand: losses, weights, and the record of the last epoch.
func compare(t *testing.T, model tl.Model, data datasets.Dataset, p tl.Phase, s *softmax) {
	t.Helper()
	start := [][][]float64{cloned(s.w), cloned(s.b)}
	h := must[tl.History](t)(model.Fit(quiet(), data, none, p))
	losses, update := s.fit(p)
	for i, e := range h.Epochs {
		close64(t, fmt.Sprintf("loss of epoch %d", i+1), e.Loss, losses[i], 1e-4)
	}
	trained := must[*trained](t)(registeredEngine.model(quiet(), model))
	defer trained.gate.Unlock()
	worst, drifted, length := 0.0, 0.0, 0.0
	for i, parameter := range [][][]float64{s.w, s.b} {
		for r, row := range wide(trained.values[[]string{"/head/dense0/kernel", "/head/dense0/bias"}[i]]) {
			for c, now := range row {
				way := math.Abs(parameter[r][c] - start[i][r][c])
				worst = max(worst, math.Abs(now-parameter[r][c])/(way+1e-3))
				drifted, length = drifted+way*way, length+math.Pow(start[i][r][c], 2)
			}
		}
	}
	if worst > 2e-3 {
		t.Errorf("a weight is %.2g of its way off", worst)
	}
	record := h.Epochs[2].Blocks
	if len(record) != 1 || record[0].Block != "head" || math.Abs(record[0].Rate/p.LearningRate-1) > 1e-6 {
		t.Fatalf("records %+v", record)
	}
	close64(t, "update", record[0].Update, update, 1e-3)
	close64(t, "drift", record[0].Drift, math.Sqrt(drifted/length), 1e-3)
}

func cloned(m [][]float64) [][]float64 {
	c := make([][]float64, len(m))
	for i := range m {
		c[i] = slices.Clone(m[i])
	}
	return c
}

func close64(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s is %g, want %g", what, got, want)
	}
}

// TestSampler: over-sampling has every row and each class as often, under-sampling each class as often as the smallest; both change from epoch to
// epoch and not from run to run.
func TestSampler(t *testing.T) {
	labels := []int{0, 0, 0, 0, 0, 1, 1, 2, 2, 2}
	drawn := func(p tl.Phase, seed uint64, epochs int) [][]int {
		s := must[sampler](t)(newSampler(p, labels, 4))
		random, all := rand.New(rand.NewPCG(seed, 1)), [][]int(nil)
		for range epochs {
			rows := s.epoch(random)
			if len(rows) != s.size() {
				t.Errorf("%q: %d rows, size says %d", p.Balance, len(rows), s.size())
			}
			all = append(all, rows)
		}
		return all
	}
	for balance, want := range map[tl.Balance][3]int{"": {5, 2, 3}, tl.BalanceWeights: {5, 2, 3}, tl.BalanceOver: {5, 5, 5}, tl.BalanceUnder: {2, 2, 2}} {
		p := tl.Phase{Balance: balance}
		seen := map[int]bool{}
		for _, rows := range drawn(p, 1, 20) {
			var count [3]int
			times := map[int]int{}
			for _, row := range rows {
				count[labels[row]]++
				times[row]++
				seen[row] = true
			}
			if count != want {
				t.Errorf("%q: classes %v, want %v", balance, count, want)
			}
			for row, n := range times {
				if low, high := want[labels[row]]/[]int{5, 2, 3}[labels[row]], (want[labels[row]]+[]int{4, 1, 2}[labels[row]])/[]int{5, 2, 3}[labels[row]]; n < low || n > high {
					t.Errorf("%q: row %d comes %d times, want %d to %d", balance, row, n, low, high)
				}
			}
		}
		if len(seen) != len(labels) {
			t.Errorf("%q: in 20 epochs %d rows of %d were seen", balance, len(seen), len(labels))
		}
		if a, b := drawn(p, 7, 2), drawn(p, 7, 2); !slices.EqualFunc(a, b, slices.Equal[[]int]) || slices.Equal(a[0], a[1]) {
			t.Errorf("%q: the same seed gave %v and %v", balance, a, b)
		}
	}
	s := must[sampler](t)(newSampler(tl.Phase{Balance: tl.BalanceWeights}, labels, 4))
	for class, want := range []float64{10. / 15, 10. / 6, 10. / 9, 1} {
		close64(t, fmt.Sprint("weight of class ", class), float64(s.weight(class)), want, 1e-6)
	}
}

// TestPatience ends a phase that gets worse, keeps its best epoch and lets StepBack choose another.
func TestPatience(t *testing.T) {
	ownCache(t)
	train, valid := figures.Split(0.75, 1)
	model := pixels.WithHead("patience", tl.Dense(3))
	h := must[tl.History](t)(model.Fit(quiet(), train, valid, tl.Phase{Epochs: 60, LearningRate: 0.05, Patience: 3}))
	n, best := len(h.Epochs), 0
	for i, e := range h.Epochs {
		if e.ValidLoss < h.Epochs[best].ValidLoss {
			best = i
		}
	}
	if n >= 60 || n != best+1+3 || h.Kept != best+1 || !h.Early || h.Stopped || !strings.Contains(h.String(), "no lower valid loss in 3 epochs") {
		t.Fatalf("%v", h)
	}
	if back := must[tl.History](t)(model.StepBack(quiet(), n)); back.Kept != n || !back.SteppedBack {
		t.Errorf("%v", back)
	}
	if _, err := model.StepBack(quiet(), n+1); err == nil {
		t.Error("an epoch that was not run can be stepped back to")
	}
	patient := must[tl.History](t)(pixels.WithHead("patient", tl.Dense(3)).Fit(quiet(), train, valid, tl.Phase{Epochs: 5, LearningRate: 1e-4, Patience: 5}))
	if patient.Early || len(patient.Epochs) != 5 {
		t.Errorf("%v", patient)
	}
}

// TestSavedEpochsHaveALimit: what StepBack may return to takes a bounded amount of memory; the best and the last epoch are always there.
func TestSavedEpochsHaveALimit(t *testing.T) {
	ownCache(t)
	defer func(was int64) { savedLimit = was }(savedLimit)
	savedLimit = 2 * (1024*3 + 3) * 4 // two epochs
	train, valid := figures.Split(0.75, 1)
	model := pixels.WithHead("limited", tl.Dense(3))
	h := must[tl.History](t)(model.Fit(quiet(), train, valid, tl.Phase{Epochs: 40, LearningRate: 0.05, Patience: 4}))
	n := len(h.Epochs)
	if h.Kept != n-4 {
		t.Fatalf("%v", h)
	}
	before := fingerprint(t, model)
	must[tl.History](t)(model.StepBack(quiet(), n))
	if moved(before, fingerprint(t, model)) == nil {
		t.Error("the last epoch has the weights of the best")
	}
	_, err := model.StepBack(quiet(), n-1)
	if want := fmt.Sprintf("step back to one of [%d %d]", n-4, n); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
	must[tl.History](t)(model.StepBack(quiet(), h.Kept))
	if changed := moved(before, fingerprint(t, model)); changed != nil {
		t.Errorf("the best epoch came back with other bits in %v", changed)
	}
}
