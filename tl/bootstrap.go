package tl

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// BootstrapDraws is how often Bootstrap draws.
const BootstrapDraws = 2000

// Bootstrap is the 95 % percentile interval of a statistic over 2,000 draws of n images with replacement (Efron 1979). statistic is given the
// positions that were drawn, n of them, which it must not keep. The same seed gives the same interval. n < 1 gives zeros.
func Bootstrap(n int, seed int64, statistic func(drawn []int) float64) [2]float64 {
	if n < 1 {
		return [2]float64{}
	}
	drawn := make([]int, n)
	return interval(seed, func(random *rand.Rand) float64 {
		for i := range drawn {
			drawn[i] = random.IntN(n)
		}
		return statistic(drawn)
	})
}

// interval is the 95 % percentile interval of what draw gives.
func interval(seed int64, draw func(*rand.Rand) float64) [2]float64 {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	values := make([]float64, BootstrapDraws)
	for i := range values {
		values[i] = draw(random)
	}
	slices.Sort(values)
	return [2]float64{values[BootstrapDraws*25/1000], values[BootstrapDraws*975/1000]}
}

// AccuracyInterval is the 95 % bootstrap interval of the accuracy over images, with seed 0: what Evaluate puts into Interval.
func (e Evaluation) AccuracyInterval() [2]float64 {
	return Bootstrap(e.N(), 0, func(drawn []int) float64 {
		right := 0
		for _, i := range drawn {
			if e.Predicts.Class[i] == e.Labels[i] {
				right++
			}
		}
		return share(right, len(drawn))
	})
}

// BalancedInterval is the 95 % bootstrap interval of the balanced accuracy over images, with seed 0.
func (e Evaluation) BalancedInterval() [2]float64 {
	right, all := make([]int, len(e.Classes)), make([]int, len(e.Classes)) // a confusion matrix of 1,000 classes has 8 MB
	return Bootstrap(e.N(), 0, func(drawn []int) float64 {
		clear(right)
		clear(all)
		for _, i := range drawn {
			label := e.Labels[i]
			all[label]++
			if e.Predicts.Class[i] == label {
				right[label]++
			}
		}
		return meanShare(right, all)
	})
}

// Gain is the accuracy of e less that of another evaluation, on the same images.
type Gain struct {
	Difference float64
	Interval   [2]float64 // 95 % bootstrap interval over images, drawn in pairs (Efron & Tibshirani 1993): the same images for both
}

// Against compares two models on the same images, in the same order: an interval of the difference is much narrower than the two intervals let fear.
func (e Evaluation) Against(other Evaluation) (Gain, error) {
	if !slices.Equal(e.Labels, other.Labels) {
		return Gain{}, fmt.Errorf("tl: compare evaluations of %q and %q: they are of other images, or in another order (Evaluate both on the same data set)",
			e.Model, other.Model)
	}
	if len(e.Predicts.Class) != e.N() || len(other.Predicts.Class) != e.N() {
		return Gain{}, fmt.Errorf("tl: compare evaluations of %q and %q: %d and %d predictions for %d labels (Evaluate gives as many)", e.Model, other.Model,
			len(e.Predicts.Class), len(other.Predicts.Class), e.N())
	}
	better := make([]float64, e.N())
	for i, label := range e.Labels {
		if e.Predicts.Class[i] == label {
			better[i]++
		}
		if other.Predicts.Class[i] == label {
			better[i]--
		}
	}
	g := Gain{Difference: e.Accuracy() - other.Accuracy()}
	g.Interval = Bootstrap(e.N(), 0, func(drawn []int) float64 {
		sum := 0.0
		for _, i := range drawn {
			sum += better[i]
		}
		return sum / float64(len(drawn))
	})
	return g, nil
}

// String says it in points of a hundred.
func (g Gain) String() string {
	return fmt.Sprintf("%+.1f points (95 %% interval %+.1f to %+.1f, the same images for both)", 100*g.Difference, 100*g.Interval[0], 100*g.Interval[1])
}
