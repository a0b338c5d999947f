package tl

import (
	"fmt"
	"math"
)

// CKA says how alike two representations of the same n images are: linear centred kernel alignment (Kornblith et al. 2019, section 3), 1 where
// they agree up to a rotation, a mirror image, one scale for all and a shift, 0 where nothing of one can be said linearly from the other. a
// and b are [n, …], row by row the same images, n ≥ 2; what stands behind the first axis is taken as one vector. It compares weights that
// no distance could, as those of two networks of other widths. With fewer images than channels it leans towards 1: take several hundred.
//
// A tensor without variance, as of a dead layer, is an error, as is a number that is not finite.
func CKA(a, b Tensor) (float64, error) {
	n := a.Len()
	if n != b.Len() {
		return 0, fmt.Errorf("tl: CKA: %d rows and %d rows; both must be representations of the same images", n, b.Len())
	}
	if n < 2 {
		return 0, fmt.Errorf("tl: CKA: %d rows; 2 or more are needed, several hundred are better", n)
	}
	for _, t := range []Tensor{a, b} {
		if err := t.check(); err != nil {
			return 0, fmt.Errorf("tl: CKA: shape %v does not go with %d numbers", t.Shape, len(t.Data))
		}
	}
	x, y := centred(a), centred(b)
	var cross, xx, yy float64
	if p, q := len(x[0]), len(y[0]); n*(p+q) < p*p+q*q+2*p*q { // ⟨XXᵀ, YYᵀ⟩ is ‖YᵀX‖²; the cheaper one is taken
		cross, xx, yy = alignByImages(x, y)
	} else {
		x, y = transposed(x), transposed(y)
		cross, xx, yy = squares(x, y), squares(x, x), squares(y, y)
	}
	switch value := cross / math.Sqrt(xx*yy); {
	case math.IsNaN(xx+yy) || math.IsInf(xx+yy, 0):
		return 0, fmt.Errorf("tl: CKA: a representation has a number that is not finite, or too large a one")
	case xx == 0 || yy == 0:
		return 0, fmt.Errorf("tl: CKA: a representation is the same for all %d images; nothing can be compared with it", n)
	default:
		return min(1, value), nil // rounding
	}
}

// centred are the rows of t in float64, their mean taken off.
func centred(t Tensor) [][]float64 {
	n := t.Len()
	mean := make([]float64, len(t.Data)/n)
	for i := range n {
		for j, v := range t.Row(i) {
			mean[j] += float64(v) / float64(n)
		}
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, len(mean))
		for j, v := range t.Row(i) {
			rows[i][j] = float64(v) - mean[j]
			if math.Abs(rows[i][j]) < 1e-6*math.Abs(mean[j]) { // float32 rounds the mean of equal numbers: no variance is none
				rows[i][j] = 0
			}
		}
	}
	return rows
}

// alignByImages is ⟨K, L⟩, ⟨K, K⟩ and ⟨L, L⟩ of the Gram matrices K = XXᵀ and L = YYᵀ, which are symmetric.
func alignByImages(x, y [][]float64) (cross, xx, yy float64) {
	for i := range x {
		for j := range i + 1 {
			k, l, twice := dot(x[i], x[j]), dot(y[i], y[j]), 2.0
			if i == j {
				twice = 1
			}
			cross, xx, yy = cross+twice*k*l, xx+twice*k*k, yy+twice*l*l
		}
	}
	return cross, xx, yy
}

// squares is the sum of the squared products of every row of x with every row of y.
func squares(x, y [][]float64) (sum float64) {
	for _, a := range x {
		for _, b := range y {
			d := dot(a, b)
			sum += d * d
		}
	}
	return sum
}

func transposed(x [][]float64) [][]float64 {
	out := make([][]float64, len(x[0]))
	for j := range out {
		out[j] = make([]float64, len(x))
		for i := range x {
			out[j][i] = x[i][j]
		}
	}
	return out
}

// dot adds in four lines, which a processor does at once.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	n := len(a) &^ 3
	b = b[:len(a)]
	for i := 0; i < n; i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for i := n; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}
