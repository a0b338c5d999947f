package tl

import (
	"strings"
	"unicode/utf8"
)

// table aligns the cells of rows in columns two spaces apart. Each letter of align is a column: 'l' for text, 'r' for numbers. Lines end
// where their text does.
func table(align string, rows ...[]string) string {
	widths := make([]int, len(align))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(flat(cell)))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = flat(cell)
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if align[i] == 'r' {
				cell, pad = pad, cell
			}
			line.WriteString(cell + pad + "  ")
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

// flat keeps a name that a folder gave on its line.
func flat(cell string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, cell)
}
