package zoo

import (
	"fmt"
	"slices"
	"strings"

	"transferlab/tl"
	"transferlab/tl/count"
)

// add puts a block behind the others. What is wrong with it is kept for the end.
func (n *Network) add(name, stage string, layers ...count.Layer) {
	if n.failed != nil {
		return
	}
	block, err := n.style.built(name, stage, n.output(), layers...)
	n.failed = err
	n.Blocks = append(n.Blocks, block)
}

// output is the shape behind the blocks so far.
func (n Network) output() []int {
	if len(n.Blocks) == 0 {
		return []int{n.Size, n.Size, 3}
	}
	return n.Blocks[len(n.Blocks)-1].Output
}

// headless puts the mean of each channel behind the last block, which makes the representation.
func (n Network) headless() (Network, error) {
	if n.failed != nil {
		return n, n.failed
	}
	last := n.Blocks[len(n.Blocks)-1]
	n.Blocks = slices.Clone(n.Blocks[:len(n.Blocks)-1])
	n.add(last.Name, last.Stage, append(slices.Clone(last.Layers), count.GlobalPool{})...)
	return n, n.failed
}

// pooled ends the network in the mean of each channel and its classifier.
func (n Network) pooled() (Network, error) {
	n, err := n.headless()
	if err != nil {
		return n, err
	}
	return n.classified()
}

// classified puts the network's own classifier in place.
func (n Network) classified() (Network, error) {
	if n.failed == nil {
		n.Classifier, n.failed = denseBlock("classifier", n.output()[0], len(n.Classes))
	}
	return n, n.failed
}

// Of builds the network of the user's own that a base describes, without weights.
func Of(b tl.Base) (Network, error) {
	d := b.Network
	n := Network{Name: b.Name, unpublished: true, style: style{momentum: torchStyle.momentum}}
	if len(d.Input) != 3 || d.Input[0] != d.Input[1] || d.Input[2] != 3 || d.Input[0] < 1 {
		return n, fmt.Errorf("the network %q takes %v: images are [h, w, 3] with h = w", b.Name, d.Input)
	}
	n.Preprocessing = Preprocessing{Size: d.Input[0]}
	for c := range 3 {
		n.Mean[c], n.Deviation[c] = float32(255*d.Mean[c]), float32(255*d.Deviation[c])
		if d.Deviation[c] == 0 {
			n.Deviation[c] = 255
		}
		if !(d.Deviation[c] >= 0) || d.Mean[c] != d.Mean[c] {
			return n, fmt.Errorf("the network %q: mean %v and deviation %v: want numbers, deviations above 0", b.Name, d.Mean, d.Deviation)
		}
	}
	if len(d.Blocks) == 0 {
		return n, fmt.Errorf("the network %q has no blocks: tl.Sequence(name, input, tl.Named(\"conv1\", tl.Conv(8, 3), tl.ReLU()), …)", b.Name)
	}
	taken := map[string]bool{"": true, "head": true, "classifier": true}
	for i, block := range d.Blocks {
		if taken[block.Name] || strings.ContainsAny(block.Name, "/\x00") {
			return n, fmt.Errorf("the network %q: block %d is called %q: names are not empty, have no \"/\", stand once, and are not head or classifier",
				b.Name, i+1, block.Name)
		}
		taken[block.Name] = true
		layers, err := layersOf(block)
		if err != nil {
			return n, fmt.Errorf("the network %q: %w", b.Name, err)
		}
		n.add(block.Name, stageOf(block), layers...)
	}
	n.namings = []naming{{by: "PyTorch", name: dottedName, turned: true}}
	if n.failed != nil {
		return n, fmt.Errorf("the network %q: %w", b.Name, n.failed)
	}
	if out := n.output(); len(out) != 1 {
		return n, fmt.Errorf("the network %q puts out %v, a representation has one axis: end it in tl.GlobalAveragePool() or tl.Flatten()", b.Name, out)
	}
	return n, nil
}

func stageOf(b tl.Layers) string {
	if b.Stage == "" {
		return b.Name
	}
	return b.Stage
}

// layersOf turns a block's description into layers that can be built.
func layersOf(b tl.Layers) ([]count.Layer, error) {
	var layers []count.Layer
	for i, l := range b.Layers {
		if strings.Contains(l.Name, "/") {
			return nil, fmt.Errorf("block %q: layer %d is called %q: a name has no \"/\"", b.Name, i+1, l.Name)
		}
		counted, err := l.Counted()
		if err != nil {
			return nil, fmt.Errorf("block %q: layer %d: %w", b.Name, i+1, err)
		}
		switch c := counted.(type) {
		case count.BatchNorm:
			epsilon := l.Epsilon
			if epsilon == 0 {
				epsilon = torchStyle.epsilon
			}
			counted = normalised{c, epsilon}
		case count.Activation:
			counted = activated{c, l.Kind}
		}
		layers = append(layers, counted)
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("block %q has no layers", b.Name)
	}
	if b.Residual {
		return []count.Layer{count.Residual("sum", layers)}, nil
	}
	return layers, nil
}

// dottedName is how PyTorch would name a variable of a network of the user's own: "conv1.conv.weight".
func dottedName(block, variable string) string {
	layer, kind := splitLast(strings.TrimPrefix(variable, "sum/residual/"))
	return block + "." + strings.ReplaceAll(layer, "/", ".") + "." + torchKind(kind)
}

// splitLast cuts a path at its last "/".
func splitLast(path string) (before, last string) {
	i := strings.LastIndex(path, "/")
	return path[:max(i, 0)], path[i+1:]
}

// torchKind is PyTorch's word for a tensor of a layer.
func torchKind(kind string) string {
	return map[string]string{"kernel": "weight", "scale": "weight", "offset": "bias", "mean": "running_mean", "variance": "running_var", "bias": "bias"}[kind]
}
