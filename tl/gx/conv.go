package gx

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
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
	return product(x, kernel, func(x, kernel *Node) *Node {
		return Convolve(x, kernel).StridePerAxis(stride, stride).
			PaddingPerDim([][2]int{SamePadding(h, kh, stride), SamePadding(w, kw, stride)}).Done()
	})
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
	return Reshape(product(rows, Reshape(kernel, in, out), matrixProduct), d[0], d[1], d[2], out)
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
	return d.apply(x, kernel)
}

type depthwise struct {
	in         []int // [n, h, w, c]
	kh, kw     int
	stride     int
	padH, padW [2]int
}

func (d depthwise) apply(x, kernel *Node) *Node {
	return WithGradient([]*Node{x, kernel},
		func(in []*Node) *Node { return d.forward(in[0], in[1]) },
		func(i int, v *Node) *Node {
			if i == 0 {
				return d.inputGradient(kernel, v)
			}
			return d.kernelGradient(x, v)
		})
}

func (d depthwise) outH() int { return (d.in[1]+d.padH[0]+d.padH[1]-d.kh)/d.stride + 1 }
func (d depthwise) outW() int { return (d.in[2]+d.padW[0]+d.padW[1]-d.kw)/d.stride + 1 }

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
	flipped := depthwise{in: d.in, kh: d.kh, kw: d.kw, stride: 1, padH: [2]int{d.kh - 1}, padW: [2]int{d.kw - 1}}
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
//
// It turns the roles around: in a step of a loop the places of v are the taps, each times the k×k×c window that it saw, so that the
// whole step is one loop over [k, k, c] that XLA vectorises over the channels, with nothing left to reduce. As one reduction for each
// element, which is what autodiff derives, it takes 10 times as long for [32, 7, 7, 1152] with 5×5, 6 times for 14×14×672 to 7×7, 5.6
// times for 3×3 (96, 61, 34 ms of CPU time against 9, 10, 6): XLA then runs each multiplication inside its reduction, element by element.
// A product of matrices [place, image]·[image, place] for each channel takes 2 to 4.5 times as long as the loop, and several images in
// a step 3 to 10 times. BenchmarkDepthwiseKernelGradient compares the first two. EfficientNet-Lite0's last blocks trained at 85 images/s
// with it and at 44 without, on 2 cores (BenchmarkTrainSuffix of tl/zoo) without backend.Tune; without these gradients at 88.
func (d depthwise) kernelGradient(x, v *Node) *Node {
	g, c := x.Graph(), d.in[3]
	x = d.padded(x)
	rows := d.rowsInStep()
	steps := d.outH() / rows
	index, sum := shapes.Make(dtypes.Int32), shapes.Make(x.DType(), d.kh, d.kw, c)
	more := NewClosure(g, func(g *Graph) []*Node {
		at := Parameter(g, "at", index)
		_ = Parameter(g, "sum", sum)
		return []*Node{LessThan(at, number(g, d.in[0]*steps))}
	})
	step := NewClosure(g, func(g *Graph) []*Node {
		at, sum := Parameter(g, "at", index), Parameter(g, "sum", sum)
		image, row, zero := Div(at, number(g, steps)), Mul(Rem(at, number(g, steps)), number(g, rows)), number(g, 0)
		seen := DynamicSlice(x, []*Node{image, Mul(row, number(g, d.stride)), zero, zero},
			[]int{1, (rows-1)*d.stride + d.kh, x.Shape().Dimensions[2], c})
		adjoint := DynamicSlice(v, []*Node{image, row, zero, zero}, []int{1, rows, d.outW(), c})
		return []*Node{Add(at, number(g, 1)), Add(sum, d.windows(seen, adjoint))}
	})
	return Reshape(While(more, step, number(g, 0), Zeros(g, sum))[1], d.kh, d.kw, 1, c)
}

// number is a new scalar. GoMLX's own scalars are shared in a graph, and fail in a loop if they were first used in another.
func number(g *Graph, n int) *Node { return Reshape(Const(g, []int32{int32(n)})) }

// windows sums, over the places of v [1, rows, outW, c], v times the window [kh, kw, c] of the padded x that it saw.
func (d depthwise) windows(x, v *Node) *Node {
	c := d.in[3]
	var sum *Node
	for row := range v.Shape().Dimensions[1] {
		for column := range d.outW() {
			y, z := row*d.stride, column*d.stride
			window := Reshape(Slice(x, AxisElem(0), AxisRange(y, y+d.kh), AxisRange(z, z+d.kw), AxisRange()), d.kh, d.kw, c)
			term := Mul(window, Reshape(Slice(v, AxisElem(0), AxisElem(row), AxisElem(column), AxisRange()), 1, 1, c))
			if sum == nil {
				sum = term
			} else {
				sum = Add(sum, term)
			}
		}
	}
	return sum
}

// rowsInStep is how many rows of v a step of the kernel's gradient takes: as many as divide its height and stay below 64 places,
// since each place is an operation to compile.
func (d depthwise) rowsInStep() int {
	const places = 64
	for rows := min(d.outH(), places); rows > 1; rows-- {
		if d.outH()%rows == 0 && rows*d.outW() <= places {
			return rows
		}
	}
	return 1
}
