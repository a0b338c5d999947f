package main

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// check notes what compiles as a Go file and goes wrong as a notebook.
func (l *lesson) check() {
	for _, decl := range l.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			l.checkFunc(d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ImportSpec:
					l.checkImport(s)
				case *ast.ValueSpec:
					for _, value := range s.Values {
						l.checkDescription(value)
					}
				}
			}
		}
	}
	l.checkNames()
}

// checkFunc refuses functions that mean something else in a notebook, or nothing.
func (l *lesson) checkFunc(d *ast.FuncDecl) {
	if d.Recv != nil {
		return
	}
	name := d.Name.Name
	switch {
	case name == "main" || name == "init":
		l.fault(d.Pos(), "func %s would run in every cell: write an Example", name)
	case slices.ContainsFunc([]string{"Test", "Benchmark", "Fuzz"}, func(p string) bool { return strings.HasPrefix(name, p) }):
		l.fault(d.Pos(), "%s is no part of a lesson: put it into another file", name)
	}
}

// checkImport refuses imports that cells cannot share.
func (l *lesson) checkImport(s *ast.ImportSpec) {
	if s.Name != nil && (s.Name.Name == "." || s.Name.Name == "_") {
		l.fault(s.Pos(), "import %s %s: a cell imports packages by their names", s.Name.Name, s.Path.Value)
	}
}

// descriptions are the functions that a var initialiser may call: they compute, fetch and send nothing and cannot fail, so it does no
// harm that every later cell calls them again. Each list has the functions of a package; methods stand under "".
var descriptions = map[string][]string{
	"context":  {"Background"},
	"datasets": {"Open", "Folder", "Image"},
	"tl": {"Load", "RawPixels", "ONNX", "Sequence", "Named", "Conv", "DepthwiseConv", "BatchNorm", "ReLU", "ReLU6", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten",
		"Dense", "Dropout", "Extract", "FineTune", "Gradual", "Discriminative", "LinearThenFull", "L2SP", "Scratch", "ThawNothing", "ThawTop", "ThawStages", "ThawFrom",
		"ThawEverything"},
	"": {"Split", "EveryNth", "Take", "Skip", "PerClass", "Rows", "Augment", "WithHead", "Seeded", "WithWeights", "Hub", "Initial", "WithInput", "Called", "Strided", "Padded",
		"Unpadded", "Grouped", "WithoutBias", "In", "WithShortcut", "Within"},
}

// harmless are the predeclared functions and types that an initialiser may call.
var harmless = []string{"len", "cap", "min", "max", "append", "string", "int", "int64", "float32", "float64", "bool", "byte", "rune"}

// checkDescription refuses calls in an initialiser that are not known to be descriptions.
func (l *lesson) checkDescription(value ast.Expr) {
	ast.Inspect(value, func(n ast.Node) bool {
		if _, is := n.(*ast.FuncLit); is {
			return false // runs when it is called
		}
		call, is := n.(*ast.CallExpr)
		if !is {
			return true
		}
		allowed, name := false, "this call"
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			name, allowed = fun.Name, slices.Contains(harmless, fun.Name)
		case *ast.ArrayType:
			allowed = true // a conversion
		case *ast.SelectorExpr:
			scope := ""
			if x, is := fun.X.(*ast.Ident); is && l.imports(x.Name) {
				scope = x.Name
				name = scope + "." + fun.Sel.Name
			} else {
				name = "." + fun.Sel.Name
			}
			allowed = slices.Contains(descriptions[scope], fun.Sel.Name)
		}
		if !allowed {
			l.fault(call.Pos(), "%s in a var: every later cell would run it again. A var holds a description (%s); put the call into an Example",
				name, "datasets.Open, .Split, tl.Load, .WithHead …")
		}
		return true
	})
}

// imports reports whether the file imports a package under that name.
func (l *lesson) imports(name string) bool {
	return slices.ContainsFunc(l.file.Imports, func(s *ast.ImportSpec) bool {
		if s.Name != nil {
			return s.Name.Name == name
		}
		path := strings.Trim(s.Path.Value, `"`)
		return path[strings.LastIndexByte(path, '/')+1:] == name
	})
}

// checkNames refuses names that a cell uses before a cell above declares them, which Go allows and a notebook does not, and names that
// other files of the package declare. Imported packages are not loaded: what is behind their names is left to the compiler.
func (l *lesson) checkNames() {
	uses := make(map[*ast.Ident]types.Object)
	config := types.Config{Error: func(err error) {
		if fault, is := err.(types.Error); is && strings.HasPrefix(fault.Msg, "undefined: ") {
			l.fault(fault.Pos, "%s in this file: a notebook holds nothing else", fault.Msg)
		}
	}}
	pkg, _ := config.Check(l.file.Name.Name, l.files, []*ast.File{l.file}, &types.Info{Uses: uses})
	for _, decl := range l.file.Decls {
		here, known := -1, false
		for _, name := range declared(decl) {
			here, known = l.cellOf[name]
		}
		if !known {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			id, is := n.(*ast.Ident)
			if !is || uses[id] == nil || uses[id].Parent() != pkg.Scope() {
				return true
			}
			if there, found := l.cellOf[id.Name]; found && there > here {
				l.fault(id.Pos(), "%s is declared only further down, at line %d: in a notebook cells run from the top",
					id.Name, l.line(uses[id].Pos()))
			}
			return true
		})
	}
}
