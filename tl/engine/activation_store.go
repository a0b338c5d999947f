package engine

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"transferlab/datasets/fetch"
)

// ActivationsVariable is the environment variable that says how much of the disk activations may take: "10GB", "500 MiB"; "0" keeps none on disk.
const ActivationsVariable = "TLAB_ACTIVATIONS"

// ActivationsFolderVariable is the environment variable that names another folder for activations than the one in the cache directory: on another disk, or
// one that a program removes when it ends, since it shall leave nothing of a user's pictures behind.
const ActivationsFolderVariable = "TLAB_ACTIVATIONS_DIR"

// What activations take where that is not said: the smaller of 20 GB and a quarter of what the disk had free without them.
const (
	defaultActivations = 20_000_000_000
	shareOfFree        = 4
)

// activationsRoot is another place for the caches; tests set it. "" is activations in fetch.Home().
var activationsRoot string

// store is the folder of all activation caches, shared by all processes of a user. It keeps to a limit in bytes: where rows need more, the caches
// that were used longest ago are removed, never one that a process has open.
type store struct{ root string }

func openStore() (store, error) {
	if activationsRoot != "" {
		return store{activationsRoot}, nil
	}
	if dir := os.Getenv(ActivationsFolderVariable); dir != "" {
		return store{dir}, nil
	}
	home, err := fetch.Home()
	return store{filepath.Join(home, "activations")}, err
}

// locked runs f while no other process changes which caches there are and how large they are.
func (s store) locked(f func() error) error {
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(s.root, "lock"))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Close()
	return f()
}

// folder is one cache on disk.
type folder struct {
	path  string
	bytes int64
	used  time.Time
}

// trash is the beginning of the name of a folder that is being removed.
const trash = ".removed-"

// folders lists the caches, those that were used longest ago first. What another process removed half, it removes.
func (s store) folders() ([]folder, error) {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return nil, err
	}
	var all []folder
	for _, entry := range entries {
		path := filepath.Join(s.root, entry.Name())
		switch {
		case !entry.IsDir():
		case strings.HasPrefix(entry.Name(), trash):
			_ = os.RemoveAll(path) // what stays is tried again the next time
		default:
			all = append(all, folderAt(path))
		}
	}
	slices.SortFunc(all, func(a, b folder) int { return a.used.Compare(b.used) })
	return all, nil
}

func folderAt(path string) folder {
	f := folder{path: path}
	for _, name := range []string{"rows.bin", "index.bin"} {
		if info, err := os.Stat(filepath.Join(path, name)); err == nil {
			f.bytes += info.Size()
			f.used = latest(f.used, info.ModTime())
		}
	}
	if info, err := os.Stat(filepath.Join(path, "used")); err == nil {
		f.used = info.ModTime()
	}
	return f
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// usage is how many bytes the caches take and how many they may.
func (s store) usage() (bytes, limit int64, err error) {
	all, err := s.folders()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("engine: measure the activation caches: %w", err)
	}
	for _, f := range all {
		bytes += f.bytes
	}
	limit, err = s.limit(bytes)
	return bytes, limit, err
}

// limit is how many bytes the caches may take, where they take so many now.
func (s store) limit(bytes int64) (int64, error) {
	if text := os.Getenv(ActivationsVariable); text != "" {
		limit, err := parseBytes(text)
		if err != nil {
			return 0, fmt.Errorf("engine: %s is %q: %w", ActivationsVariable, text, err)
		}
		return limit, nil
	}
	for folder := s.root; ; folder = filepath.Dir(folder) { // the folder itself is made when the first row is kept
		if free, known := freeBytes(folder); known {
			return min(defaultActivations, (free+bytes)/shareOfFree), nil
		}
		if folder == filepath.Dir(folder) {
			return defaultActivations, nil
		}
	}
}

// reserve makes place for so many more bytes, removing caches where it must, and says for how many of them there is place. With whole, nothing is
// removed unless all of them find place. Call it with the store locked: the place is the caller's until then.
func (s store) reserve(bytes int64, whole bool) (int64, error) {
	all, err := s.folders()
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, f := range all {
		total += f.bytes
	}
	limit, err := s.limit(total)
	if err != nil {
		return 0, err
	}
	missing := total + bytes - limit
	if missing <= 0 {
		return bytes, nil
	}
	var chosen []folder
	var locks []*flock.Flock
	defer func() {
		for _, lock := range locks {
			lock.Close()
		}
	}()
	for _, f := range all {
		if missing <= 0 {
			break
		}
		lock := flock.New(filepath.Join(f.path, "used"))
		if free, err := lock.TryLock(); err != nil || !free {
			continue // in use
		}
		locks, chosen = append(locks, lock), append(chosen, f)
		missing -= f.bytes
	}
	if missing > 0 && whole {
		return 0, nil
	}
	for _, f := range chosen {
		if err := remove(f.path); err != nil {
			return 0, err
		}
	}
	return max(0, bytes-max(0, missing)), nil
}

// remove takes a cache away at once, whatever happens while its files are deleted.
func remove(path string) error {
	gone := filepath.Join(filepath.Dir(path), trash+filepath.Base(path))
	if err := os.Rename(path, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// parseBytes reads a size: a number and a unit, decimal (kB, MB, GB, TB) or binary (KiB, MiB, GiB, TiB), with or without a space and in any case.
func parseBytes(text string) (int64, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz ")
	units := map[string]float64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
	unit, known := units[strings.TrimSpace(text[len(number):])]
	value, err := strconv.ParseFloat(number, 64)
	if bytes := value * unit; err == nil && known && bytes >= 0 && bytes < math.MaxInt64 {
		return int64(bytes), nil
	}
	return 0, errors.New(`give a size such as 10GB or 500MB, or 0 to keep no activations on disk`)
}

// Activations tells for people how much of the disk activations take and may take.
func Activations() (bytes, limit int64, err error) {
	s, err := openStore()
	if err != nil {
		return 0, 0, err
	}
	return s.usage()
}
