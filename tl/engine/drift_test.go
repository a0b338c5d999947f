package engine

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestDrift: what did not move is at 0 and 1 exactly, what moved is not, and a block that did not move but sees what did changes its representation only.
func TestDrift(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("drift", tl.Dense(3))
	must[bool](t)(model.Reset(quiet()))
	d := must[tl.Drift](t)(model.Drift(quiet(), figures.Take(24)))
	if d.Images != 24 || len(d.Blocks) != 18 || d.Data != figures.Take(24).String() {
		t.Errorf("%d images, %d blocks, data %q", d.Images, len(d.Blocks), d.Data)
	}
	for _, b := range d.Blocks {
		if b.L2 != 0 || b.CKA != 1 || !b.Frozen {
			t.Errorf("untrained: %+v", b)
		}
	}
	must[tl.Summary](t)(model.Unfreeze(quiet(), "mbconv16"))
	h := must[tl.History](t)(model.Fit(quiet(), figures.Take(24), none, tl.Phase{Epochs: 2, LearningRate: 1e-2}))
	d = must[tl.Drift](t)(model.Drift(quiet(), figures.Take(24)))
	for i, b := range d.Blocks {
		switch {
		case b.Block == "mbconv16" && (b.L2 < 1e-4 || b.L2 > 1 || b.CKA > 0.99999 || b.CKA < 0.05 || b.Frozen):
			t.Errorf("trained: %+v", b)
		case b.Block == "top" && (b.L2 != 0 || b.CKA > 0.99999 || !b.Frozen):
			t.Errorf("behind a trained block: %+v", b)
		case i < 16 && (b.L2 != 0 || b.CKA != 1):
			t.Errorf("before it: %+v", b)
		}
	}
	if blocks := h.Epochs[len(h.Epochs)-1].Blocks; len(blocks) > 1 && math.Abs(blocks[1].Drift-d.Blocks[16].L2) > 1e-5*d.Blocks[16].L2 {
		t.Errorf("the epoch's record says %v, Drift %v", blocks[1].Drift, d.Blocks[16].L2)
	}
	// The pretrained side, averaged over space behind the last block, is the representation.
	m := must[*trained](t)(registeredEngine.model(quiet(), model))
	both, _, err := registeredEngine.behindBlocks(quiet(), m, 16, figures.Take(24), func(remote.Progress) {})
	m.gate.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	want := must[tl.Tensor](t)(must[tl.Representation](t)(lite.Represent(quiet(), figures.Take(24))).Values(quiet()))
	for i, v := range both[0][1].Data {
		if math.Abs(float64(v-want.Data[i])) > 1e-4*math.Max(1, math.Abs(float64(want.Data[i]))) {
			t.Fatalf("value %d is %v instead of %v", i, v, want.Data[i])
		}
	}
}

func TestDriftRefuses(t *testing.T) {
	model := pixels.WithHead("no drift", tl.Dense(3))
	if _, err := model.Drift(quiet(), figures.Take(1)); err == nil || !strings.Contains(err.Error(), `tl: drift "no drift": `) || !strings.Contains(err.Error(), "compared on 2 or more") {
		t.Errorf("one image: %v", err)
	}
	if _, err := model.Drift(quiet(), datasets.Open("elvp")); err == nil || !strings.Contains(err.Error(), "did you mean elpv?") {
		t.Errorf("an unknown data set: %v", err)
	}
	ctx, cancel := context.WithCancel(quiet())
	cancel()
	if _, err := model.Drift(ctx, figures); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	d := must[tl.Drift](t)(model.Drift(quiet(), datasets.Synthetic(600, 1)))
	if d.Images != tl.DriftImages || d.Blocks[0].CKA != 1 || d.Blocks[0].L2 != 0 {
		t.Errorf("%+v", d)
	}
	sample, n, err := some(quiet(), datasets.Shapes(1000, 1).Skip(10), 3)
	rows := must[[]datasets.Item](t)(sample.Items(quiet()))
	if err != nil || n != 3 || len(rows) != 3 || rows[0].Row < 10 || rows[0].Row >= rows[1].Row || rows[1].Row >= rows[2].Row {
		t.Errorf("a sample of 3: %v, %v", rows, err)
	}
}
