package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// trust measures how far points can be trusted that stand for representations.
func (e *Engine) trust(ctx context.Context, r tl.TrustRequest, report func(remote.Progress)) (float64, error) {
	x, err := e.numbers(ctx, r.RepresentRequest, report)
	if err != nil {
		return 0, err
	}
	if r.K == 0 {
		r.K = tsneNeighbours
	}
	return trustworthiness(x, r.Points, r.K)
}

// trustworthiness is Venna & Kaski 2001, equation 1: the mean over points of how far down, among the representations, those come that are new among the
// k nearest points, scaled so that 1 is the best.
func trustworthiness(x *table64, points tl.Tensor, k int) (float64, error) {
	n := x.n
	if points.Len() != n || len(points.Shape) != 2 || len(points.Data) == 0 || len(points.Data) != n*points.Shape[1] {
		return 0, fmt.Errorf("points of shape %v do not stand for %d representations: take the projection of this very one", points.Shape, n)
	}
	if n > tl.MostTSNE {
		return 0, fmt.Errorf("trustworthiness compares all pairs of at most %s images, not of %s", tl.WithCommas(tl.MostTSNE), tl.WithCommas(int64(n)))
	}
	if k < 1 || 2*k >= n {
		return 0, fmt.Errorf("trustworthiness at %d neighbours of %d images: take 1 to %d", k, n, (n-1)/2)
	}
	for i, v := range points.Data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return 0, fmt.Errorf("point %d is not finite", i/points.Shape[1])
		}
	}
	high, err := x.whole()
	if err != nil {
		return 0, err
	}
	workers := runtime.GOMAXPROCS(0)
	low := make([][]int, n)
	eachDistances(matrixOf(points), workers, func(i int, row []float64) { low[i] = nearest(row, i, k) })
	penalties := make([]float64, n)
	eachDistances(high, workers, func(i int, row []float64) {
		for _, j := range low[i] {
			if rank := rankOf(row, i, j); rank > k {
				penalties[i] += float64(rank - k)
			}
		}
	})
	sum := 0.0
	for _, p := range penalties {
		sum += p
	}
	return 1 - sum*2/(float64(n)*float64(k)*float64(2*n-3*k-1)), nil
}

// rankOf is the place of j among the distances from self, the nearest being 1; equal ones come in order.
func rankOf(distances []float64, self, j int) int {
	rank := 1
	for l, d := range distances {
		if l != self && (d < distances[j] || d == distances[j] && l < j) {
			rank++
		}
	}
	return rank
}
