package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// declarations are kept under the keys that GoNB keeps them under (internal/goexec/parser.go), which decide what replaces what.
type declarations struct {
	imports map[string]string
	types   map[string]string
	consts  map[string]constant
	vars    map[string]*variables
	funcs   map[string]function
}

// constant is one name of a group, which is kept whole because of iota.
type constant struct {
	group string
	first bool
}

// variables are the names of one initialiser: var a, b = f() is replaced and removed as a whole.
type variables struct {
	keys []string
	text string
}

type function struct {
	text  string
	value bool
}

// declared reads the declarations of a cell. It is not ok when the cell is no Go.
func declared(c *Cell) (d declarations, ok bool) {
	r := reader{text: c.dense(), files: token.NewFileSet(), d: declarations{
		imports: map[string]string{}, types: map[string]string{}, consts: map[string]constant{},
		vars: map[string]*variables{}, funcs: map[string]function{},
	}}
	file, err := parser.ParseFile(r.files, "", r.text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return d, false
	}
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			r.function(declaration)
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				switch spec := spec.(type) {
				case *ast.ImportSpec:
					r.d.imports[importKey(spec)] = r.of(spec)
				case *ast.TypeSpec:
					r.d.types[spec.Name.Name] = r.of(spec)
				case *ast.ValueSpec:
					if declaration.Tok == token.VAR {
						r.variables(spec)
					}
				}
			}
			if declaration.Tok == token.CONST {
				r.constants(declaration)
			}
		}
	}
	return r.d, true
}

// dense is the file that GoNB parses, without the lines that it leaves out: within a raw string an empty line would be one line too many.
func (c *Cell) dense() string {
	var b strings.Builder
	b.WriteString(packageClause)
	for i, line := range c.lines {
		switch {
		case i == c.body:
			b.WriteString(bodyOpens + "\n")
		case c.special[i] || strings.HasPrefix(line, "package"):
		default:
			b.WriteString(line + "\n")
		}
	}
	if c.body >= 0 {
		b.WriteString(bodyCloses)
	}
	return b.String()
}

type reader struct {
	text  string
	files *token.FileSet
	d     declarations
}

// of is the text of a node.
func (r *reader) of(node ast.Node) string {
	file := r.files.File(node.Pos())
	return r.text[file.Offset(node.Pos()):file.Offset(node.End())]
}

var lastWord = regexp.MustCompile(`^.*?(\w[\w0-9_]*)\s*$`)

func importKey(spec *ast.ImportSpec) string {
	path := spec.Path.Value[1 : len(spec.Path.Value)-1]
	switch {
	case spec.Name == nil || spec.Name.Name == "":
		if parts := lastWord.FindStringSubmatch(path); parts != nil {
			return parts[1]
		}
		return path
	case spec.Name.Name == ".":
		return ".~" + path
	}
	return spec.Name.Name
}

func (r *reader) function(f *ast.FuncDecl) {
	key := f.Name.Name
	if f.Recv != nil && len(f.Recv.List) > 0 {
		receiver := "unknown" // so do List[T].Len and Set[T].Len meet in GoNB
		switch t := f.Recv.List[0].Type.(type) {
		case *ast.Ident:
			receiver = t.Name
		case *ast.StarExpr:
			receiver = r.of(t.X)
		}
		key = receiver + "~" + key
	}
	if key == "main" {
		return // the only function that belongs to its cell alone
	}
	text := r.of(f)
	if f.Doc != nil {
		text = r.of(f.Doc) + "\n" + text
	}
	r.d.funcs[key] = function{text, f.Type.Results.NumFields() > 0}
}

func (r *reader) constants(group *ast.GenDecl) {
	first := true
	for _, spec := range group.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			r.d.consts[name.Name] = constant{r.of(group), first}
			first = false
		}
	}
}

func (r *reader) variables(spec *ast.ValueSpec) {
	var names []string
	for _, name := range spec.Names {
		names = append(names, name.Name)
	}
	typed := ""
	if spec.Type != nil {
		typed = " " + r.of(spec.Type)
	}
	if len(spec.Values) == 1 {
		r.variable(names, typed+" = "+r.of(spec.Values[0]))
		return
	}
	for i, name := range names {
		text := typed
		if i < len(spec.Values) {
			text += " = " + r.of(spec.Values[i])
		}
		r.variable([]string{name}, text)
	}
}

// variable adds what one initialiser sets. GoNB gives every var _ a key of its own and keeps all of them; the same twice is one here.
func (r *reader) variable(names []string, rest string) {
	v := &variables{text: strings.Join(names, ", ") + rest}
	for i, name := range names {
		if name == "_" {
			name = "_~" + string(rune('a'+i)) + v.text
		}
		v.keys = append(v.keys, name)
		r.d.vars[name] = v
	}
}

// merge adds what a cell declares: the latest wins.
func (d *declarations) merge(learnt declarations) {
	if d.vars == nil {
		*d = learnt
		return
	}
	maps.Copy(d.imports, learnt.imports)
	maps.Copy(d.types, learnt.types)
	maps.Copy(d.consts, learnt.consts)
	maps.Copy(d.funcs, learnt.funcs)
	for key := range learnt.vars {
		if old, known := d.vars[key]; known {
			for _, gone := range old.keys {
				delete(d.vars, gone)
			}
		}
	}
	maps.Copy(d.vars, learnt.vars)
}

// remove forgets the first thing of that key, in GoNB's order.
func (d *declarations) remove(key string) {
	switch {
	case forget(d.imports, key), forget(d.consts, key), forget(d.types, key):
	case d.vars[key] != nil:
		v := d.vars[key]
		if v.keys[0] != key {
			return // the first name carries the initialiser: GoNB goes on writing all of them
		}
		maps.DeleteFunc(d.vars, func(other string, _ *variables) bool { return slices.Contains(v.keys, other) })
	default:
		forget(d.funcs, key)
	}
}

func forget[T any](from map[string]T, key string) bool {
	_, known := from[key]
	delete(from, key)
	return known
}
