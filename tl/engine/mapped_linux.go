package engine

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// forgetPages gives the pages of a mapped file back: they stay in the system's cache of files, and count as this process's no more.
func forgetPages(data []byte) {
	if len(data) > 0 {
		_ = syscall.Madvise(data, syscall.MADV_DONTNEED) // advice: where it is not taken, memory looks larger than it is
	}
}

// residentOfFiles is how many bytes of this process's memory are pages of files; 0 where the system does not say.
func residentOfFiles() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(statm); err == nil && len(fields) > 2 {
		if pages, err := strconv.ParseInt(string(fields[2]), 10, 64); err == nil {
			return pages * int64(os.Getpagesize())
		}
	}
	return 0
}
