package grade

import (
	"fmt"
	"syscall"
)

// rlimitProcesses is RLIMIT_NPROC, which package syscall does not name.
const rlimitProcesses = 6

// confine sets limits on this process and all that it starts, which they cannot raise again. They stand behind those that the grader
// watches: no core files, no file larger than the disk, and a bound on threads, which keeps a
// fork bomb small until it is seen. It does not hold for root, who becomes another user.
func confine(l Limits, user int) error {
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
