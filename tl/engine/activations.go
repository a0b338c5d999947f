package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// cut names a place in a network: behind its first n blocks. Cut 0 is the decoded image itself.
type cut struct {
	blocks int
	shape  []int // of one row
	kind   dtypes.DType
}

func (c cut) bytes() int {
	n := c.kind.Size()
	for _, d := range c.shape {
		n *= d
	}
	return n
}

// activations are the rows of a data set at a cut.
type activations struct {
	cut
	cache  *activationCache
	hashes [][32]byte // the content of each image
}

// batch is the tensor [len(positions), shape...] of those rows.
func (a activations) batch(positions []int) (*tensors.Tensor, error) {
	size := a.bytes()
	return rowsTensor(a.kind, append([]int{len(positions)}, a.shape...), func(dst []byte) error {
		for i, position := range positions {
			if err := a.cache.read(a.hashes[position], dst[i*size:(i+1)*size]); err != nil {
				return err
			}
		}
		return nil
	})
}

// source is a network with the weights that its prefix is to be run with: a base's own, or a model's.
type source struct {
	*base
	values map[string]*value
}

// at describes the cut behind the first n blocks.
func (s source) at(n int) cut {
	if n == 0 {
		return cut{0, s.outputShape(0), dtypes.Uint8}
	}
	return cut{n, s.outputShape(n), dtypes.Float32}
}

// decoding names the way from a file to pixels. Change it with transferlab/datasets/images, and old rows are not found any more.
const decoding = "imaging linear 1"

// cacheFor opens the cache of a cut and a view, given by its key (see datasets.Augmentation.Key). Its name is a hash of all that shapes a row but the image itself.
func (e *Engine) cacheFor(ctx context.Context, s source, c cut, view string) (*activationCache, error) {
	platform := "pixels"
	if c.blocks > 0 {
		b, err := e.open(ctx)
		if err != nil {
			return nil, err
		}
		platform = b.Description() // devices differ in the last bits
	}
	h := sha256.New()
	fmt.Fprintf(h, "activations 1\n%s\n%s\n%d\n%s\n%s\n%v %v\n", platform, decoding, s.Size, view,
		digest(ofBlocks(s.base, s.values, 0, c.blocks)), s.Mean, s.Deviation)
	for _, block := range s.Blocks[:c.blocks] {
		fmt.Fprintln(h, block.Name)
	}
	name := fmt.Sprintf("%s-%d-%s", s.Name, c.blocks, hex.EncodeToString(h.Sum(nil))[:32])
	e.mu.Lock()
	defer e.mu.Unlock()
	if cache := e.caches[name]; cache != nil {
		cache.used.touch(ctx)
		return cache, nil
	}
	cache, err := openCache(name, c.bytes())
	if err == nil {
		cache.base, cache.name = s.Name, e.newName(s.Name, s.place(c))
		cache.used.touch(ctx)
		e.caches[name] = cache
	}
	return cache, err
}

// place says where a cut is, for people.
func (s source) place(c cut) string {
	if c.blocks == 0 {
		return "images"
	}
	return "behind-" + s.Blocks[c.blocks-1].Name
}

// rows are a data set and the hash of each image's content. Hashing reads every file, so it is done once in a call.
type rows struct {
	datasets.Dataset
	hashes [][32]byte
}

func hashed(ctx context.Context, d datasets.Dataset) (rows, error) {
	hashes, err := d.Hashes(ctx)
	return rows{d, hashes}, err
}

// activations makes sure that the rows of d at the cut behind n blocks are in the cache, for one view, and says how many were computed
// and how long it took.
func (e *Engine) activations(ctx context.Context, s source, n int, d rows, view int, report func(remote.Progress)) (activations, tl.Timing, error) {
	start := time.Now()
	var t tl.Timing
	target := s.at(n)
	cache, err := e.cacheFor(ctx, s, target, d.Augmentation.Key(view))
	if err != nil {
		return activations{}, t, err
	}
	a := activations{cut: target, cache: cache, hashes: d.hashes}
	var missing []int
	queued := map[[32]byte]bool{}
	for i, hash := range d.hashes {
		if !queued[hash] && !cache.has(hash) {
			queued[hash] = true
			missing = append(missing, i)
		}
	}
	t.Computed, t.Reused = len(missing), len(d.hashes)-len(missing)
	if len(missing) > 0 {
		t.Compile, err = e.runPrefix(ctx, s, a, d.Dataset, view, missing, report)
	}
	t.Total = time.Since(start)
	t.Prefix = t.Total - t.Compile
	return a, t, err
}
