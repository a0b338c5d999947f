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
)

// Conv is a convolution over [h, w, c] with square kernels.
type Conv struct {
	Name      string  // "" is "conv"
	Filters   int     // number of output channels, ≥ 1; 0 for a depthwise convolution, which has as many as its input
	Kernel    int     // side of the kernel, ≥ 1
	Stride    int     // 0 is 1
	Padding   Padding // zero is Same
	Groups    int     // input and output channels are cut into so many groups that do not see each other; 0 is 1
	Depthwise bool    // as many groups as channels: one filter for each (Howard et al. 2017)
	NoBias    bool    // as before a batch norm, whose offset does the same
}

// Count is filters × (kernel × kernel × channels that a filter sees) + biases.
func (l Conv) Count(input []int) (Row, error) {
	name := named(l.Name, "conv")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("conv %q: %w", name, err) }
	if err := isImage(input); err != nil {
		return fail(err)
	}
	filters, groups := l.Filters, max(l.Groups, 1)
	if l.Depthwise {
		if (filters != 0 && filters != input[2]) || l.Groups > 1 {
			return fail(fmt.Errorf("depthwise has as many filters and groups as its %d input channels; leave both 0", input[2]))
		}
		filters, groups = input[2], input[2]
	}
	switch {
	case filters < 1:
		return fail(fmt.Errorf("%d filters, want at least 1", filters))
	case l.Groups < 0 || input[2]%groups != 0 || filters%groups != 0:
		return fail(fmt.Errorf("%d groups do not divide %d input channels and %d filters", l.Groups, input[2], filters))
	}
	h, w, err := window(input, l.Kernel, l.Stride, l.Padding)
	if err != nil {
		return fail(err)
	}
	seen := input[2] / groups
	weights, err := product(filters, l.Kernel, l.Kernel, seen)
	if err != nil {
		return fail(err)
	}
	formula := fmt.Sprintf("%d × (%d×%d×%d)", filters, l.Kernel, l.Kernel, seen)
	params, formula, err := withBias(weights, formula, filters, l.NoBias)
	if err != nil {
		return fail(err)
	}
	macs, err := product(h, w, weights)
	if err != nil {
		return fail(err)
	}
	return Row{Name: name, Output: []int{h, w, filters}, Formula: formula, Params: params, MACs: int64(macs)}, nil
}

// Dense is a fully connected layer over [c].
type Dense struct {
	Name   string // "" is "dense"
	Units  int    // number of outputs, ≥ 1
	NoBias bool
}

// Count is units × inputs + biases.
func (l Dense) Count(input []int) (Row, error) {
	name := named(l.Name, "dense")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("dense %q: %w", name, err) }
	if len(input) != 1 || input[0] < 1 {
		return fail(fmt.Errorf("input %v, want [c]: put Flatten or GlobalPool before it", input))
	}
	if l.Units < 1 {
		return fail(fmt.Errorf("%d units, want at least 1", l.Units))
	}
	weights, err := product(l.Units, input[0])
	if err != nil {
		return fail(err)
	}
	params, formula, err := withBias(weights, fmt.Sprintf("%d × %d", l.Units, input[0]), l.Units, l.NoBias)
	if err != nil {
		return fail(err)
	}
	return Row{Name: name, Output: []int{l.Units}, Formula: formula, Params: params, MACs: int64(weights)}, nil
}

// BatchNorm is batch normalisation (Ioffe & Szegedy 2015) over the last axis: a scale and an offset for each channel, which are
// parameters, and the averages of mean and variance, which are buffers.
type BatchNorm struct {
	Name string // "" is "bn"
}

// Count is 2 × channels, and as many buffers.
func (l BatchNorm) Count(input []int) (Row, error) {
	name := named(l.Name, "bn")
	if err := isShape(input); err != nil {
		return Row{}, fmt.Errorf("batch norm %q: %w", name, err)
	}
	channels := input[len(input)-1]
	params, err := product(2, channels)
	if err != nil {
		return Row{}, fmt.Errorf("batch norm %q: %w", name, err)
	}
	return Row{Name: name, Output: copied(input), Formula: fmt.Sprintf("2 × %d = %d", channels, params), Params: params, Buffers: params}, nil
}

// Pool takes the largest value or the mean of each window, channel by channel.
type Pool struct {
	Name    string // "" is "pool"
	Size    int    // side of the window, ≥ 1
	Stride  int    // 0 is Size: windows do not overlap
	Padding Padding
}

// Count has no parameters.
func (l Pool) Count(input []int) (Row, error) {
	name := named(l.Name, "pool")
	stride := l.Stride
	if stride == 0 {
		stride = l.Size
	}
	if err := isImage(input); err != nil {
		return Row{}, fmt.Errorf("pool %q: %w", name, err)
	}
	h, w, err := window(input, l.Size, stride, l.Padding)
	if err != nil {
		return Row{}, fmt.Errorf("pool %q: %w", name, err)
	}
	return Row{Name: name, Output: []int{h, w, input[2]}}, nil
}

// GlobalPool takes one number for each channel: [h, w, c] → [c].
type GlobalPool struct {
	Name string // "" is "global pool"
}

// Count has no parameters.
func (l GlobalPool) Count(input []int) (Row, error) {
	name := named(l.Name, "global pool")
	if err := isImage(input); err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	return Row{Name: name, Output: []int{input[2]}}, nil
}

// Flatten puts all numbers of an image in a row: [h, w, c] → [h·w·c].
type Flatten struct {
	Name string // "" is "flatten"
}

// Count has no parameters.
func (l Flatten) Count(input []int) (Row, error) {
	name := named(l.Name, "flatten")
	if err := isShape(input); err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	n, err := product(input...)
	if err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	return Row{Name: name, Output: []int{n}}, nil
}

// Activation changes each number on its own, as relu does; it keeps the shape.
type Activation struct {
	Name string // "" is "activation"
}

// Count has no parameters.
func (l Activation) Count(input []int) (Row, error) {
	name := named(l.Name, "activation")
	if err := isShape(input); err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	return Row{Name: name, Output: copied(input)}, nil
}

// window is the size of the output of a window that moves over an image.
func window(input []int, kernel, stride int, padding Padding) (h, w int, err error) {
	if stride == 0 {
		stride = 1
	}
	if kernel < 1 || stride < 1 {
		return 0, 0, fmt.Errorf("kernel %d and stride %d, want at least 1", kernel, stride)
	}
	switch padding {
	case Same:
		return (input[0]-1)/stride + 1, (input[1]-1)/stride + 1, nil
	case Valid:
		if kernel > input[0] || kernel > input[1] {
			return 0, 0, fmt.Errorf("kernel %d×%d is larger than its input %s", kernel, kernel, shapeText(input))
		}
		return (input[0]-kernel)/stride + 1, (input[1]-kernel)/stride + 1, nil
	}
	return 0, 0, fmt.Errorf("padding %d, want Same or Valid", padding)
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
