package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// drift compares the model's base, block by block, with the pretrained one. Where the first blocks agree in every bit they run once, through the cache.
func (e *Engine) drift(ctx context.Context, r tl.DriftRequest, report func(remote.Progress)) (tl.Drift, error) {
	start := time.Now()
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Drift{}, err
	}
	defer t.gate.Unlock()
	sample, n, err := some(ctx, r.Data, tl.DriftImages)
	if err != nil {
		return tl.Drift{}, err
	}
	if n < 2 {
		return tl.Drift{}, fmt.Errorf("%s has %d image: representations are compared on 2 or more, better on several hundred", r.Data, n)
	}
	d := tl.Drift{Model: t.description.Name, Base: t.base.Name, Data: r.Data.String(), Images: n}
	same := t.unmoved()
	for i, block := range t.base.Blocks {
		d.Blocks = append(d.Blocks, tl.BlockDrift{Block: block.Name, Stage: block.Stage, Frozen: t.frozen[block.Name], L2: t.distance(i), CKA: 1})
	}
	if same < len(t.base.Blocks) {
		both, timing, err := e.behindBlocks(ctx, t, same, sample, report)
		if err != nil {
			return tl.Drift{}, err
		}
		d.Time = timing
		for i := range both[0] {
			cka, err := tl.CKA(both[0][i], both[1][i])
			if err != nil {
				cka = math.NaN() // a dead layer, or numbers that are none
			}
			d.Blocks[same+i].CKA = cka
		}
	}
	d.Time.Total = time.Since(start)
	return d, nil
}

// some is d, or n of its rows chosen by seed 0 where it has more, in d's order.
func some(ctx context.Context, d datasets.Dataset, n int) (datasets.Dataset, int, error) {
	all, err := d.Len(ctx)
	if err != nil || all <= n {
		return d, all, err
	}
	chosen := rand.New(rand.NewPCG(0, 0)).Perm(all)[:n]
	slices.Sort(chosen)
	return d.Rows(chosen...), n, nil
}

// unmoved is the number of leading blocks whose variables, averages included, are the pretrained ones bit for bit.
func (t *trained) unmoved() int {
	for i := range t.base.Blocks {
		for path, v := range ofBlocks(t.base, t.base.values, i, i+1) {
			if w := t.values[path]; w != v && w.sum() != v.sum() {
				return i
			}
		}
	}
	return len(t.base.Blocks)
}

// distance is ‖w − w₀‖/‖w₀‖ of a block's parameters; where w₀ is all zero and w is not, it is infinite.
func (t *trained) distance(block int) float64 {
	moved, size := 0.0, 0.0
	for _, v := range t.base.Blocks[block].Variables {
		if v.Buffer {
			continue
		}
		path := "/" + t.base.Blocks[block].Name + "/" + v.Name
		now := t.values[path].Data
		for i, w := range t.base.values[path].Data {
			moved += (float64(now[i]) - float64(w)) * (float64(now[i]) - float64(w))
			size += float64(w) * float64(w)
		}
	}
	if moved == 0 {
		return 0
	}
	return math.Sqrt(moved / size)
}

// behindBlocks are the representations [n, channels], averaged over space, behind each block from the n-th on: of the pretrained base and of the model.
func (e *Engine) behindBlocks(ctx context.Context, t *trained, from int, d datasets.Dataset, report func(remote.Progress)) (both [2][]tl.Tensor, timing tl.Timing, err error) {
	data, err := hashed(ctx, d)
	if err != nil {
		return both, timing, err
	}
	b := t.base
	a, timing, err := e.activations(ctx, source{b, b.values}, from, data, 0, report)
	if err != nil {
		return both, timing, err
	}
	p, err := e.program(ctx, b.Name, "drift", fmt.Sprintf("drift %s %d", b.key(), from), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		var outputs []*graph.Node
		x := b.input(in[0], from)
		for _, block := range b.Blocks[from:] {
			x = block.Forward(scope.At("%s", block.Name), x, zoo.Mode{})
			outputs = append(outputs, overSpace(x))
		}
		return outputs
	})
	if err != nil {
		return both, timing, err
	}
	if err := p.gate.enter(ctx, p.name); err != nil {
		return both, timing, err
	}
	defer p.gate.Unlock()
	report(remote.Progress{Stage: "compile the blocks of " + b.Name + " to compare"})
	for i, values := range []map[string]*value{b.values, t.values} {
		if err = p.put(ofBlocks(b, values, from, len(b.Blocks)), func(string) bool { return true }); err != nil {
			return both, timing, err
		}
		compiled, err := p.compile(shapes.Make(a.kind, append([]int{p.batch(len(a.hashes))}, a.shape...)...))
		timing.Compile += compiled
		if err != nil {
			return both, timing, err
		}
		if both[i], err = outputsOf(ctx, p, a, []string{"pretrained blocks", "trained blocks"}[i]+" of "+b.Name, report); err != nil {
			return both, timing, err
		}
	}
	return both, timing, nil
}

// overSpace averages [n, h, w, c] over h and w; what has no space stays.
func overSpace(x *graph.Node) *graph.Node {
	if x.Rank() == 4 {
		return graph.ReduceMean(x, 1, 2)
	}
	return x
}
