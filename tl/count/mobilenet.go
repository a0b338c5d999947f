package count

import (
	"fmt"
	"math"
	"slices"
)

// inverted is a row of the tables of MobileNetV2 and EfficientNet: so many blocks that widen by expand, filter each channel on its own with
// kernel × kernel, and narrow to out channels; the first of them has the stride.
type inverted struct{ expand, out, repeats, stride, kernel int }

// MobileNetV2 is Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, arXiv:1801.04381, table 2: 3,504,872
// parameters for 1,000 classes; classes 0 is without top. Keras adds 34,112 averages and says 3,538,984.
func MobileNetV2(classes int) Architecture {
	a := Architecture{Name: "mobilenet_v2", Input: []int{224, 224, 3}, Paper: "Sandler et al. 2018, arXiv:1801.04381", Published: []Published{
		{By: "torchvision", Params: 3_504_872, MACs: 0.301e9, Note: "giga-operations of the weights"},
		{By: "Sandler et al. 2018, table 4", Params: 3.4e6, MACs: 0.3e9, Note: "multiply-adds; the layers of its table 2 have 3 % more parameters than it says"},
		{By: "Keras", Params: 3_538_984, Note: "with the averages of batch norm"},
	}}
	stages := []inverted{{1, 16, 1, 1, 3}, {6, 24, 2, 2, 3}, {6, 32, 3, 2, 3}, {6, 64, 4, 2, 3}, {6, 96, 3, 1, 3}, {6, 160, 3, 2, 3}, {6, 320, 1, 1, 3}}
	a.Layers = invertedNetwork(32, stages, 1280, torchConv)
	a.Layers = append(a.Layers, pooledTop(classes, 0.2)...)
	return a
}

// EfficientNetLite is one of the five networks for phones that Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
// Networks", 2019, arXiv:1905.11946, led to in 2020: without squeeze-and-excitation, with relu6, stem and head not scaled. Size 0 has
// 4,652,008 parameters for 1,000 classes, 1 has 5,416,680, 2 has 6,092,072; classes 0 is without top. Another size
// than 0 to 4 is an error when it is counted.
func EfficientNetLite(size, classes int) Architecture {
	if size < 0 || size > 4 {
		return Architecture{Name: fmt.Sprintf("efficientnet_lite%d", size), Input: []int{224, 224, 3}, Layers: []Layer{none("have EfficientNet-Lite 0 to 4")}}
	}
	scale := []struct {
		width, depth float64
		side         int
		dropout      float64
		params, macs float64
	}{{1, 1, 224, 0.2, 4.7e6, 407e6}, {1, 1.1, 240, 0.2, 5.4e6, 631e6}, {1.1, 1.2, 260, 0.3, 6.1e6, 899e6}, {1.2, 1.4, 280, 0.3, 8.2e6, 1.44e9},
		{1.4, 1.8, 300, 0.3, 13.0e6, 2.64e9}}[size]
	a := Architecture{Name: fmt.Sprintf("efficientnet_lite%d", size), Input: []int{scale.side, scale.side, 3},
		Paper:     "Tan & Le 2019, arXiv:1905.11946; tensorflow/tpu, models/official/efficientnet/lite, 2020",
		Published: []Published{{By: "the authors' table", Params: scale.params, MACs: scale.macs, Note: "with about three more for each number that a batch norm writes"}}}
	stages := []inverted{{1, 16, 1, 1, 3}, {6, 24, 2, 2, 3}, {6, 40, 2, 2, 5}, {6, 80, 3, 2, 3}, {6, 112, 3, 1, 5}, {6, 192, 4, 2, 5}, {6, 320, 1, 1, 3}}
	for i := range stages {
		stages[i].out = scaledChannels(stages[i].out, scale.width)
		if i > 0 && i < len(stages)-1 {
			stages[i].repeats = int(math.Ceil(scale.depth * float64(stages[i].repeats)))
		}
	}
	a.Layers = invertedNetwork(32, stages, 1280, func(name string, filters, kernel, stride int) Conv {
		return Conv{Name: name, Filters: filters, Kernel: kernel, Stride: stride} // pads as TensorFlow
	})
	a.Layers = append(a.Layers, pooledTop(classes, scale.dropout)...)
	return a
}

// none is the layer of a network that there is not.
type none string

// Count says what there is.
func (n none) Count([]int) (Row, error) { return Row{}, fmt.Errorf("no such network (%s)", string(n)) }

// scaledChannels multiplies and rounds to eights, never down by more than a tenth.
func scaledChannels(channels int, width float64) int {
	wide := float64(channels) * width
	rounded := max(8, int(wide+4)/8*8)
	if float64(rounded) < 0.9*wide {
		rounded += 8
	}
	return rounded
}

// invertedNetwork is a stem, stages of inverted residuals and a 1×1 convolution to the representation.
func invertedNetwork(stem int, stages []inverted, features int, conv func(name string, filters, kernel, stride int) Conv) []Layer {
	layers := []Layer{Block{Name: "stem", Layers: convNorm(conv("conv", stem, 3, 2), BatchNorm{}, "relu6")}}
	in := stem
	for _, s := range stages {
		for repeat := range s.repeats {
			if repeat > 0 {
				s.stride = 1
			}
			name := fmt.Sprintf("mbconv%d", len(layers))
			body := invertedBlock(in, s, conv)
			if s.stride == 1 && in == s.out {
				layers = append(layers, Residual(name, body))
			} else {
				layers = append(layers, Block{Name: name, Layers: body})
			}
			in = s.out
		}
	}
	return append(layers, Block{Name: "features", Layers: convNorm(conv("conv", features, 1, 1), BatchNorm{}, "relu6")})
}

func invertedBlock(in int, s inverted, conv func(name string, filters, kernel, stride int) Conv) []Layer {
	var expand []Layer
	if s.expand != 1 {
		expand = convNorm(conv("expand", s.expand*in, 1, 1), BatchNorm{Name: "expand_bn"}, "relu6")
	}
	each := conv("depthwise", 0, s.kernel, s.stride)
	each.Depthwise = true
	return slices.Concat(expand, convNorm(each, BatchNorm{Name: "depthwise_bn"}, "relu6"),
		convNorm(conv("project", s.out, 1, 1), BatchNorm{Name: "project_bn"}, ""))
}
