package engine

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"transferlab/tl"
)

// parallel calls f with 0 … n−1, in blocks of neighbours, one for each worker. What f throws is thrown again here, where the verb's edge catches it: in a
// goroutine of its own it would end the engine.
func parallel(n, workers int, f func(i int)) {
	var group sync.WaitGroup
	thrown := make([]any, workers)
	for w := range workers {
		group.Go(func() {
			defer func() { thrown[w] = recover() }()
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				f(i)
			}
		})
	}
	group.Wait()
	for _, t := range thrown {
		if t != nil {
			panic(t)
		}
	}
}

// matrixOf is a tensor [n, d] as float64.
func matrixOf(t tl.Tensor) *mat.Dense {
	data := make([]float64, len(t.Data))
	for i, v := range t.Data {
		data[i] = float64(v)
	}
	return mat.NewDense(t.Len(), len(data)/t.Len(), data)
}

// mostWhole is how many numbers a matrix may have that is in memory at once: half a gigabyte of them.
const mostWhole = 1 << 26

// whole reads all rows of a table, of which there is one or more, into one matrix. A number that is not finite is an error: nothing can be compared with it.
func (m *table64) whole() (*mat.Dense, error) {
	if m.n*m.d > mostWhole {
		return nil, fmt.Errorf("%s images × %s numbers are too many to compare at once: take %s images or fewer, .Take(%d)", tl.WithCommas(int64(m.n)),
			tl.WithCommas(int64(m.d)), tl.WithCommas(int64(mostWhole/m.d)), mostWhole/m.d)
	}
	data := make([]float64, m.n*m.d)
	if err := m.read(0, m.n, data); err != nil {
		return nil, err
	}
	for at, v := range data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("the representation of image %d is not finite (did training diverge?)", at/m.d)
		}
	}
	return mat.NewDense(m.n, m.d, data), nil
}

// productRows is how many rows of a product of all pairs are in memory at once.
const productRows = 256

// eachProducts calls f, on several processors at once, with the scalar products of each row of some with every row of all. They are valid until f
// returns.
func eachProducts(some, all *mat.Dense, workers int, f func(i int, products []float64)) {
	few, d := some.Dims()
	n, _ := all.Dims()
	products := make([]float64, min(few, productRows)*n)
	left := some.RawMatrix()
	for from := 0; from < few; from += productRows {
		rows := min(productRows, few-from)
		part := blas64.General{Rows: rows, Cols: d, Stride: left.Stride, Data: left.Data[from*left.Stride:]}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, part, all.RawMatrix(), 0, blas64.General{Rows: rows, Cols: n, Stride: n, Data: products})
		parallel(rows, workers, func(i int) { f(from+i, products[i*n:(i+1)*n]) })
	}
}

// eachDistances calls f likewise with the squared distances of each row of m from all: ‖a−b‖² = ‖a‖² + ‖b‖² − 2a·b, never below 0.
func eachDistances(m *mat.Dense, workers int, f func(i int, distances []float64)) {
	squares := squaredNorms(m)
	eachProducts(m, m, workers, func(i int, row []float64) {
		for j := range row {
			row[j] = max(0, squares[i]+squares[j]-2*row[j])
		}
		f(i, row)
	})
}

func squaredNorms(m *mat.Dense) []float64 {
	n, _ := m.Dims()
	squares := make([]float64, n)
	for i := range squares {
		for _, v := range m.RawRowView(i) {
			squares[i] += v * v
		}
	}
	return squares
}

// nearest are the k places with the smallest distances but for self, the nearest first, equal ones in order.
func nearest(distances []float64, self, k int) []int {
	order := make([]int, 0, len(distances))
	for j := range distances {
		if j != self {
			order = append(order, j)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(distances[a], distances[b]), a-b) })
	return order[:k]
}
