package engine

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

var (
	curveSeeds = flag.Int("curve-seeds", 3, "LearningCurve: how many seeds")
	curveMost  = flag.Int("curve-most", 0, "LearningCurve: leave out larger numbers of images a class; 0 leaves out none")
)

// BenchmarkLearningCurve trains with 10, 30, 100, 300 and all images of each class of ELPV's training rows in three ways: a network of a usual
// size for so few images from scratch, a new head on a frozen base, and that with the last blocks fine-tuned. Seeds change which images are
// picked, the first weights and the order. No validation rows are used: the last epoch stands, and every way has one recipe for all sizes.
// The held-out rows, every fourth, are seen once for each model. It prints median and range over seeds.
//
//	go test -run '^$' -bench LearningCurve -benchtime 1x -timeout 60m ./tl/engine
func BenchmarkLearningCurve(b *testing.B) {
	rest, test := datasets.Open("elpv").EveryNth(4)
	for b.Loop() {
		var out strings.Builder
		fmt.Fprint(&out, "\n| images a class | from scratch | head on the frozen base | fine-tuned | seconds, median |\n|---|---|---|---|---|\n")
		for _, n := range []int{10, 30, 100, 300, 0} {
			if *curveMost > 0 && (n == 0 || n > *curveMost) {
				continue
			}
			accuracies, seconds := map[string][]float64{}, map[string][]float64{}
			for seed := range int64(*curveSeeds) {
				train := rest
				if n > 0 {
					train = rest.PerClass(n, seed)
				}
				for _, way := range curveWays {
					start := time.Now()
					e := way.run(b, train, test, seed)
					accuracies[way.name] = append(accuracies[way.name], e.Accuracy())
					seconds[way.name] = append(seconds[way.name], time.Since(start).Seconds())
					fmt.Printf("n %d, seed %d, %s: accuracy %.4f, balanced %.4f, %.1f s\n", n, seed, way.name, e.Accuracy(), e.BalancedAccuracy(),
						time.Since(start).Seconds())
				}
			}
			size := fmt.Sprint(n)
			if n == 0 {
				size = "all"
			}
			fmt.Fprintf(&out, "| %s |", size)
			var times []string
			for _, way := range curveWays {
				slices.Sort(accuracies[way.name])
				slices.Sort(seconds[way.name])
				a, middle := accuracies[way.name], *curveSeeds/2
				fmt.Fprintf(&out, " %.3f (%.3f–%.3f) |", a[middle], a[0], a[len(a)-1])
				times = append(times, fmt.Sprintf("%.0f", seconds[way.name][middle]))
			}
			fmt.Fprintf(&out, " %s |\n", strings.Join(times, ", "))
		}
		fmt.Println(out.String())
	}
}

// curveWay is one way to a classifier.
type curveWay struct {
	name string
	run  func(b *testing.B, train, test datasets.Dataset, seed int64) tl.Evaluation
}

var flips = datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}

var curveWays = []curveWay{
	{"from scratch", func(b *testing.B, train, test datasets.Dataset, seed int64) tl.Evaluation {
		model := curveScratch.Initial(seed).WithHead("scratch", tl.Dense(2)).Seeded(seed)
		if _, err := model.Unfreeze(quiet()); err != nil {
			b.Fatal(err)
		}
		curveFit(b, model, train.Augment(flips), tl.Phase{Name: "scratch", LearningRate: 2e-3, Schedule: "one-cycle", WeightDecay: 0.01,
			BatchNorm: tl.BatchNormTrained, KeepLast: true}, 800, 24)
		return curveTest(b, model, test)
	}},
	{"head", func(b *testing.B, train, test datasets.Dataset, seed int64) tl.Evaluation {
		model := lite.WithHead("curve head", tl.Dense(2)).Seeded(seed)
		curveFit(b, model, train, recipeHead, 300, 20)
		return curveTest(b, model, test)
	}},
	{"fine-tuned", func(b *testing.B, train, test datasets.Dataset, seed int64) tl.Evaluation {
		model := lite.WithHead("curve tune", tl.Dense(2)).Seeded(seed)
		curveFit(b, model, train, recipeHead, 300, 20)
		if _, err := model.UnfreezeTop(quiet(), 6); err != nil {
			b.Fatal(err)
		}
		curveFit(b, model, train.Augment(flips), recipeTune, 60, 8)
		return curveTest(b, model, test)
	}},
}

// curveScratch is a network of a size that so few images can train: 4 convolutions with batch norm on 96×96 pixels, 98,000 parameters.
var curveScratch = tl.Sequence("small", []int{96, 96, 3},
	curveBlock("block1", 16), curveBlock("block2", 32), curveBlock("block3", 64), curveBlock("block4", 128),
	tl.Named("top", tl.GlobalAveragePool()))

func curveBlock(name string, channels int) tl.Layers {
	return tl.Named(name, tl.Conv(channels, 3), tl.BatchNorm(), tl.ReLU(), tl.MaxPool(2))
}

// curveFit fits one phase for at least so many steps and epochs: ten images make one step an epoch.
func curveFit(b *testing.B, model tl.Model, train datasets.Dataset, p tl.Phase, steps, epochs int) {
	b.Helper()
	labels, err := train.Labels(quiet())
	if err != nil {
		b.Fatal(err)
	}
	batches := (len(labels) + defaultBatch - 1) / defaultBatch
	p.Epochs = max(epochs, (steps+batches-1)/batches)
	if _, err := model.Fit(quiet(), train, datasets.Dataset{}, p); err != nil {
		b.Fatal(err)
	}
}

// curveTest measures a model once and forgets it.
func curveTest(b *testing.B, model tl.Model, test datasets.Dataset) tl.Evaluation {
	b.Helper()
	e, err := model.Evaluate(quiet(), test)
	if err == nil {
		_, err = model.Reset(quiet())
	}
	if err != nil {
		b.Fatal(err)
	}
	return e
}
