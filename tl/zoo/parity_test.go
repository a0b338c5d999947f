package zoo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"image"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/datasets/fetch"
	"transferlab/tl"
)

// golden is testdata/parity.json: what PyTorch computed.
type golden struct {
	Parameters, Averages int
	Inputs               []struct {
		Kind, File, SHA256 string
		Seed               uint32
		Side, First        int
	}
	Blocks []struct {
		Block                             string
		Shape                             []int
		Mean, Deviation, Minimum, Maximum float64
		Centre                            []float64
	} `json:"blocks_of_input_0"`
}

func readGolden(t testing.TB) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/parity.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func readFloats(t testing.TB, file string) []float32 {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

// pixels are the bytes of the goldens' inputs that are available here, [n, 224, 224, 3], and their positions.
func pixels(t testing.TB, g golden) (values []uint8, positions []int) {
	t.Helper()
	cells, err := fetch.Unpacked(context.Background(), fetch.ELPV, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range g.Inputs {
		var one []uint8
		switch in.Kind {
		case "elpv":
			one = crop(t, filepath.Join(cells, "elpv_dataset", "data", filepath.FromSlash(in.File)))
		case "photograph":
			one = crop(t, filepath.Join("testdata", filepath.FromSlash(in.File)))
		case "noise":
			one = noise(in.Seed, in.Side)
		}
		sum := sha256.Sum256(one)
		if hex.EncodeToString(sum[:]) != in.SHA256 {
			t.Fatalf("input %d (%s) is not what PyTorch saw", i, in.File)
		}
		values, positions = append(values, one...), append(positions, i)
	}
	return values, positions
}

// crop decodes an image and cuts out its central 224×224.
func crop(t testing.TB, file string) []uint8 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	left, top := (img.Bounds().Dx()-224)/2, (img.Bounds().Dy()-224)/2
	values := make([]uint8, 0, 224*224*3)
	for y := range 224 {
		for x := range 224 {
			r, g, b, _ := img.At(left+x, top+y).RGBA()
			values = append(values, uint8(r>>8), uint8(g>>8), uint8(b>>8))
		}
	}
	return values
}

// noise is the generator of testdata/README.md.
func noise(seed uint32, side int) []uint8 {
	n := 224 / side
	coarse := make([]uint8, n*n*3)
	x := seed
	for i := range coarse {
		x = 1664525*x + 1013904223
		coarse[i] = uint8(x >> 24)
	}
	values := make([]uint8, 0, 224*224*3)
	for y := range 224 {
		for x := range 224 {
			at := (y/side*n + x/side) * 3
			values = append(values, coarse[at:at+3]...)
		}
	}
	return values
}

// lite0 is the network with its weights, loaded once for all tests.
var lite0 = sync.OnceValues(func() (Network, error) { return Find("efficientnet_lite0") })
var lite0Weights = sync.OnceValues(func() (Weights, error) {
	n, err := lite0()
	if err != nil {
		return Weights{}, err
	}
	_, w, _, err := n.Load(context.Background(), tl.Weights{}, nil)
	return w, err
})

func load(t testing.TB) (Network, Weights) {
	t.Helper()
	n, err := lite0()
	if err != nil {
		t.Fatal(err)
	}
	w, err := lite0Weights()
	if err != nil {
		t.Fatal(err)
	}
	return n, w
}

// store puts the variables of blocks into a new store, as the engine does.
func store(t testing.TB, w Weights, blocks ...Block) *model.Store {
	t.Helper()
	s := model.NewStore()
	for _, b := range blocks {
		for _, v := range b.Variables {
			name := b.Name + "/" + v.Name
			value := tensors.FromFlatDataAndDimensions(w.Tensors[name].Data, v.Shape...)
			if _, err := s.CreateVariable("/"+name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

func TestLogitsAgreeWithPyTorch(t *testing.T) {
	n, w := load(t)
	g := readGolden(t)
	values, positions := pixels(t, g)
	s := store(t, w, n.All()...)
	exec, err := model.NewExec(xla, s, func(scope *model.Scope, x *graph.Node) []*graph.Node {
		x = n.Input(x)
		for _, b := range n.Blocks {
			x = b.Forward(scope.At("%s", b.Name), x, Mode{})
		}
		return []*graph.Node{x, n.Classifier.Forward(scope.At("%s", n.Classifier.Name), x, Mode{})}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(values, len(positions), 224, 224, 3))
	if err != nil {
		t.Fatal(err)
	}
	compare := func(what string, got, want []float32) {
		worst := 0.0
		for i := range want {
			worst = max(worst, math.Abs(float64(got[i]-want[i])))
		}
		t.Logf("%s: largest difference %.2g", what, worst)
		if !(worst <= 1e-3) {
			t.Errorf("%s differs by %g from PyTorch's", what, worst)
		}
	}
	representation, logits := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
	compare("representation", representation[:1280], readFloats(t, "testdata/representation.f32"))
	compare("logits", logits, readFloats(t, "testdata/logits.f32"))
	for row, position := range positions {
		first := 0
		for c, v := range logits[row*1000 : (row+1)*1000] {
			if v > logits[row*1000+first] {
				first = c
			}
		}
		if first != g.Inputs[position].First {
			t.Errorf("input %d: first class %q, PyTorch says %q", position, n.Classes[first], n.Classes[g.Inputs[position].First])
		}
	}
}
