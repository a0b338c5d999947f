package gx

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Products in bfloat16 round their inputs to 8 bits and nothing else: the results, values and gradients, are those of float64 but for that, and
// the type stays.
func TestSetProducts(t *testing.T) {
	for name, c := range map[string]struct {
		kernel []int
		of     func(x, kernel *Node) *Node
	}{
		"convolution": {[]int{3, 3, 4, 5}, func(x, kernel *Node) *Node { return Conv(x, kernel, 2) }},
		"pointwise":   {[]int{1, 1, 4, 5}, Pointwise},
		"window": {[]int{3, 3, 4, 5}, func(x, kernel *Node) *Node {
			return ConvWindow(x, kernel, Window{Rows: [2]int{1, 1}, Columns: [2]int{1, 1}, Stride: 2}, 1)
		}},
		"depthwise": {[]int{3, 3, 1, 4}, func(x, kernel *Node) *Node { return Depthwise(x, kernel, 1) }},
	} {
		results := func(kind dtypes.DType) [][]float64 {
			return call(t, func(x, kernel *Node) []*Node {
				if kind != dtypes.InvalidDType {
					SetProducts(x.Graph(), kind)
				}
				y := c.of(x, kernel)
				return append([]*Node{y}, Gradient(ReduceAllSum(Mul(y, y)), x, kernel)...)
			}, numbers(1, 2, 6, 6, 4), numbers(2, c.kernel...))
		}
		exact, rounded, same := results(dtypes.InvalidDType), results(dtypes.BFloat16), results(dtypes.Float64)
		for i, what := range []string{"value", "gradient of x", "gradient of the kernel"} {
			near(t, name+": "+what+" in its own type", same[i], exact[i], 0)
			worst, scale := 0.0, 0.0
			for j, v := range exact[i] {
				worst, scale = max(worst, math.Abs(rounded[i][j]-v)), max(scale, math.Abs(v))
			}
			switch {
			case name == "depthwise" && worst > 0:
				t.Errorf("%s: %s is rounded by %g", name, what, worst)
			case name != "depthwise" && !(worst > 0 && worst < 0.03*scale):
				t.Errorf("%s: %s differs by %g, the largest is %g", name, what, worst, scale)
			}
		}
	}
}
