package plots

import (
	"context"
	"flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"transferlab/datasets"
	"transferlab/tl"
)

var update = flag.Bool("update", false, "draw the golden images anew; look at them before you commit")

// goldens are the figures that are compared with pictures in testdata: the everyday ones and the awkward ones.
func goldens(t *testing.T) map[string]Figure {
	ctx := context.Background()
	two, labels := projection(600, 2, 14)
	ten, tenLabels := projection(1000, 10, 30)
	raw, rawLabels := projection(600, 2, 2)
	diverged := history("fine-tune at a rate of 1", 6, 1, 0.4, 0.8, 0.3)
	for i := 3; i < 6; i++ {
		diverged.Epochs[i] = tl.Epoch{Loss: math.NaN(), Accuracy: 0.3, ValidLoss: math.Inf(1), ValidAccuracy: 0.3}
	}
	shapes := datasets.Shapes(40, 1)
	predictions := shapePredictions(t, shapes)
	foreign := predictions
	foreign.Classes = []string{"solar dish", "hand-held computer, hand-held microcomputer", "sea slug"}
	both := datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}
	figures := map[string]Figure{
		"curves":               Curves(twoPhases()...),
		"curves_one_epoch":     Curves(history("head", 1, 1, 0.6, 0.7, 0.5)),
		"curves_no_valid":      Curves(withoutValid(history("head", 5, 5, 0.6, 0.7, 0.5))),
		"curves_diverged":      Curves(history("head", 12, 12, 0.62, 0.70, 0.5), diverged),
		"curves_long":          Curves(history("head", 200, 150, 0.6, 0.7, 0.7), history("a phase with a very long name", 3, 2, 0.2, 0.9, 0.5)),
		"scatter":              Scatter("representation", two, labels, "functional", "defective"),
		"scatter_ten":          Scatter("ten classes", ten, tenLabels, "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker"),
		"scatter_one_point":    Scatter("one image", tl.Projection{Method: "PCA", Points: tl.Tensor{Shape: []int{1, 2}, Data: []float32{3, 4}}}, nil),
		"side_by_side":         SideBySide(Scatter("raw pixels, 32×32", raw, rawLabels, "functional", "defective"), Scatter("representation", two, labels, "functional", "defective")),
		"batch":                ok[BatchFigure](t)(Batch(ctx, shapes, 8)),
		"batch_views":          ok[BatchFigure](t)(Batch(ctx, shapes.Augment(both), 3)),
		"results":              ok[ResultsFigure](t)(Results(ctx, shapes, predictions, []int{0, 1, 2, 4, 7, 9, 10, 39})),
		"results_imagenet":     ok[ResultsFigure](t)(Results(ctx, shapes, foreign, []int{0, 1, 2})),
		"confusion":            Confusion(evaluation([]string{"functional", "defective"}, [][]int{{429, 29}, {41, 157}})),
		"confusion_ten":        Confusion(manyClasses(10)),
		"confusion_forty":      Confusion(manyClasses(40)),
		"confusion_long_names": Confusion(evaluation([]string{"a very long class name that would not fit anywhere", "b", "another class with a long name"}, [][]int{{5, 1, 0}, {0, 0, 0}, {2, 0, 1234}})),
		"parameters":           Parameters(summary(5)),
		"parameters_frozen":    Parameters(summary(0)),
	}
	maps.Copy(figures, statistics(t))
	maps.Copy(figures, features(t))
	return figures
}

// shapePredictions are right but for every third image.
func shapePredictions(t *testing.T, shapes datasets.Dataset) tl.Predictions {
	labels := ok[[]int](t)(shapes.Labels(context.Background()))
	p := tl.Predictions{Classes: ok[[]string](t)(shapes.Classes(context.Background()))}
	p.Probabilities.Shape = []int{len(labels), len(p.Classes)}
	for i, label := range labels {
		class := label
		if i%3 == 1 {
			class = (label + 1) % len(p.Classes)
		}
		row := make([]float32, len(p.Classes))
		row[class] = 0.9 - float32(i)/100
		p.Class, p.Probabilities.Data = append(p.Class, class), append(p.Probabilities.Data, row...)
	}
	return p
}

// TestGolden compares pixels, at half the resolution of PNG: that keeps the repository small. The tolerance is for floating point on
// other processors.
func TestGolden(t *testing.T) {
	const dpi, tolerance = 96, 0.02
	for name, figure := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			got := ok[[]byte](t)(raster(figure, dpi))
			path := filepath.Join("testdata", name+".png")
			if *update {
				if err := writeWhole(path, got); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := ok[[]byte](t)(os.ReadFile(path))
			if same := ok[bool](t)(cmpimg.EqualApprox("png", got, want, tolerance)); !same {
				seen := filepath.Join(t.ArtifactDir(), name+".png")
				if err := os.WriteFile(seen, got, 0o644); err != nil {
					t.Fatal(err)
				}
				t.Errorf("differs from %s; it is in %s (go test -artifacts keeps it; -update accepts it)", path, seen)
			}
		})
	}
}
