package tl

import (
	"fmt"
	"math"

	"transferlab/tl/count"
)

// View says how a summary is written, and for which training its memory is estimated. The zero View shows every layer, for a Phase that
// says nothing else.
type View struct {
	Depth     int    // 1 is the blocks, 2 is their layers, too; 0 is all
	Batch     int    // images in a batch, as in Phase: 0 is 32
	Optimizer string // as in Phase: "" is "adam"
}

func (v View) counted() (count.View, error) {
	c := count.View{Depth: v.Depth, Batch: v.Batch, Optimizer: count.Adam}
	if v.Batch == 0 {
		c.Batch = 32
	}
	switch v.Optimizer {
	case "", "adam":
	case "sgd":
		c.Optimizer = count.SGD
	default:
		return c, fmt.Errorf("no such optimizer %q (have adam, sgd)", v.Optimizer)
	}
	return c, nil
}

// Markdown is the summary as a Markdown table.
func (s Summary) Markdown(v View) (string, error) { return written(v, s.Table().Markdown) }

// HTML is the summary as a table for a web page, which needs nothing beside it.
func (s Summary) HTML(v View) (string, error) { return written(v, s.Table().HTML) }

// JSON is the summary for other programs.
func (s Summary) JSON(v View) ([]byte, error) { return written(v, s.Table().JSON) }

func written[T any](v View, write func(count.View) (T, error)) (text T, err error) {
	c, err := v.counted()
	if err == nil {
		text, err = write(c)
	}
	if err != nil {
		return text, fmt.Errorf("tl: write summary: %w", err)
	}
	return text, nil
}

// Memory estimates what training takes, from the layers that the summary lists; see [count.Memory] for what it leaves out. Frozen blocks are
// taken to run in every step; where their output is kept (see Phase.NoCache), what passes between their layers is not held while epochs run.
func (s Summary) Memory(v View) (count.Memory, error) {
	return written(v, func(c count.View) (count.Memory, error) { return s.Table().Memory(c.Batch, c.Optimizer) })
}

// memoryLine is the memory for a usual phase.
func (s Summary) memoryLine() string {
	t := s.Table()
	line := fmt.Sprintf("weights %s, activations %s an image", bytesText(t.WeightBytes()), bytesText(t.ActivationBytes(1)))
	if m, err := s.Memory(View{}); err == nil && t.Trainable() > 0 {
		line += fmt.Sprintf("; training in batches of 32 with Adam takes about %s", bytesText(m.Total()))
	}
	return line + "\n"
}

// Table is the summary as a table of package count: blocks with their layers in them.
func (s Summary) Table() count.Table {
	t := count.Table{Name: s.Name, Input: s.Input}
	input := s.Input
	for _, b := range s.Blocks {
		row := count.Row{Name: b.Name, Kind: "block", Input: input, Output: b.Output, Kernel: b.Kernel, Formula: b.Formula, Params: b.Params,
			Buffers: b.Buffers, MACs: b.MACs, State: b.state()}
		if b.Frozen {
			row.Frozen = b.Params
		}
		if len(b.Layers) == 0 {
			row.Kind, row.Elements = "", numbers(b.Output) // an empty block would be a shortcut
		}
		for _, l := range b.Layers {
			inner := count.Row{Name: l.Name, Kind: l.Kind, Input: input, Output: l.Output, Formula: l.Formula, Params: l.Params,
				Buffers: l.Buffers, MACs: l.MACs, Elements: l.Elements}
			if b.Frozen {
				inner.Frozen = l.Params
			}
			if l.Elements == 0 && l.Kind != "flatten" {
				inner.Elements = numbers(l.Output)
			}
			row.Elements += inner.Elements
			row.Rows = append(row.Rows, inner)
			input = l.Output
		}
		input = b.Output
		t.Rows = append(t.Rows, row)
	}
	return t
}

// numbers is how many numbers a shape has; of a shape that cannot be, none.
func numbers(shape []int) int64 {
	total := int64(1)
	for _, n := range shape {
		if n < 1 || total > math.MaxInt64/int64(n) {
			return 0
		}
		total *= int64(n)
	}
	if len(shape) == 0 {
		return 0
	}
	return total
}
