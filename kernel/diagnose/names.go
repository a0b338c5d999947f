package diagnose

import (
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// books are the packages that there are, read when first asked for.
func (a *adviser) books() *shelf {
	if a.shelf == nil {
		a.shelf = newShelf(a.Module)
	}
	return a.shelf
}

var (
	importLine   = regexp.MustCompile(`^\s*(?:import\s+)?(?:([\pL_.][\pL\pN_]*)\s+)?"([^"]+)"\s*(?://.*)?$`)
	identifier   = regexp.MustCompile(`^[\pL_][\pL\pN_]*`)
	memberAccess = regexp.MustCompile(`^([\pL_][\pL\pN_]*)\.([\pL_][\pL\pN_]*)`)
)

// imports maps names to import paths as the cells have them.
func (a *adviser) imports() map[string]string {
	all := map[string]string{}
	for _, one := range slices.Backward(a.known()) { // later cells win
		for _, line := range one.lines {
			if m := importLine.FindStringSubmatch(line); m != nil {
				name := m[1]
				if name == "" {
					name = packageName(m[2])
				}
				all[name] = m[2]
			}
		}
	}
	return all
}

// pathOf is the import path of what a cell calls name, or of the package that it would mean.
func (a *adviser) pathOf(name string) string {
	if p := a.imports()[name]; p != "" {
		return p
	}
	if paths := a.books().find(name); len(paths) > 0 {
		return paths[0]
	}
	return ""
}

// foreign are words of other languages for what Go has under another name.
var foreign = map[string]string{"True": "true", "False": "false", "None": "nil", "null": "nil", "NULL": "nil", "nullptr": "nil", "print": "fmt.Print",
	"printf": "fmt.Printf", "double": "float64", "float": "float64", "str": "string", "boolean": "bool", "dict": "map", "list": "slice, as in []int{1, 2}"}

var assigned = regexp.MustCompile(`^(?:\s*,\s*[\pL_][\pL\pN_]*)*\s*=[^=]`)

// unknownName is about `undefined: x`.
func (a *adviser) unknownName(c *complaint, m []string) string {
	name := m[1]
	if member := memberAccess.FindStringSubmatch(from(c.composed, c.column)); member != nil && member[1] == name {
		if hint := a.unknownPackage(name, member[2]); hint != "" {
			return hint
		}
	}
	gone := a.gone(name)
	if assigned.MatchString(strings.TrimPrefix(from(c.composed, c.column), name)) {
		return strings.TrimSpace("= assigns to a variable that exists; := declares a new one.\n" + gone)
	}
	if gone != "" {
		return gone
	}
	if near := nearest(name, a.words(c)); len(near) > 0 {
		return "Did you mean " + orList(near) + "?"
	}
	if go_ := foreign[name]; go_ != "" {
		return "In Go that is " + go_ + "."
	}
	for _, pkg := range []string{"tl", "plots", "datasets"} {
		if p := a.pathOf(pkg); p != "" && slices.Contains(a.books().exports(p).names, name) {
			return fmt.Sprintf("Package %s has it: %[1]s.%s", pkg, name)
		}
	}
	return a.fromDot(name)
}

// fromDot explains a name that an import with a dot would have brought.
func (a *adviser) fromDot(name string) string {
	if !token.IsExported(name) {
		return ""
	}
	for _, one := range a.known() {
		for _, line := range one.lines {
			if m := importLine.FindStringSubmatch(line); m != nil && m[1] == "." && one.id != a.Current {
				return fmt.Sprintf("If %s comes from %q: cell [%d] imports it, but a cell that does not compile leaves nothing behind. Run that cell again.",
					name, m[2], one.count)
			}
		}
	}
	return ""
}

func from(line string, column int) string {
	if column < 0 || column > len(line) {
		return ""
	}
	return line[column:]
}

// unknownPackage is about a name before a dot that no import and no variable has.
func (a *adviser) unknownPackage(name, member string) string {
	paths := a.books().find(name)
	if len(paths) == 0 {
		if a.gone(name) != "" {
			return ""
		}
		if near := nearest(name, a.books().names()); len(near) > 0 {
			return "Did you mean " + orList(near) + "?"
		}
		return ""
	}
	// goimports adds packages of the standard library by itself, but only if they have the name that is asked for.
	var having []string
	for _, p := range paths {
		if names := a.books().exports(p).names; slices.Contains(names, member) || len(names) == 0 && strings.Contains(p, ".") {
			having = append(having, p)
		}
	}
	if len(having) == 0 {
		return a.noSuchMember(name, member, paths[0])
	}
	return addImports(having)
}

func addImports(paths []string) string {
	hint := "Add this line at the top of the cell:"
	if len(paths) > 1 {
		hint = "Add one of these lines at the top of the cell:"
	}
	for _, p := range paths[:min(len(paths), 3)] {
		hint += "\n\timport " + `"` + p + `"`
	}
	return hint
}

// noSuchMember is about pkg.member, where the package is known and has no such name.
func (a *adviser) noSuchMember(name, member, p string) string {
	near := nearest(member, a.books().exports(p).names)
	for i := range near {
		near[i] = name + "." + near[i]
	}
	text := fmt.Sprintf("Package %s has no %s", p, member)
	if len(near) > 0 {
		return text + ": did you mean " + orList(near) + "?"
	}
	names := slices.DeleteFunc(a.books().exports(p).names, func(n string) bool { return strings.HasPrefix(n, "Test") })
	if len(names) > 40 {
		return text + "; Shift-Tab behind its name shows what there is."
	}
	return text + ". It has " + strings.Join(names, ", ") + "."
}

func (a *adviser) unknownMember(_ *complaint, m []string) string {
	p := a.pathOf(m[1])
	if p == "" {
		return ""
	}
	if len(a.books().exports(p).names) == 0 { // its source is not at hand
		return ""
	}
	return a.noSuchMember(m[1], m[2], p)
}

func (a *adviser) unexported(c *complaint, m []string) string {
	return a.unknownMember(c, []string{m[0], m[2], m[1]})
}

// unknownField is about a method or a field that a type does not have: m[1] is the type, m[2] the name.
func (a *adviser) unknownField(_ *complaint, m []string) string {
	pkg, name, inPackage := strings.Cut(m[1], ".")
	var members []string
	if inPackage {
		members = a.books().exports(a.pathOf(pkg)).members[name]
	} else {
		members = a.membersHere(m[1])
	}
	switch near := nearest(m[2], members); {
	case len(near) > 0:
		return "Did you mean " + orList(near) + "?"
	case m[2] == "append":
		return "append is a function: x = append(x, value)"
	case m[2] == "len" || m[2] == "size" || m[2] == "length":
		return "The number of elements is len(x)."
	case inPackage && len(members) > 0 && len(members) <= 24:
		slices.Sort(members)
		return m[1] + " has " + strings.Join(slices.Compact(members), ", ") + "."
	}
	return ""
}
