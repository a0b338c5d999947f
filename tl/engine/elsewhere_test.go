package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/engine/backend"
)

// TestProgramInAnotherModule builds the README's program in a module of its own, with go.work and without a network, and runs it where neither
// weights nor data of this lab are. It opens a model that this engine trained and saved, and gives the same probabilities, bit for bit.
func TestProgramInAnotherModule(t *testing.T) {
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "cells")
	photograph := must[string](t)(filepath.Abs("../zoo/testdata/photographs/chelsea.png"))
	m := lite.WithHead("elsewhere", tl.Dense(3))
	must[tl.History](t)(m.Fit(quiet(), figures, none, tl.Phase{Epochs: 2, LearningRate: 1e-2}))
	must[tl.Saved](t)(m.Save(quiet(), dir))
	here := must[tl.Predictions](t)(m.Predict(quiet(), datasets.Image(photograph)))
	want := ""
	for class, p := range here.Probabilities.Row(0) {
		want += fmt.Sprintf("%s %.9g\n", here.Classes[class], p)
	}
	if !strings.HasPrefix(want, "circle 0.") {
		t.Errorf("here the answer is\n%s", want)
	}
	program := exec.Command(buildElsewhere(t), dir, photograph)
	program.Dir = t.TempDir()
	plugin, _, err := backend.Config(quiet(), nil)
	if err != nil {
		t.Fatal(err)
	}
	program.Env = append(os.Environ(), "TLAB_HOME="+t.TempDir(), backend.Variable+"="+plugin, backend.NoInstall+"=1")
	out, err := program.CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("elsewhere: %v, it says\n%s\nwant\n%s", err, out, want)
	}
}

// buildElsewhere builds the program in a temporary module that finds ours by go.work, as the README says.
func buildElsewhere(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ours := must[string](t)(filepath.Abs("../.."))
	source := must[[]byte](t)(os.ReadFile("testdata/elsewhere/main.go"))
	for name, text := range map[string]string{
		"main.go": string(source),
		"go.mod":  "module elsewhere\n\ngo 1.26.5\n",
		"go.work": fmt.Sprintf("go 1.26.5\n\nuse (\n\t.\n\t%q\n)\n", ours),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "elsewhere")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"), "GOFLAGS=", "GOPROXY=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return binary
}
