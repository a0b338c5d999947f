package engine

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

// What estimates begin with before anything was measured: 2 cores of 2024 with XLA, rounded up.
const (
	macsPerSecond   = 12e9 // of the forward pass, decoding included
	backward        = 3.0  // a training step takes so many forward passes …
	stepOverhead    = 2e-3 // … and seconds beside them
	compileGraph    = 0.6  // seconds for any graph …
	compileForward  = 0.35 // … for each block of the forward pass …
	compileTraining = 1.3  // … and for each block in a training step, in whose graph its gradients are
)

// costs are the estimates for every option, measured where they are.
func (p *planning) costs() ([][]tl.Cost, error) {
	var all [][]tl.Cost
	there := map[string]bool{} // rows that the steps before will have computed
	for i, options := range p.request.Options {
		var costs []tl.Cost
		var passed []string
		for j, o := range options {
			x, err := p.option(o)
			if err != nil {
				return nil, err
			}
			prefix, rows, err := p.prefix(x, there)
			if err != nil {
				return nil, err
			}
			c := p.estimate(x)
			c.Prefix = prefix
			c.Measured = i == 0 && p.measured[j]
			costs = append(costs, c)
			if j == 0 {
				passed = rows
			}
		}
		for _, rows := range passed {
			there[rows] = true
		}
		all = append(all, costs)
	}
	return all, nil
}

// estimate is what compiling, an epoch and its validation take.
func (p *planning) estimate(x option) tl.Cost {
	s := &p.engine.speeds
	work := p.image() * (1 - p.shares[x.cut])
	ratio, found := s.get("backward " + p.model.base.label)
	if !found {
		ratio = backward
	}
	step, found := s.get("step " + x.key)
	if !found {
		step = stepOverhead + ratio*work*float64(x.batch)
	}
	validate, found := s.get("validate " + x.key)
	if !found {
		validate = work + stepOverhead/float64(x.batch)
	}
	c := tl.Cost{Epoch: step * float64(x.steps), Validate: validate * float64(len(p.valid.hashes))}
	if _, compiled := s.get("step " + x.key); !compiled {
		c.Compile = compileGraph + compileTraining*float64(len(p.model.base.Blocks)-x.cut)
		if len(p.valid.hashes) > 0 {
			c.Compile += compileGraph + compileForward*float64(len(p.model.base.Blocks)-x.cut)
		}
	}
	return c
}

// image is what the forward pass takes for an image, in seconds.
func (p *planning) image() float64 {
	if seconds, found := p.engine.speeds.get("image " + p.model.base.label); found {
		return seconds
	}
	return float64(p.model.base.Summary().MACs()) / macsPerSecond
}

// prefix is what the frozen blocks take for the rows that are in no cache, and which rows are then there, by cut and view.
func (p *planning) prefix(x option, there map[string]bool) (seconds float64, passed []string, err error) {
	err = p.eachView(x, func(d rows, view int) error {
		rows, from, missing, err := p.missing(x.cut, d, view, there)
		if err != nil {
			return err
		}
		each, found := p.engine.speeds.get(prefixKey(p.model.base, from, x.cut))
		if !found {
			each = p.image() * (p.shares[x.cut] - p.shares[from])
			if missing > 0 && x.cut > 0 {
				seconds += compileGraph + compileForward*float64(x.cut-from) // once would do for all views, and is measured soon
			}
		}
		seconds += each * float64(missing)
		passed = append(passed, rows...)
		return nil
	})
	return seconds, passed, err
}

func prefixKey(b *base, from, to int) string {
	return fmt.Sprintf("prefix %s %d %d", b.label, from, to)
}

// eachView calls f for every view of train that the option has, and for valid.
func (p *planning) eachView(x option, f func(d rows, view int) error) error {
	for view := range x.Train.Augmentation.Views() {
		d := p.train
		d.Dataset = x.Train
		if err := f(d, view); err != nil {
			return err
		}
	}
	if len(p.valid.hashes) == 0 {
		return nil
	}
	return f(p.valid, 0)
}

// missing counts the rows of a view at a cut that are to be computed, and says from where; named are those rows, and the tap's, which are computed in
// passing.
func (p *planning) missing(cut int, d rows, view int, there map[string]bool) (named []string, from, missing int, err error) {
	s := p.model.source()
	name := func(n int) string {
		return fmt.Sprintf("%d %s %s", n, d.Dataset.Augment(datasets.Augmentation{}), d.Augmentation.Key(view))
	}
	count := func(n int) (int, error) {
		if there[name(n)] {
			return 0, nil
		}
		cache, err := p.engine.cacheFor(p.ctx, s, s.at(n), d.Augmentation.Key(view))
		if err != nil {
			return 0, err
		}
		return len(activations{cache: cache, hashes: d.hashes}.missing()), nil
	}
	if missing, err = count(cut); err != nil {
		return nil, 0, 0, err
	}
	named = []string{name(cut)}
	tap := s.tap()
	if tap == 0 || tap >= cut {
		return named, 0, missing, nil
	}
	if missing > 0 {
		if lacking, err := count(tap); err != nil || lacking == 0 {
			return named, tap, missing, err
		}
		named = append(named, name(tap))
	}
	return named, 0, missing, nil
}

// pieceImages is how many images the frozen blocks are measured with: enough for a steady figure, and a second or two.
const pieceImages = 3 * prefixBatch

// measure measures an option of the first step: the frozen blocks on a piece of what is missing, which stays in the cache, then a few training steps
// and a validation on a few rows. What is compiled for it is what the phase will use.
func (p *planning) measure(place int) error {
	x, err := p.option(p.request.Options[0][place])
	if err == nil {
		err = p.measurePrefix(x)
	}
	if err == nil {
		err = p.measureStep(x)
	}
	p.measured[place] = true
	return err
}

var errOnePiece = errors.New("one piece is enough")

func (p *planning) measurePrefix(x option) error {
	if x.cut == 0 {
		return nil
	}
	err := p.eachView(x, func(d rows, view int) error {
		_, from, missing, err := p.missing(x.cut, d, view, nil)
		if err != nil || missing <= fewImages { // for which another graph would be compiled
			return err
		}
		key := prefixKey(p.model.base, from, x.cut)
		if p.known[key] {
			return nil
		}
		p.known[key] = true
		s := p.model.source()
		cache, err := p.engine.cacheFor(p.ctx, s, s.at(x.cut), d.Augmentation.Key(view))
		if err != nil {
			return err
		}
		positions := activations{cache: cache, hashes: d.hashes}.missing()
		piece, err := hashed(p.ctx, d.Dataset.Rows(positions[:min(len(positions), pieceImages)]...))
		if err != nil {
			return err
		}
		_, took, err := p.engine.activations(p.ctx, s, x.cut, piece, view, p.report)
		if err != nil {
			return err
		}
		each := took.Prefix.Seconds() / float64(max(took.Computed, 1))
		p.engine.speeds.set(key, each)
		if share := p.shares[x.cut] - p.shares[from]; share > 0.2 {
			p.engine.speeds.set("image "+p.model.base.label, each/share)
		}
		return errOnePiece
	})
	if errors.Is(err, errOnePiece) {
		return nil
	}
	return err
}

// measureStep rehearses the phase on a few plain rows.
func (p *planning) measureStep(x option) error {
	if p.known[x.key] {
		return nil
	}
	p.known[x.key] = true
	t := p.model
	defer func(before map[string]bool) { t.frozen = before }(t.frozen)
	t.frozen = maps.Clone(p.frozen)
	r := tl.FitRequest{Model: p.request.Model, Phase: x.Phase}
	r.Phase.Within = 0
	var err error
	if r.Train, err = few(p.ctx, x.Train, 2*x.batch); err != nil {
		return err
	}
	if p.request.Valid.Source != "" {
		if r.Valid, err = few(p.ctx, p.request.Valid, 2*prefixBatch); err != nil {
			return err
		}
	}
	u, err := p.engine.readyRun(p.ctx, t, r, nil, p.report)
	if err != nil {
		return err
	}
	defer u.release()
	step, validate, err := u.rehearse()
	if err != nil {
		return err
	}
	p.learn(x, u, step, validate)
	return nil
}

// learn notes what a rehearsal took.
func (p *planning) learn(x option, u *run, step, validate time.Duration) {
	s := &p.engine.speeds
	s.set("step "+x.key, step.Seconds())
	if u.valid != nil {
		s.set("validate "+x.key, validate.Seconds()/float64(len(u.vLabels)))
	}
	if work := p.image() * (1 - p.shares[x.cut]) * float64(x.batch); work > stepOverhead {
		s.set("backward "+p.model.base.label, (step.Seconds()-stepOverhead)/work)
	}
}
