package count

import (
	"fmt"
	"strings"
)

// String lists the layers, each with its output and the arithmetic of its parameters, and the total. Layers of a block stand under it,
// indented.
func (t Table) String() string {
	type line struct{ name, shape, formula string }
	lines := []line{{"input", shapeText(t.Input), ""}}
	var walk func(rows []Row, indent string)
	walk = func(rows []Row, indent string) {
		for _, r := range rows {
			formula := r.Formula
			if len(r.Rows) > 0 {
				formula = ""
			}
			lines = append(lines, line{indent + r.Name, shapeText(r.Output), formula})
			walk(r.Rows, indent+"  ")
		}
	}
	walk(t.Rows, "")
	names, shapes := 0, 0
	for _, l := range lines {
		names, shapes = max(names, len([]rune(l.name))), max(shapes, len([]rune(l.shape)))
	}
	var out strings.Builder
	for _, l := range lines {
		fmt.Fprintln(&out, strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %s", names, l.name, shapes, l.shape, l.formula), " "))
	}
	fmt.Fprintf(&out, "total %d\n", t.Params())
	return out.String()
}
