package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"syscall"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets/images"
	"transferlab/tl"
	"transferlab/tl/count"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

const (
	prefixBatch = 32 // images in one run of the frozen prefix …
	fewImages   = 4  // … or so many, where no more are asked for: a photograph has its answer ten times sooner
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

// runPrefix computes the missing rows, as far as there is place for them, and says so where there is none.
func (e *Engine) runPrefix(ctx context.Context, s source, a activations, d rows, view int, missing []int, report func(remote.Progress)) (time.Duration, error) {
	place, err := e.makePlace(a.cache, len(missing), false)
	if err != nil {
		return 0, err
	}
	var compiled time.Duration
	if place > 0 {
		compiled, err = e.computeRows(ctx, s, a, d, view, missing[:place], report)
	}
	full := errors.Is(err, errNoPlace)
	if err != nil && !full {
		return compiled, err
	}
	if full || place < len(missing) || a.cache.saidTrouble() != nil {
		a.sayPlace(report)
	}
	return compiled, nil
}

// computeRows computes rows from the tap's where all are there, else from the decoded images, keeping the tap's where they, too, find place.
func (e *Engine) computeRows(ctx context.Context, s source, a activations, d rows, view int, missing []int, report func(remote.Progress)) (time.Duration, error) {
	run := &prefixRun{source: s, data: d, view: view, cuts: []cut{a.cut}}
	keep := &keeper{data: d, caches: []*activationCache{a.cache}, pending: make([][]byte, 1)}
	if tap := s.tap(); tap > 0 && tap < a.blocks {
		cache, err := e.cacheFor(ctx, s, s.at(tap), d.Augmentation.Key(view))
		if err != nil {
			return 0, err
		}
		release, err := cache.computing(ctx, report)
		if err != nil {
			return 0, err
		}
		defer release()
		from := activations{cut: s.at(tap), cache: cache, hashes: a.hashes, again: e.again(ctx, s, s.at(tap), d, view)}
		if !slices.ContainsFunc(missing, func(i int) bool { return !cache.has(a.hashes[i]) }) {
			run.from = from
		} else if keeps, err := e.keepsTap(a.cache, cache, len(missing)); err != nil {
			return 0, err
		} else if keeps {
			run.cuts = append(run.cuts, from.cut)
			keep.caches, keep.pending = append(keep.caches, cache), append(keep.pending, nil)
		}
	}
	return run.pass(ctx, e, missing, keep, report)
}

// keepsTap tells whether rows of the tap find place on disk beside those that were asked for.
func (e *Engine) keepsTap(wanted, tap *activationCache, rows int) (bool, error) {
	both := &activationCache{store: tap.store, dir: tap.dir, rowBytes: tap.rowBytes + wanted.rowBytes + indexEntry}
	place, err := e.makePlace(both, rows, true)
	return place == rows, err
}

// sayPlace tells the user which rows found no place on disk, and what that means.
func (a activations) sayPlace(report func(remote.Progress)) {
	need := count.BytesText(int64(len(a.hashes)) * int64(a.cache.rowBytes+indexEntry))
	_, limit, err := a.cache.store.usage()
	why := fmt.Sprintf("all of these take %s, and all activations together may take %s of the disk: set %s to more", need, count.BytesText(limit), ActivationsVariable)
	if trouble := cmp.Or(a.cache.saidTrouble(), err); trouble != nil {
		why = firstLine(trouble.Error())
		if errors.Is(trouble, syscall.ENOSPC) {
			why = fmt.Sprintf("the disk of %s is full: free %s, or set TLAB_HOME to another disk", a.cache.store.root, need)
		}
	}
	text := "the activations of these images are kept in this process alone: " + why
	if n := len(a.missing()); n > 0 {
		text = fmt.Sprintf("no place for the activations of %s of %s images, which are computed anew each time: %s",
			tl.WithCommas(int64(n)), tl.WithCommas(int64(len(a.hashes))), why)
	}
	report(remote.Progress{Finished: true, Stage: text})
}

// again gives the function that computes rows without keeping them.
func (e *Engine) again(ctx context.Context, s source, at cut, d rows, view int) func(positions []int, dst []byte) error {
	return func(positions []int, dst []byte) error {
		run := &prefixRun{source: s, data: d, view: view, cuts: []cut{at}}
		_, err := run.pass(ctx, e, positions, &copier{dst: dst}, func(remote.Progress) {})
		return err
	}
}

// prefixRun is one pass over rows.
type prefixRun struct {
	source
	data rows
	view int
	from activations // where rows start from; without a cache, the decoded image
	cuts []cut
	size int // of a batch
}

// rowSink takes the rows that a pass computes: of the images at positions the first rows of each output, one output for each cut.
type rowSink interface {
	rows(positions []int, cuts []cut, outputs []*tensors.Tensor) error
	flush(ctx context.Context) error
}

// pass runs the rows at those positions through the blocks, batch by batch, into the sink. It returns the time that compiling took.
func (r *prefixRun) pass(ctx context.Context, e *Engine, positions []int, sink rowSink, report func(remote.Progress)) (time.Duration, error) {
	forward, compiled, release, err := r.prepare(ctx, e, len(positions), report)
	if err != nil {
		return compiled, err
	}
	defer release()
	if r.from.cache != nil {
		return compiled, r.batches(ctx, positions, r.cached, forward, sink, report)
	}
	options := r.options()
	options.View = r.view
	next, stop := iter.Pull2(images.StreamTable(ctx, r.data.table, r.data.Augmentation, positions, options, r.size))
	defer stop()
	return compiled, r.batches(ctx, positions, func([]int) (*tensors.Tensor, error) {
		batch, err, _ := next()
		if err != nil {
			return nil, err
		}
		return rowsTensor(dtypes.Uint8, []int{r.size, r.Size, r.Size, 3}, func(dst []byte) error {
			copy(dst, batch.Pixels) // the last, smaller batch is filled with zeros: its shape must not be compiled anew
			return nil
		})
	}, forward, sink, report)
}

// cached is a batch of the rows to start from, filled up with its first.
func (r *prefixRun) cached(positions []int) (*tensors.Tensor, error) {
	full := slices.Clone(positions)
	for len(full) < r.size {
		full = append(full, positions[0])
	}
	return r.from.batch(full)
}

// batches runs all batches. What was computed before a stop or a damaged image is kept.
func (r *prefixRun) batches(ctx context.Context, positions []int, next func([]int) (*tensors.Tensor, error), forward func(*tensors.Tensor) ([]*tensors.Tensor, error),
	sink rowSink, report func(remote.Progress)) (err error) {
	clock := newClock("frozen blocks of " + r.Name)
	for batch := range slices.Chunk(positions, r.size) {
		if err = ctx.Err(); err != nil {
			break
		}
		if err = r.batch(batch, next, forward, sink); err != nil {
			break
		}
		report(clock.tick(len(batch), len(positions), "images/s"))
	}
	if flushed := sink.flush(context.WithoutCancel(ctx)); flushed != nil && !errors.Is(err, errNoPlace) {
		return errors.Join(flushed, err)
	}
	if ctx.Err() != nil {
		all := len(r.data.hashes)
		callOf(ctx).stopped("stopped at %s of %s images; those are kept", tl.WithCommas(int64(all-len(positions)+clock.done)), tl.WithCommas(int64(all)))
		return ctx.Err()
	}
	return err
}

// batch runs one batch of rows, given by their positions. Its tensors are freed at once: what they hold outside of Go's memory does not make Go's
// collector run.
func (r *prefixRun) batch(positions []int, next func([]int) (*tensors.Tensor, error), forward func(*tensors.Tensor) ([]*tensors.Tensor, error), sink rowSink) error {
	x, err := next(positions)
	if err != nil {
		return err
	}
	outputs, err := forward(x)
	defer finalize(append(outputs, x)...)
	if err != nil {
		return err
	}
	return sink.rows(positions, r.cuts, outputs)
}

func finalize(all ...*tensors.Tensor) {
	for _, t := range all {
		_ = t.FinalizeAll() // what cannot be freed now, the collector frees
	}
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
	key := fmt.Sprintf("prefix %s %d", r.key(), from.blocks)
	for _, c := range r.cuts {
		key += fmt.Sprint(" ", c.blocks)
		if c.mean {
			key += "m"
		}
	}
	p, err := e.program(ctx, r.Name, "prefix", key, func(scope *model.Scope, inputs []*graph.Node) []*graph.Node {
		outputs := make([]*graph.Node, len(r.cuts))
		x := r.input(inputs[0], from.blocks)
		for n := from.blocks; n < r.cuts[0].blocks; n++ {
			x = r.Blocks[n].Forward(scope.At("%s", r.Blocks[n].Name), x, zoo.Mode{})
			for i, c := range r.cuts {
				switch {
				case c.blocks != n+1:
				case c.mean:
					outputs[i] = overSpace(x)
				default:
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
