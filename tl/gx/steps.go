package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// Steps gives every variable a learning rate of its own around any optimizer: differential learning rates (Howard & Ruder 2018, arXiv:1801.06146).
//
// It scales the step, new = old + rate·(inner − old), where the inner optimizer runs at learning rate 1. Scaling the gradient instead would do
// nothing under Adam, which divides by the gradient's own size. It is an optimizer.Interface and works with GoMLX's Trainer.
type Steps struct {
	Optimizer optimizer.Interface     // with learning rate 1 and, for SGD, without decay
	Rate      func(path string) *Node // the rate of the variable at that path, a scalar
	Decay     func(path string) *Node // decoupled weight decay (Loshchilov & Hutter 2019), scaled by the rate; nil, or nil for a path, is none
}

var _ optimizer.Interface = Steps{}

// UpdateGraph adds the optimizer's step to the graph; see optimizer.Interface.
func (s Steps) UpdateGraph(scope *model.Scope, g *Graph, loss *Node) {
	type moved struct {
		variable *model.Variable
		old      *Node
	}
	var variables []moved
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			variables = append(variables, moved{v, v.NodeValue(g)})
		}
	}
	s.Optimizer.UpdateGraph(scope, g, loss)
	for _, m := range variables {
		step := Sub(m.variable.NodeValue(g), m.old)
		if s.Decay != nil {
			if decay := s.Decay(m.variable.Path()); decay != nil {
				step = Sub(step, Mul(decay, m.old))
			}
		}
		m.variable.SetNodeValue(Add(m.old, Mul(s.Rate(m.variable.Path()), step)))
	}
}

// Clear forgets the inner optimizer's state; see optimizer.Interface.
func (s Steps) Clear(scope *model.Scope) error { return s.Optimizer.Clear(scope) }
