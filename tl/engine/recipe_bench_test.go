package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

// BenchmarkRecipe runs lesson 7's recipe for three seeds (of the split into training and validation rows, the head and the order) and prints a
// table. Choices are made on the validation rows; the held-out rows, every fourth of ELPV, are seen once for each model, at the end.
//
//	go test -run '^$' -bench Recipe -benchtime 1x -timeout 60m ./tl/engine
//
// Activations come from the user's cache where they are there; with TLAB_HOME on an empty directory the seconds are those of a first run.
func BenchmarkRecipe(b *testing.B) {
	rest, test := datasets.Open("elpv").EveryNth(4)
	for b.Loop() {
		var out strings.Builder
		fmt.Fprint(&out, "\n| seed | phase | epoch kept | seconds | accuracy | 95 % interval | balanced accuracy |\n|---|---|---|---|---|---|---|\n")
		accuracies := map[string][]float64{}
		var majority float64
		for seed := range int64(3) {
			train, valid := rest.Split(0.85, seed+1)
			model := lite.WithHead("recipe", tl.Dense(2)).Seeded(seed)
			measure := func(d datasets.Dataset, p tl.Phase) {
				start := time.Now()
				h, err := model.Fit(quiet(), d, valid, p)
				if err != nil {
					b.Fatal(err)
				}
				took := time.Since(start)
				e, err := model.Evaluate(quiet(), test)
				if err != nil {
					b.Fatal(err)
				}
				_, majority = e.Majority()
				accuracies[p.Name] = append(accuracies[p.Name], e.Accuracy())
				fmt.Fprintf(&out, "| %d | %s | %d of %d | %.1f | %.3f | %.3f to %.3f | %.3f |\n", seed, p.Name, h.Kept, p.Epochs, took.Seconds(),
					e.Accuracy(), e.Interval[0], e.Interval[1], e.BalancedAccuracy())
			}
			measure(train, recipeHead)
			if _, err := model.UnfreezeTop(quiet(), 6); err != nil {
				b.Fatal(err)
			}
			measure(train.Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}), recipeTune)
		}
		for _, phase := range []string{recipeHead.Name, recipeTune.Name} {
			slices.Sort(accuracies[phase])
			fmt.Fprintf(&out, "median of %s: %.3f\n", phase, accuracies[phase][1])
			b.ReportMetric(accuracies[phase][1], phase+"-accuracy")
		}
		fmt.Fprintf(&out, "always answering with the majority class: %.3f\n", majority)
		fmt.Println(out.String())
	}
}

// The phases of lesson 7; TestRecipeIsTheLessons holds them to its source.
var (
	recipeHead = tl.Phase{Name: "head", Epochs: 20, LearningRate: 3e-3}
	recipeTune = tl.Phase{Name: "fine-tune", Epochs: 7, LearningRate: 1e-3, RateDecay: 1.0 / 3,
		Schedule: "one-cycle", LabelSmoothing: 0.05, WeightDecay: 0.01}
)

// TestRecipeIsTheLessons: the lesson cannot be imported, so its lines are compared.
func TestRecipeIsTheLessons(t *testing.T) {
	lesson := must[[]byte](t)(os.ReadFile(filepath.Join("..", "..", "lessons", "07-fine-tuning", "lesson_test.go")))
	here := must[[]byte](t)(os.ReadFile("recipe_bench_test.go"))
	squeeze := func(text []byte) string { return strings.Join(strings.Fields(string(text)), " ") }
	for _, name := range []string{"Head = ", "Tune = "} {
		_, after, found := strings.Cut(squeeze(here), "recipe"+name)
		if !found {
			t.Fatal("recipe" + name + "is gone")
		}
		phase, _, _ := strings.Cut(after, "}")
		if want := strings.ToLower(name[:4]) + "Phase = " + phase + "}"; !strings.Contains(squeeze(lesson), want) {
			t.Errorf("the lesson has no %s", want)
		}
	}
}
