package tl

import (
	"math"
	"slices"
	"testing"
)

// TestTopLosses: the highest loss first, from logits where there are any, so that a probability that rounds to 0 still has a place.
func TestTopLosses(t *testing.T) {
	e := Evaluation{Labels: []int{0, 1, 0, 1}, Classes: []string{"a", "b"}, Predicts: Predictions{
		Class:         []int{0, 0, 1, 0},
		Probabilities: Tensor{Shape: []int{4, 2}, Data: []float32{0.9, 0.1, 1, 0, 0.25, 0.75, 1, 0}},
		Logits:        Tensor{Shape: []int{4, 2}, Data: []float32{math.Ln10, 0.1053605, 200, 0, 0, 1.0986123, 300, 0}},
	}}
	losses := e.Losses()
	for i, want := range []float64{0.1053605, 200, 1.3862944, 300} {
		if math.Abs(losses[i]-want) > 1e-5 {
			t.Errorf("loss %d is %g, want %g", i, losses[i], want)
		}
	}
	for n, want := range map[int][]int{-1: {}, 0: {}, 2: {3, 1}, 9: {3, 1, 2, 0}} {
		if got := e.TopLosses(n); !slices.Equal(got, want) {
			t.Errorf("the highest %d: %v, want %v", n, got, want)
		}
	}
	e.Predicts.Logits = Tensor{}
	if losses := e.Losses(); math.Abs(losses[0]-0.1053605) > 1e-5 || !math.IsInf(losses[1], 1) {
		t.Errorf("without logits: %v", losses)
	}
	if got := (Evaluation{}).TopLosses(3); len(got) != 0 {
		t.Errorf("no images: %v", got)
	}
}
