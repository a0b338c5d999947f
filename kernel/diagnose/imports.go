package diagnose

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// importMessages are what the go command says of a package that it cannot use; the first group is the import path.
var importMessages = []*regexp.Regexp{
	re(`no required module provides package ([^\s;]+)`),
	re(`cannot find module providing package ([^\s;:]+)`),
	re(`^package (\S+) is not in (?:std|the standard library)`),
	re(`^there is no package (\S+)`),
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
	if !inLab && strings.Contains(first, ".") {
		return "Cells reach the standard library, the lab's packages and what the lab is built of. To fetch another, run once, in a cell of its own,\n" +
			"\t!*go get " + p + "\nor switch on %autoget, which looks for missing packages before each cell. Both need the network (and not GOPROXY=off)."
	}
	near := books.find(packageName(p))
	for _, other := range pathsOf(books, inLab) {
		if path.Dir(other) == path.Dir(p) && len(nearest(path.Base(p), []string{path.Base(other)})) > 0 {
			near = append(near, other)
		}
	}
	switch {
	case len(near) > 0:
		slices.Sort(near)
		return "Did you mean\n\timport \"" + strings.Join(slices.Compact(near), "\"\n\timport \"") + "\""
	case inLab:
		return "The lab has " + orList(shortest(pathsOf(books, true))) + "."
	}
	return "The import paths of packages that do not come with Go begin with a host: example.com/name."
}

// rewordings shorten what the go command says about packages; paths of its own folders help nobody.
var rewordings = []struct {
	said *regexp.Regexp
	text string
}{
	{re(`^(no required module provides package [^;\s]+); to add it:$`), "$1"},
	{re(`^module \S+ found \(.*\), but does not contain package (\S+)$`), "there is no package $1"},
	{re(`^(package \S+) is not in std \(.*\)$`), "$1 is not in the standard library"},
}

func reword(message string) string {
	for _, r := range rewordings {
		if r.said.MatchString(message) {
			return r.said.ReplaceAllString(message, r.text)
		}
	}
	return message
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
