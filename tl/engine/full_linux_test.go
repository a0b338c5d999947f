package engine

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestCheckpointsOnAFullDisk trains on a file system of 100 kB, which holds few of the 30 epochs. Training goes on, it is said once, and the model as it
// stands is on disk all the same, in place of the epochs to step back to.
func TestCheckpointsOnAFullDisk(t *testing.T) {
	ownCache(t)
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=100k"); err != nil {
		t.Skipf("mounting a small file system is not allowed here: %v", err)
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH)
	dir := filepath.Join(disk, "state")
	e := must[*Engine](t)(New(Options{Dir: dir}))
	m := pixels.WithHead("much", tl.Dense(3))
	var said []string
	for range 2 {
		var h tl.History
		request := tl.FitRequest{Model: m, Train: figures, Phase: tl.Phase{Epochs: 30, LearningRate: 1e-3}}
		err := e.Call(quiet(), tl.VerbFit, request, &h, func(p remote.Progress) {
			if strings.Contains(p.Stage, "checkpoints") {
				said = append(said, p.Stage)
			}
		})
		if err != nil || len(h.Epochs) != 30 {
			t.Fatal(err, h)
		}
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "smaller checkpoints: the disk of "+dir+" is full; the work goes on") {
		t.Errorf("said %q", said)
	}
	again := must[*Engine](t)(New(Options{Dir: dir}))
	prints := func(e *Engine) map[string]string {
		return must[map[string]string](t)(e.fingerprint(quiet(), tl.ModelRequest{Model: m}, nil))
	}
	if changed := moved(prints(e), prints(again)); changed != nil {
		t.Errorf("the model that came back differs in %v", changed)
	}
	if h := must[[]tl.History](t)(again.histories(quiet(), tl.ModelRequest{Model: m}, nil)); len(h) != 2 {
		t.Errorf("%d phases came back", len(h))
	}
}

// TestActivationsOnAFullDisk: training goes on with the rows that find no place in memory, which is said, and those on disk are found again.
func TestActivationsOnAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=200k"); err != nil {
		t.Skipf("mounting a small file system is not allowed here: %v", err)
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH) // its rows are still mapped
	ownCache(t)
	activationsRoot = disk
	t.Setenv(ActivationsVariable, "1GB")
	defer func(most int64) { mostInMemory = most }(mostInMemory)
	mostInMemory = inMemory.Load() + 10<<10
	var said []string
	ctx := heard(&said)
	model := lite.WithHead("full", tl.Dense(3))
	must[bool](t)(model.Reset(ctx))
	if h := must[tl.History](t)(model.Fit(ctx, figures, none, tl.Phase{Epochs: 2, LearningRate: 1e-3})); len(h.Epochs) != 2 {
		t.Fatal(h)
	}
	if len(said) != 1 || !strings.Contains(said[0], "of 48 images, which are computed anew each time: the disk of "+disk+" is full: free 247 kB, or set TLAB_HOME to another disk") {
		t.Errorf("said %q", said)
	}
	c := must[*activationCache](t)(openCache("another", 64))
	defer c.close()
	many := make([][32]byte, 8192)
	for i := range many {
		many[i] = [32]byte{byte(i), byte(i >> 8), 1}
	}
	mostInMemory = 0
	if kept, err := c.add(many, make([]byte, 64*len(many))); err != nil || kept != 0 || !errors.Is(c.trouble, syscall.ENOSPC) {
		t.Errorf("%d rows kept, %v, trouble %v", kept, err, c.trouble)
	}
	if c = must[*activationCache](t)(openCache("another", 64)); c.has(many[0]) {
		t.Error("a row that was not written is there")
	}
}
