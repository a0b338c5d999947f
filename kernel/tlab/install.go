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

	"github.com/spf13/cobra"

	"transferlab/kernel"
	"transferlab/kernel/setup"
)

// logos are the kernel's pictures in Jupyter's launcher.
//
//go:embed spec
var logos embed.FS

func installCommand() *cobra.Command {
	at := place{name: kernel.SpecName}
	title := kernel.DisplayName
	cmd := &cobra.Command{
		Use:   "install --user | --sys-prefix | --prefix DIR",
		Short: "Add the lab's kernel to your own Jupyter",
		Long: `install writes a kernelspec, so that any Jupyter program of yours offers the kernel "` + kernel.DisplayName + `".

The kernelspec starts a copy of this command in the cache directory; the lab's source must stay where it is, since cells compile with it.
Run install again after moving it. "tlab lab" needs no installation.`,
		Example: `  tlab install --user                 for you, in every Jupyter
  tlab install --sys-prefix           in the Python environment that is active
  tlab install --prefix .venv         in another one`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.dir(cmd.Context(), "install")
			if err != nil {
				return err
			}
			// Before minutes of set-up: another program's kernel of this name stays.
			if err := checkFree(dir); err != nil {
				return err
			}
			c := newConsole(cmd.OutOrStdout())
			lab, err := setup.Ensure(cmd.Context(), setup.ForKernel, report(c))
			if err != nil {
				return err
			}
			if err := writeSpec(dir, title, lab); err != nil {
				return err
			}
			c.note(fmt.Sprintf("installed kernel %q (%s) in %s", at.name, title, dir))
			return nil
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&title, "display-name", title, "what Jupyter shows")
	return cmd
}

// writeSpec writes the kernelspec's folder.
func writeSpec(dir, title string, lab *setup.Lab) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	spec := kernel.NewSpec([]string{lab.Program("tlab"), "kernel", "{connection_file}"}, specEnv(lab))
	spec.DisplayName = title
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(spec); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	pictures, err := logos.ReadDir("spec")
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	for _, p := range pictures {
		content, err := logos.ReadFile("spec/" + p.Name())
		if err != nil {
			return fmt.Errorf("install: %w", err)
		}
		if err := writeFile(filepath.Join(dir, p.Name()), content); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, specFile), text.Bytes()) // last: with it Jupyter sees the kernel
}

// specEnv is what the kernel is told. Jupyter may start it without this shell's environment: VS Code and JupyterHub often do. It must find
// what this set-up made, and Go's modules where this shell keeps them.
func specEnv(lab *setup.Lab) map[string]string {
	env := map[string]string{"TLAB_HOME": lab.Home}
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOENV"} {
		if value := os.Getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}

// specFile is what makes a folder a kernelspec.
const specFile = "kernel.json"

// errNoSpec says that there is no kernelspec at all.
var errNoSpec = errors.New("there is no kernel")

// checkOurs returns nil if the kernelspec in dir is one of ours, errNoSpec if there is none.
func checkOurs(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, specFile)); errors.Is(err, fs.ErrNotExist) {
		return errNoSpec
	}
	spec, err := kernel.ReadSpec(dir)
	if err != nil {
		return err
	}
	if len(spec.Argv) != 3 || filepath.Base(spec.Argv[0]) != "tlab" || spec.Argv[1] != "kernel" {
		return fmt.Errorf("%s is another program's kernel (%s)", dir, spec.DisplayName)
	}
	return nil
}

// checkFree returns nil if a kernelspec of ours may be written to dir.
func checkFree(dir string) error {
	if err := checkOurs(dir); err != nil && !errors.Is(err, errNoSpec) {
		return fmt.Errorf("install: %w; choose another --name, or remove that folder first", err)
	}
	return nil
}
