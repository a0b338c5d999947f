package zoo

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl/count"
	"transferlab/tl/gx"
)

// convolution is a convolution of any window and its variables.
type convolution struct {
	count.Conv
	at     string // path of its variables in the block
	kernel []int
	groups int
}

func (b *builder) conv(l count.Conv, row count.Row, path string) convolution {
	c := convolution{Conv: l, kernel: row.Tensors[0].Shape, groups: max(l.Groups, 1)}
	if l.Depthwise {
		c.groups = row.Input[2]
	}
	c.at = b.named(row, path)
	return c
}

func (c convolution) out() int { return c.kernel[3] }

// weights are the kernel and, where it has one, the bias.
func (c convolution) weights(scope *model.Scope, g *graph.Graph) (kernel, bias *graph.Node) {
	kernel = variable(scope, c.at+"/kernel", c.kernel...).NodeValue(g)
	if !c.NoBias {
		bias = variable(scope, c.at+"/bias", c.out()).NodeValue(g)
	}
	return kernel, bias
}

func (c convolution) convolve(x, kernel *graph.Node) *graph.Node {
	return gx.ConvWindow(x, kernel, windowOf(x, c.Padding, c.Border, c.kernel[0], c.kernel[1], max(c.Stride, 1)), c.groups)
}

// plain is the convolution without a batch norm behind it.
func (c convolution) plain(scope *model.Scope, x *graph.Node) *graph.Node {
	kernel, bias := c.weights(scope, x.Graph())
	x = c.convolve(x, kernel)
	if bias != nil {
		x = graph.Add(x, perChannel(bias, 4))
	}
	return x
}

// norm is a batch norm and its variables.
type norm struct {
	at                string
	channels          int
	scaled            bool
	epsilon, momentum float64
}

func (b *builder) norm(l count.BatchNorm, epsilon float64, row count.Row, path string) norm {
	return norm{at: b.named(row, path), channels: row.Output[len(row.Output)-1], scaled: !l.NoScale, epsilon: epsilon, momentum: b.momentum}
}

// weights are the scale, ones where the norm has none, and the offset.
func (n norm) weights(scope *model.Scope, g *graph.Graph) (scale, offset *graph.Node) {
	offset = variable(scope, n.at+"/offset", n.channels).NodeValue(g)
	if n.scaled {
		return variable(scope, n.at+"/scale", n.channels).NodeValue(g), offset
	}
	return graph.OnesLike(offset), offset
}

// folded is the norm by its averages as a factor and a bias for each channel. The averages get no gradient, scale and offset do.
func (n norm) folded(scope *model.Scope, g *graph.Graph) (factor, bias *graph.Node) {
	scale, offset := n.weights(scope, g)
	mean, variance := variable(scope, n.at+"/mean", n.channels).NodeValue(g), variable(scope, n.at+"/variance", n.channels).NodeValue(g)
	factor = graph.Mul(scale, graph.Rsqrt(graph.AddScalar(variance, n.epsilon)))
	return factor, graph.Sub(offset, graph.Mul(mean, factor))
}

// batch is the norm by the batch's own statistics; it moves the averages.
func (n norm) batch(scope *model.Scope, x *graph.Node) *graph.Node {
	scale, offset := n.weights(scope, x.Graph())
	return gx.BatchNorm(x, scale, offset, variable(scope, n.at+"/mean", n.channels), variable(scope, n.at+"/variance", n.channels), n.epsilon, n.momentum)
}

func (n norm) forward(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
	if mode.BatchNorm == Batch {
		return n.batch(scope, x)
	}
	factor, bias := n.folded(scope, x.Graph())
	return graph.Add(graph.Mul(x, perChannel(factor, x.Rank())), perChannel(bias, x.Rank()))
}

// convNorm is a convolution and the batch norm behind it, which folds into its kernel where the averages are used.
func (b *builder) convNorm(l count.Conv, bn count.BatchNorm, epsilon float64, convRow, normRow count.Row, path string) step {
	b.flattened = nil
	c := b.conv(l, convRow, path)
	n := b.norm(bn, epsilon, normRow, path)
	return func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
		if mode.BatchNorm == Batch {
			return n.batch(scope, c.plain(scope, x))
		}
		kernel, own := c.weights(scope, x.Graph())
		factor, bias := n.folded(scope, x.Graph())
		if own != nil {
			bias = graph.Add(bias, graph.Mul(own, factor))
		}
		return graph.Add(c.convolve(x, graph.Mul(kernel, perChannel(factor, 4))), perChannel(bias, 4))
	}
}

// perChannel shapes [c] so that it meets the last of rank axes.
func perChannel(v *graph.Node, rank int) *graph.Node {
	wide := make([]int, rank)
	for i := range wide {
		wide[i] = 1
	}
	wide[rank-1] = v.Shape().Dimensions[0]
	return graph.Reshape(v, wide...)
}
