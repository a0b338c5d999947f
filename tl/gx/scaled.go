package gx

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/support/exceptions"
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
	// Rate is the learning rate of a variable, > 0. A rate of 0 is refused: freeze the variable (SetTrainable(false)) instead, so that
	// its gradient is not computed either. Nil is 1 for all.
	Rate func(v *model.Variable) float64
	// Factor is a scalar by which all rates are multiplied, such as a schedule's value for this step. Nil is 1.
	Factor func(g *Graph) *Node
	// Decay is the decoupled weight decay of a variable (Loshchilov & Hutter 2019), ≥ 0: it also moves by −rate·decay·old. Biases and
	// batch norm usually have none. Nil is none for all.
	Decay func(v *model.Variable) float64
}

var _ optimizer.Interface = Scaled{}

// UpdateGraph builds one step for every trainable variable under scope that the graph uses.
func (s Scaled) UpdateGraph(scope *model.Scope, g *Graph, loss *Node) {
	type before struct {
		variable *model.Variable
		old      *Node
	}
	var moved []before
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			moved = append(moved, before{v, v.NodeValue(g)})
		}
	}
	s.Optimizer.UpdateGraph(scope, g, loss)
	var factor *Node
	if s.Factor != nil {
		factor = s.Factor(g)
	}
	for _, m := range moved {
		rate, decay := s.rates(m.variable)
		step := Sub(m.variable.NodeValue(g), m.old)
		if decay > 0 {
			step = Sub(step, MulScalar(m.old, decay))
		}
		step = MulScalar(step, rate)
		if factor != nil {
			step = Mul(step, ConvertDType(factor, step.DType()))
		}
		m.variable.SetNodeValue(Add(m.old, step))
	}
}

func (s Scaled) rates(v *model.Variable) (rate, decay float64) {
	rate = 1
	if s.Rate != nil {
		rate = s.Rate(v)
	}
	if !(rate > 0) {
		exceptions.Panicf("gx: learning rate %g of variable %s: want more than 0; freeze the variable instead", rate, v.Path())
	}
	if s.Decay != nil {
		decay = s.Decay(v)
	}
	if !(decay >= 0) {
		exceptions.Panicf("gx: weight decay %g of variable %s: want at least 0", decay, v.Path())
	}
	return rate, decay
}

// Clear deletes the optimizer's own variables.
func (s Scaled) Clear(scope *model.Scope) error { return s.Optimizer.Clear(scope) }
