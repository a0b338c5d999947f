package diagnose

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// place is a position in a cell.
type place struct {
	cell   cell
	line   int // in the cell, from 0; -1 is none
	column int // in bytes, from 0; -1 is unknown
}

func (p place) known() bool { return p.line >= 0 && p.line < len(p.cell.lines) }

func (p place) text() string {
	if !p.known() {
		return ""
	}
	return p.cell.lines[p.line]
}

// title names the place as the notebook shows it.
func (p place) title() string { return fmt.Sprintf("cell [%d], line %d", p.cell.count, p.line+1) }

// at turns GoNB's id and line (from 0) into a place. ok is false if the cell is unknown or the line is not the user's.
func (c Context) at(id, line int) (place, bool) {
	if id < 0 {
		id = c.Current
	}
	one, ok := c.cell(id)
	if !ok || line < 0 {
		return place{line: -1, column: -1}, false
	}
	p := place{one, one.line(line), -1}
	return p, p.known()
}

// column finds where in the user's line something stands that stands at column (from 0) in the line that GoNB composed from it. GoNB takes
// declarations apart (`var x = f()` becomes `	x = f()` in a group) and the kernel wraps a cell's last expression.
func column(composed string, at int, users string) int {
	if at < 0 || at > len(composed) {
		return -1
	}
	if composed == users {
		return at
	}
	if at == len(composed) { // behind the last letter, where something is missing
		if at > 0 && strings.HasSuffix(users, strings.TrimSpace(composed)) {
			return len(users)
		}
		return -1
	}
	if len(composed) > maxCompared || len(users) > maxCompared {
		return -1
	}
	best, where := 0, -1
	for i := range len(users) {
		right := 0
		for i+right < len(users) && at+right < len(composed) && users[i+right] == composed[at+right] {
			right++
		}
		if right == 0 {
			continue
		}
		left := 0
		for left < i && left < at && users[i-left-1] == composed[at-left-1] {
			left++
		}
		if right+left > best {
			best, where = right+left, i
		}
	}
	return where
}

const (
	around      = 2 // lines shown before and after the one that is meant
	tabWidth    = 4
	maxCompared = 4000 // bytes of a line in which a column is looked for: the work grows with the square
)

// widen replaces tabs by spaces and anything invisible, and returns for each byte of line its column on the screen.
func widen(line string) (string, []int) {
	var b strings.Builder
	columns := make([]int, 0, len(line)+1)
	width := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		for range size {
			columns = append(columns, width)
		}
		i += size
		switch {
		case r == '\t':
			n := tabWidth - width%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			width += n
			continue
		case !unicode.IsPrint(r):
			r = '�'
		}
		b.WriteRune(r)
		width++
	}
	return b.String(), append(columns, width)
}

// excerpt shows the lines around p, p's marked with an arrow and, below it, a caret for each of columns (in bytes, from 0).
func (p place) excerpt(columns []int) (out []string) {
	first, last := max(0, p.line-around), min(len(p.cell.lines)-1, p.line+around)
	// Empty lines at the rim say nothing.
	for first < p.line && strings.TrimSpace(p.cell.lines[first]) == "" {
		first++
	}
	for last > p.line && strings.TrimSpace(p.cell.lines[last]) == "" {
		last--
	}
	digits := len(strconv.Itoa(last + 1))
	for i := first; i <= last; i++ {
		text, screen := widen(p.cell.lines[i])
		if i != p.line {
			out = append(out, strings.TrimRight(fmt.Sprintf("  %*d │ %s", digits, i+1, clip(text, maxWidth)), " "))
			continue
		}
		from := shift(columns, screen)
		out = append(out, strings.TrimRight(paint(green, fmt.Sprintf("→ %*d", digits, i+1))+" │ "+window(text, from), " "))
		if under := carets(columns, screen, from); under != "" {
			out = append(out, strings.Repeat(" ", digits+2)+" │ "+paint(red, under))
		}
	}
	return out
}

// shift says from which column on a long line is shown, so that the first caret is seen.
func shift(columns, screen []int) int {
	for _, c := range columns {
		if c >= 0 && c < len(screen) && screen[len(screen)-1] > maxWidth {
			return max(0, screen[c]-maxWidth/2)
		}
	}
	return 0
}

func window(text string, from int) string {
	if from == 0 {
		return clip(text, maxWidth)
	}
	return "…" + clip(string([]rune(text)[from+1:]), maxWidth-1)
}

func carets(columns, screen []int, from int) string {
	var under []rune
	for _, c := range columns {
		if c < 0 || c >= len(screen) {
			continue
		}
		at := screen[c] - from
		if at < 0 || at >= maxWidth {
			continue
		}
		for len(under) <= at {
			under = append(under, ' ')
		}
		under[at] = '^'
	}
	return string(under)
}
