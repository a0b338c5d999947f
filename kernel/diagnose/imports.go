package diagnose

import (
	"fmt"
	"regexp"
	"strings"
)

// importMessages are what the go command says of a package that it cannot use; the first group is the import path.
var importMessages = []*regexp.Regexp{
	re(`no required module provides package ([^\s;]+)`),
	re(`cannot find module providing package ([^\s;:]+)`),
	re(`^package (\S+) is not in std`),
	re(`does not contain package (\S+)`),
	re(`^import "([^"]+)" is a program, not an importable package`),
	re(`^use of internal package (\S+) not allowed`),
	re(`^could not import (\S+)`),
	re(`cannot find package "?([^"\s]+)"?`),
	re(`^invalid import path:? "?([^"\s]*)`),
}

// importPath is the package that m says is not to be had, "" if m is about something else.
func importPath(m string) string {
	for _, r := range importMessages {
		if parts := r.FindStringSubmatch(m); parts != nil {
			return strings.Trim(parts[1], `"`)
		}
	}
	return ""
}

func importTrouble(m string) bool { return importPath(m) != "" }

// trouble says what to do about a package that cannot be imported.
func (a *adviser) trouble(m, p string) string {
	switch {
	case strings.Contains(m, "is a program"):
		return "A package main is run, not imported: !go run " + p
	case strings.Contains(m, "internal package"):
		return "Packages below internal/ serve their own module alone."
	}
	return a.missing(p)
}

// missing says what to do about a package that is not there.
func (a *adviser) missing(p string) string {
	books := a.books()
	first := strings.Split(p, "/")[0]
	inLab := books.module != "" && first == moduleName(books.module)
	if inLab || !strings.Contains(first, ".") {
		if near := nearest(p, pathsOf(books, inLab)); len(near) > 0 {
			return "Did you mean\n\timport \"" + strings.Join(near, "\"\n\timport \"") + "\""
		}
		if paths := books.find(packageName(p)); len(paths) > 0 {
			return addImports(paths)
		}
		if inLab {
			return fmt.Sprintf("The lab has no such package. It has %s.", orList(shortest(pathsOf(books, true))))
		}
		return "The standard library has no such package, and packages from elsewhere begin with a host: example.com/name."
	}
	return "Cells reach the standard library, the lab's packages and what the lab is built of. To fetch another, run once in a cell of its own\n" +
		"\t!*go get " + p + "\nor switch on %autoget, which looks for missing packages before each cell. Both need the network, and GOPROXY if set to off."
}

// pathsOf are the import paths of the lab's packages or of the standard library's.
func pathsOf(s *shelf, lab bool) (all []string) {
	m := s.std
	if lab {
		m = s.lab
	}
	for _, paths := range m {
		all = append(all, paths...)
	}
	return all
}
