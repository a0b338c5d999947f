package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// resumed is a phase in which everything matters that a stopped one must go on with: moments, step counter, dropout's random numbers, views,
// the schedule's position, and earlier epochs that may do better on valid.
var resumed = tl.Phase{Name: "resumed", Epochs: 4, LearningRate: 3e-2, BatchSize: 8, Schedule: "one-cycle", WeightDecay: 0.01}

func resumedData() (train, valid datasets.Dataset) {
	train, valid = figures.Split(0.75, 1)
	return train.Augment(datasets.Augmentation{FlipLeftRight: true}), valid
}

func fitResumed(ctx context.Context, e *Engine, m tl.Model, report func(remote.Progress)) (h tl.History, err error) {
	return fitPhase(ctx, e, m, resumed, report)
}

func fitPhase(ctx context.Context, e *Engine, m tl.Model, p tl.Phase, report func(remote.Progress)) (h tl.History, err error) {
	train, valid := resumedData()
	err = e.Call(ctx, tl.VerbFit, tl.FitRequest{Model: m, Train: train, Valid: valid, Phase: p}, &h, report)
	return h, err
}

// stopAfter runs the phase and stops it in the middle of the epoch behind the one that is given.
func stopAfter(t *testing.T, e *Engine, m tl.Model, epochs int) {
	t.Helper()
	stopPhase(t, e, m, resumed, epochs)
}

func stopPhase(t *testing.T, e *Engine, m tl.Model, p tl.Phase, epochs int) {
	t.Helper()
	ctx, cancel := context.WithCancel(quiet())
	defer cancel()
	finished := 0
	h, err := fitPhase(ctx, e, m, p, func(p remote.Progress) {
		if p.Finished {
			finished++
		} else if finished == epochs && strings.Contains(p.Detail, "loss") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(h.Epochs) != epochs || h.Kept != epochs {
		t.Fatalf("not stopped after %d epochs: %v, %v", epochs, err, h)
	}
}

func resumeOn(e *Engine, m tl.Model) (tl.History, error) {
	train, valid := resumedData()
	return verbOn[tl.History](e, tl.VerbResume, tl.ResumeRequest{Model: m, Train: train, Valid: valid})
}

// TestResume: 4 epochs are, bit for bit, 2 epochs, a stop in the middle of the third, and the rest after Resume: in the same engine, on the model
// that was saved and opened by another, and in the engine after one that crashed.
func TestResume(t *testing.T) {
	ownCache(t)
	m := pixels.WithHead("resumed", tl.Dropout(0.3), tl.Dense(8), tl.ReLU(), tl.Dense(3)).Seeded(3)
	undisturbed := inProcess()
	whole, err := fitResumed(quiet(), undisturbed, m, func(remote.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	want := printsOn(t, undisturbed, m)
	check := func(how string, e *Engine, m tl.Model) {
		t.Helper()
		sameAsWhole(t, how, e, m, whole, want)
		if all := must[[]tl.History](t)(verbOn[[]tl.History](e, tl.VerbHistories, tl.ModelRequest{Model: m})); len(all) != 1 {
			t.Errorf("%s: %d histories of one phase", how, len(all))
		}
		r := must[tl.Receipt](t)(verbOn[tl.Receipt](e, tl.VerbReceipt, tl.ModelRequest{Model: m}))
		if r.Phases[0].Resumed != 1 || r.Phases[0].Stopped {
			t.Errorf("%s: the receipt says %+v", how, r.Phases[0])
		}
	}
	same, state, dir := inProcess(), t.TempDir(), filepath.Join(t.TempDir(), "m")
	stopAfter(t, same, m, 2)
	saveOn(t, same, m, dir)
	check("the same engine", same, m)

	other := inProcess()
	check("saved and opened", other, openOn(t, other, dir))

	first := must[*Engine](t)(New(Options{Dir: state}))
	stopAfter(t, first, m, 2)
	check("the next engine", must[*Engine](t)(New(Options{Dir: state})), m)

	atOnce := inProcess()
	stopAfter(t, atOnce, m, 0)
	check("stopped in the first epoch", atOnce, m)

	twice := inProcess()
	stopAfter(t, twice, m, 1)
	ctx, cancel := context.WithCancel(quiet())
	train, valid := resumedData()
	twice.Call(ctx, tl.VerbResume, tl.ResumeRequest{Model: m, Train: train, Valid: valid}, new(tl.History), func(p remote.Progress) {
		if p.Finished {
			cancel()
		}
	})
	if h, err := resumeOn(twice, m); err != nil || moved(want, printsOn(t, twice, m)) != nil {
		t.Errorf("stopped twice: %v, %v", h, err)
	}
}

// sameAsWhole resumes a stopped phase and compares it with one that nobody stopped.
func sameAsWhole(t *testing.T, how string, e *Engine, m tl.Model, whole tl.History, want map[string]string) {
	t.Helper()
	h, err := resumeOn(e, m)
	if err != nil {
		t.Fatalf("%s: %v", how, err)
	}
	if changed := moved(want, printsOn(t, e, m)); changed != nil {
		t.Errorf("%s: %v differ", how, changed)
	}
	if len(h.Epochs) != len(whole.Epochs) || h.Kept != whole.Kept || h.Stopped {
		t.Fatalf("%s: %v\nwant %v", how, h, whole)
	}
	for i, epoch := range h.Epochs {
		if epoch.Loss != whole.Epochs[i].Loss || epoch.ValidLoss != whole.Epochs[i].ValidLoss || fmt.Sprint(epoch.Blocks) != fmt.Sprint(whole.Epochs[i].Blocks) {
			t.Errorf("%s: epoch %d is %+v, want %+v", how, i+1, epoch, whole.Epochs[i])
		}
	}
}

// TestResumeUnderEveryOption: whatever the step carries from one to the next is there again, in unfrozen blocks and in frozen ones that a
// policy moves.
func TestResumeUnderEveryOption(t *testing.T) {
	ownCache(t)
	for name, p := range map[string]tl.Phase{
		"rmsprop, clipped, anchored":  {Optimizer: "rmsprop", ClipNorm: 0.5, Anchor: 0.1, AnchorHead: 0.1, Thaw: []string{"two", "three"}},
		"momentum, balanced, decayed": {Optimizer: "sgd", Momentum: 0.9, WeightDecay: 0.01, Balance: tl.BalanceOver, Thaw: []string{"three"}, RateDecay: 0.5},
		"averages that move":          {BatchNorm: tl.BatchNormAverages, Schedule: "cosine", Thaw: []string{"three"}},
	} {
		p.Name, p.Epochs, p.LearningRate, p.BatchSize = name, 3, 1e-2, 16
		m := small("resumed").WithHead(name, tl.Dropout(0.2), tl.Dense(3))
		e, dir := inProcess(), filepath.Join(t.TempDir(), "m") // one engine compiles once
		whole, err := fitPhase(quiet(), e, m, p, func(remote.Progress) {})
		if err != nil {
			t.Fatal(err)
		}
		want := printsOn(t, e, m)
		must[bool](t)(verbOn[bool](e, tl.VerbReset, tl.ModelRequest{Model: m}))
		stopPhase(t, e, m, p, 2)
		saveOn(t, e, m, dir)
		sameAsWhole(t, name, e, openOn(t, e, dir), whole, want)
	}
}

// TestResumeRefuses what would be another phase.
func TestResumeRefuses(t *testing.T) {
	ownCache(t)
	train, valid := resumedData()
	m := pixels.WithHead("refused", tl.Dense(3))
	for _, c := range []struct {
		name, want   string
		train, valid datasets.Dataset
		before       func(*testing.T, *Engine)
	}{
		{"nothing stopped", "no phase of the model was stopped", train, valid, nil},
		{"other train", "train is not that of the stopped phase", figures, valid, func(t *testing.T, e *Engine) { stopAfter(t, e, m, 1) }},
		{"not augmented", "train is not that of the stopped phase", train.Augment(datasets.Augmentation{}), valid, func(t *testing.T, e *Engine) { stopAfter(t, e, m, 1) }},
		{"no valid", "valid is not that of the stopped phase", train, none, func(t *testing.T, e *Engine) { stopAfter(t, e, m, 1) }},
		{"unfrozen", "the model changed since", train, valid, func(t *testing.T, e *Engine) {
			stopAfter(t, e, m, 1)
			must[tl.Summary](t)(verbOn[tl.Summary](e, tl.VerbUnfreezeTop, tl.UnfreezeTopRequest{Model: m, N: 1}))
		}},
		{"stepped back", "the model changed since", train, valid, func(t *testing.T, e *Engine) {
			stopAfter(t, e, m, 2)
			must[tl.History](t)(verbOn[tl.History](e, tl.VerbStepBack, tl.StepBackRequest{Model: m, Epoch: 1}))
		}},
	} {
		e := inProcess()
		if c.before != nil {
			c.before(t, e)
		}
		was := must[[]tl.History](t)(verbOn[[]tl.History](e, tl.VerbHistories, tl.ModelRequest{Model: m}))
		_, err := verbOn[tl.History](e, tl.VerbResume, tl.ResumeRequest{Model: m, Train: c.train, Valid: c.valid})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "Fit") {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
		if is := must[[]tl.History](t)(verbOn[[]tl.History](e, tl.VerbHistories, tl.ModelRequest{Model: m})); len(is) != len(was) {
			t.Errorf("%s: %d histories became %d", c.name, len(was), len(is))
		}
	}
}

// terminatedVariable tells the test binary to be a plain program that trains and saves until it is terminated: its value is where activations
// go, a colon, and the folder.
const terminatedVariable = "TLAB_TEST_TERMINATED"

// TestTerminated sends SIGTERM to a plain program in the middle of an epoch. It saves what it has, ends well, and the next one goes on with
// the phase to the bits of a run that nobody stopped.
func TestTerminated(t *testing.T) {
	m := pixels.WithHead("terminated", tl.Dropout(0.3), tl.Dense(3))
	if variable := os.Getenv(terminatedVariable); variable != "" {
		fitUntilTerminated(m, variable)
		return
	}
	ownCache(t)
	dir := filepath.Join(t.TempDir(), "m")
	child := exec.Command(os.Args[0], "-test.run=^TestTerminated$")
	child.Env = append(os.Environ(), terminatedVariable+"="+activationsRoot+":"+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := []string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if said = append(said, lines.Text()); lines.Text() == "in epoch 3" {
			child.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("%v, said %q", err, said)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "stopped in epoch 3; model as of epoch 2") {
		t.Errorf("said %s", text)
	}
	e, undisturbed := inProcess(), inProcess()
	if _, err := fitResumed(quiet(), undisturbed, m, func(remote.Progress) {}); err != nil {
		t.Fatal(err)
	}
	opened := openOn(t, e, dir)
	must[tl.History](t)(resumeOn(e, opened))
	if changed := moved(printsOn(t, undisturbed, m), printsOn(t, e, opened)); changed != nil {
		t.Errorf("%v differ", changed)
	}
}

// fitUntilTerminated is the child of TestTerminated: what the README tells a program to do.
func fitUntilTerminated(m tl.Model, variable string) {
	root, dir, _ := strings.Cut(variable, ":")
	activationsRoot = root
	ctx, stop := signal.NotifyContext(quiet(), syscall.SIGTERM)
	defer stop()
	finished := 0
	h, err := fitResumed(ctx, registeredEngine, m, func(p remote.Progress) {
		switch {
		case p.Finished:
			finished++
		case finished == 2 && strings.Contains(p.Detail, "loss"):
			fmt.Println("in epoch 3")
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
			}
		}
	})
	fmt.Println(err, h)
	if _, err := m.Save(context.Background(), dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// savingVariable tells the test binary to save a model over and over: its value is the folder.
const savingVariable = "TLAB_TEST_SAVING"

// TestKilledSave kills a program with SIGKILL while it saves a model again and again. Whenever that is, the folder holds a whole model.
func TestKilledSave(t *testing.T) {
	m := pixels.WithHead("killed save", tl.Dense(64), tl.Dense(3))
	if dir := os.Getenv(savingVariable); dir != "" {
		for {
			if _, err := m.Save(quiet(), dir); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println("saved")
		}
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "m")
	for i := range 6 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilledSave$")
		child.Env = append(os.Environ(), savingVariable+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()
		if lines.Text() != "saved" {
			t.Errorf("the child says %q", lines.Text())
		}
		time.Sleep(time.Duration(i*7) * time.Millisecond)
		child.Process.Kill()
		child.Wait()
		openOn(t, inProcess(), dir)
	}
	saveOn(t, inProcess(), m, dir)
	if left := must[[]os.DirEntry](t)(os.ReadDir(parent)); len(left) != 1 {
		t.Errorf("left behind after the next save: %v", left)
	}
}
