package plots

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// IntervalsFigure shows the accuracies of models with what chance among the test images leaves open.
type IntervalsFigure struct {
	Evaluations []tl.Evaluation // usually on the same images
	Names       []string        // of the evaluations; nil is their models, or the phases where all are of one model
	Balanced    bool            // the balanced accuracy instead of the accuracy; its line to compare with is 1/classes
	Title       string          // "" is the quantity with the number of images
	Sizing                      // Width 0 is 8; Height 0 is what the models need
}

// Intervals draws the accuracy of each model as a mark with its 95 % bootstrap interval over images, and the majority class as a line. Whether two models
// differ is not read off whether intervals overlap where both saw the same images: Evaluation.Against compares them in pairs.
func Intervals(evaluations ...tl.Evaluation) IntervalsFigure {
	return IntervalsFigure{Evaluations: evaluations}
}

// Size implements Figure.
func (f IntervalsFigure) Size() (width, height vg.Length) {
	return f.or(8, min(100, 1.7+0.45*float64(max(1, len(f.Evaluations)))))
}

func (f IntervalsFigure) check() error {
	if len(f.Evaluations) == 0 {
		return errors.New("plots: draw intervals: no evaluations (Evaluate gives one)")
	}
	for i, e := range f.Evaluations {
		if e.N() == 0 || len(e.Predicts.Class) != e.N() || len(e.Classes) == 0 {
			return fmt.Errorf("plots: draw intervals: evaluation %d of %q has %d labels and %d predictions of %d classes", i, e.Model, e.N(), len(e.Predicts.Class), len(e.Classes))
		}
		for j, label := range e.Labels {
			if predicted := e.Predicts.Class[j]; min(label, predicted) < 0 || max(label, predicted) >= len(e.Classes) {
				return fmt.Errorf("plots: draw intervals: image %d of %q is of class %d and predicted as %d; there are %d classes", j, e.Model, label, predicted, len(e.Classes))
			}
		}
	}
	return nil
}

// measured is one row of the figure.
type measured struct {
	name     string
	value    float64
	interval [2]float64
}

func (f IntervalsFigure) rows() []measured {
	rows := make([]measured, len(f.Evaluations))
	for i, name := range evaluationNames(f.Names, f.Evaluations) {
		e := f.Evaluations[i]
		rows[i] = measured{name, e.Accuracy(), e.Interval}
		switch {
		case f.Balanced:
			rows[i].value, rows[i].interval = e.BalancedAccuracy(), e.BalancedInterval()
		case e.Interval == [2]float64{}:
			rows[i].interval = e.AccuracyInterval()
		}
	}
	return rows
}

// floor is what a constant answer gets on the images of the first evaluation, and where that differs among the evaluations it is none, 0.
func (f IntervalsFigure) floor() (label string, value float64) {
	for i, e := range f.Evaluations {
		class, share := e.Majority()
		here := fmt.Sprintf("always answering %s: %.3f", class, share)
		if f.Balanced {
			share = 1 / float64(len(e.Classes))
			here = fmt.Sprintf("a constant answer: %.3f", share)
		}
		if i > 0 && here != label {
			return "", 0
		}
		label, value = here, share
	}
	return label, value
}

func (f IntervalsFigure) quantity() string {
	if f.Balanced {
		return "balanced accuracy"
	}
	return "accuracy"
}

// title names the model where all evaluations are of one.
func (f IntervalsFigure) title() string {
	first := f.Evaluations[0]
	text := fmt.Sprintf("%s on %s", f.quantity(), count(first.N(), "image"))
	if !slices.ContainsFunc(f.Evaluations, func(e tl.Evaluation) bool { return e.Model != first.Model }) && f.Names == nil && len(f.Evaluations) > 1 {
		text = first.Model + ": " + text
	}
	return text
}

// Draw implements Figure.
func (f IntervalsFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = f.title()
	}
	keys := []key{{"95 % bootstrap interval over images", func(c *draw.Canvas, at vg.Point) {
		whisker(c, at.X-sampleWidth/2, at.X+sampleWidth/2, at.Y)
		c.DrawGlyph(classStyle(0, 4.5), at)
	}}}
	label, floor := f.floor()
	if label != "" {
		keys = append(keys, referenceKey(label))
	}
	c = heading(c, title, keys)
	rows := f.rows()
	low, high := 1.0, 0.0
	for _, r := range rows {
		low, high = min(low, r.interval[0], r.value), max(high, r.interval[1], r.value)
	}
	if label != "" {
		low, high = min(low, floor), max(high, floor)
	}
	p := newPlot("", f.quantity(), "")
	pad := max(0.06*(high-low), 0.005)
	p.X.Min, p.X.Max = low-pad, high+pad
	p.Y.Min, p.Y.Max = -float64(len(rows))+0.4, 0.6
	style := lettering(small)
	ticks := make([]plot.Tick, len(rows))
	for i, r := range rows {
		ticks[i] = plot.Tick{Value: -float64(i), Label: fit(style, fmt.Sprintf("%s: %.3f", r.name, r.value), (c.Max.X-c.Min.X)*0.45)}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = text.XRight, text.YCenter
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		if label != "" {
			c.StrokeLine2(reference, x(floor), c.Min.Y, x(floor), c.Max.Y)
		}
		for i, r := range rows {
			whisker(&c, x(r.interval[0]), x(r.interval[1]), y(-float64(i)))
			c.DrawGlyph(classStyle(0, 5), vg.Point{X: x(r.value), Y: y(-float64(i))})
		}
	}))
	p.Draw(c)
	return nil
}

// whisker is an interval with its ends.
func whisker(c *draw.Canvas, from, to, y vg.Length) {
	style := draw.LineStyle{Color: blue, Width: 2}
	c.StrokeLine2(style, from, y, to, y)
	for _, x := range []vg.Length{from, to} {
		c.StrokeLine2(style, x, y-5, x, y+5)
	}
}

// Alt implements Figure.
func (f IntervalsFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s of %s with 95 %% bootstrap intervals over images.", strings.ToUpper(f.quantity()[:1])+f.quantity()[1:], count(len(f.Evaluations), "evaluation"))
	rows := f.rows()
	for _, r := range rows[:min(len(rows), 12)] {
		fmt.Fprintf(&out, " %s: %.3f (%.3f to %.3f).", r.name, r.value, r.interval[0], r.interval[1])
	}
	if len(rows) > 12 {
		out.WriteString(" And more.")
	}
	if label, _ := f.floor(); label != "" {
		out.WriteString(" " + strings.ToUpper(label[:1]) + label[1:] + ".")
	}
	if best := slices.MaxFunc(rows, func(a, b measured) int { return cmp.Compare(a.value, b.value) }); len(rows) > 1 {
		fmt.Fprintf(&out, " The highest is %s.", best.name)
	}
	return clean(out.String())
}
