package setup

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"transferlab/datasets/fetch"
)

// requirements pins JupyterLab and everything below it, with the checksums of what was published.
//
//go:generate ./requirements.sh
//go:embed requirements.txt
var requirements []byte

// wheelsSize is about what pip downloads for requirements, in bytes: for the progress bar alone.
const wheelsSize = 47e6

// jupyter is a Python environment of our own with JupyterLab: the user's Python stays as it is.
func (l *Lab) jupyter() part {
	return l.environment(venv{
		name: "JupyterLab", version: JupyterVersion, module: "jupyterlab", requirements: requirements, size: wheelsSize,
		place: l.Prefix(), seen: l.stamp("jupyter"),
	})
}

// Venv makes a Python environment at dir, unless it is there, with exactly what requirements lists, in pip's own form, with checksums. name
// says what it is for; module is one that must then be found in it. It is for the tests that need more than [ForLab] has.
func (l *Lab) Venv(ctx context.Context, name, module, dir string, requirements []byte, report fetch.Report) error {
	if report == nil {
		report = func(int64, int64, string) {}
	}
	p := l.environment(venv{name: name, module: module, requirements: requirements, size: wheelsSize, place: dir, seen: dir + ".json"})
	if p.check() == nil {
		return nil
	}
	unlock, err := fetch.Lock(ctx, "set-up", report)
	if err != nil {
		return err
	}
	defer unlock()
	return makeAll(ctx, []part{p}, report)
}

// venv is a Python environment with pinned packages.
type venv struct {
	name, version string
	module        string // a Python module that is in it
	requirements  []byte // for pip, with checksums
	size          int64  // about what pip downloads, in bytes
	place, seen   string
}

// environment is v as a part. The wheels are kept in downloads.
func (l *Lab) environment(v venv) part {
	config := filepath.Join(v.place, "pyvenv.cfg")
	sum := sha256.Sum256(v.requirements)
	version := strings.TrimSpace(v.version + " " + hex.EncodeToString(sum[:4]))
	return part{
		name: v.name, version: version, doing: "fetching " + megabytes(v.size) + " and installing", place: v.place,
		remedy: v.name + " needs python3 3.10 or later with pip 22.3 or later (on Debian: apt install python3-pip python3-venv), and a network or its wheels in " +
			filepath.Join(l.Home, "downloads") + "; `tlab run` needs none of it",
		check: func() error {
			if err := fetch.CheckStamp(v.seen, config, version); err != nil {
				return err
			}
			// The system's Python may have gone, or become another version: then the packages are in the wrong folder.
			look := "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)"
			if err := exec.Command(filepath.Join(v.place, "bin", "python"), "-c", look, v.module).Run(); err != nil {
				return fmt.Errorf("the Python in %s has no %s: %w", v.place, v.module, err)
			}
			return nil
		},
		make: func(ctx context.Context, report fetch.Report) error {
			// An environment notes its own place and cannot be renamed into it; the stamp, written last, makes it count.
			part := v.place + ".part"
			for _, old := range []string{v.seen, part, v.place} {
				if err := os.RemoveAll(old); err != nil {
					return err
				}
			}
			defer os.RemoveAll(part)
			if err := os.MkdirAll(part, 0o755); err != nil {
				return err
			}
			if err := l.fill(ctx, report, v, part); err != nil {
				return errors.Join(err, os.RemoveAll(v.place))
			}
			return fetch.PutStamp(v.seen, config, version, hex.EncodeToString(sum[:]))
		},
	}
}

// fill makes the environment at its place. part is an empty folder for temporary files.
func (l *Lab) fill(ctx context.Context, report fetch.Report, v venv, part string) error {
	list := filepath.Join(part, "requirements.txt")
	if err := os.WriteFile(list, v.requirements, 0o644); err != nil {
		return err
	}
	downloads := filepath.Join(l.Home, "downloads")
	// The user's settings may send installations elsewhere; where packages come from stays the user's choice.
	env := []string{"TMPDIR=" + part, "PIP_USER=0", "PIP_REQUIRE_VIRTUALENV=0", "PIP_DISABLE_PIP_VERSION_CHECK=1"}
	python := func(what string, total int64, args ...string) error {
		step := fetch.Step{What: what, Total: total, Dir: part, Env: env, Watch: sizeBelow}
		return fetch.Program(ctx, step, report, "python3", args...)
	}
	// Without pip inside: Debian's Python has no ensurepip unless another package is installed, and the outer pip can do it.
	if err := python("", 0, "-m", "venv", "--without-pip", v.place); err != nil {
		return err
	}
	install := func() error {
		return python("", 0, "-m", "pip", "--python", filepath.Join(v.place, "bin", "python"), "install", "--quiet", "--no-input",
			"--no-index", "--find-links", downloads, "--only-binary=:all:", "--require-hashes", "-r", list)
	}
	// A look before pip takes one: it reads every wheel before it finds that the last is missing.
	if found, _ := filepath.Glob(filepath.Join(downloads, v.module+"-*.whl")); len(found) > 0 && install() == nil {
		return nil // all came from the folder: a classroom's stick, or an earlier set-up
	}
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		return err
	}
	err := python("fetching "+v.name, v.size, "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir",
		"--only-binary=:all:", "--require-hashes", "-r", list, "-d", downloads)
	if err != nil {
		return err
	}
	return install()
}

// sizeBelow is the size of all files below dir, in bytes.
func sizeBelow(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it was there a moment ago: pip is at work
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
