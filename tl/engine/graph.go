package engine

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/zoo"
)

const headBlock = "head"

// input prepares what enters block n: decoded images, uint8 in 0…255, are normalised with the mean and deviation that belong to the weights.
func (b *base) input(x *graph.Node, n int) *graph.Node {
	if n > 0 {
		return x
	}
	return b.Input(x)
}

// outputShape is the shape of one row behind the first n blocks.
func (b *base) outputShape(n int) []int {
	if n == 0 {
		return []int{b.Size, b.Size, 3}
	}
	return b.Blocks[n-1].Output
}

// headForward is the head: representation [n, channels] → logits [n, classes].
func headForward(scope *model.Scope, layers []tl.Layer, x *graph.Node, training bool) *graph.Node {
	scope = scope.At(headBlock)
	for i, layer := range layers {
		switch layer.Kind {
		case "dense":
			inside := scope.At("dense%d", i)
			inputs := x.Shape().Dimensions[1]
			kernel := inside.VariableWithShape("kernel", shapes.Make(dtypes.Float32, inputs, layer.Units))
			bias := inside.VariableWithShape("bias", shapes.Make(dtypes.Float32, layer.Units))
			x = graph.Add(graph.Dot(x, kernel.NodeValue(x)).Product(), graph.Reshape(bias.NodeValue(x), 1, layer.Units))
		case "relu":
			x = graph.Max(x, graph.ZerosLike(x))
		case "dropout":
			if training && layer.Rate > 0 {
				g := x.Graph()
				kept := graph.Const(g, float32(1-layer.Rate))
				x = graph.Div(graph.Mul(x, scope.RandomBernoulli(kept, x.Shape())), kept)
			}
		}
	}
	return x
}

// newHead makes the head's first weights for inputs channels and says how many logits it gives.
func newHead(layers []tl.Layer, inputs int, seed int64) (values map[string]*value, logits int, err error) {
	values = map[string]*value{}
	random := rand.New(rand.NewPCG(uint64(seed), 0x68656164))
	for i, layer := range layers {
		switch layer.Kind {
		case "dense":
			if layer.Units < 1 || layer.Units > 1<<20 {
				return nil, 0, fmt.Errorf("head layer %d: tl.Dense(%d): the number of units is between 1 and %d", i, layer.Units, 1<<20)
			}
			bound := math.Sqrt(6 / float64(inputs+layer.Units))
			kernel := make([]float32, inputs*layer.Units)
			for j := range kernel {
				kernel[j] = float32((2*random.Float64() - 1) * bound)
			}
			path := fmt.Sprintf("/%s/dense%d/", headBlock, i)
			values[path+"kernel"] = newValue([]int{inputs, layer.Units}, kernel)
			values[path+"bias"] = newValue([]int{layer.Units}, make([]float32, layer.Units))
			inputs = layer.Units
		case "relu":
		case "dropout":
			if !(layer.Rate >= 0 && layer.Rate < 1) {
				return nil, 0, fmt.Errorf("head layer %d: tl.Dropout(%g): the rate is in [0, 1)", i, layer.Rate)
			}
		default:
			return nil, 0, fmt.Errorf("head layer %d: no such kind %q (have dense, relu, dropout)", i, layer.Kind)
		}
	}
	if len(layers) == 0 || layers[len(layers)-1].Kind != "dense" {
		return nil, 0, fmt.Errorf("a head ends in tl.Dense(classes), which gives the logits")
	}
	return values, inputs, nil
}

// suffix runs the blocks from the cut on and then the head. mode tells how each block's batch norm works.
func (b *base) suffix(scope *model.Scope, head []tl.Layer, x *graph.Node, from int, training bool, mode func(block string) zoo.Mode) *graph.Node {
	x = b.input(x, from)
	for _, block := range b.Blocks[from:] {
		x = block.Forward(scope.At("%s", block.Name), x, mode(block.Name))
	}
	return headForward(scope, head, x, training)
}
