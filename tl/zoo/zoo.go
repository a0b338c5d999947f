// Package zoo holds pretrained networks as ordered, named blocks of GoMLX graph functions, one file for each architecture with its
// paper on top, and loads their weights.
package zoo

import (
	_ "embed" // the class names
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/count"
	"transferlab/tl/weights"
)

// Network is a pretrained network: blocks from the input to the representation, and the classifier behind it that transfer throws away.
type Network struct {
	Name          string
	Preprocessing          // of its weights
	Blocks        []Block  // input → representation [n, channels]
	Classifier    Block    // representation → logits [n, classes]; without Forward there is none
	Classes       []string // names of the classifier's classes, in order
	Graph         string   // a hash of the operators of an ONNX file; "" for all others

	published   []published // files of weights, the one that is preferred first
	unpublished bool        // nobody published any: it starts from random ones
	namings     []naming    // how files name its tensors
	style       style
	failed      error            // of the block that was added last
	onnx        *weights.Tensors // of the ONNX file that it is the network of
}

// Preprocessing turns a picture into what a network saw when its weights were trained. It travels with the weights: torchvision's and
// Keras's VGG16 are one network and want different pixels.
type Preprocessing struct {
	Size            int        // side of the input in pixels
	Mean, Deviation [3]float32 // of pixel values 0..255, red, green, blue: the input is (value − mean) / deviation
	BGR             bool       // the network takes blue, green, red
	// Crop is the share of the picture's shorter side that the publishers cut out of its middle to measure, and Bicubic the filter they resized
	// with; see images.Options. 0 is the whole picture. They are the weights', for information: the engine resizes whole pictures.
	Crop    float64
	Bicubic bool
}

// Block is a named run of layers.
type Block struct {
	Name, Stage string        // blocks of one stage share a learning rate under tl.Phase.RateDecay
	Kernel      string        // the kernel of its main convolution, for summaries: "5×5 /2"
	Input       []int         // shape of its input without the batch axis, [h, w, c] or [c]
	Output      []int         // shape of its output
	Layers      []count.Layer // its arithmetic
	Rows        []count.Row   // the layers, counted
	Variables   []Variable    // in a fixed order

	// Forward is the block as a graph: x [n, h, w, c] float32 → its output. Variables are found in scope, the block's own, by
	// their names ("conv/kernel" is the variable kernel in scope "conv"); Trainable of none is changed.
	Forward func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node

	// Where the block ends in a pool over the whole image, Forward is Pool of Maps, and Maps gives [n, h, w, c]; else both are nil.
	Maps func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node
	Pool func(x *graph.Node) *graph.Node
}

// MapsShape is the shape of the block's feature maps without the batch axis: of its output, or of what its last pool takes.
func (b Block) MapsShape() []int {
	if b.Maps == nil {
		return b.Output
	}
	return b.Rows[len(b.Rows)-1].Input
}

// Variable describes one tensor of a block.
type Variable struct {
	Name   string // path inside the block, "conv/kernel"
	Shape  []int  // convolutions [k, k, in/groups, out], depthwise [k, k, 1, channels], dense [in, out]
	Buffer bool   // a running average of batch norm: state that no optimizer moves
	Kernel bool   // weight decay applies
	Image  []int  // a dense kernel whose inputs are the numbers of an image in a row: its [h, w, c]; else nil
}

// Mode says how a block runs. The zero Mode is inference, which has gradients, too.
type Mode struct {
	BatchNorm BatchNormMode
	Dropout   bool // dropout layers drop
}

// BatchNormMode says with which means and variances batch norm normalises.
type BatchNormMode int

const (
	// Averages uses the running averages and leaves them alone: inference, and fine-tuning as Keras's guide asks for. The batch
	// norm is folded into the convolution before it; scale and offset have gradients.
	Averages BatchNormMode = iota
	// Batch uses the batch's own statistics, with gradients through them, and moves the averages by a hundredth of the difference,
	// in torchvision's networks and those of the user's own by a tenth.
	Batch
)

// networks are the constructors by name.
var networks = map[string]func() (Network, error){
	"efficientnet_lite0": func() (Network, error) { return efficientNetLite(0) },
	"efficientnet_lite1": func() (Network, error) { return efficientNetLite(1) },
	"efficientnet_lite2": func() (Network, error) { return efficientNetLite(2) },
	"inception_v3":       inceptionV3,
	"lecture_cnn":        lectureCNN,
	"mobilenet_v2":       mobileNetV2,
	"resnet18":           func() (Network, error) { return resNet(count.ResNet18(0)) },
	"resnet50":           func() (Network, error) { return resNet(count.ResNet50(0)) },
	"vgg16":              func() (Network, error) { return vgg16(true) },
	"vgg16_notop":        func() (Network, error) { return vgg16(false) },
}

// Names lists the networks there are, sorted.
func Names() []string { return slices.Sorted(maps.Keys(networks)) }

// Find returns the network of that name, without weights.
func Find(name string) (Network, error) {
	build, found := networks[name]
	if !found {
		return Network{}, fmt.Errorf("zoo: no base %q (have %s)", name, strings.Join(Names(), ", "))
	}
	return build()
}

// Weights are the tensors of a network by path: block name, "/", variable name.
type Weights struct {
	Tensors map[string]tl.Tensor
}

// Check compares the tensors with what the network wants and names the first that is missing, of another shape, or not wanted.
func (n Network) Check(w Weights) error {
	wanted := 0
	for _, b := range n.All() {
		for _, v := range b.Variables {
			name := b.Name + "/" + v.Name
			t, found := w.Tensors[name]
			switch {
			case !found:
				return fmt.Errorf("zoo: %s: weights lack %s", n.Name, name)
			case !slices.Equal(t.Shape, v.Shape):
				return fmt.Errorf("zoo: %s: %s has shape %v, want %v", n.Name, name, t.Shape, v.Shape)
			}
			wanted++
		}
	}
	if wanted == len(w.Tensors) {
		return nil
	}
	known := map[string]bool{}
	for _, b := range n.All() {
		for _, v := range b.Variables {
			known[b.Name+"/"+v.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Tensors)) {
		if !known[name] {
			return fmt.Errorf("zoo: %s: weights hold %s, which the network does not have", n.Name, name)
		}
	}
	return nil
}

// All is the blocks and the classifier, where there is one.
func (n Network) All() []Block {
	if n.Classifier.Forward == nil {
		return n.Blocks
	}
	return append(slices.Clone(n.Blocks), n.Classifier)
}

// Block finds a block, or the classifier, by name.
func (n Network) Block(name string) (Block, error) {
	var names []string
	for _, b := range n.All() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return Block{}, fmt.Errorf("zoo: %s has no block %q (have %s)", n.Name, name, strings.Join(names, ", "))
}

// String says what the network wants to see: "224×224 RGB, mean 127 127 127, deviation 128 128 128".
func (p Preprocessing) String() string {
	order := "RGB"
	if p.BGR {
		order = "BGR"
	}
	text := fmt.Sprintf("%d×%d %s of 0 to 255, mean %.4g %.4g %.4g, deviation %.4g %.4g %.4g", p.Size, p.Size, order,
		p.Mean[0], p.Mean[1], p.Mean[2], p.Deviation[0], p.Deviation[1], p.Deviation[2])
	if p.Crop > 0 {
		text += fmt.Sprintf("; measured on the middle %.3f of the shorter side", p.Crop)
	}
	return text
}

// Input turns pixel values 0..255, [n, size, size, 3] of any number type, red green blue, into what the first block takes.
func (p Preprocessing) Input(pixels *graph.Node) *graph.Node {
	g := pixels.Graph()
	x := graph.ConvertDType(pixels, dtypes.Float32)
	mean := graph.Reshape(graph.Const(g, p.Mean[:]), 1, 1, 1, 3)
	deviation := graph.Reshape(graph.Const(g, p.Deviation[:]), 1, 1, 1, 3)
	x = graph.Div(graph.Sub(x, mean), deviation)
	if p.BGR {
		x = graph.Reverse(x, -1)
	}
	return x
}

// Summary lists the blocks, all frozen, without the classifier.
func (n Network) Summary() tl.Summary {
	s := tl.Summary{Name: n.Name, Input: []int{n.Size, n.Size, 3}}
	for _, b := range n.Blocks {
		s.Blocks = append(s.Blocks, b.Row())
	}
	return s
}

// Row is the block's row in a summary, frozen, without a rate.
func (b Block) Row() tl.Block {
	t := count.Table{Input: b.Input, Rows: b.Rows}
	row := tl.Block{Name: b.Name, Stage: b.Stage, Output: b.Output, Kernel: b.Kernel, Formula: t.Sum(),
		Params: t.Params(), Buffers: t.Buffers(), MACs: t.MACs(), Frozen: true}
	for _, r := range t.Leaves() {
		row.Layers = append(row.Layers, tl.LayerRow{Name: r.Name, Output: r.Output, Formula: r.Formula, Params: r.Params,
			Buffers: r.Buffers, MACs: r.MACs, Kind: r.Kind, Elements: r.Elements})
	}
	return row
}

// counted puts the block's arithmetic in place.
func (b Block) counted(input []int) (Block, error) {
	t, err := count.Network(input, b.Layers...)
	if err != nil {
		return b, fmt.Errorf("zoo: block %s: %w", b.Name, err)
	}
	b.Input, b.Rows, b.Output = input, t.Rows, t.Rows[len(t.Rows)-1].Output
	return b, nil
}

//go:embed imagenet_names.txt
var imagenetNames string

// imagenet are the names of ImageNet's 1,000 classes (ILSVRC 2012) in the order of PyTorch's and TensorFlow's weights; see
// imagenet_names.LICENCE for where the list comes from.
func imagenet() []string { return strings.Split(strings.TrimSpace(imagenetNames), "\n") }
