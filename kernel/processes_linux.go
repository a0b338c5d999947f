package kernel

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// process is one that a cell started, directly or not.
type process struct {
	pid, parent int
	name        string // of its program, at most 15 bytes
	began       uint64 // in clock ticks since the machine started
}

// isTool reports whether it belongs to the building of a cell.
func (p process) isTool() bool {
	switch p.name {
	case "go", "goimports", "compile", "link", "asm", "cgo", "buildid", "vet":
		return true
	}
	return false
}

// rss is the process's resident memory in bytes.
func (p process) rss() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	fields := strings.Fields(string(data))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// ticksPerSecond is Linux's USER_HZ, which is 100 wherever Go runs.
const ticksPerSecond = 100

// readProcess asks /proc.
func readProcess(pid int) (process, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	// pid (name) state ppid …: the name may hold anything, parentheses too.
	open, shut := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || shut < open {
		return process{}, false
	}
	fields := strings.Fields(string(data[shut+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return process{}, false
	}
	parent, _ := strconv.Atoi(fields[1])
	began, _ := strconv.ParseUint(fields[19], 10, 64)
	return process{pid: pid, parent: parent, name: string(data[open+1 : shut]), began: began}, true
}

// startedSince returns the processes with the mark id that are younger than began, without keep and without gopls and its children.
func startedSince(id string, began time.Time, keep ...int) []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	uptime := bootTicks(began)
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || slices.Contains(keep, pid) {
			continue
		}
		// The age first: it costs less to ask than the environment, and most processes are old.
		if p, ok := readProcess(pid); ok && p.began+1 >= uptime && carries(pid, id) && !ofGopls(p) {
			found = append(found, p)
		}
	}
	return found
}

// ofGopls reports whether p is the language server or was started by it.
func ofGopls(p process) bool {
	for range 16 {
		if p.name == "gopls" {
			return true
		}
		parent, found := readProcess(p.parent)
		if !found {
			return false
		}
		p = parent
	}
	return false
}

// bootTicks is t on the clock of a process's start time.
func bootTicks(t time.Time) uint64 {
	data, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	up, _, _ := strings.Cut(string(data), " ")
	seconds, err := strconv.ParseFloat(up, 64)
	if err != nil {
		return 0
	}
	return uint64(max(seconds-time.Since(t).Seconds(), 0) * ticksPerSecond)
}
