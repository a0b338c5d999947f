package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"transferlab/datasets"
	"transferlab/datasets/images"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// cut names a place in a network: behind its first n blocks. Cut 0 is the decoded image itself.
type cut struct {
	blocks int
	shape  []int // of one row
	kind   dtypes.DType
	mean   bool // the rows are averaged over space
}

func (c cut) bytes() int {
	n := c.kind.Size()
	for _, d := range c.shape {
		n *= d
	}
	return n
}

// activations are the rows of a data set at a cut, in one view.
type activations struct {
	cut
	cache  *activationCache
	hashes [][32]byte                              // the content of each image
	again  func(positions []int, dst []byte) error // computes rows that the cache does not have
}

// batch is the tensor [len(positions), shape...] of those rows.
func (a activations) batch(positions []int) (*tensors.Tensor, error) {
	return rowsTensor(a.kind, append([]int{len(positions)}, a.shape...), func(dst []byte) error {
		return gather([]activations{a}, make([]int, len(positions)), positions, dst)
	})
}

// gather writes the rows at those positions to dst, the i-th of view chosen[i]. What the caches have no place for is computed.
func gather(views []activations, chosen, positions []int, dst []byte) error {
	size := views[0].bytes()
	lost := make([][]int, len(views)) // places in dst, of each view
	for i, position := range positions {
		view := views[chosen[i]]
		if !view.cache.read(view.hashes[position], dst[i*size:(i+1)*size]) {
			lost[chosen[i]] = append(lost[chosen[i]], i)
		}
	}
	for v, places := range lost {
		if len(places) == 0 {
			continue
		}
		missing := make([]int, len(places))
		for i, place := range places {
			missing[i] = positions[place]
		}
		rows := make([]byte, len(places)*size)
		if err := views[v].again(missing, rows); err != nil {
			return err
		}
		for i, place := range places {
			copy(dst[place*size:(place+1)*size], rows[i*size:])
		}
	}
	return nil
}

// each calls f with every row from position from up to to, a batch read at a time. A row is valid until f returns.
func (a activations) each(from, to int, f func(i int, row []byte)) error {
	size := a.bytes()
	buffer := make([]byte, min(prefixBatch, to-from)*size)
	for ; from < to; from += prefixBatch {
		positions := make([]int, min(prefixBatch, to-from))
		for i := range positions {
			positions[i] = from + i
		}
		if err := gather([]activations{a}, make([]int, len(positions)), positions, buffer[:len(positions)*size]); err != nil {
			return err
		}
		for i, position := range positions {
			f(position, buffer[i*size:(i+1)*size])
		}
	}
	return nil
}

// missing are the positions of rows that the cache does not have, each image once.
func (a activations) missing() (positions []int) {
	queued := map[[32]byte]bool{}
	for i, hash := range a.hashes {
		if !queued[hash] && !a.cache.has(hash) {
			queued[hash] = true
			positions = append(positions, i)
		}
	}
	return positions
}

// source is a network with the weights that its prefix is to be run with: a base's own, or a model's.
type source struct {
	*base
	values map[string]*value
}

// at describes the cut behind the first n blocks.
func (s source) at(n int) cut {
	if n == 0 {
		return cut{shape: s.outputShape(0), kind: dtypes.Uint8}
	}
	return cut{blocks: n, shape: s.outputShape(n), kind: dtypes.Float32}
}

// options say how an image becomes the input. The view is added where it is decoded.
func (s source) options() images.Options { return images.Options{Size: s.Size} }

// decoding names the way from a file to pixels. Change it with transferlab/datasets/images, and old rows are not found any more.
const decoding = "imaging linear 1"

// cacheName names the cache of a cut in a view by a hash of all that shapes a row but the image itself. platform is what computes, since devices
// differ in the last bits; way is how files become pixels. Decoded images are the same for all networks of a size.
func cacheName(platform, way string, s source, c cut, view string) string {
	h, name := sha256.New(), "pixels"
	fmt.Fprintf(h, "activations 2\n%s\n%+v\n%q\n", way, s.options(), view)
	if c.blocks > 0 {
		name = s.Name
		fmt.Fprintf(h, "%s\n%s\n%+v\n%s\n%s\n", platform, digest(ofBlocks(s.base, s.values, 0, c.blocks)), s.Preprocessing, s.key(), s.Graph)
		for _, block := range s.Blocks[:c.blocks] {
			fmt.Fprintln(h, block.Name)
		}
	}
	if c.mean {
		fmt.Fprintln(h, "mean over space")
	}
	return fmt.Sprintf("%s-%d-%s", fileName(name), c.blocks, hex.EncodeToString(h.Sum(nil))[:32])
}

// fileName is the name of a network as the beginning of a folder's name.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name[:min(len(name), 40)])
}

// cacheFor opens the cache of a cut in a view.
func (e *Engine) cacheFor(ctx context.Context, s source, c cut, view string) (*activationCache, error) {
	platform := "pixels"
	if c.blocks > 0 {
		b, err := e.open(ctx)
		if err != nil {
			return nil, err
		}
		platform = b.Description()
	}
	key := cacheName(platform, decoding, s, c, view)
	e.mu.Lock()
	defer e.mu.Unlock()
	cache := e.caches[key]
	if cache == nil {
		var err error
		if cache, err = openCache(key, c.bytes()); err != nil {
			return nil, err
		}
		cache.base, cache.name = s.Name, e.newName(s.Name, s.place(c))
		cache.idle = time.AfterFunc(openIdle, func() { e.closeIdle(key, cache) })
		e.caches[key] = cache
	}
	cache.used.touch(ctx)
	cache.stamp()
	return cache, nil
}

// openIdle is how long a cache that no call uses stays open. While it is open no other process can make place by removing it.
const openIdle = 10 * time.Minute

// closeIdle closes a cache that was not used for long; else it looks again later.
func (e *Engine) closeIdle(key string, c *activationCache) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.caches[key] != c:
	case c.used.user() != nil || time.Since(c.used.lastUsed()) < openIdle:
		c.idle.Reset(openIdle)
	default:
		delete(e.caches, key)
		_ = c.close() // fails only for a mapping that does not exist
	}
}

// makePlace says how many rows of c find place: on disk, where caches that nobody uses make way, and in memory. With whole, it is all of them on disk
// or none.
func (e *Engine) makePlace(c *activationCache, rows int, whole bool) (int, error) {
	each := int64(c.rowBytes + indexEntry)
	var place int64
	ask := func() (err error) {
		place, err = c.store.reserve(each*int64(rows), whole)
		return err
	}
	if c.dir != "" {
		err := c.store.locked(ask)
		if err == nil && place < each*int64(rows) {
			e.closeUnused()
			err = c.store.locked(ask)
		}
		if err != nil {
			return 0, err
		}
	}
	fits := int(place / each)
	if !whole {
		fits += int(max(0, mostInMemory-inMemory.Load()) / int64(c.rowBytes))
	}
	return min(fits, rows), nil
}

// closeUnused closes the caches that no call uses, so that they can be removed.
func (e *Engine) closeUnused() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, c := range e.caches {
		if c.used.user() == nil && len(c.memory) == 0 {
			delete(e.caches, key)
			_ = c.close() // fails only for a mapping that does not exist
		}
	}
}

// place says where a cut is, for people.
func (s source) place(c cut) string {
	if c.blocks == 0 {
		return "images"
	}
	if c.mean {
		return "means-behind-" + s.Blocks[c.blocks-1].Name
	}
	return "behind-" + s.Blocks[c.blocks-1].Name
}

// rows are a data set that was listed, and the hash of each image's content. Hashing reads every file, so it is done once in a call.
type rows struct {
	datasets.Dataset
	table  *datasets.Table
	hashes [][32]byte
}

func hashed(ctx context.Context, d datasets.Dataset) (rows, error) {
	table, err := d.Table(ctx)
	if err != nil {
		return rows{}, err
	}
	hashes, err := table.Hashes(ctx)
	return rows{d, table, hashes}, err
}

// activations makes sure that the rows of d at the cut behind n blocks are in the cache, for one view, as far as there is place for them, and says
// how many were computed and how long it took.
func (e *Engine) activations(ctx context.Context, s source, n int, d rows, view int, report func(remote.Progress)) (activations, tl.Timing, error) {
	return e.activationsAt(ctx, s, s.at(n), d, view, report)
}

// activationsAt is activations at any cut.
func (e *Engine) activationsAt(ctx context.Context, s source, target cut, d rows, view int, report func(remote.Progress)) (activations, tl.Timing, error) {
	start := time.Now()
	var t tl.Timing
	cache, err := e.cacheFor(ctx, s, target, d.Augmentation.Key(view))
	if err != nil {
		return activations{}, t, err
	}
	a := activations{cut: target, cache: cache, hashes: d.hashes, again: e.again(ctx, s, target, d, view)}
	missing := a.missing()
	if len(missing) > 0 {
		release, err := cache.computing(ctx, report)
		if err != nil {
			return a, t, err
		}
		defer release()
		missing = a.missing() // another call or process may have computed them
	}
	t.Computed, t.Reused = len(missing), len(d.hashes)-len(missing)
	if len(missing) > 0 {
		t.Compile, err = e.runPrefix(ctx, s, a, d, view, missing, report)
	}
	t.Total = time.Since(start)
	t.Prefix = t.Total - t.Compile
	return a, t, err
}
