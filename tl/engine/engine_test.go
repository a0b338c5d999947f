package engine

import (
	"context"
	"fmt"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

func TestThread(t *testing.T) {
	ctx := tl.WithReport(context.Background(), func(p remote.Progress) {
		if p.Finished || p.Total == 0 {
			fmt.Println(p.Stage, p.Done, p.Total, p.Detail, p.Left)
		}
	})
	photos := datasets.Open("elpv").Take(64)
	base := tl.Load("efficientnet_lite0")
	fmt.Println(tl.Must(base.Summary(ctx)))
	fmt.Println(tl.Must(base.Predict(ctx, photos.Take(8))))
	train, valid := datasets.Open("elpv").Take(128).Split(0.75, 1)
	model := base.WithHead("cells", tl.Dense(2))
	h, err := model.Fit(ctx, train, valid, tl.Phase{Name: "head", Epochs: 3, LearningRate: 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(h)
	fmt.Println(tl.Must(model.UnfreezeTop(ctx, 6)))
	h, err = model.Fit(ctx, train, valid, tl.Phase{Name: "tune", Epochs: 2, LearningRate: 1e-3, RateDecay: 1. / 3})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(h)
	fmt.Println(tl.Must(model.Evaluate(ctx, valid)))
}
