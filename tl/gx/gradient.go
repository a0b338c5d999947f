// Package gx holds building blocks for GoMLX programs that fine-tune networks: differential learning rates around any optimizer,
// decoupled weight decay on chosen variables, learning-rate schedules, and convolutions with gradients written for XLA on a CPU.
// It imports GoMLX only and can be used without the rest of the lab.
//
// As everywhere in GoMLX, functions that build graphs panic on shapes that do not fit; model.NewExec turns it into an error.
package gx

import . "github.com/gomlx/gomlx/core/graph" //nolint:revive // graph functions read as formulas, as in GoMLX itself

// WithGradient is forward(inputs), with a gradient of your own instead of the one that autodiff derives. backward gives the adjoint of
// inputs[i] from the adjoint v of the output; it is only called for inputs whose gradient is needed. The nodes that forward is given
// let no gradient through.
//
// GoMLX knows custom gradients only for an identity of one input. So the output passes through an identity that keeps its adjoint,
// and is tied to one element of each input by adding (element − element), which is 0; each input passes through an identity whose
// gradient ignores what arrives over that tie and calls backward with the kept adjoint. Autodiff visits outputs before inputs.
func WithGradient(inputs []*Node, forward func(inputs []*Node) *Node, backward func(i int, v *Node) *Node) *Node {
	var adjoint *Node
	stopped := make([]*Node, len(inputs))
	for i, x := range inputs {
		stopped[i] = StopGradient(x)
	}
	y := forward(stopped)
	for i, x := range inputs {
		tied := IdentityWithCustomGradient(x, func(*Node, *Node) *Node { return backward(i, adjoint) })
		element := firstElement(tied)
		y = Add(y, Sub(element, StopGradient(element)))
	}
	return IdentityWithCustomGradient(y, func(_, v *Node) *Node {
		adjoint = v
		return v
	})
}

func firstElement(x *Node) *Node {
	first := make([]SliceAxisSpec, x.Rank())
	for i := range first {
		first[i] = AxisElem(0)
	}
	return Reshape(Slice(x, first...))
}
