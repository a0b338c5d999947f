package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/gx"
	"transferlab/tl/remote"
)

const defaultBatch = 32

// fit runs one phase; see tl.Model.Fit.
func (e *Engine) fit(ctx context.Context, r tl.FitRequest, report func(remote.Progress)) (tl.History, error) {
	start := time.Now()
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.History{}, err
	}
	defer t.gate.Unlock()
	run, err := e.newRun(ctx, t, r, report)
	if err != nil {
		return tl.History{}, err
	}
	if err := run.prepare(report); err != nil {
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
	history.Time.Total = time.Since(start)
	t.histories = append(t.histories, history)
	e.keep(ctx, t)
	callOf(ctx).stopped("stopped in epoch %d; %s", len(history.Epochs)+1, history.Standing())
	return history, ended
}

// run is one phase while it lasts.
type run struct {
	ctx     context.Context
	engine  *Engine
	model   *trained
	phase   tl.Phase
	rates   map[string]float64
	cut     int
	views   []activations // of the training rows, one for each view
	valid   *activations
	labels  []int
	vLabels []int
	before  map[string][32]byte // frozen tensors before the phase
	step    *stepper
	history tl.History
	saved   []*moment
}

func (e *Engine) newRun(ctx context.Context, t *trained, r tl.FitRequest, report func(remote.Progress)) (*run, error) {
	p := r.Phase
	if p.Name == "" {
		p.Name = fmt.Sprintf("phase %d", len(t.histories)+1)
	}
	if p.BatchSize == 0 {
		p.BatchSize = defaultBatch
	}
	if err := checkPhase(p); err != nil {
		return nil, err
	}
	u := &run{ctx: ctx, engine: e, model: t, phase: p, before: map[string][32]byte{}}
	var err error
	if u.rates, err = t.stageRates(p); err != nil {
		return nil, err
	}
	if u.labels, err = t.labels(ctx, "train", r.Train); err != nil {
		return nil, err
	}
	hasValid := r.Valid.Source != ""
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

func checkPhase(p tl.Phase) error {
	_, schedule := gx.ScheduleByName(p.Schedule)
	problem := ""
	switch {
	case p.Epochs < 1:
		problem = fmt.Sprintf("Epochs is %d: at least 1", p.Epochs)
	case p.LearningRate == 0:
		problem = "LearningRate is 0: give one above 0, and freeze what must not move"
	case !(p.LearningRate > 0) || math.IsInf(p.LearningRate, 0):
		problem = fmt.Sprintf("LearningRate is %g: a number above 0", p.LearningRate)
	case !(p.RateDecay >= 0 && p.RateDecay <= 1):
		problem = fmt.Sprintf("RateDecay is %g: above 0 and at most 1, or 0 for one rate for all", p.RateDecay)
	case p.BatchSize < 1:
		problem = fmt.Sprintf("BatchSize is %d: at least 1, or 0 for %d", p.BatchSize, defaultBatch)
	case !(p.WeightDecay >= 0):
		problem = fmt.Sprintf("WeightDecay is %g: 0 or more", p.WeightDecay)
	case !(p.LabelSmoothing >= 0 && p.LabelSmoothing < 1):
		problem = fmt.Sprintf("LabelSmoothing is %g: at least 0 and below 1", p.LabelSmoothing)
	case !slices.Contains([]string{"", "adam", "sgd"}, p.Optimizer):
		problem = fmt.Sprintf("no optimizer %q (have adam, sgd)", p.Optimizer)
	case schedule != nil:
		problem = schedule.Error()
	case !slices.Contains([]tl.BatchNormPolicy{tl.BatchNormFrozen, tl.BatchNormAverages, tl.BatchNormTrained}, p.BatchNorm):
		problem = fmt.Sprintf("no batch-norm policy %q (have \"\", \"averages\", \"trained\")", p.BatchNorm)
	case len(p.Thaw) > 0, p.Momentum != 0, p.ClipNorm != 0, p.Anchor != 0, p.AnchorHead != 0, p.ClassWeights != nil, p.Balance != "", p.Patience != 0, p.Precision != "", p.Within != 0, p.WarmUp != 0, p.StartDivisor != 0:
		problem = "Thaw, Momentum, ClipNorm, Anchor, ClassWeights, Balance, Patience, Precision, Within, WarmUp and StartDivisor are being built"
	default:
		return nil
	}
	return fmt.Errorf("phase %q: %s", p.Name, problem)
}

// errDiverged ends a phase whose loss is no number any more.
var errDiverged = errors.New("the loss is not a number: the learning rate is too high; the model is as of the last finished epoch")

// finish chooses the epoch that stands, restores it and proves that frozen held.
func (u *run) finish(stopped bool) (tl.History, error) {
	h := &u.history
	h.Stopped = stopped
	h.Kept = len(h.Epochs)
	if u.valid != nil && !u.phase.KeepLast && !stopped {
		for i, epoch := range h.Epochs {
			if epoch.ValidLoss < h.Epochs[h.Kept-1].ValidLoss {
				h.Kept = i + 1
			}
		}
	}
	u.model.epochs = u.saved
	u.model.rates = u.rates
	if h.Kept > 0 {
		maps.Copy(u.model.values, u.saved[h.Kept-1].values)
	}
	u.model.weigh(nil)
	return *h, u.prove()
}

// prove compares every frozen tensor with what it was, bit for bit. Those that stood in the training graph are read back from it.
func (u *run) prove() error {
	proof := tl.FreezeProof{Tensors: len(u.before), InGraph: u.cut < u.model.prefix()}
	if n := u.model.prefix(); n > 0 {
		proof.UpToBlock = u.model.base.Blocks[n-1].Name
	}
	var inGraph []string
	for path := range u.before {
		if u.step.program.store.GetVariable(path) != nil {
			inGraph = append(inGraph, path)
		}
	}
	after, err := u.step.program.get(inGraph)
	if err != nil {
		return err
	}
	for path, sum := range u.before {
		now := u.model.values[path]
		if read := after[path]; read != nil {
			now = read
		}
		if now.sum() != sum {
			proof.Moved = append(proof.Moved, path)
		}
	}
	slices.Sort(proof.Moved)
	u.history.Proof = proof
	return nil
}
