package datasets_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDependencies keeps cells small: what is linked here is linked into every cell that names a data set.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "transferlab/datasets").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("go list named only %d packages", len(deps))
	}
	forbidden := []string{"github.com/disintegration/", "image", "image/", "github.com/gomlx/", "gonum.org/", "net", "net/", "transferlab/tl", "transferlab/kernel"}
	for _, dep := range deps {
		for _, f := range forbidden {
			if dep == f || strings.HasSuffix(f, "/") && strings.HasPrefix(dep, f) {
				t.Errorf("package datasets links %s", dep)
			}
		}
		if strings.HasPrefix(dep, "transferlab/") && dep != "transferlab/datasets" && dep != "transferlab/datasets/fetch" {
			t.Errorf("package datasets links %s", dep)
		}
	}
}

// TestLessonsShowNoSyntheticImages: no toys in a lesson; Shapes and Synthetic are for tests.
func TestLessonsShowNoSyntheticImages(t *testing.T) {
	lessons := filepath.Join("..", "lessons")
	err := filepath.WalkDir(lessons, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, place := range usesOfShapes(t, path, text) {
			t.Errorf("%s: a lesson uses synthetic images; use datasets.Open or datasets.Folder", place)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUsesOfShapes makes sure that the guard above can fail.
func TestUsesOfShapes(t *testing.T) {
	for text, want := range map[string]int{
		"import \"transferlab/datasets\"\nvar d = datasets.Shapes(3, 1)":                1,
		"import data \"transferlab/datasets\"\nvar f = data.Shapes\nvar d = f(3, 1)":    1,
		"import . \"transferlab/datasets\"\nvar d = Shapes(3, 1)":                       1,
		"import \"transferlab/datasets\"\nvar d = datasets.Dataset{Source: \"shapes\"}": 1,
		"import \"transferlab/datasets\"\nvar d = datasets.Synthetic(3, 1)":             1,
		"import \"transferlab/datasets\"\nvar d = datasets.Open(\"elpv\")":              0,
		"import \"transferlab/other\"\nvar d = other.Shapes(3, 1)":                      0,
		"// datasets.Shapes is not for lessons\nvar x int":                              0,
	} {
		if got := usesOfShapes(t, "lesson.go", []byte("package lesson\n\n"+text+"\n")); len(got) != want {
			t.Errorf("%d uses instead of %d, %v, in\n%s", len(got), want, got, text)
		}
	}
}

// usesOfShapes lists where a Go file names datasets.Shapes or Synthetic, or their source.
func usesOfShapes(t *testing.T, path string, text []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, spec := range file.Imports {
		if spec.Path.Value == strconv.Quote("transferlab/datasets") {
			name = "datasets"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	var places []string
	ast.Inspect(file, func(n ast.Node) bool {
		used := false
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			used = ok && x.Name == name && (n.Sel.Name == "Shapes" || n.Sel.Name == "Synthetic")
		case *ast.Ident:
			used = name == "." && (n.Name == "Shapes" || n.Name == "Synthetic")
		case *ast.BasicLit:
			used = n.Value == strconv.Quote("shapes") || n.Value == strconv.Quote("synthetic")
		}
		if used {
			places = append(places, files.Position(n.Pos()).String())
		}
		return true
	})
	return places
}
