package engine

import (
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
