//go:build !linux

package fetch

import "os/exec"

// startAndWait runs cmd, which dies with the context.
func startAndWait(cmd *exec.Cmd) <-chan error {
	done := make(chan error, 1)
	go func() { done <- cmd.Run() }()
	return done
}
