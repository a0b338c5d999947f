package gx

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"
)

// The table is worked by hand from TensorFlow's rule: total = max((⌈size/stride⌉ − 1)·stride + kernel − size, 0), the odd zero at the end.
func TestSamePadding(t *testing.T) {
	for _, c := range []struct {
		size, kernel, stride int
		want                 [2]int
	}{
		{7, 1, 1, [2]int{0, 0}}, {7, 3, 1, [2]int{1, 1}}, {7, 5, 1, [2]int{2, 2}}, {5, 5, 1, [2]int{2, 2}}, {6, 2, 1, [2]int{0, 1}},
		{224, 3, 2, [2]int{0, 1}}, {14, 5, 2, [2]int{1, 2}}, {7, 3, 2, [2]int{1, 1}}, {7, 5, 2, [2]int{2, 2}}, {1, 3, 2, [2]int{1, 1}},
		{4, 1, 2, [2]int{0, 0}}, {5, 1, 2, [2]int{0, 0}}, {6, 2, 3, [2]int{0, 0}},
	} {
		if got := SamePadding(c.size, c.kernel, c.stride); got != c.want {
			t.Errorf("SamePadding(%d, %d, %d) = %v, want %v", c.size, c.kernel, c.stride, got, c.want)
		}
	}
}

// grouped is the depthwise convolution in GoMLX's own words. Its PadSame does not look at the stride (see traps_test.go).
func grouped(x, kernel *Node, stride int) *Node {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	return Convolve(x, kernel).StridePerAxis(stride, stride).ChannelGroupCount(d[3]).
		PaddingPerDim([][2]int{SamePadding(d[1], k[0], stride), SamePadding(d[2], k[1], stride)}).Done()
}

// both is outputs and gradients of two functions of x and kernel, under the same weights of the output's numbers.
func both(t *testing.T, x, kernel *tensors.Tensor, a, b func(x, kernel *Node) *Node) (ours, theirs [][]float64) {
	t.Helper()
	out := call(t, func(x, kernel *Node) []*Node {
		var all []*Node
		for _, f := range []func(x, kernel *Node) *Node{a, b} {
			y := f(x, kernel)
			weights := Sin(IotaFull(x.Graph(), shapes.Make(dtypes.Float64, y.Shape().Dimensions...)))
			all = append(append(all, y), Gradient(ReduceAllSum(Mul(y, weights)), x, kernel)...)
		}
		return all
	}, x, kernel)
	return out[:3], out[3:]
}

func TestDepthwiseEqualsGroupedConvolution(t *testing.T) {
	for _, c := range []struct{ h, w, k, stride int }{
		{5, 6, 3, 1}, {6, 6, 5, 1}, {5, 5, 3, 2}, {6, 6, 3, 2}, {7, 6, 5, 2}, {8, 5, 5, 2}, {4, 4, 1, 2},
	} {
		t.Run(fmt.Sprintf("%dx%d kernel %d stride %d", c.h, c.w, c.k, c.stride), func(t *testing.T) {
			ours, theirs := both(t, numbers(1, 2, c.h, c.w, 3), numbers(2, c.k, c.k, 1, 3),
				func(x, kernel *Node) *Node { return Depthwise(x, kernel, c.stride) },
				func(x, kernel *Node) *Node { return grouped(x, kernel, c.stride) })
			for i, what := range []string{"output", "gradient of x", "gradient of the kernel"} {
				near(t, what, ours[i], theirs[i], 1e-12)
			}
		})
	}
}

// The grouped convolution's own gradient might be wrong in the same way; finite differences are nobody's code.
func TestDepthwiseGradientIsTheSlope(t *testing.T) {
	x, kernel, weights := numbers(1, 2, 4, 5, 2), numbers(2, 3, 3, 1, 2), numbers(3, 2, 2, 3, 2)
	loss := func(x, kernel, weights *Node) *Node {
		return ReduceAllSum(Mul(Square(Depthwise(x, kernel, 2)), weights))
	}
	got := call(t, func(x, kernel, weights *Node) []*Node { return Gradient(loss(x, kernel, weights), x, kernel) }, x, kernel, weights)
	exec := MustNewExec(xla, loss)
	at := func(x, kernel *tensors.Tensor) float64 { return flat(exec.MustCall1(x, kernel, weights))[0] }
	near(t, "gradient of x", got[0], slopes(x, func(x *tensors.Tensor) float64 { return at(x, kernel) }), 1e-8)
	near(t, "gradient of the kernel", got[1], slopes(kernel, func(k *tensors.Tensor) float64 { return at(x, k) }), 1e-8)
}

// direct is the convolution as its definition, in loops.
func direct(x, kernel *tensors.Tensor, stride int) []float64 {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	xs, ks := flat(x), flat(kernel)
	padH, padW := SamePadding(d[1], k[0], stride)[0], SamePadding(d[2], k[1], stride)[0]
	var out []float64
	for n := range d[0] {
		for y := 0; y < d[1]; y += stride {
			for z := 0; z < d[2]; z += stride {
				for o := range k[3] {
					sum := 0.0
					for tap := range k[0] * k[1] * k[2] {
						i, j, c := tap/k[2]/k[1], tap/k[2]%k[1], tap%k[2]
						if h, w := y+i-padH, z+j-padW; h >= 0 && h < d[1] && w >= 0 && w < d[2] {
							sum += xs[((n*d[1]+h)*d[2]+w)*d[3]+c] * ks[tap*k[3]+o]
						}
					}
					out = append(out, sum)
				}
			}
		}
	}
	return out
}

func TestConvEqualsItsDefinition(t *testing.T) {
	for _, c := range []struct{ h, w, k, stride int }{{5, 6, 3, 1}, {6, 7, 3, 2}, {7, 8, 5, 2}, {5, 4, 1, 1}, {5, 4, 1, 2}} {
		x, kernel := numbers(1, 2, c.h, c.w, 3), numbers(2, c.k, c.k, 3, 4)
		got := call(t, func(x, kernel *Node) *Node { return Conv(x, kernel, c.stride) }, x, kernel)[0]
		near(t, fmt.Sprint(c), got, direct(x, kernel, c.stride), 1e-12)
	}
}

func TestPointwiseEqualsConvolve(t *testing.T) {
	ours, theirs := both(t, numbers(1, 2, 3, 4, 5), numbers(2, 1, 1, 5, 6), Pointwise,
		func(x, kernel *Node) *Node { return Convolve(x, kernel).NoPadding().Done() })
	for i, what := range []string{"output", "gradient of x", "gradient of the kernel"} {
		near(t, what, ours[i], theirs[i], 1e-12)
	}
}

func TestConvolutionsRefuseShapes(t *testing.T) {
	type function = func(x, kernel *Node) *Node
	depthwise := func(stride int) function { return func(x, k *Node) *Node { return Depthwise(x, k, stride) } }
	conv := func(stride int) function { return func(x, k *Node) *Node { return Conv(x, k, stride) } }
	for _, c := range []struct {
		name      string
		f         function
		x, kernel []int
		want      string
	}{
		{"depthwise, kernel of an ordinary convolution", depthwise(1), []int{1, 4, 4, 3}, []int{3, 3, 3, 3}, "gx: depthwise convolution of x (Float64)[1, 4, 4, 3]"},
		{"depthwise, other channels", depthwise(1), []int{1, 4, 4, 3}, []int{3, 3, 1, 2}, "want [n, h, w, c] and [k, k, 1, c]"},
		{"depthwise, one image", depthwise(1), []int{4, 4, 3}, []int{3, 3, 1, 3}, "gx: depthwise"},
		{"depthwise, stride 0", depthwise(0), []int{1, 4, 4, 3}, []int{3, 3, 1, 3}, "stride 0"},
		{"conv, other channels", conv(1), []int{1, 4, 4, 3}, []int{3, 3, 4, 2}, "gx: convolution of x"},
		{"conv, a vector", conv(1), []int{4}, []int{3, 3, 4, 2}, "want [n, h, w, in] and [k, k, in, out]"},
		{"conv, stride -1", conv(-1), []int{1, 4, 4, 3}, []int{3, 3, 3, 2}, "stride -1"},
		{"pointwise, 3×3", Pointwise, []int{1, 4, 4, 3}, []int{3, 3, 3, 2}, "gx: pointwise convolution"},
		{"pointwise, other channels", Pointwise, []int{1, 4, 4, 3}, []int{1, 1, 2, 2}, "want [n, h, w, in] and [1, 1, in, out]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := exceptions.TryCatch[error](func() {
				g := NewGraph(xla, "bad shapes")
				c.f(Zeros(g, shapes.Make(dtypes.Float64, c.x...)), Zeros(g, shapes.Make(dtypes.Float64, c.kernel...)))
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	// What a user of an Exec meets is an error, no panic, as the package's comment promises.
	exec, err := NewExec(xla, Pointwise)
	if err == nil {
		_, err = exec.Call1(numbers(1, 2, 2), numbers(1, 2, 2))
	}
	if err == nil || !strings.Contains(err.Error(), "gx: pointwise") {
		t.Errorf("Exec: error %v, want gx's", err)
	}
}
