package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const kilo = 1000 - indexEntry // a row that takes 1,000 bytes with its index entry

// filled makes a cache of n rows of 1,000 bytes.
func filled(t *testing.T, name string, n int) *activationCache {
	t.Helper()
	c := must[*activationCache](t)(openCache(name, kilo))
	images := make([][32]byte, n)
	for i := range images {
		images[i] = key(byte(i))
	}
	if kept, err := c.add(images, bytes.Repeat([]byte{7}, n*kilo)); err != nil || kept != n {
		t.Fatal(kept, err)
	}
	return c
}

// left names the caches that are on disk, and their bytes.
func left(t *testing.T) (names string, bytes int64) {
	t.Helper()
	s := must[store](t)(openStore())
	all := must[[]folder](t)(s.folders())
	for _, f := range all {
		names += filepath.Base(f.path) + " "
		bytes += f.bytes
	}
	return strings.TrimSpace(names), bytes
}

// aged says that a cache was last used so many hours ago.
func aged(t *testing.T, c *activationCache, hours time.Duration) {
	t.Helper()
	then := time.Now().Add(-hours * time.Hour)
	if err := os.Chtimes(filepath.Join(c.dir, "used"), then, then); err != nil {
		t.Fatal(err)
	}
}

// TestEviction: where a cache needs place, those that were used longest ago go, whole, and never one that is open.
func TestEviction(t *testing.T) {
	ownCache(t)
	t.Setenv(ActivationsVariable, "20 kB")
	for i, name := range []string{"d", "c", "b", "a"} { // a is the oldest
		c := filled(t, name, 4)
		aged(t, c, time.Duration(i+1))
		if name != "b" {
			c.close()
		}
	}
	c := filled(t, "new", 4)
	if names, bytes := left(t); names != "a b c d new" || bytes != 20_000 {
		t.Fatalf("%s with %d bytes", names, bytes)
	}
	c.add([][32]byte{key(100)}, make([]byte, kilo))
	if names, bytes := left(t); names != "b c d new" || bytes != 17_000 {
		t.Fatalf("%s with %d bytes: the oldest should have gone, and no other", names, bytes)
	}
	filled(t, "newest", 10)
	if names, bytes := left(t); names != "b new newest" || bytes != 19_000 {
		t.Fatalf("%s with %d bytes: b is open and stays, though it is older than c and d", names, bytes)
	}
	big := must[*activationCache](t)(openCache("big", kilo))
	before := inMemory.Load()
	if kept, err := big.add([][32]byte{key(1), key(2), key(3)}, make([]byte, 3*kilo)); err != nil || kept != 3 {
		t.Fatal(kept, err)
	}
	if names, bytes := left(t); names != "b new newest big" || bytes != 20_000 || inMemory.Load()-before != 2*kilo {
		t.Fatalf("%s with %d bytes, %d in memory: one row fits on disk, two do not", names, bytes, inMemory.Load()-before)
	}
	dst := make([]byte, kilo)
	for i := range byte(3) {
		if !big.has(key(i+1)) || !big.read(key(i+1), dst) {
			t.Errorf("row %d is lost", i+1)
		}
	}
	big.close()
	if inMemory.Load() != before {
		t.Error("a cache that was closed still counts")
	}
}

// TestReserveWholeRemovesNothingInVain: what would not fit all the same costs no other cache.
func TestReserveWholeRemovesNothingInVain(t *testing.T) {
	ownCache(t)
	t.Setenv(ActivationsVariable, "10kB")
	filled(t, "open", 4)
	filled(t, "closed", 4).close()
	s := must[store](t)(openStore())
	reserve := func(bytes int64) (place int64) {
		err := s.locked(func() (err error) {
			place, err = s.reserve(bytes, true)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return place
	}
	if place := reserve(6_001); place != 0 {
		t.Errorf("place for %d bytes", place)
	}
	if names, _ := left(t); names != "open closed" {
		t.Errorf("%s are left: nothing should have gone", names)
	}
	if place := reserve(6_000); place != 6_000 {
		t.Errorf("place for %d bytes", place)
	}
	if names, _ := left(t); names != "open" {
		t.Errorf("%s are left", names)
	}
}

// TestEvictionThatWasKilled: a folder that is half removed is no cache, and goes.
func TestEvictionThatWasKilled(t *testing.T) {
	ownCache(t)
	c := filled(t, "half", 4)
	c.close()
	gone := filepath.Join(filepath.Dir(c.dir), trash+"half")
	if err := os.Rename(c.dir, gone); err != nil {
		t.Fatal(err)
	}
	if c = must[*activationCache](t)(openCache("half", kilo)); c.has(key(1)) {
		t.Error("a row of the removed cache is served")
	}
	left(t)
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Errorf("the rest of the removed cache is still there: %v", err)
	}
}

func TestActivationsLimit(t *testing.T) {
	for text, want := range map[string]int64{"10GB": 10_000_000_000, "500 MB": 500_000_000, "1.5gib": 1_610_612_736, "0": 0, "4096": 4096, "2 TB": 2_000_000_000_000} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"ten", "10XB", "-1GB", "1e30TB", "GB", "NaN"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	s := store{filepath.Join(t.TempDir(), "not", "there")}
	bytes, limit, err := s.usage()
	free, known := freeBytes(filepath.Dir(filepath.Dir(s.root)))
	if err != nil || bytes != 0 || known && limit > free/shareOfFree+1<<30 || limit > defaultActivations || limit <= 0 {
		t.Errorf("%d of %d bytes, %v, where %d are free", bytes, limit, err, free)
	}
	// What the caches take does not count as taken from the disk: the limit stays where it is while they grow.
	if more := must[int64](t)(s.limit(4_000_000_000)); known && more != min(defaultActivations, (free+4_000_000_000)/shareOfFree) && more < limit {
		t.Errorf("the limit went from %d to %d", limit, more)
	}
	t.Setenv(ActivationsVariable, "lots")
	if _, _, err := s.usage(); err == nil || !strings.Contains(err.Error(), `TLAB_ACTIVATIONS is "lots": give a size such as 10GB`) {
		t.Errorf("error %v", err)
	}
}

// TestRefusedFolder: where no folder can be made, rows are kept in memory.
func TestRefusedFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ownCache(t)
	activationsRoot = filepath.Join(file, "inside")
	c := filled(t, "nowhere", 3)
	defer c.close()
	if c.dir != "" || c.trouble == nil || !c.has(key(2)) {
		t.Errorf("folder %q, trouble %v", c.dir, c.trouble)
	}
	if memory, disk := c.sizes(); memory != 3*kilo || disk != 0 {
		t.Error(fmt.Sprintf("%d bytes in memory, %d on disk", memory, disk))
	}
}

// A program that names a folder of its own leaves nothing in the user's cache, and takes nothing away from it where it keeps no rows at all.
func TestFolderOfItsOwn(t *testing.T) {
	ownCache(t)
	users := filled(t, "users", 3)
	if err := users.close(); err != nil {
		t.Fatal(err)
	}
	before, root := users.dir, activationsRoot
	activationsRoot = ""
	t.Cleanup(func() { activationsRoot = root })
	dir := filepath.Join(t.TempDir(), "own")
	t.Setenv(ActivationsFolderVariable, dir)
	t.Setenv(ActivationsVariable, "0")
	s, err := openStore()
	if err != nil || s.root != dir {
		t.Fatalf("root %q, %v", s.root, err)
	}
	own := filled(t, "own", 3)
	defer own.close()
	if place, err := own.store.reserve(3*(kilo+indexEntry), false); place != 0 || err != nil {
		t.Errorf("place for %d bytes, %v", place, err)
	}
	if _, err := os.Stat(before); err != nil {
		t.Errorf("the user's own rows: %v", err)
	}
}
