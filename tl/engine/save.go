package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/weights"
	"transferlab/tl/zoo"
)

// The files of a saved model. Those of the epochs of a stopped phase stand in a folder of their own and have names by content, as in a
// checkpoint; all are named, with their hashes, in model.json.
const (
	modelFile      = "model.json"
	weightsFile    = "weights.safetensors"
	pretrainedFile = "pretrained.safetensors"
	epochsFolder   = "epochs"
)

const (
	savedFormat = "transferlab model"
	// savedVersion changes with the meaning of model.json. A newer one is refused, an older one is read.
	savedVersion = 1
)

// layout says in every file of weights how to read it, for those who come with Python.
const layout = "float32, channels last, as in Keras: convolution kernels [height, width, in, out], depthwise [height, width, 1, channels], dense kernels [in, out]; " +
	"batch norm: scale, offset, mean, variance [channels]. For PyTorch: kernel.permute(3, 2, 0, 1), dense kernel.T"

// savedModel is model.json.
type savedModel struct {
	Format        string
	Version       int
	Model         tl.Model // as described; see tl.Base.WithHead
	Classes       []string `json:",omitempty"` // of the training data: the names of the logits
	Preprocessing preprocessing
	Layout        string
	Frozen        []string           // blocks
	Rates         map[string]float64 `json:",omitempty"`
	Histories     []tl.History       // of the phases that were fitted
	Journal       journal
	Weights       string            // digest over all tensors, as in the receipt
	Versions      map[string]string // of what wrote it
	Epochs        []string          `json:",omitempty"` // of a stopped phase: files in the folder of epochs, without their ending
	Stopped       *stoppedPhase     `json:",omitempty"` // what that phase goes on from
	Files         []tl.SavedFile
}

// preprocessing is how an image becomes the network's input.
type preprocessing struct {
	zoo.Preprocessing        // the input is (value − Mean) / Deviation of pixel values 0 to 255, Size × Size, red green blue unless BGR
	Resize            string // for people
	Decoding          string // the version of this lab's way from a file to pixels
}

func (b *base) preprocessing() preprocessing {
	return preprocessing{b.Preprocessing, "the whole image, squashed to Size × Size, bilinear, antialiased", decoding}
}

// save writes a model into a folder; see tl.Model.Save.
func (e *Engine) save(ctx context.Context, r tl.SaveRequest, report func(remote.Progress)) (tl.Saved, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Saved{}, err
	}
	defer t.gate.Unlock()
	if _, err := e.open(ctx); err != nil { // the receipt names what computes
		return tl.Saved{}, err
	}
	if r.Dir == "" || !filepath.IsAbs(r.Dir) {
		return tl.Saved{}, fmt.Errorf("the folder %q is not given in full", r.Dir)
	}
	dir := filepath.Clean(r.Dir)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // a link stays one
	}
	report(remote.Progress{Stage: "save to " + dir})
	saved := tl.Saved{Dir: dir}
	err = replaceFolder(dir, func() error { return t.mayReplace(dir) }, func(fresh string) error {
		var err error
		saved.Files, saved.Digest, err = e.fill(ctx, t, fresh)
		return err
	})
	if err != nil {
		return tl.Saved{}, fmt.Errorf("engine: save to %s: %w", dir, err)
	}
	return saved, nil
}

// mayReplace tells whether what stands at dir may give way to this model: nothing, an empty folder, or an earlier state of it.
func (t *trained) mayReplace(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("there is a file of that name: save to another folder")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	there, _, err := readModelFile(dir)
	if err != nil {
		return fmt.Errorf("the folder holds something else than a saved model, which stays: save to another folder (%w)", err)
	}
	mine := t.description
	mine.Origin = tl.Origin{}
	if !sameModel(there.Model, mine) {
		return fmt.Errorf("the folder holds another model (%s), which stays: save to another folder, or remove that one first", there.name())
	}
	return nil
}

func (s savedModel) name() string {
	return fmt.Sprintf("%q on %s, seed %d", s.Model.Name, s.Model.Base.Name, s.Model.Seed)
}

// fill writes all files of a model, and returns them with the hash of model.json.
func (e *Engine) fill(ctx context.Context, t *trained, dir string) (files []tl.SavedFile, sum string, err error) {
	record := savedModel{Format: savedFormat, Version: savedVersion, Model: t.description, Classes: t.journal.Classes, Preprocessing: t.base.preprocessing(),
		Layout: layout, Frozen: t.frozenNames(), Rates: t.rates, Histories: t.histories, Journal: t.journal, Weights: digest(t.values), Versions: versions()}
	record.Model.Origin = tl.Origin{}
	put := func(name, content string, values map[string]*value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		file, err := writeValues(dir, name, content, values)
		record.Files = append(record.Files, file)
		return err
	}
	if err := put(weightsFile, "every tensor of base and head", t.values); err != nil {
		return nil, "", err
	}
	if before := t.displaced(); len(before) > 0 {
		if err := put(pretrainedFile, "the tensors of the base that moved, as they were before", before); err != nil {
			return nil, "", err
		}
	}
	if t.stopped != nil {
		if err := t.putStopped(dir, &record, put); err != nil {
			return nil, "", err
		}
	}
	if err := e.receiptOf(t).Write(filepath.Join(dir, tl.ReceiptFile)); err != nil {
		return nil, "", err
	}
	receipt, err := sealed(filepath.Join(dir, tl.ReceiptFile))
	if err != nil {
		return nil, "", err
	}
	record.Files = append(record.Files, receipt)
	text, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(filepath.Join(dir, modelFile), append(text, '\n'), 0o644); err != nil {
		return nil, "", err
	}
	model, err := sealed(filepath.Join(dir, modelFile))
	return slices.Concat([]tl.SavedFile{model}, record.Files), model.SHA256, err
}

// displaced are the tensors of the base that the model has others for.
func (t *trained) displaced() map[string]*value {
	before := map[string]*value{}
	for path, v := range t.values {
		if was := t.base.values[path]; was != nil && was != v && was.sum() != v.sum() {
			before[path] = was
		}
	}
	return before
}

// writeValues writes a file of tensors. Names are paths without the slash in front; content says for people what they are.
func writeValues(dir, name, content string, values map[string]*value) (tl.SavedFile, error) {
	tensors := map[string]tl.Tensor{}
	for path, v := range values {
		tensors[strings.TrimPrefix(path, "/")] = v.Tensor
	}
	file := filepath.Join(dir, filepath.FromSlash(name))
	_, err := weights.WriteSafetensors(file, weights.Safetensors{Tensors: tensors,
		Metadata: map[string]string{"format": "transferlab", "content": content, "layout": layout}})
	if err != nil {
		return tl.SavedFile{}, err
	}
	written, err := sealed(file)
	written.Name = name
	return written, err
}

// putStopped writes what a stopped phase goes on from.
func (t *trained) putStopped(dir string, record *savedModel, put func(name, content string, values map[string]*value) error) error {
	if err := os.Mkdir(filepath.Join(dir, epochsFolder), 0o755); err != nil {
		return err
	}
	written := map[string]bool{}
	once := func(m *moment, content string) error {
		if written[m.name()] {
			return nil
		}
		written[m.name()] = true
		return put(epochsFolder+"/"+m.name()+".safetensors", content, m.values)
	}
	for i, epoch := range t.epochs {
		if epoch == nil { // there was no room for it
			record.Epochs = append(record.Epochs, "")
			continue
		}
		if err := once(epoch, fmt.Sprintf("what moved, as it was after epoch %d of the stopped phase", i+1)); err != nil {
			return err
		}
		record.Epochs = append(record.Epochs, epoch.name())
	}
	record.Stopped = t.stopped
	if t.stopped.optimizer != nil {
		if err := once(t.stopped.optimizer, "the optimizer's state after the last finished epoch"); err != nil {
			return err
		}
	}
	return syncFolder(filepath.Join(dir, epochsFolder))
}

// valuesOf turns tensors as a file has them into values by path.
func valuesOf(tensors map[string]tl.Tensor) map[string]*value {
	values := make(map[string]*value, len(tensors))
	for name, t := range tensors {
		values["/"+name] = newValue(t.Shape, t.Data)
	}
	return values
}

// maxModelFile bounds what is read as model.json.
const maxModelFile = 64 << 20

// readModelFile reads and checks model.json, and gives it as it stands, too.
func readModelFile(dir string) (record savedModel, text []byte, err error) {
	file := filepath.Join(dir, modelFile)
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return record, nil, fmt.Errorf("there is no %s in it: give the folder that Model.Save wrote", modelFile)
	}
	if err != nil {
		return record, nil, err
	}
	if info.Size() > maxModelFile {
		return record, nil, fmt.Errorf("its %s has %d MB: it is none of this lab", modelFile, info.Size()>>20)
	}
	if text, err = os.ReadFile(file); err != nil {
		return record, nil, err
	}
	var head struct {
		Format  string
		Version int
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return record, nil, fmt.Errorf("its %s was cut short or changed (%w): copy the folder again from where it was saved", modelFile, err)
	}
	switch {
	case head.Format != savedFormat:
		return record, nil, fmt.Errorf("its %s is of format %q, not %q: it is none of this lab", modelFile, head.Format, savedFormat)
	case head.Version > savedVersion:
		return record, nil, fmt.Errorf("it is of version %d, this lab reads versions up to %d: update the lab, or save the model anew with this one", head.Version, savedVersion)
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return record, nil, fmt.Errorf("its %s was changed (%w): copy the folder again from where it was saved", modelFile, err)
	}
	return record, text, nil
}
