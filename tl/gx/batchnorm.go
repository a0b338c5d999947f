package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// BatchNorm normalises x [n, h, w, c], or [n, c], with the mean and variance of this batch (Ioffe & Szegedy 2015) and moves the running averages:
// average ← momentum·average + (1 − momentum)·batch. Gradients flow through mean and variance, as in PyTorch and Keras; GoMLX's
// own layer stops them there, and marks scale and offset trainable whenever a graph is built, which undoes a freeze.
//
// scale and offset are [c]; mean and variance are variables [c] whose Trainable is left alone. The running variance is moved by the
// biased variance, as in TensorFlow; PyTorch takes n/(n−1) times as much.
func BatchNorm(x, scale, offset *Node, mean, variance *model.Variable, epsilon, momentum float64) *Node {
	if x.Rank() < 2 {
		exceptions.Panicf("gx: batch norm of x %s: want a batch with channels last", x.Shape())
	}
	g, c := x.Graph(), x.Shape().Dimensions[x.Rank()-1]
	axes := make([]int, x.Rank()-1)
	wide := make([]int, x.Rank())
	for i := range axes {
		axes[i], wide[i] = i, 1
	}
	wide[len(wide)-1] = c
	batchMean := ReduceMean(x, axes...)
	centred := Sub(x, Reshape(batchMean, wide...))
	batchVariance := ReduceMean(Square(centred), axes...)
	move := func(average *model.Variable, batch *Node) {
		average.SetNodeValue(Add(MulScalar(average.NodeValue(g), momentum), MulScalar(StopGradient(batch), 1-momentum)))
	}
	move(mean, batchMean)
	move(variance, batchVariance)
	factor := Div(scale, Sqrt(AddScalar(batchVariance, epsilon))) // Rsqrt has no gradient in GoMLX v0.28.2
	return Add(Mul(centred, Reshape(factor, wide...)), Reshape(offset, wide...))
}
