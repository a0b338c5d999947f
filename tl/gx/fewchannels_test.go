package gx

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// xlaConv is the convolution that fewChannels must equal.
func xlaConv(x, kernel *Node, stride int) *Node {
	xs, ks := x.Shape().Dimensions, kernel.Shape().Dimensions
	return Convolve(x, kernel).StridePerAxis(stride, stride).
		PaddingPerDim([][2]int{SamePadding(xs[1], ks[0], stride), SamePadding(xs[2], ks[1], stride)}).Done()
}

func TestConvOfFewChannelsEqualsConvolve(t *testing.T) {
	for _, c := range []struct{ h, w, in, kh, kw, stride int }{
		{6, 7, 3, 3, 3, 2}, {7, 8, 3, 3, 3, 1}, {5, 6, 1, 5, 5, 2}, {5, 4, 2, 2, 3, 1}, {9, 7, 3, 3, 3, 3}, {1, 2, 3, 3, 3, 2}, {6, 6, 4, 1, 1, 2},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			if c.kh*c.kw*c.in > fewProducts {
				t.Fatal("not a convolution of few channels")
			}
			x, kernel := numbers(1, 2, c.h, c.w, c.in), numbers(2, c.kh, c.kw, c.in, 5)
			ours, theirs := both(t, x, kernel, func(x, kernel *Node) *Node { return Conv(x, kernel, c.stride) },
				func(x, kernel *Node) *Node { return xlaConv(x, kernel, c.stride) })
			for i, what := range []string{"output", "gradient of x", "gradient of the kernel"} {
				near(t, what, ours[i], theirs[i], 1e-12)
			}
		})
	}
}

// BenchmarkFewChannels compares the shifted products with XLA's convolution: go test -run=^$ -bench=FewChannels ./tl/gx
func BenchmarkFewChannels(b *testing.B) {
	x, kernel, v := numbers(1, 16, 224, 224, 3), numbers(2, 3, 3, 3, 32), numbers(3, 16, 112, 112, 32)
	for name, conv := range map[string]func(x, kernel *Node, stride int) *Node{"shifted": Conv, "convolve": xlaConv} {
		for _, gradient := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/gradient=%t", name, gradient), func(b *testing.B) {
				exec := MustNewExec(xla, func(x, kernel, v *Node) *Node {
					x, kernel, v = ConvertDType(x, dtypes.Float32), ConvertDType(kernel, dtypes.Float32), ConvertDType(v, dtypes.Float32)
					y := conv(x, kernel, 2)
					if gradient {
						return Gradient(ReduceAllSum(Mul(y, v)), kernel)[0]
					}
					return y
				})
				exec.MustCall1(x, kernel, v).MustFinalizeAll() // compiles
				for b.Loop() {
					exec.MustCall1(x, kernel, v).MustFinalizeAll()
				}
			})
		}
	}
}
