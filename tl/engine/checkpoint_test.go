package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// engineVariable tells the test binary to be an engine, as `tlab engine` is: its value is the socket, a colon and the folder of checkpoints.
const engineVariable = "TLAB_TEST_ENGINE"

// startEngine runs an engine in a process of its own.
func startEngine(t *testing.T, dir string) (residentEngine, *exec.Cmd) {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "engine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	socket := filepath.Join(home, "s")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledEngine$")
	child.Env = append(os.Environ(), engineVariable+"="+socket+":"+dir, killVariable+"="+activationsRoot)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		child.Process.Kill()
		child.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "listening\n" {
		t.Fatalf("the engine says %q, %v", line, err)
	}
	return residentEngine{socket}, child
}

// beEngine is the child of startEngine. It ends with the test, which holds its stdin.
func beEngine(variable string) {
	socket, dir, _ := strings.Cut(variable, ":")
	activationsRoot = os.Getenv(killVariable)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM) // as tlab does
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		for {
			if _, err := os.Stat(socket); err == nil {
				fmt.Println("listening")
				return
			}
		}
	}()
	if err := Serve(ctx, socket, Options{Dir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// TestKilledEngine kills an engine with SIGKILL in the middle of a Fit of the network's last block. The next engine has the model as of the
// last finished epoch, bit for bit that of an undisturbed run of as many epochs, and says so.
func TestKilledEngine(t *testing.T) {
	if variable := os.Getenv(engineVariable); variable != "" {
		beEngine(variable)
		return
	}
	ownCache(t)
	dir := t.TempDir()
	m := lite.WithHead("killed engine", tl.Dense(3))
	const session = "notebook"
	call := func(r residentEngine, epochs int, report func(remote.Progress)) (tl.History, error) {
		must[tl.Summary](t)(ask[tl.Summary](t.Context(), r, session, tl.VerbUnfreezeTop, tl.UnfreezeTopRequest{Model: m, N: 1}, nil))
		return r.fit(t.Context(), session, m, epochs, report)
	}
	r, child := startEngine(t, dir)
	_, err := call(r, 1000, func(p remote.Progress) {
		if p.Finished && strings.Contains(p.Stage, "epoch 3/") {
			child.Process.Kill()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "ended during the call") {
		t.Fatalf("the engine was not killed: %v", err)
	}
	r, _ = startEngine(t, dir)
	stopped := func(session string) []string {
		return must[[]string](t)(ask[[]string](t.Context(), r, session, tl.VerbStopped, tl.StoppedRequest{}, nil))
	}
	if got := stopped("another"); len(got) != 0 {
		t.Errorf("another session is told %q", got)
	}
	got := stopped(session)
	histories := must[[]tl.History](t)(ask[[]tl.History](t.Context(), r, session, tl.VerbHistories, tl.ModelRequest{Model: m}, nil))
	if len(histories) != 1 || !histories[0].Stopped || len(histories[0].Epochs) < 1 {
		t.Fatalf("histories %v", histories)
	}
	h, n := histories[0], len(histories[0].Epochs)
	want := fmt.Sprintf(`fit "killed engine": the engine ended in epoch %d of phase "head"; model as of epoch %d`, n+1, n)
	if len(got) != 1 || got[0] != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if h.Proof.Tensors < 200 || len(h.Proof.Moved) != 0 || h.Proof.UpToBlock != "mbconv16" {
		t.Errorf("proof %+v", h.Proof)
	}
	restored := r.prints(t, session, m)
	if s := must[tl.Summary](t)(ask[tl.Summary](t.Context(), r, session, tl.VerbSummary, tl.ModelRequest{Model: m}, nil)); s.Blocks[len(s.Blocks)-2].Frozen || !s.Blocks[0].Frozen {
		t.Errorf("the freeze state is lost:\n%v", s)
	}

	undisturbed := serve(t, Options{})
	must[tl.History](t)(call(undisturbed, n, nil))
	if changed := moved(undisturbed.prints(t, session, m), restored); changed != nil {
		t.Errorf("the model that came back differs in %v", changed)
	}
	// Both go on alike, and the earlier epochs are there to step back to.
	step := func(r residentEngine) map[string]string {
		must[tl.History](t)(ask[tl.History](t.Context(), r, session, tl.VerbStepBack, tl.StepBackRequest{Model: m, Epoch: 1}, nil))
		return r.prints(t, session, m)
	}
	if changed := moved(step(undisturbed), step(r)); changed != nil {
		t.Errorf("stepped back they differ in %v", changed)
	}
}

// TestCheckpointHoldsAll: what an engine that ended well leaves behind is all there is to a model.
func TestCheckpointHoldsAll(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	m := pixels.WithHead("all", tl.Dropout(0.5), tl.Dense(3)).Seeded(5)
	train, valid := figures.Split(0.75, 1)
	phases := func(e *Engine, names ...string) []tl.History {
		for _, name := range names {
			request := tl.FitRequest{Model: m, Train: train, Valid: valid, Phase: tl.Phase{Name: name, Epochs: 4, LearningRate: 1e-2}}
			if err := e.Call(quiet(), tl.VerbFit, request, new(tl.History), func(remote.Progress) {}); err != nil {
				t.Fatal(err)
			}
		}
		var histories []tl.History
		if err := e.Call(quiet(), tl.VerbHistories, tl.ModelRequest{Model: m}, &histories, func(remote.Progress) {}); err != nil {
			t.Fatal(err)
		}
		return histories
	}
	prints := func(e *Engine) map[string]string {
		return must[map[string]string](t)(e.fingerprint(quiet(), tl.ModelRequest{Model: m}, nil))
	}
	first := must[*Engine](t)(New(Options{Dir: dir}))
	before := phases(first, "one", "two")
	second := must[*Engine](t)(New(Options{Dir: dir}))
	after := phases(second)
	if fmt.Sprintf("%+v", before) != fmt.Sprintf("%+v", after) { // %+v, since NaN is no NaN's equal
		t.Errorf("histories\n%+v\nbecame\n%+v", before, after)
	}
	if changed := moved(prints(first), prints(second)); changed != nil {
		t.Errorf("%v differ", changed)
	}
	if lost := second.calls.take(""); len(lost) != 0 {
		t.Errorf("phases that were finished are told as lost: %q", lost)
	}
	// A third phase goes on from both alike.
	undisturbed, went := phases(first, "three"), phases(second, "three")
	if undisturbed[2].Epochs[3].Loss != went[2].Epochs[3].Loss || moved(prints(first), prints(second)) != nil {
		t.Errorf("they go on differently: %v, %v", undisturbed[2], went[2])
	}
	files := must[[]string](t)(filepath.Glob(filepath.Join(dir, "*", "*")))
	if len(files) != 1+4 { // the epochs of the last phase, one of which stands
		t.Errorf("left behind: %q", files)
	}
	if found := must[bool](t)(second.reset(quiet(), tl.ModelRequest{Model: m}, nil)); !found {
		t.Error("Reset found no model")
	}
	if left := must[[]string](t)(filepath.Glob(filepath.Join(dir, "*"))); len(left) != 0 {
		t.Errorf("Reset left %q", left)
	}
}

// TestDamagedCheckpoint: bits that changed on disk are no model. It starts over, and says why.
func TestDamagedCheckpoint(t *testing.T) {
	ownCache(t)
	m := pixels.WithHead("damaged", tl.Dense(3))
	fresh := must[map[string]string](t)(inProcess().fingerprint(quiet(), tl.ModelRequest{Model: m}, nil))
	for what, damage := range map[string]func(t *testing.T, dir string){
		"a bit of the weights": func(t *testing.T, dir string) { flipLast(t, dir, "*.safetensors") },
		"the end of the JSON":  func(t *testing.T, dir string) { flipLast(t, dir, checkpointFile) },
		"no weights": func(t *testing.T, dir string) {
			for _, file := range must[[]string](t)(filepath.Glob(filepath.Join(dir, "*.safetensors"))) {
				os.Remove(file)
			}
		},
		"names that lead elsewhere": func(t *testing.T, dir string) {
			c := must[checkpoint](t)(readCheckpoint(dir))
			c.Values = []string{"../../../etc/passwd"}
			if err := writeCheckpoint(dir, c); err != nil {
				t.Fatal(err)
			}
		},
	} {
		dir := t.TempDir()
		e := must[*Engine](t)(New(Options{Dir: dir}))
		request := tl.FitRequest{Model: m, Train: figures, Phase: tl.Phase{Epochs: 1, LearningRate: 1e-2}}
		if err := e.Call(quiet(), tl.VerbFit, request, new(tl.History), func(remote.Progress) {}); err != nil {
			t.Fatal(err)
		}
		key := must[string](t)(modelKey("", m))
		damage(t, e.state.folder(key))
		said := ""
		var prints map[string]string
		again := must[*Engine](t)(New(Options{Dir: dir}))
		err := again.Call(quiet(), tl.VerbFingerprint, tl.ModelRequest{Model: m}, &prints, func(p remote.Progress) { said = p.Stage })
		if err != nil || !reflect.DeepEqual(prints, fresh) || !strings.Contains(said, `the checkpoint of the model "damaged" is of no use, the model starts over`) {
			t.Errorf("%s: %v, said %q", what, err, said)
		}
	}
}

func flipLast(t *testing.T, dir, pattern string) {
	t.Helper()
	files := must[[]string](t)(filepath.Glob(filepath.Join(dir, pattern)))
	if len(files) == 0 {
		t.Fatal("there is no checkpoint")
	}
	data := must[[]byte](t)(os.ReadFile(files[0]))
	data[len(data)-1] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNoPlaceForCheckpoints: training goes on, and it is said once.
func TestNoPlaceForCheckpoints(t *testing.T) {
	ownCache(t)
	dir := t.TempDir()
	e := must[*Engine](t)(New(Options{Dir: dir}))
	m := pixels.WithHead("full", tl.Dense(3))
	folder := e.state.folder(must[string](t)(modelKey("", m)))
	if err := os.WriteFile(folder, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	said := 0
	fit := func() {
		t.Helper()
		request := tl.FitRequest{Model: m, Train: figures, Phase: tl.Phase{Epochs: 3, LearningRate: 1e-2}}
		err := e.Call(quiet(), tl.VerbFit, request, new(tl.History), func(p remote.Progress) {
			if strings.HasPrefix(p.Stage, "no checkpoints: ") {
				said++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	fit()
	fit()
	if said != 1 {
		t.Errorf("said %d times", said)
	}
	os.Remove(folder)
	fit()
	if _, err := readCheckpoint(folder); err != nil || said != 1 {
		t.Errorf("with place again: %v, said %d times", err, said)
	}
	if _, err := New(Options{Dir: filepath.Join(folder, checkpointFile)}); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file as the folder of checkpoints: %v", err)
	}
}
