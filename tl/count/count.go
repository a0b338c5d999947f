// Package count does the arithmetic of convolutional networks: how many parameters a layer has, and why, what it puts out,
// how many multiply-accumulates one image costs. It knows no weights and computes no image.
//
// A parameter is a number that training may move. The running averages of batch norm are buffers, not parameters.
package count

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Layer is one layer as data. The types of this package are all there are: [Conv], [Dense], [BatchNorm], [Pool], [GlobalPool],
// [Flatten] and [Activation].
type Layer interface {
	// Count does the layer's arithmetic for one input of the given shape, [h, w, c] or [c], without the batch axis. What does not
	// fit (a Dense on an image, a kernel larger than its input, a number beyond 63 bits) is an error.
	Count(input []int) (Row, error)
}

// Row is what one layer counts.
type Row struct {
	Name    string
	Output  []int  // shape without the batch axis
	Formula string // the parameters with the numbers put in, "8 × (3×3×3) + 8 = 224"; "" for a layer without parameters
	Params  int    // what training may move
	Buffers int    // running averages, which no optimizer moves
	MACs    int64  // multiply-accumulates for one image; biases, batch norm (it folds into a convolution), pooling and activations are not counted
}

// Table is a network, counted.
type Table struct {
	Input []int
	Rows  []Row
}

// Network counts layers one after another, each with the output of the one before. input is [h, w, c] or [c], without the batch axis.
// An error names the layer by its place, counted from 1; so does a sum that exceeds 63 bits.
func Network(input []int, layers ...Layer) (Table, error) {
	t := Table{Input: append([]int(nil), input...)}
	if err := isShape(input); err != nil {
		return t, fmt.Errorf("count: network: %w", err)
	}
	shape := t.Input
	for i, l := range layers {
		if l == nil {
			return t, fmt.Errorf("count: layer %d is nil; leave it out", i+1)
		}
		row, err := l.Count(shape)
		if err != nil {
			return t, fmt.Errorf("count: layer %d: %w", i+1, err)
		}
		t.Rows = append(t.Rows, row)
		if t.Params() < 0 || t.Buffers() < 0 || t.MACs() < 0 {
			return t, fmt.Errorf("count: layer %d: the sum so far: %w", i+1, errTooLarge)
		}
		shape = row.Output
	}
	return t, nil
}

// Params is the number of parameters of all layers, or a negative number where they exceed 63 bits.
func (t Table) Params() int {
	total := 0
	for _, r := range t.Rows {
		if total += r.Params; total < 0 {
			return total
		}
	}
	return total
}

// Buffers is the number of running averages, or a negative number where they exceed 63 bits.
func (t Table) Buffers() int {
	total := 0
	for _, r := range t.Rows {
		if total += r.Buffers; total < 0 {
			return total
		}
	}
	return total
}

// MACs is the number of multiply-accumulates for one image, or a negative number where they exceed 63 bits.
func (t Table) MACs() int64 {
	total := int64(0)
	for _, r := range t.Rows {
		if total += r.MACs; total < 0 {
			return total
		}
	}
	return total
}

// String lists the layers, each with its output and the arithmetic of its parameters, and the total.
func (t Table) String() string {
	names, shapes := len("input"), len([]rune(shapeText(t.Input)))
	for _, r := range t.Rows {
		names, shapes = max(names, len([]rune(r.Name))), max(shapes, len([]rune(shapeText(r.Output))))
	}
	var out strings.Builder
	line := func(name string, shape []int, formula string) {
		fmt.Fprintln(&out, strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %s", names, name, shapes, shapeText(shape), formula), " "))
	}
	line("input", t.Input, "")
	for _, r := range t.Rows {
		line(r.Name, r.Output, r.Formula)
	}
	fmt.Fprintf(&out, "total %d\n", t.Params())
	return out.String()
}

// Sum writes the addition of all parameters: "224 + 3216 = 3440".
func (t Table) Sum() string {
	var terms []string
	for _, r := range t.Rows {
		if r.Params > 0 {
			terms = append(terms, fmt.Sprint(r.Params))
		}
	}
	if len(terms) == 0 {
		return "0"
	}
	return strings.Join(terms, " + ") + " = " + fmt.Sprint(t.Params())
}

func shapeText(shape []int) string { return joined(shape, "×") }

func joined(numbers []int, between string) string {
	parts := make([]string, len(numbers))
	for i, n := range numbers {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, between)
}

var errTooLarge = errors.New("the numbers exceed 63 bits")

// product multiplies numbers that must not be negative.
func product(numbers ...int) (int, error) {
	total := uint64(1)
	for _, n := range numbers {
		if n < 0 {
			return 0, fmt.Errorf("%d is negative", n)
		}
		high, low := bits.Mul64(total, uint64(n))
		if high != 0 || low > math.MaxInt {
			return 0, errTooLarge
		}
		total = low
	}
	return int(total), nil
}

func add(a, b int) (int, error) {
	if a < 0 || b < 0 || a+b < 0 {
		return 0, errTooLarge
	}
	return a + b, nil
}
