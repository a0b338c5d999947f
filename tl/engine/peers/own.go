package peers

import (
	"context"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

// Own runs the recipe in this project, on the engine that tl finds: the one in this process where transferlab/tl/engine is
// imported. As in the peers there is no validation set, so the last epoch stands. The activation cache should be empty, since the
// peers start from nothing.
func Own(ctx context.Context, o Options) (Receipt, error) {
	r := Receipt{Tool: "this lab"}
	start := time.Now()
	train, test := datasets.Open("elpv").EveryNth(4)
	base := tl.Load("efficientnet_lite0")
	model := base.WithHead("peers", tl.Dense(2)).Seeded(int64(o.Seed))

	summary, err := base.Summary(ctx)
	if err != nil {
		return r, err
	}
	r.Load = lap(&start, &r)

	head, err := model.Fit(ctx, train, datasets.Dataset{}, tl.Phase{Name: "head", Epochs: o.HeadEpochs, LearningRate: 1e-3})
	if err != nil {
		return r, err
	}
	r.Represent = head.Time.Prefix.Seconds()
	r.Head = lap(&start, &r) - r.Represent
	if r.HeadAccuracy, r.HeadRight, err = answers(ctx, model, test); err != nil {
		return r, err
	}
	r.Evaluate = lap(&start, &r)

	if o.TuneEpochs > 0 {
		if _, err := model.UnfreezeTop(ctx, o.Unfreeze+1); err != nil { // and the convolution after the blocks
			return r, err
		}
		rates := map[string]float64{}
		for _, block := range summary.Blocks[len(summary.Blocks)-o.Unfreeze-1:] {
			rates[block.Name] = 1e-4
		}
		if _, err := model.Fit(ctx, train, datasets.Dataset{}, tl.Phase{Name: "fine-tune", Epochs: o.TuneEpochs, LearningRate: 3e-4,
			Rates: rates}); err != nil {
			return r, err
		}
	}
	r.Tune = lap(&start, &r)
	if r.TuneAccuracy, r.TuneRight, err = answers(ctx, model, test); err != nil {
		return r, err
	}
	r.Evaluate += lap(&start, &r)
	return r, nil
}

// lap returns the seconds since start, adds them to the total and starts anew.
func lap(start *time.Time, r *Receipt) float64 {
	now := time.Now()
	s := now.Sub(*start).Seconds()
	*start = now
	r.Total += s
	return s
}

// answers are the share of right answers and, for each row, whether it was right, as the Python peers write it.
func answers(ctx context.Context, model tl.Model, test datasets.Dataset) (accuracy float64, right string, err error) {
	e, err := model.Evaluate(ctx, test)
	if err != nil {
		return 0, "", err
	}
	marks := make([]byte, e.N())
	for i, label := range e.Labels {
		marks[i] = '0'
		if e.Predicts.Class[i] == label {
			marks[i] = '1'
		}
	}
	return e.Accuracy(), string(marks), nil
}
