package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// returning is how long a client waits for a socket on which nobody listens: a kernel starts an engine that died again.
var returning = 3 * time.Second

// dial connects to socket, and says what to do where that fails.
func dial(ctx context.Context, socket string, report func(Progress)) (*connection, error) {
	if socket == "" {
		return nil, errors.New("remote: reach the engine: no socket is named (restart the kernel)")
	}
	until := time.Now().Add(returning)
	for waited := false; ; waited = true {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := connect(socket)
		if err == nil {
			return c, nil
		}
		if !mayReturn(err, socket) {
			return nil, fmt.Errorf("remote: reach the engine: %w (restart the kernel)", err)
		}
		if time.Now().After(until) {
			return nil, fmt.Errorf("remote: reach the engine: %w; it did not come back within %v (restart the kernel)", err, returning)
		}
		if !waited {
			report(Progress{Stage: "waiting for the engine", Detail: "it is being started again"})
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// mayReturn reports that nobody listens now but somebody may soon. A kernel that ended has removed the socket's folder, too.
func mayReturn(err error, socket string) bool {
	if errors.Is(err, syscall.ENOENT) {
		_, gone := os.Stat(filepath.Dir(socket))
		return gone == nil
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN)
}
