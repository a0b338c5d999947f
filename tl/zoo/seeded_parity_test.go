package zoo

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// goldens are what testdata/parity_torch.py or parity_keras.py wrote.
type goldens struct {
	Networks map[string]struct {
		Size, Images   int
		Blocks         [][3]any // name, mean and deviation of its output
		Representation [2]float64
		First          []float64
		Gradients      map[string]float64
	}
	Names map[string]string // hashes over names and shapes of all weights
}

func readGoldens(t *testing.T, by string) (g goldens) {
	t.Helper()
	raw, err := os.ReadFile("testdata/parity_" + by + ".json")
	if err == nil {
		err = json.Unmarshal(raw, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const (
	tolerance = 1e-4 // of the relative difference, against the largest number of its kind
	// Gradients jump where a relu's input or two numbers of a max pool's window differ by less than rounding: whole places change sides.
	gradientTolerance = 3e-3
)

// gradients names the blocks whose gradients are compared; the way to the first leads through all. Where none are named it is every block:
// to compile the gradients of all kernels takes longest.
var gradients = map[string][]string{
	"efficientnet_lite1": {}, "efficientnet_lite2": {}, // Lite0's are compared with GoMLX's own in tl/gx, and train every day
	"vgg16_notop by Keras": {}, // as by torchvision
	"mobilenet_v2":         {"stem", "features"}, "resnet50": {"stem", "layer4.2"}, "inception_v3": {"stem", "mixed10"},
}

func TestParityWithTorchvision(t *testing.T) { parity(t, "torch", "torchvision", "the authors") }

func TestParityWithKeras(t *testing.T) { parity(t, "keras", "Keras", "Keras") }

func parity(t *testing.T, file, by, lite string) {
	g := readGoldens(t, file)
	for _, key := range slices.Sorted(maps.Keys(g.Networks)) {
		want := g.Networks[key]
		t.Run(key, func(t *testing.T) {
			start := time.Now()
			name, batch := strings.CutSuffix(key, ", batch statistics")
			publisher := by
			if strings.HasPrefix(name, "efficientnet") {
				publisher = lite
			}
			n, w := seeded(t, name, publisher)
			mode := Mode{}
			if batch {
				mode.BatchNorm = Batch
			}
			blocks, some := gradients[name]
			if !some {
				blocks, some = gradients[name+" by "+by]
			}
			if !some {
				blocks = slices.Sorted(maps.Keys(want.Gradients))
			}
			got := n.observe(t, w, mode, want.Size, want.Images, blocks)
			worst, allowed := 0.0, tolerance
			near := func(what string, got, want, scale float64) {
				worst = max(worst, math.Abs(got-want)/scale)
				if !(math.Abs(got-want) <= allowed*scale) {
					t.Errorf("%s: %.7g, want %.7g: differs by %.2g of %.3g", what, got, want, math.Abs(got-want)/scale, scale)
				}
			}
			for _, b := range want.Blocks {
				mean, deviation := b[1].(float64), b[2].(float64)
				near(fmt.Sprintf("mean of %s", b[0]), got.mean[b[0].(string)], mean, deviation+math.Abs(mean))
				near(fmt.Sprintf("deviation of %s", b[0]), got.deviation[b[0].(string)], deviation, deviation)
			}
			largest := 0.0
			for _, v := range want.First {
				largest = max(largest, math.Abs(v))
			}
			for i, v := range want.First {
				near(fmt.Sprintf("representation, number %d", i), float64(got.representation[i]), v, largest)
			}
			if len(want.Gradients) != len(n.Blocks) {
				t.Errorf("%d blocks have a gradient there, the network has %d", len(want.Gradients), len(n.Blocks))
			}
			forward := worst
			worst, allowed = 0, gradientTolerance
			for _, block := range blocks {
				norm := want.Gradients[block]
				near("gradient of "+block, got.gradient[block], norm, norm)
			}
			t.Logf("differs by %.1g, gradients by %.1g, in %v", forward, worst, time.Since(start).Round(time.Millisecond))
		})
	}
	sameNames(t, g, by)
}

// sameNames compares the names and shapes that a publisher's files have.
func sameNames(t *testing.T, g goldens, by string) {
	t.Helper()
	for name, want := range g.Names {
		n, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(n.namings, func(names naming) bool { return names.by == by })
		if got := namesOf(n, n.namings[at]); got != want {
			t.Errorf("%s: names and shapes of the file are not those of %s", name, by)
		}
	}
}

type observed struct {
	mean, deviation, gradient map[string]float64 // by block
	representation            []float32          // of image 0
}

// observe runs the network on seeded pixels and takes the gradient of sum(representation × wave) for the parameters of these blocks.
func (n Network) observe(t *testing.T, w Weights, mode Mode, size, images int, blocks []string) observed {
	t.Helper()
	s := store(t, w, n.Blocks...)
	for _, b := range n.Blocks {
		for _, v := range b.Variables {
			s.GetVariable("/" + b.Name + "/" + v.Name).SetTrainable(!v.Buffer)
		}
	}
	exec, err := model.NewExec(xla, s, func(scope *model.Scope, x *graph.Node) []*graph.Node {
		g := x.Graph()
		x = n.Input(x)
		var figures []*graph.Node
		var parameters []*graph.Node
		ends := []int{}
		for _, b := range n.Blocks {
			x = b.Forward(scope.At("%s", b.Name), x, mode)
			mean := graph.ReduceAllMean(x)
			figures = append(figures, mean, graph.Sqrt(graph.ReduceAllMean(graph.Square(graph.Sub(x, mean)))))
			for _, v := range b.Variables {
				if !v.Buffer && slices.Contains(blocks, b.Name) {
					parameters = append(parameters, s.GetVariable("/"+b.Name+"/"+v.Name).NodeValue(g))
				}
			}
			ends = append(ends, len(parameters))
		}
		loss := graph.ReduceAllSum(graph.Mul(x, graph.Reshape(graph.Const(g, wave(x.Shape().Size())), x.Shape().Dimensions...)))
		from := 0
		var gradients []*graph.Node
		if len(parameters) > 0 {
			gradients = graph.Gradient(loss, parameters...)
		}
		for _, end := range ends {
			sum := graph.ScalarZero(g, x.DType())
			for _, gradient := range gradients[from:end] {
				sum = graph.Add(sum, graph.ReduceAllSum(graph.Square(gradient)))
			}
			figures, from = append(figures, graph.Sqrt(sum)), end
		}
		return []*graph.Node{x, graph.Stack(figures, 0)}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(seededPixels(images, size), images, size, size, 3))
	if err != nil {
		t.Fatal(err)
	}
	o := observed{map[string]float64{}, map[string]float64{}, map[string]float64{}, tensors.MustCopyFlatData[float32](out[0])}
	figures := tensors.MustCopyFlatData[float32](out[1])
	for i, b := range n.Blocks {
		o.mean[b.Name], o.deviation[b.Name] = float64(figures[2*i]), float64(figures[2*i+1])
		o.gradient[b.Name] = float64(figures[2*len(n.Blocks)+i])
	}
	exec.Finalize()
	s.Finalize()
	return o
}
