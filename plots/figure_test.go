package plots

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"gonum.org/v1/plot/vg"

	"transferlab/datasets"
	"transferlab/tl"
)

// TestEveryFigure asks of each figure what all of them promise.
func TestEveryFigure(t *testing.T) {
	for name, figure := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			alt := figure.Alt()
			if len(alt) < 20 || !strings.HasSuffix(alt, ".") || strings.ContainsAny(alt, "\n\x00") {
				t.Errorf("alt text %q", alt)
			}
			if strings.Contains(alt, "NaN") && !strings.Contains(name, "diverged") {
				t.Errorf("alt text says NaN: %q", alt)
			}
			width, height := figure.Size()
			svg := ok[[]byte](t)(SVG(figure))
			checkXML(t, svg)
			if !bytes.Contains(svg, []byte(`<svg role="img" aria-label="`)) || !bytes.Contains(svg, []byte("Liberation Sans,Arial")) {
				t.Errorf("svg lacks its text or its fonts: %.300s", svg)
			}
			const dpi = 48 // PNG's 192 take 16 times as long
			config := ok[pngConfig](t)(decodeConfig(ok[[]byte](t)(raster(figure, dpi))))
			if w, h := int(width.Dots(dpi)), int(height.Dots(dpi)); abs(config.width-w) > 1 || abs(config.height-h) > 1 {
				t.Errorf("png is %d×%d, want %d×%d", config.width, config.height, w, h)
			}
			again := ok[[]byte](t)(SVG(figure))
			if !bytes.Equal(svg, again) {
				t.Error("the second drawing differs from the first")
			}
		})
	}
}

type pngConfig struct{ width, height int }

func decodeConfig(b []byte) (pngConfig, error) {
	c, err := png.DecodeConfig(bytes.NewReader(b))
	return pngConfig{c.Width, c.Height}, err
}

func abs(n int) int { return max(n, -n) }

func checkXML(t *testing.T, svg []byte) {
	t.Helper()
	if !utf8.Valid(svg) {
		t.Error("svg is not UTF-8")
	}
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("svg does not parse: %v", err)
		}
	}
}

// TestBadData gives each figure what it cannot draw: an error that says what to do, no alt text, no panic.
func TestBadData(t *testing.T) {
	points := func(shape []int, data ...float32) tl.Projection {
		return tl.Projection{Points: tl.Tensor{Shape: shape, Data: data}}
	}
	nan := float32(math.NaN())
	lost := history("head", 2, 0, 1, 0.5, 0.1)
	for i := range lost.Epochs {
		lost.Epochs[i].Loss = math.NaN()
	}
	other := history("head", 2, 1, 1, 0.5, 0.1)
	other.Model = "another"
	kept := history("head", 2, 3, 1, 0.5, 0.1)
	mixed := evaluation([]string{"a", "b"}, [][]int{{1, 0}, {0, 1}})
	mixed.Labels = append(mixed.Labels, 1)
	outside := evaluation([]string{"a", "b"}, [][]int{{1, 0}, {0, 1}})
	outside.Labels[0] = 2
	sized := Scatter("", points([]int{1, 2}, 1, 2), nil)
	sized.Width = math.Inf(1)
	for name, c := range map[string]struct {
		figure Figure
		want   string
	}{
		"no figure":           {nil, "no figure"},
		"curves of nothing":   {Curves(), "no finished epoch"},
		"curves, no epoch":    {Curves(tl.History{Model: "m"}), "no finished epoch"},
		"curves, all lost":    {Curves(lost), "LearningRate"},
		"curves, two models":  {Curves(other, history("head", 1, 1, 1, 0.5, 0.1)), "SideBySide"},
		"curves, kept":        {Curves(kept), "kept epoch 3 of 2"},
		"scatter of nothing":  {Scatter("s", tl.Projection{}, nil), "need [n, 2]"},
		"scatter, no rows":    {Scatter("s", points([]int{0, 2}), nil), "need [n, 2]"},
		"scatter, one column": {Scatter("s", points([]int{2, 1}, 1, 2), nil), "PCA(ctx, 2)"},
		"scatter, short data": {Scatter("s", points([]int{2, 2}, 1, 2), nil), "2 numbers"},
		"scatter, NaN":        {Scatter("s", points([]int{1, 2}, 1, nan), nil), "point 0 is (1, NaN)"},
		"scatter, labels":     {Scatter("s", points([]int{1, 2}, 1, 2), []int{0, 1}), "2 labels for 1 points"},
		"scatter, negative":   {Scatter("s", points([]int{1, 2}, 1, 2), []int{-1}), "negative"},
		"size":                {sized, "not between 1 and 100"},
		"no evaluation":       {Confusion(tl.Evaluation{}), "no images"},
		"too many labels":     {Confusion(mixed), "3 labels and 2 predictions"},
		"label outside":       {Confusion(outside), "image 0 is of class 2"},
		"too many classes":    {Confusion(manyClasses(61)), "61 classes"},
		"no blocks":           {Parameters(tl.Summary{}), "no blocks"},
		"negative block":      {Parameters(tl.Summary{Blocks: []tl.Block{{Name: "b", Params: -1}}}), "has -1"},
		"nothing in a row":    {SideBySide(), "no figures"},
		"nil in a row":        {SideBySide(Confusion(manyClasses(3)), nil), "figure 1 is nil"},
		"a bad one in a row":  {SideBySide(Confusion(manyClasses(3)), Curves()), "no finished epoch"},
	} {
		t.Run(name, func(t *testing.T) {
			for format, render := range map[string]func(Figure) ([]byte, error){"svg": SVG, "png": coarse} {
				picture, err := render(c.figure)
				if err == nil || !strings.HasPrefix(err.Error(), "plots: ") || !strings.Contains(err.Error(), c.want) || picture != nil {
					t.Errorf("%s: %d bytes, %v; want an error with %q", format, len(picture), err, c.want)
				}
			}
			if c.figure != nil && name != "size" && c.figure.Alt() != "" {
				t.Errorf("alt text of what cannot be drawn: %q", c.figure.Alt())
			}
		})
	}
}

func coarse(f Figure) ([]byte, error) { return raster(f, 24) }

// TestBadImages asks for images that are not there.
func TestBadImages(t *testing.T) {
	ctx := context.Background()
	shapes := datasets.Shapes(40, 1)
	predictions := shapePredictions(t, shapes)
	short := predictions
	short.Class = short.Class[:39]
	wild := predictions
	wild.Class = append([]int{7}, predictions.Class[1:]...)
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	for name, c := range map[string]struct {
		call func() (Figure, error)
		want string
	}{
		"none":           {func() (Figure, error) { return Batch(ctx, shapes, 0) }, "1 or more"},
		"too many":       {func() (Figure, error) { return Batch(ctx, datasets.Shapes(100, 1), 49) }, "more than a figure holds"},
		"no such data":   {func() (Figure, error) { return Batch(ctx, datasets.Open("elvp"), 3) }, "did you mean elpv"},
		"stopped":        {func() (Figure, error) { return Batch(stopped, shapes, 3) }, "canceled"},
		"size":           {func() (Figure, error) { return BatchAt(ctx, shapes, 3, -1) }, "size -1"},
		"of other data":  {func() (Figure, error) { return Results(ctx, shapes, short, []int{1}) }, "do not belong"},
		"unknown class":  {func() (Figure, error) { return Results(ctx, shapes, wild, []int{1}) }, "class 7 of 3"},
		"position":       {func() (Figure, error) { return Results(ctx, shapes, predictions, []int{40}) }, "position 40"},
		"no predictions": {func() (Figure, error) { return Results(ctx, shapes, tl.Predictions{}, nil) }, "do not belong"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want an error with %q", err, c.want)
			}
		})
	}
}

// TestNoMistakes: a perfect model is no error; its figure of mistakes says that there are none.
func TestNoMistakes(t *testing.T) {
	shapes := datasets.Shapes(40, 1)
	figure := ok[ResultsFigure](t)(Results(context.Background(), shapes, shapePredictions(t, shapes), nil))
	if svg := ok[[]byte](t)(SVG(figure)); !bytes.Contains(svg, []byte("no images to show")) {
		t.Errorf("%s", svg)
	}
	if figure.Alt() != "No images to show." {
		t.Error(figure.Alt())
	}
}

// TestFewerRows: a batch of more images than there are is all of them.
func TestFewerRows(t *testing.T) {
	figure := ok[BatchFigure](t)(Batch(context.Background(), datasets.Shapes(5, 1), 48))
	if len(figure.tiles) != 5 || !strings.HasPrefix(figure.Alt(), "5 images") {
		t.Errorf("%d tiles, %q", len(figure.tiles), figure.Alt())
	}
}

// TestHostileNames: class and model names come from folders; none may break the picture or be taken for markup.
func TestHostileNames(t *testing.T) {
	names := []string{"<script>alert(1)</script>", "a\x00b\nc\x1b[31m", "\xff\xfe", "quote\"'&amp;", strings.Repeat("wide ", 100), "日本語 ✓", ""}
	confusion := make([][]int, len(names))
	for i := range confusion {
		confusion[i] = make([]int, len(names))
		confusion[i][i] = 3
	}
	e := evaluation(names, confusion)
	e.Model = names[0] + names[1]
	h := history(names[1], 2, 1, 1, 0.5, 0.1)
	h.Model = names[0]
	p, labels := projection(70, len(names), 20)
	s := tl.Summary{Name: names[1], Blocks: []tl.Block{{Name: names[0], Params: 7}, {Name: names[4]}}}
	for name, figure := range map[string]Figure{
		"confusion": Confusion(e), "curves": Curves(h), "scatter": Scatter(names[1], p, labels, names...), "parameters": Parameters(s),
	} {
		t.Run(name, func(t *testing.T) {
			svg := ok[[]byte](t)(SVG(figure))
			checkXML(t, svg)
			if bytes.Contains(svg, []byte("<script")) || !utf8.ValidString(figure.Alt()) || strings.ContainsAny(figure.Alt(), "\x00\n\x1b") {
				t.Errorf("%s\n%q", svg[:300], figure.Alt())
			}
			ok[[]byte](t)(raster(figure, 48))
		})
	}
}

// TestSave: the file is there whole or not at all, and nothing else is left behind.
func TestSave(t *testing.T) {
	dir := t.TempDir()
	figure := Curves(twoPhases()...)
	for _, name := range []string{"a.svg", "b.PNG"} {
		if err := Save(filepath.Join(dir, name), figure); err != nil {
			t.Fatal(err)
		}
	}
	if svg := ok[[]byte](t)(os.ReadFile(filepath.Join(dir, "a.svg"))); !bytes.Contains(svg, []byte("</svg>")) {
		t.Error("a.svg is no SVG")
	}
	if c := ok[pngConfig](t)(decodeConfig(ok[[]byte](t)(os.ReadFile(filepath.Join(dir, "b.PNG"))))); c.width != 10*dotsPerInch || c.height != 5*dotsPerInch {
		t.Errorf("b.PNG is %v", c)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "c.jpg"):         `unknown ending ".jpg" (have .svg, .png)`,
		filepath.Join(dir, "c"):             `unknown ending ""`,
		filepath.Join(dir, "none", "c.svg"): "no such file",
	} {
		if err := Save(path, figure); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if err := Save(filepath.Join(dir, "a.svg"), Curves()); err == nil {
		t.Error("saved what cannot be drawn")
	}
	if entries := ok[[]os.DirEntry](t)(os.ReadDir(dir)); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
	if svg := ok[[]byte](t)(os.ReadFile(filepath.Join(dir, "a.svg"))); !bytes.Contains(svg, []byte("</svg>")) {
		t.Error("a failed Save damaged the file that was there")
	}
}

// TestContrast: the text in every cell of a confusion matrix, and coloured captions, can be read (WCAG 2.1 asks for 4.5).
func TestContrast(t *testing.T) {
	for share := 0.0; share <= 1; share += 0.001 {
		if ratio := contrast(shade(share), readableOn(shade(share))); ratio < 4.5 {
			t.Errorf("share %.3f: contrast %.2f", share, ratio)
		}
	}
	white := shade(0)
	white.R, white.G, white.B = 255, 255, 255
	if ratio := min(contrast(darkGreen, white), contrast(darkVermillion, white), contrast(ink, white), contrast(grey, white)); ratio < 4.5 {
		t.Errorf("contrast on white is %.2f", ratio)
	}
	if got := contrast(black, white); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white has contrast %v", got)
	}
}

// TestClassStyles: 48 classes look different, and neighbours in number differ in shape as well as in colour.
func TestClassStyles(t *testing.T) {
	seen := map[[2]any]int{}
	for class := range 48 {
		style := classStyle(class, 1)
		look := [2]any{style.Color, shapeNumber(style.Shape)}
		if before, found := seen[look]; found {
			t.Errorf("classes %d and %d look alike", before, class)
		}
		seen[look] = class
		if next := classStyle(class+1, 1); next.Color == style.Color || shapeNumber(next.Shape) == shapeNumber(style.Shape) {
			t.Errorf("classes %d and %d share colour or shape", class, class+1)
		}
	}
}

func shapeNumber(shape any) string {
	if o, isOutline := shape.(outline); isOutline {
		return string(rune('0'+len(o))) + string(rune('A'+int(10*o[0].X+10*o[0].Y+20)))
	}
	return "disc"
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0 0.2 0.4 0.6 0.8 1.0"},
		{-40, 40, "−40 −20 0 20 40"},
		{0.594, 0.636, "0.60 0.61 0.62 0.63"},
		{0, 2_000_000, "0 500000 1000000 1500000 2000000"},
		{1e-7, 9e-7, "2e−07 4e−07 6e−07 8e−07"},
	} {
		var got []string
		for _, tick := range (roundTicks{}).Ticks(c.low, c.high) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v to %v: %v, want %s", c.low, c.high, got, c.want)
		}
	}
	for _, n := range []int{1, 2, 9, 10, 11, 25, 99, 1000, 123456} {
		if ticks := wholeTicks(n); len(ticks) < 1 || len(ticks) > 13 {
			t.Errorf("%d epochs have %d ticks", n, len(ticks))
		}
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		grouped(0): "0", grouped(999): "999", grouped(1000): "1,000", grouped(2097664): "2,097,664", grouped(-1234567): "-1,234,567",
		grouped(-123): "-123", count(1, "epoch"): "1 epoch", count(2103156, "parameter"): "2,103,156 parameters",
		rounded(0): "0 %", rounded(0.001): "< 1 %", rounded(0.996): "> 99 %", rounded(1): "100 %", rounded(0.125): "13 %",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	style := lettering(small)
	for width := vg.Length(0); width < 80; width += 0.5 {
		if cut := fit(style, "functional cell", width); style.Width(cut) > width {
			t.Errorf("%q does not fit %v", cut, width)
		}
	}
}

// TestCurvePoints: values that are missing are left out, and epochs are counted over all phases.
func TestCurvePoints(t *testing.T) {
	h := history("head", 3, 0, 1, 0.5, 0.1)
	h.Epochs[1].ValidLoss = math.NaN()
	f := Curves(h, history("fine-tune", 2, 2, 1, 0.5, 0.1))
	if got := f.points(losses[1]); len(got) != 4 || got[0].X != 1 || got[1].X != 3 || got[3].X != 5 {
		t.Errorf("%v", got)
	}
	if !f.keptAny() || Curves(h).keptAny() {
		t.Error("keptAny is wrong")
	}
}

// TestExtremes: numbers at the ends of float32 are data like any other; no axis may run for ever or panic.
func TestExtremes(t *testing.T) {
	const big, tiny = math.MaxFloat32, math.SmallestNonzeroFloat32
	for _, data := range [][]float32{
		{big, big, -big, -big}, {tiny, tiny, -tiny, 0}, {0, 0, 0, 0}, {1e30, 1e30, math.Nextafter32(1e30, big), 1e30}, {big, tiny, -big, -tiny},
		{16777216, 0, 16777217, 1}, {-5, big, -5, big},
	} {
		for _, stretch := range []bool{false, true} {
			figure := Scatter("extremes", tl.Projection{Points: tl.Tensor{Shape: []int{2, 2}, Data: data}}, []int{0, 1000})
			figure.Stretch = stretch
			checkXML(t, ok[[]byte](t)(SVG(figure)))
			ok[[]byte](t)(coarse(figure))
		}
	}
	for _, loss := range []float64{0, 1e-320, 1e-12, 1e12, 1e300, -1} {
		h := history("head", 3, 2, loss, 0, 0.5)
		h.Epochs[2].Loss *= 1.0000001
		checkXML(t, ok[[]byte](t)(SVG(Curves(h))))
	}
	many := make([]tl.History, 40)
	for i := range many {
		many[i] = history(strings.Repeat("phase ", i), 1+i%2, 1, 1, 0.5, 0.1)
	}
	checkXML(t, ok[[]byte](t)(SVG(Curves(many...))))
	blocks := tl.Summary{Name: "deep", Blocks: make([]tl.Block, 300)}
	blocks.Blocks[7].Params = math.MaxInt
	checkXML(t, ok[[]byte](t)(SVG(Parameters(blocks))))
	small := Parameters(summary(3))
	small.Width, small.Height = 1, 1
	checkXML(t, ok[[]byte](t)(SVG(small)))
	confusion := Confusion(manyClasses(20))
	confusion.Width, confusion.Height = 1, 1
	checkXML(t, ok[[]byte](t)(SVG(confusion)))
}
