package engine

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/weights"
)

// badInput is what somebody does wrong, through the verbs as users call them, and what must stand in the error: what is wrong and what to do.
type badInput struct {
	line  string
	do    func(t *testing.T) error
	wants []string
}

// TestBadInputIsNamed goes through what people do wrong. An error is one line that begins with package and verb; nothing of the model is lost.
func TestBadInputIsNamed(t *testing.T) {
	ownCache(t)
	// A model with a good phase behind it: whatever goes wrong later, it stands.
	model := small("bad input").WithHead("good", tl.Dense(3))
	must[bool](t)(model.Reset(quiet()))
	must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Name: "good", Epochs: 2, LearningRate: 1e-2}))
	good := fingerprint(t, model)
	for _, c := range slices.Concat(badNumbers(model), badData(model), badNames(model), badRates(model), badFolders(model)) {
		err := c.do(t)
		if err == nil {
			t.Errorf("%s: no error", c.line)
			continue
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant %q in it", c.line, err, want)
			}
		}
		if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "tl: ") {
			t.Errorf("%s: error is not one line that begins with tl: %v", c.line, err)
		}
		if changed := moved(good, fingerprint(t, model)); changed != nil {
			t.Fatalf("%s: the model lost %v", c.line, changed)
		}
	}
}

func fitError(m tl.Model, train datasets.Dataset, change func(*tl.Phase)) error {
	p := tl.Phase{Name: "bad", Epochs: 2, LearningRate: 1e-3, Thaw: []string{"head"}}
	if change != nil {
		change(&p)
	}
	_, err := m.Fit(quiet(), train, none, p)
	return err
}

func badNumbers(model tl.Model) []badInput {
	return []badInput{
		{"NaN in the loss", func(*testing.T) error {
			return fitError(model, figures, func(p *tl.Phase) { p.Optimizer, p.LearningRate = "sgd", 1e38 })
		}, []string{`tl: fit "good": phase "bad", epoch 1, step `, "the learning rate is too high", "model as before the phase"}},
		{"NaN in the weights of a file", func(t *testing.T) error {
			return fitError(small("spoilt").WithWeights(spoiltWeights(t)).WithHead("spoilt", tl.Dense(3)), figures, nil)
		}, []string{`spoilt.safetensors hold NaN or Inf in block one: they are spoilt, load others`}},
		{"an image that is none", func(t *testing.T) error {
			return fitError(small("bad input").WithHead("two", tl.Dense(2)), spoiltFolder(t), nil)
		}, []string{"broken.png", "tl: fit \"two\""}},
	}
}

// spoiltWeights is a file in which one number of a frozen block is none.
func spoiltWeights(t *testing.T) string {
	t.Helper()
	b := must[*base](t)(registeredEngine.base(quiet(), small("bad input")))
	tensors := map[string]tl.Tensor{}
	for path, v := range b.values {
		data := slices.Clone(v.Data)
		if path == "/one/conv/kernel" {
			data[0] = float32(math.NaN())
		}
		tensors[path[1:]] = tl.Tensor{Shape: v.Shape, Data: data}
	}
	file := filepath.Join(t.TempDir(), "spoilt.safetensors")
	must[int64](t)(weights.WriteSafetensors(file, weights.Safetensors{Tensors: tensors}))
	return file
}

// spoiltFolder holds two classes, and one file that was cut short.
func spoiltFolder(t *testing.T) datasets.Dataset {
	t.Helper()
	dir := t.TempDir()
	photograph := must[[]byte](t)(os.ReadFile("../zoo/testdata/photographs/chelsea.png"))
	for name, data := range map[string][]byte{"cat/a.png": photograph, "dog/b.png": photograph, "dog/broken.png": photograph[:len(photograph)/2]} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return datasets.Folder(dir)
}

func badData(model tl.Model) []badInput {
	return []badInput{
		{"an empty training set", func(*testing.T) error { return fitError(model, figures.Skip(48), nil) }, []string{`tl: fit "good"`, "no row is left of 48"}},
		{"no training set", func(*testing.T) error { return fitError(model, none, nil) }, []string{`datasets.Open("elpv")`}},
		{"one class alone", func(t *testing.T) error { return fitError(model, ofClass(t, figures, 1), nil) }, []string{"every training row is of class"}},
		{"more classes than logits", func(*testing.T) error { return fitError(small("bad input").WithHead("two", tl.Dense(2)), figures, nil) },
			[]string{"tl.Dense(3)"}},
		{"classes in another order", func(t *testing.T) error { return fitError(model, renamedClasses(t), nil) },
			[]string{`has class "square" as number 0, the model was trained with it as number 1`, "circle, square, cross"}},
		{"evaluated on classes in another order", func(t *testing.T) error {
			_, err := model.Evaluate(quiet(), renamedClasses(t))
			return err
		}, []string{`class "square" as number 0`}},
	}
}

// ofClass are the rows of one class.
func ofClass(t *testing.T, d datasets.Dataset, class int) datasets.Dataset {
	t.Helper()
	var rows []int
	for row, label := range must[[]int](t)(d.Labels(quiet())) {
		if label == class {
			rows = append(rows, row)
		}
	}
	return d.Rows(rows...)
}

// renamedClasses is a folder with two of the classes of figures; the first in order of names is not the first there.
func renamedClasses(t *testing.T) datasets.Dataset {
	t.Helper()
	dir := t.TempDir()
	photograph := must[[]byte](t)(os.ReadFile("../zoo/testdata/photographs/chelsea.png"))
	for _, class := range []string{"square", "triangle"} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, class, "a.png"), photograph, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return datasets.Folder(dir)
}

func badNames(model tl.Model) []badInput {
	summary := func(m tl.Model) error { _, err := m.Summary(quiet()); return err }
	return []badInput{
		{"an unknown base", func(*testing.T) error { _, err := tl.Load("efficientnet_lite00").Summary(quiet()); return err }, []string{"did you mean efficientnet_lite0?"}},
		{"an unknown data set", func(*testing.T) error { return fitError(model, datasets.Open("elvp"), nil) }, []string{"did you mean elpv?"}},
		{"an unknown block", func(*testing.T) error { _, err := model.Unfreeze(quiet(), "thre"); return err }, []string{`no block "thre"`, "did you mean three?"}},
		{"a rate for an unknown block", func(*testing.T) error {
			return fitError(model, figures, func(p *tl.Phase) { p.Rates = map[string]float64{"haed": 1e-3} })
		}, []string{"did you mean head?"}},
		{"an unknown optimizer", func(*testing.T) error { return fitError(model, figures, func(p *tl.Phase) { p.Optimizer = "adma" }) }, []string{"did you mean adam?"}},
		{"an unknown schedule", func(*testing.T) error { return fitError(model, figures, func(p *tl.Phase) { p.Schedule = "cosin" }) }, []string{"cosine"}},
		{"a model without a name", func(*testing.T) error { return summary(small("bad input").WithHead("", tl.Dense(2))) }, []string{"a model needs a name"}},
		{"a folder of classes as an image", func(t *testing.T) error {
			_, err := model.Predict(quiet(), datasets.Image(t.TempDir()))
			return err
		}, []string{"use datasets.Folder"}},
	}
}

func badRates(model tl.Model) (all []badInput) {
	for _, rate := range []float64{0, -1e-3, math.NaN(), math.Inf(1)} {
		all = append(all,
			badInput{fmt.Sprintf("a rate of %g", rate), func(*testing.T) error { return fitError(model, figures, func(p *tl.Phase) { p.LearningRate = rate }) },
				[]string{fmt.Sprintf(`phase "bad": LearningRate is %g`, rate), "above 0"}},
			badInput{fmt.Sprintf("a rate of %g for a block", rate), func(*testing.T) error {
				return fitError(model, figures, func(p *tl.Phase) { p.Rates = map[string]float64{"head": rate} })
			}, []string{fmt.Sprintf("rate %g for block head", rate)}})
	}
	return all
}

func badFolders(model tl.Model) []badInput {
	saved := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "model")
		must[tl.Saved](t)(model.Save(quiet(), dir))
		return dir
	}
	open := func(dir string) error { _, err := tl.Open(quiet(), dir); return err }
	return []badInput{
		{"a checkpoint cut short", func(t *testing.T) error {
			dir := saved(t)
			file := filepath.Join(dir, weightsFile)
			info := must[os.FileInfo](t)(os.Stat(file))
			if err := os.Truncate(file, info.Size()/2); err != nil {
				t.Fatal(err)
			}
			return open(dir)
		}, []string{"tl: open ", "weights.safetensors was cut short or changed", "copy the folder again"}},
		{"a checkpoint of another architecture", func(t *testing.T) error {
			dir := saved(t)
			text := must[[]byte](t)(os.ReadFile(filepath.Join(dir, modelFile)))
			other := strings.Replace(string(text), `"Units": 3`, `"Units": 4`, 1) // of the head
			if other == string(text) {
				t.Fatal("the head is not in model.json")
			}
			if err := os.WriteFile(filepath.Join(dir, modelFile), []byte(other), 0o644); err != nil {
				t.Fatal(err)
			}
			return open(dir)
		}, []string{"of another architecture than bad input with this head: the tensor head/dense0/"}},
		{"a folder that is no model", func(t *testing.T) error { return open(t.TempDir()) }, []string{"no model.json", "give the folder that Model.Save wrote"}},
		{"two runs writing one checkpoint", func(t *testing.T) error {
			dir := saved(t)
			unlock, err := lockFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			_, err = model.Save(quiet(), dir)
			if damaged := open(dir); damaged != nil {
				t.Errorf("the first run's model: %v", damaged)
			}
			return err
		}, []string{`tl: save "good": `, "another run is writing", "save to a folder of this run's own"}},
		{"two models in one checkpoint", func(t *testing.T) error {
			_, err := model.Seeded(9).Save(quiet(), saved(t))
			return err
		}, []string{`another model ("good" on bad input, seed 0)`, "save to another folder"}},
	}
}

// TestTwoEnginesInOneFolder: the folder of checkpoints is the first one's.
func TestTwoEnginesInOneFolder(t *testing.T) {
	dir := t.TempDir()
	serve(t, Options{Dir: dir})
	err := Serve(t.Context(), filepath.Join(t.TempDir(), "s"), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "another engine keeps its models in "+dir) {
		t.Errorf("error %v", err)
	}
}

// TestTerminatedEngine sends SIGTERM to a resident engine in the middle of an epoch. It ends by itself, and the next engine has the last finished
// epoch and goes on with the phase to the bits of an undisturbed run.
func TestTerminatedEngine(t *testing.T) {
	ownCache(t)
	dir, m := t.TempDir(), pixels.WithHead("terminated engine", tl.Dropout(0.3), tl.Dense(3))
	train, valid := resumedData()
	request := tl.FitRequest{Model: m, Train: train, Valid: valid, Phase: resumed}
	r, child := startEngine(t, dir)
	finished := 0
	_, err := ask[tl.History](t.Context(), r, "", tl.VerbFit, request, func(p remote.Progress) {
		if p.Finished {
			if finished++; finished == 2 {
				child.Process.Signal(syscall.SIGTERM)
			}
		}
	})
	if err == nil {
		t.Fatal("the engine was not terminated")
	}
	if err := endOf(child); err != nil {
		t.Errorf("the engine's end: %v", err)
	}
	r, _ = startEngine(t, dir)
	h := must[[]tl.History](t)(ask[[]tl.History](t.Context(), r, "", tl.VerbHistories, tl.ModelRequest{Model: m}, nil))
	if len(h) != 1 || !h[0].Stopped || len(h[0].Epochs) < 2 || len(h[0].Epochs) > 3 || h[0].Kept != len(h[0].Epochs) {
		t.Fatalf("histories %v", h)
	}
	must[tl.History](t)(ask[tl.History](t.Context(), r, "", tl.VerbResume, tl.ResumeRequest{Model: m, Train: train, Valid: valid}, nil))
	undisturbed := inProcess()
	if _, err := fitResumed(quiet(), undisturbed, m, func(remote.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if changed := moved(printsOn(t, undisturbed, m), r.prints(t, "", m)); changed != nil {
		t.Errorf("%v differ", changed)
	}
}

// endOf waits for a process to end by itself.
func endOf(child *exec.Cmd) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { child.Process.Kill() })
	defer stop()
	return child.Wait()
}
