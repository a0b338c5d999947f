package engine

import (
	"context"
	"maps"
	"math"
	"strings"

	"transferlab/tl"
	"transferlab/tl/remote"
)

var nan = math.NaN()

func (e *Engine) represent(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (tl.Representation, error) {
	made := representationOf(r)
	if r.Logits {
		logits, _, err := e.originalLogits(ctx, r, report)
		made.Shape = logits.Shape
		return made, err
	}
	a, _, err := e.representation(ctx, r, report)
	if err != nil {
		return tl.Representation{}, err
	}
	made.Shape = append([]int{len(a.hashes)}, a.shape...)
	return made, nil
}

// representation is what the base gives at the place that is asked for; not its logits, which are no activations.
func (e *Engine) representation(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (activations, tl.Timing, error) {
	s, err := e.represented(ctx, r)
	if err != nil {
		return activations{}, tl.Timing{}, err
	}
	defer s.release()
	at := s.at(len(s.Blocks))
	if r.Block != "" {
		if at, err = s.meanBehind(r.Block); err != nil {
			return activations{}, tl.Timing{}, err
		}
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return activations{}, tl.Timing{}, err
	}
	return e.activationsAt(ctx, s.source, at, data, 0, report)
}

// represented finds the base, or the model, which comes locked: release it. Its weights stay what they are now for rows that are computed when they are
// read, since no place was found for them.
func (e *Engine) represented(ctx context.Context, r tl.RepresentRequest) (subject, error) {
	m := r.Model
	if isBare(m) {
		m = tl.Model{Base: r.Base}
	}
	s, err := e.subject(ctx, m)
	if err == nil {
		s.values = maps.Clone(s.values)
	}
	return s, err
}

// representationOf is the handle that a request is about, without its shape.
func representationOf(r tl.RepresentRequest) tl.Representation {
	return tl.Representation{Base: r.Base, Data: r.Data, Block: r.Block, Logits: r.Logits, Model: r.Model}
}

// numbers are the rows of a representation, or of logits, whichever is asked for.
func (e *Engine) numbers(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (*table64, error) {
	if r.Logits {
		logits, _, err := e.originalLogits(ctx, r, report)
		if err != nil {
			return nil, err
		}
		return tableOf(logits), nil
	}
	a, _, err := e.representation(ctx, r, report)
	if err != nil {
		return nil, err
	}
	return a.matrix(ctx), nil
}

// tableOf reads the rows of a tensor.
func tableOf(t tl.Tensor) *table64 {
	d := len(t.Data) / max(1, t.Len())
	return &table64{n: t.Len(), d: d, read: func(from, to int, dst []float64) error {
		for i, v := range t.Data[from*d : to*d] {
			dst[i] = float64(v)
		}
		return nil
	}}
}

func (e *Engine) values(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (tl.Tensor, error) {
	if r.Logits {
		logits, _, err := e.originalLogits(ctx, r, report)
		return logits, err
	}
	a, _, err := e.representation(ctx, r, report)
	if err != nil {
		return tl.Tensor{}, err
	}
	return a.tensor()
}

// buffers are the paths of batch-norm averages.
func (b *base) buffers() map[string]bool {
	return b.paths(func(name string, buffer, _ bool) bool { return buffer })
}

// kernels are the paths that weight decay applies to.
func (b *base) kernels() map[string]bool {
	return b.paths(func(_ string, _, kernel bool) bool { return kernel })
}

// batchNorm are the paths of batch-norm scales and offsets.
func (b *base) batchNorm() map[string]bool {
	return b.paths(func(name string, buffer, _ bool) bool {
		return !buffer && (strings.HasSuffix(name, "/scale") || strings.HasSuffix(name, "/offset"))
	})
}

func (b *base) paths(want func(name string, buffer, kernel bool) bool) map[string]bool {
	found := map[string]bool{}
	for _, block := range b.Blocks {
		for _, v := range block.Variables {
			if want(v.Name, v.Buffer, v.Kernel) {
				found["/"+block.Name+"/"+v.Name] = true
			}
		}
	}
	return found
}

// frozenList tells for each block whether it is frozen.
func (b *base) frozenList(frozen map[string]bool) []bool {
	list := make([]bool, len(b.Blocks))
	for i, block := range b.Blocks {
		list[i] = frozen[block.Name]
	}
	return list
}
