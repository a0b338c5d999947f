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
	"testing"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// verbOn calls a verb of one engine among several.
func verbOn[Out any](e *Engine, verb string, in any) (out Out, err error) {
	err = e.Call(quiet(), verb, in, &out, func(remote.Progress) {})
	return out, err
}

func fitOn(t *testing.T, e *Engine, m tl.Model, p tl.Phase) tl.History {
	t.Helper()
	train, valid := figures.Split(0.75, 1)
	return must[tl.History](t)(verbOn[tl.History](e, tl.VerbFit, tl.FitRequest{Model: m, Train: train, Valid: valid, Phase: p}))
}

func printsOn(t *testing.T, e *Engine, m tl.Model) map[string]string {
	t.Helper()
	return must[map[string]string](t)(verbOn[map[string]string](e, tl.VerbFingerprint, tl.ModelRequest{Model: m}))
}

func saveOn(t *testing.T, e *Engine, m tl.Model, dir string) tl.Saved {
	t.Helper()
	return must[tl.Saved](t)(verbOn[tl.Saved](e, tl.VerbSave, tl.SaveRequest{Model: m, Dir: dir}))
}

func openOn(t *testing.T, e *Engine, dir string) tl.Model {
	t.Helper()
	return must[tl.Model](t)(verbOn[tl.Model](e, tl.VerbOpen, tl.OpenRequest{Dir: dir}))
}

// TestSaveAndOpen: a folder is all there is to a model. Another engine finds weights, freeze state and histories, and goes on as the first does.
func TestSaveAndOpen(t *testing.T) {
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "models", "cells")
	m := lite.WithHead("saved", tl.Dropout(0.2), tl.Dense(3)).Seeded(4)
	first, second := inProcess(), inProcess()
	fitOn(t, first, m, tl.Phase{Name: "head", Epochs: 2, LearningRate: 1e-3})
	must[tl.Summary](t)(verbOn[tl.Summary](first, tl.VerbUnfreezeTop, tl.UnfreezeTopRequest{Model: m, N: 1}))
	tune := tl.Phase{Name: "fine-tune", Epochs: 1, LearningRate: 1e-3, RateDecay: 0.5}
	fitOn(t, first, m, tune)
	saved := saveOn(t, first, m, dir)
	names := []string{}
	for _, f := range saved.Files {
		names = append(names, f.Name)
		if info, err := os.Stat(filepath.Join(dir, f.Name)); err != nil || info.Size() != f.Bytes || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", f.Name, info, err)
		}
	}
	if want := []string{modelFile, weightsFile, pretrainedFile, tl.ReceiptFile}; !slices.Equal(names, want) {
		t.Errorf("wrote %q, want %q", names, want)
	}
	opened := openOn(t, second, dir)
	if opened.Name != m.Name || opened.Seed != m.Seed || opened.Origin != (tl.Origin{Dir: dir, Digest: saved.Digest}) {
		t.Errorf("opened %+v", opened)
	}
	if changed := moved(printsOn(t, first, m), printsOn(t, second, opened)); changed != nil {
		t.Errorf("opened, %v differ", changed)
	}
	if len(second.bases) != 0 {
		t.Error("opening a model loaded the base's weights, which may not be there")
	}
	sum := must[tl.Summary](t)(verbOn[tl.Summary](second, tl.VerbSummary, tl.ModelRequest{Model: opened}))
	if was := must[tl.Summary](t)(verbOn[tl.Summary](first, tl.VerbSummary, tl.ModelRequest{Model: m})); sum.String() != was.String() {
		t.Errorf("summary\n%s\nbecame\n%s", was, sum)
	}
	// Both go on alike, also where the pretrained weights matter.
	anchored := tl.Phase{Name: "anchored", Epochs: 1, LearningRate: 1e-3, Anchor: 0.1}
	one, two := fitOn(t, first, m, anchored), fitOn(t, second, opened, anchored)
	if one.Epochs[0].Loss != two.Epochs[0].Loss || fmt.Sprint(one.Epochs[0].Blocks) != fmt.Sprint(two.Epochs[0].Blocks) {
		t.Errorf("they go on differently: %+v and %+v", one.Epochs, two.Epochs)
	}
	if changed := moved(printsOn(t, first, m), printsOn(t, second, opened)); changed != nil {
		t.Errorf("after another phase %v differ", changed)
	}
	// Opening again finds the model as it stands by now; Reset brings back what was saved.
	if again := openOn(t, second, dir); moved(printsOn(t, second, again), printsOn(t, first, m)) != nil {
		t.Error("opened again, the model lost its last phase")
	}
	must[bool](t)(verbOn[bool](second, tl.VerbReset, tl.ModelRequest{Model: opened}))
	if h := must[[]tl.History](t)(verbOn[[]tl.History](second, tl.VerbHistories, tl.ModelRequest{Model: opened})); len(h) != 2 {
		t.Errorf("after Reset %d histories, want the 2 that were saved", len(h))
	}
}

// TestOpenSurvivesTheEngine: an opened model is found again by the engine after one that crashed, as it stood.
func TestOpenSurvivesTheEngine(t *testing.T) {
	ownCache(t)
	state, dir := t.TempDir(), filepath.Join(t.TempDir(), "m")
	m := pixels.WithHead("survives", tl.Dense(3))
	saveOn(t, inProcess(), m, dir)
	first := must[*Engine](t)(New(Options{Dir: state}))
	opened := openOn(t, first, dir)
	fitOn(t, first, opened, tl.Phase{Epochs: 2, LearningRate: 1e-2})
	second := must[*Engine](t)(New(Options{Dir: state}))
	if changed := moved(printsOn(t, first, opened), printsOn(t, second, opened)); changed != nil {
		t.Errorf("%v differ", changed)
	}
}

// TestSaveReplaces: a later state of the same model takes the place of an earlier one, and whoever has that open is told.
func TestSaveReplaces(t *testing.T) {
	ownCache(t)
	parent := t.TempDir()
	dir := filepath.Join(parent, "m[1]*") // no pattern
	e, m := inProcess(), pixels.WithHead("replaced", tl.Dense(3))
	saveOn(t, e, m, dir)
	opened := openOn(t, e, dir)
	other := inProcess()
	fitOn(t, e, opened, tl.Phase{Epochs: 1, LearningRate: 1e-2})
	saveOn(t, e, opened, dir)
	if again := openOn(t, other, dir); moved(printsOn(t, e, opened), printsOn(t, other, again)) != nil {
		t.Error("the later state was not saved")
	}
	_, err := verbOn[tl.Summary](other, tl.VerbSummary, tl.ModelRequest{Model: opened})
	if err == nil || !strings.Contains(err.Error(), "saved anew since it was opened") {
		t.Errorf("a description of the earlier state: %v", err)
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(parent)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestSaveLeavesOthersAlone: what is not an earlier state of the model stays as it is.
func TestSaveLeavesOthersAlone(t *testing.T) {
	ownCache(t)
	parent := t.TempDir()
	at := func(name string) string { return filepath.Join(parent, name) }
	e, m := inProcess(), pixels.WithHead("mine", tl.Dense(3))
	saveOn(t, e, pixels.WithHead("other", tl.Dense(3)), at("other"))
	saveOn(t, e, m.Seeded(7), at("seed"))
	err := errors.Join(os.Mkdir(at("photos"), 0o755), os.WriteFile(at("photos/a.png"), nil, 0o644),
		os.WriteFile(at("file"), nil, 0o644), os.Mkdir(at("empty"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"other":  `another model ("other" on raw_pixels, seed 0), which stays: save to another folder`,
		"seed":   `another model ("mine" on raw_pixels, seed 7)`,
		"photos": "something else than a saved model, which stays",
		"file":   "a file of that name",
		"empty":  "",
	} {
		before := listing(t, at(name))
		_, err := verbOn[tl.Saved](e, tl.VerbSave, tl.SaveRequest{Model: m, Dir: at(name)})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", name, err, want)
		}
		if after := listing(t, at(name)); after != before {
			t.Errorf("%s was %s, is %s", name, before, after)
		}
	}
	if _, err := m.Save(quiet(), " "); err == nil || !strings.Contains(err.Error(), `tl: save "mine": no folder is named`) {
		t.Errorf("no folder: %v", err)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := os.ReadFile(path)
			all = append(all, filepath.Base(path)+" "+sumOf(data)[:8])
		}
		return nil
	})
	return strings.Join(all, ", ")
}

// TestTwoRunsWriteOneFolder: the second is told, and the first loses nothing.
func TestTwoRunsWriteOneFolder(t *testing.T) {
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "m")
	e, m := inProcess(), pixels.WithHead("two runs", tl.Dense(3))
	unlock, err := lockFolder(dir) // the first run writes
	if err != nil {
		t.Fatal(err)
	}
	_, err = verbOn[tl.Saved](e, tl.VerbSave, tl.SaveRequest{Model: m, Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "another run is writing "+dir) {
		t.Errorf("error %v", err)
	}
	unlock()
	saveOn(t, e, m, dir)
	openOn(t, e, dir)
}

// TestSaveThatFails leaves the earlier folder and nothing else.
func TestSaveThatFails(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "m")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "x"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := replaceFolder(dir, func() error { return nil }, func(fresh string) error {
		return errors.Join(os.WriteFile(filepath.Join(fresh, "half"), nil, 0o644), full)
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(parent)); len(left) != 1 || listing(t, dir) == "" {
		t.Errorf("left behind: %v", left)
	}
}

// TestReplaceInTwoSteps: where names cannot be exchanged, a run that was killed between the steps lost nothing.
func TestReplaceInTwoSteps(t *testing.T) {
	parent := t.TempDir()
	dir, fresh := filepath.Join(parent, "m"), filepath.Join(parent, "fresh")
	for _, d := range []string{dir, fresh} {
		if err := errors.Join(os.Mkdir(d, 0o755), os.WriteFile(filepath.Join(d, filepath.Base(d)), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(dir, earlier(dir)); err != nil { // killed here
		t.Fatal(err)
	}
	recoverFolder(dir)
	if !strings.HasPrefix(listing(t, dir), "m ") {
		t.Errorf("the earlier folder is lost: %s", listing(t, dir))
	}
	if err := putInTwoSteps(fresh, dir); err != nil || !strings.HasPrefix(listing(t, dir), "fresh ") {
		t.Errorf("%v, %s", err, listing(t, dir))
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(parent)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestOpenRefuses: what is not whole, or not for this lab, is said with its remedy.
func TestOpenRefuses(t *testing.T) {
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "m")
	e, m := inProcess(), pixels.WithHead("refused", tl.Dense(3), tl.Dense(3))
	edit := func(change func(*savedModel)) func(*testing.T) {
		return func(t *testing.T) {
			record, _, err := readModelFile(dir)
			if err != nil {
				t.Fatal(err)
			}
			change(&record)
			if err := os.WriteFile(filepath.Join(dir, modelFile), must[[]byte](t)(json.Marshal(record)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	truncate := func(name string) func(*testing.T) {
		return func(t *testing.T) {
			if err := os.Truncate(filepath.Join(dir, name), 100); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, want string
		damage     func(*testing.T)
	}{
		{"cut short", "weights.safetensors was cut short or changed, it has 100 bytes of 13,", truncate(weightsFile)},
		{"JSON cut short", "model.json was cut short or changed", truncate(modelFile)},
		{"a bit", "weights.safetensors is damaged, its SHA-256 is not what was saved: copy the folder again", func(t *testing.T) { flipLast(t, dir, weightsFile) }},
		{"no weights", "weights.safetensors is missing", func(t *testing.T) { os.Remove(filepath.Join(dir, weightsFile)) }},
		{"no JSON", "there is no model.json in it: give the folder that Model.Save wrote", func(t *testing.T) { os.Remove(filepath.Join(dir, modelFile)) }},
		{"not there", "there is no model.json", func(t *testing.T) { os.RemoveAll(dir) }},
		{"newer", "of version 2, this lab reads versions up to 1: update the lab", edit(func(s *savedModel) { s.Version = 2 })},
		{"other format", `of format "keras"`, edit(func(s *savedModel) { s.Format = "keras" })},
		{"other base", "wants images of 32×32 pixels, efficientnet_lite0 takes 224×224: it is of another architecture", edit(func(s *savedModel) { s.Model.Base = lite })},
		{"other layers", "of another architecture than efficientnet_lite0 with this head: the tensor head/dense0/kernel has shape [1024 3], not [1280 3]",
			edit(func(s *savedModel) { s.Model.Base, s.Preprocessing.Size, s.Frozen = lite, 224, nil })},
		{"other head", "the tensor head/dense0/bias has shape [3], not [5]", edit(func(s *savedModel) { s.Model.Head = []tl.Layer{tl.Dense(5), tl.Dense(3)} })},
		{"smaller head", "which has no tensor head/dense1/bias", edit(func(s *savedModel) { s.Model.Head = s.Model.Head[:1] })},
		{"unknown block", `knows a block "mbconv1", raw_pixels has none`, edit(func(s *savedModel) { s.Frozen = []string{"mbconv1"} })},
		{"unknown base", `"raw_pixel"`, edit(func(s *savedModel) { s.Model.Base.Name = "raw_pixel" })},
		{"a file elsewhere", "names no weights.safetensors", edit(func(s *savedModel) { s.Files[0].Name = "../../etc/passwd" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			os.RemoveAll(dir)
			saveOn(t, e, m, dir)
			c.damage(t)
			_, err := verbOn[tl.Model](inProcess(), tl.VerbOpen, tl.OpenRequest{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("error %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := tl.Open(quiet(), ""); err == nil || !strings.Contains(err.Error(), "tl: open a saved model: no folder is named") {
		t.Errorf("no folder: %v", err)
	}
}

// TestOpenWithoutThePretrained: that file may be removed to halve a folder.
func TestOpenWithoutThePretrained(t *testing.T) {
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "m")
	e, m := inProcess(), small("halved").WithHead("halved", tl.Dense(3))
	must[tl.Summary](t)(verbOn[tl.Summary](e, tl.VerbUnfreezeTop, tl.UnfreezeTopRequest{Model: m, N: 1}))
	fitOn(t, e, m, tl.Phase{Epochs: 1, LearningRate: 1e-3})
	saveOn(t, e, m, dir)
	os.Remove(filepath.Join(dir, pretrainedFile))
	said := ""
	var opened tl.Model
	other := inProcess()
	err := other.Call(quiet(), tl.VerbOpen, tl.OpenRequest{Dir: dir}, &opened, func(p remote.Progress) { said += p.Stage })
	if err != nil || !strings.Contains(said, "drift is measured from the saved weights") || moved(printsOn(t, e, m), printsOn(t, other, opened)) != nil {
		t.Errorf("%v, said %q", err, said)
	}
}

// TestSaveOverTheSocket: what a cell asks for travels, and the resident engine writes where the cell meant.
func TestSaveOverTheSocket(t *testing.T) {
	ownCache(t)
	r, dir := serve(t, Options{}), filepath.Join(t.TempDir(), "m")
	m := pixels.WithHead("socket", tl.Dense(3))
	must[tl.History](t)(r.fit(t.Context(), "a", m, 2, nil)) // without valid: its figures are NaN
	must[tl.Evaluation](t)(ask[tl.Evaluation](t.Context(), r, "a", tl.VerbEvaluate, tl.DataRequest{Model: m, Data: figures}, nil))
	saved := must[tl.Saved](t)(ask[tl.Saved](t.Context(), r, "a", tl.VerbSave, tl.SaveRequest{Model: m, Dir: dir}, nil))
	if len(saved.Files) != 3 || !strings.Contains(saved.String(), "weights.safetensors") || saved.Bytes() < 12288 {
		t.Errorf("%v", saved)
	}
	opened := must[tl.Model](t)(ask[tl.Model](t.Context(), r, "b", tl.VerbOpen, tl.OpenRequest{Dir: dir}, nil))
	if moved(r.prints(t, "a", m), r.prints(t, "b", opened)) != nil {
		t.Error("another session opened other weights")
	}
	of := func(session string, m tl.Model) tl.Receipt {
		return must[tl.Receipt](t)(ask[tl.Receipt](t.Context(), r, session, tl.VerbReceipt, tl.ModelRequest{Model: m}, nil))
	}
	mine, theirs := of("a", m), of("b", opened)
	theirs.Weights.Opened = ""
	if asJSON(t, mine) != asJSON(t, theirs) {
		t.Errorf("the receipts differ:\n%v", mine.Compare(theirs))
	}
	if h := r.held(t, "b"); !slices.ContainsFunc(h.Items, func(i tl.Holding) bool { return i.Kind == "model" && i.Session == "b" && i.Bytes >= 12288 }) {
		t.Errorf("holdings %v", h)
	}
}

// TestSaveStops when its client goes away, and leaves nothing.
func TestSaveStops(t *testing.T) {
	ownCache(t)
	parent := t.TempDir()
	e, m := inProcess(), pixels.WithHead("stops", tl.Dense(3))
	printsOn(t, e, m)
	ctx, cancel := context.WithCancel(quiet())
	err := e.Call(ctx, tl.VerbSave, tl.SaveRequest{Model: m, Dir: filepath.Join(parent, "m")}, new(tl.Saved), func(remote.Progress) { cancel() })
	if left := must[[]os.DirEntry](t)(os.ReadDir(parent)); !errors.Is(err, context.Canceled) || len(left) != 0 {
		t.Errorf("%v, left behind: %v", err, left)
	}
}
