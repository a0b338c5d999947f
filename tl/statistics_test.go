package tl

import (
	"bytes"
	"encoding/gob"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/stat"
)

// scored are evaluations of two classes with these probabilities of the second.
func scored(model string, labels []int, probabilities ...float64) Evaluation {
	e := Evaluation{Model: model, Classes: []string{"functional", "defective"}, Labels: labels}
	e.Predicts.Classes, e.Predicts.Probabilities.Shape = e.Classes, []int{len(labels), 2}
	for _, p := range probabilities {
		class := 0
		if p > 0.5 {
			class = 1
		}
		e.Predicts.Class = append(e.Predicts.Class, class)
		e.Predicts.Probabilities.Data = append(e.Predicts.Probabilities.Data, float32(1-p), float32(p))
	}
	return e
}

// byChance are n images with some skill.
func byChance(n int, skill float64) Evaluation {
	random := rand.New(rand.NewPCG(1, 2))
	var labels []int
	var probabilities []float64
	for i := range n {
		labels = append(labels, i%3/2)
		probabilities = append(probabilities, math.Round(20/(1+math.Exp(-random.NormFloat64()-skill*float64(2*labels[i]-1))))/20) // with ties
	}
	return scored("m", labels, probabilities...)
}

func TestROCAgreesWithGonum(t *testing.T) {
	for _, skill := range []float64{0, 0.5, 2} {
		e := byChance(300, skill)
		r, err := e.ROC("defective")
		if err != nil {
			t.Fatal(err)
		}
		type scoredLabel struct {
			p     float64
			found bool
		}
		var all []scoredLabel
		for i, label := range e.Labels {
			all = append(all, scoredLabel{float64(e.Predicts.Probabilities.Row(i)[1]), label == 1})
		}
		slices.SortFunc(all, func(a, b scoredLabel) int { return int(math.Copysign(1, a.p-b.p)) })
		var y []float64
		var found []bool
		for _, s := range all {
			y, found = append(y, s.p), append(found, s.found)
		}
		tpr, fpr, _ := stat.ROC(nil, y, found, nil)
		if area := integrate.Trapezoidal(fpr, tpr); math.Abs(area-r.Area) > 1e-12 {
			t.Errorf("skill %g: area %.6f, gonum %.6f", skill, r.Area, area)
		}
		if area := integrate.Trapezoidal(r.False, r.Found); math.Abs(area-r.Area) > 1e-12 {
			t.Errorf("skill %g: area %.6f, under the curve %.6f", skill, r.Area, area)
		}
		if !(r.Interval[0] < r.Area && r.Area < r.Interval[1]) || r.Interval[1]-r.Interval[0] > 0.2 {
			t.Errorf("skill %g: area %.3f in the interval %.3f", skill, r.Area, r.Interval)
		}
		if r.Positives != 100 || r.Negatives != 200 || !slices.IsSorted(r.Found) || !slices.IsSorted(r.False) {
			t.Errorf("%v", r)
		}
	}
}

// TestROCByHand: of the 4 pairs of a positive and a negative 2 are in order and 1 is a tie.
func TestROCByHand(t *testing.T) {
	r, err := scored("m", []int{0, 0, 1, 1}, 0.2, 0.6, 0.6, 0.4).ROC("defective")
	if err != nil || r.Area != 2.5/4 {
		t.Errorf("area %g, %v", r.Area, err)
	}
	if !slices.Equal(r.Found, []float64{0, 0.5, 1, 1}) || !slices.Equal(r.False, []float64{0, 0.5, 0.5, 1}) {
		t.Errorf("found %v, false %v", r.Found, r.False)
	}
	perfect, _ := scored("m", []int{0, 1}, 0.1, 0.9).ROC("defective")
	wrong, _ := scored("m", []int{0, 1}, 0.9, 0.1).ROC("defective")
	if perfect.Area != 1 || wrong.Area != 0 {
		t.Errorf("areas %g and %g, want 1 and 0", perfect.Area, wrong.Area)
	}
	for want, e := range map[string]Evaluation{
		"0 images of": scored("m", []int{0}, 0.1), "no number": scored("m", []int{0, 1}, 0.1, math.NaN()), "2 labels": {Classes: []string{"defective"}, Labels: []int{0, 0}},
		"have a, b": {Classes: []string{"a", "b"}},
	} {
		if _, err := e.ROC("defective"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}

// TestCalibrationByHand: two bins have images, and in the second the model is too sure.
func TestCalibrationByHand(t *testing.T) {
	e := scored("m", []int{1, 1, 0, 0, 1}, 0.55, 0.58, 0.9, 0.95, 0.93)
	c, err := e.Calibration(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Bins) != 10 || c.Bins[5].N != 2 || c.Bins[9].N != 2 || c.Bins[8].N != 1 || c.Bins[5].Accuracy != 1 || c.Bins[9].Accuracy != 0.5 || c.Bins[8].Accuracy != 0 {
		t.Errorf("%+v", c.Bins)
	}
	want := 2.0/5*(1-0.565) + 1.0/5*0.9 + 2.0/5*(0.94-0.5)
	if math.Abs(c.Error-want) > 1e-6 {
		t.Errorf("error %g, want %g", c.Error, want)
	}
	if sure, err := scored("m", []int{0, 1}, 0, 1).Calibration(4); err != nil || sure.Error != 0 || sure.Bins[3].N != 2 {
		t.Errorf("%v, %v", sure, err)
	}
	if _, err := scored("m", []int{0}, math.NaN()).Calibration(5); err == nil {
		t.Error("a probability that is no number is taken")
	}
	e.Predicts.Class[3] = 2
	if _, err := e.Calibration(5); err == nil || !strings.Contains(err.Error(), "image 3 is predicted as class 2 of 2") {
		t.Errorf("%v", err)
	}
	e.Classes = append(e.Classes, "other")
	if _, err := e.ROC("other"); err == nil || !strings.Contains(err.Error(), "2 probabilities of each image for 3 classes") {
		t.Errorf("%v", err)
	}
}

// TestBootstrapKnowsTheBinomial: the interval of an accuracy is as wide as theory has it, and the same again.
func TestBootstrapKnowsTheBinomial(t *testing.T) {
	e := byChance(900, 1)
	interval, p := e.AccuracyInterval(), e.Accuracy()
	half := 1.96 * math.Sqrt(p*(1-p)/900)
	if math.Abs(interval[0]-(p-half)) > 0.006 || math.Abs(interval[1]-(p+half)) > 0.006 || interval != e.AccuracyInterval() {
		t.Errorf("%v of %.3f, theory has ±%.3f", interval, p, half)
	}
	balanced := e.BalancedInterval()
	if b := e.BalancedAccuracy(); !(balanced[0] < b && b < balanced[1]) || e.Accuracy() != p {
		t.Errorf("%v of %.3f", balanced, b)
	}
	drawn := e
	if same := Bootstrap(e.N(), 0, func(positions []int) float64 {
		drawn.Labels, drawn.Predicts.Class = nil, nil
		for _, i := range positions {
			drawn.Labels, drawn.Predicts.Class = append(drawn.Labels, e.Labels[i]), append(drawn.Predicts.Class, e.Predicts.Class[i])
		}
		return drawn.BalancedAccuracy()
	}); same != balanced {
		t.Errorf("%v, of the images that were drawn %v", balanced, same)
	}
	if Bootstrap(0, 0, func([]int) float64 { return 1 }) != [2]float64{} {
		t.Error("an interval of nothing")
	}
}

// TestAgainstIsNarrower: on the same images a small gain is seen where the intervals of both overlap.
func TestAgainstIsNarrower(t *testing.T) {
	e := byChance(900, 1)
	better := e
	better.Predicts.Class = slices.Clone(e.Predicts.Class)
	repaired := 0
	for i, label := range e.Labels {
		if e.Predicts.Class[i] != label && repaired < 12 {
			better.Predicts.Class[i], repaired = label, repaired+1
		}
	}
	g, err := better.Against(e)
	if err != nil || math.Abs(g.Difference-12.0/900) > 1e-12 || g.Interval[0] <= 0 || g.Interval[1] > 0.03 {
		t.Errorf("%v, %v", g, err)
	}
	if better.AccuracyInterval()[0] > e.AccuracyInterval()[1] {
		t.Error("the intervals do not overlap: the example shows nothing")
	}
	better.Predicts.Class = nil
	if _, err := e.Against(better); err == nil || !strings.Contains(err.Error(), "0 predictions for 900 labels") {
		t.Errorf("%v", err)
	}
	if _, err := e.Against(byChance(899, 1)); err == nil || !strings.Contains(err.Error(), "same data set") {
		t.Errorf("%v", err)
	}
}

func TestRepresentationString(t *testing.T) {
	r := Representation{Base: Load("efficientnet_lite0"), Shape: []int{1968, 1280}}
	for want, r := range map[string]Representation{
		"output of efficientnet_lite0: 1,968 images × 1,280 numbers": r,
		"efficientnet_lite0 behind mbconv3: 0 images":                {Base: r.Base, Block: "mbconv3"},
		"logits of efficientnet_lite0":                               {Base: r.Base, Logits: true},
	} {
		if got := r.String(); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%q, want %q…", got, want)
		}
	}
}

// TestNeighboursAgreement counts the neighbours of the same class.
func TestNeighboursAgreement(t *testing.T) {
	n := Neighbours{Base: "b", Place: "stem", Rows: []int{0, 2}, Nearest: [][]int{{1, 2}, {3, 0}}, Similarity: [][]float64{{1, 0.5}, {0.9, 0.5}}}
	if got, err := n.Agreement([]int{0, 0, 1, 1}); got != 0.5 || err != nil {
		t.Errorf("%g, %v", got, err)
	}
	if _, err := n.Agreement([]int{0, 0, 1}); err == nil || !strings.Contains(err.Error(), "row 3") {
		t.Errorf("%v", err)
	}
	if got, err := (Neighbours{}).Agreement(nil); got != 0 || err != nil {
		t.Errorf("%g, %v", got, err)
	}
	if text := n.String(); !strings.Contains(text, "0:  1 (1.000)") {
		t.Error(text)
	}
}

// TestProbeTable: a line for each probe, and what to compare with.
func TestProbeTable(t *testing.T) {
	e := scored("m", []int{0, 0, 1}, 0.1, 0.9, 0.9)
	p := ProbeResult{Base: "b", Place: "stem", Channels: 32, Classes: e.Classes, Labels: e.Labels, Class: e.Predicts.Class, Scores: e.Predicts.Probabilities}
	text := ProbeTable(p, p)
	for _, want := range []string{"stem", "0.667", "0.750", `always answering "functional" would get 0.667`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if c, err := p.Evaluation().Calibration(0); err != nil || c.N != 3 {
		t.Errorf("%v, %v", c, err)
	}
}

// TestRepresentationsCrossASocket: whatever the verbs give comes out of gob as it went in.
func TestRepresentationsCrossASocket(t *testing.T) {
	e := byChance(9, 1)
	for _, in := range []any{
		&Representation{Base: Load("resnet18"), Shape: []int{3, 4}, Block: "layer1.0"},
		&Projection{Method: "t-SNE", Points: Tensor{Shape: []int{1, 2}, Data: []float32{1, 2}}, Perplexity: 3, Trustworthiness: 0.9},
		&ProbeResult{Base: "b", Classes: e.Classes, Labels: e.Labels, Class: e.Predicts.Class, Scores: e.Predicts.Probabilities, Folds: 5},
		&Neighbours{Rows: []int{1}, Nearest: [][]int{{2}}, Similarity: [][]float64{{0.5}}},
		&TSNERequest{RepresentRequest{Base: RawPixels(), Logits: true}, TSNE{Perplexity: 4, Seed: 2}},
		&ProbeRequest{RepresentRequest{Base: RawPixels(), Block: "pixels"}, []int{1}, Probe{L2: 0.5}},
		&NeighboursRequest{RepresentRequest{Base: RawPixels()}, 3, []int{1}},
		&RepresentBlocksRequest{RepresentRequest{Model: RawPixels().WithHead("m", Dense(2))}, []string{"pixels"}},
	} {
		var wire bytes.Buffer
		if err := gob.NewEncoder(&wire).Encode(in); err != nil {
			t.Fatal(err)
		}
		out := reflect.New(reflect.TypeOf(in).Elem()).Interface()
		if err := gob.NewDecoder(&wire).Decode(out); err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("%+v came out as %+v, %v", in, out, err)
		}
	}
}
