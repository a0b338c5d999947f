package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// lesson is a lesson file while it is read.
type lesson struct {
	files  *token.FileSet
	file   *ast.File
	source []byte
	lines  []string // source, without newlines
	cells  []cell
	texts  int            // comments that stand alone, so far
	cellOf map[string]int // for each name at top level, the cell that declares it
	faults scanner.ErrorList
}

// readLesson turns a lesson into cells, or says what is wrong with it, each fault with file and line.
func readLesson(name string, source []byte) ([]cell, error) {
	formatted, err := format.Source(source)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	if !bytes.Equal(formatted, source) {
		return nil, fmt.Errorf("%s:1: not formatted: run gofmt -w on it", name)
	}
	l := &lesson{files: token.NewFileSet(), source: source, lines: strings.Split(string(source), "\n"), cellOf: make(map[string]int)}
	if l.file, err = parser.ParseFile(l.files, name, source, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	l.readCells()
	l.check()
	l.faults.Sort()
	return l.cells, l.faults.Err()
}

// fault notes what is wrong at pos.
func (l *lesson) fault(pos token.Pos, message string, args ...any) {
	l.faults.Add(l.files.Position(pos), fmt.Sprintf(message, args...))
}

func (l *lesson) line(pos token.Pos) int { return l.files.Position(pos).Line }

// readCells goes through what stands at top level in source order.
func (l *lesson) readCells() {
	if l.file.Doc != nil {
		l.prose("title", l.file.Doc)
	}
	alone := l.alone()
	var run []ast.Decl // declarations with no prose between them
	flush := func() {
		if len(run) > 0 {
			l.declarations(run)
			run = nil
		}
	}
	for _, decl := range l.file.Decls {
		for len(alone) > 0 && alone[0].Pos() < decl.Pos() {
			flush()
			l.text(alone[0])
			alone = alone[1:]
		}
		if example, is := decl.(*ast.FuncDecl); is && example.Recv == nil && strings.HasPrefix(example.Name.Name, "Example") {
			flush()
			l.example(example)
			continue
		}
		if isImport(decl) {
			l.declarations([]ast.Decl{decl})
			continue
		}
		run = append(run, decl)
	}
	flush()
	for _, group := range alone {
		l.text(group)
	}
}

func isImport(decl ast.Decl) bool {
	general, is := decl.(*ast.GenDecl)
	return is && general.Tok == token.IMPORT
}

// alone returns the comments that belong to no declaration and stand behind the package clause.
func (l *lesson) alone() []*ast.CommentGroup {
	return slices.DeleteFunc(slices.Clone(l.file.Comments), func(group *ast.CommentGroup) bool {
		return group.Pos() < l.file.Name.End() || slices.ContainsFunc(l.file.Decls, func(decl ast.Decl) bool {
			return first(decl) <= group.Pos() && l.line(group.Pos()) <= l.line(decl.End())
		})
	})
}

// first is where the declaration starts, its comment included.
func first(decl ast.Decl) token.Pos {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc != nil {
			return d.Doc.Pos()
		}
	case *ast.GenDecl:
		if d.Doc != nil {
			return d.Doc.Pos()
		}
	}
	return decl.Pos()
}

// prose adds a Markdown cell with the comment's text.
func (l *lesson) prose(id string, group *ast.CommentGroup) {
	if text := strings.TrimSpace(group.Text()); text != "" {
		l.add(group.Pos(), cell{id: id, source: text})
	}
}

func (l *lesson) text(group *ast.CommentGroup) {
	l.texts++
	l.prose(fmt.Sprintf("text-%d", l.texts), group)
}

var validID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (l *lesson) add(pos token.Pos, c cell) {
	switch {
	case !validID.MatchString(c.id):
		l.fault(pos, "the cell's id %q, made of its name, is not 1 to 64 ASCII letters, digits, - and _: choose another name", c.id)
	case slices.ContainsFunc(l.cells, func(other cell) bool { return other.id == c.id }):
		l.fault(pos, "two cells have the id %q: write one import declaration, and each name once", c.id)
	}
	l.cells = append(l.cells, c)
}

// declarations adds one cell without %% that holds the declarations as they stand.
func (l *lesson) declarations(run []ast.Decl) {
	var names []string
	for _, decl := range run {
		for _, name := range declared(decl) {
			l.cellOf[name] = len(l.cells)
			names = append(names, name)
		}
	}
	from, to := l.line(first(run[0])), l.line(run[len(run)-1].End())
	id := "import"
	switch d := run[0].(type) {
	case *ast.FuncDecl:
		id = "func-" + d.Name.Name
	case *ast.GenDecl:
		if len(names) > 0 {
			id = d.Tok.String() + "-" + names[0]
		}
	}
	lines := slices.Clone(l.lines[from-1 : to])
	l.refuseMagic(lines, from)
	l.add(run[0].Pos(), cell{id: id, code: true, source: strings.Join(lines, "\n")})
}

// declared lists the names that a declaration gives to the package; a method gives none.
func declared(decl ast.Decl) (names []string) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

var exampleName = regexp.MustCompile(`^Example_[a-z]`)

// example adds the prose before an example, and its body as a cell with %%.
func (l *lesson) example(decl *ast.FuncDecl) {
	if !exampleName.MatchString(decl.Name.Name) {
		l.fault(decl.Pos(), "%s: an example that becomes a cell is called Example_lowerCase", decl.Name.Name)
		return
	}
	name := strings.TrimPrefix(decl.Name.Name, "Example_")
	if decl.Doc != nil {
		l.prose(name+"-text", decl.Doc)
	}
	l.cellOf[decl.Name.Name] = len(l.cells)
	source := l.body(decl)
	if source == "" {
		l.fault(decl.Pos(), "%s does nothing: a cell needs a statement", decl.Name.Name)
	}
	l.add(decl.Pos(), cell{id: name, code: true, source: "%%\n" + source})
}

var outputComment = regexp.MustCompile(`(?i)^\s*(unordered )?output:`) // as go test finds it

// body is the text between the braces, one tab further left and without the comment that go test compares the output with.
func (l *lesson) body(decl *ast.FuncDecl) string {
	open, end := l.files.Position(decl.Body.Lbrace), l.files.Position(decl.Body.Rbrace).Offset
	for _, group := range l.file.Comments {
		if decl.Body.Lbrace < group.Pos() && group.End() < decl.Body.Rbrace && outputComment.MatchString(group.Text()) {
			end = l.files.Position(group.Pos()).Offset
		}
	}
	lines := strings.Split(string(l.source[open.Offset+1:end]), "\n")
	raw := l.insideRawStrings(decl)
	for i := range lines {
		if !raw[open.Line+i] {
			lines[i] = strings.TrimPrefix(lines[i], "\t")
		}
	}
	l.refuseMagic(lines, open.Line)
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// insideRawStrings holds the lines that begin inside a raw string: moving those would change the string.
func (l *lesson) insideRawStrings(decl ast.Node) map[int]bool {
	inside := make(map[int]bool)
	ast.Inspect(decl, func(n ast.Node) bool {
		if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING && literal.Value[0] == '`' {
			for line := l.line(literal.Pos()) + 1; line <= l.line(literal.End()); line++ {
				inside[line] = true
			}
		}
		return true
	})
	return inside
}

// refuseMagic notes lines that GoNB takes for something else than Go, though they may stand inside a string or name a variable. The
// first line stands at number from in the file.
func (l *lesson) refuseMagic(lines []string, from int) {
	for i, line := range lines {
		for _, prefix := range []string{"%", "!", "//gonb:", "package"} {
			if strings.HasPrefix(line, prefix) {
				l.fault(l.files.File(l.file.Pos()).LineStart(from+i), "GoNB does not take a line of a cell that starts with %q for Go: write it otherwise", prefix)
			}
		}
	}
}
