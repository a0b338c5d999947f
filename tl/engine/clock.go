package engine

import (
	"fmt"
	"time"

	"transferlab/tl/remote"
)

// clock reports the progress of a stage with its speed and the time left.
type clock struct {
	stage string
	start time.Time
	done  int
}

func newClock(stage string) *clock { return &clock{stage: stage, start: time.Now()} }

// tick counts n more of total.
func (c *clock) tick(n, total int, unit string) remote.Progress {
	c.done += n
	took := time.Since(c.start)
	p := remote.Progress{Stage: c.stage, Done: int64(c.done), Total: int64(total)}
	if took > 0 {
		p.Detail = fmt.Sprintf("%.0f %s", float64(c.done)/took.Seconds(), unit)
		p.Left = time.Duration(float64(took) * float64(total-c.done) / float64(c.done))
	}
	return p
}
