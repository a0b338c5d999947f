package plots

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// key is one entry of a legend.
type key struct {
	label  string
	sample func(c *draw.Canvas, middle vg.Point) // draws within sampleWidth around middle
}

const (
	margin      vg.Length = 8
	sampleWidth vg.Length = 30
	lineHeight  vg.Length = 18
	mostKeys              = 24 // more would take the figure's place
)

// heading draws a title and under it a legend, in as many lines as it takes, and returns the canvas that is left, with a margin.
// The legend stands above the data and never on them.
func heading(c draw.Canvas, title string, keys []key) draw.Canvas {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if title != "" {
		style := bold(lettering(large))
		c.Max.Y -= style.FontExtents().Ascent
		c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y}, fit(style, title, c.Max.X-c.Min.X))
		c.Max.Y -= margin
	}
	if len(keys) > mostKeys {
		keys = append(keys[:mostKeys-1:mostKeys-1], key{label: fmt.Sprintf("… and %d more", len(keys)-mostKeys+1)})
	}
	style := lettering(normal)
	x, y := c.Min.X, c.Max.Y-lineHeight/2
	widest := (c.Max.X - c.Min.X) / 2
	if len(keys) == 1 {
		widest = c.Max.X - c.Min.X - sampleWidth - 4
	}
	for _, k := range keys {
		label := fit(style, k.label, widest)
		width := sampleWidth + 4 + style.Width(label) + 2*margin
		if x > c.Min.X && x+width-2*margin > c.Max.X {
			x, y = c.Min.X, y-lineHeight
		}
		if k.sample != nil {
			k.sample(&c, vg.Point{X: x + sampleWidth/2, Y: y})
		}
		c.FillText(style, vg.Point{X: x + sampleWidth + 4, Y: y - style.FontExtents().Ascent/2 + 1}, label)
		x += width
	}
	if len(keys) > 0 {
		c.Max.Y = y - lineHeight/2 - margin/2
	}
	return c
}
