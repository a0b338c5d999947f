package setup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// gonbModule is GoNB's module, and the path of its command.
const gonbModule = "github.com/janpfeifer/gonb"

// gonbVersion names the edits as well, so that a change of them reaches every cache.
func gonbVersion() string {
	sum := sha256.New()
	for _, e := range gonbEdits {
		fmt.Fprintf(sum, "%q %q %q\n", e.file, e.old, e.new)
	}
	return GoNBVersion + " mended, " + hex.EncodeToString(sum.Sum(nil)[:4])
}

// gonb is GoNB, built from a patched copy of its source. Files of the module cache must not be overlaid, says the go command; so a go.mod
// of its own replaces the module by the copy. It still knows GoNB's version and the checksums of all that GoNB needs.
func (l *Lab) gonb() part {
	return l.built("gonb", gonbVersion(), "building, about 10 seconds", func(ctx context.Context, out string) error {
		dir := out + ".d"
		defer os.RemoveAll(dir)
		source := filepath.Join(dir, "gonb")
		if err := l.copyGoNB(ctx, source); err != nil {
			return err
		}
		if err := patch(source, gonbEdits); err != nil {
			return err
		}
		mod, err := l.replaceGoNB(dir, source)
		if err != nil {
			return err
		}
		return l.goRun(ctx, []string{"GOWORK=off"}, "build", "-modfile="+mod, "-ldflags=-s -w", "-o", out, gonbModule)
	})
}

// copyGoNB copies GoNB's source out of the module cache, without its 60 MB of pictures.
func (l *Lab) copyGoNB(ctx context.Context, to string) error {
	// Asked of the package, list fetches the module if need be; asked of the module it would not.
	cmd := exec.CommandContext(ctx, l.Program("go"), "list", "-f", "{{.Module.Dir}}", gonbModule)
	cmd.Dir, cmd.Env = l.Module, append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(failed.Stderr))
	}
	if err != nil {
		return fmt.Errorf("find the source of GoNB: %w", err)
	}
	from := strings.TrimSpace(string(out))
	for _, file := range []string{"go.mod", "go.sum", "main.go", "version.go", "version.txt"} {
		if err := copyFile(filepath.Join(from, file), filepath.Join(to, file)); err != nil {
			return err
		}
	}
	for _, folder := range []string{"cache", "common", "gonbui", "internal", "version"} {
		err := filepath.WalkDir(filepath.Join(from, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return copyFile(path, filepath.Join(to, strings.TrimPrefix(path, from)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644) // the module cache's are read-only
}

// patch makes edits in the files below dir.
func patch(dir string, edits []edit) error {
	for _, e := range edits {
		file := filepath.Join(dir, filepath.FromSlash(e.file))
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("patch GoNB %s: %w", GoNBVersion, err)
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			return fmt.Errorf("patch GoNB %s: %s has %q %d times, not once: gonbEdits in kernel/setup are for another version", GoNBVersion, e.file, e.old, n)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// replaceGoNB writes, in dir, a copy of our go.mod in which GoNB is the module at source, and go.sum beside it as the go command wants.
func (l *Lab) replaceGoNB(dir, source string) (mod string, err error) {
	path := filepath.Join(l.Module, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	file, err := modfile.Parse(path, text, nil)
	if err != nil {
		return "", err
	}
	if err := file.AddReplace(gonbModule, GoNBVersion, source, ""); err != nil {
		return "", err
	}
	if text, err = file.Format(); err != nil {
		return "", err
	}
	mod = filepath.Join(dir, "go.mod")
	if err := os.WriteFile(mod, text, 0o644); err != nil {
		return "", err
	}
	return mod, copyFile(filepath.Join(l.Module, "go.sum"), filepath.Join(dir, "go.sum"))
}
