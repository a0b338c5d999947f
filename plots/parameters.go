package plots

import (
	"errors"
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// ParametersFigure shows where a network's parameters sit.
type ParametersFigure struct {
	Summary tl.Summary
	Title   string // "" is the network's name with its totals
	Sizing         // Width 0 is 8; Height 0 is what the blocks need, 3 or more
}

// Parameters draws a bar for each block, from the input at the top to the head, as long as its number of parameters, which stands beside it.
// Frozen blocks are hatched.
func Parameters(s tl.Summary) ParametersFigure { return ParametersFigure{Summary: s} }

// Size implements Figure.
func (f ParametersFigure) Size() (width, height vg.Length) {
	return f.or(8, min(100, max(3, 1.1+0.27*float64(len(f.Summary.Blocks)))))
}

func (f ParametersFigure) check() error {
	if len(f.Summary.Blocks) == 0 {
		return errors.New("plots: draw parameters: the summary has no blocks (Summary gives one; the base of raw pixels has none)")
	}
	for _, b := range f.Summary.Blocks {
		if b.Params < 0 {
			return fmt.Errorf("plots: draw parameters: block %q has %d", b.Name, b.Params)
		}
	}
	return nil
}

// Draw implements Figure.
func (f ParametersFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	s := f.Summary
	title := f.Title
	if title == "" {
		title = fmt.Sprintf("%s: %s parameters", s.Name, grouped(s.Total()))
	}
	c = heading(c, title, []key{
		{fmt.Sprintf("trainable: %s", grouped(s.Trainable())), barSample(false)},
		{fmt.Sprintf("frozen: %s", grouped(s.Frozen())), barSample(true)},
	})
	c.Max.Y -= margin / 2
	name, number := lettering(small), lettering(small)
	name.XAlign, name.YAlign, number.YAlign = text.XRight, text.YCenter, text.YCenter
	widest, most := vg.Length(0), 1
	for _, b := range s.Blocks {
		widest, most = max(widest, name.Width(clean(b.Name))), max(most, b.Params)
	}
	widest = min(widest, (c.Max.X-c.Min.X)*0.4)
	left := c.Min.X + widest + 8
	full := c.Max.X - left - number.Width(grouped(most)) - 10
	row := (c.Max.Y - c.Min.Y) / vg.Length(len(s.Blocks))
	for i, b := range s.Blocks {
		middle := c.Max.Y - (vg.Length(i)+0.5)*row
		c.FillText(name, vg.Point{X: left - 8, Y: middle}, fit(name, b.Name, widest))
		length := full * vg.Length(b.Params) / vg.Length(most)
		thick := min(row*0.72, 24)
		drawBar(&c, vg.Rectangle{Min: vg.Point{X: left, Y: middle - thick/2}, Max: vg.Point{X: left + length, Y: middle + thick/2}}, b.Frozen)
		c.FillText(number, vg.Point{X: left + length + 6, Y: middle}, grouped(b.Params))
	}
	c.StrokeLine2(draw.LineStyle{Color: grey, Width: 1}, left, c.Min.Y, left, c.Max.Y)
	return nil
}

func barSample(frozen bool) func(*draw.Canvas, vg.Point) {
	return func(c *draw.Canvas, at vg.Point) {
		drawBar(c, vg.Rectangle{
			Min: vg.Point{X: at.X - sampleWidth/2, Y: at.Y - 6},
			Max: vg.Point{X: at.X + sampleWidth/2, Y: at.Y + 6},
		}, frozen)
	}
}

// drawBar fills a bar: solid orange for what is trained, hatched sky blue for what is frozen.
func drawBar(c *draw.Canvas, bar vg.Rectangle, frozen bool) {
	if bar.Max.X <= bar.Min.X {
		return
	}
	fill, edge := orange, color.NRGBA{0x8A, 0x5A, 0x00, 0xFF}
	if frozen {
		fill, edge = color.NRGBA{0xD6, 0xEB, 0xF8, 0xFF}, blue
	}
	c.SetColor(fill)
	c.Fill(bar.Path())
	if frozen {
		hatch(c, bar, draw.LineStyle{Color: sky, Width: 1})
	}
	c.SetLineStyle(draw.LineStyle{Color: edge, Width: 0.8})
	c.Stroke(bar.Path())
}

// hatch draws lines at 45° inside the box.
func hatch(c *draw.Canvas, box vg.Rectangle, style draw.LineStyle) {
	const step = 6
	size := box.Size()
	for offset := vg.Length(step) - size.Y; offset < size.X; offset += step {
		// The line y = x − offset, from the lower left, cut to the box.
		from := vg.Point{X: max(offset, 0), Y: max(-offset, 0)}
		to := vg.Point{X: min(offset+size.Y, size.X), Y: min(size.X-offset, size.Y)}
		if to.X > from.X {
			c.StrokeLines(style, []vg.Point{box.Min.Add(from), box.Min.Add(to)})
		}
	}
}

// Alt implements Figure.
func (f ParametersFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	s := f.Summary
	largest, frozen := s.Blocks[0], 0
	for _, b := range s.Blocks {
		if b.Params > largest.Params {
			largest = b
		}
		if b.Frozen {
			frozen++
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Bar chart of the parameters of %s in %s, %d of them frozen: %s in all, %s trainable, %s frozen.",
		s.Name, count(len(s.Blocks), "block"), frozen, grouped(s.Total()), grouped(s.Trainable()), grouped(s.Frozen()))
	fmt.Fprintf(&out, " The largest block is %s with %s.", largest.Name, grouped(largest.Params))
	return clean(out.String())
}
