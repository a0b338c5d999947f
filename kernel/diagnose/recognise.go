package diagnose

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxProgram bounds how much of a composed program is read.
const maxProgram = 4 << 20

// recognise finds a line (from 1) of a composed program among the cells: where the most lines around it are the same, in the latest cell
// of those that are as like it. programs keeps what was read.
func (c Context) recognise(file string, number int, programs map[string][]string) (place, bool) {
	none := place{line: -1, column: -1}
	program, read := programs[file]
	if !read {
		program = c.program(file)
		programs[file] = program
	}
	if number < 1 || number > len(program) {
		return none, false
	}
	best, where := 0, none
	for _, one := range c.known() {
		for i := range one.lines {
			if n := likeness(program, number-1, one.lines, i); n > best {
				best, where = n, place{one, i, -1}
			}
		}
	}
	return where, where.known()
}

// wrapped is the beginning of the call by which the kernel shows a cell's last expression.
var wrapped = regexp.MustCompile(`tlab_cell_*\.Result\(`)

// likeness is how many lines in a row are the same in a and b around a[i] and b[j]; 0 if these two differ. Declarations lose their keyword
// when GoNB composes them, which makes a line half as like.
func likeness(a []string, i int, b []string, j int) int {
	line, other := strings.TrimSpace(wrapped.ReplaceAllString(a[i], "")), strings.TrimSpace(b[j])
	n := 2
	switch {
	case line == "" || other == "":
		return 0
	case line == other || line == other+")": // the end of a wrapped expression
	case len(line) > 4 && strings.HasSuffix(other, line):
		return 1
	default:
		return 0
	}
	for k := 1; k <= min(i, j) && strings.TrimSpace(a[i-k]) == strings.TrimSpace(b[j-k]); k++ {
		n += 2
	}
	for k := 1; i+k < len(a) && j+k < len(b) && strings.TrimSpace(a[i+k]) == strings.TrimSpace(b[j+k]); k++ {
		n += 2
	}
	return n
}

// program reads a composed program; nothing outside the kernel's own folder.
func (c Context) program(file string) []string {
	if c.Workspace == "" {
		return nil
	}
	inside, err := filepath.Rel(c.Workspace, file)
	if err != nil || !filepath.IsLocal(inside) {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxProgram))
	if err != nil {
		return nil
	}
	return strings.Split(string(data), "\n")
}
