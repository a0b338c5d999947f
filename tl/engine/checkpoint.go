package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/weights"
)

// A checkpoint is a folder: checkpoint.json and beside it files of weights that it names. A file of weights is named by its content and
// never changes, so an epoch writes what it moved and nothing else, and the small JSON file, which is renamed into place, decides what is true.

// checkpointVersion changes with the meaning of a checkpoint. Another one's is not read.
const checkpointVersion = 2

const checkpointFile = "checkpoint.json"

// checkpoint is a model as checkpoint.json has it.
type checkpoint struct {
	Version   int
	Session   string
	Model     tl.Model
	Frozen    []string // blocks
	Rates     map[string]float64
	Histories []tl.History
	Values    []string // files of weights, each laid over the base's and those before
	Epochs    []string // files of weights, what moved after each epoch of the last phase; "" for one that there was no room for
	Running   *running `json:",omitempty"`
	Journal   journal
	Stopped   *stoppedPhase `json:",omitempty"` // what the last phase, stopped or running, can be gone on from
}

// running is there while a phase lasts: an engine that finds it knows that the one before ended in the phase's middle. The last history
// is then that of the phase, as if it had been stopped.
type running struct {
	Frozen    map[string]string // SHA-256 of the frozen tensors before the phase
	InGraph   bool
	UpToBlock string
	Told      bool // whether Stopped has a line about it
}

// snapshot is what a checkpoint is written from. Nothing in it changes any more.
type snapshot struct {
	key    string
	record checkpoint
	values []*moment
	epochs []*moment
	whole  map[string]*value // all weights, where a phase can be gone on from them
}

// snapshot takes the model as it stands; u is the phase that runs, or nil.
func (t *trained) snapshot(u *run) (*snapshot, error) {
	key, err := modelKey(t.session, t.description)
	if err != nil {
		return nil, err
	}
	s := &snapshot{key: key, epochs: slices.Clone(t.epochs), record: checkpoint{
		Version: checkpointVersion, Session: t.session, Model: t.description, Frozen: t.frozenNames(), Rates: t.rates, Histories: slices.Clone(t.histories),
		Journal: t.journal, Stopped: t.stopped}}
	values := maps.Clone(t.values)
	if u != nil {
		s.epochs = slices.Clone(u.saved)
		if n := len(u.saved); n > 0 {
			maps.Copy(values, u.saved[n-1].values)
		}
		s.record.Rates, s.record.Running = u.rates, u.running()
		s.record.Histories = append(s.record.Histories, u.asStopped())
		s.record.Journal, s.record.Stopped = t.journal.withPhase(u.entry), u.resumable()
		s.whole = values
	}
	s.values = t.layers(values, s.epochs)
	return s, nil
}

// frozenNames are the frozen blocks, in order.
func (t *trained) frozenNames() (names []string) {
	for _, block := range t.base.Blocks {
		if t.frozen[block.Name] {
			names = append(names, block.Name)
		}
	}
	return names
}

// layers writes values, but for the base's own, as moments: the last epoch that stands whole, and below it the rest.
func (t *trained) layers(values map[string]*value, epochs []*moment) []*moment {
	rest := t.own(values)
	var layers []*moment
	for _, epoch := range slices.Backward(epochs) {
		if epoch != nil && epoch.stands(values) {
			layers = append(layers, epoch)
			maps.DeleteFunc(rest, func(path string, _ *value) bool { return epoch.values[path] != nil })
			break
		}
	}
	if len(rest) > 0 {
		below := t.rest
		if below == nil || !maps.Equal(below.values, rest) { // hashed once, not after each epoch
			below = newMoment(rest)
			t.rest = below
		}
		layers = append([]*moment{below}, layers...)
	}
	return layers
}

// running describes the phase for the next engine.
func (u *run) running() *running {
	r := &running{Frozen: map[string]string{}, InGraph: u.cut < u.model.prefix()}
	if n := u.model.prefix(); n > 0 {
		r.UpToBlock = u.model.base.Blocks[n-1].Name
	}
	for path, sum := range u.before {
		r.Frozen[path] = fmt.Sprintf("%x", sum)
	}
	return r
}

// asStopped is the phase's history, had it been stopped now.
func (u *run) asStopped() tl.History {
	h := u.history
	h.Epochs = slices.Clone(h.Epochs)
	h.Stopped, h.Kept = true, len(h.Epochs)
	return h
}

// restore gives a new model what its checkpoint holds.
func (t *trained) restore(dir string) error {
	record, err := readCheckpoint(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if record.Version != checkpointVersion || record.Session != t.session || !sameModel(record.Model, t.description) {
		return errors.New("it is another model's, or of another version of the lab")
	}
	files := map[string]*moment{}
	for _, name := range slices.Concat(record.Values, record.Epochs) {
		if name != "" && files[name] == nil {
			if files[name], err = t.readMoment(dir, name); err != nil {
				return err
			}
		}
	}
	for _, name := range record.Values {
		maps.Copy(t.values, files[name].values)
	}
	for _, name := range record.Epochs {
		t.epochs = append(t.epochs, files[name])
	}
	for block := range t.frozen {
		t.frozen[block] = slices.Contains(record.Frozen, block)
	}
	t.histories, t.rates, t.journal = record.Histories, record.Rates, record.Journal
	if n := len(t.histories); record.Running != nil && n > 0 {
		t.histories[n-1].Proof = record.Running.prove(t.values)
		if n == len(t.journal.Phases) {
			t.journal.Phases[n-1].After = digest(t.values)
		}
	}
	t.weigh(nil)
	return t.restoreStopped(dir, record.Stopped)
}

// restoreStopped brings back what a stopped phase goes on from.
func (t *trained) restoreStopped(dir string, s *stoppedPhase) error {
	if s == nil {
		return nil
	}
	if s.Optimizer != "" {
		file, err := weights.ReadSafetensors(momentPath(dir, s.Optimizer))
		if err != nil {
			return err
		}
		values := map[string]*value{}
		for path, tensor := range file.Tensors {
			values[path] = newValue(tensor.Shape, tensor.Data)
		}
		if s.optimizer = newMoment(values); s.optimizer.name() != s.Optimizer {
			return fmt.Errorf("the bits of %s changed on disk", filepath.Base(momentPath(dir, s.Optimizer)))
		}
	}
	t.stopped = s
	return nil
}

// prove compares the frozen tensors that were brought back with what they were before the phase.
func (r *running) prove(values map[string]*value) tl.FreezeProof {
	proof := tl.FreezeProof{Tensors: len(r.Frozen), InGraph: r.InGraph, UpToBlock: r.UpToBlock}
	for path, sum := range r.Frozen {
		if v := values[path]; v == nil || fmt.Sprintf("%x", v.sum()) != sum {
			proof.Moved = append(proof.Moved, path)
		}
	}
	slices.Sort(proof.Moved)
	return proof
}

func readCheckpoint(dir string) (checkpoint, error) {
	var c checkpoint
	text, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

// readMoment reads a file of weights. It must be what its name says and fit the model.
func (t *trained) readMoment(dir, name string) (*moment, error) {
	file, err := weights.ReadSafetensors(momentPath(dir, name))
	if err != nil {
		return nil, err
	}
	values := map[string]*value{}
	for path, tensor := range file.Tensors {
		has := t.values[path]
		if has == nil || !slices.Equal(has.Shape, tensor.Shape) {
			return nil, fmt.Errorf("tensor %s of shape %v does not belong to the model", path, tensor.Shape)
		}
		values[path] = newValue(tensor.Shape, tensor.Data)
	}
	m := newMoment(values)
	if m.name() != name {
		return nil, fmt.Errorf("the bits of %s changed on disk", filepath.Base(momentPath(dir, name)))
	}
	return m, nil
}

// momentPath is where a file of weights stands. Its name comes from a file that may be damaged: it must not lead elsewhere.
func momentPath(dir, name string) string {
	return filepath.Join(dir, filepath.Base(name)+".safetensors")
}

// keep writes the model as it stands and waits for it, before the verb that changed it answers.
func (e *Engine) keep(ctx context.Context, t *trained) {
	if e.state == nil {
		return
	}
	s, err := t.snapshot(nil)
	if err == nil {
		e.state.save(s)
		e.state.flush(s.key)
	}
	e.state.tell(err, callOf(ctx).report)
}

// checkpoint writes the model as it is in the middle of a phase, beside the training.
func (u *run) checkpoint(report func(remote.Progress)) {
	state := u.engine.state
	if state == nil {
		return
	}
	s, err := u.model.snapshot(u)
	if err == nil {
		state.save(s)
	}
	state.tell(err, report)
}
