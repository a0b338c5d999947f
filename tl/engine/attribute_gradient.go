package engine

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// gradientBatch is the number of images whose heat maps are computed at once. All that a network computes is held until its gradient is there.
const gradientBatch = fewImages

// differentiate draws Grad-CAM's and saliency's maps.
func (e *Engine) differentiate(ctx context.Context, s subject, q question, report func(remote.Progress)) (heat, error) {
	a, timing, err := e.rowsFor(ctx, s, q, report)
	if err != nil {
		return heat{}, err
	}
	from, build, role := a.blocks, s.saliency, "saliency"
	if q.Method == tl.GradCAM {
		build, role = s.gradCAM(from, q.block), "grad-cam"
	}
	p, err := e.program(ctx, s.Name, role, fmt.Sprintf("%s %s %d %d", role, s.key(), from, q.block), build)
	if err != nil {
		return heat{}, err
	}
	if err := p.gate.enter(ctx, p.name); err != nil {
		return heat{}, err
	}
	defer p.gate.Unlock()
	if err := p.put(s.needed(from, q.block, true), func(string) bool { return true }); err != nil {
		return heat{}, err
	}
	report(remote.Progress{Stage: "compile the gradients of " + s.Name})
	compiled, err := p.compile(shapes.Make(a.kind, append([]int{gradientBatch}, a.shape...)...), shapes.Make(dtypes.Int32, gradientBatch))
	if err != nil {
		return heat{}, err
	}
	timing.Compile += compiled
	found, err := s.drawn(ctx, p, a, q, report)
	found.timing = timing
	return found, err
}

// rowsFor are the rows that enter the graph: decoded images for saliency, else what is nearest to Grad-CAM's block.
func (e *Engine) rowsFor(ctx context.Context, s subject, q question, report func(remote.Progress)) (activations, tl.Timing, error) {
	if q.Method == tl.GradCAM {
		return e.start(ctx, s, q.block, q.data, report)
	}
	return e.activations(ctx, s.source, 0, q.data, 0, report)
}

// drawn runs the compiled program over all rows.
func (s subject) drawn(ctx context.Context, p *program, a activations, q question, report func(remote.Progress)) (heat, error) {
	var found heat
	n := len(q.wanted)
	clock := newClock("heat maps of " + s.name)
	for from := 0; from < n; from += gradientBatch {
		if err := ctx.Err(); err != nil {
			callOf(ctx).stopped("stopped at %s of %s images", tl.WithCommas(int64(from)), tl.WithCommas(int64(n)))
			return found, err
		}
		positions, wanted := make([]int, gradientBatch), make([]int32, gradientBatch)
		for i := range positions {
			positions[i] = min(from+i, n-1) // the last batch is filled with its last row
			wanted[i] = q.wanted[positions[i]]
		}
		x, err := a.batch(positions)
		if err != nil {
			return found, err
		}
		outputs, err := p.run(x, wanted)
		if err != nil {
			return found, err
		}
		here := min(gradientBatch, n-from)
		if err := found.add(outputs, here, n); err != nil {
			return found, err
		}
		finalize(append(outputs, x)...)
		report(clock.tick(here, n, "images/s"))
	}
	return found, nil
}

// add takes the first rows of a batch's maps, logits and classes, of n in all.
func (h *heat) add(outputs []*tensors.Tensor, rows, n int) error {
	for i, t := range []*tl.Tensor{&h.maps, &h.logits} {
		data, err := floats(outputs[i])
		if err != nil {
			return err
		}
		shape := outputs[i].Shape().Dimensions
		if t.Shape == nil {
			t.Shape = append([]int{n}, shape[1:]...)
		}
		t.Data = append(t.Data, data[:rows*len(data)/shape[0]]...)
	}
	for _, class := range tensors.MustCopyFlatData[int32](outputs[2])[:rows] {
		h.class = append(h.class, int(class))
	}
	return nil
}

// gradCAM is Selvaraju et al. 2017, equations 1 and 2: a channel's weight is the mean over space of the gradient of the class's logit, and the map is
// the positive part of the weighted sum of channels. An image's logit depends on no other image, so that the gradient of the sum over
// the batch has each one's own.
func (s subject) gradCAM(from, block int) graphFunction {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		maps := s.mapsBehind(scope, in[0], from, block)
		logits := s.logitsFrom(scope, maps, block)
		score, class := scoreOf(logits, in[1])
		gradient := graph.Gradient(score, maps)[0]
		weights := graph.ReduceAndKeep(gradient, graph.ReduceMean, 1, 2)
		sum := graph.ReduceSum(graph.Mul(maps, weights), -1)
		return []*graph.Node{graph.Max(sum, graph.ZerosLike(sum)), logits, class}
	}
}

// saliency is Simonyan et al. 2014, section 3.1.
func (s subject) saliency(scope *model.Scope, in []*graph.Node) []*graph.Node {
	pixels := s.Input(in[0])
	x := s.Blocks[0].Forward(scope.At("%s", s.Blocks[0].Name), pixels, zoo.Mode{})
	logits := s.top(scope, x, 1)
	score, class := scoreOf(logits, in[1])
	return []*graph.Node{graph.ReduceMax(graph.Abs(graph.Gradient(score, pixels)[0]), -1), logits, class}
}

// scoreOf adds up each row's logit of the wanted class, of which −1 is the largest, and says which it was.
func scoreOf(logits, wanted *graph.Node) (score, class *graph.Node) {
	best := graph.ArgMax(logits, -1, dtypes.Int32)
	class = graph.Where(graph.LessThan(wanted, graph.ZerosLike(wanted)), best, wanted)
	chosen := graph.OneHot(class, logits.Shape().Dimensions[1], logits.DType())
	return graph.ReduceAllSum(graph.Mul(logits, graph.StopGradient(chosen))), class
}
