package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
)

// fewProducts bounds k×k×in of the convolutions that [Conv] computes as shifted products: each is an operation to compile.
const fewProducts = 32

// fewChannels is [Conv] as a sum of k×k×in shifted products, for images of 3 channels: a library for matrices has little to do there,
// and XLA fuses the sum with what follows it. EfficientNet-Lite0's first convolution, 224×224×3 to 112×112×32, takes 0.45 to 0.49
// milliseconds of processor time an image, as XLA's convolution 1.25 to 1.33, as the product of a matrix of windows [places, 27] and the
// kernel 1.16 to 1.36, as one such product for each row of the kernel 1.9 to 2.1. Its kernel's gradient is the product of that matrix and
// the adjoint: 1.5 milliseconds, derived from XLA's convolution 2.3, as a product for each of the 9 places 2.2 (BenchmarkFewChannels).
func fewChannels(x, kernel *Node, d depthwise) *Node {
	return WithGradient([]*Node{x, kernel},
		func(in []*Node) *Node { return d.shiftedProducts(in[0], in[1]) },
		func(i int, v *Node) *Node {
			if i == 0 {
				return d.fewInputGradient(kernel, v)
			}
			return d.fewKernelGradient(x, v, kernel.Shape().Dimensions)
		})
}

func (d depthwise) shiftedProducts(x, kernel *Node) *Node {
	channels, filters := d.in[3], kernel.Shape().Dimensions[3]
	padded, out := d.padded(x), []int{d.in[0], d.outH(), d.outW(), filters}
	var sum *Node
	for i := range d.kh {
		for j := range d.kw {
			seen := d.tap(padded, i, j)
			for c := range channels {
				one := BroadcastToDims(Slice(seen, AxisRange(), AxisRange(), AxisRange(), AxisElem(c)), out...)
				term := Mul(one, BroadcastToDims(Slice(kernel, AxisElem(i), AxisElem(j), AxisElem(c), AxisRange()), out...))
				if sum == nil {
					sum = term
				} else {
					sum = Add(sum, term)
				}
			}
		}
	}
	return sum
}

// fewInputGradient is the convolution of v, with stride−1 zeros between its elements, and the flipped kernel with its channels exchanged.
func (d depthwise) fewInputGradient(kernel, v *Node) *Node {
	spread := func(size, out, k int, pad [2]int) [2]int {
		start := k - 1 - pad[0]
		return [2]int{start, size + k - 1 - start - ((out-1)*d.stride + 1)}
	}
	return Convolve(v, Transpose(Reverse(kernel, 0, 1), 2, 3)).InputDilationPerAxis(d.stride, d.stride).PaddingPerDim([][2]int{
		spread(d.in[1], d.outH(), d.kh, d.padH), spread(d.in[2], d.outW(), d.kw, d.padW)}).Done()
}

// fewKernelGradient is windowsᵀ·v, with windows [places, k×k×in].
func (d depthwise) fewKernelGradient(x, v *Node, kernel []int) *Node {
	padded := d.padded(x)
	var windows []*Node
	for i := range d.kh {
		for j := range d.kw {
			windows = append(windows, d.tap(padded, i, j))
		}
	}
	places := d.in[0] * d.outH() * d.outW()
	matrix := Reshape(Concatenate(windows, 3), places, d.kh*d.kw*d.in[3])
	return Reshape(DotGeneral(matrix, []int{0}, nil, Reshape(v, places, kernel[3]), []int{0}, nil), kernel...)
}
