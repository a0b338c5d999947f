package engine

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/weights"
)

// ownNetwork has a stem, a residual block and a top, with every kind of batch norm and dropout that training tells apart.
var ownNetwork = tl.Sequence("own", []int{16, 16, 3},
	tl.Named("stem", tl.Conv(8, 3).Strided(2).Padded(1).WithoutBias(), tl.BatchNorm(), tl.ReLU()),
	tl.Named("side", tl.Conv(8, 3).WithoutBias(), tl.BatchNorm(), tl.ReLU(), tl.DepthwiseConv(3)).WithShortcut(),
	tl.Named("top", tl.MaxPool(2), tl.Conv(16, 3), tl.ReLU6(), tl.Dropout(0.1), tl.GlobalAveragePool()))

// TestOwnNetworkTrainsFromScratch: random weights, all blocks thawed, learn shapes; frozen ones stay, with their averages.
func TestOwnNetworkTrainsFromScratch(t *testing.T) {
	ownCache(t)
	model := ownNetwork.Initial(3).WithHead("own shapes", tl.Dense(3))
	s := must[tl.Summary](t)(model.Summary(quiet()))
	const parameters = 8*27 + 16 + 8*72 + 16 + 8*9 + 8 + 16*72 + 16 + 16*3 + 3
	if s.Total() != parameters || s.Buffers() != 32 || s.Frozen() != parameters-51 {
		t.Errorf("%d parameters, %d averages, %d frozen:\n%s", s.Total(), s.Buffers(), s.Frozen(), s)
	}
	must[tl.Summary](t)(model.Unfreeze(quiet()))
	data := datasets.Shapes(96, 1)
	scratch := tl.Phase{Name: "scratch", Epochs: 10, LearningRate: 1e-2, BatchSize: 16, BatchNorm: tl.BatchNormTrained}
	before := fingerprint(t, model)
	h := must[tl.History](t)(model.Fit(quiet(), data, datasets.Dataset{}, scratch))
	if last := h.Epochs[len(h.Epochs)-1]; !(last.Loss < 0.6*h.Epochs[0].Loss) || !(last.Accuracy > 0.6) {
		t.Errorf("it did not learn: loss %.3f to %.3f, accuracy %.3f", h.Epochs[0].Loss, last.Loss, last.Accuracy)
	}
	after := fingerprint(t, model)
	for path := range after {
		if after[path] == before[path] {
			t.Errorf("%s did not move", path)
		}
	}
	must[tl.Summary](t)(model.Freeze(quiet(), "stem", "side"))
	h = must[tl.History](t)(model.Fit(quiet(), data, datasets.Dataset{}, tl.Phase{Epochs: 1, LearningRate: 1e-3, BatchSize: 16, NoCache: true}))
	frozen := fingerprint(t, model)
	for path := range frozen {
		still := strings.HasPrefix(path, "/stem/") || strings.HasPrefix(path, "/side/")
		if still != (frozen[path] == after[path]) {
			t.Errorf("%s: frozen %t, equal %t", path, still, frozen[path] == after[path])
		}
	}
	if len(h.Proof.Moved) > 0 || h.Proof.Tensors != 12 {
		t.Errorf("proof %+v", h.Proof)
	}
	if r := must[tl.Representation](t)(ownNetwork.Initial(3).Represent(quiet(), data)); !slices.Equal(r.Shape, []int{96, 16}) {
		t.Errorf("representation %v", r.Shape)
	}
	if report := must[tl.LoadReport](t)(ownNetwork.Initial(3).LoadReport(quiet())); report.Seed != 3 || len(report.Initial) != 14 {
		t.Errorf("report\n%s", report)
	}
}

// TestTwinsAreKeptApart: networks of one name and the same weights, which differ in what has none, share neither graphs nor activations.
func TestTwinsAreKeptApart(t *testing.T) {
	ownCache(t)
	twin := func(pool tl.Layer) tl.Tensor {
		base := tl.Sequence("twin", []int{16, 16, 3}, tl.Named("one", tl.Conv(4, 3), tl.ReLU(), pool, tl.GlobalAveragePool()))
		r := must[tl.Representation](t)(base.Represent(quiet(), datasets.Shapes(4, 1)))
		return must[tl.Tensor](t)(r.Values(quiet()))
	}
	largest, mean := twin(tl.MaxPool(2)), twin(tl.AveragePool(2))
	for i := range mean.Data {
		if !(largest.Data[i] >= mean.Data[i]) || slices.Equal(largest.Data, mean.Data) {
			t.Fatalf("the largest of windows %v, their mean %v", largest.Data, mean.Data)
		}
	}
	if again := twin(tl.MaxPool(2)); !slices.Equal(again.Data, largest.Data) {
		t.Error("the first twin changed")
	}
}

// TestDoctoredBaseIsRefused: a summary compares its arithmetic with the tensors that are held.
func TestDoctoredBaseIsRefused(t *testing.T) {
	e := inProcess()
	described := ownNetwork.Initial(4)
	b := must[*base](t)(e.base(quiet(), described))
	whole := maps.Clone(b.values)
	if err := b.checkHeld(b.values); err != nil {
		t.Fatal(err)
	}
	for want, doctor := range map[string]func(){
		"wants bn/mean [8], which is not held":                   func() { delete(b.values, "/stem/bn/mean") },
		"conv/kernel is [3 3 3 8] by the arithmetic and held as": func() { b.values["/stem/conv/kernel"] = newValue([]int{3, 3, 3, 9}, make([]float32, 243)) },
		"extra [1] is held, which the arithmetic does not know":  func() { b.values["/stem/extra"] = newValue([]int{1}, []float32{1}) },
		"is a parameter by the arithmetic and held as a buffer":  func() { b.Blocks[0].Variables[1].Buffer = true },
	} {
		b.values = maps.Clone(whole)
		b.Blocks[0].Variables = slices.Clone(b.Blocks[0].Variables)
		doctor()
		if _, err := e.summary(quiet(), tl.ModelRequest{Model: tl.Model{Base: described}}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		b.Blocks[0].Variables[1].Buffer = false
	}
}

// TestWeightsOfAFile: what fits is loaded, the rest keeps its initial values, and another file at the same place is another base.
func TestWeightsOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.safetensors")
	write := func(edit func(map[string]tl.Tensor)) {
		tensors := map[string]tl.Tensor{
			"stem.conv.weight": {Shape: []int{8, 3, 3, 3}, Data: counting(216)}, "stem.bn.weight": {Shape: []int{8}, Data: counting(8)},
			"stem.bn.bias": {Shape: []int{8}, Data: counting(8)}, "stem.bn.running_mean": {Shape: []int{8}, Data: counting(8)},
			"stem.bn.running_var": {Shape: []int{8}, Data: counting(8)}, "stem.bn.num_batches_tracked": {Shape: []int{1}, Data: counting(1)},
			"top.conv.weight": {Shape: []int{16, 8, 5, 5}, Data: counting(3200)}, "fc.weight": {Shape: []int{2, 16}, Data: counting(32)},
		}
		edit(tensors)
		if _, err := weights.WriteSafetensors(file, weights.Safetensors{Tensors: tensors}); err != nil {
			t.Fatal(err)
		}
	}
	write(func(map[string]tl.Tensor) {})
	base := ownNetwork.WithWeights(file)
	r := must[tl.LoadReport](t)(base.LoadReport(quiet()))
	if r.Names != "PyTorch" || r.Parameters != 216+32 || len(r.Loaded) != 5 || len(r.Initial) != 9 || len(r.Shapes) != 1 || len(r.Skipped) != 2 {
		t.Errorf("report\n%s", r)
	}
	for _, line := range []string{"shape of top/conv/kernel: the network has [3 3 8 16], the file's top.conv.weight has [5 5 8 16]",
		"skipped, counters of batches: stem.bn.num_batches_tracked", "skipped, no such tensor in the network: fc.weight"} {
		if !strings.Contains(r.String(), line) {
			t.Errorf("%q is not in the report\n%s", line, r)
		}
	}
	first := fingerprint(t, tl.Model{Base: base})
	write(func(tensors map[string]tl.Tensor) {
		tensors["stem.bn.bias"] = tl.Tensor{Shape: []int{8}, Data: make([]float32, 8)}
		tensors["a.longer.file"] = tl.Tensor{Shape: []int{1}, Data: counting(1)}
	})
	second := fingerprint(t, tl.Model{Base: base})
	for path := range second {
		if changed := path == "/stem/bn/offset"; changed != (first[path] != second[path]) {
			t.Errorf("%s: changed %t", path, !changed)
		}
	}
	write(func(tensors map[string]tl.Tensor) {
		clear(tensors)
		tensors["another.network"] = tl.Tensor{Shape: []int{1}, Data: counting(1)}
	})
	_, err := base.Summary(quiet())
	if err == nil || !strings.Contains(err.Error(), "no tensor of the file fits own: it has another.network; wanted is stem.conv.weight (PyTorch) or stem/conv/kernel (the lab)") {
		t.Errorf("error %v", err)
	}
}

func counting(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i + 1)
	}
	return values
}

// TestBadNetworksAreNamed: descriptions fail at the first verb, which says why.
func TestBadNetworksAreNamed(t *testing.T) {
	t.Setenv("TLAB_HOME", t.TempDir())
	block := tl.Named("one", tl.Conv(4, 3), tl.GlobalAveragePool())
	for want, base := range map[string]tl.Base{
		"images are [h, w, 3] with h = w":            tl.Sequence("bad", []int{8, 9, 3}, block),
		"has no blocks":                              tl.Sequence("bad", []int{8, 8, 3}),
		`block 2 is called "one"`:                    tl.Sequence("bad", []int{8, 8, 3}, block, block),
		`block 1 is called "head"`:                   tl.Sequence("bad", []int{8, 8, 3}, tl.Named("head", tl.Conv(4, 3))),
		"a representation has one axis":              tl.Sequence("bad", []int{8, 8, 3}, tl.Named("one", tl.Conv(4, 3))),
		`block "one" has no layers`:                  tl.Sequence("bad", []int{8, 8, 3}, tl.Named("one")),
		`no such kind of layer "conv2d"`:             tl.Sequence("bad", []int{8, 8, 3}, tl.Named("one", tl.Layer{Kind: "conv2d"})),
		"kernel 9×9 is larger than its input":        tl.Sequence("bad", []int{8, 8, 3}, tl.Named("one", tl.Conv(4, 9).Unpadded())),
		"equal shapes":                               tl.Sequence("bad", []int{8, 8, 3}, tl.Named("one", tl.Conv(4, 3)).WithShortcut()),
		`no base "resnet19": did you mean resnet18?`: tl.Load("resnet19"),
		"resnet18-f37072fd.pth: torchvision's ResNet18_Weights.IMAGENET1K_V1, SHA-256 f37072fd…":                                             tl.Load("resnet18"),
		"model.safetensors of timm/resnet18.tv_in1k":                                                                                         tl.Load("resnet18"),
		"inception_v3_weights_tf_dim_ordering_tf_kernels.h5: Keras's keras.applications.InceptionV3(), MD5 9a0d58056eeedaa3f26cb7ebd46da564": tl.Load("inception_v3"),
		"no such file": tl.Load("resnet18").WithWeights("/nowhere/resnet18.pth"),
	} {
		if _, err := base.Summary(quiet()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if s, err := tl.Load("lecture_cnn").WithHead("lecture", tl.Dense(4)).Summary(quiet()); err != nil || s.Total() != 2_103_156 {
		t.Errorf("%d parameters of the lecture's network, %v", s.Total(), err)
	}
}
