package tl

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Block is one row of a Summary: a named run of layers.
type Block struct {
	Name    string
	Stage   string  // blocks of one stage share a learning rate under Phase.RateDecay
	Output  []int   // output shape without the batch axis: [h, w, c] or [c]
	Kernel  string  // the kernel of its main convolution, e.g. "5×5 /2"; "" where it has none
	Formula string  // the arithmetic of its parameters, e.g. "1280×2 + 2 = 2562"
	Params  int     // parameters, all of them
	Buffers int     // batch-norm averages: state that no optimizer moves
	MACs    int64   // multiply-accumulates for one image
	Frozen  bool    // Fit will not move it
	Rate    float64 // the learning rate of the last phase; 0 before one and where frozen
	Layers  []LayerRow
}

// LayerRow is one layer inside a block, with its own arithmetic.
type LayerRow struct {
	Name    string
	Output  []int
	Kind    string // "conv", "batch norm" … as in package count; "" where it is not said
	Formula string
	Params  int
	Buffers int
	MACs    int64
	// Elements is the number of numbers that the layer writes for one image; 0 where that is not said, and then what its output has.
	Elements int64
}

// Summary lists a network block by block, from the input to the head.
type Summary struct {
	Name   string
	Input  []int // [h, w, c]
	Blocks []Block
}

// Total is the number of parameters.
func (s Summary) Total() int { return s.sum(func(b Block) int { return b.Params }) }

// Frozen is the number of parameters that Fit will not move.
func (s Summary) Frozen() int {
	return s.sum(func(b Block) int {
		if b.Frozen {
			return b.Params
		}
		return 0
	})
}

// Trainable is the number of parameters that Fit moves.
func (s Summary) Trainable() int { return s.Total() - s.Frozen() }

// Buffers is the number of batch-norm averages, which are not parameters.
func (s Summary) Buffers() int { return s.sum(func(b Block) int { return b.Buffers }) }

// MACs is the number of multiply-accumulates for one image.
func (s Summary) MACs() int64 {
	total := int64(0)
	for _, b := range s.Blocks {
		total += b.MACs
	}
	return total
}

func (s Summary) sum(of func(Block) int) int {
	total := 0
	for _, b := range s.Blocks {
		total += of(b)
	}
	return total
}

// String draws the summary as a table with totals and the footnote on batch norm.
func (s Summary) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, input %s\n", flat(s.Name), shapeText(s.Input))
	rows := [][]string{{"block", "output", "kernel", "parameters", "MACs", "state"}}
	for _, b := range s.Blocks {
		rows = append(rows, []string{b.Name, shapeText(b.Output), b.Kernel, WithCommas(int64(b.Params)), WithCommas(b.MACs), b.state()})
	}
	out.WriteString(table("lllrrl", rows...))
	width := 0
	for _, line := range strings.Split(out.String(), "\n") {
		width = max(width, utf8.RuneCountInString(line))
	}
	fmt.Fprintf(&out, "%s\n", strings.Repeat("─", width))
	fmt.Fprintf(&out, "parameters: total %s, trainable %s, frozen %s; %s MACs an image\n",
		WithCommas(int64(s.Total())), WithCommas(int64(s.Trainable())), WithCommas(int64(s.Frozen())), WithCommas(s.MACs()))
	if n := s.Buffers(); n > 0 {
		fmt.Fprintf(&out, "and %s batch-norm averages, which are buffers, not parameters (Keras counts them as non-trainable, torchinfo does not count them)\n",
			WithCommas(int64(n)))
	}
	if len(s.Blocks) > 0 {
		out.WriteString(s.memoryLine())
	}
	return out.String()
}

// state is what Fit does to the block.
func (b Block) state() string {
	switch {
	case b.Frozen:
		return "frozen"
	case b.Rate > 0:
		return fmt.Sprintf("trainable, rate %.2g", b.Rate)
	}
	return "trainable"
}

// Arithmetic lists every layer with the formula of its parameters and the numbers put in.
func (s Summary) Arithmetic() string {
	var out strings.Builder
	var rows [][]string
	for _, b := range s.Blocks {
		for _, l := range b.Layers {
			if l.Params > 0 {
				rows = append(rows, []string{b.Name + "/" + l.Name, shapeText(l.Output), l.Formula})
			}
		}
	}
	out.WriteString(table("lll", rows...))
	fmt.Fprintf(&out, "total %s\n", WithCommas(int64(s.Total())))
	return out.String()
}

func shapeText(shape []int) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, "×")
}

// WithCommas writes n in groups of three digits, as the lecture does.
func WithCommas(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
