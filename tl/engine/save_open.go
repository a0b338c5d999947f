package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/weights"
	"transferlab/tl/zoo"
)

// openSaved finds a saved model; see tl.Open. All of the folder is read and checked at once, so that no later verb finds it wanting.
func (e *Engine) openSaved(ctx context.Context, r tl.OpenRequest, _ func(remote.Progress)) (tl.Model, error) {
	dir := filepath.Clean(r.Dir)
	recoverFolder(dir)
	record, text, err := readModelFile(dir)
	if err != nil {
		return tl.Model{}, notOpened(dir, err)
	}
	m := record.Model
	m.Origin = tl.Origin{Dir: dir, Digest: sumOf(text)}
	t, err := e.model(ctx, m)
	if replaced := (*replacedError)(nil); errors.As(err, &replaced) { // between two looks: somebody saves while this reads
		m.Origin.Digest = replaced.digest
		t, err = e.model(ctx, m)
	}
	if err != nil {
		return tl.Model{}, err
	}
	t.gate.Unlock()
	return m, nil
}

func notOpened(dir string, err error) error { return fmt.Errorf("engine: open %s: %w", dir, err) }

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// replacedError says that a folder holds another state than the one that was opened.
type replacedError struct{ digest string }

func (*replacedError) Error() string {
	return "it was saved anew since it was opened: open it again with tl.Open"
}

// opened is what a folder holds, read and checked.
type opened struct {
	record savedModel
	values map[string]*value
	epochs []*moment
}

// baseOf finds the network of a model with the weights that it was trained from: those of its base, or for an opened model its folder's.
func (e *Engine) baseOf(ctx context.Context, m tl.Model) (*base, error) {
	if m.Origin == (tl.Origin{}) {
		return e.base(ctx, m.Base)
	}
	key, err := modelKey(remote.SessionOf(ctx), m)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	t := e.models[key]
	e.mu.Unlock()
	if t != nil {
		return t.base, nil
	}
	b, err := readSaved(ctx, m)
	if err != nil {
		return nil, notOpened(m.Origin.Dir, err)
	}
	return b, nil
}

// readSaved reads the folder of an opened model: a network of the model's own, whose pretrained weights the folder holds, too, and beside it
// what the model was.
func readSaved(ctx context.Context, m tl.Model) (*base, error) {
	dir := m.Origin.Dir
	record, text, err := readModelFile(dir)
	if err != nil {
		return nil, err
	}
	if sum := sumOf(text); sum != m.Origin.Digest {
		return nil, &replacedError{sum}
	}
	network, err := network(record.Model.Base)
	if err != nil {
		return nil, err
	}
	b := newBase(network, record.Model.Base)
	b.label = b.Name + " from " + dir
	if err := record.fits(b); err != nil {
		return nil, err
	}
	saved := &opened{record: record}
	if saved.values, err = record.tensors(dir, weightsFile); err != nil {
		return nil, err
	}
	if err := b.fit(saved.values, record.Model); err != nil {
		return nil, err
	}
	if block := notFinite(saved.values); block != "" { // a relu may turn NaN into 0, and then nothing later tells
		return nil, fmt.Errorf("its weights hold NaN or Inf in block %s: they are spoilt, open another", block)
	}
	b.values = maps.Clone(saved.values)
	maps.DeleteFunc(b.values, func(path string, _ *value) bool { return blockOf(path) == headBlock })
	if err := record.pretrained(ctx, dir, b); err != nil {
		return nil, err
	}
	if err := saved.stopped(dir); err != nil {
		return nil, err
	}
	b.Preprocessing = record.Preprocessing.Preprocessing // it travels with the weights
	b.bytes.Store(bytesOf(b.values))
	b.saved = saved
	return b, nil
}

// fits compares what the record says of images with the network.
func (s savedModel) fits(b *base) error {
	if s.Preprocessing.Size != b.Size {
		return fmt.Errorf("it wants images of %d×%d pixels, %s takes %d×%d: it is of another architecture, use the version of the lab that saved it (%s)",
			s.Preprocessing.Size, s.Preprocessing.Size, b.Name, b.Size, b.Size, s.Versions[ours])
	}
	for _, name := range s.Frozen {
		if !slices.ContainsFunc(b.Blocks, func(block zoo.Block) bool { return block.Name == name }) {
			return fmt.Errorf("it knows a block %q, %s has none of that name: it is of another architecture, use the version of the lab that saved it (%s)",
				name, b.Name, s.Versions[ours])
		}
	}
	return nil
}

// pretrained takes the tensors of the base that moved from their file. Without the file the saved ones stand for them.
func (s savedModel) pretrained(ctx context.Context, dir string, b *base) error {
	if !slices.ContainsFunc(s.Files, func(f tl.SavedFile) bool { return f.Name == pretrainedFile }) {
		return nil
	}
	before, err := s.tensors(dir, pretrainedFile)
	if errors.Is(err, os.ErrNotExist) {
		callOf(ctx).report(remote.Progress{Stage: pretrainedFile + " is not there any more: drift is measured from the saved weights", Finished: true})
		return nil
	}
	if err != nil {
		return err
	}
	for path, v := range before {
		if now := b.values[path]; now == nil || !slices.Equal(now.Shape, v.Shape) {
			return fmt.Errorf("%s has the tensor %s of shape %v, which %s does not: copy the folder again from where it was saved", pretrainedFile, path, v.Shape, b.Name)
		}
		b.values[path] = v
	}
	return nil
}

// tensors reads a file of the folder, which must be what the record says, bit for bit.
func (s savedModel) tensors(dir, name string) (map[string]*value, error) {
	const remedy = "copy the folder again from where it was saved"
	at := slices.IndexFunc(s.Files, func(f tl.SavedFile) bool { return f.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("its %s names no %s: %s", modelFile, name, remedy)
	}
	want, path := s.Files[at], filepath.Join(dir, filepath.FromSlash(name))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, fmt.Errorf("its %s names a file outside of it, %q: it is none of this lab", modelFile, name)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s is missing: %s: %w", name, remedy, os.ErrNotExist)
	case err != nil:
		return nil, err
	case info.Size() != want.Bytes:
		return nil, fmt.Errorf("%s was cut short or changed, it has %s bytes of %s: %s", name, tl.WithCommas(info.Size()), tl.WithCommas(want.Bytes), remedy)
	}
	sum, err := hashOf(path)
	if err != nil {
		return nil, err
	}
	if sum != want.SHA256 {
		return nil, fmt.Errorf("%s is damaged, its SHA-256 is not what was saved: %s", name, remedy)
	}
	file, err := weights.ReadSafetensors(path)
	if err != nil {
		return nil, err
	}
	return valuesOf(file.Tensors), nil
}

func hashOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// fit checks that values are the tensors of the network and of the model's head, each of its shape, no more and no fewer.
func (b *base) fit(values map[string]*value, m tl.Model) error {
	want := map[string][]int{}
	for _, block := range b.Blocks {
		for _, v := range block.Variables {
			want["/"+block.Name+"/"+v.Name] = v.Shape
		}
	}
	head, _, err := newHead(m.Head, b.outputShape(len(b.Blocks))[0], m.Seed)
	if err != nil {
		return err
	}
	for path, v := range head {
		want[path] = v.Shape
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		v := values[path]
		if v == nil {
			return fmt.Errorf("it is of another architecture than %s with this head: it has no tensor %s", b.Name, path[1:])
		}
		if !slices.Equal(v.Shape, want[path]) {
			return fmt.Errorf("it is of another architecture than %s with this head: the tensor %s has shape %v, not %v", b.Name, path[1:], v.Shape, want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(values)) {
		if want[path] == nil {
			return fmt.Errorf("it is of another architecture than %s with this head, which has no tensor %s", b.Name, path[1:])
		}
	}
	return nil
}

// stopped reads what a stopped phase goes on from.
func (o *opened) stopped(dir string) error {
	read := func(name string) (*moment, error) {
		values, err := o.record.tensors(dir, epochsFolder+"/"+name+".safetensors")
		if err != nil {
			return nil, err
		}
		return newMoment(values), nil
	}
	for _, name := range o.record.Epochs {
		if name == "" { // there was no room for it
			o.epochs = append(o.epochs, nil)
			continue
		}
		m, err := read(name)
		if err != nil {
			return err
		}
		o.epochs = append(o.epochs, m)
	}
	if s := o.record.Stopped; s != nil && s.Optimizer != "" {
		var err error
		s.optimizer, err = read(s.Optimizer)
		return err
	}
	return nil
}

// into gives a new model what was saved.
func (o *opened) into(t *trained) {
	for path, v := range o.values {
		if t.base.values[path] == nil || t.base.values[path].sum() != v.sum() {
			t.values[path] = v
		}
	}
	for block := range t.frozen {
		t.frozen[block] = slices.Contains(o.record.Frozen, block)
	}
	t.rates, t.histories, t.journal = o.record.Rates, o.record.Histories, o.record.Journal
	t.epochs, t.stopped = o.epochs, o.record.Stopped
	t.weigh(nil)
}
