package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// BenchmarkPrecision is a training step of EfficientNet-Lite0's last five blocks on cached activations, batches of 32, in float32 and with products in
// bfloat16, the two in turn, and prints the median of each.
//
//	go test -run '^$' -bench Precision -benchtime 1x ./tl/engine
func BenchmarkPrecision(b *testing.B) {
	const steps = 30
	for b.Loop() {
		var runs []*run
		for i, precision := range []tl.Precision{tl.Float32, tl.BFloat16} {
			model := lite.WithHead("precision", tl.Dense(2)).Seeded(int64(i))
			if _, err := model.UnfreezeTop(quiet(), 5); err != nil {
				b.Fatal(err)
			}
			t, err := registeredEngine.model(quiet(), model)
			if err != nil {
				b.Fatal(err)
			}
			u, err := registeredEngine.newRun(quiet(), t, tl.FitRequest{Model: model, Train: datasets.Open("elpv").Take(64),
				Phase: tl.Phase{Epochs: 1, LearningRate: 1e-4, Precision: precision}}, func(remote.Progress) {})
			if err == nil {
				err = u.prepare(func(remote.Progress) {})
			}
			if err != nil {
				b.Fatal(err)
			}
			runs = append(runs, u)
		}
		random, took := rand.New(rand.NewPCG(1, 1)), [2][]float64{}
		for range steps {
			for i, u := range runs {
				start := time.Now()
				if _, _, err := u.oneStep(random.Perm(64)[:32], random, 1); err != nil {
					b.Fatal(err)
				}
				took[i] = append(took[i], float64(time.Since(start).Microseconds())/1000)
			}
		}
		for i, u := range runs {
			slices.Sort(took[i])
			b.ReportMetric(took[i][steps/2], []string{"ms/step-float32", "ms/step-bfloat16"}[i])
			u.release()
			u.model.gate.Unlock()
		}
	}
}
