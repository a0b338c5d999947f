package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestPlanLeavesNoTrace: measuring moves no weight and thaws no block, and what it compiled and computed is what the phase then uses.
func TestPlanLeavesNoTrace(t *testing.T) {
	ownCache(t)
	train, valid := figures.Split(0.75, 1)
	train = train.Augment(datasets.Augmentation{FlipLeftRight: true})
	model := lite.WithHead("plan", tl.Dense(3))
	before := fingerprint(t, model)
	phase := tl.Phase{Name: "top", Epochs: 2, LearningRate: 1e-3, BatchSize: 16, Thaw: []string{"top"}}
	step := tl.Step{Phase: phase, Most: 3}
	plan := must[tl.Plan](t)(registeredEngine.plan(quiet(), tl.PlanRequest{Model: model, Valid: valid, Steps: []tl.Step{step},
		Options: [][]tl.Option{{{Train: train, Phase: phase}}}, Budget: time.Hour, Spent: time.Second}, func(remote.Progress) {}))
	if s := plan.Steps[0]; s.Epochs != 3 ||
		!s.Cost.Measured || s.Cost.Compile != 0 || !(s.Cost.Epoch > 0) || !(s.Cost.Validate > 0) || !(s.Cost.Prefix >= 0) || !plan.Enough() {
		t.Errorf("%+v", plan)
	}
	if plan.Load <= 0 || plan.Measure <= 0 || plan.Spent < plan.Load+plan.Measure+time.Second {
		t.Errorf("the measuring is not in the ledger: %+v", plan)
	}
	if changed := moved(before, fingerprint(t, model)); changed != nil {
		t.Errorf("planning moved %v", changed)
	}
	if s := must[tl.Summary](t)(model.Summary(quiet())); slices.ContainsFunc(s.Blocks, func(b tl.Block) bool { return !b.Frozen && b.Name != "head" }) {
		t.Error("planning thawed a block")
	}
	compiled := registeredEngine.compiled.Load()
	h := must[tl.History](t)(model.Fit(quiet(), train, valid, phase))
	if n := registeredEngine.compiled.Load() - compiled; n != 0 || h.Time.Reused == 0 {
		t.Errorf("the phase compiled %d graphs, and found %d activations", n, h.Time.Reused)
	}
}

// TestEstimatesFollowTheWork: before anything is measured, deeper and more views cost more; what is cached costs nothing.
func TestEstimatesFollowTheWork(t *testing.T) {
	ownCache(t)
	train := figures.Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
	model := lite.WithHead("estimates", tl.Dense(3))
	trained := must[*trained](t)(registeredEngine.model(quiet(), model))
	defer trained.gate.Unlock()
	var options []tl.Option
	for _, o := range []struct {
		thaw  []string
		views int
	}{{[]string{"head"}, 1}, {[]string{"top"}, 1}, {[]string{"top", "mbconv16"}, 1}, {[]string{"top", "mbconv16"}, 4}, {[]string{"*"}, 1}} {
		d := train
		d.Augmentation.V = o.views
		options = append(options, tl.Option{Train: d, Phase: tl.Phase{Epochs: 1, LearningRate: 1, Thaw: o.thaw}})
	}
	p := &planning{ctx: quiet(), engine: registeredEngine, model: trained, frozen: trained.frozen, measured: map[int]bool{}, known: map[string]bool{},
		request: tl.PlanRequest{Options: [][]tl.Option{options}, Valid: figures.Take(8)}}
	if err := p.read(); err != nil {
		t.Fatal(err)
	}
	registeredEngine.speeds.mu.Lock()
	known := registeredEngine.speeds.seconds
	registeredEngine.speeds.seconds = nil
	registeredEngine.speeds.mu.Unlock()
	defer func() { registeredEngine.speeds.seconds = known }()
	costs := must[[][]tl.Cost](t)(p.costs())[0]
	for i := 1; i < 3; i++ {
		if costs[i].Epoch <= costs[i-1].Epoch ||
			costs[i].Validate <= costs[i-1].Validate || costs[i].Compile <= costs[i-1].Compile || costs[i].Prefix >= costs[i-1].Prefix {
			t.Errorf("option %d costs %+v, option %d %+v", i, costs[i], i-1, costs[i-1])
		}
	}
	if ratio := costs[3].Prefix / costs[2].Prefix; ratio < 2 || ratio > 4 || costs[3].Epoch != costs[2].Epoch {
		t.Errorf("four views cost %+v, the plain image %+v", costs[3], costs[2])
	}
	if costs[4].Prefix > 0.1 || costs[4].Epoch < 5*costs[2].Epoch {
		t.Errorf("the whole network costs %+v", costs[4])
	}
	must[tl.Representation](t)(lite.Represent(quiet(), figures))
	if after := must[[][]tl.Cost](t)(p.costs())[0]; after[0].Prefix != 0 || after[3].Prefix <= 0 {
		t.Errorf("with the representations there: %+v", after)
	}
}

// TestRunWithin is the real thing on a small task: the wall clock, with a tolerance for a machine that does other things, too.
func TestRunWithin(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as its budget")
	}
	ownCache(t)
	train, valid := figures.Split(0.75, 1)
	model := lite.WithHead("within a budget", tl.Dense(3))
	procedure := tl.FineTune(tl.Tuning{Unfreeze: tl.ThawTop(1)})
	procedure.Steps[1].Choices, procedure.Steps[1].Most = nil, 1e6
	for budget := 10 * time.Second; ; budget *= 2 {
		must[bool](t)(model.Reset(quiet()))
		begun := time.Now()
		o, err := model.Run(quiet(), train, valid, procedure.Within(budget))
		slow := err != nil && strings.Contains(err.Error(), "is not enough") || err == nil && len(o.Notes) > 0
		if slow && budget < time.Minute {
			continue // the machine has other things to do
		}
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun)
		if off := took - budget; off > budget*15/100+2*time.Second || off < -budget*15/100-2*time.Second {
			t.Errorf("%s of %s\n%s", took, budget, o)
		}
		if n := len(o.Histories); n != 2 || len(o.Histories[1].Epochs) < 2 || !strings.Contains(o.String(), "fine-tune") {
			t.Errorf("%d phases\n%s", n, o)
		}
		return
	}
}

// TestRunStopped: the outcome so far comes with the error, and running again goes on from there.
func TestRunStopped(t *testing.T) {
	ownCache(t)
	model := lite.WithHead("run stopped", tl.Dense(3))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	epochs := 0
	ctx = tl.WithReport(ctx, func(p remote.Progress) {
		if p.Finished {
			if epochs++; epochs == 3 {
				cancel()
			}
		}
	})
	procedure := tl.Extract(tl.Tuning{HeadEpochs: 1000})
	o, err := model.Run(ctx, figures, none, procedure)
	if err == nil || len(o.Histories) != 1 || len(o.Histories[0].Epochs) != 3 || !o.Histories[0].Stopped {
		t.Errorf("%v\n%s", err, o)
	}
	if o, err = model.Run(quiet(), figures, none, tl.Extract(tl.Tuning{HeadEpochs: 1})); err != nil || o.Histories[0].Epochs[0].Loss >= 1.2 {
		t.Errorf("running again does not go on: %v\n%s", err, o)
	}
	if len(o.Summary.Blocks) != 19 {
		t.Errorf("%d blocks in the summary", len(o.Summary.Blocks))
	}
}

// TestRunOverASocket: procedures, plans and curves are data, so that a notebook's cells have them, too.
func TestRunOverASocket(t *testing.T) {
	ownCache(t)
	socket := filepath.Join(t.TempDir(), "engine.sock")
	ctx, cancel := context.WithCancel(quiet())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, socket, Options{}) }()
	for range 500 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	tl.Register(remote.Client{Socket: socket})
	defer tl.Register(registeredEngine)
	model := threeStages.WithHead("socket", tl.Dense(3))
	procedure := tl.Gradual(tl.Tuning{HeadEpochs: 1, Epochs: 1, Unfreeze: tl.ThawStages(1)}).Within(5 * time.Minute)
	procedure.Steps[1].Phase.Rates = map[string]float64{"three": 1e-4}
	o := must[tl.Outcome](t)(model.Run(quiet(), figures, none, procedure))
	if len(o.Histories) != 2 || len(o.Plans) != 2 || o.Histories[1].Rates["three"] != 1e-4 || !o.Plans[1].Enough() || o.Seconds >= 300 {
		t.Errorf("%s", o)
	}
	curve := must[tl.RateCurve](t)(model.FindRate(quiet(), figures, tl.RateSearch{Steps: 12}))
	if len(curve.Rates) == 0 || len(curve.Smoothed) != len(curve.Rates) {
		t.Errorf("%+v", curve)
	}
	if _, err := model.FindRate(quiet(), figures, tl.RateSearch{Steps: 1}); err == nil || !strings.Contains(err.Error(), `tl: find rate "socket"`) {
		t.Errorf("error %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
}
