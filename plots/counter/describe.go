package counter

import (
	"fmt"
	"reflect"

	"transferlab/tl/count"
)

// network is an architecture as the page's script reads it.
type network struct {
	Name   string  `json:"name"`
	Label  string  `json:"label"` // what the list of networks calls it
	Input  []int   `json:"input"`
	Layers []layer `json:"layers"`
}

// layer has the fields of all kinds of layers. Zeros mean what they mean in tl/count, and are left out.
type layer struct {
	Kind          string  `json:"kind"`
	Name          string  `json:"name,omitempty"`
	Filters       int     `json:"filters,omitempty"`
	Kernel        int     `json:"kernel,omitempty"`
	KernelWidth   int     `json:"kernelWidth,omitempty"`
	Stride        int     `json:"stride,omitempty"`
	Dilation      int     `json:"dilation,omitempty"`
	Padding       int     `json:"padding,omitempty"`
	Border        []int   `json:"border,omitempty"` // top, bottom, left, right
	OutputPadding int     `json:"outputPadding,omitempty"`
	Groups        int     `json:"groups,omitempty"`
	Depthwise     bool    `json:"depthwise,omitempty"`
	NoBias        bool    `json:"noBias,omitempty"`
	NoScale       bool    `json:"noScale,omitempty"`
	Units         int     `json:"units,omitempty"`
	Words         int     `json:"words,omitempty"`
	Size          int     `json:"size,omitempty"`
	Average       bool    `json:"average,omitempty"`
	Max           bool    `json:"max,omitempty"`
	Rate          float64 `json:"rate,omitempty"`
	Join          int     `json:"join,omitempty"`
	Frozen        bool    `json:"frozen,omitempty"`
	Layers        []layer `json:"layers,omitempty"`
	Branches      []layer `json:"branches,omitempty"`
}

func described(a count.Architecture) (network, error) {
	n := network{Name: a.Name, Label: a.Name, Input: append([]int{}, a.Input...)} // never null
	for _, length := range a.Input {
		if !exact(length) {
			return n, fmt.Errorf("counter: input %v of %s: %w", a.Input, a.Name, errInexact)
		}
	}
	var err error
	if n.Layers, err = describedLayers(a.Layers, 0); err != nil {
		return n, fmt.Errorf("counter: %s: %w", a.Name, err)
	}
	return n, nil
}

// deepest is where tl/count stops too: a block contains itself.
const deepest = 100

func describedLayers(layers []count.Layer, depth int) ([]layer, error) {
	if depth > deepest {
		return nil, fmt.Errorf("blocks inside blocks, more than %d deep: one contains itself", deepest)
	}
	described := []layer{}
	for i, l := range layers {
		d, err := describedLayer(l, depth)
		if err == nil {
			err = d.check()
		}
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		described = append(described, d)
	}
	return described, nil
}

// describedLayer takes tl/count's own layers, and those that say which of them they are, as tl.Layer does.
func describedLayer(l count.Layer, depth int) (d layer, err error) {
	switch l := l.(type) {
	case count.Conv:
		return layer{Kind: "conv", Name: l.Name, Filters: l.Filters, Kernel: l.Kernel, KernelWidth: l.KernelWidth, Stride: l.Stride, Dilation: l.Dilation,
			Padding: int(l.Padding), Border: sides(l.Border), Groups: l.Groups, Depthwise: l.Depthwise, NoBias: l.NoBias}, nil
	case count.TransposedConv:
		return layer{Kind: "transposedConv", Name: l.Name, Filters: l.Filters, Kernel: l.Kernel, KernelWidth: l.KernelWidth, Stride: l.Stride,
			Dilation: l.Dilation, Padding: int(l.Padding), Border: sides(l.Border), OutputPadding: l.OutputPadding, Groups: l.Groups, NoBias: l.NoBias}, nil
	case count.Dense:
		return layer{Kind: "dense", Name: l.Name, Units: l.Units, NoBias: l.NoBias}, nil
	case count.BatchNorm:
		return layer{Kind: "batchNorm", Name: l.Name, NoScale: l.NoScale}, nil
	case count.LayerNorm:
		return layer{Kind: "layerNorm", Name: l.Name}, nil
	case count.Embedding:
		return layer{Kind: "embedding", Name: l.Name, Words: l.Words, Units: l.Units}, nil
	case count.Pool:
		return layer{Kind: "pool", Name: l.Name, Size: l.Size, Stride: l.Stride, Padding: int(l.Padding), Border: sides(l.Border), Average: l.Average}, nil
	case count.GlobalPool:
		return layer{Kind: "globalPool", Name: l.Name, Max: l.Max}, nil
	case count.Flatten:
		return layer{Kind: "flatten", Name: l.Name}, nil
	case count.Activation:
		return layer{Kind: "activation", Name: l.Name}, nil
	case count.Dropout:
		return layer{Kind: "dropout", Name: l.Name, Rate: l.Rate}, nil
	case count.Block:
		d = layer{Kind: "block", Name: l.Name, Frozen: l.Frozen}
		d.Layers, err = describedLayers(l.Layers, depth+1)
		return d, err
	case count.Parallel:
		d = layer{Kind: "parallel", Name: l.Name, Join: int(l.Join), Frozen: l.Frozen}
		for _, b := range l.Branches {
			inner, err := describedLayer(b, depth+1)
			if err != nil {
				return d, fmt.Errorf("branch %q: %w", b.Name, err)
			}
			d.Branches = append(d.Branches, inner)
		}
		return d, nil
	case interface{ Counted() (count.Layer, error) }:
		counted, err := l.Counted()
		if err != nil {
			return d, err
		}
		return describedLayer(counted, depth+1)
	}
	return d, fmt.Errorf("a layer of type %T is unknown to the counter (have those of tl/count and tl)", l)
}

func sides(b count.Border) []int {
	if b == (count.Border{}) {
		return nil
	}
	return []int{b.Top, b.Bottom, b.Left, b.Right}
}

var errInexact = fmt.Errorf("a number beyond 53 bits, which a browser does not read exactly")

func exact(n int) bool { return -1<<53 < n && n < 1<<53 }

// check refuses what JSON or a browser would change.
func (l layer) check() error {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Int && !exact(int(f.Int())) {
			return errInexact
		}
	}
	for _, n := range l.Border {
		if !exact(n) {
			return errInexact
		}
	}
	if l.Rate != l.Rate || l.Rate-l.Rate != 0 {
		return fmt.Errorf("rate %g is no number that a browser reads", l.Rate)
	}
	return nil
}
