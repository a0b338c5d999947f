package zoo

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/onnx-gomlx/onnx/parser"

	"transferlab/tl"
)

const smallONNX = "testdata/onnx/small.onnx"

func smallBlocks() []tl.ONNXBlock {
	return []tl.ONNXBlock{{Name: "stem", Pattern: "[./]?stem[./]"}, {Name: "layer1", Pattern: "[./]?layer1[./]"}, {Name: "layer2", Pattern: "[./]?layer2[./]"}}
}

func small(t *testing.T, file string, blocks ...tl.ONNXBlock) Network {
	t.Helper()
	n, err := ONNX("small", tl.ONNXNetwork{File: file, Blocks: blocks})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// loaded puts the network's weights into a store.
func loaded(t *testing.T, n Network) *model.Store {
	t.Helper()
	_, w, _, err := n.Load(t.Context(), tl.Weights{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	for name, tensor := range w.Tensors {
		if _, err := store.CreateVariable("/"+name, tensors.FromFlatDataAndDimensions(tensor.Data, tensor.Shape...)); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// run runs the blocks, from the input to the classifier.
func run(t *testing.T, n Network, x *tensors.Tensor) (outputs [][]float32) {
	t.Helper()
	exec, err := model.NewExec(xla, loaded(t, n), func(scope *model.Scope, x *graph.Node) (all []*graph.Node) {
		for _, b := range n.All() {
			x = b.Forward(scope.At("%s", b.Name), x, Mode{})
			all = append(all, x)
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := exec.Call(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		outputs = append(outputs, tensors.MustCopyFlatData[float32](r))
	}
	return outputs
}

// smallInput is make.py's.
func smallInput() *tensors.Tensor {
	data := make([]float32, 2*32*32*3)
	for i := range data {
		data[i] = float32((37*i)%101-50) / 50
	}
	return tensors.FromFlatDataAndDimensions(data, 2, 32, 32, 3)
}

// TestONNXIsPyTorch compares the outputs of the representation and of the classifier with PyTorch's, for the file with batch norm, the one with
// batch norm folded and the one whose images have their channels last. Tolerance: 1e-4 of the largest.
func TestONNXIsPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/onnx/small.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Outputs [][]float64 }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file  string
		input *tensors.Tensor
	}{{smallONNX, smallInput()}, {"testdata/onnx/folded.onnx", smallInput()}, {"testdata/onnx/last.onnx", smallInput()}} {
		got := run(t, small(t, c.file, smallBlocks()...), c.input)
		if len(got) != 4 {
			t.Fatalf("%s: %d outputs", c.file, len(got))
		}
		for i, ours := range got[2:] {
			theirs := want.Outputs[i+1]
			largest, worst := 0.0, 0.0
			for j := range theirs {
				largest, worst = max(largest, math.Abs(theirs[j])), max(worst, math.Abs(theirs[j]-float64(ours[j])))
			}
			if len(ours) != len(theirs) || worst > 1e-4*largest {
				t.Errorf("%s: output %d differs by %g of %g", c.file, i, worst, largest)
			}
		}
	}
}

// TestONNXGradientsArePyTorchs compares the gradient of each weight: its length and its product with a fixed vector, 1e-3 of the length.
func TestONNXGradientsArePyTorchs(t *testing.T) {
	text, err := os.ReadFile("testdata/onnx/small.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Gradients map[string][2]float64 }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	n := small(t, smallONNX, smallBlocks()...)
	store := loaded(t, n)
	var names []string
	exec, err := model.NewExec(xla, store, func(scope *model.Scope, x *graph.Node) []*graph.Node {
		y := x
		var of []*graph.Node
		for _, b := range n.All() {
			y = b.Forward(scope.At("%s", b.Name), y, Mode{})
			for _, v := range b.Variables {
				if !v.Buffer {
					names = append(names, strings.TrimPrefix(v.Name, "ONNX/"))
					of = append(of, store.GetVariable("/"+b.Name+"/"+v.Name).NodeValue(x.Graph()))
				}
			}
		}
		return graph.Gradient(graph.DivScalar(graph.ReduceAllSum(graph.Square(y)), 2), of...)
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := exec.Call(smallInput())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		length, product := 0.0, 0.0
		for j, g := range tensors.MustCopyFlatData[float32](r) {
			length += float64(g) * float64(g)
			product += float64(g) * float64((37*j)%101-50) / 50
		}
		length = math.Sqrt(length)
		if w := want.Gradients[names[i]]; math.Abs(length-w[0]) > 1e-3*w[0] || math.Abs(product-w[1]) > 1e-3*w[0] || w[0] == 0 {
			t.Errorf("%s: %g, %g; PyTorch has %v", names[i], length, product, w)
		}
	}
	if len(results) != len(want.Gradients) || len(results) != 21 {
		t.Errorf("%d gradients, PyTorch has %d", len(results), len(want.Gradients))
	}
}

// Blocks of one graph, cut elsewhere, give the same.
func TestONNXCutsChangeNothing(t *testing.T) {
	three := run(t, small(t, smallONNX, smallBlocks()...), smallInput())
	one := run(t, small(t, smallONNX, tl.ONNXBlock{Name: "all", Pattern: "^/?layer2[./]"}), smallInput())
	for i := range 2 {
		a, b := three[2+i], one[i]
		for j := range a {
			if math.Abs(float64(a[j]-b[j])) > 1e-5 {
				t.Fatalf("output %d: %v and %v", i, a, b)
			}
		}
	}
}

// The importer makes every initializer trainable, averages included: the trap, and what roles makes of it.
func TestTrapONNXAveragesAreTrainable(t *testing.T) {
	imported, err := parser.ParseFile(smallONNX)
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	if err := imported.VariablesToScope(store.RootScope()); err != nil {
		t.Fatal(err)
	}
	trap := false
	for v := range store.IterVariables() {
		trap = trap || strings.HasSuffix(v.Path(), "running_mean") && v.Trainable
	}
	if !trap {
		t.Error("the importer no longer makes averages trainable: the remedy can go")
	}
	n := small(t, smallONNX, smallBlocks()...)
	buffers, weights := 0, 0
	for _, b := range n.Blocks {
		for _, v := range b.Variables {
			if average := strings.HasSuffix(v.Name, "running_mean") || strings.HasSuffix(v.Name, "running_var"); average != v.Buffer {
				t.Errorf("%s/%s: buffer is %v", b.Name, v.Name, v.Buffer)
			}
			if v.Buffer {
				buffers++
			} else {
				weights++
			}
		}
	}
	if buffers != 12 || weights != 19 {
		t.Errorf("%d buffers and %d weights", buffers, weights)
	}
}

func TestONNXBlocksAreCounted(t *testing.T) {
	n := small(t, smallONNX, smallBlocks()...)
	var outputs [][]int
	for _, b := range n.All() {
		outputs = append(outputs, b.Output)
	}
	if want := [][]int{{8, 8, 8}, {8, 8, 8}, {12}, {5}}; n.Size != 32 || len(outputs) != 4 || !slices.EqualFunc(outputs, want, slices.Equal[[]int]) {
		t.Errorf("size %d, outputs %v, want 32, %v", n.Size, outputs, want)
	}
	// stem: 8×3×3×3 + 8 + 2×8; layer1: 8×8×9 + 16 + 8×9 + 16; layer2: 12×8×9 + 24 + 12×12×9 + 24 + 12×9 + 24
	for i, want := range []struct {
		params, buffers int
		macs            int64
	}{{240, 16, 16 * 16 * 216}, {680, 32, 64 * (576 + 72)}, {2340, 72, 16 * (864 + 1296 + 108)}} {
		row := n.Blocks[i].Row()
		if row.Params != want.params || row.Buffers != want.buffers || row.MACs != want.macs {
			t.Errorf("%s: %d parameters, %d buffers, %d MACs; want %v", row.Name, row.Params, row.Buffers, row.MACs, want)
		}
	}
	if row := n.Blocks[0].Row(); row.Layers[0].Formula != "8 × (3×3×3) + 8 = 224" || row.Layers[0].Kind != "conv" {
		t.Errorf("%+v", row.Layers[0])
	}
	if n.Classifier.Row().Params != 65 || len(n.Classes) != 5 {
		t.Errorf("classifier %+v, classes %v", n.Classifier.Row(), n.Classes)
	}
}

func TestONNXSaysWhatIsWrong(t *testing.T) {
	blocks := func(patterns ...string) (all []tl.ONNXBlock) {
		for i, p := range patterns {
			all = append(all, tl.ONNXBlock{Name: string(rune('a' + i)), Pattern: p})
		}
		return all
	}
	for _, c := range []struct {
		what string
		n    tl.ONNXNetwork
		want string
	}{
		{"no file", tl.ONNXNetwork{Blocks: smallBlocks()}, "describe it with tl.ONNX"},
		{"no such file", tl.ONNXNetwork{File: "absent.onnx", Blocks: smallBlocks()}, "absent.onnx"},
		{"another format", tl.ONNXNetwork{File: "../weights/testdata/state.zip.pth", Blocks: smallBlocks()}, "it is a PyTorch file"},
		{"no blocks", tl.ONNXNetwork{File: smallONNX}, "there are no blocks"},
		{"two of a name", tl.ONNXNetwork{File: smallONNX, Blocks: []tl.ONNXBlock{{Name: "a", Pattern: "stem"}, {Name: "a", Pattern: "layer1"}}}, "stands once"},
		{"a bad pattern", tl.ONNXNetwork{File: smallONNX, Blocks: blocks("(")}, "missing closing"},
		{"an empty pattern", tl.ONNXNetwork{File: smallONNX, Blocks: blocks("")}, "its pattern is empty"},
		{"no match", tl.ONNXNetwork{File: smallONNX, Blocks: blocks("stem", "layer9")},
			`pattern "layer9" matches no operator and no weight; the operators are /stem/stem.0/Conv`},
		{"backwards", tl.ONNXNetwork{File: smallONNX, Blocks: blocks("layer1", "stem")}, `matches block "a"`},
		{"a cut beside a shortcut", tl.ONNXNetwork{File: smallONNX, Blocks: blocks("stem", "layer1.conv2")},
			`2 tensors pass into block "b", want one: /layer1/Relu_output_0, /stem/stem.3/MaxPool_output_0`},
		{"another size", tl.ONNXNetwork{File: smallONNX, Blocks: smallBlocks(), Size: 64}, "takes images of 32 pixels a side, not 64"},
		{"no images", tl.ONNXNetwork{File: "../weights/testdata/types.onnx", Blocks: blocks("Identity")}, ""},
	} {
		_, err := ONNX("small", c.n)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
	if _, _, _, err := small(t, smallONNX, smallBlocks()...).Load(t.Context(), tl.Weights{Initial: true}, nil); err == nil {
		t.Error("random weights for an ONNX graph")
	}
}

// Files cut short or damaged are errors, also where the importer panics about them.
func TestDamagedONNX(t *testing.T) {
	data, err := os.ReadFile(smallONNX)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "small.onnx")
	whole := small(t, smallONNX, smallBlocks()...).Graph
	refused := 0
	for i := 0; i < 3000; i += 41 { // the operators stand first
		altered := slices.Clone(data)
		altered[i] ^= 0xff
		if err := os.WriteFile(file, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := ONNX("small", tl.ONNXNetwork{File: file, Blocks: smallBlocks()}); err != nil {
			refused++
		} else if n.Graph == "" {
			t.Errorf("byte %d: a network without a graph", i)
		}
	}
	if refused < 20 || whole == "" {
		t.Errorf("%d of 74 damaged files are refused", refused)
	}
}

// FuzzONNXBase reads anything as a base: an error, or blocks that hold together. What reading the file allocates is bounded in tl/weights; what
// the importer allocates to build a graph that is never run is bounded here, by 64 times the file and 64 MiB for the backend it makes.
func FuzzONNXBase(f *testing.F) {
	for _, name := range []string{"small.onnx", "folded.onnx"} {
		data, err := os.ReadFile(filepath.Join("testdata", "onnx", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "stem", "layer1")
		f.Add(data, "stem", "layer2")
	}
	file := filepath.Join(f.TempDir(), "fuzz.onnx")
	f.Fuzz(func(t *testing.T, data []byte, first, second string) {
		if len(data) > 1<<20 {
			t.Skip("large")
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := ONNX("fuzz", tl.ONNXNetwork{File: file, Blocks: []tl.ONNXBlock{{Name: "a", Pattern: first}, {Name: "b", Pattern: second}}})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(64*len(data)+64<<20) {
			t.Errorf("%d bytes allocated for a file of %d", used, len(data))
		}
		if err == nil && (len(n.Blocks) != 2 || n.Blocks[1].Forward == nil || len(n.Blocks[1].Output) != 1) {
			t.Errorf("%d blocks, output %v", len(n.Blocks), n.Blocks[len(n.Blocks)-1].Output)
		}
	})
}
