package grade

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// lookEvery is how often a sandbox is looked at. A fork bomb makes some hundred processes in that time; memory grows by some 100 MB.
const lookEvery = 40 * time.Millisecond

// findWithin is how long bubblewrap may take to make the namespace.
const findWithin = 20 * time.Second

// watch looks at the processes of a sandbox until done is closed, and ends all of them where they are too many or hold too much: killing
// the first process of a namespace kills the others with it. It returns why, or "".
//
// Control groups would do this more strictly, but an ordinary user has them only where systemd runs and delegates them.
func watch(c crowd, l Limits, sandboxed bool, done <-chan struct{}) (why string) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	deadline, found := time.After(l.Time), time.After(findWithin)
	namespace := ""
	for {
		select {
		case <-done:
			return ""
		case <-deadline:
			why = fmt.Sprintf("it ran longer than %v", l.Time)
		case <-found:
			if sandboxed && namespace == "" {
				why = "its processes cannot be watched"
			}
		case <-tick.C:
			if namespace == "" {
				namespace = innerNamespace(c.pid)
			}
			if namespace == "" {
				continue
			}
			count, memory := load(c.members(namespace))
			switch {
			case count > l.Processes:
				why = fmt.Sprintf("it had %d processes; the limit is %d", count, l.Processes)
			case memory > l.Memory:
				why = fmt.Sprintf("it held %d MB of memory; the limit is %d MB", memory>>20, l.Memory>>20)
			}
		}
		if why != "" {
			c.end(namespace)
			return why
		}
	}
}

// end kills bubblewrap, with it the first process of the namespace, and with that all others.
func (c crowd) end(namespace string) {
	_ = syscall.Kill(c.pid, syscall.SIGKILL)
	if namespace == "" {
		return
	}
	for _, p := range c.members(namespace) {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
}

// innerNamespace is the process namespace of bubblewrap's child, once it has one of its own.
func innerNamespace(pid int) string {
	own := namespaceOf(os.Getpid())
	for _, child := range children(pid) {
		if ns := namespaceOf(child); ns != "" && ns != own {
			return ns
		}
	}
	return ""
}

func children(pid int) (list []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		for _, field := range bytes.Fields(data) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				list = append(list, child)
			}
		}
	}
	return list
}

func namespaceOf(pid int) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return ""
	}
	return link
}

// members are the sandbox's processes.
func (c crowd) members(namespace string) (list []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err == nil && (namespaceOf(pid) == namespace || c.user != 0 && userOf(pid) == c.user) {
			list = append(list, pid)
		}
	}
	return list
}

// userOf is the user that a process runs as; -1 if it is gone.
func userOf(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, after, found := bytes.Cut(data, []byte("\nUid:")); found {
		if fields := bytes.Fields(after[:min(len(after), 60)]); len(fields) > 0 {
			if user, err := strconv.Atoi(string(fields[0])); err == nil {
				return user
			}
		}
	}
	return -1
}

// load is how many processes these are, and the bytes that they hold in memory. Pages that several share count for each.
func load(members []int) (count int, memory int64) {
	for _, pid := range members {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			continue
		}
		count++
		if fields := bytes.Fields(data); len(fields) > 1 {
			pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			memory += pages * int64(os.Getpagesize())
		}
	}
	return count, memory
}
