package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// mostNumbers bounds in bytes what a verb gives back to a cell in one tensor.
const mostNumbers = 256 << 20

// activationsOf gives the maps behind a block; see tl.Base.Activations.
func (e *Engine) activationsOf(ctx context.Context, r tl.ActivationsRequest, report func(remote.Progress)) (tl.Activations, error) {
	s, err := e.subject(ctx, r.Model)
	if err != nil {
		return tl.Activations{}, err
	}
	defer s.release()
	block, err := s.block(r.Block)
	if err != nil {
		return tl.Activations{}, err
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return tl.Activations{}, err
	}
	shape := s.Blocks[block].MapsShape()
	if err := fitsCell("maps behind "+r.Block, data, shape); err != nil {
		return tl.Activations{}, err
	}
	found := tl.Activations{Base: s.name, Block: r.Block}
	a, _, err := e.start(ctx, s, block, data, report)
	if err != nil {
		return tl.Activations{}, err
	}
	if a.blocks > block {
		found.Maps, err = a.tensor()
	} else {
		found.Maps, err = e.computeMaps(ctx, s, a, block, report)
	}
	found.Maps.Shape = append([]int{len(data.hashes)}, shape...)
	return found, err
}

// fitsCell refuses no rows, and more than a cell should be given.
func fitsCell(what string, data rows, shape []int) error {
	if len(data.hashes) == 0 {
		return fmt.Errorf("%s has no rows", data.Dataset)
	}
	each := 4
	for _, n := range shape {
		each *= n
	}
	if total := each * len(data.hashes); total > mostNumbers {
		return fmt.Errorf("%s of %s images take %d MB, at most %d are given: take %d images or fewer, .Take(%d)",
			what, tl.WithCommas(int64(len(data.hashes))), total>>20, mostNumbers>>20, mostNumbers/each, mostNumbers/each)
	}
	return nil
}

// tensor is all rows, [n, shape...].
func (a activations) tensor() (tl.Tensor, error) {
	t := tl.Tensor{Shape: append([]int{len(a.hashes)}, a.shape...), Data: make([]float32, len(a.hashes)*a.bytes()/dtypes.Float32.Size())}
	return t, a.each(0, len(a.hashes), func(i int, row []byte) {
		out := t.Row(i)
		for j := range out {
			out[j] = math.Float32frombits(binary.NativeEndian.Uint32(row[4*j:]))
		}
	})
}

// computeMaps runs the blocks between the cut of a and the maps, [n, numbers].
func (e *Engine) computeMaps(ctx context.Context, s subject, a activations, block int, report func(remote.Progress)) (tl.Tensor, error) {
	from := a.blocks
	p, err := e.program(ctx, s.Name, "maps", fmt.Sprintf("maps %s %d %d", s.base.key(), from, block), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		return []*graph.Node{s.mapsBehind(scope, in[0], from, block)}
	})
	if err != nil {
		return tl.Tensor{}, err
	}
	if err := p.gate.enter(ctx, p.name); err != nil {
		return tl.Tensor{}, err
	}
	defer p.gate.Unlock()
	if err := p.put(s.needed(from, block, false), func(string) bool { return true }); err != nil {
		return tl.Tensor{}, err
	}
	report(remote.Progress{Stage: "compile the maps of " + s.Name})
	if _, err := p.compile(shapes.Make(a.kind, append([]int{p.batch(len(a.hashes))}, a.shape...)...)); err != nil {
		return tl.Tensor{}, err
	}
	outputs, err := outputsOf(ctx, p, a, "maps behind "+s.Blocks[block].Name, report)
	if err != nil {
		return tl.Tensor{}, err
	}
	return outputs[0], nil
}
