package zoo

// VGG16: Karen Simonyan and Andrew Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
// arXiv:1409.1556, configuration D. 71.592 % first class on ImageNet as torchvision states for its weights, 71.3 % as Keras for the authors'.

import (
	"fmt"

	"transferlab/tl/count"
)

// vgg16 is the network up to its last hidden layer, 4,096 numbers, as the lecture counts it: with a head for two classes it has 134,268,738
// parameters. Without top it ends in the mean of its 512 last channels, which is what Keras's include_top=False with pooling="avg" gives:
// 14,714,688 parameters, a ninth of the memory, and the better base where data is small.
func vgg16(top bool) (Network, error) {
	n := Network{Name: "vgg16_notop", Preprocessing: torchPixels}
	a := count.VGG16(0)
	if top {
		n.Name, n.Classes = "vgg16", imagenet()
		a = count.VGG16(len(n.Classes))
	}
	for _, part := range a.Layers {
		block := part.(count.Block)
		if block.Name != "top" {
			n.add(block.Name, block.Name, block.Layers...)
			continue
		}
		l := block.Layers // flatten, fc1, relu1, dropout1, fc2, relu2, dropout2, classifier
		n.add("fc1", "fc", l[:4]...)
		n.add("fc2", "fc", l[4:7]...)
	}
	keras := Preprocessing{Size: 224, BGR: true, Mean: [3]float32{123.68, 116.779, 103.939}, Deviation: [3]float32{1, 1, 1}}
	n.namings = []naming{
		{by: "torchvision", name: vggTorchName, turned: true},
		{by: "Keras", name: vggKerasName, pixels: &keras},
		{by: "timm", name: vggTimmName, turned: true},
	}
	n.published = []published{
		{file: "vgg16-397923af.pth", by: "torchvision", what: "VGG16_Weights.IMAGENET1K_V1", hub: "timm/vgg16.tv_in1k"},
		{file: "vgg16_weights_tf_dim_ordering_tf_kernels.h5", by: "Keras", what: "keras.applications.VGG16()", md5: "64373286793e3c8b2b4e3219cbf3544b"},
	}
	if !top {
		n.published = append(n.published, published{file: "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", by: "Keras",
			what: "keras.applications.VGG16(include_top=False)", md5: "6d6bbae143d832006294945121d1f1fc"})
		n.namings = n.namings[:2] // timm's names differ in the top alone
		n.namings[0].top = []string{"classifier.", "pre_logits.", "head."}
		n.namings[1].top = []string{"fc1/", "fc2/", "predictions/"}
		return n.headless()
	}
	return n.classified()
}

// vggTorchName is torchvision's name: a block's convolutions and relus are numbered through, with pools between.
func vggTorchName(block, variable string) string {
	layer, kind := splitLast(variable)
	switch block {
	case "fc1":
		return "classifier.0." + torchKind(kind)
	case "fc2":
		return "classifier.3." + torchKind(kind)
	case "classifier":
		return "classifier.6." + torchKind(kind)
	}
	number, conv := 0, 0
	fmt.Sscanf(block, "block%d", &number)
	fmt.Sscanf(layer, "conv%d", &conv)
	first := []int{0, 5, 10, 17, 24}[number-1]
	return fmt.Sprintf("features.%d.%s", first+2*(conv-1), torchKind(kind))
}

// vggTimmName differs in the top, which timm writes as convolutions.
func vggTimmName(block, variable string) string {
	_, kind := splitLast(variable)
	switch block {
	case "fc1", "fc2":
		return "pre_logits." + block + "." + torchKind(kind)
	case "classifier":
		return "head.fc." + torchKind(kind)
	}
	return vggTorchName(block, variable)
}

func vggKerasName(block, variable string) string {
	layer, kind := splitLast(variable)
	switch block {
	case "fc1", "fc2":
		return block + "/" + kind
	case "classifier":
		return "predictions/" + kind
	}
	return block + "_" + layer + "/" + kind
}
