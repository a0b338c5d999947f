package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edsrzf/mmap-go"
	"github.com/gofrs/flock"

	"transferlab/tl/remote"
)

// activationCache keeps rows of one kind (one cut of one network with these weights, one view), one for each image content. Everything that
// shapes a row is in the folder's name or in the row's key, so a row is never wrong, only missing.
//
//	rows.bin   rows, each rowBytes long, in the order of index.bin
//	index.bin  for each row the SHA-256 of the image's content and the CRC-32C of the row
//	used       its time of modification is when the cache was last used; whoever has the cache open holds a shared lock on it
//	computing  whoever computes missing rows holds a lock on it, so that nobody else computes the same
//
// Rows are written before their index entries, and each is compared with its checksum: a run that is killed, and a machine that loses power,
// leave bytes that are overwritten or rows that are computed again.
//
// Rows that find no place on disk (see [store]) are kept in memory, up to mostInMemory in this process. What finds no place there either is
// not kept.
type activationCache struct {
	used usage
	base string      // of which network, and …
	name string      // … what this is called, for people
	idle *time.Timer // closes it when it was not used for long

	store    store
	dir      string // "" keeps rows in memory alone
	rowBytes int
	busy     *gate // in this process; see computing

	mu          sync.Mutex
	open        *flock.Flock
	rows, index *os.File // they stay open, so that a folder that is removed and made anew under this cache does not mix two
	place       map[[32]byte]int
	sums        []uint32
	checked     []bool // whether a row's CRC was compared since it was opened
	data        mmap.MMap
	memory      map[[32]byte][]byte
	trouble     error // why the disk takes no more rows
}

// mostInMemory bounds the rows, in bytes, that this process keeps in memory for want of a place on disk; tests set it.
var mostInMemory int64 = 256 << 20

var inMemory atomic.Int64

const indexEntry = 32 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openCache opens or makes the cache of that name. Where the disk refuses, rows are kept in memory and trouble says why.
func openCache(name string, rowBytes int) (*activationCache, error) {
	s, err := openStore()
	if err != nil {
		return nil, err
	}
	c := &activationCache{store: s, dir: filepath.Join(s.root, name), rowBytes: rowBytes, busy: newGate(),
		place: map[[32]byte]int{}, memory: map[[32]byte][]byte{}}
	if err := s.locked(c.openFiles); err != nil {
		c.closeFiles()
		c.dir, c.trouble = "", err
		return c, nil
	}
	return c, c.refresh()
}

// openFiles is called with the store locked, so that nobody evicts the folder between its making and its lock.
func (c *activationCache) openFiles() (err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	c.open = flock.New(filepath.Join(c.dir, "used"))
	if err := c.open.RLock(); err != nil {
		return err
	}
	c.stamp()
	if c.rows, err = os.OpenFile(filepath.Join(c.dir, "rows.bin"), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	c.index, err = os.OpenFile(filepath.Join(c.dir, "index.bin"), os.O_RDWR|os.O_CREATE, 0o644)
	return err
}

// closeFiles closes what is open. That can fail only for files that were written, and their rows have checksums.
func (c *activationCache) closeFiles() {
	for _, file := range []*os.File{c.rows, c.index} {
		if file != nil {
			file.Close()
		}
	}
	if c.open != nil {
		c.open.Close()
	}
	c.rows, c.index, c.open = nil, nil, nil
}

// stamp notes on disk that the cache is used now. Where that fails it is evicted earlier than it should be.
func (c *activationCache) stamp() {
	if c.dir != "" {
		now := time.Now()
		_ = os.Chtimes(filepath.Join(c.dir, "used"), now, now)
	}
}

// refresh reads index entries that were added since, by this process or another. Call it with mu held, or before the cache is shared.
func (c *activationCache) refresh() error {
	if c.index == nil {
		return nil
	}
	index, err := c.index.Stat()
	if err != nil {
		return fmt.Errorf("engine: read the activation cache: %w", err)
	}
	rows, err := c.rows.Stat()
	if err != nil {
		return fmt.Errorf("engine: read the activation cache: %w", err)
	}
	from := len(c.sums)
	to := min(int(index.Size()/indexEntry), int(rows.Size()/int64(c.rowBytes)))
	if to <= from {
		return nil
	}
	entries := make([]byte, (to-from)*indexEntry)
	if _, err := c.index.ReadAt(entries, int64(from)*indexEntry); err != nil {
		return fmt.Errorf("engine: read the activation cache: %w", err)
	}
	for i := from; i < to; i++ {
		entry := entries[(i-from)*indexEntry:]
		c.place[[32]byte(entry)] = i
		c.sums = append(c.sums, binary.LittleEndian.Uint32(entry[32:]))
		c.checked = append(c.checked, false)
	}
	return nil
}

// row is the mapped row i. The file is mapped anew when rows were added that are asked for.
func (c *activationCache) row(i int) ([]byte, error) {
	if (i+1)*c.rowBytes > len(c.data) {
		if err := c.unmap(); err != nil {
			return nil, err
		}
		data, err := mmap.MapRegion(c.rows, len(c.sums)*c.rowBytes, mmap.RDONLY, 0, 0)
		if err != nil {
			return nil, err
		}
		c.data = data
		windows.add(c)
	}
	return c.data[i*c.rowBytes : (i+1)*c.rowBytes : (i+1)*c.rowBytes], nil
}

func (c *activationCache) unmap() error {
	if c.data == nil {
		return nil
	}
	err := c.data.Unmap()
	c.data = nil
	return err
}

// sizes are the bytes in memory and on disk. Mapped rows are not counted: they take memory as the system has it to spare.
func (c *activationCache) sizes() (memory, disk int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := int64(len(c.sums))
	return rows*(32+8+4+1) + int64(len(c.memory)*c.rowBytes), rows * int64(c.rowBytes+indexEntry)
}

// close gives back the memory; the rows on disk stay. Nothing may use it any more.
func (c *activationCache) close() error {
	windows.remove(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle != nil {
		c.idle.Stop()
	}
	inMemory.Add(-int64(len(c.memory) * c.rowBytes))
	c.place, c.memory, c.sums, c.checked = map[[32]byte]int{}, map[[32]byte][]byte{}, nil, nil
	c.closeFiles()
	return c.unmap()
}

// has tells whether the row of that image is there and whole. A row that does not match its checksum is forgotten, so that it is
// computed again.
func (c *activationCache) has(image [32]byte) bool {
	c.mu.Lock()
	i, found := c.place[image]
	if !found || c.checked[i] {
		if !found {
			_, found = c.memory[image]
		}
		c.mu.Unlock()
		return found
	}
	whole := c.whole(i, nil)
	if whole {
		c.checked[i] = true
	} else {
		delete(c.place, image)
	}
	c.mu.Unlock()
	windows.touched(c.rowBytes)
	return whole
}

// whole compares row i with its checksum, and copies it to dst unless that is nil. The comparison is of the copy: the bytes that the caller gets
// are those that were checked.
func (c *activationCache) whole(i int, dst []byte) bool {
	return guarded(func() bool {
		row, err := c.row(i)
		if err != nil {
			return false // what cannot be mapped is computed
		}
		if dst != nil {
			copy(dst, row)
			row = dst
		}
		return crc32.Checksum(row, castagnoli) == c.sums[i]
	})
}

// read copies the row of that image into dst, which is rowBytes long, and tells whether there is one.
func (c *activationCache) read(image [32]byte, dst []byte) bool {
	c.mu.Lock()
	i, found := c.place[image]
	if !found {
		row, found := c.memory[image]
		copy(dst, row)
		c.mu.Unlock()
		return found
	}
	whole := c.whole(i, dst)
	if !whole {
		delete(c.place, image)
	}
	c.mu.Unlock()
	windows.touched(c.rowBytes)
	return whole
}

// guarded runs f, which reads a mapped file, and is false where the file is shorter than it was or the disk fails: that is a fault (SIGBUS),
// which would end the process and with it every model.
func guarded(f func() bool) (done bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if _, isFault := thrown.(interface{ Addr() uintptr }); !isFault {
			panic(thrown)
		}
		done = false
	}()
	return f()
}

// computing waits until nobody else computes rows of this cache, here or in another process, and lets nobody else until release. What the others
// computed is there then.
func (c *activationCache) computing(ctx context.Context, report func(remote.Progress)) (release func(), err error) {
	if err := c.busy.enter(ctx, "the activations of "+c.base); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(c.dir, "computing"))
	if c.dir != "" {
		// Where the disk refuses the lock, two processes may compute the same; the rows are the same, too.
		if got, err := lock.TryLock(); err == nil && !got {
			stage := "waiting for another process that computes the activations of " + c.base
			report(remote.Progress{Stage: stage})
			if _, err := lock.TryLockContext(ctx, lockPolls); ctx.Err() != nil {
				c.busy.Unlock()
				callOf(ctx).stopped("stopped while %s", stage)
				return nil, errors.Join(ctx.Err(), err)
			}
		}
	}
	c.mu.Lock()
	if c.dir != "" {
		c.trouble = nil // a disk that was full may not be any more
	}
	err = c.refresh()
	c.mu.Unlock()
	return func() {
		lock.Close() // gives the lock back whatever it returns: the file is closed
		c.busy.Unlock()
	}, err
}

// saidTrouble is why the disk takes no more rows, or nil.
func (c *activationCache) saidTrouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// lockPolls is how often a lock of another process is asked for.
const lockPolls = 50 * time.Millisecond

// add keeps rows, images[i] with rows[i*rowBytes:], and returns how many of them, from the first on, have a place: on disk, or else in memory.
// What another process added meanwhile is not added again.
func (c *activationCache) add(images [][32]byte, rows []byte) (kept int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	onDisk := 0
	if c.dir != "" && c.trouble == nil {
		err := c.store.locked(func() (err error) {
			onDisk, err = c.append(images, rows)
			return err
		})
		if err != nil {
			c.trouble = err
		}
	}
	if err := c.refresh(); err != nil {
		return 0, err
	}
	for i, image := range images[onDisk:] {
		if _, found := c.place[image]; found || c.memory[image] != nil {
			continue
		}
		if inMemory.Add(int64(c.rowBytes)) > mostInMemory {
			inMemory.Add(-int64(c.rowBytes))
			return onDisk + i, nil
		}
		at := (onDisk + i) * c.rowBytes
		c.memory[image] = append([]byte(nil), rows[at:at+c.rowBytes]...)
	}
	return len(images), nil
}

// append writes rows and then their index entries, as many as the store has place for. Call it with the store locked.
func (c *activationCache) append(images [][32]byte, rows []byte) (done int, err error) {
	if err := c.refresh(); err != nil {
		return 0, err
	}
	each := int64(c.rowBytes + indexEntry)
	room, err := c.store.reserve(each*int64(len(images)), false)
	if err != nil {
		return 0, err
	}
	var entries, data []byte
	for i, image := range images {
		if _, found := c.place[image]; found {
			done++
			continue
		}
		if room -= each; room < 0 {
			break
		}
		row := rows[i*c.rowBytes : (i+1)*c.rowBytes]
		data = append(data, row...)
		entries = append(entries, image[:]...)
		entries = binary.LittleEndian.AppendUint32(entries, crc32.Checksum(row, castagnoli))
		done++
	}
	index, err := c.index.Stat()
	if err != nil {
		return 0, err
	}
	there := index.Size() / indexEntry // an entry that was cut off is overwritten, as are rows without an entry
	if _, err := c.rows.WriteAt(data, there*int64(c.rowBytes)); err != nil {
		return 0, errors.Join(err, c.rows.Truncate(there*int64(c.rowBytes)))
	}
	if _, err := c.index.WriteAt(entries, there*indexEntry); err != nil {
		return 0, errors.Join(err, c.index.Truncate(there*indexEntry))
	}
	return done, nil
}
