//go:build linux && cgo

package backend

/*
#include <malloc.h>

static void keep_freed(void) {
#ifdef __GLIBC__
	mallopt(M_MMAP_MAX, 0); // no mappings of their own for large blocks: they are unmapped when freed
	mallopt(M_TRIM_THRESHOLD, -1); // never by itself: a step may take more than the 2 GiB that an int can say
#endif
}

static void trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

func keepFreed() { C.keep_freed() }

func trim() { C.trim() }

// kept is what this process holds without use, as far as it can be seen.
var kept struct {
	sync.Mutex
	used int64 // bytes, after the last trim, or less if the process held less since
}

func trimAbove(limit int64) {
	kept.Lock()
	defer kept.Unlock()
	held, err := anonymous()
	if err != nil {
		return // no /proc here
	}
	if held > kept.used+limit {
		trim()
		if held, err = anonymous(); err != nil {
			return
		}
		kept.used = held
	}
	kept.used = min(kept.used, held)
}

// anonymous is this process's resident memory that is no file's, in bytes.
func anonymous() (int64, error) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, resident, shared int64 // pages
	if _, err := fmt.Sscan(string(data), &size, &resident, &shared); err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return (resident - shared) * int64(os.Getpagesize()), nil
}

// memory is the machine's, in bytes, or the container's if that has less; 0 if the system does not say.
func memory() int64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	all := int64(info.Totalram) * int64(info.Unit)
	if data, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil { // "max" is none, and an error
			all = min(all, limit)
		}
	}
	return all
}
