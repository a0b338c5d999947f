package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"

	linear "gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// neighbours finds the rows nearest by cosine.
func (e *Engine) neighbours(ctx context.Context, r tl.NeighboursRequest, report func(remote.Progress)) (tl.Neighbours, error) {
	x, err := e.numbers(ctx, r.RepresentRequest, report)
	if err != nil {
		return tl.Neighbours{}, err
	}
	switch {
	case x.n < 2:
		return tl.Neighbours{}, fmt.Errorf("an image has no neighbours among %d: represent 2 images or more", x.n)
	case r.K < 1 || r.K > x.n-1:
		return tl.Neighbours{}, fmt.Errorf("%d neighbours of an image among %d: ask for 1 to %d", r.K, x.n, x.n-1)
	}
	rows := r.Rows
	if len(rows) == 0 {
		if x.n > tl.MostTSNE {
			return tl.Neighbours{}, fmt.Errorf("the neighbours of all images are found among at most %s, not %s: name the rows", tl.WithCommas(tl.MostTSNE), tl.WithCommas(int64(x.n)))
		}
		rows = make([]int, x.n)
		for i := range rows {
			rows[i] = i
		}
	}
	const each = 16 // bytes of a neighbour: its position and the cosine
	if most := mostNumbers / each / len(rows); r.K > most {
		return tl.Neighbours{}, fmt.Errorf("%d neighbours of %s images are more than are given: ask for %d or fewer, or name fewer rows", r.K, tl.WithCommas(int64(len(rows))), most)
	}
	for _, row := range rows {
		if row < 0 || row >= x.n {
			return tl.Neighbours{}, fmt.Errorf("row %d: there are %d images, from 0 on", row, x.n)
		}
	}
	m, err := x.whole()
	if err != nil {
		return tl.Neighbours{}, err
	}
	normalise(m)
	of := representationOf(r.RepresentRequest)
	n := tl.Neighbours{Base: of.Network(), Place: of.Place(), Rows: rows, Nearest: make([][]int, len(rows)), Similarity: make([][]float64, len(rows))}
	some := mat.NewDense(len(rows), x.d, nil)
	for i, row := range rows {
		some.SetRow(i, m.RawRowView(row))
	}
	eachProducts(some, m, runtime.GOMAXPROCS(0), func(i int, far []float64) {
		linear.Scale(-1, far)
		n.Nearest[i] = nearest(far, rows[i], r.K)
		for _, j := range n.Nearest[i] {
			n.Similarity[i] = append(n.Similarity[i], max(-1, min(1, -far[j]))) // rounding
		}
	})
	return n, nil
}

// normalise gives every row the length 1; a row of zeros, to which nothing is near, stays.
func normalise(m *mat.Dense) {
	for i, square := range squaredNorms(m) {
		if square > 0 {
			linear.Scale(1/math.Sqrt(square), m.RawRowView(i))
		}
	}
}
