package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden notebook")

// The notebooks of a checkout are what the lessons make: they are made again into an empty directory and compared.
func TestNotebooksAreWhatTheLessonsMake(t *testing.T) {
	dir := t.TempDir()
	if err := generate(filepath.Join("..", "lessons"), dir); err != nil {
		t.Fatal(err)
	}
	again := t.TempDir()
	if err := generate(filepath.Join("..", "lessons"), again); err != nil {
		t.Fatal(err)
	}
	made, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(made) == 0 {
		t.Fatalf("made %v, %v", made, err)
	}
	for _, file := range made {
		name := filepath.Base(file)
		want := read(t, file)
		if !bytes.Equal(want, read(t, filepath.Join(again, name))) {
			t.Errorf("%s: made twice, it differs", name)
		}
		committed, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(want, committed) {
			t.Errorf("%s is not what its lesson makes (%v): run go generate ./notebooks", name, err)
		}
		checkNotebook(t, name, want)
	}
}

// A notebook named as a lesson's without a lesson is left over. Copies that a student makes have other names.
func TestNoNotebookWithoutALesson(t *testing.T) {
	files, err := filepath.Glob("*.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	ofLesson := regexp.MustCompile(`^[0-9]{2}-[a-z-]+$`)
	for _, file := range files {
		name := strings.TrimSuffix(file, ".ipynb")
		lesson := filepath.Join("..", "lessons", name, "lesson_test.go")
		if _, err := os.Stat(lesson); err != nil && ofLesson.MatchString(name) {
			t.Errorf("%s has no lesson: %v", file, err)
		}
	}
}

// checkNotebook checks the rules of nbformat 4.5 that the generator could break.
func checkNotebook(t *testing.T, name string, content []byte) {
	t.Helper()
	var notebook struct {
		Cells []struct {
			CellType       string `json:"cell_type"`
			ID             string
			Source         []string
			Outputs        *[]any
			ExecutionCount *int `json:"execution_count"`
		}
		Metadata struct{ Kernelspec struct{ Name string } }
		NbFormat int
		Minor    int `json:"nbformat_minor"`
	}
	if err := json.Unmarshal(content, &notebook); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if notebook.NbFormat != 4 || notebook.Minor != 5 || notebook.Metadata.Kernelspec.Name != "tlab" {
		t.Errorf("%s: nbformat %d.%d, kernel %q; want 4.5, tlab", name, notebook.NbFormat, notebook.Minor, notebook.Metadata.Kernelspec.Name)
	}
	ids := make(map[string]bool)
	for _, c := range notebook.Cells {
		if ids[c.ID] || !validID.MatchString(c.ID) {
			t.Errorf("%s: id %q is not valid or not unique", name, c.ID)
		}
		ids[c.ID] = true
		if text := strings.Join(c.Source, ""); text == "" || strings.HasSuffix(text, "\n") {
			t.Errorf("%s: cell %q is empty or ends with a newline", name, c.ID)
		}
		hasOutputs := c.Outputs != nil && len(*c.Outputs) > 0
		if hasOutputs || c.ExecutionCount != nil || (c.CellType == "code") != (c.Outputs != nil) {
			t.Errorf("%s: cell %q has outputs %v, count %v", name, c.ID, c.Outputs, c.ExecutionCount)
		}
	}
}

func TestGoldenNotebook(t *testing.T) {
	golden := filepath.Join("testdata", "01-sample.ipynb")
	made, err := fromLesson(filepath.Join("testdata", "01-sample", "lesson_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	checkNotebook(t, golden, made)
	if *update {
		if err := replace(golden, made); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, golden); !bytes.Equal(made, want) {
		t.Errorf("got\n%s\nwant\n%s", made, want)
	}
}

// One faulty lesson leaves every notebook as it was.
func TestGenerateWritesAllOrNothing(t *testing.T) {
	lessons, out := t.TempDir(), t.TempDir()
	write(t, filepath.Join(lessons, "01-sample", "lesson_test.go"), read(t, filepath.Join("testdata", "01-sample", "lesson_test.go")))
	write(t, filepath.Join(lessons, "02-broken", "lesson_test.go"), []byte("package broken_test\n\nfunc main() {}\n"))
	err := generate(lessons, out)
	if err == nil || !strings.Contains(err.Error(), "02-broken/lesson_test.go:3:1: func main") {
		t.Errorf("got error %v", err)
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("wrote %v", left)
	}
	if err := generate(t.TempDir(), out); err == nil || !strings.Contains(err.Error(), "NN-name") {
		t.Errorf("no lessons: got error %v", err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
