package engine

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/weights"
)

// state keeps checkpoints of models in a folder, so that an engine that ends by a fault loses no finished epoch. They are written one
// after the other in the background, of each model the newest only. They are not synced: what they are for is the end of this
// process, not that of the machine.
type state struct {
	dir string

	mu      sync.Mutex
	changed sync.Cond            // something was written or dropped
	queue   map[string]*snapshot // by model key
	busy    string               // the model that is being written
	working bool
	waiting int // calls that wait for the writer
	hurry   chan struct{}
	there   map[string]map[string]int64 // folder → file of weights → its bytes
	lean    map[string]bool             // models whose earlier epochs have no place
	trouble error
	told    bool
}

// idleShare bounds the time that writing takes from training: after a checkpoint the writer rests so many times as long as it took.
const idleShare = 4

// openState uses the folder dir, and says which phases were running when the engine before ended.
func openState(dir string) (*state, []ended, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("engine: make the folder of checkpoints: %w", err)
	}
	s := &state{dir: dir, queue: map[string]*snapshot{}, hurry: make(chan struct{}, 1), there: map[string]map[string]int64{}, lean: map[string]bool{}}
	s.changed.L = &s.mu
	return s, s.crashed(), nil
}

// ended is a phase that an engine before this one did not finish.
type ended struct{ session, text string }

// crashed finds the phases that were running when the engine before ended. Each is told once.
func (s *state) crashed() (found []ended) {
	folders, _ := filepath.Glob(filepath.Join(s.dir, "*", checkpointFile))
	for _, file := range folders {
		c, err := readCheckpoint(filepath.Dir(file))
		if err != nil || c.Running == nil || c.Running.Told || len(c.Histories) == 0 {
			continue // a damaged one is reported when its model is used
		}
		h := c.Histories[len(c.Histories)-1]
		found = append(found, ended{c.Session, fmt.Sprintf("fit %q: the engine ended in epoch %d of phase %q; %s", c.Model.Name, len(h.Epochs)+1, h.Phase.Name, h.Standing())})
		c.Running.Told = true
		_ = writeCheckpoint(filepath.Dir(file), c) // else it is told again
	}
	return found
}

// folder is where the checkpoint of a model stands.
func (s *state) folder(key string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:32])
}

// save has a snapshot written soon, instead of those of the same model that still wait.
func (s *state) save(snap *snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue[snap.key] = snap
	if !s.working {
		s.working = true
		go s.work()
	}
}

// work writes what is queued, and ends when nothing is.
func (s *state) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		var snap *snapshot
		for _, snap = range s.queue {
			break
		}
		delete(s.queue, snap.key)
		s.busy = snap.key
		s.mu.Unlock()
		begun := time.Now()
		err := s.put(snap)
		took := time.Since(begun)
		s.mu.Lock()
		s.busy, s.trouble = "", err
		s.told = s.told && err != nil
		s.changed.Broadcast()
		if s.waiting == 0 {
			s.rest(idleShare * took)
		}
	}
	s.working = false
}

// rest leaves the processor to the training, unless somebody comes to wait. Call it with mu held.
func (s *state) rest(d time.Duration) {
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-s.hurry:
	case <-time.After(d):
	}
}

// flush waits until nothing of that model is left to write.
func (s *state) flush(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting++
	defer func() { s.waiting-- }()
	select {
	case s.hurry <- struct{}{}:
	default:
	}
	for s.queue[key] != nil || s.busy == key {
		s.changed.Wait()
	}
}

// tell reports once that checkpoints cannot be written; err is why one could not even be begun.
func (s *state) tell(err error, report func(remote.Progress)) {
	s.mu.Lock()
	err = errors.Join(err, s.trouble)
	news := err != nil && !s.told
	s.told = s.told || news
	s.mu.Unlock()
	if !news {
		return
	}
	full := "the disk of " + s.dir + " is full; the work goes on, but a crash of the engine would lose "
	text := "no checkpoints: " + firstLine(err.Error()) + "; the work goes on, but a crash of the engine would lose it"
	switch {
	case errors.Is(err, errLean):
		text = "smaller checkpoints: " + full + "the epochs that StepBack goes back to"
	case errors.Is(err, syscall.ENOSPC):
		text = "no checkpoints: " + full + "it"
	}
	report(remote.Progress{Stage: text, Finished: true})
}

// errLean says that a disk holds models as they are, but not the earlier epochs of their phases.
var errLean = errors.New("no place for earlier epochs")

// put writes a checkpoint. Where the disk is full it gives up the earlier epochs, for this model and from now on.
func (s *state) put(snap *snapshot) error {
	s.mu.Lock()
	lean := s.lean[snap.key]
	s.mu.Unlock()
	if !lean {
		err := s.write(snap)
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		s.mu.Lock()
		s.lean[snap.key] = true
		s.mu.Unlock()
		s.slim(s.folder(snap.key))
	}
	snap.epochs, snap.record.Stopped = nil, nil
	if err := s.write(snap); err != nil {
		return err
	}
	return errLean
}

// slim makes room: the checkpoint that is there stays, but for its earlier epochs.
func (s *state) slim(dir string) {
	s.mu.Lock()
	delete(s.there, dir) // it does not know what was written in vain
	s.mu.Unlock()
	c, err := readCheckpoint(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return // a damaged one is overwritten by the next
	}
	if s.sweep(dir, c, s.files(dir)) != nil || err != nil { // what was written in vain makes place for the JSON file …
		return
	}
	c.Epochs, c.Stopped = nil, nil
	if writeCheckpoint(dir, c) == nil { // … which lets the epochs go
		_ = s.sweep(dir, c, s.files(dir)) // what stays is tried again with the next checkpoint
	}
}

// write writes first the files of weights that are not there, then the JSON file, and removes what that does not name.
func (s *state) write(snap *snapshot) error {
	dir := s.folder(snap.key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	there := s.files(dir)
	c := snap.record
	for _, m := range snap.values {
		if err := s.putMoment(dir, m, there); err != nil {
			return err
		}
		c.Values = append(c.Values, m.name())
	}
	for _, m := range snap.epochs {
		if m == nil {
			c.Epochs = append(c.Epochs, "")
			continue
		}
		if err := s.putMoment(dir, m, there); err != nil {
			return err
		}
		c.Epochs = append(c.Epochs, m.name())
	}
	if err := s.putStopped(dir, snap, &c, there); err != nil {
		return err
	}
	if err := writeCheckpoint(dir, c); err != nil {
		return err
	}
	return s.sweep(dir, c, there)
}

// putStopped writes what a phase goes on from, where it is known.
func (s *state) putStopped(dir string, snap *snapshot, c *checkpoint, there map[string]int64) error {
	if c.Stopped == nil {
		return nil
	}
	stopped := *c.Stopped // the run's own is written on
	if snap.whole != nil {
		stopped.Weights = digest(snap.whole)
	}
	c.Stopped = &stopped
	if stopped.optimizer == nil {
		return nil
	}
	stopped.Optimizer = stopped.optimizer.name()
	return s.putMoment(dir, stopped.optimizer, there)
}

// sweep removes files of weights that a checkpoint does not name, and notes the others.
func (s *state) sweep(dir string, c checkpoint, there map[string]int64) error {
	for name := range there {
		if !slices.Contains(c.Values, name) && !slices.Contains(c.Epochs, name) && (c.Stopped == nil || c.Stopped.Optimizer != name) {
			if err := os.Remove(momentPath(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			delete(there, name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.there[dir] = there
	return nil
}

// files are the files of weights in a folder, with their sizes. It is for the writer alone.
func (s *state) files(dir string) map[string]int64 {
	s.mu.Lock()
	there := maps.Clone(s.there[dir])
	s.mu.Unlock()
	if there != nil {
		return there
	}
	there = map[string]int64{}
	entries, _ := os.ReadDir(dir) // a folder that cannot be read cannot be written either, and that says so
	for _, entry := range entries {
		if name, is := strings.CutSuffix(entry.Name(), ".safetensors"); is {
			there[name] = sizeOf(entry)
		} else if entry.Name() != checkpointFile {
			_ = os.Remove(filepath.Join(dir, entry.Name())) // of a write that was killed
		}
	}
	return there
}

func sizeOf(entry os.DirEntry) int64 {
	info, err := entry.Info()
	if err != nil {
		return 0 // it is gone
	}
	return info.Size()
}

func (s *state) putMoment(dir string, m *moment, there map[string]int64) error {
	name := m.name()
	if _, found := there[name]; found {
		return nil
	}
	tensors := map[string]tl.Tensor{}
	for path, v := range m.values {
		tensors[path] = v.Tensor
	}
	size, err := weights.WriteSafetensors(momentPath(dir, name), weights.Safetensors{Tensors: tensors})
	if err == nil {
		there[name] = size
	}
	return err
}

// writeCheckpoint replaces checkpoint.json whole.
func writeCheckpoint(dir string, c checkpoint) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, checkpointFile)
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		_ = os.Remove(file + ".new")
		return err
	}
	return os.Rename(file+".new", file)
}

// has tells whether there is a checkpoint of that model.
func (s *state) has(key string) bool {
	if s == nil {
		return false
	}
	_, err := os.Stat(filepath.Join(s.folder(key), checkpointFile))
	return err == nil
}

// bytes is what the checkpoint of a model occupies on disk.
func (s *state) bytes(key string) (sum int64) {
	if s == nil {
		return 0
	}
	entries, _ := os.ReadDir(s.folder(key)) // where there is none, nothing is on disk
	for _, entry := range entries {
		sum += sizeOf(entry)
	}
	return sum
}

// forget removes the checkpoint of a model, if there is one.
func (s *state) forget(key string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queue, key)
	for s.busy == key {
		s.changed.Wait()
	}
	delete(s.there, s.folder(key))
	_ = os.RemoveAll(s.folder(key)) // what stays would come back at most as the model that it was
}

// forgetSession removes the checkpoints of a session, those of models that were not used since the engine started, too.
func (s *state) forgetSession(session string) {
	if s == nil {
		return
	}
	files, _ := filepath.Glob(filepath.Join(s.dir, "*", checkpointFile))
	for _, file := range files {
		if c, err := readCheckpoint(filepath.Dir(file)); err == nil && c.Session == session {
			if key, err := modelKey(session, c.Model); err == nil {
				s.forget(key)
			}
		}
	}
}
