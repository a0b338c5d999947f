package zoo

// InceptionV3: Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens and Zbigniew Wojna, "Rethinking the Inception Architecture
// for Computer Vision", CVPR 2016, arXiv:1512.00567, as Keras has it: 23,851,784 numbers, batch norms without a scale, no auxiliary classifier.
// 77.9 % first class on ImageNet as Keras states.
//
// torchvision's inception_v3 is another network with the same convolutions: its batch norms have scales, its average pools count the padding
// into the mean, and it has an auxiliary classifier; 27,161,264 parameters. Its file does not fit here, and the load report says so.

import (
	"fmt"
	"strings"

	"transferlab/tl/count"
)

func inceptionV3() (Network, error) {
	n := Network{Name: "inception_v3", Classes: imagenet(), style: style{epsilon: 1e-3, momentum: batchNormMomentum},
		Preprocessing: Preprocessing{Size: 299, Mean: [3]float32{127.5, 127.5, 127.5}, Deviation: [3]float32{127.5, 127.5, 127.5}}}
	for i, part := range count.InceptionV3(0).Layers {
		switch part := part.(type) {
		case count.Block:
			n.add(part.Name, "stem", part.Layers...)
		case count.Parallel: // mixed0 to 2 see 35×35 pixels, 3 to 7 17×17, 8 to 10 8×8
			stage := "stage1"
			if i > 8 {
				stage = "stage3"
			} else if i > 3 {
				stage = "stage2"
			}
			name := part.Name
			part.Name = "paths" // not the block's name twice in the names of its variables
			n.add(name, stage, part)
		}
	}
	n, err := n.pooled()
	n.namings = []naming{
		{by: "Keras", name: n.inOrder("conv2d", "batch_normalization", 0)},
		{by: "Keras", name: n.inOrder("conv2d", "batch_normalization", 1)}, // the published file counts from 1
		{by: "Keras", name: numbered(n.inOrder("conv2d", "batch_normalization", 0))},
	}
	n.published = []published{{file: "inception_v3_weights_tf_dim_ordering_tf_kernels.h5", by: "Keras", what: "keras.applications.InceptionV3()",
		md5: "9a0d58056eeedaa3f26cb7ebd46da564"}}
	return n, err
}

// inOrder are Keras's names where it gave them itself: a kind and a number, in the order in which layers were made; number 0 is left out.
func (n Network) inOrder(conv, norm string, first int) func(block, variable string) string {
	layers := map[string]string{} // our layer → Keras's
	counts := map[string]int{conv: first, norm: first}
	for _, b := range n.Blocks {
		for _, v := range b.Variables {
			layer, kind := splitLast(b.Name + "/" + v.Name)
			if layers[layer] != "" {
				continue
			}
			made := norm
			if kind == "kernel" {
				made = conv
			}
			layers[layer] = made
			if counts[made] > 0 {
				layers[layer] = fmt.Sprintf("%s_%d", made, counts[made])
			}
			counts[made]++
		}
	}
	return func(block, variable string) string {
		layer, kind := splitLast(block + "/" + variable)
		if block == "classifier" {
			return "predictions/" + kind
		}
		return layers[layer] + "/" + strings.NewReplacer("scale", "gamma", "offset", "beta", "mean", "moving_mean", "variance", "moving_variance").Replace(kind)
	}
}

// numbered are the names in Keras 3's .weights.h5 and .keras, which do not say what the variables of a batch norm are called: without a scale
// they are the offset, the mean and the variance.
func numbered(name func(block, variable string) string) func(block, variable string) string {
	places := map[string]string{"beta": "0", "moving_mean": "1", "moving_variance": "2"}
	return func(block, variable string) string {
		layer, kind := splitLast(name(block, variable))
		if places[kind] == "" {
			return layer + "/" + kind
		}
		return layer + "/vars/" + places[kind]
	}
}
