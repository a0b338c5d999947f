package plots

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// FiltersFigure shows the kernels of a convolution.
type FiltersFigure struct {
	Title   string // above the figure
	Columns int    // 0 is 8, 16 for more than 32 filters
	Most    int    // filters that are shown, the first ones; 0 is 64
	Sizing         // Width 0 is 8 inches; Height 0 is what the rows need

	filters tl.Filters
}

// Filters shows each filter of a convolution as a picture: in colour where it sees red, green and blue, else the mean over its input's channels in
// grey. Middle grey is 0, and each filter is scaled to its own largest weight.
func Filters(f tl.Filters) FiltersFigure { return FiltersFigure{filters: f} }

// shown is the number of filters that the figure holds.
func (f FiltersFigure) shown() int {
	most := f.Most
	if most <= 0 {
		most = 64
	}
	return min(most, f.filters.Kernels.Len())
}

func (f FiltersFigure) images() (Images, error) {
	k := f.filters.Kernels
	if err := checkTensor("filters", k, 4); err != nil {
		return Images{}, err
	}
	if err := checkTiles16("filters", f.shown()); err != nil {
		return Images{}, err
	}
	g := Images{Title: f.Title, Columns: f.Columns, Sizing: f.Sizing, columns: 8, caption: f.caption(), note: "no filters to show"}
	if f.shown() > 32 {
		g.columns = 16
	}
	if g.Width == 0 {
		g.Width = 8
	}
	for i := range f.shown() {
		g.tiles = append(g.tiles, tile{image: kernel(k.Row(i), k.Shape[1], k.Shape[2], k.Shape[3]), lines: []line{{text: fmt.Sprint(i)}}})
	}
	return g, nil
}

// caption says what is seen, and how it is scaled.
func (f FiltersFigure) caption() string {
	k := f.filters.Kernels.Shape
	what := "the mean over their %d inputs"
	switch k[3] {
	case 1:
		what = "each on one channel"
	case 3:
		what = "over red, green and blue"
	}
	if k[3] > 3 || k[3] == 2 {
		what = fmt.Sprintf(what, k[3])
	}
	which := fmt.Sprintf("All %d filters", k[0])
	if f.shown() < k[0] {
		which = fmt.Sprintf("The first %d of %d filters", f.shown(), k[0])
	}
	return fmt.Sprintf("%s of %s in %s, %d×%d, %s. Middle grey is 0; each is scaled to its own largest weight.", which, f.filters.Block, f.filters.Base, k[1], k[2], what)
}

// kernel is one filter [h, w, c] as a picture around middle grey.
func kernel(weights []float32, h, w, c int) image.Image {
	colours := 1
	if c == 3 {
		colours = 3
	}
	values := make([]float64, h*w*colours)
	largest := 0.0
	for i := range h * w {
		for j := range c {
			values[i*colours+j%colours] += float64(weights[i*c+j]) / float64(c/colours)
		}
	}
	for _, v := range values {
		if !math.IsNaN(v) {
			largest = max(largest, math.Abs(v))
		}
	}
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		at := func(j int) uint8 {
			if largest == 0 || math.IsNaN(values[i*colours+j]) {
				return 128
			}
			return uint8(math.Round(127.5 + 127.5*max(-1, min(1, values[i*colours+j]/largest))))
		}
		m.SetNRGBA(i%w, i/w, color.NRGBA{at(0), at(colours / 2), at(colours - 1), 0xFF})
	}
	return m
}

// photographs marks the figure as one of pictures, see Images.
func (f FiltersFigure) photographs() {}

// Size implements Figure.
func (f FiltersFigure) Size() (width, height vg.Length) {
	g, err := f.images()
	if err != nil {
		return f.or(8, 5)
	}
	return g.Size()
}

// Draw implements Figure.
func (f FiltersFigure) Draw(c draw.Canvas) error {
	g, err := f.images()
	if err != nil {
		return err
	}
	return g.Draw(c)
}

// Alt implements Figure.
func (f FiltersFigure) Alt() string {
	if _, err := f.images(); err != nil {
		return ""
	}
	return clean(f.caption())
}

// checkTensor refuses what is not rows of that many axes in all.
func checkTensor(verb string, t tl.Tensor, axes int) error {
	size := 1
	for _, n := range t.Shape {
		size *= max(n, 0)
	}
	if len(t.Shape) != axes || size == 0 || size != len(t.Data) {
		return fmt.Errorf("plots: %s: %d numbers of shape %v; want %d axes, none of them empty", verb, len(t.Data), t.Shape, axes)
	}
	return nil
}

// checkTiles16 is checkTiles for small pictures, of which a row holds 16.
func checkTiles16(verb string, n int) error {
	const most = 256
	if n > most {
		return fmt.Errorf("plots: %s: %d pictures are more than a figure holds (%d); take fewer", verb, n, most)
	}
	if n < 1 {
		return errors.New("plots: " + verb + ": nothing to show")
	}
	return nil
}
