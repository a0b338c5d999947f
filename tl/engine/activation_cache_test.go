package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func rowOf(b byte) []byte { return bytes.Repeat([]byte{b}, 64) }

func key(b byte) [32]byte { return [32]byte{b} }

func TestActivationCacheSurvivesDamage(t *testing.T) {
	ownCache(t)
	c := must[*activationCache](t)(openCache("one", 64))
	if err := c.add([][32]byte{key(1), key(2)}, append(rowOf(1), rowOf(2)...)); err != nil {
		t.Fatal(err)
	}
	reopen := func() *activationCache { return must[*activationCache](t)(openCache("one", 64)) }
	has := func(c *activationCache, b byte) bool {
		dst := make([]byte, 64)
		return c.has(key(b)) && c.read(key(b), dst) == nil && bytes.Equal(dst, rowOf(b))
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
	if err := c.add([][32]byte{key(3)}, rowOf(3)); err != nil {
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
	if err := c.add([][32]byte{key(2)}, rowOf(2)); err != nil {
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

func TestActivationCacheIsShared(t *testing.T) {
	ownCache(t)
	a, b := must[*activationCache](t)(openCache("two", 64)), must[*activationCache](t)(openCache("two", 64))
	for i, c := range []*activationCache{a, b, a} {
		if err := c.add([][32]byte{key(byte(i))}, rowOf(byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	if !a.has(key(0)) || !a.has(key(1)) || !a.has(key(2)) {
		t.Error("one cache does not see what another process wrote")
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small file system to fill cannot be mounted here (it takes root): %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH) // its rows are still mapped
	activationsRoot = dir
	defer func() { activationsRoot = "" }()
	c := must[*activationCache](t)(openCache("full", 64))
	if err := c.add([][32]byte{key(1)}, rowOf(1)); err != nil {
		t.Fatal(err)
	}
	many := make([][32]byte, 4096)
	err := c.add(many, make([]byte, 64*len(many)))
	if err == nil || !strings.Contains(err.Error(), "is full: free") || !strings.Contains(err.Error(), "TLAB_HOME") {
		t.Errorf("error %v", err)
	}
	if c = must[*activationCache](t)(openCache("full", 64)); !c.has(key(1)) || c.has(key(0)) {
		t.Error("the rows before are lost, or rows that were not written are there")
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
