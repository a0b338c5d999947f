package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Listen opens a network ("tcp" or "unix") and address. A unix socket's file is for this user alone, and one that a killed process
// left is removed first: only if nobody answers on it.
func Listen(network, address string) (net.Listener, error) {
	switch network {
	case "tcp":
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, fmt.Errorf("sockets: listen: %w", err)
		}
		return l, nil
	case "unix":
		return listenUnix(address)
	}
	return nil, fmt.Errorf("sockets: listen on %q: the network must be tcp or unix", network)
}

// longest is what fits into Linux's sockaddr_un; macOS has four bytes less. The system's own words for more are "invalid argument".
const longest = 107

func listenUnix(path string) (net.Listener, error) {
	if len(path) > longest {
		return nil, fmt.Errorf("sockets: listen on %s: a unix socket's path has at most %d bytes, this one %d; choose a shorter folder", path, longest, len(path))
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// Linux gives the file the mode that the socket has when it is bound, so that at no time another user could connect; elsewhere
	// Fchmod fails on a socket and Chmod comes a moment later.
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
	}}
	l, err := private.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("sockets: listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("sockets: listen: %w", err)
	}
	return l, nil
}

// removeStale removes the socket file at path if the process that made it is gone.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sockets: listen: %w", err)
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("sockets: listen on %s: a file that is no socket has this name; remove it or choose another", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		c.Close()
		return fmt.Errorf("sockets: listen on %s: another process listens there; end it or choose another path", path)
	case errors.Is(err, syscall.ECONNREFUSED):
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("sockets: listen: remove what a killed process left: %w", err)
		}
		return nil
	case errors.Is(err, os.ErrNotExist): // its owner has just removed it
		return nil
	}
	return fmt.Errorf("sockets: listen on %s: is it in use? %w", path, err)
}
