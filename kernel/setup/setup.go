// Package setup puts what the lab needs, beside Go itself, into the user's cache directory ([fetch.Home]), once: GoNB and its
// tools, XLA's plugin, the weights, a warm build cache, and for `tlab lab` a private JupyterLab.
//
// Each part is a place, a quick look that says whether it is there, and a way to make it. The list is in parts.go. Nothing
// is fetched or built later: a lesson in a train works if its set-up did.
package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"transferlab/datasets/fetch"
	"transferlab/tl/engine/backend"
)

// Set says what the lab is wanted for.
type Set int

const (
	ForRun    Set = iota // `tlab run`: everything that a notebook's cells need. No Python runs once this is there.
	ForKernel            // `tlab install`: that, and gopls for completion and inspection in the user's own Jupyter
	ForLab               // `tlab lab`: that, and JupyterLab
)

// Lab says where the parts are. Get one from [Ensure] or [Find].
type Lab struct {
	Home        string // the cache directory
	Module      string // the root of the checkout that this program was built from, with go.mod
	Backend     string // GoMLX's configuration: "xla:/…/plugin.so", "go", or what the user set. "" if Find found none
	BackendFrom string // where that comes from, in words; if Backend is "go" unasked, why, and what helps
}

// Find returns where the parts are, or would be. It makes nothing and looks only for the checkout and the backend.
func Find() (*Lab, error) {
	home, err := fetch.Home()
	if err != nil {
		return nil, err
	}
	module, err := findModule()
	if err != nil {
		return nil, err
	}
	lab := &Lab{Home: home, Module: module}
	lab.Backend, lab.BackendFrom = backend.Known()
	return lab, nil
}

// Ensure makes each part that is missing, in order, under a lock, and says through report what it does and how long it
// took. When all is there it takes a small fraction of a second and says nothing, but for a backend without XLA. An
// error names the part and what helps; parts made before it stay made. A nil report is silent.
func Ensure(ctx context.Context, set Set, report fetch.Report) (*Lab, error) {
	lab, err := Find()
	if err != nil {
		return nil, err
	}
	if report == nil {
		report = func(int64, int64, string) {}
	}
	if err := lab.chooseBackend(ctx, report); err != nil { // first: a machine without a network hears of that at once
		return nil, err
	}
	parts := lab.parts(set)
	if missing(parts) > 0 {
		unlock, err := fetch.Lock(ctx, "set-up", report)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if err := makeAll(ctx, parts, report); err != nil {
			return nil, err
		}
	}
	return lab, nil
}

func missing(parts []part) (n int) {
	for _, p := range parts {
		if p.check() != nil {
			n++
		}
	}
	return n
}

// makeAll makes the missing parts; whoever held the lock before may have made some.
func makeAll(ctx context.Context, parts []part, report fetch.Report) error {
	began, n, total := time.Now(), 0, missing(parts)
	for _, p := range parts {
		if p.check() == nil {
			continue
		}
		n++
		report(0, 0, fmt.Sprintf("set-up %d/%d: %s %s: %s", n, total, p.name, p.version, p.doing))
		step := time.Now()
		if err := p.make(ctx, report); err != nil {
			return p.explain(err)
		}
		if err := p.check(); err != nil {
			return p.explain(fmt.Errorf("it was made and does not hold: %w", err))
		}
		report(0, 0, fmt.Sprintf("set-up %d/%d: %s: %.1f s", n, total, p.name, time.Since(step).Seconds()))
	}
	if n > 0 {
		report(0, 0, fmt.Sprintf("set-up: %.1f s in all; the next start finds it done", time.Since(began).Seconds()))
	}
	return nil
}

// explain says which part failed and what helps.
func (p part) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("setup: make %q: the disk is full; free some space or set TLAB_HOME to a folder on another disk: %w", p.name, err)
	}
	if errors.Is(err, context.Canceled) || p.remedy == "" {
		return fmt.Errorf("setup: make %q: %w", p.name, err)
	}
	return fmt.Errorf("setup: make %q: %w\n\tremedy: %s", p.name, err, p.remedy)
}

// findModule returns the root of the checkout. The compiler noted the place of this file; a build with -trimpath did not,
// and then the current folder must be in the checkout.
func findModule() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	noted := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if filepath.IsAbs(file) && isModule(noted) {
		return noted, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("setup: find the lab's source: %w", err)
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if isModule(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "", fmt.Errorf("setup: find the lab's source: it is no longer in %s, and %s is not in it; run `go run ./kernel/tlab install --user` where it is now", noted, here)
}

// isModule reports whether dir is the root of this module.
func isModule(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && strings.HasPrefix(string(text), "module transferlab\n")
}
