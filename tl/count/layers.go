package count

import "fmt"

// Dense is a fully connected layer over [c], or over each position of [length, c].
type Dense struct {
	Name   string // "" is "dense"
	Units  int    // number of outputs, ≥ 1
	NoBias bool
}

// Count is units × inputs + biases.
func (l Dense) Count(input []int) (Row, error) {
	name := named(l.Name, "dense")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("dense %q: %w", name, err) }
	if len(input) != 1 && len(input) != 2 {
		return fail(fmt.Errorf("input %v, want [c] or [length, c]: put Flatten or GlobalPool before it", input))
	}
	if err := isShape(input); err != nil {
		return fail(err)
	}
	if l.Units < 1 {
		return fail(fmt.Errorf("%d units, want at least 1", l.Units))
	}
	channels, output := input[len(input)-1], copied(input)
	output[len(output)-1] = l.Units
	weights, err := product(l.Units, channels)
	if err != nil {
		return fail(err)
	}
	params, formula, err := withBias(weights, fmt.Sprintf("%d × %d", l.Units, channels), l.Units, l.NoBias)
	if err != nil {
		return fail(err)
	}
	macs, err := product(append(input[:len(input)-1:len(input)-1], weights)...)
	if err != nil {
		return fail(err)
	}
	row := Row{Name: name, Kind: "dense", Formula: formula, Params: params, MACs: int64(macs),
		Tensors: []Tensor{{Name: "kernel", Shape: []int{channels, l.Units}}}}
	if !l.NoBias {
		row.Tensors = append(row.Tensors, Tensor{Name: "bias", Shape: []int{l.Units}})
	}
	if row, err = row.of(input, output); err != nil {
		return fail(err)
	}
	return row, nil
}

// BatchNorm is batch normalisation (Ioffe & Szegedy 2015) over the last axis: a scale and an offset for each channel, which are
// parameters, and the averages of mean and variance, which are buffers.
type BatchNorm struct {
	Name    string // "" is "bn"
	NoScale bool   // as in Keras's InceptionV3: before a relu the next convolution can do the scaling
}

// Count is 2 × channels, and as many buffers.
func (l BatchNorm) Count(input []int) (Row, error) {
	name := named(l.Name, "bn")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("batch norm %q: %w", name, err) }
	if err := isShape(input); err != nil {
		return fail(err)
	}
	channels := input[len(input)-1]
	buffers, err := product(2, channels)
	if err != nil {
		return fail(err)
	}
	row := Row{Name: name, Kind: "batch norm", Params: buffers, Buffers: buffers,
		Formula: fmt.Sprintf("2 × %d = %d", channels, buffers), BufferFormula: fmt.Sprintf("2 × %d = %d", channels, buffers)}
	shape := []int{channels}
	row.Tensors = []Tensor{{Name: "scale", Shape: shape}, {Name: "offset", Shape: shape},
		{Name: "mean", Shape: shape, Buffer: true}, {Name: "variance", Shape: shape, Buffer: true}}
	if l.NoScale {
		row.Params, row.Formula, row.Tensors = channels, fmt.Sprintf("1 × %d = %d", channels, channels), row.Tensors[1:]
	}
	if row, err = row.of(input, input); err != nil {
		return fail(err)
	}
	return row, nil
}

// LayerNorm is layer normalisation (Ba et al. 2016) over the last axis: a scale and an offset for each channel. It has no averages.
type LayerNorm struct {
	Name string // "" is "ln"
}

// Count is 2 × channels.
func (l LayerNorm) Count(input []int) (Row, error) {
	name := named(l.Name, "ln")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("layer norm %q: %w", name, err) }
	if err := isShape(input); err != nil {
		return fail(err)
	}
	channels := input[len(input)-1]
	params, err := product(2, channels)
	if err != nil {
		return fail(err)
	}
	shape := []int{channels}
	row := Row{Name: name, Kind: "layer norm", Params: params, Formula: fmt.Sprintf("2 × %d = %d", channels, params),
		Tensors: []Tensor{{Name: "scale", Shape: shape}, {Name: "offset", Shape: shape}}}
	if row, err = row.of(input, input); err != nil {
		return fail(err)
	}
	return row, nil
}

// Embedding looks up a vector for each of the words of a text, which are numbers: [length] → [length, units].
type Embedding struct {
	Name  string // "" is "embedding"
	Words int    // size of the vocabulary, ≥ 1
	Units int    // length of a vector, ≥ 1
}

// Count is words × units. It looks up and multiplies nothing.
func (l Embedding) Count(input []int) (Row, error) {
	name := named(l.Name, "embedding")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("embedding %q: %w", name, err) }
	switch {
	case len(input) != 1:
		return fail(fmt.Errorf("input %v, want [length], a row of word numbers", input))
	case input[0] < 1:
		return fail(isShape(input))
	case l.Words < 1 || l.Units < 1:
		return fail(fmt.Errorf("%d words and %d units, want at least 1", l.Words, l.Units))
	}
	params, err := product(l.Words, l.Units)
	if err != nil {
		return fail(err)
	}
	row := Row{Name: name, Kind: "embedding", Params: params, Formula: fmt.Sprintf("%d × %d = %d", l.Words, l.Units, params),
		Tensors: []Tensor{{Name: "table", Shape: []int{l.Words, l.Units}}}}
	if row, err = row.of(input, []int{input[0], l.Units}); err != nil {
		return fail(err)
	}
	return row, nil
}

// Pool takes the largest value or the mean of each window, channel by channel.
type Pool struct {
	Name    string // "" is "pool"
	Size    int    // side of the window, ≥ 1
	Stride  int    // 0 is Size: windows do not overlap
	Padding Padding
	Border  Border // for Explicit
	Average bool   // the mean, not the largest
}

// Count has no parameters.
func (l Pool) Count(input []int) (Row, error) {
	name := named(l.Name, "pool")
	fail := func(err error) (Row, error) { return Row{}, fmt.Errorf("pool %q: %w", name, err) }
	if err := isImage(input); err != nil {
		return fail(err)
	}
	win := window{kernel: l.Size, stride: l.Stride, padding: l.Padding, border: l.Border}
	if l.Stride == 0 {
		win.stride = l.Size
	}
	h, w, err := win.over(input)
	if err != nil {
		return fail(err)
	}
	row, err := Row{Name: name, Kind: maxOrMean(l.Average) + " pool", Kernel: win.String()}.of(input, []int{h, w, input[2]})
	if err != nil {
		return fail(err)
	}
	return row, nil
}

func maxOrMean(average bool) string {
	if average {
		return "average"
	}
	return "max"
}

// GlobalPool takes one number for each channel: [h, w, c] or [length, c] → [c].
type GlobalPool struct {
	Name string // "" is "global pool"
	Max  bool   // the largest, not the mean
}

// Count has no parameters.
func (l GlobalPool) Count(input []int) (Row, error) {
	name := named(l.Name, "global pool")
	if len(input) != 2 && len(input) != 3 {
		return Row{}, fmt.Errorf("%s: input %v, want [h, w, c] or [length, c]", name, input)
	}
	return plain(name, "global "+maxOrMean(!l.Max)+" pool", input, input[len(input)-1:])
}

// Flatten puts all numbers of an image in a row: [h, w, c] → [h·w·c].
type Flatten struct {
	Name string // "" is "flatten"
}

// Count has no parameters, and writes nothing: the numbers stay where they are.
func (l Flatten) Count(input []int) (Row, error) {
	name := named(l.Name, "flatten")
	if err := isShape(input); err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	n, err := product(input...)
	if err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	return Row{Name: name, Kind: "flatten", Input: copied(input), Output: []int{n}}, nil
}

// Activation changes each number on its own, as relu does; it keeps the shape.
type Activation struct {
	Name string // "" is "activation"
}

// Count has no parameters.
func (l Activation) Count(input []int) (Row, error) {
	return plain(named(l.Name, "activation"), "activation", input, input)
}

// Dropout sets a share of its inputs to zero in training (Srivastava et al. 2014) and passes them on otherwise.
type Dropout struct {
	Name string  // "" is "dropout"
	Rate float64 // the share, in [0, 1)
}

// Count has no parameters.
func (l Dropout) Count(input []int) (Row, error) {
	name := named(l.Name, "dropout")
	if !(l.Rate >= 0 && l.Rate < 1) {
		return Row{}, fmt.Errorf("%s: rate %g, want 0 or more and less than 1", name, l.Rate)
	}
	return plain(name, "dropout", input, input)
}

// plain is the row of a layer without parameters.
func plain(name, kind string, input, output []int) (Row, error) {
	if err := isShape(input); err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	row, err := Row{Name: name, Kind: kind}.of(input, output)
	if err != nil {
		return Row{}, fmt.Errorf("%s: %w", name, err)
	}
	return row, nil
}
