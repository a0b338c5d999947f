package plots

import (
	"errors"
	"fmt"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// RowFigure is several figures in a row.
type RowFigure struct {
	Figures []Figure // from left to right
	Sizing           // 0 is wide enough for all and as high as the highest
}

// SideBySide sets figures in a row, to be compared: raw pixels and a representation, before and after.
func SideBySide(figures ...Figure) RowFigure { return RowFigure{Figures: figures} }

// widestShare is the width in inches that a figure in a row gets at most: side by side, figures of 8 inches would shrink
// below reading size on a page.
const widestShare = 5.5

// Size implements Figure.
func (f RowFigure) Size() (width, height vg.Length) {
	for _, figure := range f.Figures {
		if figure == nil {
			continue
		}
		w, h := figure.Size()
		width, height = width+min(w, widestShare*vg.Inch), max(height, h)
	}
	if width == 0 {
		return f.or(8, 5)
	}
	return f.or(float64(width/vg.Inch), float64(height/vg.Inch))
}

// Draw implements Figure.
func (f RowFigure) Draw(c draw.Canvas) error {
	if len(f.Figures) == 0 {
		return errors.New("plots: draw side by side: no figures")
	}
	total := vg.Length(0)
	for i, figure := range f.Figures {
		if figure == nil {
			return fmt.Errorf("plots: draw side by side: figure %d is nil", i)
		}
		w, _ := figure.Size()
		total += min(w, widestShare*vg.Inch)
	}
	size, x := c.Size(), c.Min.X
	for _, figure := range f.Figures {
		w, _ := figure.Size()
		share := min(w, widestShare*vg.Inch) / total * size.X
		part := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: c.Min.Y}, Max: vg.Point{X: x + share, Y: c.Max.Y},
		}}
		if err := figure.Draw(part); err != nil {
			return err
		}
		x += share
	}
	return nil
}

// Alt implements Figure.
func (f RowFigure) Alt() string {
	var parts []string
	for i, figure := range f.Figures {
		if figure == nil || figure.Alt() == "" {
			return ""
		}
		parts = append(parts, fmt.Sprintf("Figure %d of %d: %s", i+1, len(f.Figures), figure.Alt()))
	}
	return strings.Join(parts, " ")
}
