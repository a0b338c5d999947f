package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	linear "gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"transferlab/tl"
	"transferlab/tl/remote"
)

const (
	probeFolds = 5
	probeL2    = 0.01
	// mostWeights is how many weights a probe may have: its search keeps some 35 vectors of them as float64, a gigabyte, for each fold at work.
	mostWeights = 1 << 22
)

// probe fits linear probes by cross-validation.
func (e *Engine) probe(ctx context.Context, r tl.ProbeRequest, report func(remote.Progress)) (tl.ProbeResult, error) {
	x, err := e.numbers(ctx, r.RepresentRequest, report)
	if err != nil {
		return tl.ProbeResult{}, err
	}
	start := time.Now()
	labels, classes, err := probeLabels(ctx, r, x.n)
	if err != nil {
		return tl.ProbeResult{}, err
	}
	o, err := probeOptions(r.Probe, x.n)
	if err != nil {
		return tl.ProbeResult{}, err
	}
	if weights := len(classes) * (x.d + 1); weights > mostWeights {
		return tl.ProbeResult{}, fmt.Errorf("a probe of %s classes on %s numbers has %s weights, more than are fitted (%s): take fewer classes, or a block with fewer numbers",
			tl.WithCommas(int64(len(classes))), tl.WithCommas(int64(x.d)), tl.WithCommas(int64(weights)), tl.WithCommas(mostWeights))
	}
	m, err := x.whole()
	if err != nil {
		return tl.ProbeResult{}, err
	}
	of := representationOf(r.RepresentRequest)
	p := tl.ProbeResult{Base: of.Network(), Place: of.Place(), Channels: x.d, Classes: classes, Labels: labels, Folds: o.Folds, L2: o.L2, Class: make([]int, x.n),
		Scores: tl.Tensor{Shape: []int{x.n, len(classes)}, Data: make([]float32, x.n*len(classes))}}
	fold := stratified(labels, len(classes), o.Folds, o.Seed)
	failed := make([]error, o.Folds)
	clock, ticks := newClock("linear probes on "+of.Place()), newGate()
	parallel(o.Folds, min(o.Folds, runtime.GOMAXPROCS(0)), func(k int) {
		if failed[k] = crossFold(ctx, m, fold, k, o.L2, &p); failed[k] != nil {
			return
		}
		if ticks.enter(ctx, "progress") == nil {
			report(clock.tick(1, o.Folds, "folds/s"))
			ticks.Unlock()
		}
	})
	for _, err := range failed {
		if err != nil {
			return tl.ProbeResult{}, err
		}
	}
	p.Interval = p.Evaluation().AccuracyInterval()
	p.Time = tl.Timing{Train: time.Since(start), Total: time.Since(start)}
	return p, nil
}

// probeLabels are the classes of the rows and their names.
func probeLabels(ctx context.Context, r tl.ProbeRequest, n int) (labels []int, classes []string, err error) {
	if labels = r.Labels; labels == nil {
		if labels, err = r.Data.Labels(ctx); err != nil {
			return nil, nil, err
		}
	}
	if classes, err = r.Data.Classes(ctx); err != nil {
		return nil, nil, err
	}
	if len(labels) != n {
		return nil, nil, fmt.Errorf("%d labels for %d images: take the labels of the data set that was represented", len(labels), n)
	}
	if low := slices.Min(labels); low < 0 {
		return nil, nil, fmt.Errorf("label %d is negative", low)
	}
	if slices.Min(labels) == slices.Max(labels) {
		return nil, nil, fmt.Errorf("all images are of one class: a probe tells classes apart")
	}
	const most = 1 << 16
	if high := slices.Max(labels); high >= most {
		return nil, nil, fmt.Errorf("label %d: classes are numbered from 0 on", high)
	}
	return labels, named(classes, max(len(classes), slices.Max(labels)+1)), nil
}

func probeOptions(o tl.Probe, n int) (tl.Probe, error) {
	if o.Folds == 0 {
		o.Folds = min(probeFolds, n)
	}
	if o.L2 == 0 {
		o.L2 = probeL2
	}
	if o.Folds < 2 || o.Folds > n {
		return o, fmt.Errorf("%d folds of %d images: take 2 to %d", o.Folds, n, n)
	}
	if !(o.L2 > 0) || math.IsInf(o.L2, 0) {
		return o, fmt.Errorf("a penalty L2 of %g: it must be above 0", o.L2)
	}
	return o, nil
}

// stratified deals the rows of each class, shuffled, to the folds in turn, and goes on with the next class where the last one ended.
func stratified(labels []int, classes, folds int, seed int64) []int {
	random := rand.New(rand.NewPCG(uint64(seed), 0x70726f6265))
	fold, next := make([]int, len(labels)), 0
	for class := range classes {
		var rows []int
		for i, label := range labels {
			if label == class {
				rows = append(rows, i)
			}
		}
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, i := range rows {
			fold[i] = next % folds
			next++
		}
	}
	return fold
}

// crossFold fits on all folds but the k-th and predicts that.
func crossFold(ctx context.Context, m *mat.Dense, fold []int, k int, l2 float64, p *tl.ProbeResult) error {
	var train, held []int
	for i, f := range fold {
		if f == k {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	labels := make([]int, len(train))
	for at, i := range train {
		labels[at] = p.Labels[i]
	}
	x := rowsOf(m, train)
	mean, scale := standard(x)
	standardise(x, mean, scale)
	l := &logistic{ctx: ctx, x: x, labels: labels, classes: len(p.Classes), l2: l2}
	weights, err := l.fit()
	if err != nil {
		return err
	}
	y := rowsOf(m, held)
	standardise(y, mean, scale)
	scores := l.logits(y, weights)
	for at, i := range held {
		row := scores.RawRowView(at)
		toProbabilities(row)
		for c, v := range row {
			p.Scores.Row(i)[c] = float32(v)
		}
		p.Class[i] = slices.Index(row, slices.Max(row))
	}
	return nil
}

func rowsOf(m *mat.Dense, rows []int) *mat.Dense {
	_, d := m.Dims()
	x := mat.NewDense(len(rows), d, nil)
	for at, i := range rows {
		x.SetRow(at, m.RawRowView(i))
	}
	return x
}

// standard is the mean of each column and one over its deviation; 0 for a column without any.
func standard(x *mat.Dense) (mean, scale []float64) {
	n, d := x.Dims()
	mean, scale = make([]float64, d), make([]float64, d)
	for i := range n {
		linear.AddScaled(mean, 1/float64(n), x.RawRowView(i))
	}
	for i := range n {
		for j, v := range x.RawRowView(i) {
			scale[j] += (v - mean[j]) * (v - mean[j]) / float64(n)
		}
	}
	for j, variance := range scale {
		scale[j] = 0
		if math.Sqrt(variance) > 1e-6*math.Abs(mean[j]) { // float32 rounds the same number differently
			scale[j] = 1 / math.Sqrt(variance)
		}
	}
	return mean, scale
}

func standardise(x *mat.Dense, mean, scale []float64) {
	n, _ := x.Dims()
	for i := range n {
		row := x.RawRowView(i)
		linear.Sub(row, mean)
		linear.Mul(row, scale)
	}
}

// logistic is multinomial logistic regression: weights are [columns, d] and then [columns] biases, which have no penalty. Two classes need one column,
// the logit of the second against the first.
type logistic struct {
	ctx     context.Context
	x       *mat.Dense // [n, d], standardised
	labels  []int
	classes int
	l2      float64
}

func (l *logistic) columns() int {
	if l.classes == 2 {
		return 1
	}
	return l.classes
}

// logits are [n, classes].
func (l *logistic) logits(x *mat.Dense, weights []float64) *mat.Dense {
	n, d := x.Dims()
	k := l.columns()
	z := mat.NewDense(n, k, nil)
	z.Mul(x, mat.NewDense(k, d, weights[:k*d]).T())
	out := mat.NewDense(n, l.classes, nil)
	for i := range n {
		row := out.RawRowView(i)
		copy(row[l.classes-k:], z.RawRowView(i))
		linear.Add(row[l.classes-k:], weights[k*d:])
	}
	return out
}

func toProbabilities(row []float64) {
	top, sum := slices.Max(row), 0.0
	for i, v := range row {
		row[i] = math.Exp(v - top)
		sum += row[i]
	}
	linear.Scale(1/sum, row)
}

// loss is the mean cross-entropy with the penalty, and fills gradient.
func (l *logistic) loss(gradient, weights []float64) float64 {
	n, d := l.x.Dims()
	k := l.columns()
	p := l.logits(l.x, weights)
	residual, loss := mat.NewDense(n, k, nil), 0.0
	clear(gradient)
	for i, label := range l.labels {
		row := p.RawRowView(i)
		toProbabilities(row)
		loss -= math.Log(max(row[label], math.SmallestNonzeroFloat64)) / float64(n)
		row[label]--
		out := residual.RawRowView(i)
		copy(out, row[l.classes-k:])
		linear.Scale(1/float64(n), out)
		linear.Add(gradient[k*d:], out)
	}
	into := mat.NewDense(k, d, gradient[:k*d])
	into.Mul(residual.T(), l.x)
	linear.AddScaled(gradient[:k*d], l.l2, weights[:k*d])
	return loss + l.l2/2*linear.Dot(weights[:k*d], weights[:k*d])
}

// fit finds the weights by L-BFGS (Nocedal 1980), which reaches the one optimum there is.
func (l *logistic) fit() ([]float64, error) {
	_, d := l.x.Dims()
	size := l.columns() * (d + 1)
	gradient, at := make([]float64, size), []float64(nil)
	loss := 0.0
	evaluate := func(x []float64) { // the search asks for the loss and then for its gradient at the same place
		if at == nil || !slices.Equal(at, x) {
			at = append(at[:0], x...)
			loss = l.loss(gradient, x)
		}
	}
	problem := optimize.Problem{
		Func:   func(x []float64) float64 { evaluate(x); return loss },
		Grad:   func(g, x []float64) { evaluate(x); copy(g, gradient) },
		Status: func() (optimize.Status, error) { return optimize.NotTerminated, l.ctx.Err() },
	}
	settings := &optimize.Settings{MajorIterations: 500, GradientThreshold: 1e-4, Converger: &optimize.FunctionConverge{Relative: 1e-6, Iterations: 5}}
	result, err := optimize.Minimize(problem, make([]float64, size), settings, &optimize.LBFGS{})
	if l.ctx.Err() != nil {
		return nil, l.ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("the probe does not converge (%w): take a larger penalty L2", err)
	}
	return result.X, nil
}
