package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

const (
	defaultBatch = 32
	adamwDecay   = 0.01
)

// fit runs one phase; see tl.Model.Fit.
func (e *Engine) fit(ctx context.Context, r tl.FitRequest, report func(remote.Progress)) (tl.History, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.History{}, err
	}
	defer t.gate.Unlock()
	return e.runPhase(ctx, t, r, nil, report)
}

// runPhase runs a phase, or goes on with one that was stopped before. Call it with the model's gate.
func (e *Engine) runPhase(ctx context.Context, t *trained, r tl.FitRequest, before *continuation, report func(remote.Progress)) (tl.History, error) {
	start := time.Now()
	run, err := e.readyRun(ctx, t, r, before, report)
	if err != nil {
		return tl.History{}, err
	}
	defer run.release()
	ended := run.epochs(report)
	stopped := ended != nil && (ctx.Err() != nil || errors.Is(ended, errDiverged))
	if ended != nil && !stopped {
		return tl.History{}, ended
	}
	history, err := run.finish(stopped)
	if err != nil {
		return tl.History{}, err
	}
	history.Time.Total += time.Since(start)
	t.histories = append(t.histories, history)
	run.note(stopped)
	e.keep(ctx, t)
	callOf(ctx).stopped("stopped in epoch %d; %s", len(history.Epochs)+1, history.Standing())
	return history, ended
}

// readyRun makes a run whose step is compiled. What the phase thaws is frozen again where that fails. Release it.
func (e *Engine) readyRun(ctx context.Context, t *trained, r tl.FitRequest, before *continuation, report func(remote.Progress)) (*run, error) {
	frozen := maps.Clone(t.frozen)
	run, err := e.newRun(ctx, t, r, report)
	if err == nil {
		err = run.describe(r.Train, r.Valid)
	}
	if err == nil {
		err = run.goOn(before)
	}
	if err == nil {
		err = run.prepare(report)
	}
	if err != nil {
		t.frozen = frozen
		return nil, err
	}
	return run, nil
}

// run is one phase while it lasts. Nothing of the model changes before finish, but for the blocks that the phase thaws.
type run struct {
	ctx     context.Context
	engine  *Engine
	model   *trained
	begun   time.Time
	phase   tl.Phase
	rates   map[string]float64
	cut     int
	views   []activations // of the training rows, one for each view
	valid   *activations
	labels  []int
	vLabels []int
	sampler sampler
	before  map[string][32]byte // frozen tensors before the phase
	step    *stepper
	history tl.History
	saved   []*moment     // after each epoch; nil for those that there is no room for
	entry   phaseEntry    // for the receipt
	source  *rand.PCG     // of the order of rows and of their views
	paused  *stoppedPhase // at the end of the last finished epoch
}

func (e *Engine) newRun(ctx context.Context, t *trained, r tl.FitRequest, report func(remote.Progress)) (*run, error) {
	p := r.Phase
	if p.Name == "" {
		p.Name = fmt.Sprintf("phase %d", len(t.histories)+1)
	}
	if p.BatchSize == 0 {
		p.BatchSize = defaultBatch
	}
	if p.Optimizer == "adamw" && p.WeightDecay == 0 {
		p.WeightDecay = adamwDecay
	}
	hasValid := r.Valid.Source != ""
	if err := checkPhase(p, hasValid); err != nil {
		return nil, err
	}
	if err := t.thaw(p); err != nil {
		return nil, err
	}
	u := &run{ctx: ctx, engine: e, model: t, begun: time.Now(), phase: p, source: t.newSource(), before: map[string][32]byte{}}
	var err error
	if u.rates, err = t.stageRates(p); err != nil {
		return nil, err
	}
	if u.labels, err = t.labels(ctx, "train", r.Train); err != nil {
		return nil, err
	}
	if u.sampler, err = newSampler(p, u.labels, t.logits); err != nil {
		return nil, err
	}
	if hasValid {
		if u.vLabels, err = t.labels(ctx, "valid", r.Valid); err != nil {
			return nil, err
		}
	}
	for path, v := range t.values {
		if t.isFrozen(path) {
			u.before[path] = v.sum()
		}
	}
	if u.cut = t.prefix(); p.NoCache || p.BatchNorm != tl.BatchNormFrozen {
		u.cut = 0 // frozen blocks stand in the training graph
	}
	u.history = tl.History{Model: r.Model.Name, Phase: p, Rates: u.rates, Valid: hasValid, Batch: p.BatchSize, Rows: len(u.labels)}
	return u, u.activate(r.Train, r.Valid, report)
}

// activate computes what enters the training graph: activations behind the frozen prefix, or the decoded images.
func (u *run) activate(train, valid datasets.Dataset, report func(remote.Progress)) error {
	data, err := hashed(u.ctx, train)
	if err != nil {
		return err
	}
	for view := range train.Augmentation.Views() {
		a, t, err := u.engine.activations(u.ctx, u.model.source(), u.cut, data, view, report)
		if err != nil {
			return err
		}
		u.addTiming(t)
		u.views = append(u.views, a)
	}
	if u.history.Valid {
		if data, err = hashed(u.ctx, valid); err != nil {
			return err
		}
		a, t, err := u.engine.activations(u.ctx, u.model.source(), u.cut, data, 0, report)
		if err != nil {
			return err
		}
		u.addTiming(t)
		u.valid = &a
	}
	return nil
}

func (u *run) addTiming(t tl.Timing) {
	sum := &u.history.Time
	sum.Prefix += t.Prefix
	sum.Compile += t.Compile
	sum.Computed += t.Computed
	sum.Reused += t.Reused
}

// labels reads the labels of d and checks them against the head.
func (t *trained) labels(ctx context.Context, role string, d datasets.Dataset) ([]int, error) {
	labels, err := d.Labels(ctx)
	if err != nil {
		return nil, err
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%s has no rows: %s", role, d)
	}
	if highest := slices.Max(labels); highest >= t.logits {
		return nil, fmt.Errorf("%s has class %d, but the head gives %d logits: end it in tl.Dense(%d) or more", role, highest, t.logits, highest+1)
	}
	return labels, nil
}
