package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// principal finds the first k principal components of x [n, d]: scores [n, k], their variances (divided by n−1) and the total variance.
//
// gonum's stat.PC takes the SVD of the whole matrix, 41 s for [1968, 1280]. Here the covariance is iterated on a block of k+10
// vectors, orthonormalised each time, with a Rayleigh-Ritz step to read off the components (Halko, Martinsson & Tropp 2011, section
// 4.5), until each residual ‖Cv−λv‖ is below 1e-9 of the largest variance: the exact components for every purpose here. A spectrum
// without gaps converges slowly; after the last round the full eigendecomposition is taken instead.
func principal(x tl.Tensor, k int) (scores tl.Tensor, variances []float64, total float64, err error) {
	n := x.Len()
	if n < 2 {
		return scores, nil, 0, fmt.Errorf("engine: PCA needs at least 2 rows, has %d", n)
	}
	d := len(x.Data) / n
	if k < 1 || k > min(n, d) {
		return scores, nil, 0, fmt.Errorf("engine: PCA of [%d, %d] has 1 to %d components, not %d", n, d, min(n, d), k)
	}
	centred := mat.NewDense(n, d, nil)
	for j := range d {
		mean := 0.0
		for i := range n {
			mean += float64(x.Data[i*d+j])
		}
		mean /= float64(n)
		for i := range n {
			centred.Set(i, j, float64(x.Data[i*d+j])-mean)
		}
	}
	for _, v := range centred.RawMatrix().Data {
		total += v * v
	}
	if math.IsNaN(total) || math.IsInf(total, 0) {
		return scores, nil, 0, fmt.Errorf("engine: PCA of values that are not finite")
	}
	total /= float64(n - 1)
	components, variances := subspace(centred, k, min(k+10, min(n, d)))
	if components == nil {
		if components, variances, err = eigen(centred, k); err != nil {
			return scores, nil, 0, err
		}
	}
	var projected mat.Dense
	projected.Mul(centred, components)
	scores = tl.Tensor{Shape: []int{n, k}, Data: make([]float32, n*k)}
	for i := range n {
		for j := range k {
			scores.Data[i*k+j] = float32(projected.At(i, j))
		}
	}
	return scores, variances, total, nil
}

// subspace iterates Xᵀ(X·V)/(n−1) on width vectors; it returns nil where the first k do not converge.
func subspace(x *mat.Dense, k, width int) (components *mat.Dense, variances []float64) {
	const rounds, tolerance = 60, 1e-9
	n, d := x.Dims()
	random := rand.New(rand.NewPCG(1, 2))
	v := mat.NewDense(d, width, nil)
	for i := range v.RawMatrix().Data {
		v.RawMatrix().Data[i] = random.NormFloat64()
	}
	orthonormalise(v)
	var xv, cv, small mat.Dense
	for range rounds {
		xv.Mul(x, v)
		cv.Mul(x.T(), &xv)
		cv.Scale(1/float64(n-1), &cv)
		small.Mul(v.T(), &cv)
		var ritz mat.EigenSym
		if !ritz.Factorize(symmetric(&small), true) {
			return nil, nil
		}
		values := ritz.Values(nil) // ascending
		var rotation, vectors, images mat.Dense
		ritz.VectorsTo(&rotation)
		vectors.Mul(v, &rotation)
		images.Mul(&cv, &rotation)
		if converged(&vectors, &images, values, k, tolerance) {
			components = mat.NewDense(d, k, nil)
			for j := range k {
				components.SetCol(j, mat.Col(nil, width-1-j, &vectors))
				variances = append(variances, max(0, values[width-1-j]))
			}
			return components, variances
		}
		v.Copy(&images)
		orthonormalise(v)
	}
	return nil, nil
}

func converged(vectors, images *mat.Dense, values []float64, k int, tolerance float64) bool {
	d, width := vectors.Dims()
	largest := values[width-1]
	for j := width - k; j < width; j++ {
		residual := 0.0
		for i := range d {
			r := images.At(i, j) - values[j]*vectors.At(i, j)
			residual += r * r
		}
		if math.Sqrt(residual) > tolerance*largest {
			return false
		}
	}
	return true
}

// orthonormalise replaces the columns of v by an orthonormal basis of what they span.
func orthonormalise(v *mat.Dense) {
	var thin mat.SVD
	if !thin.Factorize(v, mat.SVDThin) {
		return // not finite: the residual test that follows fails
	}
	thin.UTo(v)
}

func symmetric(m *mat.Dense) *mat.SymDense {
	n, _ := m.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (m.At(i, j)+m.At(j, i))/2)
		}
	}
	return s
}

// eigen is the plain way: the covariance's full eigendecomposition.
func eigen(x *mat.Dense, k int) (*mat.Dense, []float64, error) {
	n, d := x.Dims()
	var covariance mat.SymDense
	covariance.SymOuterK(1/float64(n-1), x.T())
	var all mat.EigenSym
	if !all.Factorize(&covariance, true) {
		return nil, nil, fmt.Errorf("engine: PCA of [%d, %d] does not converge", n, d)
	}
	values := all.Values(nil)
	var vectors mat.Dense
	all.VectorsTo(&vectors)
	components, variances := mat.NewDense(d, k, nil), make([]float64, k)
	for j := range k {
		components.SetCol(j, mat.Col(nil, d-1-j, &vectors))
		variances[j] = max(0, values[d-1-j])
	}
	return components, variances, nil
}

func (e *Engine) pca(ctx context.Context, r tl.PCARequest, report func(remote.Progress)) (tl.Projection, error) {
	x, err := e.values(ctx, r.RepresentRequest, report)
	if err != nil {
		return tl.Projection{}, err
	}
	points, variances, total, err := principal(x, r.K)
	return tl.Projection{Method: "PCA", Points: points, Variances: variances, Total: total}, err
}
