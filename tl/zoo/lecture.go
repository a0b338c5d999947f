package zoo

// The small network that the lecture counts on its slides (Harvard AC295, transfer learning), for images of 32×32: 2,103,156 parameters with four
// classes. Nobody published weights: it starts from random ones, and is what a pretrained network is compared with.

import "transferlab/tl/count"

func lectureCNN() (Network, error) {
	n := Network{Name: "lecture_cnn", Preprocessing: Preprocessing{Size: 32, Deviation: [3]float32{255, 255, 255}}, unpublished: true}
	relu := count.Activation{Name: "relu"}
	l := count.LectureCNN(0).Layers // conv1, conv2, flatten, hidden
	n.add("conv1", "conv1", l[0], relu)
	n.add("conv2", "conv2", l[1], relu)
	n.add("hidden", "hidden", l[2], l[3], relu)
	n.namings = []naming{
		{by: "Keras", name: func(_, variable string) string { return variable }},
		{by: "PyTorch", name: func(_, variable string) string {
			layer, kind := splitLast(variable)
			return layer + "." + torchKind(kind)
		}, turned: true},
	}
	return n, n.failed
}
