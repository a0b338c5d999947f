package plots

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/disintegration/imaging"

	"transferlab/datasets"
	"transferlab/datasets/images"
	"transferlab/tl"
)

// HeatMapsFigure shows images, and under each the same image with the places that speak for a class.
type HeatMapsFigure struct {
	Images
	alt string
}

// HeatMaps reads the images that a was asked about, all of d, and lays each one's heat map over it: the lighter, the more the place speaks for the class
// that stands below with its probability. Each map is scaled to its own highest value. positions choose rows of d; none are all of them.
//
//	worst := test.Rows(evaluation.TopLosses(4)...)
//	plots.HeatMaps(ctx, worst, tl.Must(model.Attribute(ctx, worst, tl.Attribution{})))
func HeatMaps(ctx context.Context, d datasets.Dataset, a tl.Attributions, positions ...int) (HeatMapsFigure, error) {
	table, err := d.Table(ctx)
	if err != nil {
		return HeatMapsFigure{}, fmt.Errorf("plots: heat maps: %w", err)
	}
	if err := checkAttributions("heat maps", a, len(table.Items)); err != nil {
		return HeatMapsFigure{}, err
	}
	if len(positions) == 0 {
		for i := range table.Items {
			positions = append(positions, i)
		}
	}
	pictures, err := plain(ctx, "heat maps", d, positions)
	if err != nil {
		return HeatMapsFigure{}, err
	}
	f := HeatMapsFigure{Images: overlays(a, "the class below")}
	var said []string
	for i, position := range positions {
		truth, class := nameOf(table.Classes, table.Items[position].Label), a.Class[position]
		probability := a.Answer.Probabilities.Row(position)[class]
		t, where := overlay(a, position, pictures[i])
		t.lines = []line{{text: "is " + truth}, {text: fmt.Sprintf("%.2f %s", probability, nameOf(a.Answer.Classes, class))}}
		f.tiles = append(f.tiles, t.noting(where))
		said = append(said, fmt.Sprintf("%s, probability of %s %.2f, %s", truth, nameOf(a.Answer.Classes, class), probability, where))
	}
	f.columns = min(4, squareColumns(len(positions)))
	if len(said) > 12 {
		said = append(slices.Clone(said[:12]), "…")
	}
	f.alt = clean(fmt.Sprintf("%s, each above itself with a heat map. %s %s.", count(len(positions), "image"), f.caption, strings.Join(said, "; ")))
	return f, nil
}

// plain are the images of d at positions as a network sees them, without augmentation.
func plain(ctx context.Context, verb string, d datasets.Dataset, positions []int) ([]image.Image, error) {
	if err := checkTiles(verb, len(positions)); err != nil {
		return nil, err
	}
	d.Augmentation = datasets.Augmentation{}
	pictures, err := images.Images(ctx, d, positions, images.Options{Size: NetworkSize})
	if err != nil {
		return nil, fmt.Errorf("plots: %s: %w", verb, err)
	}
	return pictures, nil
}

// checkAttributions refuses maps that are not of so many images.
func checkAttributions(verb string, a tl.Attributions, rows int) error {
	if err := checkTensor(verb, a.Maps, 3); err != nil {
		return err
	}
	if a.Maps.Len() != rows || len(a.Class) != rows || a.Answer.Probabilities.Len() != rows || len(a.Answer.Probabilities.Data) != rows*len(a.Answer.Classes) {
		return fmt.Errorf("plots: %s: heat maps of %d images do not belong to %d images (Attribute the same data set)", verb, a.Maps.Len(), rows)
	}
	for i, class := range a.Class {
		if class < 0 || class >= len(a.Answer.Classes) {
			return fmt.Errorf("plots: %s: the map of image %d is for class %d of %d", verb, i, class, len(a.Answer.Classes))
		}
	}
	return nil
}

// overlays is a figure of pictures above their overlays, without any yet.
func overlays(a tl.Attributions, class string) Images {
	how := map[tl.Method]string{
		tl.GradCAM:   "Grad-CAM behind " + a.Asked.Block,
		tl.Saliency:  "the gradient in each pixel (saliency), smoothed over 2 pixels",
		tl.Occlusion: fmt.Sprintf("how much its probability falls under a grey patch of %d pixels", a.Asked.Patch),
	}[a.Asked.Method]
	return Images{tall: 2 + pairGap/float64(NetworkSize), note: "no images to show", keys: []key{scaleKey("least to most", viridis().onGrey())},
		caption: fmt.Sprintf("%s: what speaks for %s, by %s. Each map is scaled to its own highest value.", a.Of, class, how)}
}

// pairGap is the white between a picture and its overlay, in pixels of the picture.
const pairGap = 6.0

// overlay is the tile of a picture above itself with its heat map, and where the map is highest, in words.
func overlay(a tl.Attributions, row int, picture image.Image) (t tile, where string) {
	m := grid2{values: a.Maps.Row(row), h: a.Maps.Shape[1], w: a.Maps.Shape[2]}
	if a.Asked.Method == tl.Saliency {
		m = m.smooth(2)
	}
	_, high := m.span()
	size := picture.Bounds().Size()
	pair := imaging.New(size.X, 2*size.Y+int(pairGap), color.White)
	pair = imaging.Paste(pair, picture, image.Pt(0, 0))
	pair = imaging.Paste(pair, m.over(picture, viridis(), high), image.Pt(0, size.Y+int(pairGap)))
	return tile{image: pair}, m.highest()
}

// nowhere is what is said of a map without a value above 0.
const nowhere = "no place speaks for it"

// noting says under a tile where its map is highest, if that is nowhere: it cannot be seen.
func (t tile) noting(where string) tile {
	if where == nowhere {
		t.lines = append(t.lines, line{text: where})
	}
	return t
}

// highest says where the map is highest: "highest in the upper left".
func (g grid2) highest() string {
	_, high := g.span()
	if high <= 0 {
		return nowhere
	}
	at := slices.Index(g.values, float32(high))
	words := [3][3]string{{"upper left", "upper middle", "upper right"}, {"left", "middle", "right"}, {"lower left", "lower middle", "lower right"}}
	return "highest in the " + words[3*(at/g.w)/g.h][3*(at%g.w)/g.w]
}

// smooth is the map under a Gaussian of that many pixels.
func (g grid2) smooth(sigma float64) grid2 {
	weights := make([]float64, int(3*sigma)+1)
	for i := range weights {
		weights[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
	}
	return g.along(weights, 1, g.w).along(weights, g.w, g.h)
}

// along is the weighted mean over neighbours along the axis of n places that are step numbers apart.
func (g grid2) along(weights []float64, step, n int) grid2 {
	out := grid2{values: make([]float32, len(g.values)), h: g.h, w: g.w}
	for i := range g.values {
		at, sum, total := i/step%n, 0.0, 0.0
		for k := -len(weights) + 1; k < len(weights); k++ {
			if at+k < 0 || at+k >= n {
				continue
			}
			weight := weights[max(k, -k)]
			sum, total = sum+weight*float64(g.values[i+k*step]), total+weight
		}
		out.values[i] = float32(sum / total)
	}
	return out
}

// Alt implements Figure.
func (f HeatMapsFigure) Alt() string { return f.alt }
