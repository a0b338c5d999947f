package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// TestRepresentBlocksIsOnePass: what leaves several blocks comes of one run, is the mean of the blocks' maps, and is found again by all other verbs.
func TestRepresentBlocksIsOnePass(t *testing.T) {
	ownCache(t)
	few := figures.Take(12)
	names := someBlocks
	all := must[[]tl.Representation](t)(lite.RepresentBlocks(quiet(), few, names...))
	for i, r := range all {
		values := must[tl.Tensor](t)(r.Values(quiet()))
		if r.Block != names[i] || !slices.Equal(values.Shape, r.Shape) || r.Shape[0] != 12 {
			t.Errorf("%v: %v, want %s of 12 images", r, values.Shape, names[i])
		}
		maps := must[tl.Activations](t)(lite.Activations(quiet(), few, names[i])).Maps
		if len(maps.Shape) != 4 {
			t.Fatalf("%s: maps of shape %v", names[i], maps.Shape)
		}
		channels, places := maps.Shape[3], maps.Shape[1]*maps.Shape[2]
		for image := range 12 {
			means := make([]float64, channels)
			for at, v := range maps.Row(image) {
				means[at%channels] += float64(v) / float64(places)
			}
			for c, want := range means {
				if got := float64(values.Row(image)[c]); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
					t.Fatalf("%s: channel %d of image %d is %g, the mean of its map %g", names[i], c, image, got, want)
				}
			}
		}
	}
	for _, r := range append(all, must[tl.Representation](t)(lite.Represent(quiet(), few))) {
		_, timing, err := registeredEngine.representation(quiet(), tl.RepresentRequest{Base: r.Base, Data: r.Data, Block: r.Block}, silent)
		if err != nil || timing.Computed != 0 || timing.Reused != 12 {
			t.Errorf("%v: %d computed, %d reused, %v; want all found", r, timing.Computed, timing.Reused, err)
		}
	}
	if every := must[[]tl.Representation](t)(tl.RawPixels().RepresentBlocks(quiet(), few)); len(every) != 1 || every[0].Block != "pixels" {
		t.Errorf("without names: %v", every)
	}
}

// someBlocks are before and behind the tap. Tests share them, and with them the compiled graph.
var someBlocks = []string{"top", "stem", "mbconv13"}

// TestRepresentAtFromTheTap: rows that start from what was kept in passing are those of a run from the images.
func TestRepresentAtFromTheTap(t *testing.T) {
	few, names := figures.Take(12), someBlocks
	var want []tl.Tensor
	for _, first := range []bool{false, true} {
		ownCache(t)
		if first {
			must[tl.Representation](t)(lite.Represent(quiet(), few))
		}
		for i, r := range must[[]tl.Representation](t)(lite.RepresentBlocks(quiet(), few, names...)) {
			got := must[tl.Tensor](t)(r.Values(quiet()))
			if !first {
				want = append(want, got)
				continue
			}
			for j, v := range got.Data {
				if math.Abs(float64(v-want[i].Data[j])) > 1e-4 {
					t.Fatalf("%s: number %d is %g from the tap, %g from the images", names[i], j, v, want[i].Data[j])
				}
			}
		}
	}
	one := must[tl.Representation](t)(lite.RepresentAt(quiet(), few, "stem"))
	if got := must[tl.Tensor](t)(one.Values(quiet())); math.Abs(float64(got.Data[0]-want[1].Data[0])) > 1e-4 {
		t.Errorf("RepresentAt gives %v…, RepresentBlocks %v…", got.Data[:3], want[1].Data[:3])
	}
}

// TestRepresentationsOfAModel: what enters a model's head follows its training, and what did not move is the base's.
func TestRepresentationsOfAModel(t *testing.T) {
	base := ownNetwork.Initial(3)
	model := base.WithHead("represented", tl.Dense(3))
	must[bool](t)(model.Reset(quiet()))
	values := func(r tl.Representation) []float32 { return must[tl.Tensor](t)(r.Values(quiet())).Data }
	before := values(must[tl.Representation](t)(base.Represent(quiet(), figures)))
	r := must[tl.Representation](t)(model.Represent(quiet(), figures))
	if !slices.Equal(values(r), before) || r.Network() != "represented" {
		t.Errorf("%v is not that of the base before training", r)
	}
	must[tl.Summary](t)(model.UnfreezeTop(quiet(), 1))
	must[tl.History](t)(model.Fit(quiet(), figures, none, tl.Phase{Epochs: 2, LearningRate: 1e-2}))
	if slices.Equal(values(r), before) {
		t.Error("a trained block changes nothing")
	}
	blocks := must[[]tl.Representation](t)(model.RepresentBlocks(quiet(), figures))
	if len(blocks) != 3 || !slices.Equal(values(blocks[2]), values(r)) {
		t.Errorf("%v is not what enters the head", blocks)
	}
	frozen := must[tl.Representation](t)(base.RepresentAt(quiet(), figures, "side"))
	if !slices.Equal(values(blocks[1]), values(frozen)) {
		t.Error("a frozen block's output changed")
	}
	if p := must[tl.ProbeResult](t)(r.Probe(quiet(), nil, tl.Probe{Folds: 3})); p.Base != "represented" {
		t.Errorf("%v", p)
	}
}

// TestLogitsAreThoseOfPredict, and every verb of a representation takes them.
func TestLogitsAreThoseOfPredict(t *testing.T) {
	few := figures.Take(12)
	r := must[tl.Representation](t)(lite.Logits(quiet(), few))
	p := must[tl.Predictions](t)(lite.Predict(quiet(), few))
	if !slices.Equal(r.Shape, []int{12, 1000}) || !slices.Equal(must[tl.Tensor](t)(r.Values(quiet())).Data, p.Logits.Data) {
		t.Errorf("%v are not the logits of Predict", r)
	}
	if p := must[tl.Projection](t)(r.PCA(quiet(), 2)); p.Points.Len() != 12 {
		t.Errorf("PCA of logits: %v", p.Points.Shape)
	}
	if _, err := tl.RawPixels().Logits(quiet(), few); err == nil || !strings.Contains(err.Error(), "WithHead") {
		t.Errorf("raw pixels have no classifier: %v", err)
	}
}

// TestRepresentationsOfRawPixels: everything that is done to a representation can be done to pixels, with which it is compared.
func TestRepresentationsOfRawPixels(t *testing.T) {
	r := must[tl.Representation](t)(tl.RawPixels().Represent(quiet(), figures))
	if text := r.String(); !strings.Contains(text, "48 images × 1,024 numbers") {
		t.Errorf("%q", text)
	}
	p := must[tl.Projection](t)(r.TSNE(quiet(), tl.TSNE{Perplexity: 5}))
	if p.Method != "t-SNE" || p.Components != 48 || p.Kept < 0.999 || !slices.Equal(p.Points.Shape, []int{48, 2}) {
		t.Errorf("%s of %d components that keep %g: %v", p.Method, p.Components, p.Kept, p.Points.Shape)
	}
	if trust := must[float64](t)(r.Trustworthiness(quiet(), p, 12)); trust != p.Trustworthiness {
		t.Errorf("trustworthiness %g, the projection says %g", trust, p.Trustworthiness)
	}
	probe := must[tl.ProbeResult](t)(r.Probe(quiet(), nil, tl.Probe{Folds: 4}))
	if e := probe.Evaluation(); e.N() != 48 || e.Accuracy() != probe.Accuracy() || probe.Channels != 1024 || probe.Place != "output" {
		t.Errorf("%v", probe)
	}
	n := must[tl.Neighbours](t)(r.Neighbours(quiet(), 3, 5, 7))
	if !slices.Equal(n.Rows, []int{5, 7}) || len(n.Nearest[1]) != 3 {
		t.Errorf("%v", n)
	}
	if at := must[tl.Representation](t)(tl.RawPixels().RepresentAt(quiet(), figures, "pixels")); !slices.Equal(at.Shape, r.Shape) {
		t.Errorf("%v", at)
	}
}

// TestRepresentationsRefuse what cannot be, with a remedy.
func TestRepresentationsRefuse(t *testing.T) {
	ctx, pixels := quiet(), must[tl.Representation](t)(tl.RawPixels().Represent(quiet(), figures))
	short := tl.Projection{Points: tl.Tensor{Shape: []int{2, 2}, Data: make([]float32, 4)}}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	second := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		`no block "mbconv99"`:        second(lite.RepresentAt(ctx, figures, "mbconv99")),
		"48 images: take 1 to 15.6":  second(pixels.TSNE(ctx, tl.TSNE{Perplexity: 30})),
		"3 steps":                    second(pixels.TSNE(ctx, tl.TSNE{Perplexity: 5, Steps: 3})),
		"2 to 48":                    second(pixels.TSNE(ctx, tl.TSNE{Perplexity: 5, Components: 49})),
		"canceled":                   second(pixels.TSNE(stopped, tl.TSNE{Perplexity: 5})),
		"do not stand for 48":        second(pixels.Trustworthiness(ctx, short, 5)),
		"take 1 to 23":               second(pixels.Trustworthiness(ctx, tl.Projection{Points: tl.Tensor{Shape: []int{48, 2}, Data: make([]float32, 96)}}, 24)),
		"47 labels for 48":           second(pixels.Probe(ctx, make([]int, 47), tl.Probe{})),
		"one class":                  second(pixels.Probe(ctx, make([]int, 48), tl.Probe{})),
		"1 folds":                    second(pixels.Probe(ctx, nil, tl.Probe{Folds: 1})),
		"must be above 0":            second(pixels.Probe(ctx, nil, tl.Probe{L2: -1})),
		"48 neighbours":              second(pixels.Neighbours(ctx, 48)),
		"row 48: there are 48":       second(pixels.Neighbours(ctx, 1, 48)),
		"takes 4 to 10,000 images":   second(must[tl.Representation](t)(tl.RawPixels().Represent(ctx, figures.Take(3))).TSNE(ctx, tl.TSNE{})),
		"4,194,304":                  second(pixels.Probe(ctx, []int{47: 4096}, tl.Probe{})),
		"shape [48 2] do not":        second(pixels.Trustworthiness(ctx, tl.Projection{Points: tl.Tensor{Shape: []int{48, 2}, Data: make([]float32, 99)}}, 5)),
		"did you mean elpv":          second(lite.RepresentBlocks(ctx, datasets.Open("elvp"))),
		"represent 2 images or more": second(must[tl.Representation](t)(tl.RawPixels().Represent(ctx, figures.Take(1))).Neighbours(ctx, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}

// TestTSNEOfSolarCells is what the lab promises: on representations of real cells its picture can be trusted.
func TestTSNEOfSolarCells(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a network over 240 images")
	}
	r := must[tl.Representation](t)(lite.Represent(quiet(), datasets.Open("elpv").PerClass(120, 1)))
	p := must[tl.Projection](t)(r.TSNE(quiet(), tl.TSNE{Seed: 1}))
	flat := must[float64](t)(r.Trustworthiness(quiet(), must[tl.Projection](t)(r.PCA(quiet(), 2)), 12))
	t.Logf("trustworthiness at 12 neighbours: t-SNE %.3f, two principal components %.3f", p.Trustworthiness, flat)
	if p.Trustworthiness < 0.9 || p.Trustworthiness <= flat {
		t.Errorf("trustworthiness %.3f, of two principal components %.3f; want 0.9 or more, and more than those", p.Trustworthiness, flat)
	}
}

// TestTSNEIsRepeatable: a seed means points, to the last bit, on any number of processors; another seed means others.
func TestTSNEIsRepeatable(t *testing.T) {
	r := must[tl.Representation](t)(tl.RawPixels().Represent(quiet(), figures))
	lay := func(seed int64, processors int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		return fmt.Sprint(must[tl.Projection](t)(r.TSNE(quiet(), tl.TSNE{Perplexity: 8, Steps: 200, Seed: seed})).Points.Data)
	}
	if lay(1, 1) != lay(1, 3) {
		t.Error("the points depend on the number of processors")
	}
	if lay(1, 2) == lay(2, 2) {
		t.Error("the seed changes nothing")
	}
}

func BenchmarkTSNE(b *testing.B) {
	rest, _ := datasets.Open("elpv").EveryNth(4)
	r, err := lite.Represent(quiet(), rest)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := r.TSNE(quiet(), tl.TSNE{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(p.Trustworthiness, "trustworthiness")
	}
}
