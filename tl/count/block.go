package count

import (
	"fmt"
	"slices"
)

// Block is a named run of layers, which is a layer again. Without layers it passes its input on: the shortcut of a residual block.
type Block struct {
	Name   string // "" is "block"
	Layers []Layer
	Frozen bool // training leaves its parameters alone
}

// Count is the sum of the block's layers, which stand in Rows.
func (b Block) Count(input []int) (Row, error) { return b.countInside(input, newWalk()) }

func (b Block) countInside(input []int, w walk) (Row, error) {
	name := named(b.Name, "block")
	if err := isShape(input); err != nil {
		return Row{}, fmt.Errorf("block %q: %w", name, err)
	}
	rows, err := w.sequence(input, b.Layers)
	if err != nil {
		return Row{}, fmt.Errorf("block %q: %w", name, err)
	}
	return gathered(name, input, Table{Input: input, Rows: rows}.Output(), rows, b.Frozen)
}

// Join says how the branches of a Parallel become one.
type Join int

const (
	// Add adds the branches number by number; they have one shape. With an empty branch this is a residual block (He et al. 2015).
	Add Join = iota
	// Concat puts the channels of the branches one behind the other (Szegedy et al. 2014); the other axes are equal.
	Concat
	// Multiply multiplies the first branch by the others: number by number where they have its shape, and each channel by one number where they
	// put out [c] (squeeze-and-excitation, Hu et al. 2017).
	Multiply
)

func (j Join) String() string {
	switch j {
	case Add:
		return "add"
	case Concat:
		return "concat"
	case Multiply:
		return "multiply"
	}
	return fmt.Sprintf("Join(%d)", int(j))
}

// Parallel sends its input through several branches and joins what they put out.
type Parallel struct {
	Name     string // "" is "parallel"
	Branches []Block
	Join     Join // zero is Add
	Frozen   bool // training leaves its parameters alone
}

// Residual is x + f(x): the layers, and beside them a shortcut that passes the input on or, where given, sends it through layers of its own
// to make it fit.
func Residual(name string, layers []Layer, shortcut ...Layer) Parallel {
	return Parallel{Name: name, Branches: []Block{{Name: "residual", Layers: layers}, {Name: "shortcut", Layers: shortcut}}}
}

// Count is the sum of the branches, which stand in Rows, with the join as the last row.
func (p Parallel) Count(input []int) (Row, error) { return p.countInside(input, newWalk()) }

func (p Parallel) countInside(input []int, w walk) (Row, error) {
	name := named(p.Name, "parallel")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("parallel %q: %w", name, err) }
	if err := isShape(input); err != nil {
		return fail(err)
	}
	if len(p.Branches) < 2 {
		return fail(fmt.Errorf("branches: %d, want at least 2 (a branch without layers passes the input on)", len(p.Branches)))
	}
	var rows []Row
	taken := map[string]bool{}
	for i, b := range p.Branches {
		b.Name = named(b.Name, fmt.Sprintf("branch%d", i+1))
		row, err := w.layer(b, input)
		if err != nil {
			return fail(err)
		}
		row.Name = untaken(row.Name, taken)
		rows = append(rows, row)
	}
	output, err := p.Join.of(rows)
	if err != nil {
		return fail(err)
	}
	elements, err := product(output...)
	if err != nil {
		return fail(err)
	}
	join := p.Join.String()
	rows = append(rows, Row{Name: untaken(join, taken), Kind: join, Input: rows[0].Output, Output: output, Elements: int64(elements)})
	row, err := gathered(name, input, output, rows, p.Frozen)
	if err != nil {
		return fail(err)
	}
	return row, nil
}

// of is the shape that branches have once they are joined.
func (j Join) of(branches []Row) ([]int, error) {
	first := branches[0]
	output := copied(first.Output)
	for i, b := range branches[1:] {
		differ := func(want string) error {
			return fmt.Errorf("branch %q puts out %s and branch %q %s; %s wants %s", first.Name, shapeText(first.Output), b.Name,
				shapeText(b.Output), j, want)
		}
		switch j {
		case Add:
			if !slices.Equal(b.Output, first.Output) {
				return nil, differ("equal shapes (a 1×1 convolution with the same filters and stride makes a shortcut fit)")
			}
		case Concat:
			last := len(output) - 1
			if len(b.Output) != len(output) || !slices.Equal(b.Output[:last], output[:last]) {
				return nil, differ("shapes that differ only in their channels")
			}
			channels, err := add(output[last], b.Output[last])
			if err != nil {
				return nil, err
			}
			output[last] = channels
		case Multiply:
			if !slices.Equal(b.Output, first.Output) && !slices.Equal(b.Output, first.Output[len(first.Output)-1:]) {
				return nil, differ("equal shapes or one number for each channel")
			}
		default:
			return nil, fmt.Errorf("branch %d: join %d, want Add, Concat or Multiply", i+2, int(j))
		}
	}
	return output, nil
}

// gathered is the row of a block that is made of rows.
func gathered(name string, input, output []int, rows []Row, frozen bool) (Row, error) {
	sum := Row{Name: name, Kind: "block", Input: copied(input), Output: copied(output), Rows: rows}
	for _, r := range rows {
		var err error
		if sum, err = sum.plus(r); err != nil {
			return Row{}, fmt.Errorf("the sum so far: %w", err)
		}
	}
	if sum.Params > 0 {
		sum.Formula = Table{Rows: rows}.Sum()
	}
	if frozen {
		sum = sum.allFrozen()
	}
	return sum, nil
}

// allFrozen is the row with every parameter frozen, and so all the way down.
func (r Row) allFrozen() Row {
	r.Frozen = r.Params
	rows := make([]Row, len(r.Rows))
	for i, inner := range r.Rows {
		rows[i] = inner.allFrozen()
	}
	if len(rows) > 0 {
		r.Rows = rows
	}
	return r
}
