package zoo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"transferlab/datasets/fetch"
	"transferlab/tl"
	"transferlab/tl/weights"
)

// naming is how the files of one publisher name a network's tensors, and how kernels lie in them.
type naming struct {
	by     string
	name   func(block, variable string) string // of a tensor in the file, "" where it has none
	turned bool                                // kernels lie as in PyTorch; else as here
	top    []string                            // what the names of the publisher's top begin with, where this network leaves it out
	pixels *Preprocessing                      // of the publisher's weights; nil is the network's own
}

// own is the naming of files that the lab wrote.
var own = naming{by: "the lab", name: func(block, variable string) string { return block + "/" + variable }}

// Load gives the tensors that w asks for, and the network as they want it: with their preprocessing, and without its classifier where they have
// none. It fetches the published ones where they are not in the cache and can be had; report may be nil. An error says what to do.
func (n Network) Load(ctx context.Context, w tl.Weights, report fetch.Report) (Network, Weights, tl.LoadReport, error) {
	switch {
	case n.onnx != nil && w == (tl.Weights{}):
		return n.Match(*n.onnx)
	case n.onnx != nil && w.Initial:
		return n, Weights{}, tl.LoadReport{}, fmt.Errorf("zoo: the weights of %s: an ONNX base starts from its file's weights, or from those of WithWeights", n.Name)
	case w.File != "":
		return n.read(w.File)
	case w.Hub != "":
		file, err := Hub(ctx, w.Hub, "", report)
		if err != nil {
			return n, Weights{}, tl.LoadReport{}, err
		}
		return n.read(file)
	case w.Initial || n.unpublished:
		n.Classifier = Block{}
		random := n.Initial(w.Seed)
		return n, random, tl.LoadReport{Base: n.Name, Seed: w.Seed, Initial: slices.Sorted(maps.Keys(random.Tensors)), Pixels: n.Preprocessing.String()}, nil
	}
	file, err := n.publishedFile(ctx, report)
	if err != nil {
		return n, Weights{}, tl.LoadReport{}, err
	}
	return n.read(file)
}

func (n Network) read(file string) (Network, Weights, tl.LoadReport, error) {
	found, err := weights.Read(file)
	if err != nil {
		return n, Weights{}, tl.LoadReport{}, err
	}
	n, w, report, err := n.Match(found)
	report.File = file
	if err != nil {
		err = fmt.Errorf("zoo: load %s: %w", file, err)
	}
	return n, w, report, err
}

// Match fits a file's tensors to the network by name and shape. Every tensor of a published network's blocks must be there; its classifier
// may be missing or of another number of classes, and is then left out. A network of the user's own may be loaded in part: the rest keeps its
// initial values. It is an error where nothing fits.
func (n Network) Match(file weights.Tensors) (Network, Weights, tl.LoadReport, error) {
	names := n.bestNaming(file)
	if names.pixels != nil {
		n.Preprocessing = *names.pixels
	}
	m := matching{file: file, naming: names, used: map[string]bool{}, weights: Weights{Tensors: map[string]tl.Tensor{}}}
	m.report = tl.LoadReport{Base: n.Name, Format: string(file.Format), Names: names.by, Pixels: n.Preprocessing.String(), Skipped: map[string]string{}}
	for _, block := range n.Blocks {
		if err := m.block(block); err != nil {
			return n, Weights{}, m.report, err
		}
	}
	matched, missing, disagree := len(m.report.Loaded), slices.Clone(m.report.Initial), slices.Clone(m.report.Shapes)
	if n.Classifier.Forward != nil {
		if err := m.classifier(n.Classifier); err != nil {
			return n, Weights{}, m.report, err
		}
	}
	if m.report.Classifier = m.complete(n.Classifier); !m.report.Classifier {
		n.Classifier = Block{}
	}
	m.skipped()
	switch {
	case matched == 0:
		return n, Weights{}, m.report, n.nothing(file)
	case !n.unpublished && len(disagree) > 0:
		d := disagree[0]
		return n, Weights{}, m.report, fmt.Errorf("%d tensors have other shapes: the network wants %v for %s, the file's %s is %v: it is another network's",
			len(disagree), d.Want, d.Tensor, d.InFile, d.Have)
	case !n.unpublished && len(missing) > 0:
		return n, Weights{}, m.report, fmt.Errorf("%d of the network's tensors are not in the file, the first is %s (%q in names of %s): it is another network's",
			len(missing), missing[0], m.inFile(missing[0]), names.by)
	}
	for _, block := range n.Blocks {
		for _, v := range block.Variables {
			if name := block.Name + "/" + v.Name; m.weights.Tensors[name].Data == nil {
				m.weights.Tensors[name] = initial(v, name, 0)
			}
		}
	}
	return n, m.weights, m.report, n.Check(m.weights)
}

// bestNaming is the naming that finds most of the network's tensors in the file.
func (n Network) bestNaming(file weights.Tensors) (best naming) {
	most := -1
	for _, names := range append(slices.Clone(n.namings), own) {
		m := matching{file: file, naming: names}
		found := 0
		for _, b := range n.Blocks {
			for _, v := range b.Variables {
				if _, ok := m.lookup(b.Name, v.Name); ok {
					found++
				}
			}
		}
		if found > most {
			best, most = names, found
		}
	}
	return best
}

// matching is one file while it is fitted to a network.
type matching struct {
	naming
	file    weights.Tensors
	used    map[string]bool // names in the file
	weights Weights
	report  tl.LoadReport
}

// lookup finds a variable's tensor. Files of state_dict() that was taken of a wrapped module have a prefix before every name.
func (m matching) lookup(block, variable string) (name string, found bool) {
	plain := m.name(block, variable)
	if plain == "" {
		return "", false
	}
	for _, prefix := range []string{"", "/", "module.", "model.", "backbone."} {
		if _, found = m.file.Tensors[prefix+plain]; found {
			return prefix + plain, true
		}
	}
	return plain, false
}

// inFile is the file's name for one of our names.
func (m matching) inFile(ours string) string {
	block, variable, _ := strings.Cut(ours, "/")
	return m.name(block, variable)
}

func (m *matching) block(b Block) error {
	for _, v := range b.Variables {
		ours := b.Name + "/" + v.Name
		name, found := m.lookup(b.Name, v.Name)
		if !found {
			m.report.Initial = append(m.report.Initial, ours)
			continue
		}
		m.used[name] = true
		t, err := m.turn(v, m.file.Tensors[name])
		if err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		if !slices.Equal(t.Shape, v.Shape) {
			m.report.Shapes = append(m.report.Shapes, tl.ShapeMismatch{Tensor: ours, InFile: name, Want: v.Shape, Have: t.Shape})
			m.report.Initial = append(m.report.Initial, ours)
			continue
		}
		m.weights.Tensors[ours] = t
		m.report.Loaded = append(m.report.Loaded, ours)
		m.report.Parameters += len(t.Data)
		if kind := m.file.Converted[name]; kind != "" {
			if m.report.Converted == nil {
				m.report.Converted = map[string]int{}
			}
			m.report.Converted[kind]++
		}
	}
	return nil
}

// classifier loads the network's own top where the file has it in its shape, all of it or nothing.
func (m *matching) classifier(b Block) error {
	before := m.report
	if err := m.block(b); err != nil {
		return err
	}
	if !m.complete(b) {
		shapes := m.report.Shapes
		m.report = before
		m.report.Shapes = shapes
		for _, v := range b.Variables {
			delete(m.weights.Tensors, b.Name+"/"+v.Name)
		}
	}
	return nil
}

func (m *matching) complete(b Block) bool {
	for _, v := range b.Variables {
		if m.weights.Tensors[b.Name+"/"+v.Name].Data == nil {
			return false
		}
	}
	return b.Forward != nil
}

// skipped says of every tensor of the file that was not asked for why it was not.
func (m *matching) skipped() {
	for _, name := range m.file.Names {
		isTop := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		switch {
		case m.used[name]:
		case strings.HasSuffix(name, "num_batches_tracked"):
			m.report.Skipped[name] = "counters of batches"
		case slices.ContainsFunc(m.top, isTop):
			m.report.Skipped[name] = "of the file's own top"
		default:
			m.report.Skipped[name] = "no such tensor in the network"
		}
	}
	for _, name := range m.file.Skipped {
		m.report.Skipped[name] = "no weights"
	}
}

// turn lays a tensor as the network has it.
func (m *matching) turn(v Variable, t tl.Tensor) (tl.Tensor, error) {
	if !v.Kernel || !m.turned || len(t.Shape) != 2 && len(t.Shape) != 4 {
		return t, nil
	}
	laid, err := weights.FromTorch(t)
	if err != nil || len(v.Shape) != 2 {
		return laid, err
	}
	if s := laid.Shape; len(s) == 4 { // a dense layer that the publisher writes as a convolution over the whole image, or 1×1
		laid.Shape = []int{s[0] * s[1] * s[2], s[3]}
		return laid, nil
	}
	return fromChannelsFirst(v, laid), nil
}

// fromChannelsFirst sorts the rows of a dense kernel: PyTorch flattens [c, h, w], the lab [h, w, c].
func fromChannelsFirst(v Variable, t tl.Tensor) tl.Tensor {
	if len(v.Image) != 3 || v.Image[0]*v.Image[1] == 1 || v.Image[0]*v.Image[1]*v.Image[2] != t.Shape[0] {
		return t
	}
	places, channels, out := v.Image[0]*v.Image[1], v.Image[2], t.Shape[1]
	sorted := tl.Tensor{Shape: t.Shape, Data: make([]float32, len(t.Data))}
	for c := range channels {
		for p := range places {
			copy(sorted.Data[(p*channels+c)*out:][:out], t.Data[(c*places+p)*out:])
		}
	}
	return sorted
}

// nothing is the error about a file that has none of the network's tensors.
func (n Network) nothing(file weights.Tensors) error {
	some := file.Names[:min(3, len(file.Names))]
	b := n.Blocks[0]
	for _, b = range n.Blocks {
		if len(b.Variables) > 0 {
			break
		}
	}
	if len(b.Variables) == 0 {
		return fmt.Errorf("the network %s has no tensors", n.Name)
	}
	var wanted []string
	for _, names := range append(slices.Clone(n.namings), own) {
		wanted = append(wanted, fmt.Sprintf("%s (%s)", names.name(b.Name, b.Variables[0].Name), names.by))
	}
	return fmt.Errorf("no tensor of the file fits %s: it has %s; wanted is %s …", n.Name, strings.Join(some, ", "), strings.Join(wanted, " or "))
}
