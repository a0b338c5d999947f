package zoo

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Batch norm by its averages is folded, and still has the gradients that fine-tuning needs: x, kernel, scale and offset against central
// differences of the loss. GoMLX's own inference op has none. The averages stay.
func TestInferenceBatchNormHasGradients(t *testing.T) {
	for _, depthwise := range []bool{false, true} {
		c := newConvBN(convBN{conv: "conv", bn: "bn", kernel: 3, stride: 2, in: 2, out: 2, depthwise: depthwise, epsilon: 1e-3})
		s := model.NewStore()
		for _, v := range c.variables {
			x := numbers(v.Shape...)
			if v.Name == "bn/variance" {
				x = tensors.FromValue([]float32{0.5, 2})
			}
			made, err := s.CreateVariable("/block/"+v.Name, x)
			if err != nil {
				t.Fatal(err)
			}
			made.SetTrainable(!v.Buffer)
		}
		names := []string{"conv/kernel", "bn/scale", "bn/offset"}
		loss := func(scope *model.Scope, x *graph.Node) *graph.Node {
			return graph.ReduceAllSum(graph.Square(c.forward(scope.At("block"), x, Mode{BatchNorm: Averages})))
		}
		gradient := model.MustNewExec(xla, s, func(scope *model.Scope, x *graph.Node) []*graph.Node {
			y, of := loss(scope, x), []*graph.Node{x}
			for _, name := range names {
				of = append(of, s.GetVariable("/block/"+name).NodeValue(x.Graph()))
			}
			return graph.Gradient(y, of...)
		})
		exec := model.MustNewExec(xla, s, loss)
		x := numbers(2, 4, 5, 2)
		got, err := gradient.Call(x)
		if err != nil {
			t.Fatalf("depthwise %v: %v", depthwise, err)
		}
		at := func(x *tensors.Tensor) float64 {
			return float64(tensors.MustCopyFlatData[float32](exec.MustCall1(x))[0])
		}
		compare(t, "x", got[0], x, at)
		for i, name := range names {
			v := s.GetVariable("/block/" + name)
			original := tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](v.MustValue()), v.Shape().Dimensions...)
			compare(t, name, got[i+1], original, func(moved *tensors.Tensor) float64 {
				v.MustSetValue(moved)
				return at(x)
			})
			v.MustSetValue(original)
		}
		if after := tensors.MustCopyFlatData[float32](s.GetVariable("/block/bn/variance").MustValue()); after[0] != 0.5 || after[1] != 2 {
			t.Errorf("depthwise %v: the running variance became %v", depthwise, after)
		}
	}
}

// compare holds a gradient against central differences; the loss is a quadratic of every number, so that a wide step is exact but for rounding.
func compare(t *testing.T, what string, gradient, x *tensors.Tensor, loss func(*tensors.Tensor) float64) {
	t.Helper()
	const h = 0.25
	values, got := tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[float32](gradient)
	moved := func(i int, by float32) float64 {
		changed := append([]float32(nil), values...)
		changed[i] += by
		return loss(tensors.FromFlatDataAndDimensions(changed, x.Shape().Dimensions...))
	}
	for i := range values {
		want := (moved(i, h) - moved(i, -h)) / (2 * h)
		if !(math.Abs(float64(got[i])-want) <= 1e-3*(1+math.Abs(want))) {
			t.Errorf("%s: slope %d is %g, the gradient %g", what, i, want, got[i])
		}
	}
}
