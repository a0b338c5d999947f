package engine

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
)

func rowOf(b byte) []byte { return bytes.Repeat([]byte{b}, 64) }

func key(b byte) [32]byte { return [32]byte{b} }

func TestActivationCacheSurvivesDamage(t *testing.T) {
	ownCache(t)
	c := must[*activationCache](t)(openCache("one", 64))
	if kept, err := c.add([][32]byte{key(1), key(2)}, append(rowOf(1), rowOf(2)...)); err != nil || kept != 2 {
		t.Fatal(kept, err)
	}
	reopen := func() *activationCache { return must[*activationCache](t)(openCache("one", 64)) }
	has := func(c *activationCache, b byte) bool {
		dst := make([]byte, 64)
		return c.has(key(b)) && c.read(key(b), dst) && bytes.Equal(dst, rowOf(b))
	}
	if c = reopen(); !has(c, 1) || !has(c, 2) || c.has(key(3)) {
		t.Fatal("rows are lost")
	}
	data, index := filepath.Join(c.dir, "rows.bin"), filepath.Join(c.dir, "index.bin")

	// Killed while appending: half a row without an entry, then half an entry.
	appendTo(t, data, rowOf(9)[:20])
	appendTo(t, index, make([]byte, 10))
	if c = reopen(); !has(c, 1) || !has(c, 2) {
		t.Fatal("a half-written row hides whole ones")
	}
	if _, err := c.add([][32]byte{key(3)}, rowOf(3)); err != nil {
		t.Fatal(err)
	}
	if c = reopen(); !has(c, 1) || !has(c, 2) || !has(c, 3) {
		t.Fatal("appending behind a half-written row failed")
	}

	// A row whose bits changed on disk is missing, not wrong.
	file := must[*os.File](t)(os.OpenFile(data, os.O_RDWR, 0))
	file.WriteAt([]byte{0xff}, 64+7)
	file.Close()
	if c = reopen(); c.has(key(2)) || !has(c, 1) || !has(c, 3) {
		t.Fatal("a damaged row is served")
	}
	if _, err := c.add([][32]byte{key(2)}, rowOf(2)); err != nil {
		t.Fatal(err)
	}
	if c = reopen(); !has(c, 2) {
		t.Fatal("a damaged row cannot be replaced")
	}

	// A truncated file loses rows, not the rest.
	if err := os.Truncate(data, 100); err != nil {
		t.Fatal(err)
	}
	if c = reopen(); !has(c, 1) || c.has(key(3)) {
		t.Fatal("truncation")
	}
}

// TestDamageWhileOpen: a row that changes, or a file that is cut short, under a cache that has it open is missing, too; reading a mapping behind the
// end of its file is a fault that ends a process that takes no care.
func TestDamageWhileOpen(t *testing.T) {
	ownCache(t)
	const size = 3 * 4096 // rows that begin on pages of their own
	c := must[*activationCache](t)(openCache("open", size))
	rows := slices.Concat(bytes.Repeat([]byte{1}, size), bytes.Repeat([]byte{2}, size), bytes.Repeat([]byte{3}, size))
	if _, err := c.add([][32]byte{key(1), key(2), key(3)}, rows); err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, size)
	for i := range byte(3) {
		if !c.has(key(i + 1)) {
			t.Fatal("a row is missing at once")
		}
	}
	path := filepath.Join(c.dir, "rows.bin")
	file := must[*os.File](t)(os.OpenFile(path, os.O_RDWR, 0))
	file.WriteAt([]byte{0xff}, 7)
	file.Close()
	if c.read(key(1), dst) || c.has(key(1)) {
		t.Error("a row that changed is served")
	}
	if err := os.Truncate(path, 2*size); err != nil {
		t.Fatal(err)
	}
	if c.read(key(3), dst) || c.has(key(3)) {
		t.Error("a row that is not there any more is served")
	}
	if !c.read(key(2), dst) || !bytes.Equal(dst, rows[size:2*size]) {
		t.Error("a whole row is not served")
	}
}

// TestGuardedLetsOtherPanicsPass: a slip in a program is no damaged disk.
func TestGuardedLetsOtherPanicsPass(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a panic that is no fault of a mapping was swallowed")
		}
	}()
	guarded(func() bool { return []bool{}[len(t.Name())-len(t.Name())] })
}

// TestActivationCacheIsShared: what one process adds the others see, and nobody adds a row that is there.
func TestActivationCacheIsShared(t *testing.T) {
	ownCache(t)
	a, b := must[*activationCache](t)(openCache("two", 64)), must[*activationCache](t)(openCache("two", 64))
	for i, c := range []*activationCache{a, b, a, b, a, b} {
		images := [][32]byte{key(byte(i / 2)), key(9)}
		if kept, err := c.add(images, append(rowOf(byte(i/2)), rowOf(9)...)); err != nil || kept != 2 {
			t.Fatal(kept, err)
		}
	}
	if !a.has(key(0)) || !a.has(key(1)) || !a.has(key(2)) {
		t.Error("one cache does not see what another process wrote")
	}
	if _, disk := b.sizes(); disk != 4*(64+indexEntry) {
		t.Errorf("%d bytes on disk instead of those of 4 rows", disk)
	}
}

// TestActivationCacheOfARemovedFolder: who removes the folder loses rows, and nobody reads a row of the folder that comes after it.
func TestActivationCacheOfARemovedFolder(t *testing.T) {
	ownCache(t)
	old := must[*activationCache](t)(openCache("again", 64))
	old.add([][32]byte{key(1)}, rowOf(1))
	if err := os.RemoveAll(old.dir); err != nil {
		t.Fatal(err)
	}
	other := must[*activationCache](t)(openCache("again", 64))
	other.add([][32]byte{key(7), key(8)}, append(rowOf(7), rowOf(8)...))
	old.add([][32]byte{key(2)}, rowOf(2))
	dst := make([]byte, 64)
	for i := range byte(9) {
		for _, c := range []*activationCache{old, other} {
			if c.read(key(i), dst) && !bytes.Equal(dst, rowOf(i)) {
				t.Errorf("row %d is %v", i, dst)
			}
		}
	}
	if !old.has(key(1)) || !old.has(key(2)) || !other.has(key(7)) {
		t.Error("rows are lost")
	}
}

// TestMappedRowsAreNoMemory reads four times as much as may be mapped: what was read is not resident any more.
func TestMappedRowsAreNoMemory(t *testing.T) {
	if residentOfFiles() == 0 {
		t.Skip("the memory of this process is not to be had here")
	}
	ownCache(t)
	defer func(most int64) { mostMapped = most }(mostMapped)
	mostMapped = 16 << 20
	const size, n = 64 << 10, 1024
	c := must[*activationCache](t)(openCache("mapped", size))
	defer c.close()
	image := func(i int) [32]byte { return [32]byte{byte(i), byte(i >> 8)} }
	var images [][32]byte
	var rows []byte
	for i := range n {
		images, rows = append(images, image(i)), append(rows, bytes.Repeat([]byte{byte(i)}, size)...)
	}
	if kept, err := c.add(images, rows); err != nil || kept != n {
		t.Fatal(kept, err)
	}
	before, most := residentOfFiles(), int64(0)
	dst := make([]byte, size)
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) { // in order, as Represent reads them, the system maps less around a row
		if !c.has(image(i)) || !c.read(image(i), dst) || dst[0] != byte(i) || dst[size-1] != byte(i) {
			t.Fatalf("row %d is lost", i)
		}
		most = max(most, residentOfFiles()-before)
	}
	if most > 2*mostMapped {
		t.Errorf("%d MB of rows became resident, %d may", most>>20, mostMapped>>20)
	}
}

func appendTo(t *testing.T, path string, data []byte) {
	t.Helper()
	file := must[*os.File](t)(os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0))
	defer file.Close()
	if _, err := file.Write(data); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkReadRows reads batches of 32 shuffled rows, as a training step does: of representations of EfficientNet-Lite0, 5 kB each, and of the rows
// that its last blocks are fine-tuned on, 88 kB each.
func BenchmarkReadRows(b *testing.B) {
	for _, numbers := range []int{1280, 14 * 14 * 112} {
		b.Run(fmt.Sprint(4*numbers, " bytes"), func(b *testing.B) {
			activationsRoot = b.TempDir()
			defer func() { activationsRoot = "" }()
			const n = 1968
			c, err := openCache("read", 4*numbers)
			if err != nil {
				b.Fatal(err)
			}
			defer c.close()
			hashes, row := make([][32]byte, n), make([]byte, 4*numbers)
			for i := range hashes {
				hashes[i] = sha256.Sum256([]byte{byte(i), byte(i >> 8)})
				if _, err := c.add(hashes[i:i+1], row); err != nil {
					b.Fatal(err)
				}
			}
			a := activations{cut: cut{blocks: 1, shape: []int{numbers}, kind: dtypes.Float32}, cache: c, hashes: hashes}
			order := rand.New(rand.NewPCG(1, 2)).Perm(n)
			b.SetBytes(int64(32 * len(row)))
			for i := 0; b.Loop(); i = (i + 32) % (n - 32) {
				x, err := a.batch(order[i : i+32])
				if err != nil {
					b.Fatal(err)
				}
				finalize(x)
			}
		})
	}
}
