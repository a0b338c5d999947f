package grade

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"

	"transferlab/kernel/notebook"
	"transferlab/kernel/source"
)

// piece is a cell that matters: it declares something, or gives an answer.
type piece struct {
	number  int    // among the code cells, from 1, as Jupyter counts
	code    string // as it stands in the notebook
	declare string // Go declarations
	body    string // statements of main; "" if it has none
	plain   bool   // neither commands nor scripts: it can be joined with others
}

// answers finds the calls that give an answer. A student who hides them behind a func of his own needs --all.
var answers = regexp.MustCompile(`\bcheck\s*\.\s*(Answer|Predict)\b`)

// pieces takes the cells that matter out of a notebook. Of a cell that tries out what it declares, the declarations are taken: a func is
// often written so, and answered with in another cell.
func pieces(book *notebook.Notebook, all bool) (list []piece) {
	number := 0
	for _, cell := range book.Cells {
		if cell.Kind != notebook.Code || strings.TrimSpace(cell.Source) == "" {
			continue
		}
		number++
		p := take(cell.Source)
		p.number = number
		switch {
		case all || answers.MatchString(p.code):
			list = append(list, p)
		case p.plain && strings.TrimSpace(p.declare) != "":
			if p.body != "" {
				p.code, p.body = p.declare, ""
			}
			list = append(list, p)
		}
	}
	return list
}

// take takes a cell apart.
func take(code string) piece {
	p := piece{code: code}
	cell := source.Parse(code)
	if cell.Kind() != source.Go || cell.Fault() != nil {
		return p
	}
	// Statements without %% get theirs here.
	prepared := cell.Prepare().Plain().Code
	lines := strings.SplitAfter(prepared, "\n")
	marker := -1
	for _, c := range source.Parse(prepared).Commands() {
		if c.Sign != '%' || (c.Text != "%" && c.Text != "main") || marker >= 0 {
			return p
		}
		marker = c.Line
	}
	p.plain = true
	if marker < 0 {
		p.declare = prepared
		return p
	}
	p.declare, p.body = strings.Join(lines[:marker], ""), strings.Join(lines[marker+1:], "")
	return p
}

// join makes one cell of all, so that they are compiled once: the imports, the declarations, and each body as a func of its own whose
// panic does not keep those behind it from answering, but fails the cell in the end. false if that cannot be; the cells then run one by one.
func join(list []piece) (string, bool) {
	var imports, declarations, bodies strings.Builder
	imported := map[string]bool{}
	for _, p := range list {
		if !p.plain {
			return "", false
		}
		specs, rest, ok := cutImports(p.declare)
		if !ok {
			return "", false
		}
		for _, spec := range specs {
			if !imported[spec] {
				imported[spec] = true
				imports.WriteString("\t" + spec + "\n")
			}
		}
		declarations.WriteString(rest + "\n")
		if strings.TrimSpace(p.body) != "" {
			fmt.Fprintf(&bodies, "func() {\n\tdefer func() { tlabFailed = recover() != nil || tlabFailed }()\n%s\n}()\n", p.body)
		}
	}
	if bodies.Len() == 0 {
		return "", false
	}
	return "import (\n" + imports.String() + ")\n" + declarations.String() +
		"%%\ntlabFailed := false\n" + bodies.String() + "if tlabFailed {\n\tpanic(\"a cell failed\")\n}\n", true
}

// cutImports parts declarations from the imports before them.
func cutImports(code string) (specs []string, rest string, ok bool) {
	const head = "package cell\n"
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", head+code, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", false
	}
	end := len(head)
	for _, decl := range file.Decls {
		general, is := decl.(*ast.GenDecl)
		if !is || general.Tok != token.IMPORT {
			break
		}
		for _, spec := range general.Specs {
			from, to := files.Position(spec.Pos()).Offset, files.Position(spec.End()).Offset
			specs = append(specs, (head + code)[from:to])
		}
		end = files.Position(general.End()).Offset
	}
	return specs, (head + code)[end:], true
}
