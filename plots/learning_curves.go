package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// LearningCurvesFigure shows how accuracy grows with the number of training images, of one or several methods.
type LearningCurvesFigure struct {
	Points   []tl.LearningPoint // in any order; methods get their look in the order in which they first come
	Majority float64            // the accuracy of always answering the most frequent class, drawn as a line; 0 is none
	Title    string             // "" is "accuracy by training images"
	Sizing                      // 0 is 8 × 5
}

// LearningCurves draws a line through the mean accuracy of each method at each number of images, on a logarithmic axis, and a band from the lowest to the
// highest of its runs, which differ in their seed. Such a band says how much luck there is in a run; it is no interval over images.
func LearningCurves(points ...tl.LearningPoint) LearningCurvesFigure {
	return LearningCurvesFigure{Points: points}
}

// Size implements Figure.
func (f LearningCurvesFigure) Size() (width, height vg.Length) { return f.or(8, 5) }

func (f LearningCurvesFigure) check() error {
	if len(f.Points) == 0 {
		return errors.New("plots: draw learning curves: no points (one tl.LearningPoint for each run)")
	}
	for i, p := range f.Points {
		if p.PerClass < 1 {
			return fmt.Errorf("plots: draw learning curves: point %d has %d images of each class; there must be 1 or more", i, p.PerClass)
		}
		if !(p.Accuracy >= 0 && p.Accuracy <= 1) {
			return fmt.Errorf("plots: draw learning curves: point %d has an accuracy of %v, which is not between 0 and 1", i, p.Accuracy)
		}
	}
	if !(f.Majority >= 0 && f.Majority <= 1) {
		return fmt.Errorf("plots: draw learning curves: Majority is %v, which is not between 0 and 1", f.Majority)
	}
	return nil
}

// spread is what the runs of one method reached with one number of images.
type spread struct {
	perClass        int
	low, mean, high float64
	runs            int
}

// methods are the names in the order in which they first come.
func (f LearningCurvesFigure) methods() (names []string) {
	for _, p := range f.Points {
		if !slices.Contains(names, p.Method) {
			names = append(names, p.Method)
		}
	}
	return names
}

// curve is one method's spreads, by number of images.
func (f LearningCurvesFigure) curve(method string) (all []spread) {
	for _, n := range f.sizes() {
		s := spread{perClass: n, low: math.Inf(1), high: math.Inf(-1)}
		for _, p := range f.Points {
			if p.Method == method && p.PerClass == n {
				s.low, s.high, s.mean, s.runs = min(s.low, p.Accuracy), max(s.high, p.Accuracy), s.mean+p.Accuracy, s.runs+1
			}
		}
		if s.runs > 0 {
			s.mean /= float64(s.runs)
			all = append(all, s)
		}
	}
	return all
}

func (f LearningCurvesFigure) sizes() (all []int) {
	for _, p := range f.Points {
		all = append(all, p.PerClass)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Draw implements Figure.
func (f LearningCurvesFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = "accuracy by training images"
	}
	var keys []key
	for i, method := range f.methods() {
		keys = append(keys, lineKey(method, i, true))
	}
	low, high := 1.0, 0.0
	for _, p := range f.Points {
		low, high = min(low, p.Accuracy), max(high, p.Accuracy)
	}
	if f.Majority > 0 {
		keys = append(keys, referenceKey(fmt.Sprintf("most frequent class: %.3f", f.Majority)))
		low, high = min(low, f.Majority), max(high, f.Majority)
	}
	c = heading(c, title, keys)
	p := newPlot("", "training images of each class", "accuracy")
	sizes := f.sizes()
	logAxis(&p.X, float64(sizes[0]), float64(sizes[len(sizes)-1]))
	p.X.Tick.Marker = plot.ConstantTicks(f.sizeTicks(c.Max.X - c.Min.X))
	pad := max(0.05*(high-low), 0.01)
	p.Y.Min, p.Y.Max = low-pad, high+pad
	p.Add(plotterFunc(f.drawCurves))
	p.Draw(c)
	return nil
}

// sizeTicks marks the numbers of images that were tried; those whose numbers would touch their neighbour's have none.
func (f LearningCurvesFigure) sizeTicks(width vg.Length) (ticks []plot.Tick) {
	sizes := f.sizes()
	whole := math.Log(float64(sizes[len(sizes)-1])) - math.Log(float64(sizes[0]))
	style, free := lettering(small), math.Inf(-1)
	for _, n := range sizes {
		t := plot.Tick{Value: float64(n)}
		half := float64(style.Width(grouped(n))/(width*0.8)) * whole / 2
		if at := math.Log(float64(n)); at-half >= free {
			t.Label, free = grouped(n), at+half*1.4
		}
		ticks = append(ticks, t)
	}
	return ticks
}

func (f LearningCurvesFigure) drawCurves(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	if f.Majority > 0 {
		c.StrokeLine2(reference, c.Min.X, y(f.Majority), c.Max.X, y(f.Majority))
	}
	for i, method := range f.methods() {
		curve := f.curve(method)
		var above, below, middle []vg.Point
		for _, s := range curve {
			at := x(float64(s.perClass))
			above, below = append(above, vg.Point{X: at, Y: y(s.high)}), append(below, vg.Point{X: at, Y: y(s.low)})
			middle = append(middle, vg.Point{X: at, Y: y(s.mean)})
		}
		slices.Reverse(below)
		c.FillPolygon(pale(palette[i%len(palette)], 0x38), append(above, below...))
		for _, s := range curve {
			at := x(float64(s.perClass))
			c.StrokeLine2(draw.LineStyle{Color: palette[i%len(palette)], Width: 1.2}, at, y(s.low), at, y(s.high))
		}
		c.StrokeLines(lineStyle(i), middle)
		for _, at := range middle {
			c.DrawGlyph(classStyle(i, 4.5), at)
		}
	}
}

// Alt implements Figure.
func (f LearningCurvesFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	var out strings.Builder
	sizes := f.sizes()
	fmt.Fprintf(&out, "Learning curves of %s over %s to %s of each class.", count(len(f.methods()), "method"), grouped(sizes[0]),
		count(sizes[len(sizes)-1], "training image"))
	for i, method := range f.methods() {
		if i == 12 {
			out.WriteString(" And more methods.")
			break
		}
		curve := f.curve(method)
		first, last := curve[0], curve[len(curve)-1]
		fmt.Fprintf(&out, " %s: mean accuracy %.3f (%.3f to %.3f in %s) at %s", method, first.mean, first.low, first.high, count(first.runs, "run"), grouped(first.perClass))
		if len(curve) > 1 {
			fmt.Fprintf(&out, ", %.3f (%.3f to %.3f) at %s", last.mean, last.low, last.high, grouped(last.perClass))
		}
		out.WriteString(".")
	}
	if f.Majority > 0 {
		fmt.Fprintf(&out, " Always answering the most frequent class would get %.3f.", f.Majority)
	}
	return clean(out.String())
}
