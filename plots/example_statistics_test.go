package plots_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"transferlab/datasets"
	"transferlab/plots"
	"transferlab/tl"
)

// cells is an evaluation of ten images as Evaluate gives it.
func cells(model string, probabilities ...float32) tl.Evaluation {
	e := tl.Evaluation{Model: model, Classes: []string{"functional", "defective"}, Labels: []int{0, 0, 0, 0, 0, 0, 1, 1, 1, 1}}
	e.Predicts.Classes, e.Predicts.Probabilities.Shape = e.Classes, []int{10, 2}
	for _, p := range probabilities {
		e.Predicts.Class = append(e.Predicts.Class, int(math.Round(float64(p))))
		e.Predicts.Probabilities.Data = append(e.Predicts.Probabilities.Data, 1-p, p)
	}
	return e
}

func ExampleLearningCurves() {
	figure := plots.LearningCurves(
		tl.LearningPoint{Method: "scratch", PerClass: 10, Seed: 1, Accuracy: 0.60}, tl.LearningPoint{Method: "scratch", PerClass: 100, Seed: 1, Accuracy: 0.66},
		tl.LearningPoint{Method: "scratch", PerClass: 10, Seed: 2, Accuracy: 0.62}, tl.LearningPoint{Method: "scratch", PerClass: 100, Seed: 2, Accuracy: 0.70},
	)
	figure.Majority = 0.698
	fmt.Println(figure.Alt())
	// Output:
	// Learning curves of 1 method over 10 to 100 training images of each class. scratch: mean accuracy 0.610 (0.600 to 0.620 in 2 runs) at 10, 0.680 (0.660 to 0.700) at 100. Always answering the most frequent class would get 0.698.
}

func ExampleRates() {
	var rates, losses []float64
	for i := range 60 {
		rates = append(rates, 1e-6*math.Pow(10, float64(i)/10))
		losses = append(losses, 0.7-0.3/(1+1e-3/rates[i])+rates[i]*rates[i])
	}
	curve := tl.NewRateCurve(rates, losses)
	curve.Model = "cells"
	fmt.Println(plots.Rates(curve).Alt())
	// Output:
	// Learning-rate search of cells: loss of 60 steps at rates from 1e−6 to 0.794; the smoothed loss is lowest, 0.533, at a rate of 0.316. Suggestion valley: 7.94e−4. Suggestion steepest: 0.00398. Suggestion lowest / 10: 0.0251.
}

func ExampleBlockRates() {
	history := tl.History{Model: "cells", Phase: tl.Phase{Name: "fine-tune"}, Rates: map[string]float64{"mbconv16": 1e-4, "top": 1e-4, "head": 3e-4}}
	fmt.Println(plots.BlockRates(history).Alt())
	// Output:
	// Learning rates of the blocks of cells in 1 phase. Phase fine-tune: 3 blocks trained, rates from 1e−4 (mbconv16) to 3e−4 (head).
}

func ExampleBlockDrift() {
	drift := tl.Drift{Model: "cells", Base: "efficientnet_lite0", Images: 512, Blocks: []tl.BlockDrift{
		{Block: "stem", Frozen: true, CKA: 1}, {Block: "mbconv16", L2: 0.021, CKA: 0.94}, {Block: "top", L2: 0.034, CKA: 0.87},
	}}
	fmt.Println(plots.BlockDrift(drift).Alt())
	// Output:
	// Bar charts of how far 3 blocks of cells drifted from the pretrained efficientnet_lite0, 1 of them frozen. The weights of top moved farthest, by 0.034 of their length. What leaves top changed most: CKA 0.870 on 512 images.
}

func ExampleROC() {
	figure := plots.ROC(cells("cells", 0.1, 0.2, 0.2, 0.3, 0.4, 0.6, 0.4, 0.7, 0.8, 0.9))
	fmt.Println(figure.Alt())
	// Output:
	// ROC curve for finding defective, with 4 images of it and 6 others. cells: area under the curve 0.938 (95 % interval 0.750 to 1.000).
}

func ExampleCalibration() {
	figure := plots.Calibration(cells("cells", 0.1, 0.2, 0.2, 0.3, 0.4, 0.6, 0.4, 0.7, 0.8, 0.9))
	figure.Bins = 4
	fmt.Println(figure.Alt())
	// Output:
	// Reliability diagram of cells on 10 images: expected calibration error 0.100. Probability 0.50 to 0.75: 5 images, mean probability 0.64, 0.60 right. Probability 0.75 to 1.00: 5 images, mean probability 0.84, 1.00 right.
}

func ExampleIntervals() {
	figure := plots.Intervals(
		cells("linear probe", 0.1, 0.2, 0.2, 0.3, 0.6, 0.6, 0.4, 0.7, 0.8, 0.9),
		cells("fine-tuned", 0.1, 0.2, 0.2, 0.3, 0.4, 0.6, 0.6, 0.7, 0.8, 0.9),
	)
	fmt.Println(figure.Alt())
	// Output:
	// Accuracy of 2 evaluations with 95 % bootstrap intervals over images. linear probe: 0.700 (0.400 to 1.000). fine-tuned: 0.900 (0.700 to 1.000). Always answering functional: 0.600. The highest is fine-tuned.
}

func ExampleNeighbours() {
	shapes := datasets.Shapes(12, 1)
	near := tl.Neighbours{Base: "efficientnet_lite0", Place: "output", Rows: []int{0}, Nearest: [][]int{{4, 9}}, Similarity: [][]float64{{0.95, 0.91}}}
	figure, err := plots.Neighbours(context.Background(), shapes, near) // near := representation.Neighbours(ctx, 2, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(figure.Alt())
	// Output:
	// 1 image, each with its 2 nearest by output of efficientnet_lite0; of the 2 neighbours 0 are of the same class. image 0, square: 0 of 2.
}

func ExampleScatterFigure_WithThumbnails() {
	shapes := datasets.Shapes(3, 1)
	projection := tl.Projection{Method: "t-SNE", Points: tl.Tensor{Shape: []int{3, 2}, Data: []float32{-9, 0, 9, 1, 0, -1}}, Perplexity: 1, Trustworthiness: 1}
	figure, err := plots.Scatter("t-SNE", projection, []int{0, 1, 2}, "circle", "square", "cross").WithThumbnails(context.Background(), shapes, 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(figure.Thumbnails), figure.Alt())
	// Output:
	// 2 Scatter plot "t-SNE" of 3 images by t-SNE 1 and t-SNE 2. Trustworthiness 1.000. Some points show their picture. circle: 1 point, centred at (-9, 0). square: 1 point, centred at (9, 1). cross: 1 point, centred at (0, -1).
}
