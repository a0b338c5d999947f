package tl

import (
	"fmt"
	"slices"

	"transferlab/tl/count"
)

// Network describes a network of the user's own: named blocks, from the input to the representation. Like a layer it is data.
type Network struct {
	Input  []int    // [h, w, 3], h = w: images are resized to it
	Blocks []Layers // the last one's output has one axis: end it in GlobalAveragePool or Flatten, or with Dense
	// Mean and Deviation of red, green and blue in [0, 1]: the first block takes (image − mean) / deviation. Zeros leave the image as it is.
	Mean, Deviation [3]float64
}

// Layers is one block of a network of the user's own: a named run of layers. A block is frozen, thawed and given its rate as a whole.
type Layers struct {
	Name     string // not empty, no "/", each once in a network
	Stage    string `json:",omitempty"` // blocks of one stage share a learning rate under Phase.RateDecay; "" is a stage of its own
	Layers   []Layer
	Residual bool `json:",omitempty"` // the block's input is added to what its layers put out (He et al. 2015); both have one shape
}

// Named is a block of those layers: tl.Named("conv1", tl.Conv(8, 3), tl.ReLU()).
func Named(name string, layers ...Layer) Layers { return Layers{Name: name, Layers: layers} }

// In puts the block into a stage.
func (l Layers) In(stage string) Layers {
	l.Stage = stage
	return l
}

// WithShortcut is the block with its input added to its output.
func (l Layers) WithShortcut() Layers {
	l.Residual = true
	return l
}

// Sequence describes a network of the user's own for images of the given shape, [h, w, 3] with h = w, as a base: blocks from the input to
// the representation, to which WithHead adds a head. Its weights are random, from seed 0 (see [Base.Initial]), or of a file
// ([Base.WithWeights]). The blocks stand frozen as any base's: unfreeze them to train from scratch. What is wrong with it is reported by the
// first verb.
func Sequence(name string, input []int, blocks ...Layers) Base {
	return Base{Name: name, Network: &Network{Input: slices.Clone(input), Blocks: blocks}}
}

// Counted is the block as package count knows it.
func (l Layers) Counted() (count.Layer, error) {
	inner := make([]count.Layer, len(l.Layers))
	for i, layer := range l.Layers {
		var err error
		if inner[i], err = layer.Counted(); err != nil {
			return nil, fmt.Errorf("block %q: layer %d: %w", l.Name, i+1, err)
		}
	}
	if l.Residual {
		return count.Residual(l.Name, inner), nil
	}
	return count.Block{Name: l.Name, Layers: inner}, nil
}

// Count does the network's arithmetic without an engine.
func (n Network) Count() (count.Table, error) {
	blocks := make([]count.Layer, len(n.Blocks))
	for i, b := range n.Blocks {
		var err error
		if blocks[i], err = b.Counted(); err != nil {
			return count.Table{}, err
		}
	}
	return count.Network(n.Input, blocks...)
}

// Weights say where a base's weights come from. The zero value is the published ones, or, for a network of the user's own, which has
// none, random ones from seed 0.
type Weights struct {
	File    string `json:",omitempty"` // a file: .pth, .safetensors … The engine reads it, on its own machine
	Hub     string `json:",omitempty"` // a repository of the hub, "timm/resnet50.a1_in1k"
	Initial bool   `json:",omitempty"` // random, from Seed
	Seed    int64  `json:",omitempty"` // where Initial
}
