package plots

import (
	"errors"
	"fmt"
	"image"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// ScatterFigure shows a projection on two components, one point for each image.
type ScatterFigure struct {
	Projection tl.Projection       // points [n, k], k ≥ 2; the first two components are drawn
	Labels     []int               // [n] class numbers; nil is one class without a legend
	Classes    []string            // names of the classes; those without one are "class 0", "class 1" …
	Title      string              // "" is none
	Radius     float64             // of a point, in points; 0 chooses by their number
	Thumbnails map[int]image.Image // pictures at points, by row; those that would cover another are left out. nil is none; see WithThumbnails
	Stretch    bool                // let each axis fill the figure; false gives both axes one scale, so that distances are true
	Sizing                         // 0 is 8 × 5
}

// Scatter draws the first two components of projection, coloured by labels. A PCA's axes say which share of the variance they hold.
func Scatter(title string, projection tl.Projection, labels []int, classes ...string) ScatterFigure {
	return ScatterFigure{Title: title, Projection: projection, Labels: labels, Classes: classes}
}

// Size implements Figure.
func (f ScatterFigure) Size() (width, height vg.Length) { return f.or(8, 5) }

func (f ScatterFigure) check() error {
	points := f.Projection.Points
	if len(points.Shape) != 2 || points.Shape[0] < 1 || points.Shape[1] < 2 || len(points.Data) != points.Shape[0]*points.Shape[1] {
		return fmt.Errorf("plots: draw scatter %q: points of shape %v with %d numbers, need [n, 2] or wider with n ≥ 1 (PCA(ctx, 2) gives them)",
			f.Title, points.Shape, len(points.Data))
	}
	if f.Labels != nil && len(f.Labels) != points.Len() {
		return fmt.Errorf("plots: draw scatter %q: %d labels for %d points (take the labels of the data set that was represented)",
			f.Title, len(f.Labels), points.Len())
	}
	for i, label := range f.Labels {
		if label < 0 {
			return fmt.Errorf("plots: draw scatter %q: label %d of point %d is negative", f.Title, label, i)
		}
	}
	for i := range points.Len() {
		if row := points.Row(i); !isFinite(float64(row[0])) || !isFinite(float64(row[1])) {
			return fmt.Errorf("plots: draw scatter %q: point %d is (%v, %v)", f.Title, i, row[0], row[1])
		}
	}
	if f.Radius < 0 || !isFinite(f.Radius) {
		return errors.New("plots: draw scatter: Radius must be a positive number of points, or 0")
	}
	return nil
}

// Draw implements Figure.
func (f ScatterFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	sizes := f.sizes()
	var keys []key
	for class, n := range sizes {
		if n > 0 && f.Labels != nil {
			keys = append(keys, key{fmt.Sprintf("%s (%s)", f.class(class), grouped(n)), func(c *draw.Canvas, at vg.Point) {
				c.DrawGlyph(classStyle(class, 6), at)
			}})
		}
	}
	c = heading(c, f.Title, keys)
	p := newPlot("", f.axis(0), f.axis(1))
	f.limits(p)
	if !f.Stretch {
		// The room that numbers and names take depends on the limits, which depend on the room: twice is close enough to a pixel.
		for range 2 {
			equalise(p, p.DataCanvas(c))
		}
	}
	p.Add(plotterFunc(f.drawPoints))
	p.Draw(c)
	return nil
}

// sizes counts the points of each class.
func (f ScatterFigure) sizes() []int {
	if f.Labels == nil {
		return []int{f.Projection.Points.Len()}
	}
	top := 0
	for _, label := range f.Labels {
		top = max(top, label)
	}
	sizes := make([]int, top+1)
	for _, label := range f.Labels {
		sizes[label]++
	}
	return sizes
}

func (f ScatterFigure) class(i int) string { return nameOf(f.Classes, i) }

// nameOf is the name of class i, or what stands for it.
func nameOf(classes []string, i int) string {
	if i < len(classes) && classes[i] != "" {
		return clean(classes[i])
	}
	return fmt.Sprintf("class %d", i)
}

func (f ScatterFigure) axis(component int) string {
	if f.Projection.Perplexity > 0 { // t-SNE's axes mean nothing
		return fmt.Sprintf("%s %d", f.Projection.Method, component+1)
	}
	name := strings.TrimSpace(fmt.Sprintf("%s component %d", f.Projection.Method, component+1))
	if p := f.Projection; component < len(p.Variances) && p.Total > 0 {
		return fmt.Sprintf("%s (%s of the variance)", name, percent(p.Variances[component]/p.Total))
	}
	return name
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// limits spans the axes over the points with a margin.
func (f ScatterFigure) limits(p *plot.Plot) {
	for component, axis := range []*plot.Axis{&p.X, &p.Y} {
		low, high := math.Inf(1), math.Inf(-1)
		for i := range f.Projection.Points.Len() {
			v := float64(f.Projection.Points.Row(i)[component])
			low, high = min(low, v), max(high, v)
		}
		pad := 0.04 * (high - low)
		if pad == 0 {
			pad = max(math.Abs(high)/10, 1)
		}
		axis.Min, axis.Max = low-pad, high+pad
	}
}

// equalise widens the axis that has room until one unit is equally long on both.
func equalise(p *plot.Plot, data draw.Canvas) {
	size := data.Size()
	unit := max((p.X.Max-p.X.Min)/float64(size.X), (p.Y.Max-p.Y.Min)/float64(size.Y))
	for axis, length := range map[*plot.Axis]vg.Length{&p.X: size.X, &p.Y: size.Y} {
		middle, half := (axis.Min+axis.Max)/2, unit*float64(length)/2
		axis.Min, axis.Max = middle-half, middle+half
	}
}

// drawPoints draws in the order of the rows: class by class, the last class would hide the others.
func (f ScatterFigure) drawPoints(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	points := f.Projection.Points
	radius := vg.Length(f.Radius)
	if radius == 0 {
		radius = vg.Length(min(5, max(2.4, 90/math.Sqrt(float64(points.Len())))))
	}
	at := func(i int) vg.Point {
		row := points.Row(i)
		return vg.Point{X: x(float64(row[0])), Y: y(float64(row[1]))}
	}
	for i := range points.Len() {
		class := 0
		if f.Labels != nil {
			class = f.Labels[i]
		}
		c.DrawGlyph(classStyle(class, radius), at(i))
	}
	f.drawThumbnails(c, at)
}

// Alt implements Figure. Beside the counts it says how far the classes lie apart, which is what one looks for.
func (f ScatterFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Scatter plot %q of %s by %s and %s.", f.Title, count(f.Projection.Points.Len(), "image"), f.axis(0), f.axis(1))
	if trust := f.Projection.Trustworthiness; trust > 0 {
		fmt.Fprintf(&out, " Trustworthiness %.3f.", trust)
	}
	if len(f.Thumbnails) > 0 {
		out.WriteString(" Some points show their picture.")
	}
	sizes := f.sizes()
	if f.Labels == nil {
		return clean(out.String())
	}
	said := 0
	for class, n := range sizes {
		if n == 0 {
			continue
		}
		if said++; said > 12 {
			out.WriteString(" And more classes.")
			break
		}
		x, y := f.centre(class)
		fmt.Fprintf(&out, " %s: %s, centred at (%.3g, %.3g).", f.class(class), count(n, "point"), x, y)
	}
	return clean(out.String())
}

// centre is the mean of a class's points.
func (f ScatterFigure) centre(class int) (x, y float64) {
	n := 0.0
	for i, label := range f.Labels {
		if label == class {
			row := f.Projection.Points.Row(i)
			x, y, n = x+float64(row[0]), y+float64(row[1]), n+1
		}
	}
	return x / n, y / n
}
