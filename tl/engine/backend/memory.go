package backend

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Resident is how much of the machine's memory this process holds, and how much of that are pages of files, in bytes. It fails where the
// system does not say so as Linux does.
func Resident() (all, files int64, err error) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, err
	}
	var size int64 // and all are pages
	if _, err := fmt.Sscan(string(data), &size, &all, &files); err != nil {
		return 0, 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	page := int64(os.Getpagesize())
	return all * page, files * page, nil
}

// Keep is how much a process may keep for later, in bytes: a quarter of the machine's memory, or of the container's; 1 GiB where the system does
// not say.
var Keep = sync.OnceValue(func() int64 {
	data, _ := os.ReadFile("/proc/meminfo")
	var all int64
	if _, err := fmt.Sscanf(string(data), "MemTotal: %d kB", &all); err != nil {
		return 1 << 30
	}
	all <<= 10
	if data, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil { // "max" is none, and an error
			all = min(all, limit)
		}
	}
	return all / 4
})

// needed is how much this process held without a file when it last kept nothing for later, or less if it held less since, in bytes.
var needed struct {
	sync.Mutex
	bytes int64
}

// TrimAbove gives memory back where this process keeps more than limit bytes for later, as far as can be seen from what it holds now and held after
// the last time. It takes microseconds where there is nothing to do. Call it before a run, when the run before has freed what it used.
func TrimAbove(limit int64) {
	needed.Lock()
	defer needed.Unlock()
	held, err := anonymous()
	if err == nil && held > needed.bytes+limit {
		trim()
		held, err = anonymous()
		needed.bytes = held
	}
	if err == nil {
		needed.bytes = min(needed.bytes, held)
	}
}

// anonymous is what this process holds that is no file's.
func anonymous() (int64, error) {
	all, files, err := Resident()
	return all - files, err
}
