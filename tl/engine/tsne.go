package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// t-SNE is computed exactly: every step takes every pair. At the sizes that a picture holds (some thousands of points) that is as fast as
// Barnes & Hut's tree, and it is the same to the last bit on any number of processors: a row is summed by one of them, in order.
//
// The steps are van der Maaten's and scikit-learn's: similarities among the 3·perplexity nearest neighbours, made symmetric; first positions are the first
// two principal components, scaled to a deviation of 1e-4 (Kobak & Berens 2019), with a little noise from the seed, which parts images that are equal;
// a learning rate of n/exaggeration/4, at least 50; a quarter of the steps with early exaggeration 12 and momentum 0.5, the others with momentum 0.8;
// gains as Jacobs 1988.
const (
	tsneExaggeration = 12
	tsnePerplexity   = 30
	tsneSteps        = 1000
	tsneComponents   = 50
	tsneNeighbours   = 12      // at which its trustworthiness is measured
	mostPairs        = 1 << 23 // of a point and one of its 3·perplexity neighbours: less than a gigabyte
)

// tsne lays representations out in the plane.
func (e *Engine) tsne(ctx context.Context, r tl.TSNERequest, report func(remote.Progress)) (tl.Projection, error) {
	x, err := e.numbers(ctx, r.RepresentRequest, report)
	if err != nil {
		return tl.Projection{}, err
	}
	o, err := tsneOptions(r.TSNE, x.n, x.d)
	if err != nil {
		return tl.Projection{}, err
	}
	report(remote.Progress{Stage: fmt.Sprintf("first %d principal components", o.Components)})
	scores, variances, total, err := principal(x, o.Components)
	if err != nil {
		return tl.Projection{}, err
	}
	p := tl.Projection{Method: "t-SNE", Perplexity: o.Perplexity, Components: o.Components}
	p.Kept = tl.Projection{Variances: variances, Total: total}.Explained()
	embedding, err := newEmbedding(scores, o)
	if err != nil {
		return tl.Projection{}, err
	}
	clock := newClock("t-SNE")
	for step := range o.Steps {
		if err := ctx.Err(); err != nil {
			callOf(ctx).stopped("stopped at step %d of %d", step, o.Steps)
			return tl.Projection{}, err
		}
		embedding.step(step < o.Steps/4)
		if progress := clock.tick(1, o.Steps, "steps/s"); step%10 == 9 {
			report(progress)
		}
	}
	p.Points, p.Divergence = embedding.points(), embedding.divergence()
	report(remote.Progress{Stage: "trustworthiness of t-SNE"})
	p.Trustworthiness, err = trustworthiness(x, p.Points, min(tsneNeighbours, (x.n-1)/2))
	return p, err
}

// tsneOptions fills in the zero values and refuses what cannot be.
func tsneOptions(o tl.TSNE, n, d int) (tl.TSNE, error) {
	const fewest = 4
	if n < fewest || n > tl.MostTSNE {
		return o, fmt.Errorf("t-SNE takes %d to %s images, not %s: take some of them, as Take(2000) or PerClass(500, 1) do",
			fewest, tl.WithCommas(tl.MostTSNE), tl.WithCommas(int64(n)))
	}
	widest := float64(min(n-1, mostPairs/n)) / 3
	if o.Perplexity == 0 {
		o.Perplexity = min(tsnePerplexity, widest)
	}
	if o.Steps == 0 {
		o.Steps = tsneSteps
	}
	if o.Components == 0 {
		o.Components = min(tsneComponents, n, d)
	}
	switch {
	case !(o.Perplexity >= 1 && o.Perplexity <= widest):
		return o, fmt.Errorf("a perplexity of %g for %s images: take 1 to %g", o.Perplexity, tl.WithCommas(int64(n)), math.Floor(10*widest)/10)
	case o.Steps < 4 || o.Steps > 100000:
		return o, fmt.Errorf("%d steps are not between 4 and 100,000", o.Steps)
	case o.Components < 2 || o.Components > min(n, d):
		return o, fmt.Errorf("t-SNE starts from 2 to %d principal components of [%d, %d], not %d", min(n, d), n, d, o.Components)
	}
	return o, nil
}

// embedding are points in the plane on their way.
type embedding struct {
	n       int
	near    [][]int     // of each point, those it is attracted by
	p       [][]float64 // how much: similarities that sum to 1 over all pairs
	x, y    []float64
	dx, dy  []float64 // the last step
	gx, gy  []float64 // gains
	rate    float64
	ax, ay  []float64 // attraction …
	rx, ry  []float64 // … and repulsion, not yet divided by the sum of all weights
	weights []float64 // of each row
	sum     float64   // of all of them
	workers int
}

func newEmbedding(scores tl.Tensor, o tl.TSNE) (*embedding, error) {
	n := scores.Len()
	e := &embedding{n: n, workers: runtime.GOMAXPROCS(0), rate: max(float64(n)/tsneExaggeration/4, 50)}
	for _, list := range []*[]float64{&e.x, &e.y, &e.dx, &e.dy, &e.gx, &e.gy, &e.ax, &e.ay, &e.rx, &e.ry, &e.weights} {
		*list = make([]float64, n)
	}
	random := rand.New(rand.NewPCG(uint64(o.Seed), 0x74534e45))
	deviation := 0.0
	for i := range n {
		deviation += float64(scores.Row(i)[0]) * float64(scores.Row(i)[0]) / float64(n)
	}
	if deviation == 0 {
		return nil, fmt.Errorf("the representations are all the same: there is nothing to lay out")
	}
	scale := 1e-4 / math.Sqrt(deviation)
	for i := range n {
		row := scores.Row(i)
		e.x[i], e.y[i] = scale*float64(row[0])+1e-6*random.NormFloat64(), scale*float64(row[1])+1e-6*random.NormFloat64()
		e.gx[i], e.gy[i] = 1, 1
	}
	e.similarities(scores, o.Perplexity)
	return e, nil
}

// similarities fills near and p.
func (e *embedding) similarities(scores tl.Tensor, perplexity float64) {
	k := min(e.n-1, int(3*perplexity))
	near, weights := make([][]int, e.n), make([][]float64, e.n)
	eachDistances(matrixOf(scores), e.workers, func(i int, row []float64) {
		near[i] = nearest(row, i, k)
		d := make([]float64, k)
		for a, j := range near[i] {
			d[a] = row[j]
		}
		weights[i] = conditional(d, perplexity)
	})
	type half struct {
		of int
		p  float64
	}
	halves := make([][]half, e.n)
	for i := range near {
		for a, j := range near[i] {
			p := weights[i][a] / float64(2*e.n)
			halves[i], halves[j] = append(halves[i], half{j, p}), append(halves[j], half{i, p})
		}
	}
	e.near, e.p = make([][]int, e.n), make([][]float64, e.n)
	for i, row := range halves {
		slices.SortFunc(row, func(a, b half) int { return a.of - b.of })
		for _, h := range row {
			if last := len(e.near[i]) - 1; last >= 0 && e.near[i][last] == h.of {
				e.p[i][last] += h.p
			} else {
				e.near[i], e.p[i] = append(e.near[i], h.of), append(e.p[i], h.p)
			}
		}
		halves[i] = nil
	}
}

// conditional finds the width of the Gaussian at which the neighbours at these squared distances, which ascend, have the perplexity, and gives their
// weights, which sum to 1.
func conditional(distances []float64, perplexity float64) []float64 {
	p := make([]float64, len(distances))
	low, high, beta := 0.0, math.Inf(1), 1.0
	if mean := distances[len(distances)-1] - distances[0]; mean > 0 {
		beta = 1 / mean
	}
	for range 100 {
		sum, moment := 0.0, 0.0
		for i, d := range distances {
			p[i] = math.Exp(-beta * (d - distances[0]))
			sum += p[i]
			moment += p[i] * (d - distances[0])
		}
		for i := range p {
			p[i] /= sum
		}
		switch surplus := math.Log(sum) + beta*moment/sum - math.Log(perplexity); {
		case math.Abs(surplus) < 1e-6:
			return p
		case surplus > 0 && math.IsInf(high, 1):
			low, beta = beta, beta*2
		case surplus > 0:
			low, beta = beta, (beta+high)/2
		default:
			high, beta = beta, (beta+low)/2
		}
	}
	return p // many neighbours at one distance: the entropy jumps
}

// step moves every point once.
func (e *embedding) step(early bool) {
	exaggeration, momentum := 1.0, 0.8
	if early {
		exaggeration, momentum = tsneExaggeration, 0.5
	}
	e.forces()
	for i := range e.n {
		e.move(&e.x[i], &e.dx[i], &e.gx[i], 4*(exaggeration*e.ax[i]-e.rx[i]/e.sum), momentum)
		e.move(&e.y[i], &e.dy[i], &e.gy[i], 4*(exaggeration*e.ay[i]-e.ry[i]/e.sum), momentum)
	}
	centreAt0(e.x)
	centreAt0(e.y)
}

func (e *embedding) move(at, last, gain *float64, gradient, momentum float64) {
	if (gradient > 0) == (*last > 0) {
		*gain = max(*gain*0.8, 0.01)
	} else {
		*gain += 0.2
	}
	*last = momentum**last - e.rate**gain*gradient
	*at += *last
}

// forces computes attraction and repulsion at the points as they stand.
func (e *embedding) forces() {
	parallel(e.n, e.workers, func(i int) {
		xi, yi := e.x[i], e.y[i]
		var rx, ry, sum float64
		ys := e.y[:len(e.x)]
		for j, xj := range e.x {
			dx, dy := xi-xj, yi-ys[j]
			w := 1 / (1 + dx*dx + dy*dy)
			sum += w
			w *= w
			rx += w * dx
			ry += w * dy
		}
		e.rx[i], e.ry[i], e.weights[i] = rx, ry, sum-1 // less the point itself
		var ax, ay float64
		for a, j := range e.near[i] {
			dx, dy := xi-e.x[j], yi-e.y[j]
			w := e.p[i][a] / (1 + dx*dx + dy*dy)
			ax += w * dx
			ay += w * dy
		}
		e.ax[i], e.ay[i] = ax, ay
	})
	e.sum = 0
	for _, w := range e.weights {
		e.sum += w
	}
}

// divergence is the Kullback-Leibler divergence of the points' similarities from the representations', in nats.
func (e *embedding) divergence() float64 {
	e.forces()
	kl := 0.0
	for i := range e.near {
		for a, j := range e.near[i] {
			if e.p[i][a] == 0 {
				continue // a neighbour so far beyond the others that its weight is no number above 0
			}
			dx, dy := e.x[i]-e.x[j], e.y[i]-e.y[j]
			kl += e.p[i][a] * math.Log(e.p[i][a]*e.sum*(1+dx*dx+dy*dy))
		}
	}
	return kl
}

func (e *embedding) points() tl.Tensor {
	t := tl.Tensor{Shape: []int{e.n, 2}, Data: make([]float32, 0, 2*e.n)}
	for i := range e.n {
		t.Data = append(t.Data, float32(e.x[i]), float32(e.y[i]))
	}
	return t
}

func centreAt0(values []float64) {
	mean := 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for i := range values {
		values[i] -= mean
	}
}
