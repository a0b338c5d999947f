package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// plan measures what it must and spends what is left of a budget; see tl.PlanRequest. Costs are first estimated from what is known, then the choice that
// the plan makes for its first step is measured, until the plan stands on a measured one.
func (e *Engine) plan(ctx context.Context, r tl.PlanRequest, report func(remote.Progress)) (tl.Plan, error) {
	start := time.Now()
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Plan{}, err
	}
	defer t.gate.Unlock()
	frozen := maps.Clone(t.frozen)
	defer func() { t.frozen = frozen }()
	if len(r.Steps) == 0 || len(r.Options) != len(r.Steps) {
		return tl.Plan{}, fmt.Errorf("a plan needs steps, and the options of each")
	}
	p := &planning{ctx: ctx, engine: e, model: t, request: r, frozen: frozen, report: report, measured: map[int]bool{}, known: map[string]bool{}}
	if err := p.read(); err != nil {
		return tl.Plan{}, err
	}
	loaded := time.Now()
	for {
		costs, err := p.costs()
		if err != nil {
			return tl.Plan{}, err
		}
		now := time.Now()
		plan, refused := r.Plan(costs, r.Spent+now.Sub(start))
		plan.Load, plan.Measure = loaded.Sub(start), now.Sub(loaded)
		place := cheapestOf(costs[0]) // what a refusal is about
		if refused == nil {
			if plan.Steps[0].Epochs == 0 {
				return plan, nil
			}
			place = plan.Steps[0].Place
		}
		if p.measured[place] {
			return plan, refused
		}
		if err := p.measure(place); err != nil {
			return tl.Plan{}, err
		}
	}
}

func cheapestOf(costs []tl.Cost) int {
	best, seconds := 0, 0.0
	for i, c := range costs {
		if total := c.Prefix + c.Compile + c.Epoch + c.Validate; i == 0 || total < seconds {
			best, seconds = i, total
		}
	}
	return best
}

// speeds is what an engine measured, in seconds, by what was done. It lasts as long as the engine: estimates begin with it.
type speeds struct {
	mu      sync.Mutex
	seconds map[string]float64
}

func (s *speeds) set(key string, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seconds == nil {
		s.seconds = map[string]float64{}
	}
	s.seconds[key] = seconds
}

func (s *speeds) get(key string) (float64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seconds, found := s.seconds[key]
	return seconds, found
}

// planning is a plan while it is made.
type planning struct {
	ctx      context.Context
	engine   *Engine
	model    *trained
	request  tl.PlanRequest
	frozen   map[string]bool // of the model, before the plan
	report   func(remote.Progress)
	train    rows // of all options: they differ in the number of views
	labels   []int
	valid    rows
	shares   []float64       // of the multiply-accumulates in the first n blocks
	measured map[int]bool    // options of the first step
	known    map[string]bool // speeds that were measured for this plan
}

// read lists the data and counts the network's work.
func (p *planning) read() (err error) {
	train := p.request.Options[0][0].Train
	if p.train, err = hashed(p.ctx, train); err != nil {
		return err
	}
	if p.labels, err = p.model.labels(p.ctx, "train", train); err != nil {
		return err
	}
	if p.request.Valid.Source != "" {
		if p.valid, err = hashed(p.ctx, p.request.Valid); err != nil {
			return err
		}
	}
	p.shares = shares(p.model.base.Summary())
	return nil
}

// shares are the shares of a network's multiply-accumulates in its first n blocks, for each n.
func shares(s tl.Summary) []float64 {
	list := []float64{0}
	done, all := 0.0, max(float64(s.MACs()), 1)
	for _, b := range s.Blocks {
		done += float64(b.MACs)
		list = append(list, done/all)
	}
	return list
}

// option is an option of a step as the engine sees it.
type option struct {
	tl.Option
	cut   int
	open  int // unfrozen blocks
	batch int
	steps int // of an epoch
	key   string
}

// option works an option out: what is frozen under it, and so where its activations are cut.
func (p *planning) option(o tl.Option) (option, error) {
	t := p.model
	defer func(before map[string]bool) { t.frozen = before }(t.frozen)
	t.frozen = maps.Clone(p.frozen)
	if err := t.thaw(o.Phase); err != nil {
		return option{}, err
	}
	x := option{Option: o, cut: t.prefix(), batch: o.Phase.BatchSize}
	if o.Phase.NoCache || o.Phase.BatchNorm != tl.BatchNormFrozen {
		x.cut = 0
	}
	for _, frozen := range t.frozen {
		if !frozen {
			x.open++
		}
	}
	if x.batch == 0 {
		x.batch = defaultBatch
	}
	sampler, err := newSampler(o.Phase, p.labels, t.logits)
	if err != nil {
		return x, err
	}
	x.steps = (sampler.size() + x.batch - 1) / x.batch
	x.key = fmt.Sprintf("%s %d %v %d %s %v", t.base.label, x.cut, t.base.frozenList(t.frozen), x.batch, optimizerKind(o.Phase), t.description.Head)
	return x, nil
}

// evenly are n of the rows of those labels, spread over all classes and over each class: every class has a row where n is as large as their number.
func evenly(labels []int, n int) []int {
	if n >= len(labels) {
		n = len(labels)
	}
	byClass := map[int][]int{}
	for row, label := range labels {
		byClass[label] = append(byClass[label], row)
	}
	classes := slices.Sorted(maps.Keys(byClass))
	var picked []int
	for turn := 0; len(picked) < n; turn++ {
		for _, class := range classes {
			if rows := byClass[class]; turn < len(rows) && len(picked) < n {
				picked = append(picked, rows[turn])
			}
		}
	}
	slices.Sort(picked)
	return picked
}

// few is d with n of its rows, of all classes, plain.
func few(ctx context.Context, d datasets.Dataset, n int) (datasets.Dataset, error) {
	labels, err := d.Labels(ctx)
	if err != nil {
		return d, err
	}
	return d.Rows(evenly(labels, n)...).Augment(datasets.Augmentation{}), nil
}
