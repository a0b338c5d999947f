package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// CurvesFigure shows how a model's loss and accuracy went over the epochs of all its phases.
type CurvesFigure struct {
	Histories []tl.History // the phases of one model, in order
	Title     string       // "" is the model's name
	Sizing                 // 0 is 10 × 5
}

// Curves draws loss and accuracy side by side over the epochs of all phases, training and valid, with the phases parted and the epoch that
// each phase kept marked. Losses that are not finite, as of a phase that diverged, leave a gap and are named in the title.
func Curves(histories ...tl.History) CurvesFigure { return CurvesFigure{Histories: histories} }

// Size implements Figure.
func (f CurvesFigure) Size() (width, height vg.Length) { return f.or(10, 5) }

func (f CurvesFigure) epochs() (all []tl.Epoch) {
	for _, h := range f.Histories {
		all = append(all, h.Epochs...)
	}
	return all
}

func (f CurvesFigure) check() error {
	finite := 0
	for _, e := range f.epochs() {
		if isFinite(e.Loss) && isFinite(e.Accuracy) {
			finite++
		}
	}
	if finite == 0 {
		return errors.New("plots: draw curves: no finished epoch with a finite loss (Fit the model first; if it diverged, with a lower LearningRate)")
	}
	for i, h := range f.Histories {
		if h.Model != f.Histories[0].Model {
			return fmt.Errorf("plots: draw curves: history %d is of model %q, the first of %q (one figure for each model; SideBySide compares them)",
				i, h.Model, f.Histories[0].Model)
		}
		if h.Kept < 0 || h.Kept > len(h.Epochs) {
			return fmt.Errorf("plots: draw curves: history %d kept epoch %d of %d", i, h.Kept, len(h.Epochs))
		}
	}
	return nil
}

// curve is one measured quantity over the epochs.
type curve struct {
	name string
	of   func(tl.Epoch) float64
	line draw.LineStyle
	mark draw.GlyphStyle
}

func pair(train, valid func(tl.Epoch) float64) [2]curve {
	return [2]curve{
		{"training", train, draw.LineStyle{Color: blue, Width: 2}, draw.GlyphStyle{Color: blue, Radius: 3.5, Shape: disc{}}},
		{"valid", valid, draw.LineStyle{Color: vermillion, Width: 2, Dashes: []vg.Length{7, 4}},
			draw.GlyphStyle{Color: vermillion, Radius: 4, Shape: upward}},
	}
}

var (
	losses     = pair(func(e tl.Epoch) float64 { return e.Loss }, func(e tl.Epoch) float64 { return e.ValidLoss })
	accuracies = pair(func(e tl.Epoch) float64 { return e.Accuracy }, func(e tl.Epoch) float64 { return e.ValidAccuracy })
)

// Draw implements Figure.
func (f CurvesFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = f.Histories[0].Model
	}
	if lost := f.lost(); len(lost) > 0 {
		title += " – loss not finite in epoch " + strings.Join(lost, ", ")
	}
	var keys []key
	for _, drawn := range losses {
		if len(f.points(drawn)) > 0 {
			keys = append(keys, key{drawn.name, func(c *draw.Canvas, at vg.Point) {
				c.StrokeLine2(drawn.line, at.X-sampleWidth/2, at.Y, at.X+sampleWidth/2, at.Y)
				c.DrawGlyph(drawn.mark, at)
			}})
		}
	}
	if f.keptAny() {
		keys = append(keys, key{"epoch kept", ring})
	}
	c = heading(c, title, keys)
	panels := []*plot.Plot{f.panel("loss (nats)", losses), f.panel("accuracy", accuracies)}
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: 2 * margin}
	for i, tile := range plot.Align([][]*plot.Plot{panels}, tiles, c)[0] {
		panels[i].Draw(tile)
	}
	return nil
}

// lost lists the epochs whose losses are not finite, at most three of them.
func (f CurvesFigure) lost() (epochs []string) {
	for i, e := range f.epochs() {
		if isFinite(e.Loss) {
			continue
		}
		if len(epochs) == 3 {
			return append(epochs, "…")
		}
		epochs = append(epochs, fmt.Sprint(i+1))
	}
	return epochs
}

func (f CurvesFigure) keptAny() bool {
	for _, h := range f.Histories {
		if h.Kept > 0 {
			return true
		}
	}
	return false
}

// points are the finite values of a curve, the first epoch at x = 1.
func (f CurvesFigure) points(drawn curve) (points plotter.XYs) {
	for i, e := range f.epochs() {
		if y := drawn.of(e); isFinite(y) {
			points = append(points, plotter.XY{X: float64(i + 1), Y: y})
		}
	}
	return points
}

func (f CurvesFigure) panel(label string, curves [2]curve) *plot.Plot {
	p := newPlot("", "epoch", label)
	n := len(f.epochs())
	p.X.Min, p.X.Max = 0.5, float64(n)+0.5
	p.X.Tick.Marker = plot.ConstantTicks(wholeTicks(n))
	low, high := math.Inf(1), math.Inf(-1)
	for _, drawn := range curves {
		for _, point := range f.points(drawn) {
			low, high = min(low, point.Y), max(high, point.Y)
		}
	}
	pad := max(0.06*(high-low), 0.01*math.Abs(high), 1e-6)
	p.Y.Min, p.Y.Max = low-pad, high+pad
	p.Title.Text, p.Title.TextStyle = " ", restyle(p.Title.TextStyle, small) // room for the names of the phases
	p.Title.Padding = 2
	p.Add(plotterFunc(f.drawPhases))
	for _, drawn := range curves {
		p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { f.drawCurve(c, p, drawn) }))
	}
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { f.drawKept(c, p, curves) }))
	return p
}

// drawCurve joins the epochs of a phase. A value that is missing leaves a gap, and so does the end of a phase: the next one starts from the
// epoch that was kept, not from the last.
func (f CurvesFigure) drawCurve(c draw.Canvas, p *plot.Plot, drawn curve) {
	const mostMarks = 60 // more of them would hide the line's dashes
	x, y := p.Transforms(&c)
	var run []vg.Point
	draw := func() {
		c.StrokeLines(drawn.line, run)
		if len(f.epochs()) <= mostMarks || len(run) == 1 {
			for _, at := range run {
				c.DrawGlyph(drawn.mark, at)
			}
		}
		run = nil
	}
	i := 0
	for _, h := range f.Histories {
		for _, e := range h.Epochs {
			i++
			if v := drawn.of(e); isFinite(v) {
				run = append(run, vg.Point{X: x(float64(i)), Y: y(v)})
			} else {
				draw()
			}
		}
		draw()
	}
}

// drawPhases parts the phases by lines and names them above the data.
func (f CurvesFigure) drawPhases(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	style := lettering(small)
	style.XAlign, style.YAlign = text.XCenter, text.YBottom
	first := 0.5
	for _, h := range f.Histories {
		last := first + float64(len(h.Epochs))
		if len(h.Epochs) == 0 {
			continue
		}
		if first > 1 {
			c.StrokeLine2(draw.LineStyle{Color: grey, Width: 1.2, Dashes: []vg.Length{2, 3}}, x(first), c.Min.Y, x(first), c.Max.Y+lineHeight)
		}
		name := h.Phase.Name
		if h.Stopped {
			name += " (stopped)"
		}
		c.FillText(style, vg.Point{X: (x(first) + x(last)) / 2, Y: c.Max.Y + 3}, fit(style, name, x(last)-x(first)-4))
		first = last
	}
}

// drawKept rings the epoch that each phase kept, on valid where there is one.
func (f CurvesFigure) drawKept(c draw.Canvas, p *plot.Plot, curves [2]curve) {
	x, y := p.Transforms(&c)
	before := 0
	for _, h := range f.Histories {
		if h.Kept > 0 {
			kept := h.Epochs[h.Kept-1]
			value := curves[1].of(kept)
			if !isFinite(value) {
				value = curves[0].of(kept)
			}
			if isFinite(value) {
				ring(&c, vg.Point{X: x(float64(before + h.Kept)), Y: y(value)})
			}
		}
		before += len(h.Epochs)
	}
}

func ring(c *draw.Canvas, at vg.Point) {
	for _, edge := range []draw.LineStyle{{Color: color.White, Width: 3.5}, {Color: black, Width: 1.8}} {
		var path vg.Path
		path.Move(vg.Point{X: at.X + 7.5, Y: at.Y})
		path.Arc(at, 7.5, 0, 2*math.Pi)
		path.Close()
		c.SetLineStyle(edge)
		c.Stroke(path)
	}
}

// wholeTicks marks whole epochs from 1 to n, at most ten of them with a number.
func wholeTicks(n int) (ticks []plot.Tick) {
	step := 1
	for _, wider := range []int{2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000} {
		if n/step > 10 {
			step = wider
		}
	}
	for i := 1; i <= n; i++ {
		if i%step == 0 || (i == 1 && step > 2) {
			ticks = append(ticks, plot.Tick{Value: float64(i), Label: fmt.Sprint(i)})
		}
	}
	return ticks
}

// Alt implements Figure.
func (f CurvesFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	var out strings.Builder
	n := len(f.epochs())
	fmt.Fprintf(&out, "Learning curves of %s: loss and accuracy over %s in %s.", f.Histories[0].Model, count(n, "epoch"), count(len(f.Histories), "phase"))
	for _, h := range f.Histories {
		if len(h.Epochs) == 0 {
			continue
		}
		first, last := h.Epochs[0], h.Epochs[len(h.Epochs)-1]
		fmt.Fprintf(&out, " Phase %s: training loss from %.3f to %.3f, accuracy from %.3f to %.3f", h.Phase.Name,
			first.Loss, last.Loss, first.Accuracy, last.Accuracy)
		if isFinite(last.ValidLoss) {
			fmt.Fprintf(&out, ", valid loss from %.3f to %.3f, accuracy from %.3f to %.3f", first.ValidLoss, last.ValidLoss,
				first.ValidAccuracy, last.ValidAccuracy)
		}
		if h.Kept > 0 {
			fmt.Fprintf(&out, "; epoch %d of %d kept", h.Kept, len(h.Epochs))
		}
		out.WriteString(".")
	}
	return clean(out.String())
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// count writes "1 epoch" and "2 epochs".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", grouped(n), noun)
}

// grouped writes n in groups of three digits: 2,097,664.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
