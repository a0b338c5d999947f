package gx

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// inners are the optimizers that tl.Phase offers, with the learning rate 1 that Scaled asks for.
func inners() map[string]optimizer.Interface {
	return map[string]optimizer.Interface{
		"sgd":      optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(1).Done(),
		"adam":     optimizer.Adam().LearningRate(1).Done(),
		"momentum": Momentum{Beta: constant(0.9)},
		"rmsprop":  RMSProp{},
	}
}

// constant is a scalar of a graph.
func constant(v float64) func(*Graph) *Node {
	return func(g *Graph) *Node { return Scalar(g, dtypes.Float64, v) }
}

// start is where both variables of a pair begin.
var start = []float64{0.5, -2, 3}

// pair is a store with variables /low/w and /high/w of equal values, and a step of an optimizer down a loss whose gradient with respect
// to high is as large as low's times ratio.
func pair(t *testing.T, o optimizer.Interface, ratio float64) (low, high *model.Variable, step func(rates ...float64)) {
	t.Helper()
	s := model.NewStore()
	low, high = variable(t, s, "/low/w", start...), variable(t, s, "/high/w", start...)
	exec := model.MustNewExec(xla, s, func(scope *model.Scope, rates *Node) *Node {
		g := rates.Graph()
		slope := func(v *model.Variable) *Node {
			return ReduceAllSum(Mul(v.NodeValue(g), Const(g, []float64{1, -3, 0.2})))
		}
		loss := Add(slope(low), MulScalar(slope(high), ratio))
		if scaled, ok := o.(Scaled); ok {
			if scaled.Rate == nil {
				scaled.Rate = func(_ *Graph, v *model.Variable) *Node {
					at := 0
					if v == high {
						at = 1
					}
					return Squeeze(Slice(rates, AxisElem(at)))
				}
			}
			o = scaled
		}
		o.UpdateGraph(scope, g, loss)
		return loss
	})
	return low, high, func(rates ...float64) { run(t, exec, rates) }
}

// moved is how far a variable is from before.
func moved(v *model.Variable, before []float64) []float64 {
	now := value(v)
	for i := range now {
		now[i] -= before[i]
	}
	return now
}

// The two blocks have gradients of different sizes; step ratios follow the rates, at every step and when the rates change.
func TestScaledStepsAreInTheRatioOfTheRates(t *testing.T) {
	for name, inner := range inners() {
		t.Run(name, func(t *testing.T) {
			low, high, step := pair(t, Scaled{Optimizer: inner}, 1)
			for _, rates := range [][]float64{{1e-3, 1e-2}, {1e-3, 1e-2}, {2e-4, 1e-1}} {
				lowBefore, highBefore := value(low), value(high)
				step(rates...)
				lowStep, highStep := moved(low, lowBefore), moved(high, highBefore)
				for i := range lowStep {
					if ratio := highStep[i] / lowStep[i]; math.Abs(ratio/(rates[1]/rates[0])-1) > 1e-9 {
						t.Errorf("rates %v: number %d moved %g and %g, ratio %g", rates, i, lowStep[i], highStep[i], ratio)
					}
				}
			}
		})
	}
}

// The rates are the optimizer's own learning rates: one variable under Scaled goes where the bare optimizer takes it.
func TestScaledEqualsTheBareOptimizer(t *testing.T) {
	const rate = 0.03
	bare := map[string]optimizer.Interface{
		"sgd":  optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(rate).Done(),
		"adam": optimizer.Adam().LearningRate(rate).Done(),
	}
	for name := range bare {
		_, scaled, step := pair(t, Scaled{Optimizer: inners()[name]}, 1)
		_, plain, plainStep := pair(t, bare[name], 1)
		for range 4 {
			step(rate, rate)
			plainStep(1, 1)
		}
		near(t, name, value(scaled), value(plain), 1e-12)
	}
}

// Without Rate every rate is 1.
func TestScaledZeroValueOfRate(t *testing.T) {
	one := func(g *Graph, _ *model.Variable) *Node { return Scalar(g, dtypes.Float64, 1) }
	for name, inner := range inners() {
		s := model.NewStore()
		v := variable(t, s, "/w", start...)
		run(t, model.MustNewExec(xla, s, func(scope *model.Scope, g *Graph) *Node {
			loss := ReduceAllSum(v.NodeValue(g))
			Scaled{Optimizer: inner}.UpdateGraph(scope, g, loss)
			return loss
		}))
		want, _, step := pair(t, Scaled{Optimizer: inners()[name], Rate: one}, 1)
		step(0, 0)
		near(t, name, moved(v, start)[:1], moved(want, start)[:1], 1e-6) // the first number has slope 1 in both; Adam's epsilon
	}
}

// Why the step is scaled and not the gradient: under Adam a gradient of a thousandth takes the same step.
func TestScalingTheGradientDoesNothingUnderAdam(t *testing.T) {
	low, high, step := pair(t, Scaled{Optimizer: inners()["adam"]}, 1e-3)
	for range 3 {
		step(1e-2, 1e-2)
	}
	near(t, "variable with a thousandth of the gradient", value(high), value(low), 1e-4) // of 3 steps of 1e-2; Adam's epsilon is seen
	low, high, step = pair(t, Scaled{Optimizer: inners()["sgd"]}, 1e-3)
	step(1e-2, 1e-2)
	near(t, "under SGD", moved(high, start), []float64{-1e-5, 3e-5, -2e-6}, 1e-12)
	near(t, "under SGD, whole gradient", moved(low, start), []float64{-1e-2, 3e-2, -2e-3}, 1e-12)
}

// Decoupled: whatever the optimizer makes of the gradient, the decay adds −rate·decay·old, and only where it is asked for.
func TestScaledWeightDecayIsDecoupled(t *testing.T) {
	const decay = 0.1
	for name := range inners() {
		t.Run(name, func(t *testing.T) {
			s := Scaled{Optimizer: inners()[name]}
			low, high, step := pair(t, s, 1)
			step(1e-2, 1e-2)
			without := moved(low, start)

			s.Decay = func(g *Graph, v *model.Variable) *Node {
				if v.Path() == "/high/w" {
					return Scalar(g, dtypes.Float64, decay)
				}
				return nil
			}
			s.Optimizer = inners()[name]
			low, high, step = pair(t, s, 1)
			step(1e-2, 1e-2)
			near(t, "without decay", moved(low, start), without, 1e-15)
			want := make([]float64, len(start))
			for i := range want {
				want[i] = without[i] - 1e-2*decay*start[i]
			}
			near(t, "with decay", moved(high, start), want, 1e-12)
		})
	}
}

// Frozen is bit-identical, whatever stands around the optimizer; and Adam makes no moments for it.
func TestScaledHoldsFrozenVariables(t *testing.T) {
	all := inners()
	for _, name := range []string{"adam", "momentum", "rmsprop"} {
		inner := inners()[name].(GradientOptimizer)
		all[name+", clipped, anchored"] = Anchored{Clipped{inner, constant(0.1)},
			func(g *Graph, _ *model.Variable) (*Node, *Node) { return constant(0.1)(g), nil }}
	}
	for name, inner := range all {
		always := func(g *Graph, _ *model.Variable) *Node { return Scalar(g, dtypes.Float64, 0.5) }
		low, high, step := pair(t, Scaled{Optimizer: inner, Decay: always}, 1)
		low.SetTrainable(false)
		for range 3 {
			step(1e-2, 1e-2)
		}
		near(t, name+": frozen", value(low), start, 0)
		if d := moved(high, start); d[0] == 0 || d[1] == 0 || d[2] == 0 {
			t.Errorf("%s: the variable beside the frozen one moved by %v", name, d)
		}
	}
}
