package zoo

// ResNet: Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385.
// The variants are torchvision's: in ResNet-50 the 3×3 convolution of a block has the stride, not the first 1×1 ("version 1.5", which
// Goyal et al. 2017, arXiv:1706.02677, use), and padding stands on both sides. 69.758 % and 76.130 % first class on ImageNet as torchvision
// states for its first weights.

import (
	"fmt"
	"strings"

	"transferlab/tl/count"
)

// torchPixels is what torchvision's networks see: the shorter side 256, the middle 224, with ImageNet's mean and deviation.
var torchPixels = Preprocessing{Size: 224, Crop: 224.0 / 256,
	Mean: [3]float32{0.485 * 255, 0.456 * 255, 0.406 * 255}, Deviation: [3]float32{0.229 * 255, 0.224 * 255, 0.225 * 255}}

// resNet makes blocks of an architecture without top: the stem, and each residual block under PyTorch's name, "layer3.0".
func resNet(a count.Architecture) (Network, error) {
	n := Network{Name: a.Name, Preprocessing: torchPixels, Classes: imagenet(), style: torchStyle}
	for _, part := range a.Layers {
		outer, ok := part.(count.Block)
		if !ok {
			return n, fmt.Errorf("zoo: %s: a part that is no block", a.Name)
		}
		if outer.Name == "stem" {
			n.add(outer.Name, outer.Name, outer.Layers...)
			continue
		}
		for i, layer := range outer.Layers {
			n.add(fmt.Sprintf("%s.%d", outer.Name, i), outer.Name, layer.(count.Block).Layers...)
		}
	}
	n.namings = []naming{{by: "torchvision", name: resNetTorchName, turned: true}}
	n.published = map[string][]published{
		"resnet18": {{file: "resnet18-f37072fd.pth", by: "torchvision", what: "ResNet18_Weights.IMAGENET1K_V1", hub: "timm/resnet18.tv_in1k"}},
		"resnet50": {
			{file: "resnet50-0676ba61.pth", by: "torchvision", what: "ResNet50_Weights.IMAGENET1K_V1", hub: "timm/resnet50.tv_in1k"},
			{file: "resnet50-11ad3fa6.pth", by: "torchvision", what: "ResNet50_Weights.IMAGENET1K_V2", hub: "timm/resnet50.tv2_in1k"},
		},
	}[a.Name]
	return n.pooled()
}

// resNetTorchName is torchvision's, and timm's, name of a variable.
func resNetTorchName(block, variable string) string {
	layer, kind := splitLast(variable)
	switch {
	case block == "stem":
		return map[string]string{"conv": "conv1", "bn": "bn1"}[layer] + "." + torchKind(kind)
	case block == "classifier":
		return "fc." + torchKind(kind)
	case strings.HasPrefix(layer, "sum/shortcut/"):
		return block + ".downsample." + map[string]string{"conv": "0", "bn": "1"}[layer[len("sum/shortcut/"):]] + "." + torchKind(kind)
	}
	return block + "." + strings.TrimPrefix(layer, "sum/residual/") + "." + torchKind(kind)
}
