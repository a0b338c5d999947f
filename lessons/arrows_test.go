// Package lessons_test holds what must be true of the house as a whole, and of all lessons together.
package lessons_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "transferlab/"

// arrows says which packages of the module a package may import. A package that is missing here may not exist: adding one means
// deciding where it stands. Tests may import more, since nothing links them.
var arrows = map[string][]string{
	// leaves
	"tl/count":        {},
	"tl/remote":       {},
	"kernel/wire":     {},
	"kernel/diagnose": {},
	"kernel/source":   {},
	"kernel/cell":     {},
	"kernel/sockets":  {},
	"datasets/fetch":  {},
	"tl/gx":           {},
	"notebooks":       {},

	"datasets/fetch/bar": {"datasets/fetch"},
	"datasets":           {"datasets/fetch"},
	"datasets/images":    {"datasets", "datasets/fetch"},
	"tl":                 {"tl/count", "tl/remote", "datasets"},
	"tl/weights":         {"tl", "datasets/fetch"},
	"tl/zoo":             {"tl", "tl/count", "tl/gx", "tl/weights", "datasets/fetch"},
	"tl/engine/backend":  {"datasets/fetch"},
	"tl/engine": {"tl", "tl/count", "tl/remote", "tl/zoo", "tl/weights", "tl/gx", "tl/engine/backend",
		"datasets", "datasets/images", "datasets/fetch"},
	"tl/engine/peers":    {"tl", "datasets", "datasets/fetch"},
	"plots/counter":      {"tl/count"},
	"plots":              {"plots/counter", "tl", "tl/count", "tl/remote", "datasets", "datasets/images"},
	"lessons/check":      {"tl/count", "lessons/check/answer"},
	"kernel/setup":       {"datasets/fetch", "datasets/fetch/bar", "tl/engine/backend"},
	"kernel/page":        {"kernel/notebook", "kernel/wire"},
	"kernel/notebook":    {"kernel/wire"},
	"kernel":             {"kernel/wire", "kernel/sockets", "kernel/source", "kernel/diagnose", "kernel/setup", "tl/remote"},
	"kernel/demo":        {"tl", "tl/remote", "datasets"},
	"kernel/tlab":        {"*"},
	"kernel/conformance": {},
	"kernel/latency":     {},
	"kernel/faults":      {},

	"lessons/check/answer":  {},
	"kernel/grade":          {"lessons/check", "lessons/check/answer", "kernel", "kernel/notebook", "kernel/setup", "kernel/source", "kernel/grade/recorder"},
	"kernel/grade/recorder": {"lessons/check/answer"},
}

// inLessons is what a lesson may import of the module. Lessons are test files, so their own arrows are among the tests' imports.
var inLessons = []string{"tl", "tl/count", "datasets", "plots", "lessons/check"}

// fences says which packages may import a module from outside. Modules that are not named are free.
var fences = map[string][]string{
	"github.com/gomlx/":                 {"tl/zoo", "tl/gx", "tl/engine", "tl/engine/backend"},
	"gonum.org/v1/plot":                 {"plots"},
	"github.com/disintegration/imaging": {"datasets", "datasets/images", "plots"},
	"github.com/go-zeromq/":             {"kernel", "kernel/sockets"},
	"github.com/janpfeifer/gonb":        {"plots"},
}

type listed struct {
	Dir          string
	ImportPath   string
	Name         string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (p listed) short() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages lists the module's packages as the go command sees them.
func packages(t *testing.T) (all []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=Dir,ImportPath,Name,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%v: %s", cmd, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

var lessonDir = regexp.MustCompile(`^lessons/[0-9]{2}-[a-z-]+$`)

func TestArrows(t *testing.T) {
	all := packages(t)
	if len(all) == 0 {
		t.Fatal("go list finds no package")
	}
	for _, p := range all {
		if p.short() == "lessons" || lessonDir.MatchString(p.short()) {
			continue // no package to import; see TestLessonsImport
		}
		for _, fault := range breaches(p.short(), p.Imports) {
			t.Error(fault)
		}
	}
}

// breaches lists the imports that the package of that name may not have.
func breaches(name string, imports []string) (faults []string) {
	allowed, known := arrows[name]
	if !known {
		return []string{name + " has no arrows: decide what it may import, in lessons/arrows_test.go"}
	}
	for _, imported := range imports {
		if inside, is := strings.CutPrefix(imported, module); is && !slices.Contains(allowed, inside) && !slices.Contains(allowed, "*") {
			faults = append(faults, name+" imports "+inside+": no such arrow in the design")
		}
		for fence, inside := range fences {
			if strings.HasPrefix(imported, fence) && !slices.Contains(inside, name) {
				faults = append(faults, name+" imports "+imported+", which only "+strings.Join(inside, ", ")+" may")
			}
		}
	}
	return faults
}

// The rules refuse what they are there for.
func TestBreachesAreFound(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"tl", "transferlab/tl/engine"},
		{"tl", "github.com/gomlx/gomlx/core/graph"},
		{"plots", "transferlab/tl/engine"},
		{"datasets", "transferlab/tl"},
		{"kernel/tlab", "github.com/gomlx/gomlx/backends"},
		{"kernel/setup", "github.com/go-zeromq/zmq4"},
		{"tl/engine", "gonum.org/v1/plot/vg"},
		{"nowhere", "fmt"},
	} {
		if len(breaches(c.from, []string{"fmt", c.to})) != 1 {
			t.Errorf("%s → %s is not refused", c.from, c.to)
		}
	}
}

// A lesson is what a cell can run: the standard library and what cells are built for.
func TestLessonsImport(t *testing.T) {
	lessons := 0
	for _, p := range packages(t) {
		if !lessonDir.MatchString(p.short()) {
			continue
		}
		lessons++
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			inside, is := strings.CutPrefix(imported, module)
			if is && !slices.Contains(inLessons, inside) || !is && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("%s imports %s: a lesson imports %v and the standard library", p.short(), imported, inLessons)
			}
		}
	}
	if lessons == 0 {
		t.Error("there is no lesson")
	}
}

// Only one file stands between figures and GoNB, so that figures work in any program, and that file is left out in the lab's own kernel.
func TestOnlyShowImportsGonbui(t *testing.T) {
	found := false
	for _, p := range packages(t) {
		if p.short() != "plots" {
			continue
		}
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				if strings.Contains(spec.Path.Value, "github.com/janpfeifer/gonb") {
					found = found || file == "show_gonb.go"
					if file != "show_gonb.go" {
						t.Errorf("plots/%s imports %s, which only show_gonb.go may", file, spec.Path.Value)
					}
				}
			}
		}
	}
	if !found {
		t.Error("plots/show_gonb.go does not import gonbui: how do figures reach the notebook?")
	}
}
