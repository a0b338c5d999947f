package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// ConfusionFigure shows which classes a model takes for which.
type ConfusionFigure struct {
	Evaluation tl.Evaluation
	Title      string // "" is the model's name with its accuracy
	Sizing            // 0 is 7 × 5 for few classes, and more for many
}

// Confusion draws the confusion matrix: a row for each true class, a column for each predicted one, in each cell the number of images and
// their share of the row, which is also its shade. Right answers stand on the framed diagonal.
func Confusion(e tl.Evaluation) ConfusionFigure { return ConfusionFigure{Evaluation: e} }

// Size implements Figure.
func (f ConfusionFigure) Size() (width, height vg.Length) {
	n := float64(len(f.Evaluation.Classes))
	tall := min(14, max(5, 2+0.55*n))
	return f.or(max(7, tall+1.5), tall)
}

// mostClasses is how many rows and columns can be read on one page.
const mostClasses = 60

func (f ConfusionFigure) check() error {
	e := f.Evaluation
	switch {
	case len(e.Labels) == 0 || len(e.Classes) == 0:
		return errors.New("plots: draw confusion: the evaluation holds no images (Evaluate gives one)")
	case len(e.Labels) != len(e.Predicts.Class):
		return fmt.Errorf("plots: draw confusion: %d labels and %d predictions", len(e.Labels), len(e.Predicts.Class))
	case len(e.Classes) > mostClasses:
		return fmt.Errorf("plots: draw confusion: %d classes are more than a page holds (%d)", len(e.Classes), mostClasses)
	}
	for i, label := range e.Labels {
		if predicted := e.Predicts.Class[i]; min(label, predicted) < 0 || max(label, predicted) >= len(e.Classes) {
			return fmt.Errorf("plots: draw confusion: image %d is of class %d and predicted as %d; there are %d classes",
				i, label, predicted, len(e.Classes))
		}
	}
	return nil
}

// Draw implements Figure.
func (f ConfusionFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	e := f.Evaluation
	title := f.Title
	if title == "" {
		title = fmt.Sprintf("%s: accuracy %.3f on %s", e.Model, e.Accuracy(), count(e.N(), "image"))
	}
	c = heading(c, title, nil)
	counts := e.Confusion()
	n := vg.Length(len(counts))
	names := lettering(normal)
	widest, longest := vg.Length(0), vg.Length(0)
	for i := range counts {
		longest = max(longest, names.Width(f.name(i)))
		widest = max(widest, names.Width(f.rowName(i, counts[i], math.MaxFloat64)))
	}
	widest = min(widest, (c.Max.X-c.Min.X)*0.36)
	const sideLabel, bottomLabel = 22, 22
	c.Min.X += sideLabel + widest + 8
	room := c.Size()
	cell := vg.Point{X: min(room.X/n, 190)}
	slanted := longest > cell.X-6
	below := lineHeight
	if slanted {
		below = min(longest+normal, room.Y/3) / math.Sqrt2
	}
	c.Min.Y += bottomLabel + below
	cell.Y = (c.Max.Y - c.Min.Y) / n
	for row := range counts {
		f.drawRow(c, cell, row, counts[row])
	}
	f.drawNames(c, cell, widest, below, slanted, counts)
	return nil
}

func (f ConfusionFigure) name(i int) string { return nameOf(f.Evaluation.Classes, i) }

// rowName is a class with its number of images, which stays when the name is cut to width.
func (f ConfusionFigure) rowName(i int, row []int, width vg.Length) string {
	s := lettering(normal)
	total := fmt.Sprintf(" (%s)", grouped(sum(row)))
	return fit(s, f.name(i), width-s.Width(total)) + total
}

func sum(row []int) int {
	total := 0
	for _, n := range row {
		total += n
	}
	return total
}

// drawRow draws the cells of one true class.
func (f ConfusionFigure) drawRow(c draw.Canvas, cell vg.Point, row int, counts []int) {
	total := sum(counts)
	for column, n := range counts {
		low := vg.Point{X: c.Min.X + vg.Length(column)*cell.X, Y: c.Max.Y - vg.Length(row+1)*cell.Y}
		box := vg.Rectangle{Min: low, Max: low.Add(cell)}
		share := 0.0
		if total > 0 {
			share = float64(n) / float64(total)
		}
		fill := shade(share)
		c.SetColor(fill)
		c.Fill(box.Path())
		c.SetLineStyle(draw.LineStyle{Color: color.White, Width: 1})
		c.Stroke(box.Path())
		if row == column {
			inset := vg.Rectangle{Min: low.Add(vg.Point{X: 2, Y: 2}), Max: box.Max.Sub(vg.Point{X: 2, Y: 2})}
			c.SetLineStyle(draw.LineStyle{Color: readableOn(fill), Width: 1})
			c.Stroke(inset.Path())
		}
		const few = 4 // in a larger matrix zeros would hide the mistakes that one looks for
		if total > 0 && (n > 0 || len(counts) <= few) {
			label(c, box, coloured(centred(lettering(large)), readableOn(fill)), n, share)
		}
	}
}

// label writes a cell's count, and below it the share where there is room.
func label(c draw.Canvas, cell vg.Rectangle, style text.Style, n int, share float64) {
	size := cell.Size()
	middle := cell.Min.Add(size.Scale(0.5))
	if size.Y < 42 {
		style.Font.Size = small
	}
	width := max(style.Width(rounded(share)), bold(style).Width(grouped(n)))
	switch apart := style.Font.Size * 0.6; {
	case size.Y > 34 && size.X > width+4:
		c.FillText(bold(style), middle.Add(vg.Point{Y: apart}), grouped(n))
		c.FillText(style, middle.Sub(vg.Point{Y: apart}), rounded(share))
	case size.Y > 14 && style.Width(grouped(n)) < size.X-2:
		c.FillText(style, middle, grouped(n))
	}
}

// rounded writes a share in whole per cent, without making none or all of what is not.
func rounded(share float64) string {
	switch whole := math.Round(100 * share); {
	case whole == 0 && share > 0:
		return "< 1 %"
	case whole == 100 && share < 1:
		return "> 99 %"
	default:
		return fmt.Sprintf("%.0f %%", whole)
	}
}

// drawNames writes the classes beside the rows and under the columns.
func (f ConfusionFigure) drawNames(c draw.Canvas, cell vg.Point, widest, below vg.Length, slanted bool, counts [][]int) {
	side, axis := lettering(normal), bold(centred(lettering(normal)))
	side.XAlign, side.YAlign = text.XRight, text.YCenter
	under := lettering(normal)
	under.XAlign, under.YAlign = text.XCenter, text.YTop
	if slanted {
		under.XAlign, under.YAlign, under.Rotation = text.XRight, text.YCenter, math.Pi/4
	}
	every := 1 // names thin out where rows are lower than a line
	for vg.Length(every)*min(cell.X, cell.Y) < 13 {
		every++
	}
	for i := 0; i < len(counts); i += every {
		middle := vg.Length(i) + 0.5
		c.FillText(side, vg.Point{X: c.Min.X - 6, Y: c.Max.Y - middle*cell.Y}, f.rowName(i, counts[i], widest))
		width := cell.X - 4
		if slanted {
			width = below * math.Sqrt2
		}
		flat := under
		flat.Rotation = 0
		c.FillText(under, vg.Point{X: c.Min.X + middle*cell.X, Y: c.Min.Y - 5}, fit(flat, f.name(i), width))
	}
	n := vg.Length(len(counts))
	c.FillText(axis, vg.Point{X: c.Min.X + n*cell.X/2, Y: c.Min.Y - below - 14}, "predicted class")
	axis.Rotation = math.Pi / 2
	c.FillText(axis, vg.Point{X: c.Min.X - widest - 20, Y: (c.Min.Y + c.Max.Y) / 2}, "true class")
}

// shade runs from nearly white to a dark blue.
func shade(share float64) color.NRGBA {
	from, to := color.NRGBA{0xF2, 0xF6, 0xFA, 0xFF}, color.NRGBA{0x00, 0x45, 0x7A, 0xFF}
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + share*(float64(b)-float64(a)))) }
	return color.NRGBA{mix(from.R, to.R), mix(from.G, to.G), mix(from.B, to.B), 0xFF}
}

// readableOn is black or white, whichever has more contrast with background.
func readableOn(background color.NRGBA) color.NRGBA {
	white := color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
	if contrast(background, white) > contrast(background, black) {
		return white
	}
	return black
}

// contrast is the ratio of WCAG 2.1, 1 to 21; 4.5 is asked for text.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		if s := float64(v) / 255; s > 0.04045 {
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return float64(v) / 255 / 12.92
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// Alt implements Figure.
func (f ConfusionFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	e := f.Evaluation
	majority, floor := e.Majority()
	var out strings.Builder
	fmt.Fprintf(&out, "Confusion matrix of %s: accuracy %.3f, balanced accuracy %.3f on %s; always answering %s would get %.3f.",
		e.Model, e.Accuracy(), e.BalancedAccuracy(), count(e.N(), "image"), majority, floor)
	for i, row := range e.Confusion() {
		if total := sum(row); total > 0 {
			if i == 12 {
				out.WriteString(" And more classes.")
				break
			}
			fmt.Fprintf(&out, " Of %d %s, %d are predicted right.", total, f.name(i), row[i])
		}
	}
	return clean(out.String())
}
