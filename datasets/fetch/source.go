package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
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
	err := s.run(ctx, f, part, "python3", "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir",
		"--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", list, "-d", part)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("python3 is not on PATH; set-up downloads with pip (on Debian: apt install python3-pip): %w", err)
	}
	return filepath.Join(part, f.Name), err
}

// apt downloads a Debian package without installing it.
func (s store) apt(ctx context.Context, f File, part string) (string, error) {
	err := s.run(ctx, f, part, "apt-get", "download", "--quiet", f.Package+"="+f.Version)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("apt-get is not on PATH; this file is a Debian package: %w", err)
	}
	return filepath.Join(part, f.Name), err
}

// run runs a downloading program in part and reports how the largest file below it grows. Its words are shown only if it fails.
func (s store) run(ctx context.Context, f File, part, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = part
	cmd.Env = append(os.Environ(), "TMPDIR="+part, "LC_ALL=C")
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	what := "fetching " + f.Package
	done := startAndWait(cmd)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	s.tell(0, f.Size, what)
	for {
		select {
		case err = <-done:
			s.tell(f.Size, f.Size, what)
			return judge(ctx, name, err, words.String())
		case <-tick.C:
			s.tell(min(largest(part), f.Size-1), f.Size, what)
		}
	}
}

// judge turns the end of a downloading program into an error that says the likely cause.
func judge(ctx context.Context, name string, err error, words string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.Contains(words, "No space left on device"), strings.Contains(words, "not enough free space"):
		return syscall.ENOSPC
	case strings.Contains(words, "No module named pip"):
		return errors.New("python3 has no pip (on Debian: apt install python3-pip)")
	}
	lines := strings.Split(strings.TrimSpace(words), "\n")
	if len(lines) > 4 {
		lines = lines[len(lines)-4:]
	}
	return fmt.Errorf("%s failed (%w); is there a network? It said:\n\t%s", name, err, strings.Join(lines, "\n\t"))
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
