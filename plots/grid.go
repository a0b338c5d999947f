package plots

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/disintegration/imaging"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Images is what figures made of pictures share.
type Images struct {
	Title   string // above the figure
	Columns int    // 0 is the figure's own choice
	Sizing         // Width 0 is 8 inches, or less where there are few pictures; Height 0 is what the rows need

	tiles   []tile
	columns int     // the figure's own choice
	note    string  // said instead of pictures where there are none
	caption string  // said under the title, in as many lines as it takes
	keys    []key   // of a legend under the title
	tall    float64 // height over width of the pictures' frames; 0 is 1
}

// tile is one picture with what is written under it.
type tile struct {
	image image.Image
	lines []line
	frame color.Color // nil is a thin grey line
	wrong bool        // its frame is dashed
}

type line struct {
	text  string
	color color.Color                  // nil is ink
	sign  func(*draw.Canvas, vg.Point) // drawn before the text; nil for none
}

const (
	tileGap   vg.Length = 10
	textLine  vg.Length = 16
	signWidth vg.Length = 16
	// captionGap is between a caption and the pictures.
	captionGap vg.Length = 4
)

func (g Images) grid() (columns, rows int) {
	columns = g.Columns
	if columns <= 0 {
		columns = g.columns
	}
	columns = max(1, min(columns, len(g.tiles)))
	return columns, max(1, (len(g.tiles)+columns-1)/columns)
}

func (g Images) lines() int {
	most := 0
	for _, t := range g.tiles {
		most = max(most, len(t.lines))
	}
	return most
}

// photographs marks figures that are smaller as SVG, which holds each picture at its own resolution, often in grey.
func (g Images) photographs() {}

// Size implements Figure.
func (g Images) Size() (width, height vg.Length) {
	columns, rows := g.grid()
	across := max(4, min(8, float64(columns)*2.4))
	if g.Width > 0 {
		across = g.Width
	}
	inside := vg.Length(across)*vg.Inch - 2*margin
	side := (inside - vg.Length(columns-1)*tileGap) / vg.Length(columns)
	tall := 2*margin + vg.Length(rows)*(side*g.shape()+vg.Length(g.lines())*textLine) + vg.Length(rows-1)*tileGap
	if g.Title != "" {
		tall += large + margin
	}
	if len(g.keys) > 0 {
		tall += lineHeight + margin
	}
	if lines := wrap(lettering(small), g.caption, inside); len(lines) > 0 {
		tall += vg.Length(len(lines))*textLine + captionGap
	}
	if len(g.tiles) == 0 {
		tall = vg.Inch
	}
	return g.or(across, float64(tall/vg.Inch))
}

// shape is the height over the width of the pictures' frames.
func (g Images) shape() vg.Length {
	if g.tall == 0 {
		return 1
	}
	return vg.Length(g.tall)
}

// Draw implements Figure.
func (g Images) Draw(c draw.Canvas) error {
	c = heading(c, g.Title, g.keys)
	if lines := wrap(lettering(small), g.caption, c.Max.X-c.Min.X); len(lines) > 0 {
		for _, text := range lines {
			c.Max.Y -= textLine
			c.FillText(lettering(small), vg.Point{X: c.Min.X, Y: c.Max.Y + 5}, text)
		}
		c.Max.Y -= captionGap
	}
	if len(g.tiles) == 0 {
		style := lettering(normal)
		c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y - 2*normal}, fit(style, g.note, c.Max.X-c.Min.X))
		return nil
	}
	columns, rows := g.grid()
	below := vg.Length(g.lines()) * textLine
	size := c.Size()
	side := min((size.X-vg.Length(columns-1)*tileGap)/vg.Length(columns), ((size.Y-vg.Length(rows-1)*tileGap)/vg.Length(rows)-below)/g.shape())
	if side < 10 {
		return errors.New("plots: draw images: there is no room for them; give the figure more Height or fewer pictures")
	}
	for i, t := range g.tiles {
		corner := vg.Point{
			X: c.Min.X + vg.Length(i%columns)*(side+tileGap),
			Y: c.Max.Y - vg.Length(i/columns)*(side*g.shape()+below+tileGap),
		}
		t.draw(c, corner, vg.Point{X: side, Y: side * g.shape()})
	}
	return nil
}

// draw draws the tile with its upper left corner there, the picture as large as room.
func (t tile) draw(c draw.Canvas, corner, room vg.Point) {
	bounds := t.image.Bounds()
	scale := min(room.X/vg.Length(bounds.Dx()), room.Y/vg.Length(bounds.Dy()))
	size := vg.Point{X: scale * vg.Length(bounds.Dx()), Y: scale * vg.Length(bounds.Dy())}
	low := vg.Point{X: corner.X + (room.X-size.X)/2, Y: corner.Y - (room.Y+size.Y)/2}
	frame := vg.Rectangle{Min: low, Max: low.Add(size)}
	c.DrawImage(frame, enlarge(t.image))
	edge := draw.LineStyle{Color: grey, Width: 0.5}
	if t.frame != nil {
		edge = draw.LineStyle{Color: t.frame, Width: 3}
	}
	if t.wrong {
		edge.Dashes = []vg.Length{9, 4}
	}
	c.SetLineStyle(edge)
	c.Stroke(frame.Path())
	style := lettering(small)
	for i, l := range t.lines {
		at := vg.Point{X: corner.X, Y: corner.Y - room.Y - vg.Length(i+1)*textLine + 2}
		if l.sign != nil {
			l.sign(&c, vg.Point{X: at.X + signWidth/2 - 1, Y: at.Y + small/2 - 2})
			at.X += signWidth
		}
		written := style
		if l.color != nil {
			written = bold(coloured(style, l.color))
		}
		c.FillText(written, at, fit(written, l.text, corner.X+room.X-at.X))
	}
}

// enlarge repeats the pixels of a small picture, so that they are seen as pixels and not as blur.
func enlarge(m image.Image) image.Image {
	const enough = 200
	b := m.Bounds()
	times := enough / max(1, max(b.Dx(), b.Dy()))
	if times < 2 {
		return m
	}
	return imaging.Resize(m, b.Dx()*times, b.Dy()*times, imaging.NearestNeighbor)
}

// tick and cross are drawn, not written: fonts often lack the signs.
func tick(c *draw.Canvas, at vg.Point) {
	c.StrokeLines(draw.LineStyle{Color: green, Width: 2.5},
		[]vg.Point{{X: at.X - 5, Y: at.Y}, {X: at.X - 1.5, Y: at.Y - 4}, {X: at.X + 5, Y: at.Y + 5}})
}

func cross(c *draw.Canvas, at vg.Point) {
	style := draw.LineStyle{Color: vermillion, Width: 2.5}
	c.StrokeLine2(style, at.X-4, at.Y-4, at.X+4, at.Y+4)
	c.StrokeLine2(style, at.X-4, at.Y+4, at.X+4, at.Y-4)
}

// squareColumns is the number of columns that makes a grid of n somewhat wider than high: one row up to four, six columns at most.
func squareColumns(n int) int {
	if n <= 4 {
		return n
	}
	return min(6, int(math.Ceil(math.Sqrt(float64(n)*1.3))))
}

// mostTiles bounds a figure: more pictures than these say nothing and make a notebook of many megabytes.
const mostTiles = 48

func checkTiles(verb string, n int) error {
	if n > mostTiles {
		return fmt.Errorf("plots: %s: %d pictures are more than a figure holds (%d); take fewer", verb, n, mostTiles)
	}
	return nil
}
