package count

import (
	"fmt"
	"slices"
	"strings"
)

// Leaves lists the layers without their blocks, in order, each named by its path: "layer1/residual/conv1".
func (t Table) Leaves() []Row {
	var leaves []Row
	var walk func(rows []Row, path string)
	walk = func(rows []Row, path string) {
		for _, r := range rows {
			r.Name = path + r.Name
			if len(r.Rows) == 0 && r.Kind != "block" { // an empty block is a shortcut
				leaves = append(leaves, r)
			}
			walk(r.Rows, r.Name+"/")
		}
	}
	walk(t.Rows, "")
	return leaves
}

// Tensors lists the tensors of all layers, each with its layer's path before its name: "layer1/residual/conv1/kernel".
func (t Table) Tensors() []Tensor {
	var all []Tensor
	for _, r := range t.Leaves() {
		for _, tensor := range r.Tensors {
			tensor.Name = r.Name + "/" + tensor.Name
			all = append(all, tensor)
		}
	}
	return all
}

// Check compares the arithmetic with the tensors that a program really holds, by name and shape and by what an optimizer may move, and
// names the first that disagrees.
func (t Table) Check(held []Tensor) error {
	byName := map[string]Tensor{}
	for _, h := range held {
		if _, twice := byName[h.Name]; twice {
			return fmt.Errorf("count: check: two tensors are called %s", h.Name)
		}
		byName[h.Name] = h
	}
	wanted := map[string]bool{}
	for _, want := range t.Tensors() {
		wanted[want.Name] = true
		got, found := byName[want.Name]
		switch {
		case !found:
			return fmt.Errorf("count: check: the arithmetic wants %s %v, which is not held", want.Name, want.Shape)
		case !slices.Equal(got.Shape, want.Shape):
			return fmt.Errorf("count: check: %s is %v by the arithmetic and held as %v", want.Name, want.Shape, got.Shape)
		case got.Buffer != want.Buffer:
			return fmt.Errorf("count: check: %s is a %s by the arithmetic and held as a %s", want.Name, kindOf(want), kindOf(got))
		}
	}
	for _, h := range held {
		if !wanted[h.Name] {
			return fmt.Errorf("count: check: %s %v is held, which the arithmetic does not know", h.Name, h.Shape)
		}
	}
	return nil
}

func kindOf(t Tensor) string {
	if t.Buffer {
		return "buffer"
	}
	return "parameter"
}

// Freeze is the table with the parameters of these layers and blocks frozen, named by their paths: "features", "layer1/residual/conv1".
func (t Table) Freeze(paths ...string) (Table, error) {
	rows := t.Rows
	for _, path := range paths {
		frozen, err := freeze(rows, path, "")
		if err != nil {
			return t, fmt.Errorf("count: freeze %q: %w", path, err)
		}
		rows = frozen
	}
	t.Rows = rows
	return t, nil
}

// freeze copies the rows on the way to what it freezes.
func freeze(rows []Row, path, under string) ([]Row, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("nothing stands in %s", strings.TrimSuffix(under, "/"))
	}
	rows = slices.Clone(rows)
	var names []string
	for i, r := range rows {
		names = append(names, r.Name)
		inside, found := strings.CutPrefix(path, r.Name+"/")
		switch {
		case path == r.Name:
			rows[i] = r.allFrozen()
			return rows, nil
		case found:
			inner, err := freeze(r.Rows, inside, under+r.Name+"/")
			if err != nil {
				return nil, err
			}
			rows[i].Rows, rows[i].Frozen = inner, Table{Rows: inner}.Frozen()
			return rows, nil
		}
	}
	return nil, fmt.Errorf("no layer %q in %s (have %s)", path, named(strings.TrimSuffix(under, "/"), "the network"), strings.Join(names, ", "))
}
