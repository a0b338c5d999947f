package fetch

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Report is told how far a step is: done of total bytes, and what is being done. A total of 0 means that only the words
// matter. It is called from one goroutine at a time, some times a second; done equal to total ends a step.
type Report func(done, total int64, what string)

// tell calls a report that may be nil.
func (r Report) tell(done, total int64, what string) {
	if r != nil {
		r(done, total, what)
	}
}

// TerminalBar returns a report that draws a progress bar on standard error for each step that lasts, and writes each
// word that comes without a total as a line. Where standard error is no terminal only the lines are written.
func TerminalBar() Report {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	var bar *progressbar.ProgressBar
	var step string
	var began time.Time
	return func(done, total int64, what string) {
		if total <= 0 {
			_, _ = os.Stderr.WriteString(what + "\n")
			return
		}
		if what != step {
			bar, step, began = nil, what, time.Now()
		}
		if !terminal || (bar == nil && (done >= total || time.Since(began) < 300*time.Millisecond)) {
			return // a bar that flashes by says nothing
		}
		if bar == nil {
			bar = progressbar.NewOptions64(total,
				progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(os.Stderr),
				progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(),
				progressbar.OptionThrottle(100*time.Millisecond))
		}
		_ = bar.Set64(min(done, total))
	}
}
