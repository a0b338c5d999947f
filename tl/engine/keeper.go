package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// keeper collects rows and hands them to their caches in pieces, so that a run that is killed loses little.
type keeper struct {
	data      rows
	caches    []*activationCache // of the rows that were asked for, and of those that are kept in passing
	pending   [][]byte
	positions []int
}

// A piece is a few hundred rows, or so many bytes.
const (
	flushRows  = 8 * prefixBatch
	flushBytes = 64 << 20
)

// errNoPlace ends a pass whose rows find no place any more.
var errNoPlace = errors.New("no place for more rows")

func (k *keeper) rows(positions []int, cuts []cut, outputs []*tensors.Tensor) error {
	bytes := 0
	for i := range k.caches {
		if err := appendRows(&k.pending[i], outputs[i], len(positions)*cuts[i].bytes()); err != nil {
			return err
		}
		bytes += len(k.pending[i])
	}
	k.positions = append(k.positions, positions...)
	if len(k.positions) >= flushRows || bytes >= flushBytes {
		return k.flush(context.Background())
	}
	return nil
}

func appendRows(dst *[]byte, t *tensors.Tensor, bytes int) error {
	err := t.ConstBytes(func(data []byte) { *dst = append(*dst, data[:bytes]...) })
	if err != nil {
		return fmt.Errorf("engine: read activations: %w", shorten(err))
	}
	return nil
}

// flush hands on what was collected. Rows that are kept in passing are given up where they find no place.
func (k *keeper) flush(ctx context.Context) error {
	if len(k.positions) == 0 {
		return nil
	}
	if err := k.unchanged(ctx); err != nil {
		return err
	}
	images := make([][32]byte, len(k.positions))
	for i, position := range k.positions {
		images[i] = k.data.hashes[position]
	}
	k.positions = k.positions[:0]
	full := false
	for i := len(k.caches) - 1; i >= 0; i-- {
		kept, err := k.caches[i].add(images, k.pending[i])
		if err != nil {
			return err
		}
		k.pending[i] = k.pending[i][:0]
		switch {
		case kept == len(images):
		case i == 0:
			full = true
		default:
			k.caches, k.pending = k.caches[:i], k.pending[:i]
		}
	}
	if full {
		return errNoPlace
	}
	return nil
}

// unchanged compares the files of the images whose rows are to be kept with what they were when they were hashed: a row of an image that was
// replaced between hashing and decoding must not be kept under the other's hash.
func (k *keeper) unchanged(ctx context.Context) error {
	table := *k.data.table
	table.Items = nil
	var positions []int
	for _, position := range k.positions {
		if item := k.data.table.Items[position]; item.File != "" {
			table.Items, positions = append(table.Items, item), append(positions, position)
		}
	}
	hashes, err := table.Hashes(ctx)
	if err != nil {
		return err
	}
	for i, position := range positions {
		if hashes[i] != k.data.hashes[position] {
			return fmt.Errorf("engine: %s changed while its activations were computed: run this again when nothing writes there", table.Items[i].File)
		}
	}
	return nil
}

// copier takes rows of one cut for use at once.
type copier struct{ dst []byte }

func (c *copier) rows(positions []int, cuts []cut, outputs []*tensors.Tensor) error {
	bytes := len(positions) * cuts[0].bytes()
	rows := c.dst[:0]
	if err := appendRows(&rows, outputs[0], bytes); err != nil {
		return err
	}
	c.dst = c.dst[bytes:]
	return nil
}

func (*copier) flush(context.Context) error { return nil }
