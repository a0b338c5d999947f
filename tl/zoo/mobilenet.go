package zoo

// MobileNetV2: Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov and Liang-Chieh Chen, "MobileNetV2: Inverted Residuals and Linear
// Bottlenecks", CVPR 2018, arXiv:1801.04381, as torchvision has it: padding on both sides. 71.878 % first class on ImageNet as torchvision
// states for its first weights. Keras's network pads as TensorFlow and has another epsilon: its weights belong to another network.

import (
	"fmt"
	"strings"

	"transferlab/tl/count"
)

func mobileNetV2() (Network, error) {
	n := Network{Name: "mobilenet_v2", Preprocessing: torchPixels, Classes: imagenet(), style: torchStyle}
	stage := 0
	for _, part := range count.MobileNetV2(0).Layers {
		switch part := part.(type) {
		case count.Block:
			if strings.HasPrefix(part.Name, "mbconv") { // without a shortcut: the first of its stage
				stage++
			}
			n.add(part.Name, mobileStage(part.Name, stage), part.Layers...)
		case count.Parallel:
			name := part.Name
			part.Name = "sum" // not the block's name twice in the paths of its variables
			n.add(name, mobileStage(name, stage), part)
		}
	}
	n.namings = []naming{
		{by: "torchvision", name: mobileTorchName, turned: true},
		{by: "timm", name: n.mobileTimmNames("mbconv", "features"), turned: true},
	}
	n.published = []published{
		{file: "mobilenet_v2-b0353104.pth", by: "torchvision", what: "MobileNet_V2_Weights.IMAGENET1K_V1", hub: "timm/mobilenetv2_100.ra_in1k"},
		{file: "mobilenet_v2-7ebf99e0.pth", by: "torchvision", what: "MobileNet_V2_Weights.IMAGENET1K_V2"},
	}
	return n.pooled()
}

func mobileStage(block string, stage int) string {
	if block == "stem" {
		return "stem"
	}
	return fmt.Sprintf("stage%d", stage)
}

// mobileTorchName is torchvision's name: features.0 is the stem, features.1 the block without expansion, features.18 the last convolution.
func mobileTorchName(block, variable string) string {
	layer, kind := splitLast(variable)
	layer = layer[strings.LastIndex(layer, "/")+1:] // inside a shortcut's path
	number := 0
	switch {
	case block == "classifier":
		return "classifier.1." + torchKind(kind)
	case block == "stem":
		return "features.0." + map[string]string{"conv": "0", "bn": "1"}[layer] + "." + torchKind(kind)
	case block == "features":
		return "features.18." + map[string]string{"conv": "0", "bn": "1"}[layer] + "." + torchKind(kind)
	}
	fmt.Sscanf(block, "mbconv%d", &number)
	place := map[string]string{"expand": "0.0", "expand_bn": "0.1", "depthwise": "1.0", "depthwise_bn": "1.1", "project": "2", "project_bn": "3"}[layer]
	if number == 1 {
		place = map[string]string{"depthwise": "0.0", "depthwise_bn": "0.1", "project": "1", "project_bn": "2"}[layer]
	}
	return fmt.Sprintf("features.%d.conv.%s.%s", number, place, torchKind(kind))
}

// mobileTimmNames are timm's names for MobileNetV2 and EfficientNet-Lite: blocks.STAGE.NUMBER, both from 0. prefix is what the blocks are called here,
// top the last convolution's block.
func (n Network) mobileTimmNames(prefix, top string) func(block, variable string) string {
	place, stage, inStage := map[string]string{}, -1, 0
	last := ""
	for _, b := range n.Blocks {
		if !strings.HasPrefix(b.Name, prefix) {
			continue
		}
		if b.Stage != last {
			last, inStage = b.Stage, 0
			stage++
		}
		place[b.Name] = fmt.Sprintf("blocks.%d.%d", stage, inStage)
		inStage++
	}
	return func(block, variable string) string {
		layer, kind := splitLast(variable)
		layer = layer[strings.LastIndex(layer, "/")+1:]
		at := map[string]string{"expand": "conv_pw", "expand_bn": "bn1", "depthwise": "conv_dw", "depthwise_bn": "bn2", "project": "conv_pwl", "project_bn": "bn3"}[layer]
		switch {
		case block == "classifier":
			return "classifier." + torchKind(kind)
		case block == "stem":
			return map[string]string{"conv": "conv_stem", "bn": "bn1"}[layer] + "." + torchKind(kind)
		case block == top:
			return map[string]string{"conv": "conv_head", "bn": "bn2"}[layer] + "." + torchKind(kind)
		case block == prefix+"1": // without expansion
			at = map[string]string{"depthwise": "conv_dw", "depthwise_bn": "bn1", "project": "conv_pw", "project_bn": "bn2"}[layer]
		}
		return place[block] + "." + at + "." + torchKind(kind)
	}
}
