package latency

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/kernel/setup"
)

var update = flag.Bool("update", false, "write what cells link today to testdata")

// Most of a cell's time goes into linking, and the linker reads every package that is imported, used or not. So what a cell imports is
// decided here. Measured beside a cell that only prints (build 120 ms): net +30 ms, crypto/sha256 and encoding/gob +10 ms each.
const (
	verbCell = `package main

import (
	"context"
	"flag"
	"fmt"

	"transferlab/datasets"
	"transferlab/tl"
)

func main() {
	flag.Parse()
	fmt.Println(tl.Must(tl.Load("efficientnet_lite0").Represent(context.Background(), datasets.Open("elpv"))))
}
`
	figureCell = `package main

import (
	"context"
	"flag"

	"transferlab/plots"
	"transferlab/tl"
)

func main() {
	flag.Parse()
	plots.Show(plots.Parameters(tl.Must(tl.Load("efficientnet_lite0").Summary(context.Background()))))
}
`
)

// banned says which packages, and those below them, such a cell may not link, and why.
var banned = map[string]map[string]string{
	verbCell: {
		"image":                             "pixels are decoded in the engine and for figures of images only",
		"golang.org/x/image":                "pixels are decoded in the engine and for figures of images only",
		"github.com/disintegration/imaging": "pixels are decoded in the engine and for figures of images only",
		"transferlab/datasets/images":       "pixels are decoded in the engine and for figures of images only",
		"net":                               "it costs a quarter of what a cell costs that only prints; a socket needs five system calls",
		"runtime/cgo":                       "it makes the linker read C objects and the program start slower",
		"github.com/gomlx":                  "graphs live in the engine",
		"gonum.org":                         "statistics live in the engine, drawing in plots",
		"github.com/janpfeifer/gonb":        "it imports net and database/sql; only plots.Show talks to the notebook",
		"text/template":                     "it calls methods by name, so the linker must keep every method of every type",
		"html/template":                     "it calls methods by name, so the linker must keep every method of every type",
		"k8s.io":                            "no logging frameworks in cells",
		"transferlab/kernel":                "the kernel is another process",
		"transferlab/plots":                 "a cell without a figure",
	},
	figureCell: {
		"github.com/gomlx":           "graphs live in the engine",
		"gonum.org/v1/gonum":         "statistics live in the engine",
		"text/template":              "it calls methods by name, so the linker must keep every method of every type",
		"html/template":              "it calls methods by name, so the linker must keep every method of every type",
		"github.com/janpfeifer/gonb": "it imports net and database/sql; the kernel takes figures itself",
		"net":                        "gonbui would bring it",
		"transferlab/kernel":         "the kernel is another process",
		"github.com/go-zeromq/zmq4":  "the kernel is another process",
	},
}

// TestLinked compares what the two cells link with the lists in testdata: what is new there was wanted, or is a mistake.
func TestLinked(t *testing.T) {
	for name, source := range map[string]string{"verb": verbCell, "figure": figureCell} {
		t.Run(name, func(t *testing.T) {
			linked := dependencies(t, source)
			for _, fault := range faults(linked, banned[source]) {
				t.Error(fault)
			}
			golden := filepath.Join("testdata", "linked_"+name+".txt")
			got := strings.Join(slices.DeleteFunc(linked, goOwn), "\n") + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("a cell with a %s links other packages than %s says (go test -run Linked -update ./kernel/latency); now:\n%s", name, golden, got)
			}
		})
	}
}

// goOwn reports a package that Go's own packages bring in as they please from one release to the next.
func goOwn(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first == "internal" || first == "vendor" || first == "runtime" || strings.Contains(path, "/internal/")
}

func faults(linked []string, banned map[string]string) (all []string) {
	for _, path := range linked {
		for ban, reason := range banned {
			if path == ban || strings.HasPrefix(path, ban+"/") {
				all = append(all, "a cell links "+path+": "+reason)
			}
		}
	}
	return all
}

// TestFaults makes sure that the lists above can fail.
func TestFaults(t *testing.T) {
	for path, want := range map[string]int{
		"image": 1, "image/png": 1, "net": 1, "net/netip": 1, "netlike": 0, "github.com/gomlx/gomlx/core/graph": 1, "fmt": 0, "transferlab/tl": 0,
		"transferlab/kernel/wire": 1,
	} {
		if got := faults([]string{"fmt", path}, banned[verbCell]); len(got) != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// dependencies builds the cell's module as GoNB does, beside ours in a workspace, and lists what is linked.
func dependencies(t *testing.T, source string) []string {
	t.Helper()
	lab, err := setup.Find()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module cell\n\ngo 1.26.5\n", "go.work": "go 1.26.5\n\nuse (\n\t.\n\t" + lab.Module + "\n)\n", "main.go": source,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), lab.Environ()...), "GOWORK="+filepath.Join(dir, "go.work"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	linked := slices.DeleteFunc(strings.Fields(string(out)), func(path string) bool { return path == "cell" })
	slices.Sort(linked)
	return linked
}
