package grade

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// rlimitProcesses is RLIMIT_NPROC, which package syscall does not name.
const rlimitProcesses = 6

// confine sets limits on this process and all that it starts, which they cannot raise again. They stand behind those that the grader
// watches: no core files, no file larger than the disk, and a bound on threads, which keeps a
// fork bomb small until it is seen. It does not hold for root, who becomes another user.
func confine(l Limits, user, slot, slots int) error {
	if err := keepTo(slot, slots); err != nil {
		return err
	}
	if user != 0 {
		if err := become(user); err != nil {
			return err
		}
	}
	for _, limit := range []struct {
		name  string
		what  int
		value uint64
	}{
		{"core file", syscall.RLIMIT_CORE, 0},
		{"file size", syscall.RLIMIT_FSIZE, uint64(l.Disk)},
		{"open files", syscall.RLIMIT_NOFILE, 2048},
		{"threads", rlimitProcesses, uint64(l.Processes) * 4},
	} {
		var have syscall.Rlimit
		if err := syscall.Getrlimit(limit.what, &have); err != nil {
			return fmt.Errorf("grade: read limit on %s: %w", limit.name, err)
		}
		value := min(limit.value, have.Max)
		if err := syscall.Setrlimit(limit.what, &syscall.Rlimit{Cur: value, Max: value}); err != nil {
			return fmt.Errorf("grade: set limit on %s: %w", limit.name, err)
		}
	}
	return forbid()
}

// keepTo keeps all threads of this process, and all that it starts, to the processors of one of the submissions that run at once: one that
// keeps many processes busy takes no time from the others. With no slots nothing is shared.
func keepTo(slot, slots int) error {
	if slots == 0 {
		return nil
	}
	var have, take unix.CPUSet
	if err := unix.SchedGetaffinity(0, &have); err != nil {
		return fmt.Errorf("grade: ask for processors: %w", err)
	}
	for cpu, nth := 0, 0; nth < have.Count(); cpu++ {
		if have.IsSet(cpu) {
			if nth%slots == slot%have.Count() {
				take.Set(cpu)
			}
			nth++
		}
	}
	done := map[string]bool{}
	for grown := true; grown; { // Go may start a thread meanwhile
		grown = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("grade: list threads: %w", err)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || done[thread.Name()] {
				continue
			}
			done[thread.Name()], grown = true, true
			if err := unix.SchedSetaffinity(id, &take); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("grade: keep to processors: %w", err)
			}
		}
	}
	return nil
}

// become makes this process, all of its threads, another user's, for good.
func become(user int) error {
	err := syscall.Setgroups(nil)
	if err == nil {
		err = syscall.Setresgid(user, user, user)
	}
	if err == nil {
		err = syscall.Setresuid(user, user, user)
	}
	if err != nil {
		return fmt.Errorf("grade: become user %d: %w", user, err)
	}
	return nil
}
