package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/support/exceptions"
)

// CrossEntropy is the loss of a batch: Σᵢ wᵢ·(−Σ target·log softmax(logitsᵢ)) / Σᵢ mᵢ, and the number of rows whose largest logit is their
// label's, Σᵢ mᵢ·[right]. logits [n, classes]; labels [n] int32; mask [n] is m: 1 for a row and 0 for one that only fills the batch, so that the
// last, smaller batch has the shape of the others; weights [n] is w, the weight of the row's class: the sum is divided by the
// rows and not by their weights, as in Keras (PyTorch divides by the weights). smoothing, a scalar in [0, 1), is the share of the target that is
// spread over all classes (Szegedy et al. 2016, section 7).
func CrossEntropy(logits, labels, mask, weights, smoothing *Node) (loss, right *Node) {
	if logits.Rank() != 2 || labels.Rank() != 1 || mask.Rank() != 1 || weights.Rank() != 1 || smoothing.Rank() != 0 {
		exceptions.Panicf("gx: cross-entropy of logits %s, labels %s, mask %s, weights %s, smoothing %s: want [n, classes], three times [n], and a scalar",
			logits.Shape(), labels.Shape(), mask.Shape(), weights.Shape(), smoothing.Shape())
	}
	n, classes := logits.Shape().Dimensions[0], logits.Shape().Dimensions[1]
	target := OneHot(labels, classes, logits.DType())
	smooth := BroadcastToDims(Reshape(smoothing, 1, 1), n, classes)
	target = Add(Mul(target, OneMinus(smooth)), DivScalar(smooth, float64(classes)))
	each := Neg(ReduceSum(Mul(target, LogSoftmax(logits, -1)), -1))
	loss = Div(ReduceAllSum(Mul(each, Mul(mask, weights))), ReduceAllSum(mask))
	hit := Equal(ArgMax(logits, -1, labels.DType()), labels)
	return loss, ReduceAllSum(Mul(ConvertDType(hit, mask.DType()), mask))
}
