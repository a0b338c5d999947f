// Package count does the arithmetic of neural networks: how many parameters a layer has, and why, what it puts out, how many
// multiply-accumulates one image costs, how many numbers it writes, and what training takes in memory. It knows no weights and computes no
// image, and imports nothing but the standard library: it also runs in a browser.
//
// A network is a sequence of layers as data: [Conv], [TransposedConv], [Dense], [BatchNorm], [LayerNorm], [Embedding], [Pool], [GlobalPool],
// [Flatten], [Activation] and [Dropout], gathered in named [Block]s, with several paths at once in [Parallel]. [VGG16], [ResNet50] and others
// are written so. [Network] counts one; the [Table] that it returns prints itself as text, Markdown, HTML and JSON.
//
// A parameter is a number that training may move. The running averages of batch norm are buffers, not parameters.
package count

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"strings"
)

// Layer is one layer, or a block of them, as data.
type Layer interface {
	// Count does the layer's arithmetic for one input of the given shape, [h, w, c], [length, c] or [c], without the batch axis. What does
	// not fit (a Dense on an image, a kernel larger than its input, a number beyond 63 bits) is an error.
	Count(input []int) (Row, error)
}

// Row is what one layer, or one block, counts.
type Row struct {
	Name          string   `json:"name"`
	Kind          string   `json:"kind"`             // "conv", "dense", "batch norm" …; "block" for what has Rows
	Input         []int    `json:"input"`            // shapes without the batch axis
	Output        []int    `json:"output"`           //
	Kernel        string   `json:"kernel,omitempty"` // the window of a convolution or a pool, "3×3 /2"
	Formula       string   `json:"formula"`          // the parameters with the numbers put in, "8 × (3×3×3) + 8 = 224"; "" without parameters
	BufferFormula string   `json:"bufferFormula,omitempty"`
	Params        int      `json:"params"`          // what training may move
	Frozen        int      `json:"frozen"`          // of these, what it is told to leave alone
	Buffers       int      `json:"buffers"`         // running averages, which no optimizer moves
	State         string   `json:"state,omitempty"` // what training does to it where more is known than Frozen: "trainable, rate 0.001"
	MACs          int64    `json:"macs"`            // multiply-accumulates for one image, see [Network]
	Elements      int64    `json:"elements"`        // numbers that it writes for one image; 0 for Flatten, which only reads them in another way
	Tensors       []Tensor `json:"tensors,omitempty"`
	Rows          []Row    `json:"layers,omitempty"` // what a block is made of
}

// Trainable is the number of parameters that training moves.
func (r Row) Trainable() int { return r.Params - r.Frozen }

// Tensor is one tensor of a layer. Kernels are [h, w, channels that a filter sees, filters], those of dense layers [inputs, units].
type Tensor struct {
	Name   string `json:"name"` // "kernel", "bias", "scale", "offset", "mean", "variance", "table"; in [Table.Tensors] with its layer's path before it
	Shape  []int  `json:"shape"`
	Buffer bool   `json:"buffer,omitempty"` // no optimizer moves it
}

// Table is a network, counted.
type Table struct {
	Name  string
	Input []int
	Rows  []Row
}

// Network counts layers one after another, each with the output of the one before. input is [h, w, c], [length, c] or [c], without the
// batch axis; [length] for an Embedding. An error names the layer by its place, counted from 1, and so on into blocks; so does a sum that
// exceeds 63 bits. A name that stands twice in a block gets a number: "relu", "relu_2".
//
// Multiply-accumulates are those of convolutions and dense layers, zeros of the padding included as everybody counts them. Biases, batch
// norm (it folds into a convolution), pooling, activations and additions are not counted.
func Network(input []int, layers ...Layer) (Table, error) {
	t := Table{Input: copied(input)}
	if err := isShape(input); err != nil {
		return t, fmt.Errorf("count: network: %w", err)
	}
	rows, err := newWalk().sequence(t.Input, layers)
	t.Rows = rows
	if err != nil {
		return t, fmt.Errorf("count: %w", err)
	}
	return t, nil
}

const (
	deepest = 100     // blocks inside blocks
	most    = 100_000 // layers
)

// walk goes through layers and blocks. It ends where a block contains itself.
type walk struct {
	depth int
	left  *int // layers that may still come
}

// nested is a layer that is made of layers.
type nested interface {
	countInside(input []int, w walk) (Row, error)
}

func newWalk() walk {
	left := most
	return walk{left: &left}
}

// sequence counts layers, each with the output of the one before.
func (w walk) sequence(input []int, layers []Layer) ([]Row, error) {
	var rows []Row
	var sum Row
	taken := map[string]bool{}
	for i, l := range layers {
		if isNil(l) {
			return rows, fmt.Errorf("layer %d is nil; leave it out", i+1)
		}
		row, err := w.layer(l, input)
		if err != nil {
			return rows, fmt.Errorf("layer %d: %w", i+1, err)
		}
		row.Name = untaken(row.Name, taken)
		rows = append(rows, row)
		if sum, err = sum.plus(row); err != nil {
			return rows, fmt.Errorf("layer %d: the sum so far: %w", i+1, err)
		}
		input = row.Output
	}
	return rows, nil
}

// layer counts one layer, and checks what a Count from outside this package says.
func (w walk) layer(l Layer, input []int) (Row, error) {
	if *w.left--; *w.left < 0 {
		return Row{}, fmt.Errorf("more than %d layers", most)
	}
	if inner, ok := l.(nested); ok {
		if w.depth++; w.depth > deepest {
			return Row{}, fmt.Errorf("blocks inside blocks, more than %d deep: one contains itself", deepest)
		}
		return inner.countInside(input, w)
	}
	row, err := l.Count(input)
	if err != nil {
		return row, err
	}
	if err := isShape(row.Output); err != nil {
		return row, fmt.Errorf("%s: output: %w", row.Name, err)
	}
	if min(int64(row.Params), int64(row.Frozen), int64(row.Buffers), row.MACs, row.Elements) < 0 || row.Frozen > row.Params {
		return row, fmt.Errorf("%s: it counts less than nothing: %+v", row.Name, row)
	}
	return row, nil
}

// untaken is the name, with a number where a layer before has it.
func untaken(name string, taken map[string]bool) string {
	unique := name
	for i := 2; taken[unique]; i++ {
		unique = fmt.Sprintf("%s_%d", name, i)
	}
	taken[unique] = true
	return unique
}

// isNil also finds a nil pointer to a layer.
func isNil(l Layer) bool {
	if l == nil {
		return true
	}
	v := reflect.ValueOf(l)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// plus adds the numbers of two rows.
func (r Row) plus(other Row) (Row, error) {
	r.Params, r.Frozen, r.Buffers = r.Params+other.Params, r.Frozen+other.Frozen, r.Buffers+other.Buffers
	r.MACs, r.Elements = r.MACs+other.MACs, r.Elements+other.Elements
	if r.Params < 0 || r.Buffers < 0 || r.MACs < 0 || r.Elements < 0 {
		return r, errTooLarge
	}
	return r, nil
}

// Params is the number of parameters of all layers, or a negative number where they exceed 63 bits.
func (t Table) Params() int { return int(t.sum(func(r Row) int64 { return int64(r.Params) })) }

// Frozen is the number of parameters that training is told to leave alone.
func (t Table) Frozen() int { return int(t.sum(func(r Row) int64 { return int64(r.Frozen) })) }

// Trainable is the number of parameters that training moves.
func (t Table) Trainable() int { return t.Params() - t.Frozen() }

// Buffers is the number of running averages, or a negative number where they exceed 63 bits.
func (t Table) Buffers() int { return int(t.sum(func(r Row) int64 { return int64(r.Buffers) })) }

// MACs is the number of multiply-accumulates for one image, or a negative number where they exceed 63 bits.
func (t Table) MACs() int64 { return t.sum(func(r Row) int64 { return r.MACs }) }

// Elements is the number of numbers that all layers write for one image, or a negative number where they exceed 63 bits.
func (t Table) Elements() int64 { return t.sum(func(r Row) int64 { return r.Elements }) }

// Output is the shape of what the network puts out.
func (t Table) Output() []int {
	if len(t.Rows) == 0 {
		return t.Input
	}
	return t.Rows[len(t.Rows)-1].Output
}

func (t Table) sum(of func(Row) int64) int64 {
	total := int64(0)
	for _, r := range t.Rows {
		if total += of(r); total < 0 {
			return total
		}
	}
	return total
}

// Sum writes the addition of all parameters: "224 + 3216 = 3440". Where only one layer has any, it is that layer's formula.
func (t Table) Sum() string {
	var terms []string
	formula := ""
	for _, r := range t.Rows {
		if r.Params > 0 {
			terms = append(terms, fmt.Sprint(r.Params))
			formula = r.Formula
		}
	}
	switch {
	case len(terms) == 0:
		return "0"
	case len(terms) == 1 && formula != "":
		return formula
	}
	return strings.Join(terms, " + ") + " = " + fmt.Sprint(t.Params())
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

func add(numbers ...int) (int, error) {
	total := 0
	for _, n := range numbers {
		if n < 0 || total+n < 0 {
			return 0, errTooLarge
		}
		total += n
	}
	return total, nil
}

func shapeText(shape []int) string { return joined(shape, "×") }

func joined(numbers []int, between string) string {
	parts := make([]string, len(numbers))
	for i, n := range numbers {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, between)
}

func isImage(shape []int) error {
	if len(shape) != 3 {
		return fmt.Errorf("input %v, want [h, w, c]", shape)
	}
	return isShape(shape)
}

func isShape(shape []int) error {
	if len(shape) == 0 {
		return fmt.Errorf("input without axes")
	}
	for _, n := range shape {
		if n < 1 {
			return fmt.Errorf("input %v, want lengths of at least 1", shape)
		}
	}
	return nil
}

func named(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

func copied(shape []int) []int { return append([]int(nil), shape...) }
