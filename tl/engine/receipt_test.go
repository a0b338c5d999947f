package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

func receiptOn(t *testing.T, e *Engine, m tl.Model) tl.Receipt {
	t.Helper()
	return must[tl.Receipt](t)(verbOn[tl.Receipt](e, tl.VerbReceipt, tl.ModelRequest{Model: m}))
}

func evaluateOn(t *testing.T, e *Engine, m tl.Model, d datasets.Dataset) tl.Evaluation {
	t.Helper()
	return must[tl.Evaluation](t)(verbOn[tl.Evaluation](e, tl.VerbEvaluate, tl.DataRequest{Model: m, Data: d}))
}

// TestReceiptTellsAll: what was done to a model stands in its receipt, beside what came of it.
func TestReceiptTellsAll(t *testing.T) {
	ownCache(t)
	train, valid := figures.Split(0.75, 1)
	test, dir := datasets.Shapes(12, 9), filepath.Join(t.TempDir(), "m")
	m := pixels.WithHead("told", tl.Dense(3)).Seeded(11)
	e := inProcess()
	head := tl.Phase{Name: "head", Epochs: 3, LearningRate: 1e-2}
	h := must[tl.History](t)(verbOn[tl.History](e, tl.VerbFit, tl.FitRequest{Model: m, Train: train, Valid: valid, Phase: head}))
	must[tl.History](t)(verbOn[tl.History](e, tl.VerbFit, tl.FitRequest{Model: m, Train: train, Phase: tl.Phase{Epochs: 1, LearningRate: 1e-3}}))
	ev := evaluateOn(t, e, m, test)
	evaluateOn(t, e, m, test.Rows(11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)) // the same images: a second look
	evaluateOn(t, e, m, test.Take(5))                                    // others
	r := receiptOn(t, e, m)
	if r.Model != "told" || r.Seed != 11 || r.Base.Name != "raw_pixels" || fmt.Sprint(r.Classes) != "[circle square cross]" || len(r.Phases) != 2 {
		t.Errorf("%+v", r)
	}
	first, second := r.Phases[0], r.Phases[1]
	if first.Train.Rows != 36 || first.Valid.Rows != 12 || first.Chosen != "valid" || first.Kept != h.Kept || len(first.Epochs) != 3 ||
		first.Train.Description != "48 shapes, seed 1; 0.75 of each class, seed 1" || first.Rates["head"] != 1e-2 || first.Proof.UpToBlock != "pixels" {
		t.Errorf("phase 1: %+v", first)
	}
	if second.Valid != nil || second.Chosen != "none (the last stands)" || second.Phase.Name != "phase 2" || second.Phase.BatchSize != 32 {
		t.Errorf("phase 2: %+v", second)
	}
	if r.Weights.Before != first.Before || first.After != second.Before || second.After != r.Weights.After || first.Before == first.After {
		t.Errorf("digests: %+v, %q %q %q %q", r.Weights, first.Before, first.After, second.Before, second.After)
	}
	looks := []int{}
	for _, look := range r.Evaluations {
		looks = append(looks, look.Look)
	}
	if fmt.Sprint(looks) != "[1 2 1]" || r.Looks(r.Evaluations[0].Data) != 2 || r.Evaluations[0].Accuracy != ev.Accuracy() || r.Evaluations[0].Phases != 2 {
		t.Errorf("looks %v, %+v", looks, r.Evaluations)
	}
	total := 0
	for _, n := range first.Train.Classes {
		total += n
	}
	if total != 36 || r.Seconds <= 0 {
		t.Errorf("%d rows in classes, %g seconds", total, r.Seconds)
	}
	// A test binary names no other modules; see TestVersionsIn.
	if r.Machine.Cores != runtime.NumCPU() || r.Machine.Backend == "" || r.Versions["go"] != runtime.Version() || r.Versions["transferlab"] == "" {
		t.Errorf("%+v, %v", r.Machine, r.Versions)
	}
	saveOn(t, e, m, dir)
	if read := must[tl.Receipt](t)(tl.ReadReceipt(dir)); asJSON(t, read) != asJSON(t, r) {
		t.Errorf("beside the weights stands another receipt:\n%s\nwant\n%s", asJSON(t, read), asJSON(t, r))
	}
	other := inProcess()
	opened := receiptOn(t, other, openOn(t, other, dir))
	if opened.Weights.Opened == "" || !reflect.DeepEqual(opened.Evaluations, r.Evaluations) || opened.Weights.After != r.Weights.After {
		t.Errorf("the opened model's receipt: %+v", opened)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	return string(must[[]byte](t)(json.MarshalIndent(v, "", " ")))
}

// TestReceiptSurvivesTheEngine: the one after a crash gives the same.
func TestReceiptSurvivesTheEngine(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	m := pixels.WithHead("survives", tl.Dense(3))
	first := must[*Engine](t)(New(Options{Dir: dir}))
	fitOn(t, first, m, tl.Phase{Epochs: 2, LearningRate: 1e-2})
	evaluateOn(t, first, m, figures)
	second := must[*Engine](t)(New(Options{Dir: dir}))
	if a, b := asJSON(t, receiptOn(t, first, m)), asJSON(t, receiptOn(t, second, m)); a != b {
		t.Errorf("the receipt became\n%s\nwas\n%s", b, a)
	}
}

// TestReceiptHasNoPaths: it may be shown to anybody. Folders are named by their last name, and so is the plugin.
func TestReceiptHasNoPaths(t *testing.T) {
	ownCache(t)
	folder := filepath.Join(t.TempDir(), "jane", "birds")
	for _, class := range []string{"owl", "wren"} {
		if err := os.MkdirAll(filepath.Join(folder, class), 0o755); err != nil {
			t.Fatal(err)
		}
		photograph := must[[]byte](t)(os.ReadFile("../zoo/testdata/photographs/chelsea.png"))
		if err := os.WriteFile(filepath.Join(folder, class, "a.png"), photograph, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, m := inProcess(), pixels.WithHead("paths", tl.Dense(2))
	must[tl.History](t)(verbOn[tl.History](e, tl.VerbFit, tl.FitRequest{Model: m, Train: datasets.Folder(folder), Phase: tl.Phase{Epochs: 1, LearningRate: 1e-3}}))
	r := receiptOn(t, e, m)
	if train := r.Phases[0].Train; train.Name != "birds" || !strings.Contains(train.Description, "birds") {
		t.Errorf("data %+v", train)
	}
	text := asJSON(t, r)
	if found := regexp.MustCompile(`"[^"]*/(home|root|tmp|usr|work|var)/[^"]*"|jane`).FindString(text); found != "" {
		t.Errorf("the receipt holds %s", found)
	}
	for given, want := range map[string]string{
		"xla:/home/jane/x/pjrt_c_api_cpu_plugin.so - PJRT (0.112)": "xla:pjrt_c_api_cpu_plugin.so - PJRT (0.112)",
		"go (pure)": "go (pure)", "and/or": "and/or", `"/a/b c"`: `"b c"`,
	} {
		if got := withoutPaths(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

// TestSameSeedSameReceipt: two fresh engines that do the same end with the same bits, and a comparison says so. Another seed is named as the cause.
func TestSameSeedSameReceipt(t *testing.T) {
	ownCache(t)
	run := func(seed int64) tl.Receipt {
		e, m := inProcess(), pixels.WithHead("bits", tl.Dropout(0.5), tl.Dense(8), tl.ReLU(), tl.Dense(3)).Seeded(seed)
		fitOn(t, e, m, tl.Phase{Epochs: 3, LearningRate: 1e-2, Schedule: "one-cycle"})
		evaluateOn(t, e, m, figures)
		return receiptOn(t, e, m)
	}
	first, second, other := run(1), run(1), run(2)
	if c := first.Compare(second); !c.Identical || len(c.Differences) != 0 || c.First() != "same everything; results are bit-identical" {
		t.Errorf("two runs of one seed:\n%v", c)
	}
	if c := first.Compare(other); c.Identical || c.First() != "the seeds differ: 1 and 2" || len(c.Of("results")) == 0 {
		t.Errorf("two seeds:\n%v", c)
	}
}

func TestProcessorIn(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nmodel name\t: Xeon(R) 2.30GHz\nflags\t: a":  "Xeon(R) 2.30GHz",
		"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c": "0x41 0xd0c",
		"": "",
	} {
		if got := processorIn(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestVersionsIn(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Path: "example"}, Deps: []*debug.Module{
		{Path: "transferlab", Version: "(devel)"}, {Path: "github.com/gomlx/gomlx", Version: "v0.28.2", Replace: &debug.Module{Path: "mine", Version: "v9"}},
		{Path: "github.com/spf13/cobra", Version: "v1"}},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}}
	got := versionsIn(info)
	if len(got) != 3 || got["github.com/gomlx/gomlx"] != "v9" || got["transferlab"] != "(devel)" {
		t.Errorf("another program: %v", got)
	}
	info.Main = debug.Module{Path: "transferlab", Version: "v1"}
	if got := versionsIn(info); got["transferlab vcs.revision"] != "abc" {
		t.Errorf("ours: %v", got)
	}
}
