package count

import (
	"fmt"
	"slices"
)

// InceptionV3 is Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015, arXiv:1512.00567, as Keras has it: no
// auxiliary classifier, batch norms without a scale. For 1,000 classes that are 23,817,352 parameters and 34,432 averages; Keras says 23,851,784,
// their sum. classes 0 is without top.
func InceptionV3(classes int) Architecture {
	a := Architecture{Name: "inception_v3", Input: []int{299, 299, 3}, Paper: "Szegedy et al. 2015, arXiv:1512.00567", Published: []Published{
		{By: "Keras", Params: 23_851_784, Note: "with 34,432 averages of batch norm"},
		{By: "torchvision", Params: 27_161_264, MACs: 5.713e9, Note: "with the auxiliary classifier and the scales of batch norms; giga-operations of the weights"},
		{By: "Szegedy et al. 2015, section 6", MACs: 5e9, Note: "multiply-adds, \"computational cost of about 5 billion\""},
	}}
	half := Pool{Size: 3, Stride: 2, Padding: Valid}
	a.Layers = []Layer{Block{Name: "stem", Layers: path(
		Conv{Filters: 32, Kernel: 3, Stride: 2, Padding: Valid}, Conv{Filters: 32, Kernel: 3, Padding: Valid}, Conv{Filters: 64, Kernel: 3}, half,
		Conv{Filters: 80, Kernel: 1, Padding: Valid}, Conv{Filters: 192, Kernel: 3, Padding: Valid}, half)}}
	for i, pooled := range []int{32, 64, 64} {
		a.Layers = append(a.Layers, mixed(i, path(square(64, 1)), path(square(48, 1), square(64, 5)),
			path(square(64, 1), square(96, 3), square(96, 3)), pooledPath(pooled)))
	}
	a.Layers = append(a.Layers, mixed(3, path(halving(384)), path(square(64, 1), square(96, 3), halving(96)), []Layer{half}))
	for i, narrow := range []int{128, 160, 160, 192} {
		a.Layers = append(a.Layers, mixed(4+i, path(square(192, 1)),
			path(square(narrow, 1), flatKernel(narrow, 1, 7), flatKernel(192, 7, 1)),
			path(square(narrow, 1), flatKernel(narrow, 7, 1), flatKernel(narrow, 1, 7), flatKernel(narrow, 7, 1), flatKernel(192, 1, 7)),
			pooledPath(192)))
	}
	a.Layers = append(a.Layers, mixed(8, path(square(192, 1), halving(320)),
		path(square(192, 1), flatKernel(192, 1, 7), flatKernel(192, 7, 1), halving(192)), []Layer{half}))
	for i := range 2 {
		a.Layers = append(a.Layers, mixed(9+i, path(square(320, 1)), append(path(square(384, 1)), fork()),
			append(path(square(448, 1), square(384, 3)), fork()), pooledPath(192)))
	}
	a.Layers = append(a.Layers, pooledTop(classes, 0)...)
	return a
}

// mixed is an Inception module: paths that are put side by side.
func mixed(number int, paths ...[]Layer) Parallel {
	p := Parallel{Name: fmt.Sprintf("mixed%d", number), Join: Concat}
	for _, layers := range paths {
		p.Branches = append(p.Branches, Block{Layers: layers})
	}
	return p
}

// fork is a 1×3 and a 3×1 convolution side by side.
func fork() Parallel {
	return Parallel{Name: "fork", Join: Concat, Branches: []Block{{Layers: path(flatKernel(384, 1, 3))}, {Layers: path(flatKernel(384, 3, 1))}}}
}

// path puts a batch norm and a relu behind each convolution.
func path(layers ...Layer) []Layer {
	var all []Layer
	for _, l := range layers {
		if conv, ok := l.(Conv); ok {
			all = slices.Concat(all, convNorm(conv, BatchNorm{NoScale: true}, "relu"))
		} else {
			all = append(all, l)
		}
	}
	return all
}

func pooledPath(filters int) []Layer {
	return append([]Layer{Pool{Size: 3, Stride: 1, Average: true}}, path(square(filters, 1))...)
}

func square(filters, kernel int) Conv { return Conv{Filters: filters, Kernel: kernel} }

func halving(filters int) Conv { return Conv{Filters: filters, Kernel: 3, Stride: 2, Padding: Valid} }

func flatKernel(filters, high, wide int) Conv {
	return Conv{Filters: filters, Kernel: high, KernelWidth: wide}
}
