//go:build !linux

package grade

import (
	"fmt"
	"os"
	"time"
)

// watch ends what runs too long. There is no bubblewrap but on Linux, so nothing runs here that was not trusted.
func watch(c crowd, l Limits, _ bool, done <-chan struct{}) (why string) {
	select {
	case <-done:
		return ""
	case <-time.After(l.Time):
	}
	if p, err := os.FindProcess(c.pid); err == nil {
		_ = p.Kill()
	}
	return fmt.Sprintf("it ran longer than %v", l.Time)
}

// confine does nothing here.
func confine(Limits, int, int, int) error { return nil }
