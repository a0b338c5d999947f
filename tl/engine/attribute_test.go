package engine

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// halfTrained is a small model, its last block and head trained a little.
func halfTrained(t *testing.T, name string) tl.Model {
	t.Helper()
	model := small("attributed").WithHead(name, tl.Dense(3))
	must[bool](t)(model.Reset(quiet()))
	must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 3, LearningRate: 1e-2, BatchSize: 8, Thaw: []string{"three"}}))
	return model
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, v := range got {
		if d := math.Abs(float64(v - want[i])); !(d <= tolerance*math.Max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("%s: number %d is %g, want %g", what, i, v, want[i])
		}
	}
}

// TestAttributeAnswersAsPredict: whatever the method and the block, the logits are those of Predict, with batch norm folded, frozen and trained, and a
// second call with another class or another number of images compiles nothing.
func TestAttributeAnswersAsPredict(t *testing.T) {
	ownCache(t)
	model := halfTrained(t, "as predicted")
	want := must[tl.Predictions](t)(model.Predict(quiet(), figures.Take(6)))
	for _, a := range []tl.Attribution{{}, {Block: "one"}, {Block: "two"}, {Method: tl.Saliency}, {Method: tl.Occlusion}} {
		got := must[tl.Attributions](t)(model.Attribute(quiet(), figures.Take(6), a))
		near(t, "logits", got.Answer.Logits.Data, want.Logits.Data, 1e-4)
		if !slices.Equal(got.Answer.Class, want.Class) || !slices.Equal(got.Class, want.Class) || !slices.Equal(got.Answer.Classes, want.Classes) || got.Of != "as predicted" {
			t.Errorf("%+v: classes %v for %v, want %v", a, got.Answer.Class, got.Class, want.Class)
		}
		side := map[string]int{"one": 16, "two": 8, "three": 4, "": 32}[got.Asked.Block]
		if !slices.Equal(got.Maps.Shape, []int{6, side, side}) {
			t.Errorf("%+v: maps %v", got.Asked, got.Maps.Shape)
		}
		before := registeredEngine.compiled.Load()
		a.Class = tl.TrueLabel
		labelled := must[tl.Attributions](t)(model.Attribute(quiet(), figures.Take(3), a))
		if labels := must[[]int](t)(figures.Take(3).Labels(quiet())); !slices.Equal(labelled.Class, labels) {
			t.Errorf("%+v: maps for %v, the labels are %v", a, labelled.Class, labels)
		}
		if now := registeredEngine.compiled.Load(); now != before {
			t.Errorf("%+v: the labels of fewer images compiled %d graphs", a, now-before)
		}
	}
}

// TestGradCAMIsCAM: before a mean over space and one dense layer Grad-CAM is the class activation map of Zhou et al. 2016, over the number of places
// (Selvaraju et al. 2017, section 3.1).
func TestGradCAMIsCAM(t *testing.T) {
	ownCache(t)
	model := halfTrained(t, "cam")
	maps := must[tl.Activations](t)(model.Activations(quiet(), figures.Take(5), "three")).Maps
	if !slices.Equal(maps.Shape, []int{5, 4, 4, 12}) {
		t.Fatalf("maps %v", maps.Shape)
	}
	m := must[*trained](t)(registeredEngine.model(quiet(), model))
	kernel := m.values["/head/dense0/kernel"]
	m.gate.Unlock()
	for class, name := range must[[]string](t)(figures.Classes(quiet())) {
		got := must[tl.Attributions](t)(model.Attribute(quiet(), figures.Take(5), tl.Attribution{Class: name}))
		want := make([]float32, 5*16)
		for place := range want {
			sum := 0.0
			for c := range 12 {
				sum += float64(maps.Data[12*place+c]) * float64(kernel.Data[3*c+class])
			}
			want[place] = float32(max(0, sum/16))
		}
		near(t, "map for "+name, got.Maps.Data, want, 1e-5)
		if slices.Max(want) == 0 {
			t.Errorf("no place speaks for %s in five images", name)
		}
	}
}

// TestOcclusion: under a patch as large as the image, every pixel has the fall of the probability that Predict says for the grey image; smaller patches
// give each pixel the mean over those that cover it.
func TestOcclusion(t *testing.T) {
	ownCache(t)
	model := halfTrained(t, "occluded")
	plain := must[tl.Predictions](t)(model.Predict(quiet(), figures.Take(2)))
	covered := must[tl.Predictions](t)(model.Predict(quiet(), datasets.Image(greyImage(t))))
	got := must[tl.Attributions](t)(model.Attribute(quiet(), figures.Take(2), tl.Attribution{Method: tl.Occlusion, Patch: 32, Class: "1"}))
	for i := range 2 {
		want := plain.Probabilities.Row(i)[1] - covered.Probabilities.Row(0)[1]
		for _, v := range got.Maps.Row(i) {
			if math.Abs(float64(v-want)) > 1e-5 {
				t.Fatalf("image %d: a fall of %g, want %g", i, v, want)
			}
		}
	}
	if got.Asked.Stride != 16 {
		t.Errorf("stride %d", got.Asked.Stride)
	}
	if places := placesOf(10, 4, 3); !slices.Equal(places, []int{0, 3, 6}) {
		t.Errorf("places %v", places)
	}
	if places := placesOf(11, 4, 3); !slices.Equal(places, []int{0, 3, 6, 7}) {
		t.Errorf("places %v, the last one stands at the edge", places)
	}
	o := occluder{places: []int{0, 1}, question: question{Attribution: tl.Attribution{Patch: 2}}}
	o.base = &base{}
	o.Size = 3
	spread := make([]float32, 9)
	o.spread([]float32{1, 2, 4, 8}, spread)
	near(t, "spread", spread, []float32{1, 1.5, 2, 2.5, 3.75, 5, 4, 6, 8}, 1e-6)
}

func greyImage(t *testing.T) string {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	draw.Draw(m, m.Bounds(), image.NewUniform(color.NRGBA{grey, grey, grey, 255}), image.Point{}, draw.Src)
	file := filepath.Join(t.TempDir(), "grey.png")
	f := must[*os.File](t)(os.Create(file))
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFeaturesRefuse goes through what people do wrong.
func TestFeaturesRefuse(t *testing.T) {
	ownCache(t)
	model, base := small("refused").WithHead("refused", tl.Dense(3)), small("refused")
	flat := tl.Sequence("flat", []int{8, 8, 3}, tl.Named("flat", tl.Flatten()), tl.Named("dense", tl.Dense(5)))
	ask := func(m tl.Model, d datasets.Dataset, a tl.Attribution) error {
		_, err := m.Attribute(quiet(), d, a)
		return err
	}
	climb := func(b tl.Base, m tl.Maximisation) error {
		_, err := b.MaximiseAs(quiet(), m)
		return err
	}
	maps := func(d datasets.Dataset, block string) error {
		_, err := base.Activations(quiet(), d, block)
		return err
	}
	kernels := func(b tl.Base, blocks ...string) error {
		_, err := b.Filters(quiet(), blocks...)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{ask(model, figures, tl.Attribution{Block: "thre"}), `tl: attribute "refused": no block "thre": did you mean three? (have one, two, three)`},
		{ask(model, figures, tl.Attribution{Class: "3"}), "class 3: there are 3, from 0 to 2"},
		{ask(model, figures, tl.Attribution{Class: "circel"}), `no class "circel": did you mean circle?`},
		{ask(model, figures, tl.Attribution{Method: "gradcam"}), `no method "gradcam"`},
		{ask(model, figures, tl.Attribution{Method: tl.Saliency, Block: "one"}), "leave Block empty"},
		{ask(model, figures, tl.Attribution{Patch: 3}), "a patch is for tl.Occlusion"},
		{ask(model, figures, tl.Attribution{Method: tl.Occlusion, Patch: 33}), "a patch of 33 pixels for images of 32×32: it is between 1 and 32"},
		{ask(model, figures, tl.Attribution{Method: tl.Occlusion, Patch: 8, Stride: 9}), "a stride of 9 pixels for a patch of 8"},
		{ask(model, figures, tl.Attribution{Method: tl.Occlusion, Patch: -1}), "a patch of -1 pixels"},
		{ask(model, figures.Take(0), tl.Attribution{}), "tl: attribute"},
		{ask(tl.Model{Base: base}, figures, tl.Attribution{}), "refused has no classifier of its own: give it a head with WithHead"},
		{ask(flat.WithHead("flat", tl.Dense(3)), figures, tl.Attribution{}), "no block of flat gives maps with space, which Grad-CAM weights: take tl.Saliency or tl.Occlusion"},
		{climb(base, tl.Maximisation{Block: "tow"}), `tl: maximise "refused": no block "tow": did you mean two?`},
		{climb(base, tl.Maximisation{Block: "two", Channels: []int{8}}), "channel 8 of block two: it has 8, from 0 to 7"},
		{climb(base, tl.Maximisation{Block: "two", Steps: -1}), "-1 steps: take 1 to"},
		{climb(base, tl.Maximisation{Block: "two", Size: 5000}), "images of 5000×5000 pixels: take 16 to 512"},
		{climb(base, tl.Maximisation{Block: "two", Channels: make([]int, 100), Size: 512}), "take 85 channels or fewer"},
		{climb(flat, tl.Maximisation{Block: "dense", Size: 16}), "images of 8×8 alone, leave Size 0"},
		{maps(figures, "for"), `tl: activations "refused": no block "for"`},
		{maps(figures.Take(0), "one"), "tl: activations"},
		{maps(datasets.Synthetic(100_000, 1), "one"), "are given: take 43690 images or fewer, .Take(43690)"},
		{kernels(base, "on"), `no block "on": did you mean one?`},
		{kernels(base, "one", "two"), "ask for one at a time"},
		{kernels(flat), "flat has no convolution"},
		{kernels(tl.Load("vgg16_notop").Initial(1), "block9"), `no block "block9"`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%v\nwant %q in it", c.err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(quiet())
	cancel()
	if _, err := model.Attribute(ctx, figures, tl.Attribution{Method: tl.Occlusion}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
