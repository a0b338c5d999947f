package setup

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"transferlab/datasets/fetch"
)

// errNoGo is what helps where the go command is missing. This program was built by one, so that is rare.
var errNoGo = errors.New("the go command is not on PATH; install Go from your system or go.dev, and open a new terminal")

// goTool is a link to the go command itself: Jupyter may start the kernel with a PATH that lacks it, and shims of version
// managers depend on more than PATH.
func (l *Lab) goTool() part {
	place := l.Program("go")
	return part{
		name: "go", version: strings.TrimPrefix(runtime.Version(), "go"), doing: "linking the command", place: place,
		check: func() error {
			_, err := os.Stat(place)
			return err
		},
		make: func(ctx context.Context, _ fetch.Report) error {
			cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
			cmd.Dir = l.Module // its go.mod chooses the toolchain
			root, err := cmd.Output()
			if err != nil {
				return errors.Join(errNoGo, err)
			}
			if err := os.MkdirAll(l.Bin(), 0o755); err != nil {
				return err
			}
			if err := os.RemoveAll(place); err != nil { // a link whose target went away
				return err
			}
			return os.Symlink(filepath.Join(strings.TrimSpace(string(root)), "bin", "go"), place)
		},
	}
}

func (l *Lab) goimports() part {
	return l.installed("goimports", GoimportsVersion, "golang.org/x/tools/cmd/goimports", "building, about 10 seconds")
}

func (l *Lab) gopls() part {
	return l.installed("gopls", GoplsVersion, "golang.org/x/tools/gopls", "building, about a minute")
}

// installed is a tool of another module, at that module's pinned version.
func (l *Lab) installed(name, version, path, doing string) part {
	return l.built(name, version, doing, func(ctx context.Context, out string) error {
		dir := out + ".d"
		defer os.RemoveAll(dir)
		if err := l.goRun(ctx, []string{"GOBIN=" + dir}, "install", "-ldflags=-s -w", path+"@"+version); err != nil {
			return err
		}
		return os.Rename(filepath.Join(dir, name), out)
	})
}

// goRun runs the go command in the module.
func (l *Lab) goRun(ctx context.Context, env []string, args ...string) error {
	step := fetch.Step{Dir: l.Module, Env: env}
	return fetch.Program(ctx, step, nil, l.Program("go"), args...)
}

// built is a program that build makes, at a temporary place, from which it is renamed.
func (l *Lab) built(name, version, doing string, build func(ctx context.Context, out string) error) part {
	place, seen := l.Program(name), l.stamp(name)
	return part{
		name: name, version: version, doing: doing, place: place, seen: seen,
		remedy: "connect to a network and start again: Go fetches the source once; or set GOPROXY to a copy of it",
		check:  func() error { return fetch.CheckStamp(seen, place, version) },
		make: func(ctx context.Context, _ fetch.Report) error {
			part := filepath.Join(l.Bin(), ".part-"+name)
			for _, old := range []string{part, part + ".d"} { // we hold the lock: a dead run's
				if err := os.RemoveAll(old); err != nil {
					return err
				}
			}
			defer os.Remove(part) // fails after the rename, as it should
			if err := build(ctx, part); err != nil {
				return err
			}
			return l.keep(part, place, seen, version)
		},
		audit: func() error { return auditFile(place, seen) },
	}
}

// stamp is where [fetch.PutStamp] notes what a part looked like.
func (l *Lab) stamp(name string) string { return filepath.Join(l.Home, "verified", name+".json") }

// keep puts a finished program in its place. A running copy of the old one goes on with the old file.
func (l *Lab) keep(part, place, seen, version string) error {
	if err := checkBuild(part, version); err != nil {
		return err
	}
	sum, err := digest(part)
	if err != nil {
		return err
	}
	if err := os.Rename(part, place); err != nil {
		return err
	}
	return fetch.PutStamp(seen, place, version, sum)
}

// checkBuild reads the version that the go command wrote into a program. GoNB's own flag prints a wrong one.
func checkBuild(path, version string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	want, _, _ := strings.Cut(version, " ") // what was changed in it may follow
	if strings.HasPrefix(want, "v") && info.Main.Version != want {
		return fmt.Errorf("%s was built from %s instead of %s", info.Main.Path, info.Main.Version, want)
	}
	return nil
}

// auditFile reads a program and compares it with the checksum of the day when it was built.
func auditFile(path, seen string) error {
	was, err := fetch.ReadStamp(seen)
	if err != nil {
		return err
	}
	sum, err := digest(path)
	if err != nil {
		return err
	}
	if sum != was.SHA256 {
		return fmt.Errorf("%s has the SHA-256 %s; when it was built it had %s", path, sum, was.SHA256)
	}
	return nil
}

func digest(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// commandPath is the import path of the one command.
const commandPath = "transferlab/kernel/tlab"

// sourceVersion is the version of a command built from the source as it is now: good for this process only.
var sourceVersion = fmt.Sprintf("from source, for process %d at %s", os.Getpid(), time.Now().Format(time.RFC3339Nano))

// tlab is a copy of the command itself, which kernelspecs name: the file that `go run` starts is gone when it ends. Its
// version is the checksum of what it was copied from, so that a change of the source reaches Jupyter with the next start.
func (l *Lab) tlab() part {
	place, seen := l.Program("tlab"), l.stamp("tlab")
	self, version, err := ownProgram()
	if err == nil && self == "" {
		p := l.built("tlab", sourceVersion, "building", func(ctx context.Context, out string) error {
			return l.goRun(ctx, nil, "build", "-ldflags=-s -w", "-o", out, "./kernel/tlab")
		})
		p.own, p.remedy = true, ""
		return p
	}
	p := part{
		name: "tlab", version: version, doing: "copying", place: place, seen: seen, own: true,
		check: func() error {
			if err != nil || sameFile(self, place) {
				return err
			}
			return fetch.CheckStamp(seen, place, version)
		},
		make: func(context.Context, fetch.Report) error {
			if err != nil {
				return err
			}
			part := filepath.Join(l.Bin(), ".part-tlab")
			if err := copyProgram(self, part); err != nil {
				return errors.Join(err, os.Remove(part))
			}
			return l.keep(part, place, seen, version)
		},
		audit: func() error { return auditFile(place, seen) },
	}
	return p
}

// ownProgram returns this program's file and the start of its checksum, or "" if it is not the command: a test, say.
func ownProgram() (path, version string, err error) {
	// The command's own test says the same path of itself.
	if info, ok := debug.ReadBuildInfo(); !ok || info.Path != commandPath || flag.Lookup("test.v") != nil {
		return "", "", nil
	}
	if path, err = os.Executable(); err != nil {
		return "", "", err
	}
	sum, err := digest(path)
	if err != nil {
		return "", "", err
	}
	return path, sum[:16], nil
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
