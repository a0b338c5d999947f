// Package backend decides what computes: which of GoMLX's backends, with which XLA plugin. It loads nothing itself.
//
// The order is that of surprise: what the user configured, what is installed, a file with a checksum from a package index,
// GoMLX's own installer, and pure Go, which is 60 to 400 times slower and must be said aloud.
package backend

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gomlx/go-xla/installer"

	"transferlab/datasets/fetch"
)

// Variable is the environment variable by which GoMLX's programs are told their backend.
const Variable = "GOMLX_BACKEND"

// NoInstall is the environment variable that keeps go-xla from downloading a plugin when a backend is made. It is read
// when a process starts: set it for child processes. It need not be set where the configuration holds an absolute path.
const NoInstall = "GOMLX_NO_AUTO_INSTALL"

// Pure is the configuration of the pure-Go backend.
const Pure = "go"

// Config returns the configuration for GoMLX's compute.NewWithConfig (or the variable [Variable]), and in a few words
// where it comes from. The first of these that exists is taken: the variable's own value, a plugin where go-xla looks for
// one, the wheel of [fetch.XLA], GoMLX's installer, pure Go. A configuration equal to [Pure] that the user did not ask
// for comes with words that say why and what helps: show them. The only errors are the context's and a full disk.
//
// Fetching happens here and never later. When all is there the answer takes a few milliseconds. A nil report is silent.
func Config(ctx context.Context, report fetch.Report) (config, how string, err error) {
	if config, how = own(); config != "" {
		return config, how, nil
	}
	dir, wheel := fetch.Unpacked(ctx, fetch.XLA, report)
	if wheel == nil {
		config, how = ofWheel(dir)
		return config, how, nil
	}
	if ctx.Err() != nil || errors.Is(wheel, syscall.ENOSPC) {
		return "", "", wheel
	}
	if report != nil {
		report(0, 0, "no XLA plugin from a package index; trying GoMLX's own installer")
	}
	install := runInstaller(ctx)
	if ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	if path := Installed(); install == nil && path != "" {
		return "xla:" + path, "plugin from GoMLX's installer, " + path, nil
	}
	return Pure, fmt.Sprintf("GoMLX in pure Go, 60 to 400 times slower than XLA, because there is no XLA plugin:\n\t%v\n\tGoMLX's installer: %v",
		wheel, install), nil
}

// Known is Config without fetching: "" if something would have to be fetched first.
func Known() (config, how string) {
	if config, how = own(); config != "" {
		return config, how
	}
	if dir, err := fetch.Place(fetch.XLA); err == nil {
		return ofWheel(dir)
	}
	return "", ""
}

// own is what the user configured or installed.
func own() (config, how string) {
	if config := os.Getenv(Variable); config != "" {
		return config, "set by " + Variable
	}
	if path := Installed(); path != "" {
		return "xla:" + path, "installed plugin " + path
	}
	return "", ""
}

// ofWheel is the plugin in the unpacked wheel.
func ofWheel(dir string) (config, how string) {
	path := filepath.Join(dir, filepath.FromSlash(fetch.XLALibrary))
	return "xla:" + path, fmt.Sprintf("plugin of %s %s", fetch.XLA.Package, fetch.XLA.Version)
}

// wheelConfig is the configuration with the plugin of the wheel, or "" where it is not unpacked.
func wheelConfig() string {
	dir, err := fetch.Place(fetch.XLA)
	if err != nil {
		return ""
	}
	config, _ := ofWheel(dir)
	return config
}

// patience bounds GoMLX's installer, which knows no context.
const patience = 3 * time.Minute

// runInstaller lets GoMLX install its CPU plugin in the user's library folder. It cannot be stopped, only left alone: it
// extracts into a folder of its own and renames, so a file that it leaves half done is never taken for a plugin.
func runInstaller(ctx context.Context) error {
	lib, err := installer.DefaultHomeLibPath()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- installer.CPUAutoInstall(filepath.Join(lib, "go-xla"), true, installer.Quiet) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		return fmt.Errorf("no answer within %v", patience)
	}
}

// Installed returns the absolute path of a CPU plugin where go-xla looks for one, or "". A CUDA plugin is taken only by
// name, through [Variable]: its libraries must fit the driver, and a lesson must not fail because they do not.
func Installed() string {
	for _, dir := range searched() {
		for _, pattern := range []string{"pjrt_c_api_cpu*_plugin.", "pjrt-plugin-cpu*.", "pjrt_plugin_cpu*."} {
			found, err := filepath.Glob(filepath.Join(dir, pattern+"*"))
			if err != nil {
				continue // the folder's name is no pattern
			}
			slices.Sort(found)
			slices.Reverse(found) // of versions of one plugin, the newest
			for _, path := range found {
				if filepath.IsAbs(path) && isPlugin(path) == nil {
					return path
				}
			}
		}
	}
	return ""
}

// searched lists the folders of go-xla v0.4.1's pjrt package (dynamiclib_*.go), but for those of /etc/ld.so.conf: no
// installer puts a plugin there.
func searched() []string {
	if list, ok := os.LookupEnv("PJRT_PLUGIN_LIBRARY_PATH"); ok {
		return strings.Split(list, ":")
	}
	var dirs []string
	if lib, err := installer.DefaultHomeLibPath(); err == nil {
		dirs = append(dirs, filepath.Join(lib, "go-xla"), filepath.Join(lib, "gomlx", "pjrt"))
	}
	dirs = append(dirs, "/usr/local/lib/go-xla", "/usr/local/lib/gomlx/pjrt")
	return append(dirs, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
}

// isPlugin returns nil if the file is a library that exports PJRT's one entry. Loading it would tell more, and might end
// the process if it is damaged.
func isPlugin(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return fmt.Errorf("%s is no library", path)
	}
	if runtime.GOOS != "linux" {
		return nil
	}
	lib, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no library: %w", path, err)
	}
	defer lib.Close()
	symbols, err := lib.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == "GetPjrtApi" }) {
		return fmt.Errorf("%s exports no GetPjrtApi", path)
	}
	return nil
}

// Check returns nil if config names something that can be tried: pure Go, a plugin by name, or a plugin file that exists and
// looks like one. It says what is wrong with a path before XLA's C++ gets to see it.
func Check(config string) error {
	name, plugin, _ := strings.Cut(config, ":")
	path, _, _ := strings.Cut(plugin, ",") // options follow the name
	if name == Pure || !filepath.IsAbs(path) {
		return nil
	}
	if err := isPlugin(path); err != nil {
		return fmt.Errorf("backend: check %q: %w; unset %s to let the lab choose", config, err, Variable)
	}
	return nil
}
