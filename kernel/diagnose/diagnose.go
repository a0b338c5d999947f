// Package diagnose explains why a cell failed, to the person who wrote it: where in which cell, with the line shown and marked, what the
// compiler or the runtime says about it, and what to do.
//
// GoNB composes a program of the cells, so the compiler and the runtime speak of lines of that program; and GoNB leaves a panic's message
// on stderr, in front of goroutine dumps. [Context.Build] and [Context.Run] make of these what Jupyter calls an error: a name, a value
// in one line, and a traceback.
package diagnose

import (
	"regexp"
	"slices"
	"strings"
)

// Failure is the content of Jupyter's error message. Traceback begins with Name and Value, since front ends show it alone; its lines carry
// ANSI colours as IPython's do.
type Failure struct {
	Name, Value string
	Traceback   []string
}

// Context says what the cells are. Every field but Current may be missing; then less is explained.
type Context struct {
	// Source returns what the user wrote in the cell that GoNB calls id, the count that the user sees beside it, and the user's line for
	// a line of the text that GoNB got (both from 0; -1 for a line that the kernel inserted). ok is false for an unknown cell.
	Source    func(id int) (text string, count int, line func(int) int, ok bool)
	Cells     func() []int // GoNB's ids of the cells that ran, in any order
	Current   int          // GoNB's id of the cell that failed
	Workspace string       // the folder in which GoNB composes programs: read to find lines, hidden from people
	Module    string       // the lab's source: what cells may import, and the names there; read only when a name is unknown

	looked map[int]cell // cells that were looked at in this explanation
}

// Colours are IPython's for the same things.
const (
	reset = "\x1b[0m"
	red   = "\x1b[31m" // what is wrong
	green = "\x1b[32m" // where
	blue  = "\x1b[34m" // what to do
	faint = "\x1b[2m"  // what can be skipped
)

func paint(colour, text string) string {
	if text == "" {
		return ""
	}
	return colour + text + reset
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// plain is text without colours and without characters that move a terminal's cursor: messages quote what programs printed.
func plain(text string) string {
	text = escapes.ReplaceAllString(text, "")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
}

// Bounds of what is shown. A message or a traceback of a thousand lines explains nothing.
const (
	maxValue   = 300 // characters of a value
	maxWidth   = 200 // characters of a line
	maxMessage = 12  // lines of one message
)

// oneLine joins text into one bounded line.
func oneLine(text string) string { return clip(strings.Join(strings.Fields(text), " "), maxValue) }

func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

// bounded is at most n of lines, each of bounded width, and how many were left out.
func bounded(lines []string, n int) []string {
	var out []string
	for i, line := range lines {
		if i == n {
			return append(out, faint+"… "+count(len(lines)-n, "more line", "more lines")+reset)
		}
		out = append(out, clip(strings.TrimRight(line, " \t"), maxWidth))
	}
	return out
}

// headline is a traceback's first line.
func headline(name, value string) string { return paint(red, name) + ": " + value }

var programFolder = regexp.MustCompile(`(?:[^\s"'(]*/)?gonb_[0-9a-f]{8}\b(?:/main(?:_test)?\.go(?::\d+)*|/gonb_[0-9a-f]{8}\b)?`)

// hide replaces paths of the program that GoNB composed, which mean nothing to people.
func (c Context) hide(text string) string {
	text = programFolder.ReplaceAllString(text, "the cell's program")
	if c.Workspace != "" {
		text = strings.ReplaceAll(text, c.Workspace+"/", "")
		text = strings.ReplaceAll(text, c.Workspace, "the kernel's folder")
	}
	return text
}

// cell is one cell as its author sees it.
type cell struct {
	id, count int
	lines     []string
	line      func(int) int
}

// cell returns the cell that GoNB calls id.
func (c Context) cell(id int) (cell, bool) {
	if one, found := c.looked[id]; found {
		return one, true
	}
	if c.Source == nil {
		return cell{}, false
	}
	text, count, line, ok := c.Source(id)
	if !ok {
		return cell{}, false
	}
	if line == nil {
		line = func(i int) int { return i }
	}
	one := cell{id, count, strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), line}
	if c.looked != nil {
		c.looked[id] = one
	}
	return one, true
}

// known returns the cells that ran, the latest first.
func (c Context) known() (all []cell) {
	var ids []int
	if c.Cells != nil {
		ids = slices.Clone(c.Cells())
	}
	ids = append(ids, c.Current)
	slices.Sort(ids)
	for _, id := range slices.Backward(slices.Compact(ids)) {
		if one, ok := c.cell(id); ok {
			all = append(all, one)
		}
	}
	return all
}
