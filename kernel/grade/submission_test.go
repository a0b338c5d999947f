package grade

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"transferlab/kernel/notebook"
	"transferlab/lessons/check"
)

// What is handed in harms the grader neither by its size nor by what it is.
func TestReadSubmission(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	book, err := bookOf("%%\ncheck.Answer(\"02/conv1\", 224)").Bytes()
	if err != nil {
		t.Fatal(err)
	}
	good := write("good, \"ü\".ipynb", book)
	huge := write("huge.ipynb", nil)
	if err := os.Truncate(huge, 500<<20); err != nil { // takes no room on the disk
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.ipynb")
	if err := os.Symlink(good, link); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		good:                             "",
		huge:                             "has 500 MB; a submission may have 64",
		link:                             "is a link",
		dir:                              "is no file",
		filepath.Join(dir, "none.ipynb"): "no such file",
		write("cells.ipynb", append([]byte(`{"nbformat":4,"cells":[{}`), bytes.Repeat([]byte(",{}"), mostValues)...)):            "lines, outputs and cells",
		write("lines.ipynb", append([]byte(`{"nbformat":4,"cells":[{"source":[""`), bytes.Repeat([]byte(`,""`), mostValues)...)): "lines, outputs and cells",
	} {
		_, err := readSubmission(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if n := values([]byte(`{"a": ["x,[{\",", 1]}`)); n != 3 {
		t.Errorf("%d values", n)
	}
	if _, err := notebook.Parse([]byte(`{"nbformat":4,"metadata":` + strings.Repeat("[", 1<<20))); err == nil {
		t.Error("a million brackets are a notebook")
	}
}

// The sandbox gets the cells, and none of the pictures.
func TestSources(t *testing.T) {
	book := bookOf("%%\ncheck.Answer(\"02/conv1\", 224)")
	book.Cells[0].Outputs = []*notebook.Output{{Kind: notebook.Stream, Name: "stdout", Text: "much"}}
	data, err := sources(book)
	if err != nil || bytes.Contains(data, []byte("much")) || !bytes.Contains(data, []byte("conv1")) {
		t.Errorf("%v %s", err, data)
	}
}

// Two submissions of one student are told from those of two, and from two without a name.
func TestTwice(t *testing.T) {
	e := numeric(t)
	report := Report{}
	for i, student := range []string{"Anna", "", "Ben", "Anna", ""} {
		r := Result{File: fmt.Sprintf("%d.ipynb", i), Student: student}
		r.mark([]check.Exercise{e}, nil, 1)
		report.Results = append(report.Results, r)
	}
	report.twice()
	for i, want := range []string{"3.ipynb", "", "", "0.ipynb", ""} {
		notes := strings.Join(report.Results[i].Notes, " ")
		if (want == "") != (notes == "") || !strings.Contains(notes, want) {
			t.Errorf("%d: %q, want %q in it", i, notes, want)
		}
	}
}

// A lesson without exercises is refused before anything runs.
func TestKnown(t *testing.T) {
	if err := known([]string{"02"}); err != nil {
		t.Error(err)
	}
	if err := known([]string{"02", "2"}); err == nil || !strings.Contains(err.Error(), `"2" (have 01, 02`) {
		t.Errorf("%v", err)
	}
}

// A name with a letter beyond ASCII makes the table one that Excel reads; signs that begin a formula are quoted, wide ones as well.
func TestCSVOfNames(t *testing.T) {
	for student, begins := range map[string]string{"Anna": "file,", "Jürgen": "\ufefffile,"} {
		var text strings.Builder
		if err := (Report{Results: []Result{{File: "a, b.ipynb", Student: student}}}).CSV(&text); err != nil || !strings.HasPrefix(text.String(), begins) {
			t.Errorf("%v %q", err, text.String())
		}
		if !strings.Contains(text.String(), "\"a, b.ipynb\","+student+",") {
			t.Errorf("%q", text.String())
		}
	}
	for text, want := range map[string]string{"=1": "'=1", "＝1": "'＝1", "a=1": "a=1", "": "", "ü": "ü", "\x1b[2Jx\n=1": " [2Jx =1"} {
		if got := cell(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
