package images

import (
	"context"
	"fmt"
	"iter"

	"transferlab/datasets"
)

// Batch is some images of a stream.
type Batch struct {
	Positions []int   // which rows of the data set
	Pixels    []uint8 // [len(Positions), Size, Size, 3]
}

// Stream decodes the images at positions batch by batch, in order, ahead of whoever ranges over it: while the engine computes on one
// batch, the next one is decoded. At most three batches are in memory. The last one may be shorter. The first error is the last thing
// that it yields; leaving the loop ends the decoding before the loop's statement is left.
func Stream(ctx context.Context, d datasets.Dataset, positions []int, o Options, batch int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		t, err := d.Table(ctx)
		if err != nil {
			yield(Batch{}, err)
			return
		}
		StreamTable(ctx, t, d.Augmentation, positions, o, batch)(yield)
	}
}

// StreamTable is Stream for a data set that is already listed.
func StreamTable(ctx context.Context, t *datasets.Table, a datasets.Augmentation, positions []int, o Options, batch int) iter.Seq2[Batch, error] {
	type result struct {
		batch Batch
		err   error
	}
	return func(yield func(Batch, error) bool) {
		if batch < 1 {
			yield(Batch{}, fmt.Errorf("images: stream: batches of %d; the number must be at least 1", batch))
			return
		}
		if err := o.check(a, positions, len(t.Items)); err != nil {
			yield(Batch{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		ahead := make(chan result, 1)
		go func() {
			defer close(ahead)
			for from := 0; from < len(positions); from += batch {
				rows := positions[from:min(from+batch, len(positions))]
				b := Batch{Positions: rows, Pixels: make([]uint8, len(rows)*o.Size*o.Size*3)}
				err := Decode(ctx, t, a, rows, o, b.Pixels)
				select {
				case ahead <- result{b, err}:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range ahead { // wait until no decoder runs
			}
		}()
		for r := range ahead {
			if r.err != nil {
				yield(Batch{}, r.err)
				return
			}
			if !yield(r.batch, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Batch{}, fmt.Errorf("images: stream: %w", err))
		}
	}
}
