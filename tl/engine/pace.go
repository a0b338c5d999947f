package engine

import (
	"math"
	"time"

	"transferlab/tl"
	"transferlab/tl/gx"
)

// pace decides how many epochs a phase runs and where in its schedule each step stands. Without a limit both are fixed; with one it counts the
// epochs that fit, from the time that a step and a validation take, and again after each step. The schedule always ends with the last
// epoch: when their number changes, what is left of the schedule is spread over the steps that are left.
type pace struct {
	most  int // epochs
	steps int // of an epoch
	// left is the time until the phase must have ended; nil is no limit.
	left           func() time.Duration
	step, validate time.Duration // what each takes
	epochs         int           // as planned now
	done           int           // steps
	from           int           // steps done when the plan last changed …
	at             float64       // … and where in the schedule that was
}

// newPace plans a phase of so many epochs at most, of which some may be done.
func newPace(most, done, steps int, left func() time.Duration, step, validate time.Duration) *pace {
	p := &pace{most: most, steps: steps, left: left, step: step, validate: validate, epochs: most, done: done * steps}
	if left != nil {
		p.epochs = min(most, done+p.fit(left()))
	}
	return p
}

// cheap is the share of a limit that an epoch may take which is run though the limit is over: all that was prepared would be in vain.
const cheap = 0.1

// atLeastOne plans one epoch where none was, if it is cheap.
func (p *pace) atLeastOne(limit time.Duration) {
	if p.epochs == 0 && p.most > 0 && float64(p.epoch()) <= cheap*float64(limit) {
		p.epochs = 1
	}
}

// overrun is the share of an epoch that may stand over the limit: with it an epoch is begun that ends a little late, since without it the phase would end
// almost a whole epoch early.
const overrun = 0.35

// fit is how many epochs fit into the time.
func (p *pace) fit(left time.Duration) int {
	epoch := p.epoch()
	if epoch <= 0 {
		return p.most
	}
	return max(0, int(math.Floor(float64(left)/float64(epoch)+overrun)))
}

func (p *pace) epoch() time.Duration { return time.Duration(p.steps)*p.step + p.validate }

// more tells whether another epoch is to be run. Ask it between two epochs.
func (p *pace) more() bool { return p.done < p.epochs*p.steps }

// factor is what the schedule multiplies the rates of the next step with.
func (p *pace) factor(schedule gx.Schedule) float64 {
	if p.at == 0 {
		return schedule(p.done-p.from, p.epochs*p.steps-p.from) // exactly as without a limit
	}
	const fine = 1 << 40
	return schedule(int(p.position()*fine), fine)
}

// position is where in the schedule the next step stands, in [0, 1].
func (p *pace) position() float64 {
	left := p.epochs*p.steps - p.from
	if left <= 0 {
		return 1
	}
	return p.at + (1-p.at)*float64(p.done-p.from)/float64(left)
}

// remaining estimates the time until the phase ends; took is how long its steps and validations took so far.
func (p *pace) remaining(took time.Duration) time.Duration {
	return time.Duration(float64(took) / float64(p.done) * float64(p.epochs*p.steps-p.done))
}

// stepped counts a step that took so long, and plans anew.
func (p *pace) stepped(took time.Duration) {
	p.done++
	if p.left == nil {
		return
	}
	p.step = (7*p.step + took) / 8 // one slow step is no news
	p.replan()
}

// validated tells how long validation took.
func (p *pace) validated(took time.Duration) {
	p.validate = took
	if p.left != nil {
		p.replan()
	}
}

// replan changes the number of epochs where the old one would end more than overrun of an epoch late, or so early that another one fits. The
// epoch that runs is finished in any case.
func (p *pace) replan() {
	begun := (p.done + p.steps - 1) / p.steps
	rest := time.Duration(begun*p.steps-p.done) * p.step
	if p.done%p.steps != 0 {
		rest += p.validate
	}
	left := p.left() - rest
	late := float64((p.epochs-begun))*float64(p.epoch()) - float64(left)
	if late <= overrun*float64(p.epoch()) && late > -float64(p.epoch()) {
		return
	}
	if epochs := min(p.most, begun+p.fit(left)); epochs != p.epochs {
		p.at, p.from = p.position(), p.done
		p.epochs = epochs
	}
}

// scheduleOf is the phase's schedule.
func scheduleOf(p tl.Phase) (gx.Schedule, error) {
	if p.Schedule == "one-cycle" && (p.WarmUp != 0 || p.StartDivisor != 0) {
		warmUp, divisor := p.WarmUp, p.StartDivisor
		if warmUp == 0 {
			warmUp = 0.25
		}
		if divisor == 0 {
			divisor = 25
		}
		return gx.OneCycleWith(warmUp, divisor), nil
	}
	return gx.ScheduleByName(p.Schedule)
}
