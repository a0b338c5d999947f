package plots

import (
	"errors"
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// CalibrationFigure shows whether a model is right as often as it says.
type CalibrationFigure struct {
	Evaluation tl.Evaluation
	Bins       int    // of equal width; 0 is 10
	Title      string // "" is the model's name with the expected calibration error
	Sizing            // 0 is 7 × 6
}

// Calibration draws a reliability diagram (Guo et al. 2017): the images sorted by the probability of the predicted class, above each bin the share that is
// right, beside the diagonal where it would stand if the model were right as often as it says, and below how many images the bin has. A bar below the
// diagonal is a model too sure of itself; a bar of few images says little.
func Calibration(e tl.Evaluation) CalibrationFigure { return CalibrationFigure{Evaluation: e} }

// Size implements Figure.
func (f CalibrationFigure) Size() (width, height vg.Length) { return f.or(7, 6) }

func (f CalibrationFigure) measure() (tl.Calibration, error) {
	if f.Evaluation.N() == 0 {
		return tl.Calibration{}, errors.New("plots: draw calibration: the evaluation holds no images (Evaluate gives one)")
	}
	if f.Bins < 0 || f.Bins > 50 {
		return tl.Calibration{}, fmt.Errorf("plots: draw calibration: %d bins; take 1 to 50", f.Bins)
	}
	c, err := f.Evaluation.Calibration(f.Bins)
	if err != nil {
		return tl.Calibration{}, fmt.Errorf("plots: draw calibration: %w", err)
	}
	return c, nil
}

// Draw implements Figure.
func (f CalibrationFigure) Draw(c draw.Canvas) error {
	measured, err := f.measure()
	if err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = fmt.Sprintf("%s: expected calibration error %.3f on %s", f.Evaluation.Model, measured.Error, count(measured.N, "image"))
	}
	c = heading(c, title, []key{
		{"share predicted right", func(c *draw.Canvas, at vg.Point) { barSample(false)(c, at) }},
		referenceKey("as sure as right"),
		{"gap to the mean probability", func(c *draw.Canvas, at vg.Point) {
			half := vg.Point{X: sampleWidth / 2, Y: 6}
			drawGap(c, vg.Rectangle{Min: at.Sub(half), Max: at.Add(half)})
		}},
	})
	above := newPlot("", "", "share predicted right")
	below := newPlot("", "probability of the predicted class", "images")
	above.X.Min, above.X.Max, above.Y.Min, above.Y.Max = 0, 1, 0, 1.03
	above.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { drawReliability(c, p, measured) }))
	most := 0
	for _, b := range measured.Bins {
		most = max(most, b.N)
	}
	below.X.Min, below.X.Max, below.Y.Min, below.Y.Max = 0, 1, 0, 1.35*float64(most)
	step, _ := roundStep(max(1, float64(most)/1.5))
	below.Y.Tick.Marker = plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: step, Label: grouped(int(step))}})
	below.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { drawCounts(c, p, measured) }))
	// Both panels stand over the same axis; the upper one is the higher.
	split := c.Min.Y + 0.32*(c.Max.Y-c.Min.Y)
	panels := [][]*plot.Plot{{above}, {below}}
	tiles := draw.Tiles{Rows: 2, Cols: 1}
	aligned := plot.Align(panels, tiles, c)
	upper, lower := aligned[0][0], aligned[1][0]
	upper.Min.Y, upper.Max.Y = split+margin, c.Max.Y
	lower.Min.Y, lower.Max.Y = c.Min.Y, split
	above.Draw(upper)
	below.Draw(lower)
	return nil
}

func drawReliability(c draw.Canvas, p *plot.Plot, measured tl.Calibration) {
	x, y := p.Transforms(&c)
	for _, b := range measured.Bins {
		if b.N == 0 {
			continue
		}
		box := vg.Rectangle{Min: vg.Point{X: x(b.Low) + 1.5, Y: y(0)}, Max: vg.Point{X: x(b.High) - 1.5, Y: y(b.Accuracy)}}
		if box.Max.Y > box.Min.Y {
			drawBar(&c, box, false)
		} else {
			c.StrokeLine2(draw.LineStyle{Color: orange, Width: 2}, box.Min.X, box.Min.Y, box.Max.X, box.Min.Y)
		}
	}
	for _, b := range measured.Bins {
		if b.N > 0 {
			low, high := min(b.Accuracy, b.Confidence), max(b.Accuracy, b.Confidence)
			drawGap(&c, vg.Rectangle{Min: vg.Point{X: x(b.Low) + 1.5, Y: y(low)}, Max: vg.Point{X: x(b.High) - 1.5, Y: y(high)}})
		}
	}
	c.StrokeLine2(draw.LineStyle{Color: ink, Width: 1.6, Dashes: reference.Dashes}, x(0), y(0), x(1), y(1))
}

// drawGap hatches what lies between how often a model is right and how sure it is.
func drawGap(c *draw.Canvas, box vg.Rectangle) {
	if box.Max.Y-box.Min.Y < 1 {
		return
	}
	c.SetColor(pale(vermillion, 0x50))
	c.Fill(box.Path())
	hatch(c, box, draw.LineStyle{Color: vermillion, Width: 1})
	c.SetLineStyle(draw.LineStyle{Color: vermillion, Width: 1.2})
	c.Stroke(box.Path())
}

func drawCounts(c draw.Canvas, p *plot.Plot, measured tl.Calibration) {
	x, y := p.Transforms(&c)
	style := lettering(small)
	style.XAlign, style.YAlign = text.XCenter, text.YBottom
	for _, b := range measured.Bins {
		if b.N == 0 {
			continue
		}
		box := vg.Rectangle{Min: vg.Point{X: x(b.Low) + 1.5, Y: y(0)}, Max: vg.Point{X: x(b.High) - 1.5, Y: y(float64(b.N))}}
		drawBar(&c, box, true)
		label := grouped(b.N)
		c.FillText(style, vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: box.Max.Y + 2}, fit(style, label, x(b.High)-x(b.Low)+4))
	}
}

// Alt implements Figure.
func (f CalibrationFigure) Alt() string {
	measured, err := f.measure()
	if err != nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Reliability diagram of %s on %s: expected calibration error %.3f.", f.Evaluation.Model, count(measured.N, "image"), measured.Error)
	for _, b := range measured.Bins {
		if b.N > 0 {
			fmt.Fprintf(&out, " Probability %.2f to %.2f: %s, mean probability %.2f, %.2f right.", b.Low, b.High, count(b.N, "image"), b.Confidence, b.Accuracy)
		}
	}
	return clean(out.String())
}
