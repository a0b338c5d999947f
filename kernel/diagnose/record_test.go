package diagnose_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"transferlab/kernel/diagnose"
)

var update = flag.Bool("update", false, "write the golden texts anew; read them before you commit")

// session is what GoNB v0.11.4 with -raw_error answered to the cells of a notebook, paths made those of no machine.
type session struct {
	Workspace string `json:"workspace"`
	Cells     []struct {
		ID     int    `json:"id"`
		Source string `json:"source"`
	} `json:"cells"`
	Failures []failure `json:"failures"`
}

type failure struct {
	ID        int      `json:"id"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
	Stderr    string   `json:"stderr,omitempty"`
	Program   string   `json:"program,omitempty"` // what GoNB composed
}

func sessions(t testing.TB) map[string]session {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	all := map[string]session{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s session
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = s
	}
	return all
}

// context is what the kernel would say about the cells of s when the cell id failed. The counts that people see are ten more than GoNB's.
func (s session) context(id int, workspace string) diagnose.Context {
	return diagnose.Context{
		Source: func(id int) (string, int, func(int) int, bool) {
			for _, c := range s.Cells {
				if c.ID == id {
					text, line := users(c.Source)
					return text, id + 10, line, true
				}
			}
			return "", 0, nil, false
		},
		Cells: func() (ids []int) {
			for _, c := range s.Cells {
				if c.ID <= id {
					ids = append(ids, c.ID)
				}
			}
			return ids
		},
		Current: id, Workspace: workspace, Module: "../..",
	}
}

// users is what the user wrote of a cell that the kernel prepared so that its last expression is shown, and the user's lines.
func users(prepared string) (text string, line func(int) int) {
	text, wrapped := strings.CutPrefix(prepared, "import tlab_cell \"transferlab/kernel/cell\"\n")
	if !wrapped {
		return text, func(line int) int { return line }
	}
	before, expression, _ := strings.Cut(text, "tlab_cell.Result(")
	return before + strings.TrimSuffix(expression, ")"), func(line int) int { return line - 1 }
}

func (s session) source(id int) string {
	for _, c := range s.Cells {
		if c.ID == id {
			text, _ := users(c.Source)
			return text
		}
	}
	return ""
}

var ended = regexp.MustCompile(`^(exit status \d+|signal: .*)$`)

// explain does what the kernel does with a failed cell.
func (s session) explain(t testing.TB, f failure) diagnose.Failure {
	if !ended.MatchString(f.Value) {
		return s.context(f.ID, s.Workspace).Build(f.Value, f.Traceback)
	}
	base := t.TempDir()
	workspace := filepath.Join(base, filepath.Base(s.Workspace))
	if err := os.Mkdir(workspace, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(workspace, "main.go"), []byte(f.Program), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr := strings.ReplaceAll(f.Stderr, s.Workspace, workspace)
	if at := diagnose.HoldFrom(stderr); at >= 0 {
		stderr = stderr[at:]
	} else {
		stderr = ""
	}
	return s.context(f.ID, base).Run(stderr, f.Value)
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestRecorded compares what people read with the golden texts.
func TestRecorded(t *testing.T) {
	for name, s := range sessions(t) {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, f := range s.Failures {
				got := s.explain(t, f)
				text := strings.Join(got.Traceback, "\n")
				b.WriteString("════ ran\n" + s.source(f.ID) + "\n──── " + got.Name + " │ " + got.Value + "\n" + colours.ReplaceAllString(text, "") + "\n\n")
				sound(t, got)
			}
			golden(t, name, b.String())
		})
	}
}

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// sound checks what must hold for every failure.
func sound(t testing.TB, f diagnose.Failure) {
	t.Helper()
	text := strings.Join(f.Traceback, "\n")
	switch {
	case f.Name == "" || f.Value == "" || len(f.Traceback) == 0:
		t.Errorf("empty: %+v", f)
	case strings.ContainsAny(f.Value, "\n\x1b") || len([]rune(f.Value)) > 400:
		t.Errorf("value is no short line: %q", f.Value)
	case len(f.Traceback) > 200 || len(text) > 100_000:
		t.Errorf("%d lines, %d bytes", len(f.Traceback), len(text))
	case strings.Contains(text, "gonb_") || strings.Contains(f.Value, "gonb_"):
		t.Errorf("the composed program is seen: %s", text)
	case strings.Count(text, "\x1b[") != 2*strings.Count(text, "\x1b[0m"):
		t.Errorf("a colour does not end: %q", text)
	}
	for _, line := range f.Traceback {
		if strings.Contains(line, "\n") {
			t.Errorf("a line of the traceback has several: %q", line)
		}
	}
}
