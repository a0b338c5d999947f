package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/tl"
)

// smallONNX is the seeded residual network that tl/zoo compares with PyTorch.
func smallONNX(file string) tl.Base {
	return tl.ONNX(file, tl.ONNXBlock{Name: "stem", Pattern: "^/?stem[./]"}, tl.ONNXBlock{Name: "layer1", Pattern: "^/?layer1[./]"},
		tl.ONNXBlock{Name: "layer2", Pattern: "^/?layer2[./]"}).WithInput(0, [3]float64{0.5, 0.5, 0.5}, [3]float64{0.5, 0.5, 0.5})
}

// A base out of an ONNX file summarises, represents and trains as the zoo's do, and training one block moves that block's weights only: no
// averages, no constants, with the frozen blocks cached and in the graph.
func TestONNXBaseTrains(t *testing.T) {
	ownCache(t)
	base := smallONNX("../zoo/testdata/onnx/small.onnx")
	report := must[tl.LoadReport](t)(base.LoadReport(quiet()))
	if len(report.Loaded) != 33 || !report.Classifier || report.Format != "ONNX" || len(report.Skipped) > 0 {
		t.Errorf("load report %+v", report)
	}
	r := must[tl.Representation](t)(base.Represent(quiet(), figures.Take(12)))
	if values := must[tl.Tensor](t)(r.Values(quiet())); !slices.Equal(values.Shape, []int{12, 12}) {
		t.Errorf("representations %v", values.Shape)
	}
	var losses [2][]float64
	for i, noCache := range []bool{false, true} {
		model := base.WithHead("onnx", tl.Dense(3))
		must[bool](t)(model.Reset(quiet()))
		summary := must[tl.Summary](t)(model.UnfreezeTop(quiet(), 1))
		if names := summary.String(); !strings.Contains(names, "layer1") || !strings.Contains(names, "layer2") {
			t.Errorf("summary:\n%s", names)
		}
		before := fingerprint(t, model)
		phase := tl.Phase{Name: "thaw", Epochs: 3, LearningRate: 3e-3, BatchSize: 8, WeightDecay: 0.1, NoCache: noCache}
		h := must[tl.History](t)(model.Fit(quiet(), figures.Take(24), none, phase))
		after := fingerprint(t, model)
		if got := moved(before, after); !slices.Equal(got, []string{"head", "layer2"}) {
			t.Errorf("NoCache %v: blocks %v moved", noCache, got)
		}
		for path, sum := range after {
			average := strings.Contains(path, "running_")
			if blockOf(path) == "layer2" && average == (before[path] != sum) {
				t.Errorf("NoCache %v: %s moved: %v", noCache, path, before[path] != sum)
			}
		}
		for _, e := range h.Epochs {
			losses[i] = append(losses[i], e.Loss)
		}
		if slices.Min(losses[i]) >= losses[i][0] {
			t.Errorf("NoCache %v: the loss does not fall: %v", noCache, losses[i])
		}
	}
	for i := range losses[0] {
		if d := losses[0][i] - losses[1][i]; d > 1e-3*losses[0][i] || d < -1e-3*losses[0][i] {
			t.Errorf("losses %v cached, %v in the graph", losses[0], losses[1])
		}
	}
}

// A model on an ONNX base is saved, and opened with the same answers as long as the file is there.
func TestONNXModelIsSaved(t *testing.T) {
	ownCache(t)
	file := filepath.Join(t.TempDir(), "small.onnx")
	data, err := os.ReadFile("../zoo/testdata/onnx/small.onnx")
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	model := smallONNX(file).WithHead("saved", tl.Dense(3))
	must[tl.History](t)(model.Fit(quiet(), figures.Take(12), none, tl.Phase{Name: "head", Epochs: 1, LearningRate: 1e-3, BatchSize: 8}))
	before := must[tl.Predictions](t)(model.Predict(quiet(), figures.Take(4)))
	dir := filepath.Join(t.TempDir(), "saved")
	must[tl.Saved](t)(model.Save(quiet(), dir))
	opened := must[tl.Model](t)(tl.Open(quiet(), dir))
	after := must[tl.Predictions](t)(opened.Predict(quiet(), figures.Take(4)))
	if !slices.Equal(before.Probabilities.Data, after.Probabilities.Data) {
		t.Errorf("%v before, %v after", before.Probabilities, after.Probabilities)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.Rename(dir, other); err != nil {
		t.Fatal(err)
	}
	if _, err := tl.Open(quiet(), other); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("without its file: %v", err)
	}
}

// Another file under the same name is another base.
func TestONNXFileThatChanges(t *testing.T) {
	ownCache(t)
	file := filepath.Join(t.TempDir(), "small.onnx")
	var shown []float32
	for _, name := range []string{"small.onnx", "folded.onnx"} {
		data, err := os.ReadFile("../zoo/testdata/onnx/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		report := must[tl.LoadReport](t)(smallONNX(file).LoadReport(quiet()))
		shown = append(shown, float32(len(report.Loaded)))
	}
	if !slices.Equal(shown, []float32{33, 14}) {
		t.Errorf("%v tensors", shown)
	}
	_, err := tl.ONNX(file, tl.ONNXBlock{Name: "a", Pattern: "nothing"}).Summary(quiet())
	if err == nil || !strings.Contains(err.Error(), "matches no operator") {
		t.Errorf("a pattern without a match: %v", err)
	}
	if _, err := lite.WithInput(0, [3]float64{}, [3]float64{}).Summary(quiet()); err == nil || !strings.Contains(err.Error(), "tl.ONNX") {
		t.Errorf("WithInput on a base of the zoo: %v", err)
	}
}

// Batch norm that shall use the batch's own statistics is refused, not run otherwise.
func TestONNXKnowsOnlyAverages(t *testing.T) {
	ownCache(t)
	model := smallONNX("../zoo/testdata/onnx/small.onnx").WithHead("batch", tl.Dense(3))
	must[tl.Summary](t)(model.UnfreezeTop(quiet(), 1))
	_, err := model.Fit(quiet(), figures.Take(12), none, tl.Phase{Name: "p", Epochs: 1, LearningRate: 1e-3, BatchSize: 8, BatchNorm: tl.BatchNormTrained})
	if err == nil || !strings.Contains(err.Error(), "is an ONNX graph, whose batch norm knows only its averages") {
		t.Errorf("trained batch norm: %v", err)
	}
}
