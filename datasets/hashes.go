package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Hashes is the SHA-256 of each row's image as it is stored: a file's bytes, or width, height, depth and pixels (of a synthetic image
// what it is drawn from). Two rows with the same
// hash are the same image, under whatever name; caches of what was computed from images are keyed by it.
func (d Dataset) Hashes(ctx context.Context) ([][32]byte, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return nil, err
	}
	return t.Hashes(ctx)
}

// Hashes is what Dataset.Hashes is, without listing the rows again.
func (t *Table) Hashes(ctx context.Context) ([][32]byte, error) {
	hashes := make([][32]byte, len(t.Items))
	err := inParallel(ctx, len(t.Items), func(i int) error {
		if t.hash != nil {
			hashes[i] = t.hash(t.Items[i])
			return nil
		}
		content, err := t.content(t.Items[i])
		if err == nil {
			hashes[i] = content.hash()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return hashes, nil
}

func (c Content) hash() [32]byte {
	if c.Width == 0 {
		return sha256.Sum256(c.Bytes)
	}
	text := make([]byte, 0, 12+len(c.Bytes)) // without the size, 2×8 and 4×4 pixels of one colour would be one image
	for _, n := range []int{c.Width, c.Height, c.Depth} {
		text = binary.LittleEndian.AppendUint32(text, uint32(n))
	}
	return sha256.Sum256(append(text, c.Bytes...))
}

// inParallel calls f for 0 … n−1 on all processors and returns the first error; after it no call begins.
func inParallel(ctx context.Context, n int, f func(int) error) error {
	var next atomic.Int64
	var first error
	var once sync.Once
	var stopped atomic.Bool
	var workers sync.WaitGroup
	fail := func(err error) {
		once.Do(func() { first = err })
		stopped.Store(true)
	}
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for !stopped.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := ctx.Err(); err != nil {
					fail(fmt.Errorf("datasets: read images: %w", err))
					return
				}
				if err := f(i); err != nil {
					fail(err)
				}
			}
		})
	}
	workers.Wait()
	return first
}
