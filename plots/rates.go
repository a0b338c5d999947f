package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// RatesFigure shows the loss of training steps at ever higher learning rates.
type RatesFigure struct {
	Curve  tl.RateCurve
	Title  string // "" is the model's name
	Sizing        // 0 is 8 × 5
}

// Rates draws what FindRate found: the loss of each step, pale, its smoothed mean as a line, over the learning rate on a logarithmic axis, and the
// three suggestions as lines with their names and rates.
func Rates(c tl.RateCurve) RatesFigure { return RatesFigure{Curve: c} }

// Size implements Figure.
func (f RatesFigure) Size() (width, height vg.Length) { return f.or(8, 5) }

func (f RatesFigure) check() error {
	c := f.Curve
	if len(c.Rates) < 2 || len(c.Losses) != len(c.Rates) || len(c.Smoothed) != len(c.Rates) {
		return fmt.Errorf("plots: draw rates: %d rates, %d losses, %d smoothed; a curve has 2 or more of each (FindRate gives one)",
			len(c.Rates), len(c.Losses), len(c.Smoothed))
	}
	finite := 0
	for i, rate := range c.Rates {
		if !(rate > 0) || !isFinite(rate) {
			return fmt.Errorf("plots: draw rates: step %d has a rate of %v; rates are above 0", i, rate)
		}
		if isFinite(c.Smoothed[i]) {
			finite++
		}
	}
	if finite == 0 {
		return errors.New("plots: draw rates: no finite loss (search from a lower rate: RateSearch{From: 1e-8})")
	}
	return nil
}

// suggestion is one rate that the curve speaks for.
type suggestion struct {
	name string
	rate float64
	line draw.LineStyle
}

// suggestions are those that there are, the one to begin with first.
func (f RatesFigure) suggestions() (all []suggestion) {
	for _, s := range []suggestion{
		{"valley", f.Curve.Valley, draw.LineStyle{Color: vermillion, Width: 2.4}},
		{"steepest", f.Curve.Steep, draw.LineStyle{Color: green, Width: 2, Dashes: []vg.Length{8, 4}}},
		{"lowest / 10", f.Curve.Tenth, draw.LineStyle{Color: purple, Width: 2, Dashes: []vg.Length{2, 3}}},
	} {
		if s.rate > 0 && isFinite(s.rate) {
			all = append(all, s)
		}
	}
	return all
}

// limits spans the losses. What explodes at the end, behind the lowest loss, would flatten the valley and is cut.
func (f RatesFigure) limits() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	first, before := math.NaN(), math.Inf(-1) // before: the highest up to the lowest
	for _, loss := range f.Curve.Smoothed {
		if isFinite(loss) {
			if loss < low {
				before = high
			}
			low, high = min(low, loss), max(high, loss)
			if math.IsNaN(first) {
				first = loss
			}
		}
	}
	above := first + 0.6*(first-low)
	if first-low < 0.05*math.Abs(low) { // of a trained model the loss hardly falls: then what is to be seen is how it explodes
		above = 2*math.Abs(low) + 1e-9
	}
	high = min(high, max(above, before))
	below := low - 0.8*(high-low)
	for _, loss := range f.Curve.Losses { // single steps lie around the mean; one far below is cut
		if loss >= below && loss < low {
			low = loss
		}
	}
	pad := max(0.08*(high-low), 1e-6)
	return low - pad, high + pad
}

// Draw implements Figure.
func (f RatesFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = f.Curve.Model
	}
	if f.Curve.Diverged {
		title = strings.TrimPrefix(title+" – the search ended where the loss exploded", " – ")
	}
	keys := []key{
		{"smoothed loss", func(c *draw.Canvas, at vg.Point) {
			c.StrokeLine2(lineStyle(0), at.X-sampleWidth/2, at.Y, at.X+sampleWidth/2, at.Y)
		}},
		{"loss of a step", func(c *draw.Canvas, at vg.Point) { stepMark(c, at) }},
	}
	for _, s := range f.suggestions() {
		keys = append(keys, key{fmt.Sprintf("%s: %s", s.name, rate(s.rate)), func(c *draw.Canvas, at vg.Point) {
			c.StrokeLine2(s.line, at.X-sampleWidth/2, at.Y, at.X+sampleWidth/2, at.Y)
		}})
	}
	c = heading(c, title, keys)
	p := newPlot("", "learning rate", "loss (nats)")
	rates := f.Curve.Rates
	logAxis(&p.X, rates[0], rates[len(rates)-1])
	p.Y.Min, p.Y.Max = f.limits()
	p.Title.Text, p.Title.TextStyle, p.Title.Padding = " ", restyle(p.Title.TextStyle, small), 2 // room for the suggestions' names
	p.Add(plotterFunc(f.drawLosses))
	p.Draw(c)
	return nil
}

func stepMark(c *draw.Canvas, at vg.Point) {
	c.DrawGlyph(draw.GlyphStyle{Color: color.NRGBA{0xA9, 0xBE, 0xCC, 0xFF}, Radius: 2.6, Shape: disc{}}, at)
}

func (f RatesFigure) drawLosses(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	inside := func(i int, losses []float64) (vg.Point, bool) {
		at := vg.Point{X: x(f.Curve.Rates[i]), Y: y(losses[i])}
		return at, isFinite(losses[i]) && at.Y >= c.Min.Y && at.Y <= c.Max.Y
	}
	for i := range f.Curve.Rates {
		if at, is := inside(i, f.Curve.Losses); is {
			stepMark(&c, at)
		}
	}
	var run []vg.Point
	for i := range f.Curve.Rates {
		if at, is := inside(i, f.Curve.Smoothed); is {
			run = append(run, at)
			continue
		}
		c.StrokeLines(lineStyle(0), run)
		run = nil
	}
	c.StrokeLines(lineStyle(0), run)
	style := lettering(small)
	style.XAlign, style.YAlign = text.XCenter, text.YBottom
	var taken []vg.Length // ends of the names that stand already
	for _, s := range f.suggestions() {
		at := x(s.rate)
		if at < c.Min.X || at > c.Max.X {
			continue
		}
		c.StrokeLine2(s.line, at, c.Min.Y, at, c.Max.Y)
		half, free := style.Width(s.name)/2+3, true
		for i := 0; i < len(taken); i += 2 {
			free = free && (at+half <= taken[i] || at-half >= taken[i+1])
		}
		if free {
			c.FillText(style, vg.Point{X: at, Y: c.Max.Y + 3}, s.name)
			taken = append(taken, at-half, at+half)
		}
	}
}

// Alt implements Figure.
func (f RatesFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	c := f.Curve
	var out strings.Builder
	lowest := 0
	for i, loss := range c.Smoothed {
		if isFinite(loss) && !(loss >= c.Smoothed[lowest]) || !isFinite(c.Smoothed[lowest]) {
			lowest = i
		}
	}
	fmt.Fprintf(&out, "Learning-rate search of %s: loss of %s at rates from %s to %s; the smoothed loss is lowest, %.3f, at a rate of %s.",
		c.Model, count(len(c.Rates), "step"), rate(c.Rates[0]), rate(c.Rates[len(c.Rates)-1]), c.Smoothed[lowest], rate(c.Rates[lowest]))
	for _, s := range f.suggestions() {
		fmt.Fprintf(&out, " Suggestion %s: %s.", s.name, rate(s.rate))
	}
	if c.Diverged {
		out.WriteString(" The search ended where the loss exploded.")
	}
	return clean(out.String())
}
