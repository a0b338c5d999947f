package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// resultPackage is what a wrapped expression calls, and alias the name it has in the cell.
const (
	resultPackage = "transferlab/kernel/cell"
	resultAlias   = "tlab_cell"
)

// Prepared is what GoNB is to get for a cell.
type Prepared struct {
	Code   string
	Result bool   // the last expression was wrapped in a call of cell.Result
	Callee string // what the wrapped expression calls, "model.Save", if it is a call: it may turn out to have no value

	origins []int // the cell's line for each line of Code; -1 for a line that was inserted
	inserts []insert
	plain   *Prepared
}

// insert is text that was put into a line.
type insert struct{ line, column, width int }

// Prepare returns what GoNB is to get. Statements at the top level of a cell get %% before the first of them, and if the last statement of the
// body is an expression, its value is shown. Cells that have neither stay as they are: declarations, tests, wasm, scripts.
func (c *Cell) Prepare() Prepared {
	a, origins := c.arranged()
	plain := Prepared{Code: strings.Join(a.lines, "\n"), origins: origins}
	if a.execs() && strings.TrimSpace(a.Without(a.commands...)) == "" {
		// GoNB runs nothing where it sees no line of Go, though %exec is one. An empty comment will do.
		return Prepared{Code: plain.Code + "\n//", origins: append(origins, -1)}
	}
	if a.kind != Go || a.body < 0 || len(a.markers) > 1 {
		return plain
	}
	last := a.lastExpression()
	if last == nil || last.silent {
		return plain
	}
	alias := resultAlias
	for strings.Contains(plain.Code, alias) {
		alias += "_"
	}
	lines := slices.Clone(a.lines)
	opening := alias + ".Result("
	lines[last.to.line] = splice(lines[last.to.line], last.to.column, ")")
	lines[last.from.line] = splice(lines[last.from.line], last.from.column, opening)
	// Imports come before all other declarations, so the line is the first.
	lines = append([]string{"import " + alias + ` "` + resultPackage + `"`}, lines...)
	wrapped := Prepared{Code: strings.Join(lines, "\n"), Result: true, Callee: last.callee, origins: append([]int{-1}, origins...), plain: &plain}
	closing := insert{last.to.line + 1, last.to.column, 1}
	if last.to.line == last.from.line {
		closing.column += len(opening)
	}
	wrapped.inserts = []insert{{last.from.line + 1, last.from.column, len(opening)}, closing}
	return wrapped
}

func splice(line string, column int, text string) string { return line[:column] + text + line[column:] }

// Plain is the same without a wrapped expression, for an expression that turns out to have no value.
func (p Prepared) Plain() Prepared {
	if p.plain == nil {
		return p
	}
	return *p.plain
}

// Line returns the line of the cell for a line of Code, both from 0; -1 for a line that is not the user's.
func (p Prepared) Line(prepared int) int {
	if prepared < 0 || prepared >= len(p.origins) {
		return -1
	}
	return p.origins[prepared]
}

// Column returns the column of the cell for a column of a line of Code, all from 0, columns in bytes.
func (p Prepared) Column(prepared, column int) int {
	for _, in := range slices.Backward(p.inserts) {
		if in.line == prepared && column >= in.column {
			column = max(in.column, column-in.width)
		}
	}
	return column
}

type position struct{ line, column int }

// expression is the last statement of a body, where that is an expression.
type expression struct {
	from, to position
	callee   string
	silent   bool // its value is not to be shown
}

func (c *Cell) lastExpression() *expression {
	files := token.NewFileSet()
	text := c.file(bodyCloses)
	parsed, err := parser.ParseFile(files, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	for _, declaration := range parsed.Decls {
		main, is := declaration.(*ast.FuncDecl)
		if !is || main.Body == nil || len(main.Body.List) == 0 || files.PositionFor(main.Pos(), false).Line-2 != c.body {
			continue
		}
		statement, is := main.Body.List[len(main.Body.List)-1].(*ast.ExprStmt)
		if !is {
			return nil
		}
		at := func(pos token.Pos) position {
			p := files.PositionFor(pos, false) // whatever //line the cell has
			return position{p.Line - 2, p.Column - 1}
		}
		last := &expression{from: at(statement.X.Pos()), to: at(statement.X.End())}
		last.callee = callee(statement.X)
		end := files.File(statement.Pos()).Offset(statement.X.End())
		last.silent = silent(last.callee) || semicolon(text[end:]) || valueless(parsed, last.callee)
		return last
	}
	return nil
}

// semicolon reports whether a text begins with one, as the author wrote it.
func semicolon(text string) bool {
	all := tokens(text)
	return len(all) > 0 && all[0].Token == token.SEMICOLON && all[0].lit == ";"
}

// callee names what an expression calls: "f", "x.f", "a.b.f"; "" where it is no call, or not of a name.
func callee(x ast.Expr) string {
	call, is := ast.Unparen(x).(*ast.CallExpr)
	if !is {
		return ""
	}
	return dotted(call.Fun)
}

func dotted(x ast.Expr) string {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return dotted(x.X) + "." + x.Sel.Name
	case *ast.IndexExpr:
		return dotted(x.X)
	case *ast.IndexListExpr:
		return dotted(x.X)
	}
	return ""
}

// silentCalls are made for what they do: they have no value, or one that nobody looks at. A name that ends with * stands for all that begin so.
var silentCalls = []string{
	"print", "println", "panic", "close", "clear", "delete", "copy",
	"fmt.Print*", "fmt.Fprint*", "log.Print*", "log.Fatal*", "log.Panic*", "os.Exit", "time.Sleep", "runtime.GC", "flag.Parse",
	"sort.Ints", "sort.Strings", "sort.Float64s", "sort.Slice", "sort.SliceStable", "sort.Sort", "sort.Stable",
	"slices.Sort", "slices.SortFunc", "slices.SortStableFunc", "slices.Reverse",
	"gonbui.Display*", "gonbui.Update*", "gonbui.Sync",
}

func silent(callee string) bool {
	return strings.HasSuffix(callee, "Show") || slices.ContainsFunc(silentCalls, func(name string) bool {
		prefix, open := strings.CutSuffix(name, "*")
		return callee == name || open && strings.HasPrefix(callee, prefix)
	})
}

// valueless reports whether the cell itself declares the function, and without results.
func valueless(file *ast.File, callee string) bool {
	for _, declaration := range file.Decls {
		f, is := declaration.(*ast.FuncDecl)
		if is && f.Recv == nil && f.Name.Name == callee && f.Type.Results.NumFields() == 0 {
			return true
		}
	}
	return false
}
