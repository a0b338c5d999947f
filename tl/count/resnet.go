package count

import (
	"fmt"
	"slices"
)

// ResNet: He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, table 1. Each block computes what
// is to be added to its input. Where a block halves the image or widens the channels, its shortcut does so with a 1×1 convolution.

// ResNet18 has two 3×3 convolutions a block: 11,689,512 parameters for 1,000 classes; classes 0 is without top.
func ResNet18(classes int) Architecture {
	a := resNet("resnet18", []int{2, 2, 2, 2}, 1, classes, func(channels, stride int) []Layer {
		return slices.Concat(
			convNorm(torchConv("conv1", channels, 3, stride), BatchNorm{Name: "bn1"}, "relu"),
			convNorm(torchConv("conv2", channels, 3, 1), BatchNorm{Name: "bn2"}, ""))
	})
	a.Published = []Published{
		{By: "torchvision", Params: 11_689_512, MACs: 1.814e9, Note: "giga-operations of the weights"},
		{By: "He et al. 2015, table 1", MACs: 1.8e9, Note: "multiply-adds"},
	}
	return a
}

// ResNet50 narrows, filters and widens by 4 in a block: 25,557,032 parameters for 1,000 classes; classes 0 is without top. It is the
// variant that PyTorch has made common (1.5), in which the 3×3 convolution has the stride; in the paper, and in Keras's ResNet50, the first 1×1
// has it, which costs 6 % less. Keras's also has biases before its batch norms: 25,636,712 with the averages.
func ResNet50(classes int) Architecture {
	a := resNet("resnet50", []int{3, 4, 6, 3}, 4, classes, func(channels, stride int) []Layer {
		return slices.Concat(
			convNorm(torchConv("conv1", channels, 1, 1), BatchNorm{Name: "bn1"}, "relu"),
			convNorm(torchConv("conv2", channels, 3, stride), BatchNorm{Name: "bn2"}, "relu"),
			convNorm(torchConv("conv3", 4*channels, 1, 1), BatchNorm{Name: "bn3"}, ""))
	})
	a.Published = []Published{
		{By: "torchvision", Params: 25_557_032, MACs: 4.089e9, Note: "giga-operations of the weights"},
		{By: "He et al. 2015, table 1", MACs: 3.8e9, Note: "multiply-adds, with the stride in the first 1×1 convolution"},
	}
	return a
}

// resNet puts the stages together; body is what a block computes beside its shortcut.
func resNet(name string, repeats []int, widening, classes int, body func(channels, stride int) []Layer) Architecture {
	a := Architecture{Name: name, Input: []int{224, 224, 3}, Paper: "He et al. 2015, arXiv:1512.03385"}
	a.Layers = []Layer{Block{Name: "stem", Layers: append(convNorm(torchConv("conv", 64, 7, 2), BatchNorm{}, "relu"),
		Pool{Size: 3, Stride: 2, Padding: Explicit, Border: Around(1)})}}
	in := 64
	for stage, n := range repeats {
		layer := Block{Name: fmt.Sprintf("layer%d", stage+1)}
		channels := 64 << stage
		for i := range n {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			var shortcut []Layer
			if stride != 1 || in != widening*channels {
				shortcut = convNorm(torchConv("conv", widening*channels, 1, stride), BatchNorm{}, "")
			}
			in = widening * channels
			layer.Layers = append(layer.Layers, Block{Name: fmt.Sprintf("block%d", i+1), Layers: []Layer{
				Residual("sum", body(channels, stride), shortcut...), Activation{Name: "relu"}}})
		}
		a.Layers = append(a.Layers, layer)
	}
	a.Layers = append(a.Layers, pooledTop(classes, 0)...)
	return a
}
