package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"transferlab/datasets/fetch"
)

// warmCache compiles once, with the flags of cells, what cells import: the first cell of a fresh machine would otherwise wait
// for the standard library. The throwaway cell is built as GoNB builds one, as a module of its own beside ours in a
// workspace; so this also proves that the checkout can be reached.
func (l *Lab) warmCache() part {
	dir := filepath.Join(l.Home, "workspace")
	place, seen := filepath.Join(dir, "main.go"), l.stamp("workspace")
	version := l.workspaceVersion()
	return part{
		name: "build cache", version: version, doing: "compiling what cells import, about 10 seconds", place: place, spare: true,
		remedy: "see whether `go build ./...` works in " + l.Module,
		check:  func() error { return fetch.CheckStamp(seen, place, version) },
		make: func(ctx context.Context, _ fetch.Report) error {
			if err := l.writeCell(ctx, dir); err != nil {
				return err
			}
			env := []string{"GOWORK=" + filepath.Join(dir, "go.work"), "GOFLAGS=" + l.goFlags()}
			program := filepath.Join(dir, "cell")
			defer os.Remove(program)
			step := fetch.Step{Dir: dir, Env: env}
			if err := fetch.Program(ctx, step, nil, l.Program("go"), "build", "-o", program, "."); err != nil {
				return err
			}
			return fetch.PutStamp(seen, place, version, "")
		},
	}
}

// workspaceVersion changes with whatever makes a warm cache cold: the toolchain, the modules, the checkout's place.
func (l *Lab) workspaceVersion() string {
	sums, _ := os.ReadFile(filepath.Join(l.Module, "go.sum")) // if it cannot be read the build will say so
	all := sha256.Sum256([]byte(runtime.Version() + "\x00" + l.Module + "\x00" + flags + tags + "\x00" + string(sums)))
	return runtime.Version() + " " + hex.EncodeToString(all[:4])
}

// writeCell writes a program that imports what the lessons import, and a workspace that finds it.
func (l *Lab) writeCell(ctx context.Context, dir string) error {
	imports, err := l.cellImports(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var main strings.Builder
	main.WriteString("// Package main is a cell that is built once, so that the cells of notebooks build quickly.\npackage main\n\nimport (\n")
	for _, path := range imports {
		fmt.Fprintf(&main, "\t_ %q\n", path)
	}
	main.WriteString(")\n\nfunc main() {}\n")
	version, err := l.goDirective()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "main.go"), []byte(main.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "go.mod"), fmt.Appendf(nil, "module cell\n\ngo %s\n", version), 0o644),
		os.WriteFile(filepath.Join(dir, "go.work"), fmt.Appendf(nil, "go %s\n\nuse (\n\t.\n\t%q\n)\n", version, l.Module), 0o644),
	)
}

// cellImports lists the packages that cells need in any case and those that some lesson imports.
func (l *Lab) cellImports(ctx context.Context) ([]string, error) {
	imports := []string{"context", "flag", "fmt", "transferlab/datasets", "transferlab/kernel/cell", "transferlab/tl"} // GoNB adds flag to each cell
	cmd := exec.CommandContext(ctx, l.Program("go"), "list", "-f",
		`{{join .Imports "\n"}}{{"\n"}}{{join .TestImports "\n"}}{{"\n"}}{{join .XTestImports "\n"}}`, "./lessons/...")
	cmd.Dir = l.Module
	out, err := cmd.Output() // no lesson at all is only a warning
	if err != nil {
		return nil, fmt.Errorf("list what the lessons import: %w", err)
	}
	for _, path := range strings.Fields(string(out)) {
		if path != "testing" {
			imports = append(imports, path)
		}
	}
	slices.Sort(imports)
	return slices.Compact(imports), nil
}

// goDirective is the Go version of the checkout's go.mod.
func (l *Lab) goDirective() (string, error) {
	path := filepath.Join(l.Module, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	file, err := modfile.ParseLax(path, text, nil)
	if err != nil {
		return "", err
	}
	return file.Go.Version, nil
}
