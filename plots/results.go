package plots

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"transferlab/datasets"
	"transferlab/datasets/images"
	"transferlab/tl"
)

// ResultsFigure shows images with their true class beside the class that a model predicts.
type ResultsFigure struct {
	Images
	alt string
}

// Results reads the images of d at positions and sets the truth beside the prediction and its probability. What is wrong has a cross and a
// dashed frame, what is right a tick. Where the model's classes are not those of d, as with ImageNet's, nothing can be right or
// wrong and nothing is marked. predictions are for the whole of d; no positions give a figure that says so.
//
//	plots.Results(ctx, test, evaluation.Predicts, evaluation.Mistakes()[:8])
func Results(ctx context.Context, d datasets.Dataset, predictions tl.Predictions, positions []int) (ResultsFigure, error) {
	table, err := d.Table(ctx)
	if err != nil {
		return ResultsFigure{}, fmt.Errorf("plots: results: %w", err)
	}
	if err := checkPredictions("results", predictions, len(table.Items)); err != nil {
		return ResultsFigure{}, err
	}
	if err := checkTiles("results", len(positions)); err != nil {
		return ResultsFigure{}, err
	}
	d.Augmentation = datasets.Augmentation{} // Predict and Evaluate see the plain image
	pictures, err := images.Images(ctx, d, positions, images.Options{Size: NetworkSize})
	if err != nil {
		return ResultsFigure{}, fmt.Errorf("plots: results: %w", err)
	}
	f := ResultsFigure{}
	f.columns, f.note = min(4, squareColumns(len(positions))), "no images to show"
	comparable := slices.Equal(predictions.Classes, table.Classes)
	wrong := 0
	var said []string
	for i, position := range positions {
		truth, class := table.Items[position].Label, predictions.Class[position]
		t := tile{image: pictures[i]}
		answer := line{text: fmt.Sprintf("%.2f %s", predictions.Probability(position), nameOf(predictions.Classes, class))}
		switch {
		case comparable && truth == class:
			t.frame, answer.color, answer.sign = green, darkGreen, tick
		case comparable:
			t.frame, t.wrong, answer.color, answer.sign = vermillion, true, darkVermillion, cross
			wrong++
		}
		t.lines = []line{{text: "is " + nameOf(table.Classes, truth)}, answer}
		f.tiles = append(f.tiles, t)
		said = append(said, fmt.Sprintf("%s, predicted %s", nameOf(table.Classes, truth), answer.text))
	}
	f.alt = resultsAlt(said, comparable, wrong)
	return f, nil
}

func checkPredictions(verb string, p tl.Predictions, rows int) error {
	if len(p.Class) != rows || p.Probabilities.Len() != rows || len(p.Probabilities.Data) != rows*len(p.Classes) {
		return fmt.Errorf("plots: %s: predictions for %d images with probabilities of shape %v do not belong to a data set of %d images "+
			"and %d classes (Predict or Evaluate the same data set)", verb, len(p.Class), p.Probabilities.Shape, rows, len(p.Classes))
	}
	for i, class := range p.Class {
		if class < 0 || class >= len(p.Classes) {
			return fmt.Errorf("plots: %s: image %d is predicted as class %d of %d", verb, i, class, len(p.Classes))
		}
	}
	return nil
}

func resultsAlt(said []string, comparable bool, wrong int) string {
	if len(said) == 0 {
		return "No images to show."
	}
	text := count(len(said), "image") + " with true and predicted class"
	if comparable {
		text += fmt.Sprintf(", %d of them predicted wrong", wrong)
	}
	if len(said) > 12 {
		said = append(slices.Clone(said[:12]), "…")
	}
	return text + ": " + strings.Join(said, "; ") + "."
}

// Alt implements Figure.
func (f ResultsFigure) Alt() string { return f.alt }
