package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"transferlab/tl"
)

// replaceFolder makes the folder dir hold what fill writes into the folder that it is given, and nothing else: whole or not at all. An
// earlier folder is replaced in one step where the system can exchange two names, else by two renames. Only one process does that at a time.
func replaceFolder(dir string, allowed func() error, fill func(fresh string) error) error {
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	recoverFolder(dir)
	if err := allowed(); err != nil {
		return err
	}
	pattern := filepath.Join(parent, "."+name+".saving-")
	left, err := filepath.Glob(literal(pattern) + "*")
	if err != nil {
		return err
	}
	for _, old := range left { // by a run that was killed: nobody else writes now
		_ = os.RemoveAll(old) // else it only takes place
	}
	fresh, err := os.MkdirTemp(parent, filepath.Base(pattern))
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh) // after an exchange this is the earlier folder
	if err := fill(fresh); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(fresh, 0o755), syncFolder(fresh)); err != nil {
		return err
	}
	if err := putInPlace(fresh, dir); err != nil {
		return err
	}
	return syncFolder(parent)
}

// literal is a path as a pattern that matches nothing else.
func literal(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// putInPlace gives the folder fresh the name dir. What had that name has the name fresh then, or is gone.
func putInPlace(fresh, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return os.Rename(fresh, dir)
	}
	if exchange(fresh, dir) == nil {
		return nil
	}
	return putInTwoSteps(fresh, dir)
}

// putInTwoSteps is for systems that cannot exchange names. A run that is killed between the steps leaves the earlier folder for recoverFolder.
func putInTwoSteps(fresh, dir string) error {
	aside := earlier(dir)
	if err := os.RemoveAll(aside); err != nil { // its successor stands: that is why it was put aside
		return err
	}
	if err := os.Rename(dir, aside); err != nil {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(err, os.Rename(aside, dir))
	}
	return os.RemoveAll(aside)
}

// earlier is where a folder stands while its successor takes its name in two steps.
func earlier(dir string) string {
	parent, name := filepath.Split(dir)
	return filepath.Join(parent, "."+name+".earlier")
}

// recoverFolder brings a folder back that lost its name to a successor that never came.
func recoverFolder(dir string) {
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		_ = os.Rename(earlier(dir), dir) // fails where there is none, as nearly always
	}
}

// lockFolder makes this process the only one that writes dir. The system lets go of the lock if the process dies.
func lockFolder(dir string) (unlock func(), err error) {
	parent, name := filepath.Split(dir)
	place := filepath.Join(parent, "."+name+".lock")
	lock := flock.New(place)
	free, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if free {
		held, errHeld := lock.Stat()
		there, errThere := os.Stat(place)
		free = errHeld == nil && errThere == nil && os.SameFile(held, there) // else the one before removed it just now
	}
	if !free {
		_ = lock.Close()
		return nil, fmt.Errorf("another run is writing %s at this moment: save to a folder of this run's own, or again when that one is done", dir)
	}
	return func() {
		_ = os.Remove(place) // else it lies there
		_ = lock.Close()
	}, nil
}

// syncFolder makes the names in a folder last.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sealed makes a written file last, readable for whom a new file is, and gives its size and hash.
func sealed(file string) (tl.SavedFile, error) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return tl.SavedFile{}, err
	}
	defer f.Close()
	if err := errors.Join(f.Chmod(0o644), f.Sync()); err != nil {
		return tl.SavedFile{}, err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	return tl.SavedFile{Name: filepath.Base(file), Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}
