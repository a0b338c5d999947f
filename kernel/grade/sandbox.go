package grade

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// seenAtHome are the parts of the lab's cache directory that cells need: programs (without gopls, which nobody asks anything here), XLA's
// plugin, weights and data.
var seenAtHome = []string{"bin/gonb", "bin/goimports", "bin/tlab", "unpacked", "downloads", "verified"}

// ErrNoSandbox is the error where bubblewrap is missing, or the system refuses it namespaces.
var ErrNoSandbox = errors.New("submissions are other people's programs, so they are not run without a sandbox; --trust runs them as your own, and says so in every row")

// newSandbox finds bubblewrap and what it needs to know. It does not try it out: see the warm-up.
func newSandbox(ctx context.Context, lab *setup.Lab, checkDir string, disk int64) (*sandbox, error) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, fmt.Errorf("grade: find bubblewrap: %w; install it (Debian, Ubuntu: apt-get install bubblewrap). %w", err, ErrNoSandbox)
	}
	out, err := exec.CommandContext(ctx, bwrap, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("grade: run %s --version: %w", bwrap, err)
	}
	s := &sandbox{bwrap: bwrap, version: strings.TrimSpace(string(out)), lab: lab, check: checkDir, disk: disk}
	if (mode{}).user() != 0 {
		if err := s.show(); err != nil {
			return nil, err
		}
	}
	return s, s.askGo(ctx)
}

// show lets other users read what is known of verified files, names and checksums: root's submissions are other users', and where they cannot
// read it, they would fetch data and weights again.
func (s *sandbox) show() error {
	files, err := filepath.Glob(filepath.Join(s.lab.Home, "verified", "*.json"))
	for _, file := range files {
		if failed := os.Chmod(file, 0o644); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return fmt.Errorf("grade: show submissions what is verified: %w", err)
	}
	return nil
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

// mode says how a program in the sandbox runs.
type mode struct {
	own  bool // a program of ours, which may fill the go command's cache
	slot int  // which of those that run at once
}

// rootSlots is the first of the users that submissions run as where the grader is root. An ordinary user's sandbox is a user namespace, and
// the limit on processes holds in it; root's own processes know no such limit, so root's sandboxes are other users', a user each.
const rootSlots = 64_100

// user is whom a submission runs as; 0 is the grader's own user, as another in a user namespace.
func (m mode) user() int {
	if os.Geteuid() != 0 || m.own {
		return 0
	}
	return rootSlots + os.Getpid()%7*200 + m.slot // so that two who grade at once seldom share users
}

// arguments is bubblewrap's command line before the command.
func (s *sandbox) arguments(m mode) []string {
	a := []string{"--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns", "--cap-drop", "ALL"}
	if m.user() != 0 {
		a = []string{"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
			"--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"} // which it gives up when it becomes that user
	}
	a = append(a, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox")
	for _, p := range []string{"/bin", "/lib", "/lib64", "/sbin"} {
		if target, err := os.Readlink(p); err == nil {
			a = append(a, "--symlink", target, p)
		} else {
			a = append(a, "--ro-bind-try", p, p)
		}
	}
	a = append(a, "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", "67108864", "--tmpfs", "/dev/shm",
		"--perms", "1777", "--size", strconv.FormatInt(s.disk, 10), "--tmpfs", "/tmp")
	made := map[string]bool{"/": true, "/tmp": true, "/usr": true}
	for _, dir := range []string{home, home + "/lab"} { // its user's own, whoever that is
		a, made[dir] = append(a, "--perms", "0777", "--dir", dir), true
	}
	for _, p := range s.binds() {
		for _, parent := range parents(p.at) {
			if !made[parent] && !strings.HasPrefix(parent, "/usr/") {
				made[parent] = true
				a = append(a, "--perms", "0755", "--dir", parent)
			}
		}
		kind := "--ro-bind-try"
		if p.from == s.cache && m.own {
			kind = "--bind"
		}
		a, made[p.at] = append(a, kind, p.from, p.at), true
	}
	a = append(a, "--symlink", filepath.Join(s.goRoot, "bin", "go"), home+"/lab/bin/go")
	for name, value := range s.environ() {
		a = append(a, "--setenv", name, value)
	}
	return append(a, "--chdir", s.lab.Module, "--remount-ro", "/dev", "--remount-ro", "/")
}

// bound is a part of this system that a sandbox sees.
type bound struct{ from, at string }

// binds are all of them, in order.
func (s *sandbox) binds() (all []bound) {
	for _, p := range []string{"/usr", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", s.goRoot, s.modules, s.cache} {
		if !strings.HasPrefix(p, "/usr/") { // that is there with /usr
			all = append(all, bound{p, p})
		}
	}
	for _, part := range seen {
		p := filepath.Join(s.lab.Module, part)
		all = append(all, bound{p, p})
	}
	place := filepath.Join(s.lab.Module, "lessons", "check")
	all = append(all, bound{s.check, place}, bound{filepath.Join(place, "answer"), filepath.Join(place, "answer")})
	for _, part := range seenAtHome {
		all = append(all, bound{filepath.Join(s.lab.Home, part), home + "/lab/" + part})
	}
	return all
}

// parents are the folders above a path, from the top.
func parents(path string) (all []string) {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		all = append([]string{dir}, all...)
	}
	return all
}

// environ is all that a program in the sandbox finds in its environment.
func (s *sandbox) environ() map[string]string {
	env := map[string]string{"HOME": home, "TLAB_HOME": home + "/lab", "TLAB_HISTORY": "", "PATH": os.Getenv("PATH"), "LANG": "C.UTF-8"}
	for name, value := range s.goEnv {
		env[name] = value
	}
	delete(env, "GOWORK")
	delete(env, "GOAUTH")
	// The go command's cache is read-only. It tries to write an index of the cell's folder, which is all that it cannot do without.
	env["GODEBUG"] = "goindex=0"
	env["GOCACHE"], env["GOMODCACHE"], env["GOENV"], env["GOPROXY"], env["GOTOOLCHAIN"] = s.cache, s.modules, "off", "off", "local"
	return env
}

// command is a program in the sandbox.
func (s *sandbox) command(m mode, argv ...string) *exec.Cmd {
	cmd := exec.Command(s.bwrap, append(append(s.arguments(m), "--"), argv...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}

// refused says why the warm-up did not run, and what helps.
func (s *sandbox) refused(err error, stderr string) error {
	text := strings.TrimSpace(stderr)
	if strings.HasPrefix(text, "bwrap:") {
		return fmt.Errorf("grade: make a sandbox: %s; this system refuses namespaces to you: ask who runs it for unprivileged user namespaces "+
			"(sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a container: its seccomp profile). %w", firstLine(text), ErrNoSandbox)
	}
	return fmt.Errorf("grade: warm up the sandbox: %w: %s", err, text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// hides refuses folders, of submissions or for scores, that a sandbox could see.
func (s *sandbox) hides(folders []string) (err error) {
	for _, dir := range folders {
		if dir != "" {
			err = errors.Join(err, s.outside(dir))
		}
	}
	return err
}

func (s *sandbox) outside(path string) error {
	full, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		full = real
	}
	for _, b := range append(s.binds(), bound{from: "/bin"}, bound{from: "/lib"}, bound{from: "/lib64"}, bound{from: "/sbin"}) {
		dir := b.from
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
