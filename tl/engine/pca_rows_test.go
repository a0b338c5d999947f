package engine

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"transferlab/tl"
)

// Noise has a spectrum without gaps, on which the iteration gives up. With fewer rows than columns the products of rows then give what the
// covariance gives.
func TestPCAOfFewRowsOfNoise(t *testing.T) {
	const n, d, k = 30, 90, 12
	random := rand.New(rand.NewPCG(4, 4))
	x := tl.Tensor{Shape: []int{n, d}}
	for range n * d {
		x.Data = append(x.Data, float32(random.NormFloat64()))
	}
	table := inMatrix(x)
	if _, err := table.centre(); err != nil {
		t.Fatal(err)
	}
	got, variances, err := eigenOfRows(table, k)
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	want, wantVariances, err := eigen(table, k)
	if err != nil {
		t.Fatal(err)
	}
	for j := range k {
		if math.Abs(variances[j]-wantVariances[j]) > 1e-9*wantVariances[0] {
			t.Errorf("variance %d: %v, the covariance's is %v", j, variances[j], wantVariances[j])
		}
		if cosine := mat.Dot(got.ColView(j), want.ColView(j)); math.Abs(math.Abs(cosine)-1) > 1e-9 {
			t.Errorf("component %d: its cosine with the covariance's is %v", j, cosine)
		}
	}
	if got, _, err := eigenOfRows(table, n); got != nil || err != nil {
		t.Errorf("as many components as rows, of which the last has no variance: %v, %v", got, err)
	}
}
