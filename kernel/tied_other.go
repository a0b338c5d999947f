//go:build !linux

package kernel

import (
	"syscall"
	"time"
)

// tiedAttr puts a child in a process group of its own. Other systems than Linux have no death signal; there the guard alone,
// which sees its pipe close, ends what a killed kernel left in that group.
func tiedAttr(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// marked needs Linux's /proc.
func marked(string) []int { return nil }

// process is one that a cell started. Only Linux's /proc tells them apart from the others; elsewhere GoNB stops a cell by itself.
type process struct{ pid int }

func (process) isTool() bool { return false }

func (process) rss() int64 { return 0 }

func startedSince(string, time.Time, ...int) []process { return nil }
