package zoo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl/count"
	"transferlab/tl/gx"
)

// Blocks are built from their arithmetic: what package count counts is what runs, so that no second list of layers can disagree with it.

// style is what an architecture's arithmetic leaves open.
type style struct {
	epsilon  float64 // of batch norms
	momentum float64 // of their running averages
}

// The batch norms of torchvision's networks: PyTorch's defaults. Its momentum 0.1 is the share of the batch.
var torchStyle = style{epsilon: 1e-5, momentum: 0.9}

// normalised is a batch norm with an epsilon of its own.
type normalised struct {
	count.BatchNorm
	epsilon float64
}

// activated is an activation whose name is not its kind.
type activated struct {
	count.Activation
	kind string
}

// step is one piece of a block's forward pass.
type step func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node

// builder turns layers into steps and gathers their variables.
type builder struct {
	style
	variables []Variable
	flattened []int // [h, w, c] where the numbers that come next are an image's in a row
}

// built is the block of those layers for an input, with its arithmetic, its variables and its forward pass. Kernel is its largest
// window.
func (s style) built(name, stage string, input []int, layers ...count.Layer) (Block, error) {
	block, err := Block{Name: name, Stage: stage, Layers: layers}.counted(input)
	if err != nil {
		return block, err
	}
	b := builder{style: s}
	steps, err := b.sequence(layers, block.Rows, "")
	if err != nil {
		return block, fmt.Errorf("zoo: block %s: %w", name, err)
	}
	block.Variables, block.Forward, block.Kernel = b.variables, steps.run, largestKernel(block.Rows)
	if _, pooled := layers[len(layers)-1].(count.GlobalPool); pooled && len(steps) > 1 && len(block.Rows[len(layers)-1].Input) == 3 {
		before, last := steps[:len(steps)-1], steps[len(steps)-1]
		block.Maps, block.Pool = before.run, func(x *graph.Node) *graph.Node { return last(nil, x, Mode{}) }
	}
	return block, nil
}

type steps []step

func (s steps) run(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
	for _, f := range s {
		x = f(scope, x, mode)
	}
	return x
}

// largestKernel is the largest window of a convolution, as summaries show it.
func largestKernel(rows []count.Row) (kernel string) {
	most := 0
	for _, r := range (count.Table{Rows: rows}).Leaves() {
		if strings.HasSuffix(r.Kind, "conv") && len(r.Tensors) > 0 {
			if places := r.Tensors[0].Shape[0] * r.Tensors[0].Shape[1]; places > most {
				most, kernel = places, r.Kernel
			}
		}
	}
	return kernel
}

// sequence builds layers one after another. rows are the same layers counted, whose names are the variables' paths.
func (b *builder) sequence(layers []count.Layer, rows []count.Row, path string) (steps, error) {
	var all steps
	for i := 0; i < len(layers); i++ {
		if conv, ok := layers[i].(count.Conv); ok && i+1 < len(layers) {
			if norm, epsilon, ok := b.batchNorm(layers[i+1]); ok {
				all = append(all, b.convNorm(conv, norm, epsilon, rows[i], rows[i+1], path))
				i++
				continue
			}
		}
		s, err := b.layer(layers[i], rows[i], path)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (b *builder) batchNorm(l count.Layer) (norm count.BatchNorm, epsilon float64, ok bool) {
	switch l := l.(type) {
	case count.BatchNorm:
		return l, b.epsilon, true
	case normalised:
		return l.BatchNorm, l.epsilon, true
	}
	return count.BatchNorm{}, 0, false
}

// layer builds one layer.
func (b *builder) layer(l count.Layer, row count.Row, path string) (step, error) {
	flattened := b.flattened
	b.flattened = nil
	switch l := l.(type) {
	case count.Conv:
		conv := b.conv(l, row, path)
		return func(scope *model.Scope, x *graph.Node, _ Mode) *graph.Node { return conv.plain(scope, x) }, nil
	case count.BatchNorm, normalised:
		norm, epsilon, _ := b.batchNorm(l)
		return b.norm(norm, epsilon, row, path).forward, nil
	case count.Dense:
		return b.dense(l, row, path, flattened), nil
	case count.Pool:
		return pool(l), nil
	case count.GlobalPool:
		if l.Max {
			return func(_ *model.Scope, x *graph.Node, _ Mode) *graph.Node { return graph.ReduceMax(x, spatial(x)...) }, nil
		}
		return func(_ *model.Scope, x *graph.Node, _ Mode) *graph.Node { return graph.ReduceMean(x, spatial(x)...) }, nil
	case count.Flatten:
		b.flattened = row.Input
		return func(_ *model.Scope, x *graph.Node, _ Mode) *graph.Node {
			return graph.Reshape(x, x.Shape().Dimensions[0], -1)
		}, nil
	case count.Activation, activated:
		b.flattened = flattened
		return activation(l)
	case count.Dropout:
		b.flattened = flattened
		return dropout(l.Rate), nil
	case count.Block:
		return b.inside(l.Layers, row.Rows, path+row.Name+"/")
	case count.Parallel:
		return b.parallel(l, row, path+row.Name+"/")
	}
	return nil, fmt.Errorf("layer %s: the zoo cannot build a %T", row.Name, l)
}

func (b *builder) inside(layers []count.Layer, rows []count.Row, path string) (step, error) {
	s, err := b.sequence(layers, rows, path)
	return s.run, err
}

// parallel sends x through all branches and adds what they put out, or puts their channels one behind the other.
func (b *builder) parallel(l count.Parallel, row count.Row, path string) (step, error) {
	branches := make([]step, len(l.Branches))
	for i, branch := range l.Branches {
		var err error
		if branches[i], err = b.inside(branch.Layers, row.Rows[i].Rows, path+row.Rows[i].Name+"/"); err != nil {
			return nil, err
		}
	}
	if l.Join != count.Add && l.Join != count.Concat {
		return nil, fmt.Errorf("layer %s: the zoo cannot join by %s", row.Name, l.Join)
	}
	return func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
		outputs := make([]*graph.Node, len(branches))
		for i, branch := range branches {
			outputs[i] = branch(scope, x, mode)
		}
		if l.Join == count.Concat {
			return graph.Concatenate(outputs, -1)
		}
		sum := outputs[0]
		for _, y := range outputs[1:] {
			sum = graph.Add(sum, y)
		}
		return sum
	}, nil
}

// named adds a layer's tensors to the block's variables, as its arithmetic lists them.
func (b *builder) named(row count.Row, path string) string {
	for _, t := range row.Tensors {
		b.variables = append(b.variables, Variable{Name: path + row.Name + "/" + t.Name, Shape: slices.Clone(t.Shape), Buffer: t.Buffer, Kernel: t.Name == "kernel"})
	}
	return path + row.Name
}

func (b *builder) dense(l count.Dense, row count.Row, path string, flattened []int) step {
	at := b.named(row, path)
	for i := range b.variables {
		if b.variables[i].Name == at+"/kernel" {
			b.variables[i].Image = flattened
		}
	}
	in, out := row.Input[len(row.Input)-1], l.Units
	return func(scope *model.Scope, x *graph.Node, _ Mode) *graph.Node {
		g := x.Graph()
		x = graph.Dot(x, variable(scope, at+"/kernel", in, out).NodeValue(g)).Product()
		if !l.NoBias {
			x = graph.Add(x, graph.Reshape(variable(scope, at+"/bias", out).NodeValue(g), 1, out))
		}
		return x
	}
}

// pool is a max or average pool. The window is laid for the image that comes, which may be of another size than the one that was counted.
func pool(l count.Pool) step {
	stride := l.Stride
	if stride == 0 {
		stride = l.Size
	}
	return func(_ *model.Scope, x *graph.Node, _ Mode) *graph.Node {
		w := windowOf(x, l.Padding, l.Border, l.Size, l.Size, stride)
		if l.Average {
			return gx.PoolMean(x, l.Size, w)
		}
		return gx.PoolMax(x, l.Size, w)
	}
}

func windowOf(x *graph.Node, padding count.Padding, border count.Border, kh, kw, stride int) gx.Window {
	switch padding {
	case count.Same:
		return gx.Same(x, kh, kw, stride)
	case count.Explicit:
		return gx.Window{Stride: stride, Rows: [2]int{border.Top, border.Bottom}, Columns: [2]int{border.Left, border.Right}}
	}
	return gx.Around(0, stride)
}

// spatial are the axes between the batch and the channels.
func spatial(x *graph.Node) (axes []int) {
	for axis := 1; axis < x.Rank()-1; axis++ {
		axes = append(axes, axis)
	}
	return axes
}

func activation(l count.Layer) (step, error) {
	kind := ""
	switch l := l.(type) {
	case activated:
		kind = l.kind
	case count.Activation:
		kind = l.Name
	}
	switch {
	case kind == "relu6":
		return func(_ *model.Scope, x *graph.Node, _ Mode) *graph.Node { return relu6(x) }, nil
	case strings.HasPrefix(kind, "relu"): // relu1, relu2 …
		return func(_ *model.Scope, x *graph.Node, _ Mode) *graph.Node { return graph.Max(x, graph.ZerosLike(x)) }, nil
	}
	return nil, fmt.Errorf("the zoo has no activation %q", kind)
}

// dropout zeroes a share of x where the mode says so, and scales the rest (Srivastava et al. 2014).
func dropout(rate float64) step {
	return func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
		if !mode.Dropout || rate == 0 {
			return x
		}
		kept := graph.Const(x.Graph(), float32(1-rate))
		return graph.Div(graph.Mul(x, scope.RandomBernoulli(kept, x.Shape())), kept)
	}
}
