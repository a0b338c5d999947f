package zoo

import (
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl/count"
	"transferlab/tl/gx"
)

// convBN is a convolution without bias and the batch norm behind it, which is what folds.
type convBN struct {
	conv, bn         string // the names of the two layers, scopes of their variables
	kernel, stride   int
	in, out          int
	depthwise        bool
	epsilon          float64
	clipped          bool // relu6 behind it
	layers           []count.Layer
	variables        []Variable
	kernelDimensions []int
}

func newConvBN(c convBN) convBN {
	c.kernelDimensions = []int{c.kernel, c.kernel, c.in, c.out}
	layer := count.Conv{Name: c.conv, Filters: c.out, Kernel: c.kernel, Stride: c.stride, NoBias: true}
	if c.depthwise {
		c.kernelDimensions[2] = 1
		layer.Filters, layer.Depthwise = 0, true
	}
	c.layers = []count.Layer{layer, count.BatchNorm{Name: c.bn}}
	channels := []int{c.out}
	c.variables = []Variable{
		{Name: c.conv + "/kernel", Shape: c.kernelDimensions, Kernel: true},
		{Name: c.bn + "/scale", Shape: channels},
		{Name: c.bn + "/offset", Shape: channels},
		{Name: c.bn + "/mean", Shape: channels, Buffer: true},
		{Name: c.bn + "/variance", Shape: channels, Buffer: true},
	}
	return c
}

func (c convBN) forward(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
	g := x.Graph()
	kernel := variable(scope, c.conv+"/kernel", c.kernelDimensions...).NodeValue(g)
	scale := variable(scope, c.bn+"/scale", c.out).NodeValue(g)
	offset := variable(scope, c.bn+"/offset", c.out).NodeValue(g)
	mean := variable(scope, c.bn+"/mean", c.out)
	variance := variable(scope, c.bn+"/variance", c.out)
	if mode.BatchNorm == Batch {
		x = c.convolve(x, kernel)
		x = gx.BatchNorm(x, scale, offset, mean, variance, c.epsilon, batchNormMomentum)
	} else {
		factor := graph.Mul(scale, graph.Rsqrt(graph.AddScalar(variance.NodeValue(g), c.epsilon)))
		bias := graph.Sub(offset, graph.Mul(mean.NodeValue(g), factor))
		x = c.convolve(x, graph.Mul(kernel, graph.Reshape(factor, 1, 1, 1, c.out)))
		x = graph.Add(x, graph.Reshape(bias, 1, 1, 1, c.out))
	}
	if c.clipped {
		x = relu6(x)
	}
	return x
}

func (c convBN) convolve(x, kernel *graph.Node) *graph.Node {
	if c.depthwise {
		return gx.Depthwise(x, kernel, c.stride)
	}
	return gx.Conv(x, kernel, c.stride)
}

// variable finds a block's variable by its path, or makes it.
func variable(scope *model.Scope, path string, dimensions ...int) *model.Variable {
	parts := strings.Split(path, "/")
	for _, part := range parts[:len(parts)-1] {
		scope = scope.At("%s", part)
	}
	return scope.VariableWithShape(parts[len(parts)-1], shapes.Make(dtypes.Float32, dimensions...))
}

// relu6 is min(max(x, 0), 6) (Krizhevsky 2010).
func relu6(x *graph.Node) *graph.Node { return graph.ClipScalar(x, 0, 6) }

// denseBlock is a classifier on a representation: logits.
func denseBlock(name string, in, out int) (Block, error) {
	b := Block{
		Name: name, Stage: name,
		Layers: []count.Layer{count.Dense{Name: "dense", Units: out}},
		Variables: []Variable{
			{Name: "dense/kernel", Shape: []int{in, out}, Kernel: true},
			{Name: "dense/bias", Shape: []int{out}},
		},
		Forward: func(scope *model.Scope, x *graph.Node, _ Mode) *graph.Node {
			g := x.Graph()
			kernel := variable(scope, "dense/kernel", in, out).NodeValue(g)
			bias := variable(scope, "dense/bias", out).NodeValue(g)
			return graph.Add(graph.Dot(x, kernel).Product(), graph.Reshape(bias, 1, out))
		},
	}
	return b.counted([]int{in})
}
