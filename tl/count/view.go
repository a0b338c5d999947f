package count

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// View says how a table is shown. The zero View shows all layers, for a batch of one image and SGD.
type View struct {
	Depth     int // levels that are shown: 1 is the outermost, blocks closed; 0 is all
	Batch     int // images in a batch, for the memory; 0 is 1
	Optimizer Optimizer
}

// sheet is a table made ready to be shown: cells, and the lines below them.
type sheet struct {
	title string
	align string // 'l' or 'r' for each column
	head  []string
	rows  []sheetRow
	notes []string
}

type sheetRow struct {
	level int // how deep in blocks
	open  bool
	cells []string
}

// sheet lays the table out. Columns that say nothing (buffers where there are none, the state where nothing is frozen) are left out.
func (t Table) sheet(v View) (sheet, error) {
	s := sheet{title: named(t.Name, "network") + ", input " + shapeText(t.Input)}
	memory, err := t.memory(v)
	if err != nil {
		return s, err
	}
	rows := t.shown(v.Depth)
	buffers := t.Buffers() > 0
	states := t.Frozen() > 0 || slices.ContainsFunc(rows, func(r shownRow) bool { return r.row.State != "" })
	s.head, s.align = []string{"layer", "output", "kernel", "arithmetic", "parameters"}, "llllr"
	if buffers {
		s.head, s.align = append(s.head, "buffers"), s.align+"r"
	}
	s.head, s.align = append(s.head, "MACs", "activations"), s.align+"rr"
	if states {
		s.head, s.align = append(s.head, "state"), s.align+"l"
	}
	for _, r := range rows {
		cells := []string{flat(r.row.Name), shapeText(r.row.Output), r.row.Kernel, r.row.Formula, grouped(int64(r.row.Params))}
		if r.open {
			cells[3] = "" // it stands below, layer by layer
		}
		if buffers {
			cells = append(cells, grouped(int64(r.row.Buffers)))
		}
		cells = append(cells, grouped(r.row.MACs), BytesText(times(4, r.row.Elements)))
		if states {
			cells = append(cells, r.row.state())
		}
		s.rows = append(s.rows, sheetRow{r.level, r.open, cells})
	}
	s.notes = t.notes(v, memory)
	return s, nil
}

// memory is the estimate for a view, whose numbers it checks.
func (t Table) memory(v View) (Memory, error) {
	if v.Batch < 0 || v.Depth < 0 {
		return Memory{}, fmt.Errorf("count: show: batch %d and depth %d, want 0 or more", v.Batch, v.Depth)
	}
	return t.Memory(max(v.Batch, 1), v.Optimizer)
}

// state is empty where there is nothing to train.
func (r Row) state() string {
	switch {
	case r.State != "":
		return flat(r.State)
	case r.Params == 0:
		return ""
	case r.Frozen == r.Params:
		return "frozen"
	case r.Frozen > 0:
		return "partly frozen"
	}
	return "trainable"
}

func (t Table) notes(v View, memory Memory) []string {
	batch := max(v.Batch, 1)
	notes := []string{fmt.Sprintf("parameters: total %s, trainable %s, frozen %s", grouped(int64(t.Params())), grouped(int64(t.Trainable())),
		grouped(int64(t.Frozen())))}
	if n := t.Buffers(); n > 0 {
		notes = append(notes, fmt.Sprintf("and %s batch-norm averages, which are buffers, not parameters (Keras counts them as non-trainable, "+
			"torchinfo does not count them)", grouped(int64(n))))
	}
	return append(notes, fmt.Sprintf("%s multiply-accumulates an image", grouped(t.MACs())),
		fmt.Sprintf("weights %s; activations %s for a batch of %s", BytesText(t.WeightBytes()), BytesText(t.ActivationBytes(batch)), grouped(int64(batch))),
		fmt.Sprintf("training with %s, about %s", v.Optimizer, memory))
}

type shownRow struct {
	row   Row
	level int
	open  bool
}

// shown lists the rows down to a depth.
func (t Table) shown(depth int) []shownRow {
	var all []shownRow
	var walk func(rows []Row, level int)
	walk = func(rows []Row, level int) {
		for _, r := range rows {
			open := len(r.Rows) > 0 && (depth == 0 || level+1 < depth)
			all = append(all, shownRow{r, level, open})
			if open {
				walk(r.Rows, level+1)
			}
		}
	}
	walk(t.Rows, 0)
	return all
}

// Text draws the table for a terminal: layers with all their numbers, blocks indented, totals and memory below.
func (t Table) Text(v View) (string, error) {
	s, err := t.sheet(v)
	if err != nil {
		return "", err
	}
	rows := [][]string{s.head}
	for _, r := range s.rows {
		cells := append([]string(nil), r.cells...)
		cells[0] = strings.Repeat("  ", r.level) + cells[0]
		rows = append(rows, cells)
	}
	widths := make([]int, len(s.align))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	fmt.Fprintln(&out, flat(s.title))
	widest := 0
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if s.align[i] == 'r' {
				cell, pad = pad, cell
			}
			line.WriteString(cell + pad + "  ")
		}
		text := strings.TrimRight(line.String(), " ")
		widest = max(widest, utf8.RuneCountInString(text))
		fmt.Fprintln(&out, text)
	}
	fmt.Fprintln(&out, strings.Repeat("─", widest))
	for _, note := range s.notes {
		fmt.Fprintln(&out, note)
	}
	return out.String(), nil
}

// flat keeps a name on its line.
func flat(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, name)
}
