package gx

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// slopeStep is a step of an optimizer down slope₁·w₁ + slope₂·w₂: two variables /a/w and /b/w whose gradients are known.
func slopeStep(t *testing.T, o optimizer.Interface, s *model.Store, a, b *model.Variable) func(slopes ...float64) {
	t.Helper()
	exec := model.MustNewExec(xla, s, func(scope *model.Scope, slopes *Node) *Node {
		g := slopes.Graph()
		loss := Add(ReduceAllSum(Mul(a.NodeValue(g), Slice(slopes, AxisRange(0, 1)))), ReduceAllSum(Mul(b.NodeValue(g), Slice(slopes, AxisRange(1, 2)))))
		o.UpdateGraph(scope, g, loss)
		return loss
	})
	return func(slopes ...float64) { run(t, exec, slopes) }
}

func two(t *testing.T, x, y float64) (s *model.Store, a, b *model.Variable) {
	s = model.NewStore()
	return s, variable(t, s, "/a/w", x), variable(t, s, "/b/w", y)
}

func sgd(rate float64) GradientOptimizer {
	return optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(rate)
}

// A gradient of (3, −4) has norm 5: limited to 1 it is (0.6, −0.8), limited to 10 it is left alone. The norm is that of all variables together.
func TestClipped(t *testing.T) {
	for limit, want := range map[float64][2]float64{1: {-0.6, 0.8}, 5: {-3, 4}, 10: {-3, 4}} {
		s, a, b := two(t, 0, 0)
		slopeStep(t, Clipped{sgd(1), constant(limit)}, s, a, b)(3, -4)
		near(t, "a step", []float64{value(a)[0], value(b)[0]}, want[:], 1e-12)
	}
	s, a, b := two(t, 1, 2)
	slopeStep(t, Clipped{sgd(1), constant(1)}, s, a, b)(0, 0)
	near(t, "a step without a gradient", []float64{value(a)[0], value(b)[0]}, []float64{1, 2}, 0)
}

// β 0.9 and a gradient of 1: the velocities are 1, 1.9, 2.71; and when the gradient is gone, 2.439. As torch.optim.SGD(momentum=0.9, lr=0.1).
func TestMomentum(t *testing.T) {
	s, a, b := two(t, 0, 0)
	rate := func(g *Graph, _ *model.Variable) *Node { return constant(0.1)(g) }
	step := slopeStep(t, Scaled{Optimizer: Momentum{constant(0.9)}, Rate: rate}, s, a, b)
	wantA, wantB := 0.0, 0.0
	for i, velocity := range []float64{1, 1.9, 2.71, 2.439} {
		slope := 1.0
		if i == 3 {
			slope = 0
		}
		step(slope, -2*slope)
		wantA, wantB = wantA-0.1*velocity, wantB+0.2*velocity
		near(t, "weights", []float64{value(a)[0], value(b)[0]}, []float64{wantA, wantB}, 1e-12)
	}
	if err := (Momentum{}).Clear(s.RootScope()); err != nil {
		t.Fatal(err)
	}
	if v := s.GetVariable("/momentum/a/w"); v != nil {
		t.Error("Clear leaves the velocity")
	}
	plain, c, d := two(t, 0, 0)
	step = slopeStep(t, Momentum{constant(0)}, plain, c, d)
	step(1, 1)
	step(1, 1)
	near(t, "β 0 is plain descent", value(c), []float64{-2}, 0)
}

// Gradients 2, 2, −1: s = 0.4, 0.76, 0.784 and the steps 2/√0.4, 2/√0.76, −1/√0.784, as keras.optimizers.RMSprop.
func TestRMSProp(t *testing.T) {
	s, a, b := two(t, 0, 0)
	step, want := slopeStep(t, RMSProp{}, s, a, b), 0.0
	for i, slope := range []float64{2, 2, -1} {
		step(slope, 0)
		want -= slope / math.Sqrt([]float64{0.4, 0.76, 0.784}[i]+1e-7)
		near(t, "weights", []float64{value(a)[0], value(b)[0]}, []float64{want, 0}, 1e-12)
	}
}

// GoMLX's RMSProp takes a first step of the learning rate, Keras's one of 1/√0.1 times as much. If that changes, ours may go.
func TestTrapRMSPropCorrectsItsStart(t *testing.T) {
	s, a, b := two(t, 0, 0)
	slopeStep(t, optimizer.RMSProp().LearningRate(1).Done(), s, a, b)(2, 1)
	near(t, "first step", value(a), []float64{-1}, 1e-6)
}

// The gradient of L2-SP is the loss's and α·(w − w₀); without an anchor it is plain L2. Clipping outside sees both.
func TestAnchored(t *testing.T) {
	pull := func(g *Graph, v *model.Variable) (strength, anchor *Node) {
		if v.Path() == "/a/w" {
			return constant(0.5)(g), Const(g, []float64{3})
		}
		return constant(0.25)(g), nil
	}
	s, a, b := two(t, 2, 4)
	slopeStep(t, Anchored{sgd(1), pull}, s, a, b)(10, 10)
	near(t, "a step", []float64{value(a)[0], value(b)[0]}, []float64{2 - (10 + 0.5*(2-3)), 4 - (10 + 0.25*4)}, 1e-12)

	s, a, b = two(t, 2, 4)
	slopeStep(t, Anchored{sgd(1), func(*Graph, *model.Variable) (*Node, *Node) { return nil, nil }}, s, a, b)(10, 10)
	near(t, "without strength", []float64{value(a)[0], value(b)[0]}, []float64{-8, -6}, 0)

	s, a, b = two(t, 5, 4) // gradients 2 + 0.5·2 = 3 and 3 + 1 = 4: norm 5
	slopeStep(t, Anchored{Clipped{sgd(1), constant(1)}, pull}, s, a, b)(2, 3)
	near(t, "clipped", []float64{value(a)[0], value(b)[0]}, []float64{5 - 0.6, 4 - 0.8}, 1e-12)

	// It is the gradient of the penalised loss, by finite differences.
	penalised := func(x, y float64) float64 { return 10*x + 10*y + 0.5/2*(x-3)*(x-3) + 0.25/2*y*y }
	const h = 1e-5
	near(t, "slope of the penalised loss", []float64{(penalised(2+h, 4) - penalised(2-h, 4)) / (2 * h), (penalised(2, 4+h) - penalised(2, 4-h)) / (2 * h)},
		[]float64{10 + 0.5*(2-3), 10 + 0.25*4}, 1e-8)
}

// Watch sees what a variable moved by, rate and decay included.
func TestScaledWatch(t *testing.T) {
	s, a, b := two(t, 2, 4)
	exec := model.MustNewExec(xla, s, func(scope *model.Scope, g *Graph) []*Node {
		loss := Add(ReduceAllSum(a.NodeValue(g)), ReduceAllSum(b.NodeValue(g)))
		var seen []*Node
		Scaled{Optimizer: sgd(1), Rate: func(g *Graph, _ *model.Variable) *Node { return constant(0.1)(g) },
			Decay: func(g *Graph, v *model.Variable) *Node { return constant(0.5)(g) },
			Watch: func(_ *model.Variable, old, step *Node) { seen = append(seen, old, step) }}.UpdateGraph(scope, g, loss)
		return seen
	})
	for i, want := range []float64{2, -0.1 * (1 + 0.5*2), 4, -0.1 * (1 + 0.5*4)} {
		near(t, "old and step of a, of b", flat(run(t, exec)[i]), []float64{want}, 1e-12)
		a.MustSetValue(tensors.FromValue([]float64{2}))
		b.MustSetValue(tensors.FromValue([]float64{4}))
	}
}
