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
	schedule, err := gx.ScheduleByName(u.phase.Schedule)
	if err != nil {
		return err
	}
	random := rand.New(u.source)
	c := course{per: (u.sampler.size() + u.step.batch - 1) / u.step.batch, schedule: schedule, start: time.Now()}
	c.total = c.per * u.phase.Epochs
	defer func() { u.history.Time.Train += time.Since(c.start) }()
	u.checkpoint(report)
	for epoch := len(u.history.Epochs); epoch < u.phase.Epochs; epoch++ { // one that is gone on with has some already
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
		report(remote.Progress{Stage: u.stage(epoch), Detail: epochText(e), Finished: true})
		if u.outOfPatience() {
			u.history.Early = epoch+1 < u.phase.Epochs
			break
		}
	}
	return nil
}

// course is what the epochs of a phase share.
type course struct {
	per, total int // steps of an epoch, and of the phase
	schedule   gx.Schedule
	start      time.Time
}

func (u *run) stage(epoch int) string {
	return fmt.Sprintf("%s, epoch %d/%d", u.phase.Name, epoch+1, u.phase.Epochs)
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
		done := epoch*c.per + seen/u.step.batch
		loss, hits, err := u.oneStep(positions, random, c.schedule(done, c.total))
		if err != nil {
			return tl.Epoch{}, nil, err
		}
		lossSum, right, seen = lossSum+loss*float64(len(positions)), right+hits, seen+len(positions)
		took := time.Since(c.start)
		report(remote.Progress{Stage: u.stage(epoch), Done: int64(seen), Total: int64(len(order)),
			Detail: fmt.Sprintf("loss %.4f  accuracy %.3f  %.0f images/s", lossSum/float64(seen), right/float64(seen), float64(seen)/time.Since(begun).Seconds()) + u.step.detail(),
			Left:   time.Duration(float64(took) / float64(done+1) * float64(c.total-done-1))})
	}
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
