package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"transferlab/kernel/setup"
)

// clients is Jupyter as a user has it: programs in a Python environment, and our kernel installed in another one that they look into.
type clients struct {
	lab    *setup.Lab
	venv   string // with the programs
	prefix string // with our kernelspec
}

// theClients makes them once. The environment of the programs is kept in the cache directory, under the checksum of its requirements.
var theClients = sync.OnceValues(func() (*clients, error) {
	ctx := context.Background()
	say := func(_, total int64, what string) {
		if total == 0 {
			fmt.Println(what)
		}
	}
	lab, err := setup.Ensure(ctx, setup.ForKernel, say)
	if err != nil {
		return nil, err
	}
	requirements, err := os.ReadFile("requirements.txt")
	if err != nil {
		return nil, err
	}
	c := &clients{lab: lab, venv: filepath.Join(lab.Home, "conformance")}
	if err := lab.Venv(ctx, "Jupyter's programs", "jupyter_kernel_test", c.venv, requirements, say); err != nil {
		return nil, err
	}
	if c.prefix, err = os.MkdirTemp("", "tlab-conformance-"); err != nil {
		return nil, err
	}
	leave = func() { _ = os.RemoveAll(c.prefix) }
	if out, err := exec.Command(lab.Program("tlab"), "install", "--prefix", c.prefix).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("install the kernel: %w: %s", err, out)
	}
	return c, nil
})

// leave removes what theClients made for these tests alone.
var leave = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	leave()
	os.Exit(code)
}

// program is one of Jupyter's at work for one test: with settings, data and temporary files of its own, that must be gone in the end.
type program struct {
	t    *testing.T
	c    *clients
	dir  string // where it runs
	tmp  string
	env  []string
	end  time.Duration
	code int // exit status of the last run
}

func newProgram(t *testing.T) *program {
	t.Helper()
	if testing.Short() {
		t.Skip("starts Jupyter's programs")
	}
	c, err := theClients()
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp("/tmp", "tlabtest-") // the test's own is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, c: c, dir: t.TempDir(), tmp: tmp, end: 2 * time.Minute}
	own := t.TempDir() // what Jupyter keeps of its user
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "JUPYTER") && name != "TMPDIR" {
			p.env = append(p.env, v)
		}
	}
	p.env = append(p.env,
		"PATH="+filepath.Join(c.venv, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"JUPYTER_PATH="+filepath.Join(c.prefix, "share", "jupyter"), "JUPYTER_CONFIG_DIR="+filepath.Join(own, "config"),
		"JUPYTER_DATA_DIR="+filepath.Join(own, "data"), "JUPYTER_RUNTIME_DIR="+filepath.Join(own, "runtime"), "IPYTHONDIR="+filepath.Join(own, "ipython"),
		"PYTHONNOUSERSITE=1", "PYTHONDONTWRITEBYTECODE=1", "TMPDIR="+tmp, "TLAB_MARK="+tmp,
		"TLAB_HISTORY="+filepath.Join(own, "history.jsonl"), // not the user's
		"GOPROXY=off") // set up is set up
	t.Cleanup(p.nothingLeft)
	return p
}

// run runs a program of the environment, or another one by its path, and returns what it printed.
func (p *program) run(stdin string, argv ...string) (stdout, stderr string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), p.end)
	defer cancel()
	path := argv[0]
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.c.venv, "bin", path)
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its kernels too
	cmd.WaitDelay = 10 * time.Second
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaints
	err := cmd.Run()
	if ctx.Err() != nil {
		p.t.Fatalf("%v does not end: %s%s", argv, out.String(), complaints.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	p.code = cmd.ProcessState.ExitCode()
	return out.String(), complaints.String()
}

// ok runs a program that must succeed.
func (p *program) ok(stdin string, argv ...string) string {
	p.t.Helper()
	stdout, stderr := p.run(stdin, argv...)
	if p.code != 0 {
		p.t.Fatalf("%v: exit status %d\n%s\n%s", argv, p.code, stdout, stderr)
	}
	return stdout
}

// copy brings a file of testdata to where programs run.
func (p *program) copy(name string) {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, name), data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// contains fails unless a file where programs run holds each text.
func (p *program) contains(name string, texts ...string) {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(string(data), text) {
			p.t.Errorf("%s lacks %q:\n%s", name, text, data)
		}
	}
}

// nothingLeft fails if a process or a temporary file of the test's kernels is left, and removes them.
func (p *program) nothingLeft() {
	defer os.RemoveAll(p.tmp)
	var left []string
	var alive map[int]string
	for range 100 {
		alive = carriers("TLAB_MARK=" + p.tmp)
		if left, _ = filepath.Glob(filepath.Join(p.tmp, "*tlab*")); len(left)+len(alive) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Errorf("left behind: %q", slices.AppendSeq(left, maps.Values(alive)))
	for pid := range alive {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// carriers returns the command lines of processes whose environment holds v, where the system says so.
func carriers(v string) map[int]string {
	found := map[int]string{}
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte(v+"\x00")) {
			dir := filepath.Dir(path)
			if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
				cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
				found[pid] = strings.ReplaceAll(string(cmdline), "\x00", " ")
			}
		}
	}
	return found
}
