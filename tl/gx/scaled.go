package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// Scaled gives variables learning rates of their own under any optimizer (differential learning rates; Howard & Ruder 2018): it lets the
// optimizer make its step and scales the step, new = old + rate·(step's new − old). Scaling the gradient instead does nothing under
// Adam, which divides by the gradient's size.
//
// Build the optimizer with a learning rate of 1, so that Rate is the learning rate, and use one store and one Scaled for each phase:
// Adam counts the steps of all variables in one counter, and a learning-rate variable that exists keeps its old value. It implements
// optimizer.Interface, for train.Trainer and for graphs of your own.
type Scaled struct {
	Optimizer optimizer.Interface
	// Rate is the learning rate of a variable: a scalar, > 0, a constant of the graph or an input of it, so that another rate or a
	// schedule compiles nothing anew. To hold a variable still freeze it (SetTrainable(false)), so that its gradient is not computed
	// either. Nil is 1 for all.
	Rate func(g *Graph, v *model.Variable) *Node
	// Decay is the decoupled weight decay of a variable (Loshchilov & Hutter 2019), a scalar ≥ 0: it also moves by −rate·decay·old. Nil, for all
	// or for a variable, is none: biases and batch norm usually have none.
	Decay func(g *Graph, v *model.Variable) *Node
	// Watch sees the whole step of a variable, rate and decay included: new = old + step. Nil watches nothing.
	Watch func(v *model.Variable, old, step *Node)
}

var _ optimizer.Interface = Scaled{}

// UpdateGraph builds one step for every trainable variable under scope that the graph uses.
func (s Scaled) UpdateGraph(scope *model.Scope, g *Graph, loss *Node) {
	type before struct {
		variable *model.Variable
		old      *Node
	}
	var moved []before
	for _, v := range Trainable(scope, g) {
		moved = append(moved, before{v, v.NodeValue(g)})
	}
	s.Optimizer.UpdateGraph(scope, g, loss)
	for _, m := range moved {
		step := Sub(m.variable.NodeValue(g), m.old)
		if s.Decay != nil {
			if decay := s.Decay(g, m.variable); decay != nil {
				step = Sub(step, Mul(m.old, ConvertDType(decay, step.DType())))
			}
		}
		if s.Rate != nil {
			step = Mul(step, ConvertDType(s.Rate(g, m.variable), step.DType()))
		}
		if s.Watch != nil {
			s.Watch(m.variable, m.old, step)
		}
		m.variable.SetNodeValue(Add(m.old, step))
	}
}

// Clear deletes the optimizer's own variables.
func (s Scaled) Clear(scope *model.Scope) error { return s.Optimizer.Clear(scope) }
