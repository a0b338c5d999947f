package latency

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/setup"
	"transferlab/kernel/wire"
)

// bench is where kernels are started from: a lab that is set up, and the kernel of today's source.
type bench struct {
	lab  *setup.Lab
	tlab string
	home string // the lab's home, seen from kernels that shall leave nothing in it
}

func newBench(tb testing.TB, set setup.Set) bench {
	tb.Helper()
	lab, err := setup.Ensure(tb.Context(), set, func(_, _ int64, what string) { tb.Log(what) })
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	tlab := filepath.Join(dir, "tlab")
	b := bench{lab: lab, tlab: tlab, home: filepath.Join(dir, "home")}
	b.build(tb, tlab, "./kernel/tlab")
	if err := b.mirror(b.home, ""); err != nil {
		tb.Fatal(err)
	}
	return b
}

func (b bench) build(tb testing.TB, program, path string) {
	tb.Helper()
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, path)
	build.Dir = b.lab.Module
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %v\n%s", build, err, out)
	}
}

// ours is this lab's kernel.
func (b bench) ours() kernel.Launch { return b.oursIn(b.home) }

func (b bench) oursIn(home string) kernel.Launch {
	return kernel.Launch{Argv: []string{b.tlab, "kernel", "{connection_file}"}, Env: []string{"TLAB_HOME=" + home, "GOPROXY=off"}}
}

// gonb is GoNB as it installs itself, with no setting and no edit of ours.
func (b bench) gonb(tb testing.TB) kernel.Launch {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "gonb")
	b.build(tb, program, "github.com/janpfeifer/gonb")
	path := "PATH=" + b.lab.Bin() + string(filepath.ListSeparator) + os.Getenv("PATH")
	return kernel.Launch{Argv: []string{program, "-kernel", "{connection_file}"}, Env: []string{path}}
}

// python is ipykernel in that Python, with what JupyterLab's own environment has for what it lacks.
func (b bench) python(tb testing.TB, python string, env ...string) kernel.Launch {
	tb.Helper()
	out, err := exec.Command(filepath.Join(b.lab.Prefix(), "bin", "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").Output()
	if err != nil {
		tb.Fatal(err)
	}
	program := fmt.Sprintf("import sys; sys.path.append(%q); from ipykernel.kernelapp import launch_new_instance; launch_new_instance()",
		strings.TrimSpace(string(out)))
	return kernel.Launch{Argv: []string{python, "-c", program, "-f", "{connection_file}"}, Env: env}
}

func (b bench) ipykernel(tb testing.TB) kernel.Launch {
	return b.python(tb, filepath.Join(b.lab.Prefix(), "bin", "python"))
}

// start starts a kernel for as long as tb lasts.
func start(tb testing.TB, launch kernel.Launch) *kernel.Session {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	s, err := kernel.Start(ctx, launch)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// shown is what a cell's run showed, one after the other: text of streams, data of figures, and the names of other messages.
type shown struct{ strings.Builder }

func (o *shown) take(m *wire.Message) {
	var content struct {
		Text string                     `json:"text"`
		Data map[string]json.RawMessage `json:"data"`
	}
	if m.Decode(&content) != nil {
		return
	}
	o.WriteString(content.Text)
	for kind, data := range content.Data {
		var text string
		if json.Unmarshal(data, &text) != nil {
			text = string(data)
		}
		o.WriteString(kind + " " + text + "\n")
	}
	if content.Text == "" && content.Data == nil {
		o.WriteString(m.Header.Type + "\n")
	}
}

// run runs a cell and returns how long that took, from the request until the kernel was idle again. The cell must end well, and show want.
func run(ctx context.Context, s *kernel.Session, code, want string) (time.Duration, string, error) {
	var out shown
	began := time.Now()
	reply, err := s.Execute(ctx, code, out.take)
	took := time.Since(began)
	if err == nil && reply.Status != "ok" {
		err = fmt.Errorf("%s: %s %s\n%s", reply.Status, reply.Name, reply.Value, strings.Join(reply.Traceback, "\n"))
	}
	all := out.String()
	if err == nil && !strings.Contains(all, want) {
		err = fmt.Errorf("shows no %q, but %.2000q", want, all)
	}
	if err != nil {
		return took, all, fmt.Errorf("cell %q: %w", code, err)
	}
	return took, all, nil
}
