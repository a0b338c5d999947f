package grade

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/lessons/check"
	"transferlab/lessons/check/answer"
)

// numeric is an exercise of the course whose right sample is a number.
func numeric(t *testing.T) check.Exercise {
	t.Helper()
	for _, e := range check.All() {
		_, is := e.For("").(check.Numeric)
		if _, whole := e.Right[0].(int); is && whole {
			return e
		}
	}
	t.Fatal("no numeric exercise")
	return check.Exercise{}
}

// The last answer that is one counts; what names no exercise, or claims points, changes nothing.
func TestMark(t *testing.T) {
	e := numeric(t)
	right := answer.Give(e.ID, answer.Answered, e.Right[0], nil, 0)
	wrong := answer.Give(e.ID, answer.Answered, -77, nil, 0)
	blank := answer.Give(e.ID, answer.Answered, nil, nil, 0)
	predicted := answer.Give(e.ID, answer.Predicted, e.Right[0], nil, 0)
	stray := answer.Give("99/none", answer.Answered, e.Right[0], nil, 0)
	for name, c := range map[string]struct {
		given  []answer.Given
		status check.Status
	}{
		"nothing":           {nil, check.Blank},
		"right":             {[]answer.Given{right}, check.Right},
		"right, then wrong": {[]answer.Given{right, wrong}, check.Wrong},
		"wrong, then right": {[]answer.Given{wrong, right, blank, stray}, check.Right},
		"another verb":      {[]answer.Given{predicted}, check.NotUnderstood},
		"an empty line":     {[]answer.Given{{ID: e.ID}}, check.NotUnderstood},
	} {
		var r Result
		r.mark([]check.Exercise{e}, c.given, 1)
		want := 0.0
		if c.status == check.Right {
			want = e.Worth()
		}
		if len(r.Exercises) != 1 || r.Exercises[0].Status != c.status.String() || r.Points != want || r.Of != e.Worth() {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A line that comes out of a sandbox is taken as an answer, a note or an end, whatever else stands in it, and otherwise passed over.
func TestReadLines(t *testing.T) {
	text := "garbage\n{\"points\": 1000}\n[1]\n{\"given\":{\"id\":\"07/head\",\"number\":3,\"points\":99}}\n{\"note\":\"cell 3\"}\n\n{\"done\":true}"
	var lines []line
	finished, err := readLines(strings.NewReader(text), func(l line) { lines = append(lines, l) })
	if !finished || err != nil || len(lines) != 3 || lines[0].Given.ID != "07/head" || *lines[0].Given.Number != 3 {
		t.Errorf("%v %v %+v", finished, err, lines)
	}
	endless := io.MultiReader(strings.NewReader("{\"done\":true}\n"), strings.NewReader(strings.Repeat("x", mostOutput+1)))
	if finished, err := readLines(endless, func(line) {}); finished || !errors.Is(err, errTooMuch) {
		t.Errorf("too much: %v %v", finished, err)
	}
}

// Names and notes come from strangers: neither a spreadsheet nor a terminal does anything with them.
func TestReportOfOddNames(t *testing.T) {
	e := numeric(t)
	r := Result{File: "=cmd|x.ipynb", Student: "@SUM(A1)", Sandbox: Trusted, Ended: "it ran longer than 2m0s"}
	r.note("\x1b[31mred\x07\nsecond " + strings.Repeat("long ", 200))
	r.mark([]check.Exercise{e}, nil, 1)
	r.Points, r.Exercises[0].Points = 0.5, 0.5
	report := Report{Sandbox: Trusted, Seed: 3, Results: []Result{r, {File: "empty.ipynb", Sandbox: Trusted}}}
	var table, text, data strings.Builder
	report.Table(&table)
	if strings.ContainsAny(table.String(), "\x1b\x07") || !strings.Contains(table.String(), "not sandboxed; it ran longer") || !strings.Contains(table.String(), e.ID) {
		t.Errorf("table:\n%s", table.String())
	}
	if err := report.CSV(&text); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][9] != e.ID || rows[1][0] != "'=cmd|x.ipynb" || rows[1][1] != "'@SUM(A1)" || rows[1][6] != Trusted ||
		rows[1][9] != "0.5" || rows[2][9] != "" || rows[2][4] != "0" {
		t.Errorf("%v %q", err, rows)
	}
	var read Report
	if err := report.JSON(&data); err != nil || json.Unmarshal([]byte(data.String()), &read) != nil || read.Seed != 3 || read.Results[0].Points != 0.5 {
		t.Errorf("%v %s", err, data.String())
	}
}

// The recorder has the functions of package check that cells call, with the same parameters; whoever adds one adds it there too.
func TestRecorderStandsIn(t *testing.T) {
	real, recorder := functions(t, filepath.Join("..", "..", "lessons", "check", "cell.go")), functions(t, filepath.Join("recorder", "recorder.go"))
	if len(real) == 0 || !slices.Equal(real, recorder) {
		t.Errorf("cells call\n%q\nthe recorder has\n%q", real, recorder)
	}
}

// functions are the exported ones of a file, with the types of their parameters.
func functions(t *testing.T, path string) (list []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		f, is := decl.(*ast.FuncDecl)
		if !is || f.Recv != nil || !f.Name.IsExported() {
			continue
		}
		text := f.Name.Name
		for _, p := range f.Type.Params.List {
			name := ""
			switch kind := p.Type.(type) {
			case *ast.Ident:
				name = kind.Name
			case *ast.Ellipsis:
				name = "..." + kind.Elt.(*ast.Ident).Name
			}
			text += " " + name
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}
