package fetch

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startAndWait runs cmd and its children as a group that dies with the context, and with this process even if that is killed.
func startAndWait(cmd *exec.Cmd) <-chan error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	done := make(chan error, 1)
	go func() {
		// Linux sends the death signal when the starting thread ends, so that thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- cmd.Run()
	}()
	return done
}
