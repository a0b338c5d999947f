package gx

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// Three rows and one that only fills the batch, of three classes.
var (
	someLogits = [][]float64{{2, 0, -1}, {0.5, 1.5, 0}, {0, 0, 0}, {9, 9, 9}}
	someLabels = []int32{0, 0, 2, 1}
	someMask   = []float64{1, 1, 1, 0}
)

func crossEntropyOf(t *testing.T, weights []float64, smoothing float64) (loss, right float64) {
	t.Helper()
	out := call(t, func(in []*Node) []*Node {
		loss, right := CrossEntropy(in[0], in[1], in[2], in[3], in[4])
		return []*Node{loss, right}
	}, someLogits, someLabels, someMask, weights, smoothing)
	return out[0][0], out[1][0]
}

// logShare is log softmax, the slow way.
func logShare(logits []float64, class int) float64 {
	sum := 0.0
	for _, z := range logits {
		sum += math.Exp(z)
	}
	return logits[class] - math.Log(sum)
}

func TestCrossEntropy(t *testing.T) {
	ones := []float64{1, 1, 1, 1}
	loss, right := crossEntropyOf(t, ones, 0)
	want := -(logShare(someLogits[0], 0) + logShare(someLogits[1], 0) + logShare(someLogits[2], 2)) / 3
	near(t, "loss, right", []float64{loss, right}, []float64{want, 1}, 1e-12) // row 0; of row 2's equal logits the first counts

	// Smoothed by 0.3, the target of class 0 of three is (0.8, 0.1, 0.1), as CategoricalCrossentropy(label_smoothing=0.3).
	loss, _ = crossEntropyOf(t, ones, 0.3)
	want = 0
	for i, label := range someLabels[:3] {
		for class := range 3 {
			target := 0.1
			if class == int(label) {
				target = 0.8
			}
			want -= target * logShare(someLogits[i], class) / 3
		}
	}
	near(t, "smoothed", []float64{loss}, []float64{want}, 1e-12)

	// Class weights 2, 1, 0.5: the sum of weighted losses over the number of rows, as Keras; PyTorch would divide by 4.5.
	loss, right = crossEntropyOf(t, []float64{2, 2, 0.5, 1}, 0)
	want = -(2*logShare(someLogits[0], 0) + 2*logShare(someLogits[1], 0) + 0.5*logShare(someLogits[2], 2)) / 3
	near(t, "weighted, and right without weights", []float64{loss, right}, []float64{want, 1}, 1e-12)
}

// A row that fills the batch has no gradient either.
func TestCrossEntropyOfAFilledBatchHasItsRowsGradient(t *testing.T) {
	gradient := func(rows int) []float64 {
		return call(t, func(in []*Node) []*Node {
			loss, _ := CrossEntropy(in[0], in[1], in[2], in[2], Scalar(in[0].Graph(), in[0].DType(), 0.1))
			return Gradient(loss, in[0])
		}, someLogits[:rows], someLabels[:rows], someMask[:rows])[0]
	}
	near(t, "gradient of the logits", gradient(4), append(gradient(3), 0, 0, 0), 1e-15)
}
