package grade

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"transferlab/kernel/setup"
)

// sandbox knows how to start a program under bubblewrap so that it sees what cells need, and no more.
type sandbox struct {
	bwrap   string
	version string // "bubblewrap 0.8.0"
	lab     *setup.Lab
	goEnv   map[string]string // settings of the go command that differ from its defaults
	goRoot  string
	cache   string // of the go command, which is written only by the warm-up
	modules string
	check   string // a folder that stands in the place of lessons/check
	disk    int64  // bytes of /tmp
}

// home is the home of the sandbox's user, below its private /tmp.
const home = "/tmp/home"

// seen are the parts of the checkout that cells compile. Lessons and their answers are not among them, nor is anything that git keeps.
var seen = []string{"go.mod", "go.sum", "datasets", "kernel", "plots", "tl"}

// errNoSandbox is what helps where there is none.
const noSandbox = "submissions are other people's programs, so they are not run without a sandbox; --trust runs them as your own, and says so in every row"

// newSandbox finds bubblewrap and what it needs to know. It does not try it out: see the warm-up.
func newSandbox(ctx context.Context, lab *setup.Lab, checkDir string, disk int64) (*sandbox, error) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, fmt.Errorf("grade: find bubblewrap: %w; install it (Debian, Ubuntu: apt-get install bubblewrap). %s", err, noSandbox)
	}
	out, err := exec.CommandContext(ctx, bwrap, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("grade: run %s --version: %w", bwrap, err)
	}
	s := &sandbox{bwrap: bwrap, version: strings.TrimSpace(string(out)), lab: lab, check: checkDir, disk: disk}
	return s, s.askGo(ctx)
}

// askGo asks the go command for its folders and for settings of the user's.
func (s *sandbox) askGo(ctx context.Context) error {
	ask := func(into any, args ...string) error {
		cmd := exec.CommandContext(ctx, s.lab.Program("go"), append([]string{"env", "-json"}, args...)...)
		cmd.Dir = s.lab.Module
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("grade: ask go env: %w", err)
		}
		return json.Unmarshal(out, into)
	}
	var folders struct{ GOCACHE, GOMODCACHE, GOROOT string }
	if err := ask(&folders, "GOCACHE", "GOMODCACHE", "GOROOT"); err != nil {
		return err
	}
	s.goRoot, s.cache, s.modules = folders.GOROOT, folders.GOCACHE, folders.GOMODCACHE
	return ask(&s.goEnv, "-changed")
}

// arguments is bubblewrap's command line before the command. writable lets the warm-up fill the go command's cache.
func (s *sandbox) arguments(writable bool) []string {
	a := []string{"--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns", "--cap-drop", "ALL",
		"--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"}
	bind := func(paths ...string) {
		for _, p := range paths {
			a = append(a, "--ro-bind-try", p, p)
		}
	}
	bind("/usr", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
	for _, p := range []string{"/bin", "/lib", "/lib64", "/sbin"} {
		if target, err := os.Readlink(p); err == nil {
			a = append(a, "--symlink", target, p)
		} else {
			bind(p)
		}
	}
	a = append(a, "--proc", "/proc", "--dev", "/dev", "--size", "67108864", "--tmpfs", "/dev/shm",
		"--size", strconv.FormatInt(s.disk, 10), "--tmpfs", "/tmp", "--dir", home, "--dir", home+"/lab")
	bind(s.goRoot, s.modules)
	if writable {
		a = append(a, "--bind", s.cache, s.cache)
	} else {
		bind(s.cache)
	}
	for _, part := range seen {
		bind(filepath.Join(s.lab.Module, part))
	}
	place := filepath.Join(s.lab.Module, "lessons", "check")
	a = append(a, "--ro-bind", s.check, place, "--ro-bind", filepath.Join(place, "answer"), filepath.Join(place, "answer"))
	for _, part := range []string{"bin", "unpacked", "downloads", "verified"} {
		a = append(a, "--ro-bind-try", filepath.Join(s.lab.Home, part), home+"/lab/"+part)
	}
	for name, value := range s.environ() {
		a = append(a, "--setenv", name, value)
	}
	return append(a, "--chdir", s.lab.Module, "--remount-ro", "/dev", "--remount-ro", "/")
}

// environ is all that a program in the sandbox finds in its environment.
func (s *sandbox) environ() map[string]string {
	env := map[string]string{"HOME": home, "TLAB_HOME": home + "/lab", "TLAB_HISTORY": "", "PATH": os.Getenv("PATH"), "LANG": "C.UTF-8"}
	for name, value := range s.goEnv {
		env[name] = value
	}
	delete(env, "GOWORK")
	// The go command's cache is read-only. It tries to write an index of the cell's folder, which is all that it cannot do without.
	env["GODEBUG"] = "goindex=0"
	env["GOCACHE"], env["GOMODCACHE"], env["GOENV"], env["GOPROXY"], env["GOTOOLCHAIN"] = s.cache, s.modules, "off", "off", "local"
	return env
}

// command is a program in the sandbox.
func (s *sandbox) command(writable bool, argv ...string) *exec.Cmd {
	cmd := exec.Command(s.bwrap, append(append(s.arguments(writable), "--"), argv...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}

// refused says why the warm-up did not run, and what helps.
func (s *sandbox) refused(err error, stderr string) error {
	text := strings.TrimSpace(stderr)
	if strings.HasPrefix(text, "bwrap:") {
		return fmt.Errorf("grade: make a sandbox: %s; this system refuses namespaces to you: ask who runs it for unprivileged user namespaces "+
			"(sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a container: its seccomp profile). %s", firstLine(text), noSandbox)
	}
	return fmt.Errorf("grade: warm up the sandbox: %w: %s", err, text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// outside refuses a submission, or a place for scores, that a sandbox could see.
func (s *sandbox) outside(path string) error {
	full, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		full = real
	}
	inside := []string{"/usr", "/bin", "/lib", "/lib64", "/sbin", s.goRoot, s.cache, s.modules}
	for _, part := range seen {
		inside = append(inside, filepath.Join(s.lab.Module, part))
	}
	for _, part := range []string{"bin", "unpacked", "downloads", "verified"} {
		inside = append(inside, filepath.Join(s.lab.Home, part))
	}
	for _, dir := range inside {
		if within, err := filepath.Rel(dir, full); err == nil && within != ".." && !strings.HasPrefix(within, "../") {
			return fmt.Errorf("grade: %s is in %s, which submissions can read; move it elsewhere", path, dir)
		}
	}
	return nil
}

// tail keeps the first bytes that a program in the sandbox says of itself.
type tail struct {
	bytes.Buffer
}

// Write takes everything and keeps little.
func (t *tail) Write(p []byte) (int, error) {
	if room := 4096 - t.Len(); room > 0 {
		t.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

var errTooMuch = errors.New("it wrote too much")
