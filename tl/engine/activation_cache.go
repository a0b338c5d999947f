package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/edsrzf/mmap-go"
	"github.com/gofrs/flock"

	"transferlab/datasets/fetch"
)

// activationCache keeps rows of one kind (one cut of one network with these weights, one view) on disk, one for each image content.
// Everything that shapes a row is in the directory's name or in the row's key, so a row is never wrong, only missing.
//
//	rows.bin   rows, each rowBytes long, in the order of index.bin
//	index.bin  for each row the SHA-256 of the image's content and the CRC-32C of the row
//
// Rows are written and synced before their index entries: a run that is killed leaves at most bytes behind the last indexed row,
// which the next append overwrites.
type activationCache struct {
	used     usage
	base     string // of which network, and …
	name     string // … what this is called, for people
	mu       sync.Mutex
	dir      string
	rowBytes int
	place    map[[32]byte]int // image content → row
	sums     []uint32
	checked  []bool // whether a row's CRC was compared since it was opened
	data     mmap.MMap
}

// activationsRoot is another place for the caches; tests set it. "" is activations in fetch.Home().
var activationsRoot string

const indexEntry = 32 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openCache opens or makes the cache of that name.
func openCache(name string, rowBytes int) (*activationCache, error) {
	root := activationsRoot
	if root == "" {
		home, err := fetch.Home()
		if err != nil {
			return nil, err
		}
		root = filepath.Join(home, "activations")
	}
	c := &activationCache{dir: filepath.Join(root, name), rowBytes: rowBytes, place: map[[32]byte]int{}}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("engine: make the activation cache: %w", err)
	}
	return c, c.refresh()
}

// refresh reads index entries that were added since, by this process or another, and maps the rows.
func (c *activationCache) refresh() error {
	index, err := os.ReadFile(filepath.Join(c.dir, "index.bin"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("engine: read the activation cache: %w", err)
	}
	rows := len(index) / indexEntry
	file, err := os.Open(filepath.Join(c.dir, "rows.bin"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("engine: read the activation cache: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("engine: read the activation cache: %w", err)
	}
	rows = min(rows, int(info.Size()/int64(c.rowBytes)))
	if rows <= len(c.sums) {
		return nil
	}
	if c.data != nil {
		if err := c.data.Unmap(); err != nil {
			return fmt.Errorf("engine: unmap the activation cache: %w", err)
		}
	}
	if c.data, err = mmap.MapRegion(file, rows*c.rowBytes, mmap.RDONLY, 0, 0); err != nil {
		return fmt.Errorf("engine: map the activation cache: %w", err)
	}
	for i := len(c.sums); i < rows; i++ {
		entry := index[i*indexEntry:]
		c.place[[32]byte(entry)] = i
		c.sums = append(c.sums, binary.LittleEndian.Uint32(entry[32:]))
		c.checked = append(c.checked, false)
	}
	return nil
}

// sizes are the bytes of the index in memory and of both files on disk. The rows themselves are mapped: they take memory as the system
// has it to spare.
func (c *activationCache) sizes() (memory, disk int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := int64(len(c.sums))
	return rows * (32 + 8 + 4 + 1), rows * int64(c.rowBytes+indexEntry)
}

// close gives back the memory; the rows stay on disk. Nothing may use it any more.
func (c *activationCache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.place, c.sums, c.checked = map[[32]byte]int{}, nil, nil
	if c.data == nil {
		return nil
	}
	err := c.data.Unmap()
	c.data = nil
	return err
}

// has tells whether the row of that image is there and whole. A row that does not match its checksum is forgotten, so that it is
// computed again.
func (c *activationCache) has(image [32]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.place[image]
	if found && !c.checked[i] {
		if crc32.Checksum(c.row(i), castagnoli) != c.sums[i] {
			delete(c.place, image)
			return false
		}
		c.checked[i] = true
	}
	return found
}

func (c *activationCache) row(i int) []byte { return c.data[i*c.rowBytes : (i+1)*c.rowBytes] }

// read copies the row of that image into dst, which is rowBytes long. The row must be there.
func (c *activationCache) read(image [32]byte, dst []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.place[image]
	if !found {
		return fmt.Errorf("engine: the activation cache in %s lost a row", c.dir)
	}
	copy(dst, c.row(i))
	return nil
}

// add appends rows, images[i] with rows[i*rowBytes:]. Other processes may append too: a lock is held while the files grow.
func (c *activationCache) add(images [][32]byte, rows []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	lock := flock.New(filepath.Join(c.dir, "lock"))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("engine: lock the activation cache: %w", err)
	}
	defer lock.Unlock()
	if err := c.append(images, rows); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("engine: the disk of %s is full: free %d MB or more, or set TLAB_HOME to another disk: %w", c.dir, len(rows)>>20+1, err)
		}
		return fmt.Errorf("engine: write the activation cache: %w", err)
	}
	return c.refresh()
}

func (c *activationCache) append(images [][32]byte, rows []byte) error {
	index, err := os.OpenFile(filepath.Join(c.dir, "index.bin"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer index.Close()
	data, err := os.OpenFile(filepath.Join(c.dir, "rows.bin"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer data.Close()
	size, err := index.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	there := size / indexEntry // an entry that was cut off is overwritten, as are rows without an entry
	entries := make([]byte, 0, indexEntry*len(images))
	for i, image := range images {
		entries = append(entries, image[:]...)
		entries = binary.LittleEndian.AppendUint32(entries, crc32.Checksum(rows[i*c.rowBytes:(i+1)*c.rowBytes], castagnoli))
	}
	if _, err := data.WriteAt(rows, there*int64(c.rowBytes)); err != nil {
		return err
	}
	if err := data.Sync(); err != nil {
		return err
	}
	_, err = index.WriteAt(entries, there*indexEntry)
	return err
}
