package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"transferlab/kernel"
	"transferlab/kernel/setup"
)

// logos are the kernel's pictures in Jupyter's launcher.
//
//go:embed spec
var logos embed.FS

func installCommand() *cobra.Command {
	var user bool
	var prefix string
	cmd := &cobra.Command{
		Use:   "install --user | --prefix DIR",
		Short: "Add the lab's kernel to your own Jupyter",
		Long: `install writes a kernelspec, so that any Jupyter program of yours offers the kernel "` + kernel.DisplayName + `".

The kernelspec starts a copy of this command in the cache directory; the lab's source must stay where it is, since cells compile with it.
Run install again after moving it. "tlab lab" needs no installation.`,
		Example: `  tlab install --user                 for you, in every Jupyter
  tlab install --prefix .venv         in one Python environment`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user == (prefix != "") {
				return errors.New("install: say where: either --user or --prefix DIR")
			}
			data := filepath.Join(prefix, "share", "jupyter")
			if user {
				var err error
				if data, err = userData(); err != nil {
					return err
				}
			}
			c := newConsole(cmd.OutOrStdout())
			lab, err := setup.Ensure(cmd.Context(), setup.ForRun, report(c))
			if err != nil {
				return err
			}
			dir, err := writeSpec(data, lab)
			if err != nil {
				return err
			}
			c.note(fmt.Sprintf("installed kernel %q (%s) in %s", kernel.SpecName, kernel.DisplayName, dir))
			return nil
		},
	}
	cmd.Flags().BoolVar(&user, "user", false, "in your own Jupyter data folder ($JUPYTER_DATA_DIR if set)")
	cmd.Flags().StringVar(&prefix, "prefix", "", "in DIR/share/jupyter, where DIR is a Python environment")
	return cmd
}

// userData is Jupyter's data folder of this user, as jupyter_core finds it.
func userData() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("install: %w; set JUPYTER_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if xdg := os.Getenv("XDG_DATA_HOME"); xdg != "" {
		return filepath.Join(xdg, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// writeSpec writes the kernelspec below data, one of Jupyter's data folders, and returns its own folder.
func writeSpec(data string, lab *setup.Lab) (string, error) {
	dir := filepath.Join(data, "kernels", kernel.SpecName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	var env map[string]string
	if home := os.Getenv("TLAB_HOME"); home != "" {
		env = map[string]string{"TLAB_HOME": lab.Home} // the kernel must look where this set-up put things
	}
	var spec bytes.Buffer
	enc := json.NewEncoder(&spec)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(kernel.NewSpec([]string{lab.Program("tlab"), "kernel", "{connection_file}"}, env)); err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	files := map[string][]byte{"kernel.json": spec.Bytes()}
	err := fs.WalkDir(logos, "spec", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[d.Name()], err = logos.ReadFile(path)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(dir, name), content); err != nil {
			return "", err
		}
	}
	return dir, nil
}
