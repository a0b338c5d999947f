package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// meanBehind is the cut behind the block of that name, averaged over space. What has no space is the plain cut, so that the rows of the base's output
// are kept once.
func (s source) meanBehind(block string) (cut, error) {
	n := slices.Index(s.blockNames(), block) + 1
	if n == 0 {
		return cut{}, noSuch("block", block, s.blockNames())
	}
	c := s.at(n)
	if len(c.shape) == 3 {
		c = cut{blocks: n, shape: c.shape[2:], kind: dtypes.Float32, mean: true}
	}
	return c, nil
}

// representBlocks makes sure of the rows behind several blocks in one pass.
func (e *Engine) representBlocks(ctx context.Context, r tl.RepresentBlocksRequest, report func(remote.Progress)) ([]tl.Representation, error) {
	s, err := e.represented(ctx, r.RepresentRequest)
	if err != nil {
		return nil, err
	}
	defer s.release()
	names := r.Blocks
	if len(names) == 0 {
		names = s.blockNames()
	}
	cuts := make([]cut, len(names))
	for i, name := range names {
		if cuts[i], err = s.meanBehind(name); err != nil {
			return nil, err
		}
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return nil, err
	}
	if err := e.several(ctx, s.source, cuts, data, report); err != nil {
		return nil, err
	}
	all := make([]tl.Representation, len(names))
	for i, name := range names {
		all[i] = representationOf(r.RepresentRequest)
		all[i].Block, all[i].Shape = name, append([]int{len(data.hashes)}, cuts[i].shape...)
	}
	return all, nil
}

// several computes what is missing of the plain view at several cuts, each image once: those behind the tap start from its rows where all are kept.
func (e *Engine) several(ctx context.Context, s source, cuts []cut, d rows, report func(remote.Progress)) error {
	cuts = slices.Clone(cuts)
	slices.SortFunc(cuts, func(a, b cut) int { return cmp.Compare(b.blocks, a.blocks) }) // a pass wants the deepest first
	cuts = slices.CompactFunc(cuts, func(a, b cut) bool { return a.blocks == b.blocks })
	var wanted []activations
	for _, c := range cuts {
		cache, err := e.cacheFor(ctx, s, c, d.Augmentation.Key(0))
		if err != nil {
			return err
		}
		a := activations{cut: c, cache: cache, hashes: d.hashes}
		if len(a.missing()) > 0 {
			wanted = append(wanted, a)
		}
	}
	tap := s.tap()
	behind := slices.IndexFunc(wanted, func(a activations) bool { return a.blocks <= tap })
	if behind < 0 {
		behind = len(wanted)
	}
	if behind > 0 && tap > 0 { // else everything starts from the images
		cache, err := e.cacheFor(ctx, s, s.at(tap), d.Augmentation.Key(0))
		if err != nil {
			return err
		}
		kept := activations{cut: s.at(tap), cache: cache, hashes: d.hashes}
		if missing := missingOf(wanted[:behind]); !slices.ContainsFunc(missing, func(i int) bool { return !cache.has(d.hashes[i]) }) {
			kept.again = e.again(ctx, s, kept.cut, d, 0)
			if err := e.severalFrom(ctx, s, kept, wanted[:behind], d, report); err != nil {
				return err
			}
			wanted = wanted[behind:]
		} else if keeps, err := e.keepsTap(wanted[0].cache, cache, len(missing)); err != nil {
			return err
		} else if keeps && !slices.ContainsFunc(wanted, func(a activations) bool { return a.blocks == tap && !a.mean }) {
			wanted = append(wanted, kept)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return e.severalFrom(ctx, s, activations{}, wanted, d, report)
}

// missingOf are the positions of images that one of these lacks, each image once.
func missingOf(all []activations) (positions []int) {
	for _, a := range all {
		positions = append(positions, a.missing()...)
	}
	slices.Sort(positions)
	return slices.Compact(positions)
}

// severalFrom is one pass from those activations, or where they have no cache from the images, to all that is wanted, the deepest first.
func (e *Engine) severalFrom(ctx context.Context, s source, from activations, wanted []activations, d rows, report func(remote.Progress)) error {
	run := &prefixRun{source: s, data: d, from: from}
	keep := &keeper{data: d, pending: make([][]byte, len(wanted))}
	for _, a := range wanted {
		release, err := a.cache.computing(ctx, report)
		if err != nil {
			return err
		}
		defer release()
	}
	missing := missingOf(wanted) // another call or process may have computed some
	if len(missing) == 0 {
		return nil
	}
	for _, a := range wanted {
		if _, err := e.makePlace(a.cache, len(missing), false); err != nil {
			return err
		}
		run.cuts, keep.caches = append(run.cuts, a.cut), append(keep.caches, a.cache)
	}
	_, err := run.pass(ctx, e, missing, keep, report)
	if errors.Is(err, errNoPlace) {
		wanted[0].sayPlace(report)
		return nil // what found no place is computed when it is asked for
	}
	return err
}
