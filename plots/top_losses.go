package plots

import (
	"context"
	"fmt"
	"math"
	"strings"

	"transferlab/datasets"
	"transferlab/tl"
)

// TopLossesFigure shows the images that a model was most wrong about, with heat maps.
type TopLossesFigure struct {
	Images
	alt string
}

// TopLosses shows the images of d with the highest losses in e, the highest first: true class, predicted class with its probability, loss, and the heat
// map of what speaks for the class that a was asked about. a is for these images in that order, or for all of d:
//
//	worst := test.Rows(evaluation.TopLosses(8)...)
//	a := tl.Must(model.Attribute(ctx, worst, tl.Attribution{}))
//	plots.TopLosses(ctx, test, evaluation, a)
//
// Of an a for all of d the eight images with the highest losses are shown.
func TopLosses(ctx context.Context, d datasets.Dataset, e tl.Evaluation, a tl.Attributions) (TopLossesFigure, error) {
	table, err := d.Table(ctx)
	if err != nil {
		return TopLossesFigure{}, fmt.Errorf("plots: top losses: %w", err)
	}
	if len(e.Labels) != len(table.Items) {
		return TopLossesFigure{}, fmt.Errorf("plots: top losses: the evaluation is of %d images, the data set has %d (Evaluate the same data set)", len(e.Labels), len(table.Items))
	}
	if err := checkPredictions("top losses", e.Predicts, len(e.Labels)); err != nil {
		return TopLossesFigure{}, err
	}
	if err := checkAttributions("top losses", a, a.Maps.Len()); err != nil {
		return TopLossesFigure{}, err
	}
	positions, rows, err := worst(e, a)
	if err != nil {
		return TopLossesFigure{}, err
	}
	pictures, err := plain(ctx, "top losses", d, positions)
	if err != nil {
		return TopLossesFigure{}, err
	}
	f := TopLossesFigure{Images: overlays(a, spokenFor(e, a, positions, rows))}
	f.columns = min(4, squareColumns(len(positions)))
	losses := e.Losses()
	var said []string
	for i, position := range positions {
		truth, predicted := e.Labels[position], e.Predicts.Class[position]
		t, where := overlay(a, rows[i], pictures[i])
		answer := line{text: fmt.Sprintf("%.2f %s", e.Predicts.Probability(position), nameOf(e.Classes, predicted)), color: darkGreen, sign: tick}
		if truth != predicted {
			answer.color, answer.sign, t.frame, t.wrong = darkVermillion, cross, vermillion, true
		}
		t.lines = []line{{text: "is " + nameOf(e.Classes, truth)}, answer, {text: fmt.Sprintf("loss %.2f, row %d", losses[position], position)}}
		f.tiles = append(f.tiles, t.noting(where))
		said = append(said, fmt.Sprintf("%s, predicted %s, loss %.2f, map for %s %s", nameOf(e.Classes, truth), answer.text, losses[position],
			nameOf(e.Classes, a.Class[rows[i]]), where))
	}
	f.alt = clean(fmt.Sprintf("The %s with the highest losses of %s, each above itself with a heat map. %s %s.", count(len(positions), "image"), e.Model, f.caption,
		strings.Join(said, "; ")))
	return f, nil
}

// worst are the positions of the highest losses, and the rows of a that are theirs.
func worst(e tl.Evaluation, a tl.Attributions) (positions, rows []int, err error) {
	n := a.Maps.Len()
	whole := n == len(e.Labels)
	if whole {
		n = min(n, 8)
	}
	positions = e.TopLosses(n)
	for i, position := range positions {
		row := i
		if whole {
			row = position
		}
		rows = append(rows, row)
		here := a.Answer.Probabilities.Row(row)
		for c, p := range e.Predicts.Probabilities.Row(position) {
			if len(here) != len(e.Predicts.Classes) || !(math.Abs(float64(here[c]-p)) < 1e-2) {
				return nil, nil, fmt.Errorf("plots: top losses: heat map %d is not of row %d, which has the loss number %d (Attribute d.Rows(evaluation.TopLosses(%d)...) "+
					"with the model as it was evaluated)", row, position, i+1, n)
			}
		}
	}
	return positions, rows, nil
}

// spokenFor names the classes of the maps: in most figures all are the predicted ones, or the true ones.
func spokenFor(e tl.Evaluation, a tl.Attributions, positions, rows []int) string {
	predicted, truth := true, true
	for i, position := range positions {
		predicted = predicted && a.Class[rows[i]] == e.Predicts.Class[position]
		truth = truth && a.Class[rows[i]] == e.Labels[position]
	}
	switch {
	case predicted:
		return "the predicted class"
	case truth:
		return "the true class"
	}
	return nameOf(e.Classes, a.Class[rows[0]])
}

// Alt implements Figure.
func (f TopLossesFigure) Alt() string { return f.alt }
