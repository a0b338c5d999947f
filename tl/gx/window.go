package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/support/exceptions"
)

// Window says how a kernel or a pool moves over an image [n, h, w, c]: by how many pixels at once, and what zeros stand around the image.
// Its output along an axis is ⌊(size + zeros − kernel)/stride⌋ + 1 long.
type Window struct {
	Stride        int    // ≥ 1
	Rows, Columns [2]int // of zeros before and after the image, each less than the kernel
}

// Same is the window with [SamePadding] for x [n, h, w, c].
func Same(x *Node, height, width, stride int) Window {
	d := x.Shape().Dimensions
	return Window{Stride: stride, Rows: SamePadding(d[1], height, stride), Columns: SamePadding(d[2], width, stride)}
}

// Around is the window with so many zeros on each side, as PyTorch's padding; 0 is none.
func Around(border, stride int) Window {
	return Window{Stride: stride, Rows: [2]int{border, border}, Columns: [2]int{border, border}}
}

func (w Window) check(what string, x *Node, height, width int) {
	fits := x.Rank() == 4 && w.Stride >= 1 && height >= 1 && width >= 1
	for _, zeros := range []int{w.Rows[0], w.Rows[1], w.Columns[0], w.Columns[1]} {
		fits = fits && zeros >= 0
	}
	fits = fits && max(w.Rows[0], w.Rows[1]) < height && max(w.Columns[0], w.Columns[1]) < width
	if fits {
		d := x.Shape().Dimensions
		fits = d[1]+w.Rows[0]+w.Rows[1] >= height && d[2]+w.Columns[0]+w.Columns[1] >= width
	}
	if !fits {
		exceptions.Panicf("gx: %s of %d×%d over x %s with window %+v: want x [n, h, w, c], a stride of at least 1, and fewer zeros on a side than the kernel is wide",
			what, height, width, x.Shape(), w)
	}
}

// ConvWindow is a convolution with any window and groups of channels that do not see each other: x [n, h, w, in],
// kernel [kh, kw, in/groups, out] → [n, h', w', out]. Where it can it is [Conv], [Pointwise] or [Depthwise].
func ConvWindow(x, kernel *Node, w Window, groups int) *Node {
	k := kernel.Shape().Dimensions
	if len(k) != 4 || groups < 1 || x.Rank() != 4 || k[2]*groups != x.Shape().Dimensions[3] || k[3]%groups != 0 {
		exceptions.Panicf("gx: convolution of x %s with kernel %s in %d groups: want [n, h, w, in] and [kh, kw, in/groups, out]", x.Shape(), kernel.Shape(), groups)
	}
	w.check("convolution", x, k[0], k[1])
	in := x.Shape().Dimensions[3]
	switch {
	case groups == 1 && k[0] == 1 && k[1] == 1:
		return Pointwise(w.every(x), kernel)
	case groups == 1 && w == Same(x, k[0], k[1], w.Stride):
		return Conv(x, kernel, w.Stride)
	case groups == 1:
		return product(x, kernel, func(x, kernel *Node) *Node {
			return Convolve(x, kernel).StridePerAxis(w.Stride, w.Stride).PaddingPerDim([][2]int{w.Rows, w.Columns}).Done()
		})
	case groups == in && k[3] == in:
		return depthwiseWindow(x, kernel, w)
	}
	parts := make([]*Node, groups)
	for i := range groups { // one after the other: XLA's CPU plugin runs grouped convolutions slowly, and their gradients more so
		inputs, outputs := AxisRange(i*k[2], (i+1)*k[2]), AxisRange(i*k[3]/groups, (i+1)*k[3]/groups)
		parts[i] = ConvWindow(Slice(x, AxisRange(), AxisRange(), AxisRange(), inputs), Slice(kernel, AxisRange(), AxisRange(), AxisRange(), outputs), w, 1)
	}
	return Concatenate(parts, -1)
}

// every is the pixels of x that a 1×1 kernel sees.
func (w Window) every(x *Node) *Node {
	if w.Stride == 1 {
		return x
	}
	return Slice(x, AxisRange(), AxisRange().Stride(w.Stride), AxisRange().Stride(w.Stride), AxisRange())
}

func depthwiseWindow(x, kernel *Node, w Window) *Node {
	k := kernel.Shape().Dimensions
	if w == Same(x, k[0], k[1], w.Stride) {
		return Depthwise(x, kernel, w.Stride)
	}
	return depthwise{in: x.Shape().Dimensions, kh: k[0], kw: k[1], stride: w.Stride, padH: w.Rows, padW: w.Columns}.apply(x, kernel)
}

// PoolMax is the largest value of each size × size window: x [n, h, w, c] → [n, h', w', c]. Padding never wins.
func PoolMax(x *Node, size int, w Window) *Node {
	w.check("max pool", x, size, size)
	return MaxPool(x).Window(size).Strides(w.Stride).PaddingPerDim([][2]int{w.Rows, w.Columns}).Done()
}

// PoolMean is the mean of each size × size window: x [n, h, w, c] → [n, h', w', c]. Padding is left out of the mean, as in TensorFlow
// and as PyTorch's count_include_pad=False.
func PoolMean(x *Node, size int, w Window) *Node {
	w.check("average pool", x, size, size)
	return MeanPool(x).Window(size).Strides(w.Stride).PaddingPerDim([][2]int{w.Rows, w.Columns}).Done()
}
