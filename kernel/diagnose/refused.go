package diagnose

import (
	"regexp"
	"strings"
)

var (
	ranCommand  = regexp.MustCompile(`failed to run "[^"]*?([^/" ]+)(?: (get|build|test))?[^"]*"(?:: exit status \d+)?`)
	special     = regexp.MustCompile("^executing special commands in cell: ")
	notFoundPkg = regexp.MustCompile(`(?m)^\s*(?:go: )?(?:\S+ imports\s+)?(\S+): (cannot find module providing package \S+|no required module provides package \S+.*|module \S+: .*)$`)
	noise       = []string{"---------------", "Note: 'go get' doesn't know", "Consider adding the paths in 'use'", "You can do this manually with '!*go mod",
		"Alternatively try '%goworkfix'", "Consider the following replace rules", "Again, or use '%goworkfix'"}
)

// unlocated explains a reply that points to no line: go get, a special command, a program that could not be started.
func (c Context) unlocated(f found, evalue string) Failure {
	lines := f.loose[:0:0]
	for _, line := range f.loose {
		if !isNoise(line) {
			lines = append(lines, c.hide(line))
		}
	}
	name, value, hint := "Error", "", ""
	switch m := notFoundPkg.FindStringSubmatch(evalue); {
	case m != nil:
		name, value = "ImportError", m[1]+": "+m[2]
		hint = c.adviser().missing(m[1])
	case special.MatchString(evalue):
		name, value = "CommandError", special.ReplaceAllString(evalue, "")
	case strings.Contains(evalue, "executable file not found"):
		value = strings.TrimPrefix(evalue, "failed to start to execute command ")
		hint = "Programs are looked for in the folders of $PATH; !which NAME shows whether there is one."
	default:
		for _, line := range lines {
			if strings.TrimSpace(ranCommand.ReplaceAllString(line, "")) != "" {
				value = line
				break
			}
		}
	}
	if value == "" {
		value = evalue
	}
	value = oneLine(c.hide(value))
	if value == "" {
		value = "the cell failed; GoNB gives no reason"
	}
	out := []string{headline(name, value)}
	if rest := bounded(lines, maxMessage); len(rest) > 1 {
		out = append(append(out, ""), rest...)
	}
	if hint != "" {
		out = append(out, hintLines(hint)...)
	}
	return Failure{name, value, out}
}

// isNoise reports whether GoNB's advice about workspaces, which is wrong here, has the line.
func isNoise(line string) bool {
	for _, n := range noise {
		if strings.HasPrefix(line, n) {
			return true
		}
	}
	return strings.HasPrefix(line, "\ttransferlab=")
}
