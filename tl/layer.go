package tl

import (
	"fmt"

	"transferlab/tl/count"
)

// Layer describes one layer of a head or of a network of the user's own ([Sequence]), as data. Constructors make one ([Conv], [Dense] …) and
// methods change it: tl.Conv(64, 3).Strided(2).WithoutBias(). What a kind does not have stays zero.
type Layer struct {
	Kind  string  // "conv", "batch norm", "relu", "relu6", "max pool", "average pool", "global average pool", "flatten", "dense", "dropout"
	Units int     // dense: number of outputs, ≥ 1; conv: number of filters, 0 where Depthwise
	Rate  float64 // dropout: share of inputs set to zero in training, in [0, 1)

	Name      string  `json:",omitempty"` // of its tensors; "" is the kind, with a number where a block has it twice
	Kernel    int     `json:",omitempty"` // conv and pools: side of the window in pixels, ≥ 1
	Stride    int     `json:",omitempty"` // conv: 0 is 1; pools: 0 is Kernel
	Padding   Padding `json:",omitempty"` // conv and pools: what the window meets at the border; the zero is Same
	Border    int     `json:",omitempty"` // Explicit: rows and columns of zeros on each side
	Groups    int     `json:",omitempty"` // conv: input and output channels are cut into so many groups; 0 is 1
	Depthwise bool    `json:",omitempty"` // conv: one filter for each channel
	NoBias    bool    `json:",omitempty"` // conv and dense
	Epsilon   float64 `json:",omitempty"` // batch norm: added to the variance; 0 is 1e-5, as PyTorch (Keras has 1e-3)
}

// Padding says what a window meets at the border of an image.
type Padding string

const (
	// Same pads with zeros, as much as it takes for an output of ⌈input/stride⌉, as TensorFlow does.
	Same Padding = ""
	// Valid pads nothing.
	Valid Padding = "valid"
	// Explicit pads with Border zeros on each side, as PyTorch's padding does.
	Explicit Padding = "explicit"
)

// Dense is a fully connected layer with bias: inputs × units + units parameters. Its weights start from a uniform distribution
// bounded by √(6/(inputs+units)) (Glorot & Bengio 2010, as Keras), its biases from 0.
func Dense(units int) Layer { return Layer{Kind: "dense", Units: units} }

// Conv is a convolution of filters kernel × kernel windows over [h, w, c], with bias and Same padding: filters × (kernel × kernel × c) + filters
// parameters. Its weights start from a normal distribution of variance 2/(kernel × kernel × c) (He et al. 2015), cut at two deviations as
// Keras's he_normal, its biases from 0.
func Conv(filters, kernel int) Layer { return Layer{Kind: "conv", Units: filters, Kernel: kernel} }

// DepthwiseConv filters each channel on its own (Howard et al. 2017): kernel × kernel × c + c parameters. It starts as Conv does.
func DepthwiseConv(kernel int) Layer { return Layer{Kind: "conv", Kernel: kernel, Depthwise: true} }

// BatchNorm normalises each channel (Ioffe & Szegedy 2015): a scale, which starts at 1, and an offset at 0, which are parameters, and averages
// of mean and variance, which are not. A convolution before it needs no bias.
func BatchNorm() Layer { return Layer{Kind: "batch norm"} }

// ReLU is max(x, 0), element by element.
func ReLU() Layer { return Layer{Kind: "relu"} }

// ReLU6 is min(max(x, 0), 6) (Krizhevsky 2010).
func ReLU6() Layer { return Layer{Kind: "relu6"} }

// MaxPool takes the largest value of each kernel × kernel window, without padding. Windows do not overlap unless a stride is given.
func MaxPool(kernel int, stride ...int) Layer { return pool("max pool", kernel, stride) }

// AveragePool takes the mean of each kernel × kernel window, without padding. Windows do not overlap unless a stride is given.
// Padding is left out of the mean.
func AveragePool(kernel int, stride ...int) Layer { return pool("average pool", kernel, stride) }

func pool(kind string, kernel int, stride []int) Layer {
	l := Layer{Kind: kind, Kernel: kernel, Padding: Valid}
	if len(stride) > 0 {
		l.Stride = stride[0]
	}
	return l
}

// GlobalAveragePool takes the mean of each channel: [h, w, c] → [c] (Lin et al. 2013).
func GlobalAveragePool() Layer { return Layer{Kind: "global average pool"} }

// Flatten puts all numbers of an image in a row: [h, w, c] → [h·w·c].
func Flatten() Layer { return Layer{Kind: "flatten"} }

// Dropout sets a share rate of its inputs to zero in training and scales the others by 1/(1−rate) (Srivastava et al. 2014).
func Dropout(rate float64) Layer { return Layer{Kind: "dropout", Rate: rate} }

// Called gives the layer's tensors a name: tl.Conv(8, 3).Called("conv1").
func (l Layer) Called(name string) Layer {
	l.Name = name
	return l
}

// Strided moves the window by so many pixels at once.
func (l Layer) Strided(stride int) Layer {
	l.Stride = stride
	return l
}

// Unpadded is the layer with Valid padding.
func (l Layer) Unpadded() Layer {
	l.Padding, l.Border = Valid, 0
	return l
}

// Padded is the layer with so many zeros on each side of the image, PyTorch's padding=border.
func (l Layer) Padded(border int) Layer {
	l.Padding, l.Border = Explicit, border
	return l
}

// Grouped cuts the channels of a convolution into groups that do not see each other (Krizhevsky et al. 2012).
func (l Layer) Grouped(groups int) Layer {
	l.Groups = groups
	return l
}

// WithoutBias is the layer without its biases, as before a batch norm, whose offset does the same.
func (l Layer) WithoutBias() Layer {
	l.NoBias = true
	return l
}

// Count does the layer's arithmetic, so that a head can be counted without an engine: count.Network([]int{1280}, tl.Dense(2)).
func (l Layer) Count(input []int) (count.Row, error) {
	counted, err := l.Counted()
	if err != nil {
		return count.Row{}, err
	}
	return counted.Count(input)
}

// Counted is the layer as package count knows it. It is an error where there is no such kind or the kind has no such field.
func (l Layer) Counted() (count.Layer, error) {
	padding, border, err := l.padding()
	if err != nil {
		return nil, err
	}
	if extra := l.extra(); extra != "" {
		return nil, fmt.Errorf("layer %q: a %s has no %s", named(l.Name, l.Kind), l.Kind, extra)
	}
	switch l.Kind {
	case "dense":
		return count.Dense{Name: l.Name, Units: l.Units, NoBias: l.NoBias}, nil
	case "conv":
		return count.Conv{Name: l.Name, Filters: l.Units, Kernel: l.Kernel, Stride: l.Stride, Padding: padding, Border: border,
			Groups: l.Groups, Depthwise: l.Depthwise, NoBias: l.NoBias}, nil
	case "batch norm":
		if l.Epsilon < 0 || l.Epsilon != l.Epsilon {
			return nil, fmt.Errorf("layer %q: epsilon %g, want above 0 (0 is 1e-5)", named(l.Name, l.Kind), l.Epsilon)
		}
		return count.BatchNorm{Name: l.Name}, nil
	case "relu", "relu6":
		return count.Activation{Name: named(l.Name, l.Kind)}, nil
	case "max pool", "average pool":
		return count.Pool{Name: l.Name, Size: l.Kernel, Stride: l.Stride, Padding: padding, Border: border, Average: l.Kind == "average pool"}, nil
	case "global average pool":
		return count.GlobalPool{Name: l.Name}, nil
	case "flatten":
		return count.Flatten{Name: l.Name}, nil
	case "dropout":
		return count.Dropout{Name: l.Name, Rate: l.Rate}, nil
	}
	return nil, fmt.Errorf("no such kind of layer %q (have conv, batch norm, relu, relu6, max pool, average pool, global average pool, flatten, dense, dropout)", l.Kind)
}

func (l Layer) padding() (count.Padding, count.Border, error) {
	switch l.Padding {
	case Same:
		return count.Same, count.Around(l.Border), nil // a border is an error there
	case Valid:
		return count.Valid, count.Around(l.Border), nil
	case Explicit:
		return count.Explicit, count.Around(l.Border), nil
	}
	return 0, count.Border{}, fmt.Errorf("layer %q: no padding %q (have tl.Same, tl.Valid, tl.Explicit)", named(l.Name, l.Kind), l.Padding)
}

// extra names what is set and what the kind does not have, as ReLU().Grouped(2).
func (l Layer) extra() string {
	conv, windowed := l.Kind == "conv", l.Kind == "conv" || l.Kind == "max pool" || l.Kind == "average pool"
	switch {
	case !windowed && (l.Kernel != 0 || l.Stride != 0 || l.Padding != Same || l.Border != 0):
		return "window"
	case !conv && (l.Groups != 0 || l.Depthwise):
		return "groups"
	case !conv && l.Kind != "dense" && (l.NoBias || l.Units != 0):
		return "units or biases"
	case l.Kind != "dropout" && l.Rate != 0:
		return "rate"
	case l.Kind != "batch norm" && l.Epsilon != 0:
		return "epsilon"
	}
	return ""
}

func named(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}
