package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"transferlab/kernel"
)

// place says in which of Jupyter's folders a kernelspec is.
type place struct {
	user, sys bool
	prefix    string
	name      string
}

func (p *place) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.user, "user", false, "in your own Jupyter data folder ($JUPYTER_DATA_DIR if set)")
	cmd.Flags().BoolVar(&p.sys, "sys-prefix", false, "in the environment of the python3 that is first on PATH")
	cmd.Flags().StringVar(&p.prefix, "prefix", "", "in DIR/share/jupyter, where DIR is a Python environment")
	cmd.Flags().StringVar(&p.name, "name", p.name, "the kernelspec's name")
}

// specName is what Jupyter takes as a kernelspec's name.
var specName = regexp.MustCompile(`^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*$`)

// dir is the kernelspec's own folder.
func (p *place) dir(ctx context.Context, verb string) (string, error) {
	ways := 0
	for _, chosen := range []bool{p.user, p.sys, p.prefix != ""} {
		if chosen {
			ways++
		}
	}
	if ways != 1 {
		return "", fmt.Errorf("%s: say where: either --user, --sys-prefix or --prefix DIR", verb)
	}
	if !specName.MatchString(p.name) {
		return "", fmt.Errorf("%s: --name %q: Jupyter allows letters, digits, '.', '_' and '-'", verb, p.name)
	}
	var data string
	var err error
	switch {
	case p.user:
		data, err = userData()
	case p.sys:
		data, err = pythonPrefix(ctx)
		data = filepath.Join(data, "share", "jupyter")
	default:
		data, err = filepath.Abs(filepath.Join(p.prefix, "share", "jupyter"))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", verb, err)
	}
	return filepath.Join(data, "kernels", p.name), nil
}

// userData is Jupyter's data folder of this user, as jupyter_core finds it.
func userData() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w; set JUPYTER_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if xdg := os.Getenv("XDG_DATA_HOME"); xdg != "" {
		return filepath.Join(xdg, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// pythonPrefix asks Python where its environment is: a link, a shim or a version manager may stand on PATH.
func pythonPrefix(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "python3", "-c", "import sys; print(sys.prefix)").Output()
	if err != nil {
		return "", fmt.Errorf("ask python3 for its environment: %w; activate one, or name it with --prefix DIR", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func uninstallCommand() *cobra.Command {
	at := place{name: kernel.SpecName}
	cmd := &cobra.Command{
		Use:   "uninstall --user | --sys-prefix | --prefix DIR",
		Short: "Remove the lab's kernel from your own Jupyter",
		Long: `uninstall removes the kernelspec that "tlab install" wrote with the same flags, and nothing else: neither another program's kernel nor files
that somebody added. What set-up made stays in the cache directory for "tlab run" and "tlab lab"; remove that folder to be rid of it.`,
		Example: "  tlab uninstall --user",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.dir(cmd.Context(), "uninstall")
			if err != nil {
				return err
			}
			err = removeSpec(dir)
			if errors.Is(err, errNoSpec) {
				// Its aim is reached: a script may run it twice.
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "there is no kernel %q in %s\n", at.name, filepath.Dir(dir))
				return err
			}
			if err != nil {
				return fmt.Errorf("uninstall: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed kernel %q from %s\n", at.name, filepath.Dir(dir))
			return err
		},
	}
	at.flags(cmd)
	return cmd
}

// removeSpec removes what writeSpec wrote.
func removeSpec(dir string) error {
	if err := checkOurs(dir); err != nil {
		return err
	}
	pictures, err := logos.ReadDir("spec")
	if err != nil {
		return err
	}
	files := []string{specFile} // first: without it Jupyter no longer sees the kernel
	for _, p := range pictures {
		files = append(files, p.Name())
	}
	for _, name := range files {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// A link to a folder elsewhere goes, its target stays; a folder with somebody's files stays.
	if err := os.Remove(dir); err != nil {
		if left, _ := os.ReadDir(dir); len(left) == 0 {
			return err
		}
	}
	return nil
}
