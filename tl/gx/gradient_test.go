package gx

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// y = a·b with gradients that no autodiff would give, so that it shows whose they are: 10·v for a and 100·v for b.
func odd(a, b *Node, calls *[]int) *Node {
	return WithGradient([]*Node{a, b},
		func(in []*Node) *Node { return Mul(in[0], in[1]) },
		func(i int, v *Node) *Node {
			*calls = append(*calls, i)
			return MulScalar(v, []float64{10, 100}[i])
		})
}

func TestWithGradientUsesBackward(t *testing.T) {
	var calls []int
	a, b := []float64{2, 3}, []float64{5, 7}
	out := call(t, func(a, b *Node) []*Node {
		y := odd(a, b, &calls)
		return append([]*Node{y}, Gradient(ReduceAllSum(Mul(y, Const(a.Graph(), []float64{1, -1}))), a, b)...)
	}, a, b)
	near(t, "output", out[0], []float64{10, 21}, 0)
	near(t, "gradient of a", out[1], []float64{10, -10}, 0)
	near(t, "gradient of b", out[2], []float64{100, -100}, 0)
}

// What a frozen input would cost in the backward pass is not even built.
func TestWithGradientCallsBackwardOnlyWhereNeeded(t *testing.T) {
	var calls []int
	out := call(t, func(a, b *Node) *Node { return Gradient(ReduceAllSum(odd(a, b, &calls)), b)[0] }, []float64{2, 3}, []float64{5, 7})
	near(t, "gradient of b", out[0], []float64{100, 100}, 0)
	for _, i := range calls {
		if i != 1 {
			t.Errorf("backward was called for input %d, whose gradient nobody asked for", i)
		}
	}
}

// Inputs may also be used elsewhere, and the output several times: adjoints add up. And two of them may follow each other.
func TestWithGradientAddsUp(t *testing.T) {
	var calls []int
	out := call(t, func(a, b *Node) []*Node {
		y := odd(a, b, &calls)
		z := odd(y, b, &calls) // dz/dy = 10, dz/db = 100
		return Gradient(ReduceAllSum(Add(Add(z, y), a)), a, b)
	}, []float64{2, 3}, []float64{5, 7})
	near(t, "gradient of a", out[0], []float64{111, 111}, 0)   // (10 + 1)·10 + 1
	near(t, "gradient of b", out[1], []float64{1200, 1200}, 0) // 100 + (10 + 1)·100
}
