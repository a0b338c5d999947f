package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"transferlab/kernel/notebook"
)

// What cannot be written for all students is refused before anything is written, and a roster's names are told apart.
func TestReleaseRefuses(t *testing.T) {
	dir := t.TempDir()
	book := notebook.Notebook{Cells: []*notebook.Cell{{Kind: notebook.Code, Source: "import \"transferlab/lessons/check\""}}}
	data, err := book.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, other := write("a/02.ipynb", string(data)), write("b/02.ipynb", string(data))
	for _, c := range []struct {
		roster, want string
		notebooks    []string
	}{
		{"Anna\nBen/Bob\n", "cannot be a folder's name", []string{one}},
		{"Anna\n", "would both become 02.ipynb", []string{one, other}},
		{"Anna\nanna\n", "stands there twice", []string{one}},
		{"# nobody\n\n", "names nobody", []string{one}},
		{"\ufeffAnna\r\nMüller, Åse\r\n", "", []string{one}},
	} {
		out := filepath.Join(dir, "out")
		r := releasing{roster: write("class.txt", c.roster), out: out, console: newConsole(&strings.Builder{})}
		err := r.run(c.notebooks)
		if c.want != "" {
			if _, there := os.Stat(out); err == nil || !strings.Contains(err.Error(), c.want) || there == nil {
				t.Errorf("%q: %v, want %q and nothing written", c.roster, err, c.want)
			}
			continue
		}
		for _, student := range []string{"Anna", "Müller, Åse"} {
			if _, made := os.Stat(filepath.Join(out, student, "02.ipynb")); err != nil || made != nil {
				t.Errorf("%q: %v, %v", c.roster, err, made)
			}
		}
	}
}
