package faults

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one of those that a test started, directly or not. They are found by asking /proc, not through the code under test.
type process struct {
	pid  int
	argv []string
}

// processes lists those that inherited the mark, without this one.
func processes(mark string) (found []process) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(env), markKey+"="+mark+"\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if len(cmdline) == 0 {
			continue // it is ending
		}
		found = append(found, process{pid, strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")})
	}
	return found
}

// role is what the process is in a kernel: "kernel", "engine", "guard", "gonb", "gopls", "cell", or its program's name.
func (p process) role() string {
	name := filepath.Base(p.argv[0])
	switch {
	case name == "tlab" && len(p.argv) > 1:
		return p.argv[1]
	case strings.HasPrefix(name, "gonb_"):
		return "cell"
	case name == "gopls" && strings.Contains(strings.Join(p.argv, " "), "telemetry"):
		return "gopls telemetry"
	}
	return name
}

func (p process) kill() error { return syscall.Kill(p.pid, syscall.SIGKILL) }

// find returns the pid of the only process in that role, waiting a moment for it.
func find(mark, role string) (int, error) {
	for range 500 {
		for _, p := range processes(mark) {
			if p.role() == role {
				return p.pid, nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0, fmt.Errorf("there is no %s", role)
}

// alive reports whether the process has not ended; one that waits to be buried has.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// roles counts the processes by role.
func roles(mark string) map[string]int {
	count := map[string]int{}
	for _, p := range processes(mark) {
		count[p.role()]++
	}
	return count
}

// status reads a number of kilobytes from /proc/PID/status, such as VmRSS or VmHWM, in bytes; Threads is a plain number.
func status(pid int, field string) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			number, kilobytes := strings.CutSuffix(strings.TrimSpace(rest), " kB")
			n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if kilobytes {
				n <<= 10
			}
			return n
		}
	}
	return 0
}

// forgetPeak makes VmHWM start over.
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func descriptors(pid int) int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries)
}

// varying are the parts of names that are others each time.
var varying = regexp.MustCompile(`(gonb_|tlab-kernel-|tlab-run-|go-build|goimports|gopls-|kernel-)[0-9a-f-]+|/g[0-9]+`)

// files counts the files and folders below dir by name, with what varies in names left out. Checkpoints are not counted: the engine keeps
// as many as there are models.
func files(dir string) map[string]int {
	count := map[string]int{}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it went while we looked
		}
		name := strings.TrimPrefix(path, dir)
		if strings.HasSuffix(name, "/state") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, "go.work.sum") {
			return nil // the go command writes one when it first wants it
		}
		name = varying.ReplaceAllString(name, "$1…")
		if strings.Contains(name, "/tlab-kernel-…/go-build…") {
			return nil // of go commands that were a killed gopls's; GoNB's are in /builds
		}
		count[name]++
		return nil
	})
	return count
}

// census is what a kernel consists of at rest.
type census struct {
	roles, files map[string]int
	descriptors  int // of the kernel itself
}

func count(mark string) (c census) {
	c.roles, c.files = roles(mark), files(mark)
	for _, p := range processes(mark) {
		if p.role() == "kernel" {
			c.descriptors += descriptors(p.pid)
		}
	}
	return c
}

// since says what there is more of than before. One gopls is none too many: a GoNB that is started again starts one, too. The descriptors
// may be two more, for a connection that is just being made or closed.
func (c census) since(before census) string {
	var more []string
	add := func(what string, now, then map[string]int) {
		for name, n := range now {
			if one := strings.Contains(name, "gopls") && n == 1; n > then[name] && !one {
				more = append(more, fmt.Sprintf("%d %s %s", n-then[name], what, name))
			}
		}
	}
	add("process", c.roles, before.roles)
	add("file", c.files, before.files)
	slices.Sort(more)
	if c.descriptors > before.descriptors+2 {
		more = append(more, fmt.Sprintf("%d descriptors", c.descriptors-before.descriptors))
	}
	return strings.Join(more, ", ")
}

// settled is what is more than before once that stopped changing, or "".
func settled(mark string, before census) (more string) {
	for range 60 {
		if more = count(mark).since(before); more == "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return more
}
