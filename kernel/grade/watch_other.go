//go:build !linux

package grade

import (
	"fmt"
	"os"
	"time"
)

// watch ends what runs too long. There is no bubblewrap but on Linux, so nothing runs here that was not trusted.
func watch(pid int, l Limits, _ bool, done <-chan struct{}) (why string) {
	select {
	case <-done:
		return ""
	case <-time.After(l.Time):
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
	return fmt.Sprintf("it ran longer than %v", l.Time)
}

// confine does nothing here.
func confine(Limits) error { return nil }
