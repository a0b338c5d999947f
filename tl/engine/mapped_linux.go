package engine

import "syscall"

// forgetPages gives the pages of a mapped file back: they stay in the system's cache of files, and count as this process's no more.
func forgetPages(data []byte) {
	if len(data) > 0 {
		_ = syscall.Madvise(data, syscall.MADV_DONTNEED) // advice: where it is not taken, memory looks larger than it is
	}
}
