package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// executed is what is looked at in a notebook that a program wrote.
type executed struct {
	Cells []struct {
		Type    string `json:"cell_type"`
		Count   *int   `json:"execution_count"`
		Outputs []struct {
			Type  string         `json:"output_type"`
			Name  string         `json:"name"`
			Text  any            `json:"text"`
			Data  map[string]any `json:"data"`
			EName string         `json:"ename"`
			Value string         `json:"evalue"`
			Trace []string       `json:"traceback"`
		}
	}
	Metadata struct {
		Language struct {
			Name      string
			Extension string `json:"file_extension"`
			Lexer     string `json:"pygments_lexer"`
		} `json:"language_info"`
	}
}

func (p *program) notebook(name string) (n executed) {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// text is what a notebook holds as one string or as lines.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, line := range v {
			b.WriteString(text(line))
		}
		return b.String()
	}
	return ""
}

// isTwo checks the outputs of testdata/two.ipynb.
func (p *program) isTwo(name string) {
	p.t.Helper()
	n := p.notebook(name)
	if len(n.Cells) != 2 || len(n.Cells[0].Outputs) != 1 || len(n.Cells[1].Outputs) != 2 {
		p.t.Fatalf("%s has the cells %+v", name, n.Cells)
	}
	printed, result := n.Cells[1].Outputs[0], n.Cells[1].Outputs[1]
	if got := text(n.Cells[0].Outputs[0].Text); got != "first\n" || *n.Cells[0].Count != 1 {
		p.t.Errorf("the first cell (%d) printed %q", *n.Cells[0].Count, got)
	}
	if got := text(printed.Text); printed.Name != "stdout" || got != "twice: 42\n" || *n.Cells[1].Count != 2 {
		p.t.Errorf("the second cell (%d) printed %q on %s", *n.Cells[1].Count, got, printed.Name)
	}
	if got := text(result.Data["text/plain"]); result.Type != "execute_result" || got != "42" {
		p.t.Errorf("the second cell's result is %s %q", result.Type, got)
	}
}

// isError checks the outputs of testdata/error.ipynb, whose second cell panics.
func (p *program) isError(name string) {
	p.t.Helper()
	n := p.notebook(name)
	if len(n.Cells) != 3 || len(n.Cells[0].Outputs) != 1 || len(n.Cells[1].Outputs) == 0 || len(n.Cells[2].Outputs) != 0 {
		p.t.Fatalf("%s has the cells %+v", name, n.Cells)
	}
	last := n.Cells[1].Outputs[len(n.Cells[1].Outputs)-1]
	if last.Type != "error" || last.EName == "" || !strings.Contains(last.Value, "assignment to entry in nil map") || len(last.Trace) == 0 {
		p.t.Errorf("the second cell ends with %+v", last)
	}
}

func TestNbconvert(t *testing.T) {
	p := newProgram(t)
	p.copy("two.ipynb")
	p.copy("error.ipynb")
	p.ok("", "jupyter", "nbconvert", "--to", "notebook", "--execute", "two.ipynb", "--output", "out.ipynb")
	p.isTwo("out.ipynb")
	if l := p.notebook("out.ipynb").Metadata.Language; l.Name != "go" || l.Extension != ".go" || l.Lexer != "go" {
		t.Errorf("the language is %+v", l)
	}
	p.ok("", "jupyter", "nbconvert", "--to", "html", "out.ipynb")
	p.contains("out.html", "twice: 42", `<span class="kd">func</span>`) // coloured as Go
	p.ok("", "jupyter", "nbconvert", "--to", "script", "out.ipynb")
	p.contains("out.go", "func twice(x int) int")

	_, stderr := p.run("", "jupyter", "nbconvert", "--to", "notebook", "--execute", "error.ipynb", "--output", "failed.ipynb")
	if p.code == 0 || !strings.Contains(stderr, "assignment to entry in nil map") || !strings.Contains(stderr, `m["x"] = 1`) {
		t.Errorf("a failing cell: exit status %d: %s", p.code, stderr)
	}
	p.ok("", "jupyter", "nbconvert", "--to", "notebook", "--allow-errors", "--execute", "error.ipynb", "--output", "allowed.ipynb")
	if n := p.notebook("allowed.ipynb"); len(n.Cells) != 3 || len(n.Cells[2].Outputs) != 1 || text(n.Cells[2].Outputs[0].Text) != "after\n" {
		t.Errorf("--allow-errors does not go on: %+v", n.Cells)
	}
}

// nbclient's own command.
func TestNbclient(t *testing.T) {
	p := newProgram(t)
	p.copy("two.ipynb")
	p.copy("error.ipynb")
	p.ok("", "jupyter", "execute", "--inplace", "two.ipynb")
	p.isTwo("two.ipynb")
	_, stderr := p.run("", "jupyter", "execute", "error.ipynb")
	if p.code == 0 || !strings.Contains(stderr, "assignment to entry in nil map") {
		t.Errorf("a failing cell: exit status %d: %s", p.code, stderr)
	}
}

func TestPapermill(t *testing.T) {
	p := newProgram(t)
	p.copy("two.ipynb")
	p.copy("error.ipynb")
	p.ok("", "papermill", "two.ipynb", "out.ipynb")
	p.isTwo("out.ipynb")
	_, stderr := p.run("", "papermill", "error.ipynb", "failed.ipynb")
	if p.code == 0 || !strings.Contains(stderr, "assignment to entry in nil map") {
		t.Errorf("a failing cell: exit status %d: %s", p.code, stderr)
	}
	p.contains("failed.ipynb", "assignment to entry in nil map")
	// Papermill writes parameters as code, and knows no Go: it says so, before it runs anything.
	_, stderr = p.run("", "papermill", "two.ipynb", "with.ipynb", "-p", "x", "1")
	if p.code == 0 || !strings.Contains(stderr, "No parameter translator functions specified for kernel 'tlab' or language 'go'") {
		t.Errorf("with a parameter: exit status %d: %s", p.code, stderr)
	}
}

func TestConsole(t *testing.T) {
	p := newProgram(t)
	typed := "func twice(x int) int { return 2 * x }\ntwice(21)\nfmt.Println(\"printed\")\nvar m map[string]int; m[\"x\"] = 1\nfmt.Println(\"after\")\n"
	stdout, stderr := p.run(typed, "jupyter", "console", "--kernel", "tlab", "--simple-prompt", "--ZMQTerminalIPythonApp.confirm_exit=False")
	if p.code != 0 {
		t.Errorf("exit status %d: %s", p.code, stderr)
	}
	rest := stdout
	for _, want := range []string{"Transfer Learning Lab", "In [1]:", "Out[2]: 42", "printed", "In [4]:", "after", "In [6]:"} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("the console lacks %q in its turn:\n%s\n%s", want, stdout, stderr)
		}
		rest = after
	}
	if !strings.Contains(stderr, "assignment to entry in nil map") {
		t.Errorf("the panic is not shown: %s", stderr)
	}
}

func TestRun(t *testing.T) {
	p := newProgram(t)
	const good = "func twice(x int) int { return 2 * x }\n%%\nfmt.Println(\"twice:\", twice(21))\n"
	if err := os.WriteFile(filepath.Join(p.dir, "good.go"), []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := p.ok("", "jupyter", "run", "--kernel", "tlab", "good.go"); got != "twice: 42\n" {
		t.Errorf("a file printed %q", got)
	}
	if got := p.ok(good, "jupyter", "run", "--kernel", "tlab"); got != "twice: 42\n" {
		t.Errorf("stdin printed %q", got)
	}
	_, stderr := p.run("%%\nvar m map[string]int\nm[\"x\"] = 1", "jupyter", "run", "--kernel", "tlab")
	if p.code == 0 || !strings.Contains(stderr, "assignment to entry in nil map") {
		t.Errorf("a panic: exit status %d: %s", p.code, stderr)
	}
}

// Without Jupyter's server there is nothing that could serve a program to the browser: GoNB says what it misses, and the kernel goes on.
func TestWasmWithoutServer(t *testing.T) {
	p := newProgram(t)
	if err := os.WriteFile(filepath.Join(p.dir, "wasm.ipynb"), []byte(`{"nbformat": 4, "cells": [
		{"cell_type": "code", "source": "%wasm\nimport \"syscall/js\"\n%%\njs.Global()"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "JPY_PARENT_PID=")
	_, stderr := p.run("", p.c.lab.Program("tlab"), "run", "wasm.ipynb")
	if p.code == 0 || !strings.Contains(stderr, `"JPY_PARENT_PID" is not set`) {
		t.Errorf("exit status %d: %s", p.code, stderr)
	}
}
