package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// MaximisedFigure shows images that excite channels.
type MaximisedFigure struct {
	Title   string // above the figure
	Columns int    // 0 is the figure's own choice, up to 6
	Sizing         // Width 0 is 8 inches, or less where there are few images; Height 0 is what the rows need

	maximised tl.Maximised
}

// Maximised shows the image that was found for each channel, and under it how strongly the channel answers to the noise at the start and to
// the image.
func Maximised(m tl.Maximised) MaximisedFigure { return MaximisedFigure{maximised: m} }

func (f MaximisedFigure) images() (Images, error) {
	m := f.maximised
	if err := checkTensor("maximised", m.Images, 4); err != nil {
		return Images{}, err
	}
	n := m.Images.Len()
	if m.Images.Shape[3] != 3 || len(m.Channels) != n || len(m.Start) != n || len(m.Reached) != n {
		return Images{}, fmt.Errorf("plots: maximised: images of shape %v for %d channels; want [channels, size, size, 3]", m.Images.Shape, len(m.Channels))
	}
	if err := checkTiles("maximised", n); err != nil {
		return Images{}, err
	}
	g := Images{Title: f.Title, Columns: f.Columns, Sizing: f.Sizing, columns: squareColumns(n), caption: f.caption()}
	for i, channel := range m.Channels {
		g.tiles = append(g.tiles, tile{image: coloured3(m.Images.Row(i), m.Images.Shape[1], m.Images.Shape[2]),
			lines: []line{{text: fmt.Sprintf("channel %d", channel)}, {text: f.change(i)}}})
	}
	return g, nil
}

func (f MaximisedFigure) change(i int) string {
	return strength(f.maximised.Start[i]) + " to " + strength(f.maximised.Reached[i])
}

// strength writes how strongly a channel answers: with two digits where it is below 10, else as a whole number.
func strength(v float32) string {
	size, decimals := math.Abs(float64(v)), 0
	switch {
	case size < 5e-5:
		return "0"
	case size < 10:
		decimals = min(4, 1-int(math.Floor(math.Log10(size))))
	}
	return number(float64(v), decimals)
}

func (f MaximisedFigure) caption() string {
	m := f.maximised
	return fmt.Sprintf("Made by %d steps of gradient ascent from noise, each to excite one channel behind %s of %s. Below: how strongly the channel answers to the noise, and to the image.",
		m.Steps, m.Block, m.Base)
}

// coloured3 is [h, w, 3] in [0, 1] as a picture.
func coloured3(values []float32, h, w int) image.Image {
	picture := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		at := func(c int) uint8 {
			v := float64(values[3*i+c])
			if !(v > 0) { // also NaN
				return 0
			}
			return uint8(math.Round(255 * min(v, 1)))
		}
		picture.SetNRGBA(i%w, i/w, color.NRGBA{at(0), at(1), at(2), 0xFF})
	}
	return picture
}

// photographs marks the figure as one of pictures, see Images.
func (f MaximisedFigure) photographs() {}

// Size implements Figure.
func (f MaximisedFigure) Size() (width, height vg.Length) {
	g, err := f.images()
	if err != nil {
		return f.or(8, 5)
	}
	return g.Size()
}

// Draw implements Figure.
func (f MaximisedFigure) Draw(c draw.Canvas) error {
	g, err := f.images()
	if err != nil {
		return err
	}
	return g.Draw(c)
}

// Alt implements Figure.
func (f MaximisedFigure) Alt() string {
	if _, err := f.images(); err != nil {
		return ""
	}
	var said []string
	for i, channel := range f.maximised.Channels {
		said = append(said, fmt.Sprintf("channel %d from %s", channel, f.change(i)))
	}
	return clean(f.caption() + " " + strings.Join(said, ", ") + ".")
}
