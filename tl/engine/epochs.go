package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"transferlab/tl"
	"transferlab/tl/gx"
	"transferlab/tl/remote"
)

// epochs runs the phase's epochs, saving what moved after each.
func (u *run) epochs(report func(remote.Progress)) error {
	schedule, err := scheduleOf(u.phase)
	if err != nil {
		return err
	}
	random := rand.New(u.source)
	c := course{schedule: schedule, start: time.Now()}
	defer func() { u.history.Time.Train += time.Since(c.start) }()
	if c.pace, err = u.newPace((u.sampler.size() + u.step.batch - 1) / u.step.batch); err != nil {
		return err
	}
	u.checkpoint(report)
	for epoch := len(u.history.Epochs); c.pace.more(); epoch++ { // one that is gone on with has some already
		e, moved, err := u.epoch(epoch, c, random, report)
		if err != nil {
			return err
		}
		u.history.Epochs = append(u.history.Epochs, e)
		u.save(newMoment(moved))
		if err := u.pause(); err != nil {
			return err
		}
		u.checkpoint(report)
		report(remote.Progress{Stage: u.stage(epoch, c.pace), Detail: epochText(e), Finished: true})
		if u.outOfPatience() {
			u.history.Early = c.pace.more()
			break
		}
	}
	return nil
}

// course is what the epochs of a phase share.
type course struct {
	pace     *pace
	schedule gx.Schedule
	start    time.Time
}

func (u *run) stage(epoch int, p *pace) string {
	return fmt.Sprintf("%s, epoch %d/%d", u.phase.Name, epoch+1, p.epochs)
}

// epoch runs one epoch. What it gives is finite, weights included.
func (u *run) epoch(epoch int, c course, random *rand.Rand, report func(remote.Progress)) (tl.Epoch, map[string]*value, error) {
	begun := time.Now()
	order := u.sampler.epoch(random)
	lossSum, right, seen := 0.0, 0.0, 0
	u.step.record = newRecord(len(u.step.groups))
	for positions := range slices.Chunk(order, u.step.batch) {
		if err := u.ctx.Err(); err != nil {
			return tl.Epoch{}, nil, err
		}
		step := time.Now()
		loss, hits, err := u.oneStep(positions, random, c.pace.factor(c.schedule))
		if err != nil {
			return tl.Epoch{}, nil, err
		}
		c.pace.stepped(time.Since(step))
		lossSum, right, seen = lossSum+loss*float64(len(positions)), right+hits, seen+len(positions)
		report(remote.Progress{Stage: u.stage(epoch, c.pace), Done: int64(seen), Total: int64(len(order)),
			Detail: fmt.Sprintf("loss %.4f  accuracy %.3f  %.0f images/s", lossSum/float64(seen), right/float64(seen), float64(seen)/time.Since(begun).Seconds()) + u.step.detail(),
			Left:   c.pace.remaining(time.Since(c.start))})
	}
	trained := time.Now()
	defer func() { c.pace.validated(time.Since(trained)) }()
	e := tl.Epoch{Loss: lossSum / float64(seen), Accuracy: right / float64(seen), ValidLoss: nan, ValidAccuracy: nan}
	e.ImagesPerSecond = float64(seen) / time.Since(begun).Seconds()
	moved, err := u.step.program.get(u.step.unfrozen)
	if err != nil {
		return e, nil, err
	}
	if block := notFinite(moved); block != "" {
		return e, nil, u.diverged(u.step.record.steps, fmt.Sprintf("the weights of block %s are no numbers after the last step", block), rateTooHigh)
	}
	e.Blocks = u.blocks(moved)
	if u.valid != nil {
		if e.ValidLoss, e.ValidAccuracy, err = u.validate(moved); err != nil {
			return e, nil, err
		}
		if !isFinite(e.ValidLoss) {
			return e, nil, u.diverged(0, fmt.Sprintf("the loss on valid is %g", e.ValidLoss), rateTooHigh)
		}
	}
	e.Seconds = time.Since(begun).Seconds()
	return e, moved, nil
}

func epochText(e tl.Epoch) string {
	text := fmt.Sprintf("loss %.4f  accuracy %.3f", e.Loss, e.Accuracy)
	if e.ValidLoss == e.ValidLoss {
		text += fmt.Sprintf("  valid loss %.4f  valid accuracy %.3f", e.ValidLoss, e.ValidAccuracy)
	}
	return text + fmt.Sprintf("  %.0f images/s", e.ImagesPerSecond)
}
