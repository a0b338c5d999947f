package gx

import (
	"path"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Momentum is gradient descent with momentum (Polyak 1964) as PyTorch has it: velocity ← β·velocity + gradient, w ← w − velocity. The
// learning rate is 1: put [Scaled] around it. GoMLX v0.28.2 has gradient descent without momentum only.
type Momentum struct {
	Beta func(g *Graph) *Node // a scalar in [0, 1), a constant of the graph or an input of it
}

const momentumScope = "momentum"

// UpdateGraph builds one step.
func (m Momentum) UpdateGraph(scope *model.Scope, _ *Graph, loss *Node) {
	m.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients builds one step with these gradients; see [GradientOptimizer].
func (m Momentum) UpdateGraphWithGradients(scope *model.Scope, gradients []*Node, _ dtypes.DType) {
	eachTrainable(scope, gradients, func(g *Graph, v *model.Variable, gradient *Node) *Node {
		velocity := state(scope, momentumScope, v)
		next := Add(Mul(velocity.NodeValue(g), ConvertDType(m.Beta(g), gradient.DType())), gradient)
		velocity.SetNodeValue(next)
		return next
	})
}

// Clear deletes the velocities.
func (m Momentum) Clear(scope *model.Scope) error { return clearState(scope, momentumScope) }

// RMSProp divides the gradient by a moving root mean square of itself (Tieleman & Hinton 2012), as Keras has it:
// s ← ρ·s + (1 − ρ)·gradient², w ← w − gradient/√(s + ε). The learning rate is 1: put [Scaled] around it. GoMLX's RMSProp is Adam without
// its first moment: it corrects s for its start at 0, which takes a first step 1/√(1 − ρ) times smaller, and has ρ 0.999.
type RMSProp struct {
	Rho     float64 // in (0, 1); 0 is Keras's 0.9
	Epsilon float64 // > 0; 0 is Keras's 1e-7
}

const rmspropScope = "rmsprop"

// UpdateGraph builds one step.
func (r RMSProp) UpdateGraph(scope *model.Scope, _ *Graph, loss *Node) {
	r.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients builds one step with these gradients; see [GradientOptimizer].
func (r RMSProp) UpdateGraphWithGradients(scope *model.Scope, gradients []*Node, _ dtypes.DType) {
	rho, epsilon := r.Rho, r.Epsilon
	if rho == 0 {
		rho = 0.9
	}
	if epsilon == 0 {
		epsilon = 1e-7
	}
	eachTrainable(scope, gradients, func(g *Graph, v *model.Variable, gradient *Node) *Node {
		average := state(scope, rmspropScope, v)
		next := Add(MulScalar(average.NodeValue(g), rho), MulScalar(Square(gradient), 1-rho))
		average.SetNodeValue(next)
		return Div(gradient, Sqrt(AddScalar(next, epsilon)))
	})
}

// Clear deletes the averages.
func (r RMSProp) Clear(scope *model.Scope) error { return clearState(scope, rmspropScope) }

// eachTrainable moves every variable by −step(gradient).
func eachTrainable(scope *model.Scope, gradients []*Node, step func(g *Graph, v *model.Variable, gradient *Node) *Node) {
	if len(gradients) == 0 {
		return
	}
	g := gradients[0].Graph()
	for i, v := range Trainable(scope, g) { // listed before step makes variables of its own
		v.SetNodeValue(Sub(v.NodeValue(g), step(g, v, gradients[i])))
	}
}

// state is an optimizer's own variable beside v: of v's shape, 0 at first, never trained.
func state(scope *model.Scope, optimizer string, v *model.Variable) *model.Variable {
	return scope.Store().Scope(path.Join("/", optimizer, v.Scope())).WithInitializer(initializer.Zero).
		VariableWithShape(v.Name(), v.Shape()).SetTrainable(false)
}

func clearState(scope *model.Scope, optimizer string) error {
	return scope.Store().Scope("/" + optimizer).DeleteVariablesInScope()
}
