package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// dashes tell lines apart where colours do not; the first is whole.
var dashes = [][]vg.Length{nil, {8, 4}, {2, 3}, {10, 3, 2, 3}, {5, 2}, {12, 4, 2, 4, 2, 4}}

// lineStyle is the look of line i: colour, dashes and, with [classStyle], marker.
func lineStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: palette[i%len(palette)], Width: 2.2, Dashes: dashes[i%len(dashes)]}
}

// lineKey is a legend's entry for line i.
func lineKey(label string, i int, marked bool) key {
	return key{label, func(c *draw.Canvas, at vg.Point) {
		c.StrokeLine2(lineStyle(i), at.X-sampleWidth/2, at.Y, at.X+sampleWidth/2, at.Y)
		if marked {
			c.DrawGlyph(classStyle(i, 4.5), at)
		}
	}}
}

// reference is a line to compare with: a majority class, a diagonal, chance.
var reference = draw.LineStyle{Color: grey, Width: 1.6, Dashes: []vg.Length{3, 3}}

func referenceKey(label string) key {
	return key{label, func(c *draw.Canvas, at vg.Point) {
		c.StrokeLine2(reference, at.X-sampleWidth/2, at.Y, at.X+sampleWidth/2, at.Y)
	}}
}

// pale is a colour as the filling of a band.
func pale(c color.NRGBA, opacity uint8) color.NRGBA {
	c.A = opacity
	return c
}

// logAxis spans a logarithmic axis over low to high, which are above 0, with room at both ends, and marks powers of ten.
func logAxis(a *plot.Axis, low, high float64) {
	from, to := math.Log10(low), math.Log10(high)
	room := 0.04 * (to - from)
	if room == 0 {
		room = 0.5
	}
	a.Scale = plot.LogScale{}
	a.Min, a.Max = max(math.Pow(10, from-room), 1e-307), min(math.Pow(10, to+room), 1e307)
	a.Tick.Marker = powerTicks{}
}

// powerTicks marks powers of ten with a number, and on short axes 2 and 5 times of them; more powers than fit are left out evenly.
type powerTicks struct{}

// Ticks implements plot.Ticker.
func (powerTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	every := math.Ceil((to - from) / 9)
	for e := from; e <= to; e++ {
		for _, times := range []float64{1, 2, 5} {
			v := times * math.Pow(10, e)
			if v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if times == 1 && math.Mod(e-from, every) == 0 || to-from <= 2 {
				t.Label = rate(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// rate writes a learning rate: 0.003, or 3e−05 where it is smaller than a thousandth.
func rate(v float64) string {
	if v == 0 || v >= 1e-3 && v < 1e4 {
		return fmt.Sprintf("%.3g", v)
	}
	exponent := math.Floor(math.Log10(v) + 1e-9)
	return number(math.Round(v/math.Pow(10, exponent)*100)/100, 2-trailing(v/math.Pow(10, exponent))) + "e" + number(exponent, 0)
}

// trailing is how many of two decimals are zeros at the end.
func trailing(v float64) int {
	switch hundredths := int(math.Round(v * 100)); {
	case hundredths%100 == 0:
		return 2
	case hundredths%10 == 0:
		return 1
	}
	return 0
}

// rightOf and leftOf are text beside a point.
func rightOf(s text.Style) text.Style {
	s.XAlign, s.YAlign = text.XLeft, text.YCenter
	return s
}

func leftOf(s text.Style) text.Style {
	s.XAlign, s.YAlign = text.XRight, text.YCenter
	return s
}
