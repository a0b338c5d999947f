package plots

import (
	"image/color"
	"math"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours of Okabe & Ito 2008, "Color Universal Design".
var (
	blue       = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	vermillion = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	green      = color.NRGBA{0x00, 0x9E, 0x73, 0xFF}
	orange     = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
	sky        = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}
	purple     = color.NRGBA{0xCC, 0x79, 0xA7, 0xFF}
	yellow     = color.NRGBA{0xF0, 0xE4, 0x42, 0xFF}
	black      = color.NRGBA{0x00, 0x00, 0x00, 0xFF}

	// Darker kin of two colours, for text: on white they reach the contrast of 4.5 that WCAG asks.
	darkGreen      = color.NRGBA{0x00, 0x6B, 0x4E, 0xFF}
	darkVermillion = color.NRGBA{0xA8, 0x4A, 0x00, 0xFF}

	ink   = color.NRGBA{0x1A, 0x1A, 0x1A, 0xFF} // text and axes
	grey  = color.NRGBA{0x76, 0x76, 0x76, 0xFF} // lines that come second
	faint = color.NRGBA{0xE4, 0xE4, 0xE4, 0xFF} // grid
)

// palette is in the order in which classes take colours: those that stand out least on white come last.
var palette = []color.NRGBA{blue, vermillion, green, orange, purple, sky, black, yellow}

// markers are told apart by outline alone, also in print.
var markers = []draw.GlyphDrawer{disc{}, upward, square, diamond, downward, saltire}

// classStyle is the look of class i: different for the first 48 classes.
func classStyle(i int, radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{
		Color:  palette[i%len(palette)],
		Shape:  markers[(i%len(palette)+5*(i/len(palette)))%len(markers)], // 5 has no factor in common with the number of markers
		Radius: radius,
	}
}

// outline is a marker given by its corners, for a radius of 1.
type outline []vg.Point

var (
	upward   = outline{{X: 0, Y: 1.2}, {X: -1.1, Y: -0.8}, {X: 1.1, Y: -0.8}}
	downward = outline{{X: 0, Y: -1.2}, {X: 1.1, Y: 0.8}, {X: -1.1, Y: 0.8}}
	square   = outline{{X: -0.9, Y: -0.9}, {X: 0.9, Y: -0.9}, {X: 0.9, Y: 0.9}, {X: -0.9, Y: 0.9}}
	diamond  = outline{{X: 0, Y: 1.3}, {X: -1.1, Y: 0}, {X: 0, Y: -1.3}, {X: 1.1, Y: 0}}
	saltire  = outline{{X: 0, Y: 0.4}, {X: 0.7, Y: 1.1}, {X: 1.1, Y: 0.7}, {X: 0.4, Y: 0}, {X: 1.1, Y: -0.7}, {X: 0.7, Y: -1.1},
		{X: 0, Y: -0.4}, {X: -0.7, Y: -1.1}, {X: -1.1, Y: -0.7}, {X: -0.4, Y: 0}, {X: -1.1, Y: 0.7}, {X: -0.7, Y: 1.1}}
)

// DrawGlyph fills the outline and parts it from its neighbours by a thin white edge, so that a crowd of points stays countable.
func (o outline) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	for i, corner := range o {
		p := vg.Point{X: at.X + corner.X*style.Radius, Y: at.Y + corner.Y*style.Radius}
		if i == 0 {
			path.Move(p)
		} else {
			path.Line(p)
		}
	}
	path.Close()
	fillEdged(c, path, style.Color)
}

type disc struct{}

// DrawGlyph draws a filled circle with the same white edge.
func (disc) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	path.Move(vg.Point{X: at.X + style.Radius, Y: at.Y})
	path.Arc(at, style.Radius, 0, 2*math.Pi)
	path.Close()
	fillEdged(c, path, style.Color)
}

func fillEdged(c *draw.Canvas, path vg.Path, fill color.Color) {
	c.SetColor(fill)
	c.Fill(path)
	edge := draw.LineStyle{Color: color.White, Width: 0.4}
	if fill == color.Color(yellow) { // too light for white paper
		edge.Color = grey
	}
	c.SetLineStyle(edge)
	c.Stroke(path)
}

// The sizes of text, in points.
const (
	small  vg.Length = 12
	normal vg.Length = 13
	large  vg.Length = 15
)

// lettering is text of that size, drawn from its lower left corner.
func lettering(size vg.Length) text.Style {
	return text.Style{
		Color:   ink,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plot.DefaultTextHandler,
	}
}

func bold(s text.Style) text.Style {
	s.Font.Weight = xfont.WeightBold
	return s
}

func centred(s text.Style) text.Style {
	s.XAlign, s.YAlign = text.XCenter, text.YCenter
	return s
}

func coloured(s text.Style, c color.Color) text.Style {
	s.Color = c
	return s
}

// fit cuts label down to width, with an ellipsis; "" where not even that fits.
func fit(s text.Style, label string, width vg.Length) string {
	label = clean(label)
	if s.Width(label) <= width {
		return label
	}
	runes := []rune(label)
	for n := len(runes) - 1; n > 0; n-- {
		if cut := strings.TrimRight(string(runes[:n]), " ") + "…"; s.Width(cut) <= width {
			return cut
		}
	}
	return ""
}

// wrap breaks a label between words into lines that are not wider than width, where its words allow it.
func wrap(s text.Style, label string, width vg.Length) (lines []string) {
	line := ""
	for _, word := range strings.Fields(clean(label)) {
		switch longer := strings.TrimSpace(line + " " + word); {
		case line == "" || s.Width(longer) <= width:
			line = longer
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// clean takes out what neither a line of text nor XML can hold: names come from folders and files.
func clean(label string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(label, "�"))
}

// newPlot is a plot in the package's lettering, with a grid behind the data.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, 8
	p.Title.TextStyle = restyle(p.Title.TextStyle, large)
	p.Title.TextStyle.Font.Weight = xfont.WeightBold
	for axis, label := range map[*plot.Axis]string{&p.X: x, &p.Y: y} {
		axis.Label.Text = label
		axis.Label.TextStyle = restyle(axis.Label.TextStyle, normal)
		axis.Label.Padding = 4
		axis.Tick.Label = restyle(axis.Tick.Label, small)
		axis.Color, axis.Tick.Color = grey, grey
		axis.Tick.Marker = roundTicks{}
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	return p
}

// restyle keeps the alignment that the plot gave.
func restyle(s text.Style, size vg.Length) text.Style {
	l := lettering(size)
	s.Color, s.Font, s.Handler = l.Color, l.Font, l.Handler
	return s
}

// plotterFunc draws with the plot's axes.
type plotterFunc func(draw.Canvas, *plot.Plot)

// Plot implements plot.Plotter.
func (f plotterFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }
