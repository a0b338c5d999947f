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

	"transferlab/datasets/fetch"
)

// requirements pins JupyterLab and everything below it, with the checksums of what was published.
//
//go:generate ./requirements.sh
//go:embed requirements.txt
var requirements []byte

// wheelsSize is about what pip downloads for requirements, in bytes: for the progress bar alone.
const wheelsSize = 47e6

// jupyter is a Python environment of our own with JupyterLab: the user's Python stays as it is. The wheels are kept in downloads.
func (l *Lab) jupyter() part {
	place, seen := l.Prefix(), l.stamp("jupyter")
	config := filepath.Join(place, "pyvenv.cfg")
	sum := sha256.Sum256(requirements)
	version := JupyterVersion + " " + hex.EncodeToString(sum[:4])
	return part{
		name: "JupyterLab", version: version, doing: "fetching " + megabytes(wheelsSize) + " and installing", place: place,
		remedy: "JupyterLab needs python3 3.10 or later with pip 22.3 or later (on Debian: apt install python3-pip python3-venv), and a network or its wheels in " +
			filepath.Join(l.Home, "downloads") + "; `tlab run` needs none of it",
		check: func() error {
			if err := fetch.CheckStamp(seen, config, version); err != nil {
				return err
			}
			// The system's Python may have gone, or become another version: then the packages are in the wrong folder.
			look := "import importlib.util as u, sys; sys.exit(u.find_spec('jupyterlab') is None)"
			if err := exec.Command(filepath.Join(place, "bin", "python"), "-c", look).Run(); err != nil {
				return fmt.Errorf("the Python in %s has no JupyterLab: %w", place, err)
			}
			return nil
		},
		make: func(ctx context.Context, report fetch.Report) error {
			// An environment notes its own place and cannot be renamed into it; the stamp, written last, makes it count.
			part := place + ".part"
			for _, old := range []string{seen, part, place} {
				if err := os.RemoveAll(old); err != nil {
					return err
				}
			}
			defer os.RemoveAll(part)
			if err := os.MkdirAll(part, 0o755); err != nil {
				return err
			}
			if err := l.fillJupyter(ctx, report, place, part); err != nil {
				return errors.Join(err, os.RemoveAll(place))
			}
			return fetch.PutStamp(seen, config, version, hex.EncodeToString(sum[:]))
		},
	}
}

// fillJupyter makes the environment at place. part is an empty folder for temporary files.
func (l *Lab) fillJupyter(ctx context.Context, report fetch.Report, place, part string) error {
	list := filepath.Join(part, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o644); err != nil {
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
	if err := python("", 0, "-m", "venv", "--without-pip", place); err != nil {
		return err
	}
	install := func() error {
		return python("", 0, "-m", "pip", "--python", filepath.Join(place, "bin", "python"), "install", "--quiet", "--no-input",
			"--no-index", "--find-links", downloads, "--only-binary=:all:", "--require-hashes", "-r", list)
	}
	if found, _ := filepath.Glob(filepath.Join(downloads, "jupyterlab-"+JupyterVersion+"-*.whl")); len(found) > 0 && install() == nil {
		return nil // all came from the folder: a classroom's stick, or an earlier set-up
	}
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		return err
	}
	err := python("fetching JupyterLab", wheelsSize, "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir",
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
