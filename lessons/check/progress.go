package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// columns is the width of text in a cell's output.
const columns = 100

// print writes a heading and a text below it, wrapped. Lines that are indented stay as they are.
func (d desk) print(heading, text string) {
	fmt.Fprintln(d.out, heading)
	for line := range strings.Lines(text) {
		fmt.Fprint(d.out, wrapped(strings.TrimRight(line, "\n")))
	}
}

// wrapped breaks a line at spaces, indented by two.
func wrapped(line string) string {
	indent := "  " + line[:len(line)-len(strings.TrimLeft(line, " "))]
	var b strings.Builder
	b.WriteString(indent)
	column := len(indent)
	for i, word := range strings.Fields(line) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > columns:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	b.WriteByte('\n')
	return b.String()
}

// trimmed writes points: "1", "0.5".
func trimmed(points float64) string {
	return strconv.FormatFloat(float64(int(points*100+0.5))/100, 'f', -1, 64)
}

func pointsText(points float64) string {
	if points == 1 {
		return "1 point"
	}
	return trimmed(points) + " points"
}

func (d desk) progress(lessons []string) {
	widest := 0
	for _, e := range d.exercises {
		widest = max(widest, utf8.RuneCountInString(e.Title))
	}
	if d.student != "" {
		fmt.Fprintf(d.out, "Progress of %s\n\n", d.student)
	}
	fmt.Fprintf(d.out, "%-16s %-*s %-12s %5s %6s  %s\n", "exercise", widest, "about", "state", "tries", "points", "of")
	var sum, of float64
	for _, e := range d.exercises {
		if len(lessons) > 0 && !slices.Contains(lessons, e.Lesson()) {
			continue
		}
		k := d.load(e.ID)
		sum, of = sum+k.Credit*e.Worth(), of+e.Worth()
		title := e.Title + strings.Repeat(" ", widest-utf8.RuneCountInString(e.Title))
		fmt.Fprintf(d.out, "%-16s %s %-12s %5d %6s  %s\n", e.ID, title, k.state(), k.Tries, trimmed(k.Credit*e.Worth()), trimmed(e.Worth()))
	}
	fmt.Fprintf(d.out, "%-16s %-*s %-12s %5s %6s  %s\n", "in all", widest, "", "", "", trimmed(sum), trimmed(of))
}

// state is a word for the table.
func (k kept) state() string {
	switch {
	case k.Measured != nil:
		return "revealed"
	case k.Predicted != nil:
		return "predicted"
	case k.Right:
		return "right"
	case k.Credit > 0:
		return "partly right"
	case k.Tries > 0:
		return "not yet"
	}
	return "open"
}
