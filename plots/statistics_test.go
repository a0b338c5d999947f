package plots

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// learningPoints are made up: three seeds at each number of images.
func learningPoints() (points []tl.LearningPoint) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{2, 5, 10, 20, 50, 100, 200, 500} {
		for seed := range int64(3) {
			grown := math.Log10(float64(n))
			points = append(points,
				tl.LearningPoint{Method: "scratch", PerClass: n, Seed: seed, Accuracy: 0.5 + 0.06*grown + 0.05*random.Float64()},
				tl.LearningPoint{Method: "frozen base, new head", PerClass: n, Seed: seed, Accuracy: 0.6 + 0.09*grown + 0.04*random.Float64()},
				tl.LearningPoint{Method: "fine-tuned", PerClass: n, Seed: seed, Accuracy: 0.58 + 0.12*grown + 0.05*random.Float64()})
		}
	}
	return points
}

// rateCurve falls, turns and explodes, as a search does.
func rateCurve() tl.RateCurve {
	random := rand.New(rand.NewPCG(5, 6))
	var rates, losses []float64
	for i := range 100 {
		rate := 1e-7 * math.Pow(1e8, float64(i)/99)
		rates = append(rates, rate)
		losses = append(losses, 0.72-0.35/(1+math.Pow(3e-4/rate, 1.3))+40*math.Max(0, rate-0.05)+0.05*random.NormFloat64())
	}
	c := tl.NewRateCurve(rates, losses)
	c.Model = "cells"
	return c
}

// rated are two phases with the rates that RateDecay 1/3 gives.
func rated() []tl.History {
	head := history("head", 3, 3, 0.6, 0.7, 0.5)
	head.Rates = map[string]float64{"head": 1e-3}
	tune := history("fine-tune, everything", 2, 2, 0.4, 0.8, 0.5)
	tune.Rates = map[string]float64{}
	var blocks []tl.BlockRecord
	for i, b := range summary(18).Blocks {
		stage := []int{0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 8}[i]
		tune.Rates[b.Name] = 3e-4 * math.Pow(1.0/3, float64(8-stage))
		blocks = append(blocks, tl.BlockRecord{Block: b.Name, Rate: tune.Rates[b.Name]})
	}
	tune.Epochs[0].Blocks = append([]tl.BlockRecord{blocks[18]}, blocks[:18]...) // the head stands first there
	return []tl.History{head, tune}
}

func drifted() tl.Drift {
	d := tl.Drift{Model: "cells", Base: "efficientnet_lite0", Data: "elpv", Images: 512}
	for i, b := range summary(18).Blocks[:18] {
		moved := tl.BlockDrift{Block: b.Name, Frozen: i < 6, CKA: 1}
		if !moved.Frozen {
			moved.L2, moved.CKA = 0.0004*math.Pow(1.5, float64(i-6)), 1-0.004*math.Pow(1.4, float64(i-6))
		}
		d.Blocks = append(d.Blocks, moved)
	}
	d.Blocks[3].CKA = math.NaN()
	return d
}

// unsure are evaluations of n images whose probabilities are worth something: skill 0 is chance.
func unsure(model, phase string, n int, skill float64) tl.Evaluation {
	random := rand.New(rand.NewPCG(7, uint64(100*skill)))
	e := tl.Evaluation{Model: model, Phase: phase, Classes: []string{"functional", "defective"}}
	e.Predicts.Classes, e.Predicts.Probabilities.Shape = e.Classes, []int{n, 2}
	for i := range n {
		label := 0
		if i%10 < 3 {
			label = 1
		}
		logit := skill*float64(2*label-1) + 1.2*random.NormFloat64() - 0.5
		p := 1 / (1 + math.Exp(-2.2*logit))
		class := 0
		if p > 0.5 {
			class = 1
		}
		e.Labels, e.Predicts.Class = append(e.Labels, label), append(e.Predicts.Class, class)
		e.Predicts.Probabilities.Data = append(e.Predicts.Probabilities.Data, float32(1-p), float32(p))
	}
	e.Interval = e.AccuracyInterval()
	return e
}

// statistics are the figures of representations and of what was measured.
func statistics(t *testing.T) map[string]Figure {
	ctx := context.Background()
	curves := LearningCurves(learningPoints()...)
	curves.Majority = 0.698
	partly := BlockRates(rated()...)
	for _, b := range summary(18).Blocks {
		partly.Blocks = append(partly.Blocks, b.Name)
	}
	delete(partly.Histories[1].Rates, "stem")
	delete(partly.Histories[1].Rates, "mbconv1")
	balanced := Intervals(unsure("linear probe", "", 656, 1), unsure("fine-tuned", "", 656, 1.8))
	balanced.Balanced = true
	shapes := datasets.Shapes(40, 1)
	near := tl.Neighbours{Base: "efficientnet_lite0", Place: "mbconv3", Rows: []int{0, 1, 7}, Nearest: [][]int{{4, 9, 1, 13}, {3, 2, 30, 5}, {8, 11, 39, 0}},
		Similarity: [][]float64{{0.98, 0.95, 0.9, 0.5}, {0.9, 0.8, 0.7, 0.25}, {0.999, 0.9, 0.8, -0.1}}}
	embedded, labels := projection(40, 3, 30)
	embedded.Method, embedded.Variances, embedded.Total, embedded.Perplexity, embedded.Trustworthiness = "t-SNE", nil, 0, 12, 0.97
	pictured := Scatter("t-SNE", embedded, ok[[]int](t)(shapes.Labels(ctx)), ok[[]string](t)(shapes.Classes(ctx))...)
	_ = labels
	return map[string]Figure{
		"learning_curves":     curves,
		"learning_curves_one": LearningCurves(tl.LearningPoint{Method: "frozen base", PerClass: 50, Accuracy: 0.8}),
		"rates":               Rates(rateCurve()),
		"block_rates":         BlockRates(rated()...),
		"block_rates_partly":  partly,
		"block_drift":         BlockDrift(drifted()),
		"roc":                 ROC(unsure("cells", "", 656, 0.7), unsure("cells", "fine-tune", 656, 1.8)),
		"calibration":         Calibration(unsure("cells", "fine-tune", 656, 1.2)),
		"intervals":           Intervals(unsure("cells", "", 656, 0.2), unsure("cells", "head", 656, 1), unsure("cells", "fine-tune", 656, 1.8)),
		"intervals_balanced":  balanced,
		"neighbours":          ok[NeighboursFigure](t)(Neighbours(ctx, shapes, near)),
		"scatter_thumbnails":  ok[ScatterFigure](t)(pictured.WithThumbnails(ctx, shapes, 24)),
	}
}

// TestBadStatistics gives the figures what they cannot draw.
func TestBadStatistics(t *testing.T) {
	point := tl.LearningPoint{Method: "m", PerClass: 5, Accuracy: 0.5}
	beyond, none := point, point
	beyond.Accuracy, none.PerClass = 1.2, 0
	majority := LearningCurves(point)
	majority.Majority = math.NaN()
	short := rateCurve()
	short.Losses = short.Losses[:3]
	backwards := rateCurve()
	backwards.Rates[4] = -1
	lost := rateCurve()
	for i := range lost.Smoothed {
		lost.Smoothed[i] = math.NaN()
	}
	other, zero := rated()[0], rated()[1]
	other.Model = "another"
	zero.Rates["stem"] = 0
	unlisted := BlockRates(rated()...)
	unlisted.Blocks = []string{"head"}
	drift := drifted()
	drift.Blocks[2].CKA = 1.5
	for name, c := range map[string]struct {
		figure Figure
		want   string
	}{
		"no points":        {LearningCurves(), "no points"},
		"accuracy":         {LearningCurves(point, beyond), "point 1 has an accuracy of 1.2"},
		"no images":        {LearningCurves(none), "1 or more"},
		"majority":         {majority, "Majority is NaN"},
		"no rates":         {Rates(tl.RateCurve{}), "FindRate"},
		"losses":           {Rates(short), "3 losses"},
		"negative rate":    {Rates(backwards), "step 4 has a rate of -1"},
		"all lost":         {Rates(lost), "no finite loss"},
		"no history":       {BlockRates(), "no block has a rate"},
		"two models":       {BlockRates(rated()[0], other), "one figure for each model"},
		"rate 0":           {BlockRates(zero), "rate of 0"},
		"unlisted":         {unlisted, "which Blocks does not list"},
		"no drift":         {BlockDrift(tl.Drift{}), "Model.Drift"},
		"impossible drift": {BlockDrift(drift), "CKA of 1.5"},
	} {
		refuses(t, name, c.figure, c.want)
	}
}

// refuses asks a figure for an error that says what to do, and for no alt text.
func refuses(t *testing.T, name string, f Figure, want string) {
	t.Run(name, func(t *testing.T) {
		picture, err := coarse(f)
		if err == nil || !strings.HasPrefix(err.Error(), "plots: ") || !strings.Contains(err.Error(), want) || picture != nil {
			t.Errorf("%d bytes, %v; want an error with %q", len(picture), err, want)
		}
		if f.Alt() != "" {
			t.Errorf("alt text of what cannot be drawn: %q", f.Alt())
		}
	})
}

// TestBadEvaluations gives the figures of evaluations what they cannot draw.
func TestBadEvaluations(t *testing.T) {
	oneClass := unsure("m", "", 20, 1)
	for i := range oneClass.Labels {
		oneClass.Labels[i] = 0
	}
	unknown := ROC(unsure("m", "", 20, 1))
	unknown.Class = "cracked"
	many := ROC(make([]tl.Evaluation, 9)...)
	bins := Calibration(unsure("m", "", 20, 1))
	bins.Bins = 51
	nan := unsure("m", "", 20, 1)
	nan.Predicts.Probabilities.Data[2*3] = float32(math.NaN())
	nan.Predicts.Probabilities.Data[2*3+1] = float32(math.NaN())
	outside := unsure("m", "", 20, 1)
	outside.Predicts.Class[3] = 2
	for name, c := range map[string]struct {
		figure Figure
		want   string
	}{
		"no ROC":              {ROC(), "no evaluations"},
		"nine curves":         {many, "9 curves"},
		"one class":           {ROC(oneClass), "0 images of"},
		"unknown class":       {unknown, `no class "cracked"`},
		"no probabilities":    {ROC(tl.Evaluation{Model: "m", Classes: []string{"a"}, Labels: []int{0}}), "probabilities of 0 images"},
		"NaN in ROC":          {ROC(nan), "image 3 is no number"},
		"no calibration":      {Calibration(tl.Evaluation{}), "no images"},
		"bins":                {bins, "51 bins"},
		"NaN in calibration":  {Calibration(nan), "image 3 is no number"},
		"no intervals":        {Intervals(), "no evaluations"},
		"empty evaluation":    {Intervals(tl.Evaluation{Model: "m"}), "0 labels"},
		"prediction outside":  {Intervals(outside), "predicted as 2"},
		"nobody's evaluation": {SideBySide(Intervals()), "no evaluations"},
	} {
		refuses(t, name, c.figure, c.want)
	}
}

// TestBadNeighbours asks for neighbours and thumbnails that are not there.
func TestBadNeighbours(t *testing.T) {
	ctx := context.Background()
	shapes := datasets.Shapes(40, 1)
	list := func(rows int, near ...int) tl.Neighbours {
		n := tl.Neighbours{}
		for i := range rows {
			n.Rows, n.Nearest, n.Similarity = append(n.Rows, i), append(n.Nearest, near), append(n.Similarity, make([]float64, len(near)))
		}
		return n
	}
	uneven := list(2, 1, 2)
	uneven.Nearest[1] = uneven.Nearest[1][:1]
	p, labels := projection(40, 3, 10)
	for name, c := range map[string]struct {
		call func() (Figure, error)
		want string
	}{
		"none":       {func() (Figure, error) { return Neighbours(ctx, shapes, tl.Neighbours{}) }, "0 images"},
		"uneven":     {func() (Figure, error) { return Neighbours(ctx, shapes, uneven) }, "has 1 neighbours"},
		"outside":    {func() (Figure, error) { return Neighbours(ctx, shapes, list(1, 40)) }, "position 40"},
		"too many":   {func() (Figure, error) { return Neighbours(ctx, shapes, list(10, 1, 2, 3, 4)) }, "more than a figure holds"},
		"no data":    {func() (Figure, error) { return Neighbours(ctx, datasets.Open("elvp"), list(1, 2)) }, "did you mean elpv"},
		"0 pictures": {func() (Figure, error) { return Scatter("s", p, labels).WithThumbnails(ctx, shapes, 0) }, "1 to 400"},
		"other data": {func() (Figure, error) { return Scatter("s", p, labels).WithThumbnails(ctx, datasets.Shapes(41, 1), 5) }, "41 images for 40 points"},
		"bad figure": {func() (Figure, error) { return Scatter("s", p, labels[1:]).WithThumbnails(ctx, shapes, 5) }, "39 labels"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want an error with %q", err, c.want)
			}
		})
	}
}

// TestSpread: thumbnails go to points far from each other, each once, and equal points give one.
func TestSpread(t *testing.T) {
	line := Scatter("", tl.Projection{Points: tl.Tensor{Shape: []int{5, 2}, Data: []float32{0, 0, 1, 0, 2, 0, 3, 0, 10, 0}}}, nil)
	if got := line.spread(3); len(got) != 3 || got[0] != 4 || got[1] != 0 || got[2] != 3 {
		t.Errorf("%v, want the ends and then what is farthest from both", got)
	}
	if got := line.spread(99); len(got) != 5 {
		t.Errorf("%d of 5 points", len(got))
	}
	if got := Scatter("", tl.Projection{Points: tl.Tensor{Shape: []int{3, 2}, Data: []float32{1, 1, 1, 1, 1, 1}}}, nil).spread(3); len(got) != 1 {
		t.Errorf("%d pictures of three equal points", len(got))
	}
}

// TestExtremeStatistics: numbers at the ends, long names and small pages are drawn like any other, and no axis runs for ever.
func TestExtremeStatistics(t *testing.T) {
	long := strings.Repeat("a name that goes on ", 12)
	flat := tl.RateCurve{Model: long, Rates: []float64{1e-3, 1e-3}, Losses: []float64{0, 0}, Smoothed: []float64{0, 0}, Valley: 1e-3, Steep: 1, Tenth: 1e-30}
	steep := tl.RateCurve{Rates: []float64{1e-300, 1e300}, Losses: []float64{math.Inf(1), -1e300}, Smoothed: []float64{1e300, -1e300}}
	rates := tl.History{Model: long, Phase: tl.Phase{Name: long}, Rates: map[string]float64{long: 1e-300, "head": 1e300}}
	drift := tl.Drift{Blocks: []tl.BlockDrift{{Block: long, L2: math.Inf(1), CKA: math.NaN()}, {L2: 1e-300}}}
	sure := unsure(long, long, 3, 100)
	for name, f := range map[string]Figure{
		"one accuracy":  LearningCurves(tl.LearningPoint{PerClass: 1}, tl.LearningPoint{Method: long, PerClass: math.MaxInt32, Accuracy: 1}),
		"flat rates":    Rates(flat),
		"steep rates":   Rates(steep),
		"block rates":   BlockRates(rates, rates),
		"drift":         BlockDrift(drift),
		"intervals":     Intervals(sure, sure, sure),
		"calibration":   Calibration(sure),
		"many crossing": ROC(unsure(long, "", 40, 0), unsure(long, "", 40, 0), unsure("", "", 40, 3)),
	} {
		t.Run(name, func(t *testing.T) {
			checkXML(t, ok[[]byte](t)(SVG(f)))
			ok[[]byte](t)(coarse(f))
			if f.Alt() == "" {
				t.Error("no alt text")
			}
		})
	}
	small := ROC(unsure("cells", "", 40, 1))
	small.Width, small.Height = 1, 1
	checkXML(t, ok[[]byte](t)(SVG(small)))
	low := Calibration(unsure("cells", "", 40, 1))
	low.Width, low.Height = 1, 1
	checkXML(t, ok[[]byte](t)(SVG(low)))
}

// TestDriftInWords: a block without variance, wherever it stands, is not the one that changed most, and where nothing moved that is said.
func TestDriftInWords(t *testing.T) {
	for want, blocks := range map[string][]tl.BlockDrift{
		"What leaves b changed most: CKA 0.900 on 8 images.":                                              {{Block: "a", CKA: math.NaN()}, {Block: "b", CKA: 0.9, L2: 0.1}, {Block: "c", CKA: 1}},
		"0 of them frozen. No weights moved. What leaves the blocks is the same on 8 images.":             {{Block: "a", CKA: 1}, {Block: "b", CKA: 1}},
		"The weights of a moved farthest, by 0.1 of their length. What leaves the blocks has no variance": {{Block: "a", CKA: math.NaN(), L2: 0.1}},
	} {
		if alt := BlockDrift(tl.Drift{Model: "m", Base: "b", Images: 8, Blocks: blocks}).Alt(); !strings.Contains(alt, want) || strings.Contains(alt, "NaN") {
			t.Errorf("%q, want %q", alt, want)
		}
	}
}
