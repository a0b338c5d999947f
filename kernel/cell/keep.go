package cell

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// keepKey names the folder that takes kept values, a file each. The kernel makes it and removes it.
const keepKey = "TLAB_KEEP"

// header stands before a value in its file.
type header struct{ Name, Type string }

// box lets a nil pointer and an interface be kept, which gob refuses by themselves.
type box[T any] struct{ Value T }

// Keep keeps a value under a name for later cells, until the kernel restarts. An earlier one of that name is replaced, only when all
// of the new one is written. Values go through encoding/gob: what a struct does not export is left out, and functions and channels in it.
// A value that is nothing else is refused, and one that leads back to itself. What an interface holds has to be known to
// gob.Register, in the cell that keeps it and in the one that gets it.
func Keep[T any](name string, value T) error {
	path, err := place(name)
	if err != nil {
		return fmt.Errorf("cell: keep %q: %w", name, err)
	}
	if err := keepable(reflect.ValueOf(&value).Elem()); err != nil {
		return fmt.Errorf("cell: keep %q: %w", name, err)
	}
	err = write(path, func(to *gob.Encoder) error {
		if err := to.Encode(header{name, typeName[T]()}); err != nil {
			return err
		}
		return to.Encode(box[T]{value})
	})
	if err != nil {
		return fmt.Errorf("cell: keep %q: %w%s", name, err, unregistered(err))
	}
	return nil
}

// unregistered is the remedy where gob meets a type of the user's in an interface.
func unregistered(err error) string {
	if strings.Contains(err.Error(), "not registered for interface") {
		return "; call gob.Register with a value of that type in the cell that keeps it and in the one that gets it"
	}
	return ""
}

// Get returns what an earlier cell kept under a name, as the type that it was kept as. Fields that a struct has gained since
// are zero.
func Get[T any](name string) (T, error) {
	var got box[T]
	path, err := place(name)
	if err != nil {
		return got.Value, fmt.Errorf("cell: get %q: %w", name, err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return got.Value, fmt.Errorf("cell: get %q: %w", name, absent())
	}
	if err != nil {
		return got.Value, fmt.Errorf("cell: get %q: %w", name, err)
	}
	defer f.Close()
	from := gob.NewDecoder(f)
	var head header
	if err := from.Decode(&head); err != nil {
		return got.Value, fmt.Errorf("cell: get %q: %w; keep it again", name, err)
	}
	if asked := typeName[T](); asked != head.Type {
		return got.Value, fmt.Errorf("cell: get %q: it was kept as %s and asked for as %s; write cell.Get[%s](%q)",
			name, head.Type, asked, head.Type, name)
	}
	if err := from.Decode(&got); err != nil {
		var none T
		remedy := unregistered(err)
		if remedy == "" {
			remedy = "; if its type has changed since, keep it again"
		}
		return none, fmt.Errorf("cell: get %q: %w%s", name, err, remedy)
	}
	return got.Value, nil
}

// Kept returns the names of all kept values, sorted.
func Kept() ([]string, error) {
	dir, err := folder()
	if err != nil {
		return nil, fmt.Errorf("cell: list kept values: %w", err)
	}
	names, err := list(dir)
	if err != nil {
		return nil, fmt.Errorf("cell: list kept values: %w", err)
	}
	return names, nil
}

// Drop forgets kept values. All that exist are gone also when it returns an error for others.
func Drop(names ...string) error {
	var all error
	for _, name := range names {
		path, err := place(name)
		if err == nil {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = absent()
		}
		if err != nil {
			all = errors.Join(all, fmt.Errorf("cell: drop %q: %w", name, err))
		}
	}
	return all
}

func typeName[T any]() string { return reflect.TypeFor[T]().String() }

func folder() (string, error) {
	if dir := os.Getenv(keepKey); dir != "" {
		return dir, nil
	}
	return "", errors.New("this program runs outside the lab's kernel, which has the folder for it; set " + keepKey + " to one of your own")
}

// absent is the error for a name that nothing was kept under.
func absent() error {
	names, err := Kept()
	if err != nil || len(names) == 0 {
		return errors.New("nothing is kept yet; cell.Keep(name, value) keeps a value until the kernel restarts")
	}
	return fmt.Errorf("nothing is kept under that name (have %s)", strings.Join(names, ", "))
}

const suffix = ".gob"

// place is the file for a name. Names may be any text, so all but small letters and digits are escaped: some file systems do
// not tell capitals apart.
func place(name string) (string, error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	if name == "" {
		return "", errors.New("the name is empty")
	}
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	if b.Len() > 200 {
		return "", errors.New("the name is too long for a file; shorten it")
	}
	return filepath.Join(dir, b.String()+suffix), nil
}

// list reads the names back from the files' own headers.
func list(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), suffix) {
			continue
		}
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // dropped meanwhile
		}
		if err != nil {
			return nil, err
		}
		var head header
		if gob.NewDecoder(f).Decode(&head) == nil {
			names = append(names, head.Name)
		}
		f.Close()
	}
	slices.Sort(names)
	return names, nil
}

// write fills a file of the user's alone, which gets its name when it is whole.
func write(path string, fill func(*gob.Encoder) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keep-*") // made with 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := fill(gob.NewEncoder(f)); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
