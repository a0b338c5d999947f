package plots

import (
	"context"
	"math"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// features are the goldens of what a network has learned; the numbers are made up.
func features(t *testing.T) map[string]Figure {
	ctx := context.Background()
	shapes := datasets.Shapes(12, 1)
	answered := shapeEvaluation(t, shapes)
	worst := shapes.Rows(answered.TopLosses(4)...)
	chosen := FeatureMaps(waves(2, 9, 5, 12))
	chosen.Title, chosen.Image, chosen.Channels = "Three of them, of another image", 1, []int{0, 11, 4}
	few := Filters(gabors(40, 5, 8))
	few.Title, few.Most = "Kernels deeper in", 12
	saliency := attributed(t, shapes.Take(2), answered, tl.Attribution{Method: tl.Saliency}, 112)
	nothing := attributed(t, shapes.Take(1), answered, tl.Attribution{Block: "top"}, 7)
	clear(nothing.Maps.Data)
	heat := ok[HeatMapsFigure](t)(HeatMaps(ctx, shapes, attributed(t, shapes, answered, tl.Attribution{Block: "top"}, 7), 0, 1, 2, 3))
	salient := ok[HeatMapsFigure](t)(HeatMaps(ctx, shapes.Take(2), saliency))
	none := ok[HeatMapsFigure](t)(HeatMaps(ctx, shapes.Take(1), nothing))
	top := ok[TopLossesFigure](t)(TopLosses(ctx, shapes, answered, attributed(t, worst, answered, tl.Attribution{Method: tl.Occlusion, Patch: 56}, 28, answered.TopLosses(4)...)))
	rows := Maximised(rings(9))
	heat.Width, salient.Width, none.Width, top.Width, rows.Width = 6, 3.5, 2, 6.5, 5 // small files
	heat.Title = "What speaks for the class"
	return map[string]Figure{
		"filters": Filters(gabors(32, 7, 3)), "filters_many": Filters(gabors(64, 3, 3)), "filters_deeper": few,
		"feature_maps": FeatureMaps(waves(1, 14, 14, 40)), "feature_maps_chosen": chosen,
		"maximised": Maximised(rings(3)), "maximised_many": rows,
		"heat_maps": heat, "heat_maps_saliency": salient, "heat_maps_nothing": none, "top_losses": top,
	}
}

// gabors are n filters of size×size over c channels.
func gabors(n, size, c int) tl.Filters {
	f := tl.Filters{Base: "resnet18", Block: "stem", Layer: "conv", Kernels: tl.Tensor{Shape: []int{n, size, size, c}}}
	for i := range n {
		angle, wave := math.Pi*float64(i)/8, 0.9+float64(i%5)/4
		for place := range size * size {
			y, x := float64(place/size)-float64(size-1)/2, float64(place%size)-float64(size-1)/2
			v := math.Exp(-(x*x+y*y)/float64(size)) * math.Cos(wave*(x*math.Cos(angle)+y*math.Sin(angle))+float64(i))
			for j := range c {
				f.Kernels.Data = append(f.Kernels.Data, float32(v*(1-0.7*float64((i+j)%3))))
			}
		}
	}
	return f
}

// waves are maps [n, h, w, c] that vary more, the higher the channel's number; the first channel is the same everywhere.
func waves(n, h, w, c int) tl.Activations {
	a := tl.Activations{Base: "efficientnet_lite0", Block: "mbconv5", Maps: tl.Tensor{Shape: []int{n, h, w, c}}}
	for i := range n * h * w {
		y, x := float64(i/w%h), float64(i%w)
		for channel := range c {
			a.Maps.Data = append(a.Maps.Data, float32(float64(channel)*math.Sin(x/float64(2+channel%7)+y/float64(3+channel%5)+float64(i/(h*w)))))
		}
	}
	return a
}

func rings(n int) tl.Maximised {
	const side = 32
	m := tl.Maximised{Base: "efficientnet_lite0", Block: "mbconv8", Steps: 64, Images: tl.Tensor{Shape: []int{n, side, side, 3}}}
	for i := range n {
		m.Channels, m.Start, m.Reached = append(m.Channels, 17*i), append(m.Start, float32(i)-2.46), append(m.Reached, 31.4+float32(i))
		for place := range side * side {
			r := math.Hypot(float64(place/side-12), float64(place%side-10*i%side))
			for c := range 3 {
				m.Images.Data = append(m.Images.Data, float32(0.5+0.5*math.Sin(r/float64(1+i%3)+float64(c))))
			}
		}
	}
	return m
}

// shapeEvaluation is of a model that is wrong about every third image, and the surer the later.
func shapeEvaluation(t *testing.T, shapes datasets.Dataset) tl.Evaluation {
	t.Helper()
	p := shapePredictions(t, shapes)
	for i := range p.Class {
		row := p.Probabilities.Row(i)
		for c := range row {
			row[c] = 0.1 - float32(i)/200
		}
		row[p.Class[i]] = 1 - 2*row[0]
	}
	return tl.Evaluation{Model: "shapes", Classes: p.Classes, Predicts: p, Labels: ok[[]int](t)(shapes.Labels(context.Background()))}
}

// attributed are maps of side×side for the predicted classes of these rows of the evaluation, or of the first ones, with a hill in the middle, and a valley.
func attributed(t *testing.T, d datasets.Dataset, e tl.Evaluation, asked tl.Attribution, side int, rows ...int) tl.Attributions {
	t.Helper()
	n := ok[int](t)(d.Len(context.Background()))
	a := tl.Attributions{Of: e.Model, Asked: asked, Maps: tl.Tensor{Shape: []int{n, side, side}}, Answer: tl.Predictions{Classes: e.Classes}}
	for i := range n {
		row := i
		if len(rows) > 0 {
			row = rows[i]
		}
		a.Class = append(a.Class, e.Predicts.Class[row])
		a.Answer.Class = append(a.Answer.Class, e.Predicts.Class[row])
		a.Answer.Probabilities.Data = append(a.Answer.Probabilities.Data, e.Predicts.Probabilities.Row(row)...)
		for place := range side * side {
			y, x := float64(place/side)/float64(side-1), float64(place%side)/float64(side-1)
			hill := func(cy, cx float64) float64 { return math.Exp(-20 * ((y-cy)*(y-cy) + (x-cx)*(x-cx))) }
			a.Maps.Data = append(a.Maps.Data, float32(hill(0.5, 0.3+0.1*float64(i%4))-0.5*hill(0.9, 0.9)))
		}
	}
	a.Answer.Probabilities.Shape = []int{n, len(e.Classes)}
	return a
}

// TestBadFeatures: what cannot be drawn says what to do, and has no alt text.
func TestBadFeatures(t *testing.T) {
	ctx := context.Background()
	shapes := datasets.Shapes(12, 1)
	e := shapeEvaluation(t, shapes)
	a := attributed(t, shapes, e, tl.Attribution{}, 7)
	heat := func(d datasets.Dataset, a tl.Attributions, positions ...int) error {
		_, err := HeatMaps(ctx, d, a, positions...)
		return err
	}
	top := func(d datasets.Dataset, e tl.Evaluation, a tl.Attributions) error {
		_, err := TopLosses(ctx, d, e, a)
		return err
	}
	drawn := func(f Figure) error {
		if alt := f.Alt(); alt != "" {
			t.Errorf("alt text of what cannot be drawn: %q", alt)
		}
		_, err := raster(f, 24)
		return err
	}
	away := FeatureMaps(waves(1, 4, 4, 3))
	away.Image = 1
	beyond := FeatureMaps(waves(1, 4, 4, 3))
	beyond.Channels = []int{3}
	foreign := a
	foreign.Class = append([]int{7}, a.Class[1:]...)
	many := Filters(gabors(300, 1, 1))
	many.Most = 300
	short := rings(2)
	short.Channels = short.Channels[:1]
	for _, c := range []struct {
		err  error
		want string
	}{
		{drawn(Filters(tl.Filters{})), "plots: filters: 0 numbers of shape []"},
		{drawn(many), "more than a figure holds"},
		{drawn(FeatureMaps(tl.Activations{Block: "dense", Maps: tl.Tensor{Shape: []int{1, 3}, Data: make([]float32, 3)}})), "behind block dense there is no space left"},
		{drawn(away), "image 1; there are 1"},
		{drawn(beyond), "channel 3; block mbconv5 has 3"},
		{drawn(Maximised(tl.Maximised{})), "plots: maximised: 0 numbers"},
		{drawn(Maximised(short)), "for 1 channels"},
		{heat(shapes.Take(3), a), "heat maps of 12 images do not belong to 3 images (Attribute the same data set)"},
		{heat(shapes, tl.Attributions{}), "plots: heat maps: 0 numbers"},
		{heat(shapes, foreign), "the map of image 0 is for class 7 of 3"},
		{heat(shapes, a, 12), "position"},
		{heat(datasets.Shapes(60, 1), attributed(t, datasets.Shapes(60, 1), shapeEvaluation(t, datasets.Shapes(60, 1)), tl.Attribution{}, 3)), "more than a figure holds"},
		{top(shapes.Take(3), e, a), "the evaluation is of 12 images, the data set has 3"},
		{top(shapes, e, attributed(t, shapes.Take(4), e, tl.Attribution{}, 7)), "Attribute d.Rows(evaluation.TopLosses(4)...)"},
		{top(shapes, e, tl.Attributions{}), "plots: top losses: 0 numbers"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%v\nwant %q in it", c.err, c.want)
		}
	}
}

// TestTopLossesOfAll: heat maps of all rows are found again by position.
func TestTopLossesOfAll(t *testing.T) {
	shapes := datasets.Shapes(12, 1)
	e := shapeEvaluation(t, shapes)
	f := ok[TopLossesFigure](t)(TopLosses(context.Background(), shapes, e, attributed(t, shapes, e, tl.Attribution{}, 7)))
	if len(f.tiles) != 8 || !strings.HasPrefix(f.Alt(), "The 8 images with the highest losses of shapes") {
		t.Errorf("%d tiles: %s", len(f.tiles), f.Alt())
	}
}

// TestViridis: lighter all the way, as its authors drew it at its ends and middle.
func TestViridis(t *testing.T) {
	s, last := viridis(), -1.0
	for i, c := range s {
		light := 0.2126*math.Pow(float64(c.R)/255, 2.2) + 0.7152*math.Pow(float64(c.G)/255, 2.2) + 0.0722*math.Pow(float64(c.B)/255, 2.2)
		if light < last-1e-3 || c.A != 255 {
			t.Errorf("shade %d, %v, is darker than the one before", i, c)
		}
		last = light
	}
	for i, want := range map[int][3]int{0: {68, 1, 84}, 128: {33, 145, 140}, 255: {253, 231, 37}} {
		if c := s[i]; abs(int(c.R)-want[0])+abs(int(c.G)-want[1])+abs(int(c.B)-want[2]) > 12 {
			t.Errorf("shade %d is %v, want %v", i, c, want)
		}
	}
	if s.at(math.NaN()) != s[0] || s.at(2) != s[255] || s.at(-1) != s[0] {
		t.Error("what lies beyond [0, 1] has no colour of an end")
	}
}

// TestKernelColours: 0 is middle grey, the largest weight the end of the scale, and many channels become their mean.
func TestKernelColours(t *testing.T) {
	for _, c := range []struct {
		weights []float32
		c       int
		want    []uint8
	}{
		{[]float32{0, 0, 2, 0, -2, 0}, 3, []uint8{128, 128, 255, 128, 0, 128}},
		{[]float32{1, 3, -4, -4}, 2, []uint8{191, 191, 191, 0, 0, 0}},
		{[]float32{0, 0}, 1, []uint8{128, 128, 128, 128, 128, 128}},
	} {
		m := kernel(c.weights, 1, 2, c.c)
		for x := range 2 {
			r, g, b, _ := m.At(x, 0).RGBA()
			got := []uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}
			if want := c.want[3*x : 3*x+3]; string(got) != string(want) {
				t.Errorf("%v: pixel %d is %v, want %v", c.weights, x, got, want)
			}
		}
	}
}

// TestSmooth: smoothing keeps a constant, also at the border, and spreads a point evenly.
func TestSmooth(t *testing.T) {
	flat := grid2{h: 5, w: 7, values: make([]float32, 35)}
	for i := range flat.values {
		flat.values[i] = 3
	}
	for i, v := range flat.smooth(2).values {
		if math.Abs(float64(v)-3) > 1e-5 {
			t.Fatalf("place %d of a constant is %g", i, v)
		}
	}
	point := grid2{h: 21, w: 21, values: make([]float32, 441)}
	point.values[10*21+10] = 1
	out := point.smooth(2)
	if out.values[10*21+8] != out.values[8*21+10] || !(out.values[10*21+10] > out.values[10*21+8]) || math.Abs(float64(out.values[10*21+12]/out.values[10*21+10])-math.Exp(-0.5)) > 1e-5 {
		t.Error("a point is not spread as a Gaussian")
	}
	if out.highest() != "highest in the middle" || flat.highest() != "highest in the upper left" || (grid2{h: 1, w: 1, values: []float32{-1}}).highest() != "no place speaks for it" {
		t.Error("the highest place is named wrong")
	}
}

// TestStrength: no exponent where a plain number is as short, and a true minus sign.
func TestStrength(t *testing.T) {
	for v, want := range map[float32]string{0: "0", 314.2: "314", 31.4: "31", 3.14: "3.1", -0.46: "−0.46", 0.0314: "0.031", 1e-9: "0", 3e-4: "0.0003", 2e12: "2e+12"} {
		if got := strength(v); got != want {
			t.Errorf("%g is written %q, want %q", v, got, want)
		}
	}
}

// TestNamesInWords: what a name holds that XML cannot does not reach the text of a figure.
func TestNamesInWords(t *testing.T) {
	filters, maps, found := gabors(1, 3, 3), waves(1, 4, 4, 3), rings(1)
	filters.Base, maps.Base, found.Base = "a\x01b", "a\x01b", "a\x01b"
	shapes := datasets.Shapes(12, 1)
	e := shapeEvaluation(t, shapes)
	e.Model = "a\x01b"
	a := attributed(t, shapes, e, tl.Attribution{}, 7)
	for _, f := range []Figure{Filters(filters), FeatureMaps(maps), Maximised(found), ok[HeatMapsFigure](t)(HeatMaps(context.Background(), shapes, a)),
		ok[TopLossesFigure](t)(TopLosses(context.Background(), shapes, e, a))} {
		if alt := f.Alt(); !strings.Contains(alt, "a b") || strings.Contains(alt, "\x01") {
			t.Errorf("%T: %q", f, alt)
		}
	}
}
