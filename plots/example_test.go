package plots_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"transferlab/datasets"
	"transferlab/plots"
	"transferlab/tl"
)

func ExampleParameters() {
	figure := plots.Parameters(tl.Summary{Name: "lecture", Blocks: []tl.Block{
		{Name: "conv1", Params: 224, Frozen: true},
		{Name: "conv2", Params: 3216, Frozen: true},
		{Name: "dense1", Params: 2097664},
		{Name: "dense2", Params: 2052},
	}})
	fmt.Println(figure.Alt())
	// Output:
	// Bar chart of the parameters of lecture in 4 blocks, 2 of them frozen: 2,103,156 in all, 2,099,716 trainable, 3,440 frozen. The largest block is dense1 with 2,097,664.
}

func ExampleScatter() {
	projection := tl.Projection{
		Method: "PCA",
		Points: tl.Tensor{Shape: []int{4, 2}, Data: []float32{-1, 0, -2, 1, 1, 0, 2, -1}}, Variances: []float64{10.0 / 3, 2.0 / 3}, Total: 4,
	}
	figure := plots.Scatter("representation", projection, []int{0, 0, 1, 1}, "functional", "defective")
	figure.Width = 6 // inches
	fmt.Println(figure.Alt())
	// Output:
	// Scatter plot "representation" of 4 images by PCA component 1 (83.3 % of the variance) and PCA component 2 (16.7 % of the variance). functional: 2 points, centred at (-1.5, 0.5). defective: 2 points, centred at (1.5, -0.5).
}

func ExampleBatch() {
	figure, err := plots.Batch(context.Background(), datasets.Shapes(12, 1), 8)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(figure.Alt())
	// Output:
	// 8 images: 1 circle, 4 square, 3 cross. Each is 224 by 224 pixels, as the network sees it.
}

func ExampleSave() {
	dir, err := os.MkdirTemp("", "figures")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	figure := plots.Confusion(tl.Evaluation{
		Model: "cells", Classes: []string{"functional", "defective"},
		Labels: []int{0, 0, 0, 1}, Predicts: tl.Predictions{Class: []int{0, 0, 1, 1}},
	})
	if err := plots.Save(filepath.Join(dir, "confusion.svg"), figure); err != nil {
		log.Fatal(err)
	}
	fmt.Println(plots.Save(filepath.Join(dir, "confusion.gif"), figure) != nil)
	fmt.Println(figure.Alt())
	// Output:
	// true
	// Confusion matrix of cells: accuracy 0.750, balanced accuracy 0.833 on 4 images; always answering functional would get 0.750. Of 3 functional, 2 are predicted right. Of 1 defective, 1 are predicted right.
}
