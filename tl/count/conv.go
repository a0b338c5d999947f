package count

import "fmt"

// Padding says what a window meets at the border of an image.
type Padding int

const (
	// Same pads with zeros, as much as it takes for an output of ⌈input/stride⌉; where the amount is odd the right and bottom
	// get one more, as in TensorFlow.
	Same Padding = iota
	// Valid pads nothing: an output of ⌊(input − kernel)/stride⌋ + 1.
	Valid
	// Explicit pads with as many zeros as Border says, as PyTorch's padding does: an output of ⌊(input + border − kernel)/stride⌋ + 1.
	Explicit
)

// Border is the rows and columns of zeros that Explicit puts around an image.
type Border struct{ Top, Bottom, Left, Right int }

// Around is the same border on all four sides, PyTorch's padding=n.
func Around(n int) Border { return Border{n, n, n, n} }

// Conv is a convolution over [h, w, c].
type Conv struct {
	Name        string  // "" is "conv"
	Filters     int     // number of output channels, ≥ 1; 0 for a depthwise convolution, which has as many as its input
	Kernel      int     // side of the kernel, ≥ 1
	KernelWidth int     // where the kernel is not square, its width; Kernel is then its height. 0 is Kernel
	Stride      int     // 0 is 1
	Dilation    int     // distance between the numbers that the kernel sees (Yu & Koltun 2016); 0 is 1
	Padding     Padding // zero is Same
	Border      Border  // for Explicit
	Groups      int     // input and output channels are cut into so many groups that do not see each other; 0 is 1
	Depthwise   bool    // as many groups as channels: one filter for each (Howard et al. 2017)
	NoBias      bool    // as before a batch norm, whose offset does the same
}

// Count is filters × (kernel × kernel × channels that a filter sees) + biases.
func (l Conv) Count(input []int) (Row, error) {
	name := named(l.Name, "conv")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("conv %q: %w", name, err) }
	if err := isImage(input); err != nil {
		return fail(err)
	}
	filters, groups := l.Filters, l.Groups
	if l.Depthwise {
		if (filters != 0 && filters != input[2]) || l.Groups > 1 {
			return fail(fmt.Errorf("depthwise has as many filters and groups as its %d input channels; leave both 0", input[2]))
		}
		filters, groups = input[2], input[2]
	}
	if err := isGrouped(input[2], filters, groups); err != nil {
		return fail(err)
	}
	win := window{l.Kernel, l.KernelWidth, l.Stride, l.Dilation, l.Padding, l.Border}
	h, w, err := win.over(input)
	if err != nil {
		return fail(err)
	}
	weights, err := kernelOf(name, win, input[2]/max(groups, 1), filters, l.NoBias)
	if err != nil {
		return fail(err)
	}
	row, err := weights.with(input, []int{h, w, filters}, h, w)
	if err != nil {
		return fail(err)
	}
	row.Kind, row.Kernel = "conv", win.String()
	if l.Depthwise {
		row.Kind = "depthwise conv"
	}
	return row, nil
}

// TransposedConv is a convolution backwards over [h, w, c], which enlarges: each number of its input writes a whole kernel, strides apart
// (Dumoulin & Visin 2016). Decoders and generators use it.
type TransposedConv struct {
	Name          string // "" is "transposed conv"
	Filters       int    // number of output channels, ≥ 1
	Kernel        int    // side of the kernel, ≥ 1
	KernelWidth   int    // where the kernel is not square, its width; 0 is Kernel
	Stride        int    // 0 is 1
	Dilation      int    // 0 is 1
	Padding       Padding
	Border        Border // for Explicit: what is cut off on each side
	OutputPadding int    // for Explicit: rows and columns that are added at the bottom and right
	Groups        int    // 0 is 1
	NoBias        bool
}

// Count has as many parameters as the convolution that goes the other way. Its output is input × stride (Same), (input − 1) × stride +
// the larger of kernel and stride (Valid, as Keras), or (input − 1) × stride + kernel − border + OutputPadding (Explicit, as PyTorch). Its
// multiply-accumulates are those of the whole kernel for each number of its input, what falls outside included.
func (l TransposedConv) Count(input []int) (Row, error) {
	name := named(l.Name, "transposed conv")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("transposed conv %q: %w", name, err) }
	if err := isImage(input); err != nil {
		return fail(err)
	}
	if err := isGrouped(input[2], l.Filters, l.Groups); err != nil {
		return fail(err)
	}
	win := window{l.Kernel, l.KernelWidth, l.Stride, l.Dilation, l.Padding, l.Border}
	if err := win.check(); err != nil {
		return fail(err)
	}
	kernelH, kernelW, err := win.reach()
	if err != nil {
		return fail(err)
	}
	if l.OutputPadding < 0 || (l.OutputPadding > 0 && l.Padding != Explicit) {
		return fail(fmt.Errorf("output padding %d, want 0 or more, and 0 where the padding is not Explicit", l.OutputPadding))
	}
	h, err := l.enlarged(input[0], kernelH, l.Border.Top, l.Border.Bottom)
	if err != nil {
		return fail(err)
	}
	w, err := l.enlarged(input[1], kernelW, l.Border.Left, l.Border.Right)
	if err != nil {
		return fail(err)
	}
	weights, err := kernelOf(name, win, input[2]/max(l.Groups, 1), l.Filters, l.NoBias)
	if err != nil {
		return fail(err)
	}
	row, err := weights.with(input, []int{h, w, l.Filters}, input[0], input[1])
	if err != nil {
		return fail(err)
	}
	row.Kind, row.Kernel = "transposed conv", win.String()
	return row, nil
}

// enlarged is the output along one axis.
func (l TransposedConv) enlarged(length, kernel, before, after int) (int, error) {
	stride := max(l.Stride, 1)
	spread, err := product(length-1, stride)
	if err != nil {
		return 0, err
	}
	switch l.Padding {
	case Same:
		return add(spread, stride)
	case Valid:
		return add(spread, max(kernel, stride))
	}
	whole, err := add(spread, kernel, l.OutputPadding)
	if err != nil {
		return 0, err
	}
	cut, err := add(before, after)
	if err != nil {
		return 0, err
	}
	if cut >= whole {
		return 0, fmt.Errorf("border %d + %d leaves nothing of an output of %d", before, after, whole)
	}
	return whole - cut, nil
}

// isGrouped checks that filters and groups fit the channels.
func isGrouped(channels, filters, groups int) error {
	switch {
	case filters < 1:
		return fmt.Errorf("%d filters, want at least 1", filters)
	case groups < 0 || channels%max(groups, 1) != 0 || filters%max(groups, 1) != 0:
		return fmt.Errorf("%d groups do not divide %d input channels and %d filters", groups, channels, filters)
	}
	return nil
}

// kernel is the weights of a layer with kernels.
type kernel struct {
	row     Row
	weights int // without biases
}

func kernelOf(name string, w window, seen, filters int, noBias bool) (kernel, error) {
	high, wide := w.kernel, w.width()
	weights, err := product(filters, high, wide, seen)
	if err != nil {
		return kernel{}, err
	}
	params, formula, err := withBias(weights, fmt.Sprintf("%d × (%d×%d×%d)", filters, high, wide, seen), filters, noBias)
	if err != nil {
		return kernel{}, err
	}
	row := Row{Name: name, Formula: formula, Params: params, Tensors: []Tensor{{Name: "kernel", Shape: []int{high, wide, seen, filters}}}}
	if !noBias {
		row.Tensors = append(row.Tensors, Tensor{Name: "bias", Shape: []int{filters}})
	}
	return kernel{row, weights}, nil
}

// with is the row of the kernel, which is applied at h × w places.
func (k kernel) with(input, output []int, h, w int) (Row, error) {
	macs, err := product(h, w, k.weights)
	if err != nil {
		return Row{}, err
	}
	k.row.MACs = int64(macs)
	return k.row.of(input, output)
}

// of puts shapes into a row, and how many numbers the layer writes.
func (r Row) of(input, output []int) (Row, error) {
	elements, err := product(output...)
	if err != nil {
		return Row{}, err
	}
	r.Input, r.Output, r.Elements = copied(input), copied(output), int64(elements)
	return r, nil
}

// withBias adds one bias an output and ends the formula.
func withBias(weights int, formula string, outputs int, none bool) (params int, text string, err error) {
	if !none {
		formula += fmt.Sprintf(" + %d", outputs)
		if weights, err = add(weights, outputs); err != nil {
			return 0, "", err
		}
	}
	return weights, fmt.Sprintf("%s = %d", formula, weights), nil
}
