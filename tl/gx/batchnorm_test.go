package gx

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// normalised is a store with the averages of two channels, and BatchNorm on them as a program of x, scale and offset.
func normalised(t *testing.T, momentum float64) (*model.Exec, *model.Variable, *model.Variable) {
	t.Helper()
	s := model.NewStore()
	mean, variance := variable(t, s, "/bn/mean", 0.5, -0.5), variable(t, s, "/bn/variance", 2, 3)
	exec := model.MustNewExec(xla, s, func(_ *model.Scope, x, scale, offset *Node) *Node {
		return BatchNorm(x, scale, offset, mean, variance, 1e-3, momentum)
	})
	return exec, mean, variance
}

// moments are mean and biased variance of each of c channels, last in the shape.
func moments(x []float64, c int) (mean, variance []float64) {
	mean, variance = make([]float64, c), make([]float64, c)
	n := float64(len(x) / c)
	for i, v := range x {
		mean[i%c] += v / n
	}
	for i, v := range x {
		variance[i%c] += (v - mean[i%c]) * (v - mean[i%c]) / n
	}
	return mean, variance
}

func TestBatchNormNormalisesAndMovesAverages(t *testing.T) {
	x, scale, offset := numbers(7, 3, 2, 2, 2), []float64{2, -1}, []float64{10, 20}
	exec, mean, variance := normalised(t, 0.9)
	y := flat(run(t, exec, x, scale, offset)[0])

	batchMean, batchVariance := moments(flat(x), 2)
	want := make([]float64, len(y))
	for i, v := range flat(x) {
		want[i] = (v-batchMean[i%2])/math.Sqrt(batchVariance[i%2]+1e-3)*scale[i%2] + offset[i%2]
	}
	near(t, "output", y, want, 1e-12)
	near(t, "mean", value(mean), []float64{0.9*0.5 + 0.1*batchMean[0], 0.9*-0.5 + 0.1*batchMean[1]}, 1e-12)
	near(t, "variance", value(variance), []float64{0.9*2 + 0.1*batchVariance[0], 0.9*3 + 0.1*batchVariance[1]}, 1e-12)

	// A representation [n, c] is normalised alike.
	flatX := tensors.FromFlatDataAndDimensions(flat(x), 12, 2)
	near(t, "output of [n, c]", flat(run(t, exec, flatX, scale, offset)[0]), want, 1e-12)
}

// The gradient passes through the batch's mean and variance too: x's slope sums to almost nothing over a channel, which it would not if they
// were taken for constants, as GoMLX's own layer does.
func TestBatchNormGradientIsTheSlope(t *testing.T) {
	x, scale, offset, weights := numbers(7, 3, 2, 2, 2), numbers(8, 2), numbers(9, 2), numbers(10, 3, 2, 2, 2)
	s := model.NewStore()
	mean, variance := variable(t, s, "/bn/mean", 0, 0), variable(t, s, "/bn/variance", 1, 1)
	loss := func(x, scale, offset, weights *Node) *Node {
		return ReduceAllSum(Mul(Square(BatchNorm(x, scale, offset, mean, variance, 1e-3, 0.99)), weights))
	}
	gradient := model.MustNewExec(xla, s, func(_ *model.Scope, x, scale, offset, weights *Node) []*Node {
		return Gradient(loss(x, scale, offset, weights), x, scale, offset)
	})
	got := run(t, gradient, x, scale, offset, weights)
	exec := model.MustNewExec(xla, s, func(_ *model.Scope, x, scale, offset, weights *Node) *Node { return loss(x, scale, offset, weights) })
	at := func(x, scale, offset *tensors.Tensor) float64 {
		return flat(run(t, exec, x, scale, offset, weights)[0])[0]
	}
	near(t, "x", flat(got[0]), slopes(x, func(v *tensors.Tensor) float64 { return at(v, scale, offset) }), 1e-8)
	near(t, "scale", flat(got[1]), slopes(scale, func(v *tensors.Tensor) float64 { return at(x, v, offset) }), 1e-8)
	near(t, "offset", flat(got[2]), slopes(offset, func(v *tensors.Tensor) float64 { return at(x, scale, v) }), 1e-8)
	sums := []float64{0, 0}
	for i, v := range flat(got[0]) {
		sums[i%2] += v
	}
	near(t, "sum of x's gradient over a channel", sums, []float64{0, 0}, 1e-12)
}

func TestBatchNormLeavesTrainableAlone(t *testing.T) {
	for _, trainable := range []bool{false, true} {
		exec, mean, variance := normalised(t, 0.9)
		mean.SetTrainable(trainable)
		variance.SetTrainable(trainable)
		run(t, exec, numbers(7, 3, 2, 2, 2), []float64{1, 1}, []float64{0, 0})
		if mean.Trainable != trainable || variance.Trainable != trainable {
			t.Errorf("trainable %v became %v and %v", trainable, mean.Trainable, variance.Trainable)
		}
	}
}

func TestBatchNormRefusesShapes(t *testing.T) {
	exec, mean, _ := normalised(t, 0.9)
	if _, err := exec.Call([]float64{1, 2}, []float64{1, 1}, []float64{0, 0}); err == nil || !strings.Contains(err.Error(), "gx: batch norm of x") {
		t.Errorf("a vector: error %v, want gx's", err)
	}
	if _, err := exec.Call(numbers(1, 2, 3), []float64{1, 1}, []float64{0, 0}); err == nil {
		t.Error("three channels with averages of two: no error")
	}
	near(t, "mean after errors", value(mean), []float64{0.5, -0.5}, 0)
}
