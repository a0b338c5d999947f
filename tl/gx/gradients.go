package gx

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// GradientOptimizer is an optimizer that also takes gradients that somebody else computed, or changed: one for each variable of
// [Trainable], in its order. GoMLX's Adam, RMSProp and SGD are such, and so are [Momentum], [RMSProp], [Clipped] and [Anchored], which can stand
// around each other; put [Scaled] around all of them.
type GradientOptimizer interface {
	optimizer.Interface
	UpdateGraphWithGradients(scope *model.Scope, gradients []*Node, lossDType dtypes.DType)
}

var _ = []GradientOptimizer{Momentum{}, RMSProp{}, Clipped{}, Anchored{}}

// Trainable are the variables under scope that an optimizer moves: those that are trainable and that the graph uses, in the store's order.
func Trainable(scope *model.Scope, g *Graph) []*model.Variable {
	var all []*model.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			all = append(all, v)
		}
	}
	return all
}

// Clipped scales all gradients down by one factor where their norm, taken as one vector, is above a limit (Pascanu, Mikolov & Bengio 2013):
// gradient·limit/max(norm, limit), as TensorFlow's clip_by_global_norm and Keras's global_clipnorm.
type Clipped struct {
	Optimizer GradientOptimizer
	Limit     func(g *Graph) *Node // a scalar, > 0, a constant of the graph or an input of it
}

// UpdateGraph builds one step.
func (c Clipped) UpdateGraph(scope *model.Scope, _ *Graph, loss *Node) {
	c.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients builds one step with these gradients; see [GradientOptimizer].
func (c Clipped) UpdateGraphWithGradients(scope *model.Scope, gradients []*Node, lossDType dtypes.DType) {
	gradients = slices.Clone(gradients)
	if len(gradients) > 0 {
		var squares *Node
		for _, gradient := range gradients {
			square := ConvertDType(SumOfSquares(gradient), lossDType)
			if squares == nil {
				squares = square
			} else {
				squares = Add(squares, square)
			}
		}
		limit := ConvertDType(c.Limit(squares.Graph()), lossDType)
		factor := Div(limit, Max(Sqrt(squares), limit))
		for i, gradient := range gradients {
			gradients[i] = Mul(gradient, ConvertDType(factor, gradient.DType()))
		}
	}
	c.Optimizer.UpdateGraphWithGradients(scope, gradients, lossDType)
}

// Clear deletes the optimizer's own variables.
func (c Clipped) Clear(scope *model.Scope) error { return c.Optimizer.Clear(scope) }

// Anchored adds strength/2·‖w − anchor‖² to the loss, variable by variable: L2-SP (Li, Grandvalet & Davoine 2018) where the anchor is
// the pretrained value, plain L2 where it is the origin. It is a term of the loss and not a decoupled decay, as in the paper, so that under
// Adam it is divided by the gradient's size as the rest of the gradient is.
type Anchored struct {
	Optimizer GradientOptimizer
	// Pull gives the strength, a scalar ≥ 0, and the anchor, of the variable's shape; a nil anchor is the origin, a nil strength leaves the
	// variable alone.
	Pull func(g *Graph, v *model.Variable) (strength, anchor *Node)
}

// UpdateGraph builds one step.
func (a Anchored) UpdateGraph(scope *model.Scope, _ *Graph, loss *Node) {
	a.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients builds one step with these gradients; see [GradientOptimizer].
func (a Anchored) UpdateGraphWithGradients(scope *model.Scope, gradients []*Node, lossDType dtypes.DType) {
	gradients = slices.Clone(gradients)
	if len(gradients) > 0 {
		g := gradients[0].Graph()
		for i, v := range Trainable(scope, g) {
			strength, anchor := a.Pull(g, v)
			if strength == nil {
				continue
			}
			distance := v.NodeValue(g)
			if anchor != nil {
				distance = Sub(distance, anchor)
			}
			gradients[i] = Add(gradients[i], Mul(distance, ConvertDType(strength, distance.DType())))
		}
	}
	a.Optimizer.UpdateGraphWithGradients(scope, gradients, lossDType)
}

// Clear deletes the optimizer's own variables.
func (a Anchored) Clear(scope *model.Scope) error { return a.Optimizer.Clear(scope) }

// SumOfSquares is a scalar: ‖x‖².
func SumOfSquares(x *Node) *Node { return ReduceAllSum(Square(x)) }
