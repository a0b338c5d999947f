package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// getter returns the function that downloads a file of that kind into an empty directory and returns its place there.
func (s store) getter(f File) func(ctx context.Context, f File, part string) (string, error) {
	if f.Kind == Debian {
		return s.apt
	}
	return s.pip
}

// pip downloads a wheel. The names of package indexes are the user's own setting. Only a wheel with that checksum will
// do: preparing a source package would run its code.
func (s store) pip(ctx context.Context, f File, part string) (string, error) {
	list := filepath.Join(part, "requirements.txt")
	line := fmt.Sprintf("%s==%s --hash=sha256:%s\n", f.Package, f.Version, f.SHA256)
	if err := os.WriteFile(list, []byte(line), 0o644); err != nil {
		return "", err
	}
	// No cache: the file is about to be kept in downloads, once is enough.
	err := Program(ctx, downloading(f, part), s.report, "python3", "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir",
		"--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", list, "-d", part)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("python3 is not on PATH; set-up downloads with pip (on Debian: apt install python3-pip): %w", err)
	}
	return filepath.Join(part, f.Name), err
}

// apt downloads a Debian package without installing it.
func (s store) apt(ctx context.Context, f File, part string) (string, error) {
	err := Program(ctx, downloading(f, part), s.report, "apt-get", "download", "--quiet", f.Package+"="+f.Version)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("apt-get is not on PATH; this file is a Debian package: %w", err)
	}
	return filepath.Join(part, f.Name), err
}

// downloading is how a program that downloads f into part is run.
func downloading(f File, part string) Step {
	return Step{What: "fetching " + f.Package, Total: f.Size, Dir: part, Env: []string{"TMPDIR=" + part, "PIP_REQUIRE_VIRTUALENV=0"}, Watch: largest}
}

// largest returns the size of the largest file below dir. pip writes a download to a folder of a random name before it
// renames it, so the growing file cannot be named.
func largest(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it was there a moment ago: pip is at work
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			size = max(size, info.Size())
		}
		return nil
	})
	return size
}
