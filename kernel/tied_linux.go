package kernel

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// tiedAttr puts a child in a process group of its own and has Linux send it sig when the thread that started it ends.
func tiedAttr(sig syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: sig}
}

// marked returns the processes, this one excepted, that inherited the mark id through environmentKey. Parentage would not do:
// gopls leaves its process group, and the children of a killed process belong to init.
func marked(id string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid != os.Getpid() && carries(pid, id) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// carries reports whether a process inherited the mark id.
func carries(pid int, id string) bool {
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false // gone, or another user's
	}
	prefix := []byte(environmentKey + "=")
	for _, v := range bytes.Split(environ, []byte{0}) {
		if after, ok := bytes.CutPrefix(v, prefix); ok && slices.Contains(strings.Split(string(after), ":"), id) {
			return true
		}
	}
	return false
}
