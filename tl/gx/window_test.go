package gx

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// seen calls f for each place of a window's output, in order, with what the window's top left pixel is there.
func (w Window) seen(h, width, kh, kw int, f func(top, left int)) {
	for y := -w.Rows[0]; y+kh <= h+w.Rows[1]; y += w.Stride {
		for x := -w.Columns[0]; x+kw <= width+w.Columns[1]; x += w.Stride {
			f(y, x)
		}
	}
}

// defined is the convolution as its definition, in loops.
func defined(x, kernel *tensors.Tensor, w Window, groups int) (out []float64) {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	xs, ks := flat(x), flat(kernel)
	for n := range d[0] {
		w.seen(d[1], d[2], k[0], k[1], func(top, left int) {
			for o := range k[3] {
				sum, first := 0.0, o/(k[3]/groups)*k[2]
				for tap := range k[0] * k[1] * k[2] {
					i, j, c := tap/k[2]/k[1], tap/k[2]%k[1], tap%k[2]
					if y, z := top+i, left+j; y >= 0 && y < d[1] && z >= 0 && z < d[2] {
						sum += xs[((n*d[1]+y)*d[2]+z)*d[3]+first+c] * ks[tap*k[3]+o]
					}
				}
				out = append(out, sum)
			}
		})
	}
	return out
}

func TestConvWindowEqualsItsDefinition(t *testing.T) {
	for _, c := range []struct {
		h, w, kh, kw, in, out, groups int
		window                        Window
	}{
		{6, 7, 3, 3, 2, 4, 1, Around(1, 1)},
		{6, 7, 3, 3, 2, 4, 1, Around(1, 2)},
		{9, 8, 7, 7, 2, 3, 1, Around(3, 2)},
		{6, 7, 3, 3, 2, 4, 1, Around(0, 2)},
		{5, 6, 1, 1, 2, 4, 1, Around(0, 2)},
		{6, 7, 1, 7, 2, 2, 1, Window{Stride: 1, Columns: [2]int{3, 3}}},
		{7, 6, 7, 1, 2, 2, 1, Window{Stride: 1, Rows: [2]int{3, 3}}},
		{6, 5, 3, 3, 4, 6, 2, Around(1, 2)},
		{6, 5, 3, 3, 3, 3, 3, Around(1, 2)},
		{7, 6, 3, 3, 3, 3, 3, Around(0, 2)},
		{7, 6, 5, 5, 3, 3, 3, Around(0, 1)},
	} {
		t.Run(fmt.Sprintf("%dx%d %dx%d groups %d %+v", c.h, c.w, c.kh, c.kw, c.groups, c.window), func(t *testing.T) {
			x, kernel := numbers(1, 2, c.h, c.w, c.in), numbers(2, c.kh, c.kw, c.in/c.groups, c.out)
			out := call(t, func(x, kernel *Node) []*Node {
				y := ConvWindow(x, kernel, c.window, c.groups)
				return append([]*Node{y}, Gradient(ReduceAllSum(Mul(Square(y), Sin(y))), x, kernel)...)
			}, x, kernel)
			near(t, "output", out[0], defined(x, kernel, c.window, c.groups), 1e-12)
			loss := func(x, kernel *tensors.Tensor) (sum float64) {
				for _, y := range defined(x, kernel, c.window, c.groups) {
					sum += y * y * math.Sin(y)
				}
				return sum
			}
			near(t, "gradient of x", out[1], slopes(x, func(x *tensors.Tensor) float64 { return loss(x, kernel) }), 1e-7)
			near(t, "gradient of the kernel", out[2], slopes(kernel, func(k *tensors.Tensor) float64 { return loss(x, k) }), 1e-7)
		})
	}
}

// pooledByHand is a pool as its definition; padding is never the largest, and counts nothing in a mean.
func pooledByHand(x *tensors.Tensor, size int, w Window, average bool) (out []float64) {
	d, xs := x.Shape().Dimensions, flat(x)
	for n := range d[0] {
		w.seen(d[1], d[2], size, size, func(top, left int) {
			for c := range d[3] {
				largest, sum, count := math.Inf(-1), 0.0, 0.0
				for y := max(top, 0); y < min(top+size, d[1]); y++ {
					for z := max(left, 0); z < min(left+size, d[2]); z++ {
						v := xs[((n*d[1]+y)*d[2]+z)*d[3]+c]
						largest, sum, count = max(largest, v), sum+v, count+1
					}
				}
				if average {
					largest = sum / count
				}
				out = append(out, largest)
			}
		})
	}
	return out
}

func TestPoolsEqualTheirDefinition(t *testing.T) {
	for _, c := range []struct {
		h, w, size int
		window     Window
	}{
		{6, 8, 2, Around(0, 2)}, {7, 9, 3, Around(1, 2)}, {6, 7, 3, Around(0, 2)}, {5, 6, 3, Around(1, 1)}, {7, 7, 2, Window{Stride: 2, Rows: [2]int{0, 1}, Columns: [2]int{0, 1}}},
	} {
		for name, pool := range map[string]func(*Node, int, Window) *Node{"max": PoolMax, "mean": PoolMean} {
			t.Run(fmt.Sprintf("%s %dx%d size %d %+v", name, c.h, c.w, c.size, c.window), func(t *testing.T) {
				x := numbers(1, 2, c.h, c.w, 3)
				x = tensors.FromFlatDataAndDimensions(negative(flat(x)), x.Shape().Dimensions...) // padding with zeros would win
				out := call(t, func(x *Node) []*Node {
					y := pool(x, c.size, c.window)
					return append([]*Node{y}, Gradient(ReduceAllSum(Mul(Square(y), Sin(y))), x)...)
				}, x)
				near(t, "output", out[0], pooledByHand(x, c.size, c.window, name == "mean"), 1e-12)
				near(t, "gradient", out[1], slopes(x, func(x *tensors.Tensor) (sum float64) {
					for _, y := range pooledByHand(x, c.size, c.window, name == "mean") {
						sum += y * y * math.Sin(y)
					}
					return sum
				}), 1e-7)
			})
		}
	}
}

func negative(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v - 2
	}
	return out
}

func TestWindowsThatDoNotFit(t *testing.T) {
	x, kernel := numbers(1, 1, 4, 4, 4), numbers(2, 3, 3, 2, 4)
	for name, build := range map[string]func(x, kernel *Node) *Node{
		"as many zeros as the kernel": func(x, kernel *Node) *Node { return ConvWindow(x, kernel, Around(3, 1), 2) },
		"no stride":                   func(x, kernel *Node) *Node { return ConvWindow(x, kernel, Window{}, 2) },
		"groups":                      func(x, kernel *Node) *Node { return ConvWindow(x, kernel, Around(1, 1), 3) },
		"a pool larger than x":        func(x, _ *Node) *Node { return PoolMax(x, 5, Around(0, 1)) },
		"zeros below none":            func(x, _ *Node) *Node { return PoolMean(x, 2, Around(-1, 1)) },
	} {
		if _, err := MustNewExec(xla, build).Call(x, kernel); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
