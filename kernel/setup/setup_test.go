package setup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/modfile"

	"transferlab/datasets/fetch"
)

// childKey makes this test binary set the lab up for `tlab run` instead of running tests.
const childKey = "SETUP_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childKey) == "" {
		os.Exit(m.Run())
	}
	lab, err := Ensure(context.Background(), ForRun, func(_, total int64, what string) {
		if total == 0 {
			fmt.Println(what)
		}
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("backend", lab.Backend)
}

// stickHome is an empty cache directory beside a full downloads folder, as a classroom's stick would leave it.
func stickHome(t *testing.T) string {
	t.Helper()
	downloads, err := fetch.Downloads()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []fetch.File{fetch.XLA, fetch.EfficientNetLite0} {
		if _, err := fetch.Path(t.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
	}
	home := t.TempDir()
	if err := os.Symlink(downloads, filepath.Join(home, "downloads")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TLAB_HOME", home)
	t.Setenv("GOMLX_BACKEND", "")
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	return home
}

// The whole of set-up, once; then each thing that can go wrong with what it made.
func TestEnsureForRun(t *testing.T) {
	stickHome(t)
	lab, err := Ensure(t.Context(), ForRun, func(_, total int64, what string) {
		if total == 0 {
			t.Log(what)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(lab.Backend, filepath.FromSlash(fetch.XLALibrary)) {
		t.Errorf("the backend is %q (%s)", lab.Backend, lab.BackendFrom)
	}
	t.Run("the second time is quick and silent", func(t *testing.T) {
		began := time.Now()
		again, err := Ensure(t.Context(), ForRun, func(_, _ int64, what string) { t.Errorf("said %q", what) })
		if took := time.Since(began); err != nil || *again != *lab || took > 300*time.Millisecond {
			t.Errorf("took %v: %v; %+v is not %+v", took, err, again, lab)
		}
	})
	t.Run("everything is found good", func(t *testing.T) {
		for _, f := range lab.Inspect(t.Context()) {
			if f.State == Bad {
				t.Errorf("%s: %v", f.Name, f.Err)
			}
		}
	})
	t.Run("a cell builds without a network", func(t *testing.T) { buildCell(t, lab) })
	t.Run("a damaged program is found and built anew", func(t *testing.T) { mendProgram(t, lab) })
	t.Run("another version is replaced", func(t *testing.T) {
		if err := fetch.PutStamp(lab.stamp("gonb"), lab.Program("gonb"), "v0.0.1", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := Ensure(t.Context(), ForRun, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := fetch.ReadStamp(lab.stamp("gonb")); got.Version != gonbVersion() || got.SHA256 == "" || err != nil {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// buildCell builds as GoNB does, in the environment that a kernel gives it, where no module can be fetched.
func buildCell(t *testing.T, lab *Lab) {
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(lab.Program("go"), args...)
		cmd.Dir = dir
		cmd.Env = append(append(os.Environ(), lab.Environ()...), "GOPROXY=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v: %s", args, err, out)
		}
	}
	cell := "package main\nimport (\"flag\"; \"fmt\"; \"transferlab/tl\"; \"transferlab/datasets\")\n" +
		"func main() { flag.Parse(); fmt.Println(tl.Load(\"efficientnet_lite0\"), datasets.Open(\"elpv\")) }\n"
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(cell), 0o644); err != nil {
		t.Fatal(err)
	}
	use := strings.TrimPrefix(lab.GoNB()[1], "-go_work=")
	run("mod", "init", "gonb_test")
	run("work", "init")
	run("work", "use", ".", use)
	run("build", "-o", "cell", ".")
}

func mendProgram(t *testing.T, lab *Lab) {
	place := lab.Program("goimports")
	info, err := os.Stat(place)
	if err != nil {
		t.Fatal(err)
	}
	flip := func() {
		t.Helper()
		text, err := os.ReadFile(place)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(place, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	flip()
	if err := os.Chtimes(place, info.ModTime(), info.ModTime()); err != nil { // rot that only reading finds
		t.Fatal(err)
	}
	var found Finding
	for _, f := range lab.Inspect(t.Context()) {
		if f.Name == "goimports" {
			found = f
		}
	}
	if found.State != Bad || !strings.Contains(found.Remedy, place) {
		t.Errorf("the doctor says %+v", found)
	}
	if err := os.Truncate(place, 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := Ensure(t.Context(), ForRun, nil); err != nil {
		t.Fatal(err)
	}
	if err := checkBuild(place, GoimportsVersion); err != nil {
		t.Error(err)
	}
}

// Two starts at once share the work; one that is killed in the middle leaves nothing that the next one trips over.
func TestStartsAtOnceAndKilled(t *testing.T) {
	home := stickHome(t)
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childKey+"=1")
		return cmd
	}
	victim := start()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	seen := func() bool {
		found, _ := filepath.Glob(filepath.Join(home, "bin", ".part-*"))
		return len(found) > 0
	}
	for end := time.Now().Add(time.Minute); !seen() && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	_ = victim.Process.Kill()
	_ = victim.Wait()
	if !seen() {
		t.Fatal("the first start was killed too late to leave anything")
	}
	var wait sync.WaitGroup
	outs := make([]string, 2)
	for i := range outs {
		wait.Go(func() {
			out, err := start().CombinedOutput()
			if outs[i] = string(out); err != nil || !strings.Contains(outs[i], "backend xla:") {
				t.Errorf("start %d: %v: %s", i, err, out)
			}
		})
	}
	wait.Wait()
	if n := strings.Count(outs[0]+outs[1], "gonb: "); n != 1 { // one of the two built it, and said so at its end
		t.Errorf("GoNB was built %d times:\n%s\n%s", n, outs[0], outs[1])
	}
	if seen() {
		t.Error("parts of programs are left")
	}
}

func TestErrorsSayWhatHelps(t *testing.T) {
	stickHome(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := Ensure(t.Context(), ForRun, nil); err == nil || !strings.Contains(err.Error(), "go command is not on PATH") {
		t.Errorf("without Go: %v", err)
	}
	t.Setenv("GOMLX_BACKEND", "xla:/no/such/plugin.so")
	if _, err := Ensure(t.Context(), ForRun, nil); err == nil || !strings.Contains(err.Error(), "unset GOMLX_BACKEND") {
		t.Errorf("with a plugin that is not there: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	stickHome(t)
	home := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", home).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", home).Run() })
	downloads, err := fetch.Downloads()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(downloads, filepath.Join(home, "downloads")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TLAB_HOME", home)
	if _, err := Ensure(t.Context(), ForRun, nil); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("unpacking XLA: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(home, "unpacked", "*"))
	if len(left) > 0 {
		t.Errorf("left %v", left)
	}
	// With XLA elsewhere, the programs meet the full disk.
	t.Setenv("GOMLX_BACKEND", "go")
	if err := os.WriteFile(filepath.Join(home, "ballast"), make([]byte, 18<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Ensure(t.Context(), ForRun, nil); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("building: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "bin", ".part-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestPinsAgree(t *testing.T) {
	lab, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(lab.Module, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	gonb := ""
	for _, r := range mod.Require {
		if r.Mod.Path == "github.com/janpfeifer/gonb" {
			gonb = r.Mod.Version
		}
	}
	if gonb != GoNBVersion {
		t.Errorf("go.mod has GoNB %s, set-up says %s", gonb, GoNBVersion)
	}
	in, err := os.ReadFile("requirements.in")
	if err != nil || strings.TrimSpace(string(in)) != "jupyterlab=="+JupyterVersion {
		t.Errorf("requirements.in says %q (%v)", in, err)
	}
}

// Every requirement is one version with at least one checksum: pip's --require-hashes refuses the whole file otherwise.
func TestRequirementsArePinned(t *testing.T) {
	text := strings.ReplaceAll(string(requirements), "\\\n", " ")
	line, n := regexp.MustCompile(`^[a-z0-9-]+==[0-9][0-9a-z.]* +(;[^#]* )?( *--hash=sha256:[0-9a-f]{64})+$`), 0
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		n++
		if !line.MatchString(l) {
			t.Errorf("not pinned: %.90s", l)
		}
	}
	if n < 80 || !strings.Contains(text, "jupyterlab=="+JupyterVersion+" ") {
		t.Errorf("%d requirements, JupyterLab %s among them: %v", n, JupyterVersion, strings.Contains(text, "jupyterlab=="+JupyterVersion))
	}
}

// What cannot be made says which Python is wanted, and leaves no half of an environment.
func TestJupyterWithoutPip(t *testing.T) {
	bin, home := t.TempDir(), t.TempDir()
	t.Setenv("TLAB_HOME", home)
	script := "#!/bin/sh\ncase \"$2\" in venv) mkdir -p \"$4/bin\";; *) echo 'No module named pip' >&2; exit 1;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	lab, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	err = makeAll(t.Context(), []part{lab.jupyter()}, func(int64, int64, string) {})
	if err == nil || !strings.Contains(err.Error(), "python3-pip") || !strings.Contains(err.Error(), "pip 22.3 or later") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "jupyter*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=readonly")
	lab := &Lab{Home: "/h", Module: "/m", Backend: "xla:/p.so"} // no go command there: the environment's flags count
	got := strings.Join(lab.Environ(), "\n")
	for _, want := range []string{"PATH=/h/bin:", "GOFLAGS=-mod=readonly '-ldflags=-s -w' -tags=netgo,osusergo,tlab", "GOMLX_NO_AUTO_INSTALL=1", "GOMLX_BACKEND=xla:/p.so"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	path := os.Getenv("PATH")
	t.Setenv("PATH", "")
	if got := lab.Environ()[0]; got != "PATH=/h/bin:/usr/local/bin:/usr/bin:/bin" {
		t.Errorf("without a PATH: %q", got)
	}
	t.Setenv("PATH", path)
	kept := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(kept, []byte("GOFLAGS=-buildvcs=false\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOENV", kept)
	t.Setenv("GOFLAGS", "")
	lab.Home = t.TempDir()
	if err := makeAll(t.Context(), []part{(&Lab{Home: lab.Home, Module: lab.Home}).goTool()}, func(int64, int64, string) {}); err != nil {
		t.Fatal(err)
	}
	if got := lab.goFlags(); got != "-buildvcs=false '-ldflags=-s -w' -tags=netgo,osusergo,tlab" {
		t.Errorf("flags kept by go env -w: got %q", got)
	}
	t.Setenv("GOFLAGS", "-tags=mine")
	if got := lab.goFlags(); got != "-tags=mine '-ldflags=-s -w'" {
		t.Errorf("a user's own tags: got %q", got)
	}
	lab.Backend = ""
	if strings.Contains(strings.Join(lab.Environ(), "\n"), "GOMLX_BACKEND") {
		t.Error("an unknown backend was set")
	}
}
