package engine

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets"
	"transferlab/datasets/images"
	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

const (
	prefixBatch = 32 // images in one run of the frozen prefix …
	fewImages   = 4  // … or so many, where no more are asked for: a photograph has its answer ten times sooner
	flushRows   = 8 * prefixBatch
)

// tap is where activations are kept in passing when the whole base runs: before the last halving of the resolution. That is where
// fine-tuning the last blocks starts, and a row there costs 88 kB in EfficientNet-Lite0 and saves two thirds of the forward pass.
func (s source) tap() int {
	tap := 0
	for n := 1; n < len(s.Blocks); n++ {
		here, next := s.outputShape(n), s.outputShape(n+1)
		if len(here) == 3 && len(next) == 3 && next[0] < here[0] {
			tap = n
		}
	}
	return tap
}

// runPrefix computes the missing rows: from the tap's rows where all are there, else from the decoded images, keeping the tap's.
func (e *Engine) runPrefix(ctx context.Context, s source, a activations, d datasets.Dataset, view int, missing []int, report func(remote.Progress)) (time.Duration, error) {
	run := &prefixRun{source: s, hashes: a.hashes, cuts: []cut{a.cut}, caches: []*activationCache{a.cache}}
	if tap := s.tap(); tap > 0 && tap < a.blocks {
		at := s.at(tap)
		cache, err := e.cacheFor(ctx, s, at, d.Augmentation.Key(view))
		if err != nil {
			return 0, err
		}
		if !slices.ContainsFunc(missing, func(i int) bool { return !cache.has(a.hashes[i]) }) {
			run.from = activations{cut: at, cache: cache, hashes: a.hashes}
		} else {
			run.cuts, run.caches = append(run.cuts, at), append(run.caches, cache)
		}
	}
	forward, compiled, release, err := run.prepare(ctx, e, len(missing), report)
	if err != nil {
		return compiled, err
	}
	defer release()
	if run.from.cache != nil {
		return compiled, run.rows(ctx, missing, run.cached, forward, report)
	}
	next, stop := iter.Pull2(images.Stream(ctx, d, missing, images.Options{Size: s.Size, View: view}, run.size))
	defer stop()
	return compiled, run.rows(ctx, missing, func([]int) (*tensors.Tensor, error) {
		batch, err, _ := next()
		if err != nil {
			return nil, err
		}
		return rowsTensor(dtypes.Uint8, []int{run.size, s.Size, s.Size, 3}, func(dst []byte) error {
			copy(dst, batch.Pixels) // the last, smaller batch is filled with zeros: its shape must not be compiled anew
			return nil
		})
	}, forward, report)
}

// prefixRun is one pass over missing rows.
type prefixRun struct {
	source
	hashes [][32]byte
	from   activations // where rows start from; without a cache, the decoded image
	cuts   []cut
	caches []*activationCache
	size   int // of a batch
}

func (r *prefixRun) cached(positions []int) (*tensors.Tensor, error) {
	full := slices.Clone(positions)
	for len(full) < r.size {
		full = append(full, positions[0])
	}
	return r.from.batch(full)
}

// rows runs batches through the blocks and keeps the outputs.
func (r *prefixRun) rows(ctx context.Context, missing []int, next func([]int) (*tensors.Tensor, error), forward func(*tensors.Tensor) ([]*tensors.Tensor, error),
	report func(remote.Progress)) (err error) {
	keep := keeper{caches: r.caches, pending: make([][]byte, len(r.caches))}
	clock := newClock("frozen blocks of " + r.Name)
	for batch := range slices.Chunk(missing, r.size) {
		if err = ctx.Err(); err != nil {
			break
		}
		if err = r.batch(batch, next, forward, &keep); err != nil {
			break
		}
		report(clock.tick(len(batch), len(missing), "images/s"))
	}
	if flushed := keep.flush(); flushed != nil { // also what was done before a stop or a damaged image
		return flushed
	}
	if ctx.Err() != nil {
		callOf(ctx).stopped("stopped at %s of %s images; those are kept", tl.WithCommas(int64(len(r.hashes)-len(missing)+clock.done)), tl.WithCommas(int64(len(r.hashes))))
		return ctx.Err()
	}
	return err
}

// batch runs one batch of rows, given by their positions.
func (r *prefixRun) batch(positions []int, next func([]int) (*tensors.Tensor, error), forward func(*tensors.Tensor) ([]*tensors.Tensor, error), keep *keeper) error {
	x, err := next(positions)
	if err != nil {
		return err
	}
	outputs, err := forward(x)
	if err != nil {
		return err
	}
	for _, position := range positions {
		keep.images = append(keep.images, r.hashes[position])
	}
	return keep.rows(len(positions), r.cuts, outputs)
}

// prepare gives the function from a batch to the rows at each cut, compiled and with its weights set, and chooses the size of a batch for so
// many rows. Until release nobody else runs it.
func (r *prefixRun) prepare(ctx context.Context, e *Engine, rows int, report func(remote.Progress)) (forward func(x *tensors.Tensor) ([]*tensors.Tensor, error), compiled time.Duration, release func(), err error) {
	r.size = prefixBatch
	if r.cuts[0].blocks == 0 { // the decoded image itself
		return func(x *tensors.Tensor) ([]*tensors.Tensor, error) { return []*tensors.Tensor{x}, nil }, 0, func() {}, nil
	}
	from := r.from.cut
	if r.from.cache == nil {
		from = r.at(0)
	}
	key := fmt.Sprintf("prefix %s %d", r.Name, from.blocks)
	for _, c := range r.cuts {
		key += fmt.Sprint(" ", c.blocks)
	}
	p, err := e.program(ctx, r.Name, "prefix", key, func(scope *model.Scope, inputs []*graph.Node) []*graph.Node {
		outputs := make([]*graph.Node, len(r.cuts))
		x := r.input(inputs[0], from.blocks)
		for n := from.blocks; n < r.cuts[0].blocks; n++ {
			x = r.Blocks[n].Forward(scope.At("%s", r.Blocks[n].Name), x, zoo.Mode{})
			for i, c := range r.cuts {
				if c.blocks == n+1 {
					outputs[i] = x
				}
			}
		}
		return outputs
	})
	if err != nil {
		return nil, 0, nil, err
	}
	if err := p.gate.enter(ctx, "the frozen blocks of "+r.Name); err != nil {
		return nil, 0, nil, err
	}
	report(remote.Progress{Stage: "compile the frozen blocks of " + r.Name})
	err = p.put(ofBlocks(r.base, r.values, from.blocks, r.cuts[0].blocks), func(string) bool { return true })
	if err == nil {
		r.size = p.batch(rows)
		compiled, err = p.compile(shapes.Make(from.kind, append([]int{r.size}, from.shape...)...))
	}
	if err != nil {
		p.gate.Unlock()
		return nil, compiled, nil, err
	}
	return func(x *tensors.Tensor) ([]*tensors.Tensor, error) { return p.run(x) }, compiled, p.gate.Unlock, nil
}

// keeper collects rows and hands them to their caches in pieces of a few hundred, so that a run that is killed loses little.
type keeper struct {
	caches  []*activationCache
	pending [][]byte
	images  [][32]byte
}

// rows takes the first n rows of each output.
func (k *keeper) rows(n int, cuts []cut, outputs []*tensors.Tensor) error {
	for i, c := range cuts {
		err := outputs[i].ConstBytes(func(data []byte) { k.pending[i] = append(k.pending[i], data[:n*c.bytes()]...) })
		if err != nil {
			return fmt.Errorf("engine: read activations: %w", shorten(err))
		}
	}
	if len(k.images) >= flushRows {
		return k.flush()
	}
	return nil
}

func (k *keeper) flush() error {
	if len(k.images) == 0 {
		return nil
	}
	for i, cache := range k.caches {
		if err := cache.add(k.images, k.pending[i]); err != nil {
			return err
		}
		k.pending[i] = k.pending[i][:0]
	}
	k.images = k.images[:0]
	return nil
}
