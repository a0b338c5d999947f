package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// fastai's defaults of lr_find, and its fewest steps.
const (
	searchFrom, searchTo   = 1e-7, 10
	searchSteps, fewestSet = 100, 6
)

// findRate runs training steps at growing rates and forgets them; see tl.Model.FindRate. What a step changes are the variables of the compiled
// graph, which the next phase sets anew: the model itself is only read, but for the blocks that the phase thaws.
func (e *Engine) findRate(ctx context.Context, r tl.FindRateRequest, report func(remote.Progress)) (tl.RateCurve, error) {
	start := time.Now()
	rates, err := searchRates(r.Search)
	if err != nil {
		return tl.RateCurve{}, err
	}
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.RateCurve{}, err
	}
	defer t.gate.Unlock()
	frozen := maps.Clone(t.frozen)
	defer func() { t.frozen = frozen }()
	p := r.Search.Phase
	p.Name, p.Epochs, p.Schedule, p.WarmUp, p.StartDivisor, p.Within, p.Patience = or(p.Name, "find rate"), 1, "", 0, 0, 0, 0
	p = relative(p)
	u, err := e.readyRun(ctx, t, tl.FitRequest{Model: r.Model, Train: r.Train, Phase: p}, nil, report)
	if err != nil {
		return tl.RateCurve{}, err
	}
	defer u.release()
	curve, err := u.search(rates, report)
	curve.Model, curve.Time = t.description.Name, u.history.Time
	curve.Time.Total = time.Since(start)
	return curve, err
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// relative is the phase with a rate of 1 at the head; rates by name keep what they are to it.
func relative(p tl.Phase) tl.Phase {
	rates := maps.Clone(p.Rates)
	if p.LearningRate > 0 {
		for block := range rates {
			rates[block] /= p.LearningRate
		}
	}
	p.LearningRate, p.Rates = 1, rates
	return p
}

// searchRates are the rates of the steps, from the first to the last in equal ratios.
func searchRates(s tl.RateSearch) ([]float64, error) {
	from, to, steps := s.From, s.To, s.Steps
	if from == 0 {
		from = searchFrom
	}
	if to == 0 {
		to = searchTo
	}
	if steps == 0 {
		steps = searchSteps
	}
	switch {
	case !(from > 0 && from < to) || math.IsInf(to, 0):
		return nil, fmt.Errorf("rates from %g to %g: from a small one above 0 to a larger one, as 1e-7 to 10", from, to)
	case steps < fewestSet:
		return nil, fmt.Errorf("%d steps: at least %d, or 0 for %d", steps, fewestSet, searchSteps)
	}
	rates := make([]float64, steps)
	for i := range rates {
		rates[i] = from * math.Pow(to/from, float64(i)/float64(steps-1))
	}
	return rates, nil
}

// search takes the steps until the loss explodes. Epochs follow each other until all are taken.
func (u *run) search(rates []float64, report func(remote.Progress)) (tl.RateCurve, error) {
	var curve tl.RateCurve
	random := rand.New(u.source)
	clock := newClock("find a rate for " + u.model.description.Name)
	begun := time.Now()
	defer func() { u.history.Time.Train = time.Since(begun) }()
	for len(curve.Rates) < len(rates) {
		for positions := range slices.Chunk(u.sampler.epoch(random), u.step.batch) {
			if err := u.ctx.Err(); err != nil {
				callOf(u.ctx).stopped("stopped at step %d; the model is as before", len(curve.Rates)+1)
				return curve, err
			}
			rate := rates[len(curve.Rates)]
			loss, _, err := u.oneStep(positions, random, rate)
			if errors.Is(err, errDiverged) {
				err, loss = nil, math.NaN()
			}
			if err != nil {
				return curve, err
			}
			more := curve.Add(rate, loss)
			progress := clock.tick(1, len(rates), "steps/s")
			progress.Detail = fmt.Sprintf("rate %.1e  loss %.4f", rate, loss)
			report(progress)
			if !more || len(curve.Rates) == len(rates) {
				curve.Suggest(len(rates))
				return curve, nil
			}
		}
	}
	return curve, nil
}
