package gx

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// The loop over images and rows must give what autodiff derives from the grouped convolution, also where an image is cut into several
// steps (the last sizes) and where it is smaller than the kernel.
func TestKernelGradientEqualsGroupedConvolution(t *testing.T) {
	for _, c := range []struct{ h, w, channels, kernel, stride int }{
		{7, 7, 5, 3, 1}, {7, 7, 5, 5, 1}, {7, 7, 5, 3, 2}, {8, 8, 4, 3, 2}, {8, 8, 4, 5, 2}, {5, 9, 3, 5, 2}, {9, 4, 3, 3, 1},
		{1, 1, 2, 3, 1}, {2, 3, 2, 5, 2}, {6, 6, 1, 1, 1}, {7, 5, 2, 3, 3}, {14, 14, 2, 3, 1}, {12, 40, 2, 5, 1}, {3, 70, 2, 3, 1},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			const n = 3
			x, kernel := numbers(1, n, c.h, c.w, c.channels), numbers(2, c.kernel, c.kernel, 1, c.channels)
			weights := numbers(3, n, (c.h+c.stride-1)/c.stride, (c.w+c.stride-1)/c.stride, c.channels)
			out := call(t, func(x, kernel, weights *Node) []*Node {
				grouped := Convolve(x, kernel).FeatureGroupCount(c.channels).StridePerAxis(c.stride, c.stride).
					PaddingPerDim([][2]int{SamePadding(c.h, c.kernel, c.stride), SamePadding(c.w, c.kernel, c.stride)}).Done()
				all := []*Node{Depthwise(x, kernel, c.stride), grouped}
				for _, y := range all[:2] {
					all = append(all, Gradient(ReduceAllSum(Mul(Mul(y, y), weights)), x, kernel)...)
				}
				return all
			}, x, kernel, weights)
			near(t, "value", out[0], out[1], 1e-12)
			near(t, "gradient of x", out[2], out[4], 1e-10)
			near(t, "gradient of the kernel", out[3], out[5], 1e-10)
		})
	}
}

// In float32 the sum over many places must stay as good as the reduction's: each step adds up its own places first.
func TestKernelGradientRounding(t *testing.T) {
	x, kernel, v := numbers(1, 32, 14, 14, 3), numbers(2, 3, 3, 1, 3), numbers(3, 32, 14, 14, 3)
	out := call(t, func(x, kernel, v *Node) []*Node {
		gradient := func(x, kernel, v *Node) *Node {
			return Gradient(ReduceAllSum(Mul(Depthwise(x, kernel, 1), v)), kernel)[0]
		}
		single := func(x *Node) *Node { return ConvertDType(x, dtypes.Float32) }
		return []*Node{ConvertDType(gradient(single(x), single(kernel), single(v)), dtypes.Float64), gradient(x, kernel, v)}
	}, x, kernel, v)
	near(t, "gradient", out[0], out[1], 32*14*14*math.Pow(2, -24)/10)
}

// BenchmarkDepthwiseKernelGradient compares the loop with what autodiff derives: go test -run=^$ -bench=KernelGradient ./tl/gx
func BenchmarkDepthwiseKernelGradient(b *testing.B) {
	for _, c := range []struct{ size, channels, kernel, stride int }{{7, 1152, 5, 1}, {14, 672, 5, 2}, {7, 1152, 3, 1}} {
		out := (c.size + c.stride - 1) / c.stride
		same := SamePadding(c.size, c.kernel, c.stride)
		for _, derived := range []bool{false, true} {
			name := "loop"
			if derived {
				name = "derived"
			}
			b.Run(fmt.Sprintf("%dx%dx%d,k%d,s%d/%s", c.size, c.size, c.channels, c.kernel, c.stride, name), func(b *testing.B) {
				exec := MustNewExec(xla, func(x, kernel, v *Node) *Node {
					x, kernel, v = ConvertDType(x, dtypes.Float32), ConvertDType(kernel, dtypes.Float32), ConvertDType(v, dtypes.Float32)
					y := Depthwise(x, kernel, c.stride)
					if derived { // the same shifted products; x is stopped, since Pad has no gradient in GoMLX
						y = depthwise{in: x.Shape().Dimensions, kh: c.kernel, kw: c.kernel, stride: c.stride, padH: same, padW: same}.
							forward(StopGradient(x), kernel)
					}
					return Gradient(ReduceAllSum(Mul(y, v)), kernel)[0]
				})
				x, kernel, v := numbers(1, 32, c.size, c.size, c.channels), numbers(2, c.kernel, c.kernel, 1, c.channels),
					numbers(3, 32, out, out, c.channels)
				exec.MustCall1(x, kernel, v).MustFinalizeAll() // compiles
				for b.Loop() {
					exec.MustCall1(x, kernel, v).MustFinalizeAll()
				}
			})
		}
	}
}
