package zoo

// A base out of an ONNX file. The operators are github.com/gomlx/onnx-gomlx's (v0.5.2, Apache-2.0; the first version that builds with GoMLX
// v0.28.2). It runs a graph as a whole and makes every initializer a trainable variable, the averages of batch norm and constants of shapes
// included. So each block is handed to it as a graph of its own, in which constants are nodes; what is a weight and what a buffer is
// decided here, by what operators do with it.

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/onnx-gomlx/onnx"
	"github.com/gomlx/onnx-gomlx/onnx/parser"

	"transferlab/tl"
	"transferlab/tl/weights"
)

const (
	classifierBlock = "classifier"
	mostValues      = 1 << 28 // that an operator may put out for one image: a larger one is a damaged file's
)

// ONNX makes a network of the graph in a file, cut into blocks; see [tl.ONNX] for the rules. Kernels stay as the file has them, [out, in, kh,
// kw]; between blocks activations lie as everywhere, [n, h, w, c]. Weights of another type than float32 are refused. Batch norm knows only its
// averages: a block asked to use the batch's statistics says that it cannot.
func ONNX(name string, described tl.ONNXNetwork) (Network, error) {
	n, err := onnxNetwork(name, described)
	if err != nil {
		return Network{}, fmt.Errorf("zoo: ONNX base %q: %w", name, err)
	}
	return n, nil
}

func onnxNetwork(name string, described tl.ONNXNetwork) (Network, error) {
	if described.File == "" {
		return Network{}, fmt.Errorf("it has no file; describe it with tl.ONNX")
	}
	file, err := weights.ReadONNX(described.File)
	if err != nil {
		return Network{}, err
	}
	pieces, err := cut(file, described.Blocks)
	if err != nil {
		return Network{}, fmt.Errorf("%s: %w", filepath.Base(described.File), err)
	}
	n := Network{Name: name}
	var last bool
	if n.Size, last, err = side(described.Size, file.Inputs[0]); err != nil {
		return Network{}, err
	}
	n.Mean, n.Deviation = normalisation(described)
	shape := []int{n.Size, n.Size, 3}
	owner := map[string]string{}
	var parts [][]byte
	for k, piece := range pieces {
		b := Block{Name: classifierBlock, Stage: classifierBlock}
		if k < len(described.Blocks) {
			b.Name, b.Stage = described.Blocks[k].Name, described.Blocks[k].Stage
			if b.Stage == "" {
				b.Stage = b.Name
			}
		}
		piece.last, piece.pooled = last && k == 0, k == len(described.Blocks)-1
		part, err := onnxBlock(&b, file, piece, shape)
		if err != nil {
			return Network{}, fmt.Errorf("block %q: %w", b.Name, err)
		}
		parts = append(parts, part)
		for _, v := range b.Variables {
			if other, shared := owner[v.Name]; shared {
				return Network{}, fmt.Errorf("weight %s is used in the blocks %q and %q: put both into one", v.Name, other, b.Name)
			}
			owner[v.Name] = b.Name
		}
		shape = b.Output
		if k < len(described.Blocks) {
			n.Blocks = append(n.Blocks, b)
			continue
		}
		n.Classifier = b
		for i := range shape[len(shape)-1] {
			n.Classes = append(n.Classes, fmt.Sprintf("class %d", i))
		}
	}
	tensors := file.Tensors // a copy: a pointer into the file would keep its bytes
	n.onnx, n.Graph = &tensors, graphSum(parts)
	n.namings = []naming{{by: "the ONNX file", name: onnxNames(file)}}
	return n, nil
}

// side is the image's side in pixels, and whether its channels stand last, as in files that Keras exports.
func side(asked int, input weights.ONNXValue) (size int, last bool, err error) {
	s := input.Shape
	if last = len(s) == 4 && s[3] == 3 && s[1] == s[2]; last {
		s = []int{s[0], 3, s[1], s[2]}
	}
	if len(s) != 4 || s[1] != 3 && s[1] != 0 || s[2] != s[3] {
		return 0, false, fmt.Errorf("its input %s has shape %v, want images [n, 3, h, h] or [n, h, h, 3] (0 is open)", input.Name, s)
	}
	switch {
	case asked < 0 || asked > 1<<12:
		return 0, false, fmt.Errorf("images of %d pixels a side", asked)
	case s[2] == 0 && asked == 0:
		return 0, false, fmt.Errorf("the file leaves the size of its images open: say it with WithInput")
	case s[2] != 0 && asked != 0 && s[2] != asked:
		return 0, false, fmt.Errorf("the file takes images of %d pixels a side, not %d", s[2], asked)
	case asked != 0:
		return asked, last, nil
	}
	return s[2], last, nil
}

// normalisation is of pixel values 0..255; ImageNet's where none is given.
func normalisation(described tl.ONNXNetwork) (mean, deviation [3]float32) {
	m, d := described.Mean, described.Deviation
	if d == [3]float64{} {
		m, d = [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	}
	for i := range 3 {
		mean[i], deviation[i] = float32(255*m[i]), float32(255*d[i])
	}
	return mean, deviation
}

// onnxBlock makes a block of a piece and returns the file that the importer got; shape is that of its input without the batch axis.
func onnxBlock(b *Block, file weights.ONNXGraph, piece onnxPiece, shape []int) ([]byte, error) {
	variables, constants := roles(file, piece.nodes)
	part := weights.ONNXPart{Nodes: piece.nodes, Input: piece.input, Axes: len(shape) + 1, Output: piece.output, Constants: constants}
	for _, v := range variables {
		if kind := file.Converted[v.Name]; kind != "" {
			return nil, fmt.Errorf("weight %s holds %s: save the file with float32 weights", v.Name, kind)
		}
		part.Variables = append(part.Variables, v.Name)
		b.Variables = append(b.Variables, Variable{Name: onnxPath(v.Name), Shape: v.Shape, Buffer: v.Buffer, Kernel: v.Kernel})
	}
	b.Input = shape
	encoded := file.Encode(part)
	run, err := newONNXRun(encoded, piece, b.Variables)
	if err != nil {
		return nil, err
	}
	output, pooled, name := piece.output, piece.pooled, b.Name // and not the piece, which keeps the file's bytes
	b.Forward = func(scope *model.Scope, x *graph.Node, mode Mode) *graph.Node {
		if mode.BatchNorm == Batch && run.normalises {
			panic(fmt.Errorf("zoo: block %s is an ONNX graph, whose batch norm knows only its averages", name))
		}
		values := run.call(scope, x, output)
		return channelsLast(values[0], pooled)
	}
	outputs, err := run.outputs(piece, shape)
	if err != nil {
		return nil, err
	}
	b.Rows = onnxRows(file, piece, outputs, shape)
	b.Output = lastShape(outputs[piece.output], piece.pooled)
	return encoded, nil
}

// onnxPath is a weight's variable inside its block: the importer looks for it in the scope ONNX, without the scope's separator.
func onnxPath(name string) string {
	return onnx.ModelScope + "/" + strings.ReplaceAll(name, model.ScopeSeparator, "|")
}

// channelsLast turns an image's activations from [n, c, h, w] into [n, h, w, c]; pooled averages them over places.
func channelsLast(x *graph.Node, pooled bool) *graph.Node {
	switch {
	case x.Rank() != 4:
		return x
	case pooled:
		return graph.ReduceMean(x, 2, 3)
	}
	return graph.TransposeAllAxes(x, 0, 2, 3, 1)
}

// lastShape is the shape of what channelsLast gives, without the batch axis.
func lastShape(s []int, pooled bool) []int {
	switch {
	case len(s) != 3:
		return s
	case pooled:
		return s[:1]
	}
	return []int{s[1], s[2], s[0]}
}

// onnxRun calls the importer, which is not made for several calls at once.
type onnxRun struct {
	mu         sync.Mutex
	graph      onnx.Model
	input      string // the value that enters
	variables  []Variable
	normalises bool // it has a batch norm
	last       bool // it takes [n, h, w, c]
}

func newONNXRun(file []byte, piece onnxPiece, variables []Variable) (run *onnxRun, err error) {
	defer recovered(&err)
	imported, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	normalises := slices.ContainsFunc(piece.nodes, func(n weights.ONNXNode) bool { return n.Op == "BatchNormalization" })
	return &onnxRun{graph: imported, input: piece.input, variables: variables, normalises: normalises, last: piece.last}, nil
}

// call builds the graph for x, [n, h, w, c] or [n, c], and returns the values of those names as ONNX has them.
func (r *onnxRun) call(scope *model.Scope, x *graph.Node, names ...string) []*graph.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.variables { // the importer only looks for variables, and does not make them
		variable(scope, v.Name, v.Shape...)
	}
	if x.Rank() == 4 && !r.last {
		x = graph.TransposeAllAxes(x, 0, 3, 1, 2)
	}
	return r.graph.CallGraph(scope, x.Graph(), map[string]*graph.Node{r.input: x}, names...)
}

// outputs are the shapes of all values of the block, without the batch axis. The graph is built for two images and never run: so a file
// that was exported for batches of one is found here.
func (r *onnxRun) outputs(piece onnxPiece, shape []int) (found map[string][]int, err error) {
	const images = 2
	defer recovered(&err)
	backend, err := gobackend.New("")
	if err != nil {
		return nil, err
	}
	defer backend.Finalize()
	var names []string
	for _, n := range piece.nodes {
		names = append(names, n.Outputs[:1]...)
	}
	if !slices.Contains(names, piece.output) {
		names = append(names, piece.output)
	}
	g := graph.NewGraph(backend, "shapes")
	defer g.Finalize()
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, append([]int{images}, shape...)...))
	values := r.call(model.NewStore().RootScope(), x, names...)
	found = map[string][]int{}
	for i, v := range values {
		found[names[i]] = slices.Clone(v.Shape().Dimensions)
		if d := found[names[i]]; len(d) > 0 {
			found[names[i]] = d[1:]
		}
		if tooMany(v.Shape().Dimensions, images*mostValues) {
			return nil, fmt.Errorf("%s has shape %v: more than %d numbers an image", names[i], v.Shape().Dimensions, mostValues)
		}
		if names[i] == piece.output && (v.Rank() < 2 || v.Shape().Dimensions[0] != images || v.DType() != dtypes.Float32) {
			return nil, fmt.Errorf("%d images come out as %s: export the file with a batch axis of any length (dynamic_axes)", images, v.Shape())
		}
	}
	return found, nil
}

// tooMany tells whether a shape means more than so many numbers.
func tooMany(shape []int, limit float64) bool {
	n := 1.0
	for _, d := range shape {
		n *= float64(d)
	}
	return n > limit
}

// recovered turns what the importer throws into an error. It reads a stranger's file, and what it does not foresee there ends in a panic of
// its own or of the runtime; nothing of the lab runs inside it.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the importer of ONNX graphs cannot build it: %.500v", p)
	}
}

// onnxNames gives a variable's name in the file.
func onnxNames(file weights.ONNXGraph) func(block, variable string) string {
	names := map[string]string{}
	for _, name := range file.Names {
		names[onnxPath(name)] = name
	}
	return func(_, variable string) string { return names[variable] }
}

// graphSum tells graphs apart whose weights are alike: a hash over what is handed to the importer.
func graphSum(parts [][]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
