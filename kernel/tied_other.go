//go:build !linux

package kernel

import "syscall"

// tiedAttr puts a child in a process group of its own. Other systems than Linux have no death signal; there the guard alone,
// which sees its pipe close, ends what a killed kernel left in that group.
func tiedAttr(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// marked needs Linux's /proc.
func marked(string) []int { return nil }
