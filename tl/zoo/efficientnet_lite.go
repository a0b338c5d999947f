package zoo

// EfficientNet-Lite0: Mingxing Tan and Quoc V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML
// 2019, arXiv:1905.11946, in the variant for phones that the authors released in March 2020 (tensorflow/tpu, models/official/
// efficientnet/lite): no squeeze-and-excitation, ReLU6 instead of swish, so that the network can be quantised. 4,652,008 parameters,
// 75.1 % first class on ImageNet as published. Weights: the authors' checkpoint as a PyTorch file, Apache-2.0.

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets/fetch"
	"transferlab/tl"
	"transferlab/tl/count"
	"transferlab/tl/weights"
)

const (
	liteEpsilon       = 1e-3 // of every batch norm
	batchNormMomentum = 0.99 // of its running averages
)

// liteStages is table 1 of the paper: how often a block is repeated, its kernel, the stride of the first, the factor by which it
// widens its input inside, and its output channels.
var liteStages = []struct{ repeats, kernel, stride, expand, out int }{
	{1, 3, 1, 1, 16},
	{2, 3, 2, 6, 24},
	{2, 5, 2, 6, 40},
	{3, 3, 2, 6, 80},
	{3, 5, 1, 6, 112},
	{4, 5, 2, 6, 192},
	{1, 3, 1, 6, 320},
}

func efficientNetLite0() (Network, error) {
	n := Network{Name: "efficientnet_lite0", Size: 224, Mean: [3]float32{127, 127, 127}, Deviation: [3]float32{128, 128, 128},
		Classes: imagenet(), Weights: fetch.EfficientNetLite0}
	shape := []int{n.Size, n.Size, 3}
	put := func(b Block) error {
		b, err := b.counted(shape)
		if err != nil {
			return err
		}
		shape = b.Output
		n.Blocks = append(n.Blocks, b)
		return nil
	}
	if err := put(liteStem(32)); err != nil {
		return n, err
	}
	channels := 32
	for stage, s := range liteStages {
		for repeat := range s.repeats {
			if repeat > 0 {
				s.stride = 1
			}
			b := mbConv(channels, s.out, s.kernel, s.stride, s.expand)
			b.Name, b.Stage = fmt.Sprintf("mbconv%d", len(n.Blocks)), fmt.Sprintf("stage%d", stage+1)
			if err := put(b); err != nil {
				return n, err
			}
			channels = s.out
		}
	}
	top := liteTop(channels, 1280)
	top.Stage = fmt.Sprintf("stage%d", len(liteStages))
	if err := put(top); err != nil {
		return n, err
	}
	var err error
	if n.Classifier, err = denseBlock("classifier", 1280, len(n.Classes)); err != nil {
		return n, err
	}
	n.Load = func(ctx context.Context) (Weights, error) { return loadLite(ctx, n) }
	return n, nil
}

func liteStem(out int) Block {
	conv := newConvBN(convBN{conv: "conv", bn: "bn", kernel: 3, stride: 2, in: 3, out: out, epsilon: liteEpsilon, clipped: true})
	return Block{Name: "stem", Stage: "stem", Kernel: "3×3 /2", Layers: conv.layers, Variables: conv.variables, Forward: conv.forward}
}

// mbConv is the mobile inverted bottleneck (Sandler et al. 2018, MobileNetV2): widen with 1×1, filter each channel on its own,
// narrow with 1×1 without an activation, and add the input where the shapes allow it. Without expansion the first is left out.
func mbConv(in, out, kernel, stride, expand int) Block {
	wide := in * expand
	var convs []convBN
	if expand != 1 {
		convs = append(convs, newConvBN(convBN{conv: "expand", bn: "expand_bn", kernel: 1, stride: 1, in: in, out: wide,
			epsilon: liteEpsilon, clipped: true}))
	}
	convs = append(convs,
		newConvBN(convBN{conv: "depthwise", bn: "depthwise_bn", kernel: kernel, stride: stride, in: wide, out: wide, depthwise: true,
			epsilon: liteEpsilon, clipped: true}),
		newConvBN(convBN{conv: "project", bn: "project_bn", kernel: 1, stride: 1, in: wide, out: out, epsilon: liteEpsilon}))
	b := Block{Kernel: fmt.Sprintf("%d×%d", kernel, kernel)}
	if stride != 1 {
		b.Kernel += fmt.Sprintf(" /%d", stride)
	}
	for _, c := range convs {
		b.Layers, b.Variables = append(b.Layers, c.layers...), append(b.Variables, c.variables...)
	}
	residual := stride == 1 && in == out
	b.Forward = func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
		input := x
		for _, c := range convs {
			x = c.forward(scope, x, mode)
		}
		if residual {
			x = graph.Add(x, input)
		}
		return x
	}
	return b
}

func liteTop(in, out int) Block {
	conv := newConvBN(convBN{conv: "conv", bn: "bn", kernel: 1, stride: 1, in: in, out: out, epsilon: liteEpsilon, clipped: true})
	return Block{Name: "top", Kernel: "1×1", Layers: append(conv.layers, count.GlobalPool{}), Variables: conv.variables,
		Forward: func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
			return graph.ReduceMean(conv.forward(scope, x, mode), 1, 2)
		}}
}

func loadLite(ctx context.Context, n Network) (Weights, error) {
	dir, err := fetch.Unpacked(ctx, n.Weights, nil)
	if err != nil {
		return Weights{}, err
	}
	file := filepath.Join(dir, filepath.FromSlash(fetch.EfficientNetLite0Weights))
	state, err := weights.ReadPTH(file)
	if err != nil {
		return Weights{}, err
	}
	w, err := liteWeights(n, state)
	if err != nil {
		return Weights{}, fmt.Errorf("zoo: load %s: %w", file, err)
	}
	return w, nil
}

// liteWeights renames and turns the tensors of the PyTorch file.
func liteWeights(n Network, state weights.PTH) (Weights, error) {
	w := Weights{Tensors: map[string]tl.Tensor{}}
	for _, b := range n.All() {
		for _, v := range b.Variables {
			name := liteTorchName(b.Name, v.Name)
			t, found := state.Tensors[name]
			if !found {
				return w, fmt.Errorf("no tensor %s for %s/%s", name, b.Name, v.Name)
			}
			if v.Kernel {
				var err error
				if t, err = weights.FromTorch(t); err != nil {
					return w, fmt.Errorf("tensor %s: %w", name, err)
				}
			}
			w.Tensors[b.Name+"/"+v.Name] = t
		}
	}
	if err := n.Check(w); err != nil {
		return w, err
	}
	return w.summed(), nil
}

// liteTorchName is the PyTorch package's name of a variable.
func liteTorchName(block, variable string) string {
	kind := map[string]string{"kernel": "weight", "scale": "weight", "offset": "bias", "mean": "running_mean", "variance": "running_var",
		"bias": "bias"}
	layer, name := filepath.Split(variable)
	layer = layer[:len(layer)-1]
	var module string
	var number int
	if _, err := fmt.Sscanf(block, "mbconv%d", &number); err == nil {
		inside := map[string]string{"expand": "_expand_conv", "expand_bn": "_bn0", "depthwise": "_depthwise_conv", "depthwise_bn": "_bn1",
			"project": "_project_conv", "project_bn": "_bn2"}
		module = fmt.Sprintf("_blocks.%d.%s", number-1, inside[layer])
	} else {
		module = map[string]string{"stem/conv": "_conv_stem", "stem/bn": "_bn0", "top/conv": "_conv_head", "top/bn": "_bn1",
			"classifier/dense": "_fc"}[block+"/"+layer]
	}
	return module + "." + kind[name]
}
