package engine

import (
	"errors"
	"math/rand/v2"
	"time"
)

// rehearsed is how many steps are taken, and forgotten, to measure what one takes; one more goes before them, which is slower.
const rehearsed = 3

// newPace is the pace of the phase whose epochs have so many steps. Where it has a limit a few steps are measured first.
func (u *run) newPace(steps int) (*pace, error) {
	done := len(u.history.Epochs)
	if u.phase.Within == 0 {
		return newPace(u.phase.Epochs, done, steps, nil, 0, 0), nil
	}
	step, validate, err := u.rehearse()
	if err != nil {
		return nil, err
	}
	left := func() time.Duration { return u.phase.Within - time.Since(u.begun) }
	p := newPace(u.phase.Epochs, done, steps, left, step, validate)
	p.atLeastOne(u.phase.Within)
	return p, nil
}

// rehearse measures what a step takes, and what follows the last step of an epoch, and puts everything back: the step's weights, the optimizer's
// state and what is random are as loaded.
func (u *run) rehearse() (step, validate time.Duration, err error) {
	random := rand.New(rand.NewPCG(0, 0))
	order := u.sampler.epoch(random)
	u.step.record = newRecord(len(u.step.groups))
	var begun time.Time
	for i := range rehearsed + 1 {
		if i == 1 {
			begun = time.Now()
		}
		if err := u.ctx.Err(); err != nil {
			return 0, 0, err
		}
		from := i * u.step.batch % max(len(order)-u.step.batch+1, 1)
		// At a rate of nothing the weights stay what they are: a phase that diverges shall do so in its own steps.
		if _, _, err := u.oneStep(order[from:min(from+u.step.batch, len(order))], random, 0); err != nil && !errors.Is(err, errDiverged) {
			return 0, 0, err
		}
	}
	step = time.Since(begun) / rehearsed
	begun = time.Now()
	moved, err := u.step.program.get(u.step.unfrozen)
	if err == nil && u.valid != nil {
		before := u.history.Time.Compile
		_, _, err = u.validate(moved)
		begun = begun.Add(u.history.Time.Compile - before)
	}
	validate = time.Since(begun)
	if err != nil {
		return 0, 0, err
	}
	u.step.unfrozen = nil
	return step, validate, u.loadStep()
}
