package count_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/tl/count"
)

// peer is what another counter says about a network; testdata/peers/peers.py wrote it.
type peer struct {
	By          string
	Versions    map[string]string
	Model       string
	Total       int
	Trainable   int
	MultAdds    int64 `json:"mult_adds"`
	OutputBytes int64 `json:"output_bytes"`
	SavedBatch  int   `json:"saved_batch"`
	SavedBytes  int64 `json:"saved_bytes"`
	Rows        []peerRow
}

type peerRow struct {
	Name, Class string
	Output      []int
	Params      int
	MultAdds    int64 `json:"mult_adds"`
}

func readPeer(t *testing.T, file string) peer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "peers", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var p peer
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Versions) < 2 || len(p.Rows) == 0 {
		t.Fatalf("%s says neither versions nor layers", file)
	}
	return p
}

// classes are the peers' names of our kinds.
var classes = map[string]string{
	"Conv2d": "conv", "Linear": "dense", "BatchNorm2d": "batch norm", "ReLU": "activation", "ReLU6": "activation", "MaxPool2d": "max pool",
	"AdaptiveAvgPool2d": "global average pool", "Dropout": "dropout",
	"Conv2D": "conv", "DepthwiseConv2D": "depthwise conv", "Dense": "dense", "BatchNormalization": "batch norm", "Activation": "activation",
	"MaxPooling2D": "max pool", "AveragePooling2D": "average pool", "GlobalAveragePooling2D": "global average pool", "Add": "add",
	"Concatenate": "concat", "Flatten": "flatten",
}

// layersOf is our layers but for some kinds, which the peer does not list.
func layersOf(table count.Table, without ...string) []count.Row {
	return slices.DeleteFunc(table.Leaves(), func(r count.Row) bool { return slices.Contains(without, r.Kind) })
}

// TestTorchinfo compares kinds, output shapes, parameters and multiply-adds of every layer, in the order in which they run, and the totals.
// torchinfo counts biases and the parameters of batch norms as one multiply-add at each place where a bias, and once where a batch norm,
// stands; it lists modules only, so no addition.
func TestTorchinfo(t *testing.T) {
	for _, network := range []count.Architecture{count.VGG16(1000), count.ResNet18(1000), count.ResNet50(1000), count.MobileNetV2(1000),
		count.EfficientNetLite(0, 1000), count.EfficientNetLite(1, 1000), count.EfficientNetLite(2, 1000)} {
		t.Run(network.Name, func(t *testing.T) {
			p, table := readPeer(t, "torchinfo_"+network.Name), counted(t, network)
			without := []string{"add", "flatten"}
			if p.Model == "mobilenet_v2" {
				without = append(without, "global average pool") // a function, not a module
			}
			ours := layersOf(table, without...)
			theirs := slices.DeleteFunc(p.Rows, func(r peerRow) bool { // it changes nothing at 224×224
				return p.Model == "vgg16" && r.Class == "AdaptiveAvgPool2d"
			})
			if len(ours) != len(theirs) {
				t.Fatalf("%d layers, torchinfo has %d", len(ours), len(theirs))
			}
			multAdds, written := int64(0), int64(0)
			for i, r := range ours {
				want := theirs[i]
				kind, places := strings.TrimPrefix(r.Kind, "depthwise "), 1
				if len(r.Output) == 3 {
					places = r.Output[0] * r.Output[1]
				}
				counted := r.MACs
				switch {
				case r.Kind == "batch norm":
					counted = int64(r.Params)
				case len(r.Tensors) == 2: // a kernel and a bias
					counted += int64(places * r.Output[len(r.Output)-1])
				}
				if kind != classes[want.Class] || r.Params != want.Params || !slices.Equal(channelsFirst(r.Output), squeezed(want.Output)) ||
					counted != want.MultAdds {
					t.Errorf("%s: %s %v %d %d; torchinfo %+v", r.Name, r.Kind, r.Output, r.Params, counted, want)
				}
				multAdds += counted
				if r.Params > 0 {
					written += 4 * r.Elements
				}
			}
			if table.Params() != p.Total || table.Trainable() != p.Trainable {
				t.Errorf("%d parameters, torchinfo says %d", table.Params(), p.Total)
			}
			if strings.HasPrefix(p.Model, "efficientnet") {
				return // torchinfo leaves its convolutions, which pad in a layer of their own, out of these totals
			}
			if multAdds != p.MultAdds || 2*written != p.OutputBytes { // forward and backward
				t.Errorf("%d multiply-adds and %d bytes, torchinfo says %d and %d", multAdds, 2*written, p.MultAdds, p.OutputBytes)
			}
		})
	}
}

// channelsFirst is a shape as PyTorch has it.
func channelsFirst(shape []int) []int {
	if len(shape) != 3 {
		return shape
	}
	return []int{shape[2], shape[0], shape[1]}
}

// squeezed leaves out the batch axis, and the axes of an image of one pixel.
func squeezed(shape []int) []int {
	shape = shape[1:]
	if len(shape) == 3 && shape[1] == 1 && shape[2] == 1 {
		return shape[:1]
	}
	return shape
}

// TestKeras compares kinds, output shapes and parameters of every line of Keras's summary(), which counts the averages of batch norm as
// parameters, and the totals. Keras lists the padding of a convolution as a layer, and relus of VGG16 within their convolutions.
func TestKeras(t *testing.T) {
	for _, network := range []count.Architecture{count.VGG16(1000), count.MobileNetV2(1000), count.InceptionV3(1000)} {
		t.Run(network.Name, func(t *testing.T) {
			p, table := readPeer(t, "keras_"+network.Name), counted(t, network)
			without := []string{"dropout"}
			if p.Model == "vgg16" {
				without = append(without, "activation")
			}
			ours := layersOf(table, without...)
			theirs := slices.DeleteFunc(p.Rows, func(r peerRow) bool { return r.Class == "InputLayer" || r.Class == "ZeroPadding2D" })
			if p.Model == "inception_v3" { // listed by distance from the input; the numbers in the names tell how they were made
				byKind := func(a, b count.Row) int { return strings.Compare(a.Kind, b.Kind) }
				slices.SortStableFunc(ours, byKind)
				slices.SortStableFunc(theirs, byClassAndNumber)
			}
			if len(ours) != len(theirs) {
				t.Fatalf("%d layers, Keras has %d", len(ours), len(theirs))
			}
			for i, r := range ours {
				want := theirs[i]
				if class := kerasClass(want); r.Kind != class || r.Params+r.Buffers != want.Params || !slices.Equal(r.Output, want.Output) {
					t.Errorf("%s: %s %v %d+%d; Keras %+v", r.Name, r.Kind, r.Output, r.Params, r.Buffers, want)
				}
			}
			if table.Params()+table.Buffers() != p.Total || table.Params() != p.Trainable {
				t.Errorf("%d parameters and %d averages, Keras says %d, %d of them trainable", table.Params(), table.Buffers(), p.Total, p.Trainable)
			}
		})
	}
}

func kerasClass(r peerRow) string {
	if r.Class == "ReLU" {
		return "activation"
	}
	return classes[r.Class]
}

// byClassAndNumber sorts conv2d, conv2d_1, conv2d_2 … within their class, and leaves alone what is not numbered by Keras.
func byClassAndNumber(a, b peerRow) int {
	if by := strings.Compare(classes[a.Class], classes[b.Class]); by != 0 || !strings.Contains("Conv2D BatchNormalization Activation", a.Class) {
		return by
	}
	return numberOf(a.Name) - numberOf(b.Name)
}

func numberOf(name string) (n int) {
	if at := strings.LastIndexByte(name, '_'); at >= 0 {
		_, _ = fmt.Sscan(name[at+1:], &n) // batch_normalization has none and is the first
	}
	return n
}
