package engine

import (
	"context"
	"math"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// viewsOf is how many views of each image a request asks for.
func viewsOf(r tl.DataRequest) int {
	if r.Augmented {
		return r.Data.Augmentation.Views()
	}
	return 1
}

// meanLogits are the logits of a model over the first views of each image: the plain image's own, or the logarithm of the mean probability.
func (e *Engine) meanLogits(ctx context.Context, t *trained, data rows, views int, report func(remote.Progress)) (tl.Tensor, tl.Timing, error) {
	logits, timing, err := e.modelLogits(ctx, t, data, 0, report)
	if err != nil || views < 2 {
		return logits, timing, err
	}
	sums := make([]float64, len(logits.Data))
	for view := range views {
		if view > 0 {
			var spent tl.Timing
			if logits, spent, err = e.modelLogits(ctx, t, data, view, report); err != nil {
				return logits, timing, err
			}
			timing.Prefix, timing.Compile = timing.Prefix+spent.Prefix, timing.Compile+spent.Compile
			timing.Computed, timing.Reused = timing.Computed+spent.Computed, timing.Reused+spent.Reused
		}
		for i, p := range answer(logits, nil).Probabilities.Data {
			sums[i] += float64(p) / float64(views)
		}
	}
	for i, sum := range sums {
		logits.Data[i] = float32(math.Log(max(sum, math.SmallestNonzeroFloat32)))
	}
	return logits, timing, nil
}
