package engine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// killVariable tells the test binary that it is the child of TestKilledFit: its value is where activations go.
const killVariable = "TLAB_TEST_KILLED_FIT"

var many = datasets.Shapes(600, 3) // more rows than one flush of the cache

// TestKilledFit kills a process with SIGKILL once while the frozen prefix is being written and once in the middle of an epoch, and then
// runs the same again here: whole rows are found, cut-off ones computed again, and the result is that of a run nobody killed.
func TestKilledFit(t *testing.T) {
	if root := os.Getenv(killVariable); root != "" {
		fitUntilKilled(root)
		return
	}
	ownCache(t)
	for _, stage := range []string{"prefix", "epoch"} {
		killAt(t, activationsRoot, stage)
	}
	model := lite.WithHead("killed", tl.Dense(3))
	h := must[tl.History](t)(model.Fit(quiet(), many, none, tl.Phase{Epochs: 2, LearningRate: 1e-3}))
	if h.Time.Computed != 0 || h.Time.Reused != 600 {
		t.Errorf("after a run that was killed while training %d rows are computed again, %d reused", h.Time.Computed, h.Time.Reused)
	}
	interrupted := fingerprint(t, model)
	ownCache(t)
	must[bool](t)(model.Reset(quiet()))
	must[tl.History](t)(model.Fit(quiet(), many, none, tl.Phase{Epochs: 2, LearningRate: 1e-3}))
	if changed := moved(interrupted, fingerprint(t, model)); changed != nil {
		t.Errorf("the model differs from that of an undisturbed run in %v", changed)
	}
}

// killAt starts a child and kills it when it says that it is in that stage.
func killAt(t *testing.T, root, stage string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledFit$")
	child.Env = append(os.Environ(), killVariable+"="+root)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	seen := false
	for lines := bufio.NewScanner(out); lines.Scan() && !seen; {
		seen = lines.Text() == stage
	}
	child.Process.Kill()
	var exit *exec.ExitError
	if err := child.Wait(); !seen || !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child was not killed in stage %q: seen %v, %v", stage, seen, err)
	}
}

// fitUntilKilled trains without end and prints the stages it enters.
func fitUntilKilled(root string) {
	activationsRoot = root
	ctx := tl.WithReport(quiet(), func(p remote.Progress) {
		switch {
		case p.Total == 600 && p.Done == 288: // one flush is on disk, the next rows are not
			fmt.Println("prefix")
		case p.Finished:
			fmt.Println("epoch")
		}
	})
	lite.WithHead("killed", tl.Dense(3)).Fit(ctx, many, none, tl.Phase{Epochs: 1 << 30, LearningRate: 1e-3})
}
