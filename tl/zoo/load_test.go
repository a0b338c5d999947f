package zoo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/weights"
)

// tiny is a network of the zoo's kind whose classifier takes an image in a row, as VGG16's first dense layer does.
func tiny(t *testing.T) Network {
	t.Helper()
	n, err := Of(tl.Sequence("tiny", []int{4, 4, 3}, tl.Named("conv1", tl.Conv(5, 3), tl.MaxPool(2)), tl.Named("fc1", tl.Flatten(), tl.Dense(6))))
	if err != nil {
		t.Fatal(err)
	}
	n.unpublished, n.Classes = false, []string{"a", "b"}
	if n, err = n.classified(); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPyTorchFlattensChannelsFirst: a dense kernel behind Flatten has its rows sorted, and one that is written as a convolution over the
// whole image lies as it should already.
func TestPyTorchFlattensChannelsFirst(t *testing.T) {
	n := tiny(t)
	file := seededFile(n, n.namings[0])
	_, w, _, err := n.Match(file)
	if err != nil {
		t.Fatal(err)
	}
	const h, wide, c, out = 2, 2, 5, 6
	there, here := file.Tensors["fc1.dense.weight"], w.Tensors["fc1/dense/kernel"] // [out, c·h·w] and [h·w·c, out]
	for o := range out {
		for place := range h * wide {
			for channel := range c {
				if there.Data[o*c*h*wide+channel*h*wide+place] != here.Data[(place*c+channel)*out+o] {
					t.Fatalf("output %d, place %d, channel %d", o, place, channel)
				}
			}
		}
	}
	file.Tensors["fc1.dense.weight"] = tl.Tensor{Shape: []int{out, c, h, wide}, Data: there.Data}
	_, again, _, err := n.Match(file)
	if err != nil || !slices.Equal(again.Tensors["fc1/dense/kernel"].Data, here.Data) || !slices.Equal(again.Tensors["fc1/dense/kernel"].Shape, here.Shape) {
		t.Errorf("written as a convolution it lies otherwise: %v", err)
	}
}

func TestMatch(t *testing.T) {
	whole := tiny(t)
	change := func(edit func(map[string]tl.Tensor)) weights.Tensors {
		file := seededFile(whole, whole.namings[0])
		edit(file.Tensors)
		file.Names = file.Names[:0]
		for name := range file.Tensors {
			file.Names = append(file.Names, name)
		}
		return file
	}
	n, _, r, err := whole.Match(change(func(m map[string]tl.Tensor) {
		m["conv1.conv.num_batches_tracked"] = tl.Tensor{Shape: []int{1}, Data: []float32{3}}
	}))
	if err != nil || !r.Classifier || n.Classifier.Forward == nil || len(r.Loaded) != 6 || r.Skipped["conv1.conv.num_batches_tracked"] != "counters of batches" {
		t.Errorf("whole: %v\n%s", err, r)
	}
	n, w, r, err := whole.Match(change(func(m map[string]tl.Tensor) {
		m["classifier.dense.weight"] = tl.Tensor{Shape: []int{7, 6}, Data: make([]float32, 42)}
		m["classifier.dense.bias"] = tl.Tensor{Shape: []int{7}, Data: make([]float32, 7)}
	}))
	if err != nil || r.Classifier || n.Classifier.Forward != nil || len(r.Shapes) != 2 || len(r.Loaded) != 4 || len(w.Tensors) != 4 {
		t.Errorf("a classifier of seven classes: %v\n%s", err, r)
	}
	n, _, r, err = whole.Match(change(func(m map[string]tl.Tensor) { // DataParallel's names
		for name, tensor := range m {
			delete(m, name)
			m["module."+name] = tensor
		}
	}))
	if err != nil || !r.Classifier || n.Classifier.Forward == nil {
		t.Errorf("wrapped: %v\n%s", err, r)
	}
	if _, _, r, err = whole.Match(seededFile(whole, own)); err != nil || r.Names != "the lab" || len(r.Loaded) != 6 {
		t.Errorf("the lab's own names: %v\n%s", err, r)
	}
	for want, file := range map[string]weights.Tensors{
		"1 of the network's tensors are not in the file, the first is fc1/dense/bias (\"fc1.dense.bias\" in names of PyTorch)": change(
			func(m map[string]tl.Tensor) { delete(m, "fc1.dense.bias") }),
		"1 tensors have other shapes: the network wants [5] for conv1/conv/bias, the file's conv1.conv.bias is [9]": change(func(m map[string]tl.Tensor) {
			m["conv1.conv.bias"] = tl.Tensor{Shape: []int{9}, Data: make([]float32, 9)}
		}),
		"no tensor of the file fits tiny: it has x": {Names: []string{"x"}, Tensors: map[string]tl.Tensor{"x": {Shape: []int{1}, Data: []float32{1}}}},
		"tensor conv1.conv.weight":                  change(func(m map[string]tl.Tensor) { m["conv1.conv.weight"] = tl.Tensor{Shape: []int{5, 3, 3, 3}} }),
	} {
		if _, _, _, err := whole.Match(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestPublishersNames: every naming of every network names each of its tensors once, and is recognised by them.
func TestPublishersNames(t *testing.T) {
	for _, name := range Names() {
		n, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, names := range n.namings {
			file := weights.Tensors{Tensors: map[string]tl.Tensor{}}
			for _, b := range n.All() {
				for _, v := range b.Variables {
					in, _, shape, _ := names.inFile(b, v)
					if _, twice := file.Tensors[in]; twice || in == "" || strings.Contains(in, "..") || strings.HasPrefix(in, ".") || strings.HasSuffix(in, ".") {
						t.Errorf("%s, %s: %s/%s is called %q", name, names.by, b.Name, v.Name, in)
					}
					file.Tensors[in] = tl.Tensor{Shape: shape}
				}
			}
			if best := n.bestNaming(file); best.by != names.by {
				t.Errorf("%s: names of %s are taken for those of %s", name, names.by, best.by)
			}
		}
	}
	n, err := inceptionV3()
	if err != nil {
		t.Fatal(err)
	}
	if got := n.namings[1].name("mixed10", n.Blocks[11].Variables[0].Name); got != "conv2d_86/kernel" {
		t.Errorf("the first convolution of mixed10 is %s in Keras's published file", got)
	}
	if got := n.namings[0].name("stem", "conv/kernel"); got != "conv2d/kernel" {
		t.Errorf("the first convolution is %s", got)
	}
}

// TestVGGWithoutTopTakesTheWholeFile: the tensors of the file's top are skipped as such.
func TestVGGWithoutTopTakesTheWholeFile(t *testing.T) {
	n, err := Find("vgg16_notop")
	if err != nil {
		t.Fatal(err)
	}
	file := seededFile(n, n.namings[0])
	file.Names = append(file.Names, "classifier.0.bias")
	file.Tensors["classifier.0.bias"] = tl.Tensor{Shape: []int{4096}, Data: make([]float32, 4096)}
	_, _, r, err := n.Match(file)
	if err != nil || r.Skipped["classifier.0.bias"] != "of the file's own top" || r.Parameters != 14_714_688 {
		t.Errorf("%v\n%s", err, r)
	}
}

// TestPublishedFileIsChecked: what somebody put into the folder of downloads is compared with the publisher's sum.
func TestPublishedFileIsChecked(t *testing.T) {
	home := t.TempDir()
	t.Setenv("TLAB_HOME", home)
	content := []byte("weights")
	sum := sha256.Sum256(content)
	n := tiny(t)
	good := "tiny-" + hex.EncodeToString(sum[:4]) + ".pth"
	n.published = []published{{file: "tiny.h5", by: "Keras", what: "Tiny()", md5: "00"}, {file: good, by: "torchvision", what: "Tiny", hub: "timm/tiny"}}
	_, err := n.publishedFile(context.Background(), nil)
	for _, want := range []string{filepath.Join(home, "downloads"), good, "SHA-256 " + hex.EncodeToString(sum[:4]), "tiny.h5", "MD5 00", "timm/tiny", "Initial(seed)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, without %q", err, want)
		}
	}
	path := filepath.Join(home, "downloads", good)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ content, want string }{{"other", "damaged or another file"}, {string(content), ""}} {
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		found, err := n.publishedFile(context.Background(), nil)
		if c.want == "" && (err != nil || found != path) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %s, %v", c.content, found, err)
		}
	}
}

// TestLargerLitesKnowACat: their files hold as many numbers as the arithmetic says, and the largest sees what is in a photograph.
func TestLargerLitesKnowACat(t *testing.T) {
	for name, want := range map[string][2]int{"efficientnet_lite1": {5_416_680, 53_664}, "efficientnet_lite2": {6_092_072, 58_096}} {
		n, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		n, w, r, err := n.Load(context.Background(), tl.Weights{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		params, buffers := 0, 0
		for _, b := range n.All() {
			params, buffers = params+b.Row().Params, buffers+b.Row().Buffers
		}
		if params != want[0] || buffers != want[1] || r.Parameters != params+buffers || len(r.Initial) > 0 {
			t.Errorf("%s: %d parameters and %d averages counted, %d numbers loaded\n%s", name, params, buffers, r.Parameters, r)
		}
		for skipped, why := range r.Skipped {
			if why != "counters of batches" {
				t.Errorf("%s: %s was skipped: %s", name, skipped, why)
			}
		}
		if name == "efficientnet_lite1" {
			continue // two graphs take longer to compile than they prove
		}
		exec, err := model.NewExec(xla, store(t, w, n.All()...), func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = n.Input(x)
			for _, b := range n.All() {
				x = b.Forward(scope.At("%s", b.Name), x, Mode{})
			}
			return graph.ArgMax(x, -1)
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(widened(crop(t, "testdata/photographs/chelsea.png"), 224, n.Size), 1, n.Size, n.Size, 3))
		if err != nil {
			t.Fatal(err)
		}
		if class := n.Classes[tensors.MustCopyFlatData[int32](out[0])[0]]; !strings.Contains(class, "cat") {
			t.Errorf("%s sees a %s", name, class)
		}
	}
}

// widened repeats the border of an image of a side, to make one of another.
func widened(pixels []uint8, side, wanted int) []uint8 {
	out := make([]uint8, 0, wanted*wanted*3)
	at := func(i int) int { return min(max(i-(wanted-side)/2, 0), side-1) }
	for y := range wanted {
		for x := range wanted {
			out = append(out, pixels[(at(y)*side+at(x))*3:][:3]...)
		}
	}
	return out
}
