package count_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"transferlab/tl/count"
)

// TestRandomNetworks builds networks at random, of every kind of layer, nested, and holds the numbers of each against loops that count one by
// one, and against the sums of their parts.
func TestRandomNetworks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	counted, kinds := 0, map[string]int{}
	for range 3000 {
		input := []int{1 + r.IntN(12), 1 + r.IntN(12), 1 + r.IntN(6)}
		layers := randomLayers(r, 1+r.IntN(5), 3)
		table, err := count.Network(input, layers...)
		if err != nil {
			continue // a random layer need not fit; what fits must be right
		}
		counted++
		checkSums(t, table)
		shape := input
		for i, l := range layers {
			row := table.Rows[i]
			kinds[row.Kind]++
			checkByLoops(t, l, row, shape)
			shape = row.Output
		}
	}
	for _, kind := range []string{"conv", "depthwise conv", "transposed conv", "dense", "batch norm", "layer norm", "max pool", "average pool",
		"global average pool", "flatten", "activation", "dropout", "block"} {
		if kinds[kind] < 20 {
			t.Errorf("only %d of kind %q were tried", kinds[kind], kind)
		}
	}
	if counted < 500 {
		t.Errorf("only %d networks fit", counted)
	}
}

func randomLayers(r *rand.Rand, n, depth int) []count.Layer {
	var layers []count.Layer
	for range n {
		layers = append(layers, randomLayer(r, depth))
	}
	return layers
}

func randomLayer(r *rand.Rand, depth int) count.Layer {
	padding, border := count.Padding(r.IntN(3)), count.Border{}
	if padding == count.Explicit {
		border = count.Border{Top: r.IntN(3), Bottom: r.IntN(3), Left: r.IntN(3), Right: r.IntN(3)}
	}
	kernel, wide, stride, dilation := 1+r.IntN(4), r.IntN(5), r.IntN(4), r.IntN(3)
	noBias, groups := r.IntN(2) == 0, r.IntN(3)
	switch r.IntN(13) {
	case 0:
		return count.Conv{Filters: 1 + r.IntN(6), Kernel: kernel, KernelWidth: wide, Stride: stride, Dilation: dilation, Padding: padding, Border: border, Groups: groups, NoBias: noBias}
	case 1:
		return count.Conv{Depthwise: true, Kernel: kernel, KernelWidth: wide, Stride: stride, Dilation: dilation, Padding: padding, Border: border, NoBias: noBias}
	case 2:
		return count.TransposedConv{Filters: 1 + r.IntN(6), Kernel: kernel, KernelWidth: wide, Stride: stride, Dilation: dilation, Padding: padding, Border: border, Groups: groups, NoBias: noBias}
	case 3:
		return count.BatchNorm{NoScale: noBias}
	case 4:
		return count.LayerNorm{}
	case 5:
		return count.Pool{Size: kernel, Stride: stride, Padding: padding, Border: border, Average: noBias}
	case 6:
		return count.GlobalPool{}
	case 7:
		return count.Flatten{}
	case 8:
		return count.Dense{Units: 1 + r.IntN(9), NoBias: noBias}
	case 9:
		return count.Dropout{Rate: r.Float64()}
	case 10:
		return count.Activation{}
	case 11:
		if depth > 0 {
			return count.Block{Layers: randomLayers(r, r.IntN(4), depth-1), Frozen: noBias}
		}
	case 12:
		if depth > 0 {
			return count.Parallel{Join: count.Join(r.IntN(3)), Frozen: noBias,
				Branches: []count.Block{{Layers: randomLayers(r, r.IntN(2), depth-1)}, {}, {Layers: randomLayers(r, r.IntN(2), depth-1)}}}
		}
	}
	return count.Activation{Name: "relu"}
}

// checkSums: a block is the sum of its rows, the table that of all layers, and tensors have as many numbers as parameters and buffers.
func checkSums(t *testing.T, table count.Table) {
	t.Helper()
	var params, frozen, buffers int
	var macs, elements int64
	for _, r := range table.Leaves() {
		params, frozen, buffers, macs, elements = params+r.Params, frozen+r.Frozen, buffers+r.Buffers, macs+r.MACs, elements+r.Elements
	}
	if table.Params() != params || table.Frozen() != frozen || table.Buffers() != buffers || table.MACs() != macs || table.Elements() != elements ||
		table.Trainable() != params-frozen {
		t.Errorf("the table is not the sum of its layers:\n%s", table)
	}
	held := 0
	for _, tensor := range table.Tensors() {
		held += volume(tensor.Shape)
	}
	if held != params+buffers {
		t.Errorf("tensors of %d numbers for %d parameters and %d buffers:\n%s", held, params, buffers, table)
	}
	var blocks func(rows []count.Row)
	blocks = func(rows []count.Row) {
		for _, r := range rows {
			inner := count.Table{Input: r.Input, Rows: r.Rows}
			if len(r.Rows) > 0 && (inner.Params() != r.Params || inner.Frozen() != r.Frozen || inner.MACs() != r.MACs || inner.Elements() != r.Elements) {
				t.Errorf("a block is not the sum of its layers: %+v", r)
			}
			blocks(r.Rows)
		}
	}
	blocks(table.Rows)
}

func volume(shape []int) int {
	n := 1
	for _, length := range shape {
		n *= length
	}
	return n
}

// checkByLoops counts a layer with windows again, place by place and weight by weight.
func checkByLoops(t *testing.T, l count.Layer, row count.Row, input []int) {
	t.Helper()
	switch l := l.(type) {
	case count.Conv:
		filters, groups := l.Filters, max(l.Groups, 1)
		if l.Depthwise {
			filters, groups = input[2], input[2]
		}
		high := places(input[0], l.Kernel, max(l.Stride, 1), max(l.Dilation, 1), l.Padding, l.Border.Top, l.Border.Bottom)
		wide := places(input[1], widthOf(l.Kernel, l.KernelWidth), max(l.Stride, 1), max(l.Dilation, 1), l.Padding, l.Border.Left, l.Border.Right)
		weights := weightsByLoops(filters, l.Kernel, widthOf(l.Kernel, l.KernelWidth), input[2], groups)
		compareRow(t, row, []int{high, wide, filters}, weights, filters, l.NoBias, weights*high*wide)
	case count.TransposedConv:
		high := written(input[0], l.Kernel, max(l.Stride, 1), max(l.Dilation, 1), l.Padding, l.Border.Top, l.Border.Bottom)
		wide := written(input[1], widthOf(l.Kernel, l.KernelWidth), max(l.Stride, 1), max(l.Dilation, 1), l.Padding, l.Border.Left, l.Border.Right)
		weights := weightsByLoops(l.Filters, l.Kernel, widthOf(l.Kernel, l.KernelWidth), input[2], max(l.Groups, 1))
		compareRow(t, row, []int{high, wide, l.Filters}, weights, l.Filters, l.NoBias, weights*input[0]*input[1])
	case count.Pool:
		stride := l.Stride
		if stride == 0 {
			stride = l.Size
		}
		high := places(input[0], l.Size, stride, 1, l.Padding, l.Border.Top, l.Border.Bottom)
		wide := places(input[1], l.Size, stride, 1, l.Padding, l.Border.Left, l.Border.Right)
		compareRow(t, row, []int{high, wide, input[2]}, 0, 0, true, 0)
	}
}

func compareRow(t *testing.T, row count.Row, output []int, weights, biases int, noBias bool, macs int) {
	t.Helper()
	if noBias {
		biases = 0
	}
	if !slices.Equal(row.Output, output) || row.Params != weights+biases || row.MACs != int64(macs) || row.Elements != int64(volume(output)) {
		t.Errorf("%+v, by loops %v, %d + %d parameters, %d multiply-accumulates", row, output, weights, biases, macs)
	}
}

func widthOf(kernel, wide int) int {
	if wide == 0 {
		return kernel
	}
	return wide
}

// places moves a window along an axis and counts where its first and last number still lie on the padded axis.
func places(length, kernel, stride, dilation int, padding count.Padding, before, after int) (n int) {
	last := 0 // of the kernel, seen from its first number
	for k := 1; k < kernel; k++ {
		last += dilation
	}
	if padding == count.Same { // TensorFlow's amount of zeros: for so many windows that each stride has one
		windows := 0
		for at := 0; at < length; at += stride {
			windows++
		}
		pad := max(0, (windows-1)*stride+last+1-length)
		before, after = pad/2, pad-pad/2
	}
	for at := -before; at+last < length+after; at += stride {
		n++
	}
	return n
}

// written lets each number of an axis write its kernel and counts the places from the first to the last.
func written(length, kernel, stride, dilation int, padding count.Padding, before, after int) int {
	end := 0
	for i := range length {
		for k := range kernel {
			end = max(end, i*stride+k*dilation+1)
		}
		if padding != count.Explicit {
			end = max(end, (i+1)*stride) // Keras gives each number its whole stride
		}
	}
	if padding == count.Same {
		return length * stride
	}
	return end - before - after
}

func weightsByLoops(filters, high, wide, channels, groups int) (n int) {
	for filter := range filters {
		for channel := range channels {
			if filter*groups/filters == channel*groups/channels { // of one group
				n += high * wide
			}
		}
	}
	return n
}
