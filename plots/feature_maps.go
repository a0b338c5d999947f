package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// FeatureMapsFigure shows what the channels behind a block answer to one image.
type FeatureMapsFigure struct {
	Title    string // above the figure
	Image    int    // which row of the activations; 0 is the first
	Channels []int  // that are shown; nil are those that vary most over the image, the most varied first
	Most     int    // how many where Channels is nil; 0 is 16
	Columns  int    // 0 is 8, or less where there are fewer
	Sizing          // Width 0 is 8 inches; Height 0 is what the rows need

	activations tl.Activations
}

// FeatureMaps shows the maps behind a block for one image, each scaled to its own range: dark is its lowest value, light its highest.
func FeatureMaps(a tl.Activations) FeatureMapsFigure { return FeatureMapsFigure{activations: a} }

func (f FeatureMapsFigure) images() (Images, error) {
	a := f.activations.Maps
	if len(a.Shape) == 2 {
		return Images{}, fmt.Errorf("plots: feature maps: behind block %s there is no space left, only %d numbers an image; take a block before it", f.activations.Block, a.Shape[1])
	}
	if err := checkTensor("feature maps", a, 4); err != nil {
		return Images{}, err
	}
	if f.Image < 0 || f.Image >= a.Len() {
		return Images{}, fmt.Errorf("plots: feature maps: image %d; there are %d, from 0", f.Image, a.Len())
	}
	channels := f.channels()
	if err := checkTiles("feature maps", len(channels)); err != nil {
		return Images{}, err
	}
	g := Images{Title: f.Title, Columns: f.Columns, Sizing: f.Sizing, columns: 8, caption: f.caption(len(channels)), note: "no channels to show",
		keys: []key{scaleKey("lowest to highest value of a map", viridis())}}
	if len(channels) < 6 {
		g.columns = max(len(channels), 1)
	}
	if g.Width == 0 {
		g.Width = 8
	}
	for _, channel := range channels {
		if channel < 0 || channel >= a.Shape[3] {
			return Images{}, fmt.Errorf("plots: feature maps: channel %d; block %s has %d, from 0", channel, f.activations.Block, a.Shape[3])
		}
		m := f.channel(channel)
		low, high := m.span()
		g.tiles = append(g.tiles, tile{image: m.picture(viridis(), low, high), lines: []line{{text: fmt.Sprint(channel)}}})
	}
	return g, nil
}

// channel is one map of the image.
func (f FeatureMapsFigure) channel(n int) grid2 {
	a := f.activations.Maps
	row, c := a.Row(f.Image), a.Shape[3]
	m := grid2{h: a.Shape[1], w: a.Shape[2], values: make([]float32, a.Shape[1]*a.Shape[2])}
	for i := range m.values {
		m.values[i] = row[i*c+n]
	}
	return m
}

// channels are those that are shown.
func (f FeatureMapsFigure) channels() []int {
	if f.Channels != nil {
		return f.Channels
	}
	most := f.Most
	if most <= 0 {
		most = 16
	}
	count := f.activations.Maps.Shape[3]
	deviations, order := make([]float64, count), make([]int, count)
	for n := range order {
		order[n], deviations[n] = n, deviation(f.channel(n).values)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case deviations[a] > deviations[b]:
			return -1
		case deviations[a] < deviations[b]:
			return 1
		}
		return 0
	})
	return order[:min(most, count)]
}

// deviation is the standard deviation, 0 for numbers that are none.
func deviation(values []float32) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(values))
	if d := math.Sqrt(max(0, squares/n-sum/n*sum/n)); !math.IsNaN(d) && !math.IsInf(d, 0) {
		return d
	}
	return 0
}

func (f FeatureMapsFigure) caption(channels int) string {
	s := f.activations.Maps.Shape
	which := fmt.Sprintf("%d of the %d channels", channels, s[3])
	switch {
	case channels == s[3]:
		which = fmt.Sprintf("all %d channels", s[3])
	case f.Channels == nil:
		which = fmt.Sprintf("the %d of %d channels that vary most over it", channels, s[3])
	}
	return fmt.Sprintf("Behind %s of %s, %d×%d, for image %d: %s. Each map is scaled to its own range.",
		f.activations.Block, f.activations.Base, s[1], s[2], f.Image, which)
}

// photographs marks the figure as one of pictures, see Images.
func (f FeatureMapsFigure) photographs() {}

// Size implements Figure.
func (f FeatureMapsFigure) Size() (width, height vg.Length) {
	g, err := f.images()
	if err != nil {
		return f.or(8, 5)
	}
	return g.Size()
}

// Draw implements Figure.
func (f FeatureMapsFigure) Draw(c draw.Canvas) error {
	g, err := f.images()
	if err != nil {
		return err
	}
	return g.Draw(c)
}

// Alt implements Figure.
func (f FeatureMapsFigure) Alt() string {
	if _, err := f.images(); err != nil {
		return ""
	}
	channels := f.channels()
	var said []string
	for _, n := range channels[:min(len(channels), 6)] {
		low, high := f.channel(n).span()
		said = append(said, fmt.Sprintf("channel %d from %.3g to %.3g", n, low, high))
	}
	text := f.caption(len(channels))
	if len(said) > 0 {
		text += " The first: " + strings.Join(said, ", ") + "."
	}
	return clean(text)
}
