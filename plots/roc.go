package plots

import (
	"errors"
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// ROCFigure shows how well models find the images of one class, at every threshold.
type ROCFigure struct {
	Evaluations []tl.Evaluation // of the same classes
	Class       string          // the class to be found; "" is the last, of two classes usually the one that is looked for
	Names       []string        // of the evaluations; nil is their models, or the phases where all are of one model
	Title       string          // "" names the class
	Sizing                      // 0 is 8 × 6
}

// ROC draws a curve for each evaluation: which share of the class is found, against which share of all others is taken for it. The legend has the area
// under each curve (1 is perfect, 0.5 chance) with its 95 % bootstrap interval.
func ROC(evaluations ...tl.Evaluation) ROCFigure { return ROCFigure{Evaluations: evaluations} }

// Size implements Figure.
func (f ROCFigure) Size() (width, height vg.Length) { return f.or(8, 6) }

// mostCurves is how many lines can be told apart.
const mostCurves = 8

// curves are what is to be drawn.
func (f ROCFigure) curves() ([]tl.ROC, error) {
	if len(f.Evaluations) == 0 {
		return nil, errors.New("plots: draw ROC: no evaluations (Evaluate gives one)")
	}
	if len(f.Evaluations) > mostCurves {
		return nil, fmt.Errorf("plots: draw ROC: %d curves cannot be told apart (at most %d)", len(f.Evaluations), mostCurves)
	}
	var all []tl.ROC
	for _, e := range f.Evaluations {
		class := f.Class
		if class == "" && len(e.Classes) > 0 {
			class = e.Classes[len(e.Classes)-1]
		}
		r, err := e.ROC(class)
		if err != nil {
			return nil, fmt.Errorf("plots: draw ROC: %w", err)
		}
		all = append(all, r)
	}
	return all, nil
}

// evaluationNames are names for evaluations: those given, else the models; where all are of one model, the phases. What is called alike gets a number.
func evaluationNames(given []string, evaluations []tl.Evaluation) []string {
	names, seen, models, phased := make([]string, len(evaluations)), map[string]int{}, map[string]bool{}, false
	for _, e := range evaluations {
		models[e.Model], phased = true, phased || e.Phase != ""
	}
	for i, e := range evaluations {
		name := e.Model
		switch {
		case i < len(given) && given[i] != "":
			name = given[i]
		case len(models) == 1 && len(evaluations) > 1 && phased && e.Phase == "":
			name = "before"
		case len(models) == 1 && len(evaluations) > 1 && phased:
			name = e.Phase
		}
		if seen[name]++; seen[name] > 1 {
			name += fmt.Sprintf(" (%d)", seen[name])
		}
		names[i] = clean(name)
	}
	return names
}

// Draw implements Figure.
func (f ROCFigure) Draw(c draw.Canvas) error {
	curves, err := f.curves()
	if err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = fmt.Sprintf("finding %s: area under each curve, with its 95 %% interval", curves[0].Class)
	}
	var keys []key
	for i, name := range evaluationNames(f.Names, f.Evaluations) {
		area := fmt.Sprintf(": %.3f (%.3f to %.3f)", curves[i].Area, curves[i].Interval[0], curves[i].Interval[1])
		style := lettering(normal)
		keys = append(keys, lineKey(fit(style, name, (c.Max.X-c.Min.X)*0.48-style.Width(area))+area, i, false))
	}
	c = heading(c, title, append(keys, referenceKey("chance: 0.500")))
	p := newPlot("", "share of the others taken for it (false positives)", "share of it found (true positives)")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.02, 1.02, -0.02, 1.02
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		c.StrokeLine2(reference, x(0), y(0), x(1), y(1))
		for i, curve := range curves {
			points := make([]vg.Point, len(curve.Found))
			for j := range points {
				points[j] = vg.Point{X: x(curve.False[j]), Y: y(curve.Found[j])}
			}
			c.StrokeLines(lineStyle(i), points)
		}
	}))
	p.Draw(c)
	return nil
}

// Alt implements Figure.
func (f ROCFigure) Alt() string {
	curves, err := f.curves()
	if err != nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "ROC %s for finding %s, with %s of it and %s.", map[bool]string{true: "curve", false: "curves"}[len(curves) == 1], curves[0].Class,
		count(curves[0].Positives, "image"), count(curves[0].Negatives, "other"))
	for i, name := range evaluationNames(f.Names, f.Evaluations) {
		fmt.Fprintf(&out, " %s: area under the curve %.3f (95 %% interval %.3f to %.3f).", name, curves[i].Area, curves[i].Interval[0], curves[i].Interval[1])
	}
	return clean(out.String())
}
