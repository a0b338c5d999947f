package gx

import (
	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/support/exceptions"
)

// SamePadding is the number of zeros before and after an axis so that a window with this stride puts out ⌈size/stride⌉ numbers. Where
// the sum is odd, the end gets one more, as in TensorFlow; PyTorch's symmetric padding differs for stride 2.
func SamePadding(size, kernel, stride int) [2]int {
	out := (size + stride - 1) / stride
	total := max((out-1)*stride+kernel-size, 0)
	return [2]int{total / 2, total - total/2}
}

// Conv is an ordinary convolution with [SamePadding]: x [n, h, w, in], kernel [k, k, in, out] → [n, ⌈h/stride⌉, ⌈w/stride⌉, out].
func Conv(x, kernel *Node, stride int) *Node {
	if x.Rank() != 4 || kernel.Rank() != 4 || kernel.Shape().Dimensions[2] != x.Shape().Dimensions[3] || stride < 1 {
		exceptions.Panicf("gx: convolution of x %s with kernel %s and stride %d: want [n, h, w, in] and [k, k, in, out]",
			x.Shape(), kernel.Shape(), stride)
	}
	h, w := x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	kh, kw := kernel.Shape().Dimensions[0], kernel.Shape().Dimensions[1]
	if kh == 1 && kw == 1 && stride == 1 {
		return Pointwise(x, kernel)
	}
	return Convolve(x, kernel).StridePerAxis(stride, stride).
		PaddingPerDim([][2]int{SamePadding(h, kh, stride), SamePadding(w, kw, stride)}).Done()
}

// Pointwise is a 1×1 convolution as a product of matrices: x [n, h, w, in], kernel [1, 1, in, out] → [n, h, w, out]. XLA's CPU
// compiler gives a product to a library for matrices, also in the gradient, and a convolution's gradient to slower code.
func Pointwise(x, kernel *Node) *Node {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	if len(d) != 4 || len(k) != 4 || k[0] != 1 || k[1] != 1 || k[2] != d[3] {
		exceptions.Panicf("gx: pointwise convolution of x %s with kernel %s: want [n, h, w, in] and [1, 1, in, out]", x.Shape(), kernel.Shape())
	}
	in, out := k[2], k[3]
	rows := Reshape(x, d[0]*d[1]*d[2], in)
	return Reshape(Dot(rows, Reshape(kernel, in, out)).Product(), d[0], d[1], d[2], out)
}

// Depthwise is a depthwise convolution with [SamePadding]: x [n, h, w, c], kernel [k, k, 1, c] → [n, ⌈h/stride⌉, ⌈w/stride⌉, c]. It is
// a sum of k×k shifted products, several times as fast on XLA's CPU plugin as the grouped convolution that it equals.
func Depthwise(x, kernel *Node, stride int) *Node {
	xs, ks := x.Shape().Dimensions, kernel.Shape().Dimensions
	if len(xs) != 4 || len(ks) != 4 || ks[2] != 1 || ks[3] != xs[3] || stride < 1 {
		exceptions.Panicf("gx: depthwise convolution of x %s with kernel %s and stride %d: want [n, h, w, c] and [k, k, 1, c]",
			x.Shape(), kernel.Shape(), stride)
	}
	d := depthwise{in: xs, kh: ks[0], kw: ks[1], stride: stride,
		padH: SamePadding(xs[1], ks[0], stride), padW: SamePadding(xs[2], ks[1], stride)}
	return WithGradient([]*Node{x, kernel},
		func(in []*Node) *Node { return d.forward(in[0], in[1]) },
		func(i int, v *Node) *Node {
			if i == 0 {
				return d.inputGradient(kernel, v)
			}
			return d.kernelGradient(x, v)
		})
}

type depthwise struct {
	in         []int // [n, h, w, c]
	kh, kw     int
	stride     int
	padH, padW [2]int
}

func (d depthwise) outH() int { return (d.in[1] + d.stride - 1) / d.stride }
func (d depthwise) outW() int { return (d.in[2] + d.stride - 1) / d.stride }

// padded puts zeros around x.
func (d depthwise) padded(x *Node) *Node {
	return Pad(x, ScalarZero(x.Graph(), x.DType()), compute.PadAxis{}, compute.PadAxis{Start: d.padH[0], End: d.padH[1]},
		compute.PadAxis{Start: d.padW[0], End: d.padW[1]}, compute.PadAxis{})
}

// tap is what the kernel's element (i, j) sees: [n, outH, outW, c] of the padded x.
func (d depthwise) tap(padded *Node, i, j int) *Node {
	axis := func(at, out int) SliceAxisSpec {
		return AxisRange(at, at+(out-1)*d.stride+1).Stride(d.stride)
	}
	return Slice(padded, AxisRange(), axis(i, d.outH()), axis(j, d.outW()), AxisRange())
}

// element is the kernel's element (i, j) for every channel: [1, 1, 1, c].
func element(kernel *Node, i, j int) *Node {
	return Slice(kernel, AxisElem(i), AxisElem(j), AxisRange(), AxisRange())
}

func (d depthwise) forward(x, kernel *Node) *Node {
	x = d.padded(x)
	var sum *Node
	for i := range d.kh {
		for j := range d.kw {
			term := Mul(d.tap(x, i, j), element(kernel, i, j))
			if sum == nil {
				sum = term
			} else {
				sum = Add(sum, term)
			}
		}
	}
	return sum
}

// inputGradient is the convolution of v, with stride−1 zeros between its elements, and the flipped kernel.
func (d depthwise) inputGradient(kernel, v *Node) *Node {
	axis := func(size, out, k int, pad [2]int) compute.PadAxis {
		start := k - 1 - pad[0]
		spread := (out-1)*d.stride + 1
		return compute.PadAxis{Start: start, End: size + k - 1 - start - spread, Interior: d.stride - 1}
	}
	v = Pad(v, ScalarZero(v.Graph(), v.DType()), compute.PadAxis{}, axis(d.in[1], d.outH(), d.kh, d.padH),
		axis(d.in[2], d.outW(), d.kw, d.padW), compute.PadAxis{})
	flipped := depthwise{in: d.in, kh: d.kh, kw: d.kw, stride: 1}
	var sum *Node
	for i := range d.kh {
		for j := range d.kw {
			term := Mul(flipped.tap(v, i, j), element(kernel, d.kh-1-i, d.kw-1-j))
			if sum == nil {
				sum = term
			} else {
				sum = Add(sum, term)
			}
		}
	}
	return sum
}

// kernelGradient is, for each element of the kernel, the sum over images and places of v times what the element saw.
func (d depthwise) kernelGradient(x, v *Node) *Node {
	x = d.padded(x)
	taps := make([]*Node, 0, d.kh*d.kw)
	for i := range d.kh {
		for j := range d.kw {
			taps = append(taps, Reshape(ReduceSum(Mul(d.tap(x, i, j), v), 0, 1, 2), 1, d.in[3]))
		}
	}
	return Reshape(Concatenate(taps, 0), d.kh, d.kw, 1, d.in[3])
}
