package tl

import (
	"context"

	"transferlab/datasets"
)

// RepresentAt computes what leaves the block of that name for every image of d, averaged over space: float32 [n, channels]. Each image runs
// through the network once and is kept, as by Represent; of several blocks RepresentBlocks makes one pass. Names are listed by Summary.
func (b Base) RepresentAt(ctx context.Context, d datasets.Dataset, block string) (Representation, error) {
	all, err := b.RepresentBlocks(ctx, d, block)
	if err != nil {
		return Representation{}, err
	}
	return all[0], nil
}

// RepresentBlocks is RepresentAt of several blocks in one pass over the images, in the order of their names; without names, of every block.
func (b Base) RepresentBlocks(ctx context.Context, d datasets.Dataset, blocks ...string) ([]Representation, error) {
	return call[[]Representation](ctx, VerbRepresentBlocks, b.Name, RepresentBlocksRequest{RepresentRequest{Base: b, Data: d}, blocks})
}

// Logits computes the answers of the network's original top, the one thrown away for transfer, as a representation: float32 [n, 1000] for
// ImageNet's classes, before the softmax. A base without a top is an error.
func (b Base) Logits(ctx context.Context, d datasets.Dataset) (Representation, error) {
	return call[Representation](ctx, VerbRepresent, b.Name, RepresentRequest{Base: b, Data: d, Logits: true})
}

// Represent is [Base.Represent] of the model as it is now: what enters its head. Blocks that did not move are not computed again.
func (m Model) Represent(ctx context.Context, d datasets.Dataset) (Representation, error) {
	return call[Representation](ctx, VerbRepresent, m.Name, RepresentRequest{Base: m.Base, Data: d, Model: m})
}

// RepresentAt is [Base.RepresentAt] of the model as it is now.
func (m Model) RepresentAt(ctx context.Context, d datasets.Dataset, block string) (Representation, error) {
	all, err := m.RepresentBlocks(ctx, d, block)
	if err != nil {
		return Representation{}, err
	}
	return all[0], nil
}

// RepresentBlocks is [Base.RepresentBlocks] of the model as it is now.
func (m Model) RepresentBlocks(ctx context.Context, d datasets.Dataset, blocks ...string) ([]Representation, error) {
	return call[[]Representation](ctx, VerbRepresentBlocks, m.Name, RepresentBlocksRequest{RepresentRequest{Base: m.Base, Data: d, Model: m}, blocks})
}
