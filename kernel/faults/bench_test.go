package faults

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/setup"
	"transferlab/kernel/wire"
)

var (
	times  = flag.Int("times", 1, "how often each fault is done")
	cells  = flag.Int("cells", 20, "how many cells the long session has")
	figure = flag.String("figure", "", "the file, .png or .svg, for a figure of the long session")
	built  = flag.String("built", "", "a tlab that was built another way, say with the race detector; else today's is built")
)

// The test binary is also the front end that gets killed; see vanish_test.go.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.NArg() > 1 && flag.Arg(0) == "play" {
		if err := play(flag.Arg(1), flag.Args()[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if b, err := theBench(); err == nil {
		os.RemoveAll(filepath.Dir(b.tlab))
	}
	os.Exit(code)
}

// bench is where kernels are started from.
type bench struct {
	tlab string // today's
	home string // the lab's, seen from kernels that shall leave nothing in it
}

// theBench sets up the lab and builds the kernel, once.
var theBench = sync.OnceValues(func() (bench, error) {
	lab, err := setup.Ensure(context.Background(), setup.ForRun, func(_, total int64, what string) {
		if total == 0 {
			fmt.Println(what)
		}
	})
	if err != nil {
		return bench{}, err
	}
	dir, err := os.MkdirTemp("", "tlabfaults-")
	if err != nil {
		return bench{}, err
	}
	b := bench{tlab: filepath.Join(dir, "tlab"), home: filepath.Join(dir, "home")}
	if *built != "" {
		text, err := os.ReadFile(*built)
		return b, errors.Join(err, os.WriteFile(b.tlab, text, 0o755), mirror(lab.Home, b.home))
	}
	build := exec.Command("go", "build", "-o", b.tlab, "./kernel/tlab")
	build.Dir = lab.Module
	if out, err := build.CombinedOutput(); err != nil {
		return b, fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return b, mirror(lab.Home, b.home)
})

// mirror makes a lab's home of links to the real one, but for what kernels write: activations and the history.
func mirror(real, home string) error {
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "activations" || strings.HasPrefix(e.Name(), "history") {
			continue
		}
		if err := os.Symlink(filepath.Join(real, e.Name()), filepath.Join(home, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (b bench) launch(env ...string) kernel.Launch {
	return kernel.Launch{Argv: []string{b.tlab, "kernel", "{connection_file}"}, Env: append([]string{"TLAB_HOME=" + b.home, "GOPROXY=off"}, env...)}
}

func needBench(t *testing.T) bench {
	t.Helper()
	b, err := theBench()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// markKey is a variable that everything a test starts inherits.
const markKey = "TLAB_MARK"

// stage gives the test a folder for temporary files, whose path is also the mark of its processes. When the test ends nothing may be left
// of either.
func stage(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tlabfault-") // t.TempDir's names are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	watch(t, dir)
	return dir
}

// watch makes dir the folder and the mark of what t starts from now on.
func watch(t *testing.T, dir string) {
	t.Helper()
	t.Setenv("TMPDIR", dir)
	t.Setenv(markKey, dir)
	t.Cleanup(func() {
		if left := leftovers(dir, 5*time.Second); left != "" {
			t.Errorf("left behind: %s", left)
		}
		for _, p := range processes(dir) {
			_ = p.kill()
		}
	})
}

// leftovers waits as long as patience until no process with the mark and no file in the folder is left, and names those that are.
func leftovers(dir string, patience time.Duration) string {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		var left []string
		for _, p := range processes(dir) {
			left = append(left, fmt.Sprintf("process %d %s", p.pid, p.role()))
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			left = append(left, "file "+e.Name())
		}
		if len(left) == 0 || time.Since(began) > patience {
			return strings.Join(left, ", ")
		}
	}
}

// begin starts a kernel for as long as the test lasts.
func begin(t *testing.T, launch kernel.Launch) *kernel.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := kernel.Start(ctx, launch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// seen is what a cell published: its streams and errors as text, results and figures by their MIME type.
type seen struct {
	stdout, stderr, data strings.Builder
	stdoutBytes          int
}

func (o *seen) take(m *wire.Message) {
	var c struct {
		Name, Text string
		Data       map[string]any
	}
	if json.Unmarshal(m.Content, &c) != nil {
		return
	}
	if c.Name == "stdout" {
		o.stdoutBytes += len(c.Text)
		if o.stdout.Len() < 1<<20 {
			o.stdout.WriteString(c.Text)
		}
	} else {
		o.stderr.WriteString(c.Text)
	}
	for mime, v := range c.Data {
		fmt.Fprintf(&o.data, "%s %v\n", mime, v)
	}
}

// executor is a front end, over whatever connection.
type executor interface {
	Execute(ctx context.Context, code string, on func(*wire.Message)) (kernel.Reply, error)
	Interrupt() error
}

// patience is how long a cell may take on a busy machine. No cell here does anything that takes long, other than floods.
const patience = 60 * time.Second

// outcome runs one cell.
func outcome(ctx context.Context, s executor, code string) (kernel.Reply, *seen, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the cell did not end in time"))
	defer cancel()
	o := &seen{}
	reply, err := s.Execute(ctx, code, o.take)
	return reply, o, err
}

// okay runs a cell that must end well and print want.
func okay(ctx context.Context, s executor, code, want string) error {
	reply, o, err := outcome(ctx, s, code)
	switch {
	case err != nil:
		return fmt.Errorf("cell %q: %w", code, err)
	case reply.Status != "ok":
		return fmt.Errorf("cell %q: %s %s %s\n%s", code, reply.Status, reply.Name, reply.Value, strings.Join(reply.Traceback, "\n"))
	case !strings.Contains(o.stdout.String(), want):
		return fmt.Errorf("cell %q printed %q, want %q; stderr %q", code, o.stdout.String(), want, o.stderr.String())
	}
	return nil
}

// running is a cell at work.
type running struct {
	s    executor
	out  *seen
	done chan struct{}
	// valid after done
	reply kernel.Reply
	err   error
}

// begun is a word that every cell says: when the kernel takes it out of its queue.
const begun = "execution_count"

// launched runs a cell and returns when what it published holds word. What the kernel repeats of the code itself does not count.
func launched(ctx context.Context, s executor, code, word string) (*running, error) {
	r := &running{s: s, out: &seen{}, done: make(chan struct{})}
	found := make(chan struct{})
	first := sync.OnceFunc(func() { close(found) })
	go func() {
		r.reply, r.err = s.Execute(ctx, code, func(m *wire.Message) {
			r.out.take(m)
			if strings.Contains(string(m.Content), word) && (m.Header.Type != "execute_input" || word == begun) {
				first()
			}
		})
		close(r.done)
	}()
	select {
	case <-found:
		return r, nil
	case <-r.done:
		return r, fmt.Errorf("cell %q ended before it said %q: %v %+v %q", code, word, r.err, r.reply, r.out.stderr.String())
	case <-time.After(patience):
		return r, fmt.Errorf("cell %q does not say %q", code, word)
	}
}

// end waits for the cell's reply.
func (r *running) end(bound time.Duration) error {
	select {
	case <-r.done:
		return r.err
	case <-time.After(bound):
		return fmt.Errorf("the cell did not end in %v", bound)
	}
}

// stop interrupts the cell and waits until it ended, as an interrupted cell does.
func (r *running) stop(bound time.Duration) error {
	if err := r.s.Interrupt(); err != nil {
		return err
	}
	if err := r.end(bound); err != nil {
		return err
	}
	if r.reply.Status != "error" || r.reply.Name != "Interrupt" {
		return fmt.Errorf("an interrupted cell ended with %+v", r.reply)
	}
	return nil
}
