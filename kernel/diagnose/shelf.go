package diagnose

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// shelf holds the packages that a cell can import: the lab's, the standard library, and what the lab's build contains besides.
type shelf struct {
	module  string              // the folder of the lab's source, "" if unknown
	lab     map[string][]string // import paths by package name
	std     map[string][]string
	further map[string][]string // by the last element of the path
}

// newShelf reads which packages there are, so that a table cannot be stale. It costs some milliseconds, and only a cell that failed pays.
func newShelf(module string) *shelf {
	s := &shelf{module: module, lab: map[string][]string{}, std: standard(), further: map[string][]string{}}
	if module == "" {
		return s
	}
	name := moduleName(module)
	_ = filepath.WalkDir(module, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read is not suggested
		}
		if d.IsDir() {
			if base := d.Name(); file != module && (strings.HasPrefix(base, ".") || base == "testdata" || base == "internal") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			s.note(name, file)
		}
		return nil
	})
	return s
}

// note reads a file's package clause and imports.
func (s *shelf) note(module, file string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return
	}
	for _, spec := range parsed.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil && strings.Contains(strings.Split(p, "/")[0], ".") {
			add(s.further, path.Base(p), p)
		}
	}
	dir, err := filepath.Rel(s.module, filepath.Dir(file))
	if name := parsed.Name.Name; err == nil && name != "main" && dir != "." && forCells(filepath.ToSlash(dir)) {
		add(s.lab, name, path.Join(module, filepath.ToSlash(dir)))
	}
}

// forCells reports whether a folder of the lab holds a package for cells: the kernel's own parts are not, but for package cell.
func forCells(dir string) bool {
	return dir != "kernel" && dir != "notebooks" && (!strings.HasPrefix(dir, "kernel/") || dir == "kernel/cell")
}

func add(m map[string][]string, name, p string) {
	if !slices.Contains(m[name], p) {
		m[name] = append(m[name], p)
	}
}

func moduleName(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
				return strings.Trim(fields[1], `"`)
			}
		}
	}
	return filepath.Base(dir)
}

// goroot is where the standard library's source is. A program built with -trimpath does not know; the go command does.
var goroot = sync.OnceValue(func() string {
	if dir := build.Default.GOROOT; dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "src", "fmt")); err == nil {
			return dir
		}
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
})

// standard lists the standard library by the last element of its paths, which are the packages' names but for v2 and the like.
var standard = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	root := filepath.Join(goroot(), "src")
	_ = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if d.IsDir() {
			if base := d.Name(); base == "cmd" || base == "vendor" || base == "internal" || base == "testdata" || base == "builtin" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			if dir, err := filepath.Rel(root, filepath.Dir(file)); err == nil {
				p := filepath.ToSlash(dir)
				add(all, packageName(p), p)
			}
		}
		return nil
	})
	return all
})

// packageName is the name that a package has by custom: a path's last element, without a version.
func packageName(p string) string {
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		return path.Base(path.Dir(p))
	}
	return base
}

// find returns the import paths of packages that go by name: the lab's, the standard library's, others; the shortest first.
func (s *shelf) find(name string) (paths []string) {
	for _, m := range []map[string][]string{s.lab, s.std, s.further} {
		some := slices.Clone(m[name])
		slices.SortFunc(some, func(a, b string) int { return len(a) - len(b) })
		paths = append(paths, some...)
	}
	return paths
}

// names are all names of packages.
func (s *shelf) names() (all []string) {
	for _, m := range []map[string][]string{s.lab, s.std} {
		for name := range m {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// folder is where the package's source is, "" if it is neither the lab's nor the standard library's.
func (s *shelf) folder(p string) string {
	if s.module != "" {
		name := moduleName(s.module)
		if inside, ok := strings.CutPrefix(p, name+"/"); ok {
			return filepath.Join(s.module, filepath.FromSlash(inside))
		}
	}
	if !strings.Contains(strings.Split(p, "/")[0], ".") && goroot() != "" {
		return filepath.Join(goroot(), "src", filepath.FromSlash(p))
	}
	return ""
}

// surface is what a package exports.
type surface struct {
	names   []string            // functions, types, variables, constants
	members map[string][]string // methods and fields by type
}

// exports reads what the package of that path exports; nothing if its source is not at hand.
func (s *shelf) exports(p string) surface {
	out := surface{members: map[string][]string{}}
	dir := s.folder(p)
	if dir == "" {
		return out
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return out
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution); err == nil {
			out.read(file)
		}
	}
	slices.Sort(out.names)
	out.names = slices.Compact(out.names)
	return out
}

// read adds what a file declares and exports.
func (s *surface) read(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() {
				continue
			}
			if d.Recv == nil {
				s.names = append(s.names, d.Name.Name)
			} else if t := receiver(d); t != "" {
				s.members[t] = append(s.members[t], d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				s.spec(spec)
			}
		}
	}
}

func (s *surface) spec(spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			if n.IsExported() {
				s.names = append(s.names, n.Name)
			}
		}
	case *ast.TypeSpec:
		if spec.Name.IsExported() {
			s.names = append(s.names, spec.Name.Name)
		}
		s.members[spec.Name.Name] = append(s.members[spec.Name.Name], fields(spec.Type)...)
	}
}

func fields(t ast.Expr) (names []string) {
	var list *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			if n.IsExported() {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	if len(d.Recv.List) != 1 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
