// Command notebooks makes the notebooks beside it from the lessons: lessons/NN-name/lesson_test.go becomes notebooks/NN-name.ipynb, without
// outputs and byte for byte the same each time.
//
//	go generate ./notebooks
//
// A lesson is a Go example file, so that the compiler, gofmt, vet and an editor know it. From top to bottom:
//
//   - The package comment, a comment that stands alone and the doc comment of an Example are prose: one Markdown cell each.
//   - The import declaration is a cell. So is a run of var, const, type and func declarations with no prose between them, with their own
//     comments. These cells have no %% line: GoNB repeats what they declare in every later cell.
//   - The body of each Example_lowerCase is a cell that starts with %%: it runs where it stands. Its "Output:" comment is for go test
//     and left out.
//
// What would compile as a Go file and still go wrong as a notebook is refused, with file and line: see check.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run .

func main() {
	lessons := flag.String("lessons", filepath.Join("..", "lessons"), "directory of the lessons")
	out := flag.String("out", ".", "directory the notebooks are written to")
	flag.Parse()
	if err := generate(*lessons, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate writes a notebook into out for each lesson under lessons. All lessons are read before the first notebook is written.
func generate(lessons, out string) error {
	files, err := filepath.Glob(filepath.Join(lessons, "[0-9][0-9]-*", "lesson_test.go"))
	if err != nil {
		return fmt.Errorf("notebooks: find lessons: %w", err)
	}
	if len(files) == 0 {
		return fmt.Errorf("notebooks: find lessons in %q: there is no NN-name/lesson_test.go", lessons)
	}
	made := make(map[string][]byte)
	var faults []error
	for _, file := range files {
		notebook, err := fromLesson(file)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		made[notebookName(file)] = notebook
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	for name, notebook := range made {
		if err := replace(filepath.Join(out, name), notebook); err != nil {
			return fmt.Errorf("notebooks: write: %w", err)
		}
	}
	return nil
}

// notebookName is the notebook of a lesson file: lessons/07-x/lesson_test.go makes 07-x.ipynb.
func notebookName(file string) string { return filepath.Base(filepath.Dir(file)) + ".ipynb" }

// fromLesson reads one lesson file and returns its notebook.
func fromLesson(file string) ([]byte, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("notebooks: read lesson: %w", err)
	}
	cells, err := readLesson(strings.TrimPrefix(filepath.ToSlash(file), "../"), source)
	if err != nil {
		return nil, err
	}
	return encode(cells)
}

// replace writes a file under a temporary name and renames it, so that a notebook is never half written.
func replace(file string, content []byte) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
