// Package source takes the text of a cell apart the way GoNB v0.11.4 does, before GoNB sees it: which lines are commands and not Go, where
// the body of main begins, whether the text is complete, what a cell's last expression is. Every rule here that looks odd is GoNB's own
// (internal/specialcmd, internal/goexec/composer.go and parser.go); the tests name the place.
package source

import (
	"go/token"
	"slices"
	"strings"
)

// Kind says what GoNB does with a cell.
type Kind int

// The kinds of cells.
const (
	Empty  Kind = iota // no Go: at most commands, comments and white space
	Go                 // compiled and run
	Test               // %test: compiled by go test
	Wasm               // %wasm: compiled for the browser
	Script             // %%bash, %%sh, %%script, %%writefile, %%gx: not Go at all
)

func (k Kind) String() string { return [...]string{"empty", "go", "test", "wasm", "script"}[k] }

// Command is a line that begins with % or !, behind //gonb: or not, with the lines that continue it.
type Command struct {
	Line  int      // the first line, counted from 0
	Lines int      // how many lines it takes
	Sign  byte     // '%' or '!'
	Text  string   // without the sign, lines joined by a space, trimmed; "% main" for "%% main" is not special: its Text begins with %
	Args  []string // Text in words; "a b" is one word
}

// Cell is the text of one cell, taken apart.
type Cell struct {
	lines    []string
	commands []Command
	special  map[int]bool // lines that are not Go
	markers  []int        // lines that GoNB replaces by func main() {: %%, %main, %exec
	body     int          // the first of markers that opens a body, so not %exec; -1 without one
	dropped  map[int]bool // lines of Go that GoNB would drop, see mend
	kind     Kind
}

// Parse takes code apart. It never fails: what is wrong with the text, Fault or the compiler says. Line ends of Windows become \n, since
// GoNB would take "%%\r" for an unknown command.
func Parse(code string) *Cell {
	c := &Cell{lines: strings.Split(code, "\n"), body: -1, special: map[int]bool{}, dropped: map[int]bool{}}
	for i, line := range c.lines {
		c.lines[i] = strings.TrimRight(line, "\r")
	}
	if scriptCell(c.lines[0]) {
		c.kind = Script
		return c
	}
	for i := range c.lines {
		if !c.special[i] && isCommand(c.lines[i]) {
			c.commands = append(c.commands, c.command(i))
		}
	}
	for i, line := range c.lines {
		// As GoNB, whether or not the line continues a command.
		if opens := opensBody(line); opens || strings.HasPrefix(uncomment(line), "%exec") {
			c.special[i] = true
			c.markers = append(c.markers, i)
			if opens && c.body < 0 {
				c.body = i
			}
		}
	}
	c.mend()
	c.kind = c.classify()
	return c
}

func (c *Cell) classify() Kind {
	for _, command := range c.commands {
		switch {
		case command.is("test"):
			return Test
		case command.is("wasm"):
			return Wasm
		}
	}
	if c.execs() || len(tokens(c.golines())) > 0 {
		return Go
	}
	return Empty
}

// Kind says what GoNB does with the cell.
func (c *Cell) Kind() Kind { return c.kind }

// Commands are the cell's special lines, %% and %main among them, in order. GoNB carries all of them out before any Go.
func (c *Cell) Commands() []Command { return slices.Clone(c.commands) }

// Without returns the text with the lines of these commands empty, for commands that the kernel carries out itself. Lines keep their
// numbers.
func (c *Cell) Without(commands ...Command) string {
	lines := slices.Clone(c.lines)
	for _, command := range commands {
		for i := max(command.Line, 0); i < min(command.Line+command.Lines, len(lines)); i++ {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

func (c *Command) is(name string) bool {
	return c.Sign == '%' && len(c.Args) > 0 && c.Args[0] == name
}

// execs reports whether %exec writes a main of its own.
func (c *Cell) execs() bool { return len(c.markers) > 1 || len(c.markers) == 1 && c.body < 0 }

// golines is the Go of the cell, line for line.
func (c *Cell) golines() string {
	lines := slices.Clone(c.lines)
	for i, line := range lines {
		if c.special[i] || strings.HasPrefix(line, "package") && !c.dropped[i] {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// mend finds lines that GoNB would drop although they are Go: it takes everything that begins with "package" for a package clause,
// packages := 3 too. Prepare moves them by a space.
func (c *Cell) mend() {
	lines := slices.Clone(c.lines)
	for i := range c.special {
		lines[i] = ""
	}
	text := strings.Join(lines, "\n")
	if !strings.Contains("\n"+text, "\npackage") {
		return
	}
	for _, t := range tokens(text) {
		if t.Token == token.IDENT && strings.HasPrefix(t.lit, "package") {
			if line, column := place(text, t.at); column == 0 {
				c.dropped[line] = true
			}
		}
	}
}

// file is the cell as the Go file that GoNB first makes of it: one line for the package clause, then line for line, then tail. The body
// of main is not closed.
func (c *Cell) file(tail string) string {
	text := c.golines()
	if c.body >= 0 {
		lines := strings.Split(text, "\n")
		lines[c.body] = bodyOpens
		text = strings.Join(lines, "\n")
	}
	return packageClause + text + tail
}

const (
	packageClause = "package main\n"
	bodyOpens     = "func main() {"
	bodyCloses    = "\n}\n"
)
