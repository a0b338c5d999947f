package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// trained is a model as it stands: weights, freeze state, histories.
type trained struct {
	gate        *gate
	used        usage
	bytes       atomic.Int64 // of what is not the base's own
	session     string
	forgotten   bool // whoever waited for the gate must look for the model again
	description tl.Model
	base        *base
	logits      int
	values      map[string]*value // every variable of base and head, by path
	head        map[string]*value // the head's first ones
	frozen      map[string]bool   // by block of the base; the head never is
	rates       map[string]float64
	histories   []tl.History
	epochs      []*moment // after each epoch of the last phase
	rest        *moment   // what the last checkpoint named below the epoch
	kept        bool      // whether its checkpoint was looked for
	journal     journal
	stopped     *stoppedPhase // what the last phase goes on from where it was stopped; else nil
}

// model finds the model of that description or creates it: the base's weights, a new head, every block of the base frozen. It comes locked.
func (e *Engine) model(ctx context.Context, m tl.Model) (*trained, error) {
	if m.Name == "" {
		return nil, fmt.Errorf("a model needs a name: base.WithHead(\"cells\", …)")
	}
	b, err := e.baseOf(ctx, m)
	if err != nil {
		return nil, err
	}
	key, err := modelKey(remote.SessionOf(ctx), m)
	if err != nil {
		return nil, err
	}
	shape := b.outputShape(len(b.Blocks))
	if len(shape) != 1 {
		return nil, fmt.Errorf("engine: the representation of %s has shape %v, a head wants one axis", b.Name, shape)
	}
	head, logits, err := newHead(m.Head, shape[0], m.Seed)
	if err != nil {
		return nil, err
	}
	for {
		e.mu.Lock()
		t := e.models[key]
		if t == nil {
			t = newTrained(m, b, head, logits)
			t.session = remote.SessionOf(ctx)
			if b.saved != nil {
				b.saved.into(t)
				b.saved = nil
			}
			e.models[key] = t
		}
		t.used.touch(ctx)
		e.mu.Unlock()
		if err := t.gate.enter(ctx, fmt.Sprintf("the model %q", m.Name)); err != nil {
			return nil, err
		}
		if !t.forgotten {
			e.recall(ctx, key, t)
			return t, nil
		}
		t.gate.Unlock()
	}
}

// recall brings a model back that an engine before this one kept. Call it with the model's gate.
func (e *Engine) recall(ctx context.Context, key string, t *trained) {
	if e.state == nil || t.kept {
		return
	}
	t.kept = true
	if err := t.restore(e.state.folder(key)); err != nil {
		callOf(ctx).report(remote.Progress{Stage: fmt.Sprintf("the checkpoint of the model %q is of no use, the model starts over: %s", t.description.Name, firstLine(err.Error())), Finished: true})
	}
}

func newTrained(m tl.Model, b *base, head map[string]*value, logits int) *trained {
	t := &trained{gate: newGate(), description: m, base: b, logits: logits, values: maps.Clone(head), head: head, frozen: map[string]bool{}}
	for i, block := range b.Blocks {
		maps.Copy(t.values, ofBlocks(b, b.values, i, i+1))
		t.frozen[block.Name] = true
	}
	t.weigh(nil)
	return t
}

// weigh counts the bytes of the values that are not the base's own, those of a phase that runs included.
func (t *trained) weigh(running []*moment) {
	seen, bytes := map[*value]bool{}, int64(0)
	for _, m := range slices.Concat([]*moment{{values: t.values}}, t.epochs, running) {
		if m == nil {
			continue
		}
		for path, v := range m.values {
			if !seen[v] && t.base.values[path] != v {
				seen[v] = true
				bytes += v.bytes()
			}
		}
	}
	if t.description.Origin != (tl.Origin{}) {
		bytes += t.base.bytes.Load() // an opened model has its base to itself
	}
	t.bytes.Store(bytes)
}

// isBare tells whether a request is for the base alone.
func isBare(m tl.Model) bool { return m.Name == "" && len(m.Head) == 0 }

// modelKey is what makes two descriptions the same model.
func modelKey(session string, m tl.Model) (string, error) {
	text, err := json.Marshal(m)
	return session + "\x00" + string(text), err
}

// sameModel compares descriptions as modelKey does. What came over a socket or out of a file has nil where an empty list was.
func sameModel(a, b tl.Model) bool {
	keyA, errA := modelKey("", a)
	keyB, errB := modelKey("", b)
	return errA == nil && errB == nil && keyA == keyB
}

// source is where the model's frozen prefix comes from.
func (t *trained) source() source { return source{t.base, t.values} }

// prefix is the number of leading blocks that are frozen.
func (t *trained) prefix() int {
	for i, block := range t.base.Blocks {
		if !t.frozen[block.Name] {
			return i
		}
	}
	return len(t.base.Blocks)
}

func (t *trained) isFrozen(path string) bool { return t.frozen[blockOf(path)] }

// suffixValues are the variables behind the first n blocks, the head's included.
func (t *trained) suffixValues(n int) map[string]*value {
	picked := ofBlocks(t.base, t.values, n, len(t.base.Blocks))
	for path, v := range t.values {
		if blockOf(path) == headBlock {
			picked[path] = v
		}
	}
	return picked
}

func (e *Engine) histories(ctx context.Context, r tl.ModelRequest, _ func(remote.Progress)) ([]tl.History, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return nil, err
	}
	defer t.gate.Unlock()
	return append([]tl.History{}, t.histories...), nil
}

func (e *Engine) stepBack(ctx context.Context, r tl.StepBackRequest, _ func(remote.Progress)) (tl.History, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.History{}, err
	}
	defer t.gate.Unlock()
	m, err := t.epochAt(r.Epoch)
	if err != nil {
		return tl.History{}, err
	}
	maps.Copy(t.values, m.values)
	last := &t.histories[len(t.histories)-1]
	last.Kept, last.SteppedBack = r.Epoch, true
	e.keep(ctx, t)
	return *last, nil
}

func (e *Engine) reset(ctx context.Context, r tl.ModelRequest, _ func(remote.Progress)) (bool, error) {
	key, err := modelKey(remote.SessionOf(ctx), r.Model)
	if err != nil {
		return false, err
	}
	e.mu.Lock()
	t := e.models[key]
	if t != nil {
		t.used.touch(ctx)
	}
	e.mu.Unlock()
	if t == nil {
		found := e.state.has(key)
		e.state.forget(key)
		return found, nil
	}
	if err := t.gate.enter(ctx, fmt.Sprintf("the model %q", r.Model.Name)); err != nil {
		return false, err
	}
	defer t.gate.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.models[key] == t {
		e.forget(key, t)
	}
	return true, nil
}

// fingerprint gives the SHA-256 of every variable, in hex: equal exactly where the bits are.
func (e *Engine) fingerprint(ctx context.Context, r tl.ModelRequest, _ func(remote.Progress)) (map[string]string, error) {
	values := map[string]*value{}
	if isBare(r.Model) {
		b, err := e.base(ctx, r.Model.Base)
		if err != nil {
			return nil, err
		}
		values = b.values
	} else {
		t, err := e.model(ctx, r.Model)
		if err != nil {
			return nil, err
		}
		defer t.gate.Unlock()
		values = t.values
	}
	prints := map[string]string{}
	for path, v := range values {
		prints[path] = fmt.Sprintf("%x", v.sum())
	}
	return prints, nil
}

// stageRates gives each unfrozen block and the head its learning rate: the head the phase's, each stage towards the input RateDecay times
// the one before; rates by name win.
func (t *trained) stageRates(p tl.Phase) (map[string]float64, error) {
	rates := map[string]float64{headBlock: p.LearningRate}
	rate, stage := p.LearningRate, ""
	for _, block := range slices.Backward(t.base.Blocks) {
		if block.Stage != stage {
			stage = block.Stage
			if p.RateDecay != 0 {
				rate *= p.RateDecay
			}
		}
		if !t.frozen[block.Name] {
			rates[block.Name] = rate
		}
	}
	for name, rate := range p.Rates {
		switch _, known := rates[name]; {
		case !known && t.frozen[name]:
			return nil, fmt.Errorf("phase %q: a rate for block %s, which is frozen: unfreeze it first", p.Name, name)
		case !known:
			return nil, fmt.Errorf("phase %q: a rate for a block: %w", p.Name, noSuch("block", name, append(t.base.blockNames(), headBlock)))
		case !(rate > 0) || math.IsInf(rate, 0):
			return nil, fmt.Errorf("phase %q: rate %g for block %s: a rate is above 0; freeze the block instead", p.Name, rate, name)
		}
		rates[name] = rate
	}
	return rates, nil
}

// inference is the mode of every block outside a training step.
func inference(string) zoo.Mode { return zoo.Mode{} }
