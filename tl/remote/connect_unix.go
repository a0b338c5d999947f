//go:build unix

package remote

import (
	"os"
	"syscall"
)

// connection is a stream socket. An os.File of a non-blocking descriptor waits in the runtime's poller and knows deadlines, which is all
// that a client needs of package net.
type connection struct{ *os.File }

func connect(socket string) (*connection, error) {
	syscall.ForkLock.RLock() // no child may be started between the two calls and inherit the descriptor
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = syscall.SetNonblock(fd, true)
	if err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: socket}) // a unix socket connects at once or not at all
	}
	if err != nil {
		syscall.Close(fd)
		return nil, &os.PathError{Op: "connect", Path: socket, Err: err}
	}
	return &connection{os.NewFile(uintptr(fd), socket)}, nil
}

// CloseWrite says that nothing more will be sent, and leaves the other half open.
func (c *connection) CloseWrite() error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	if err != nil {
		return err
	}
	return failed
}
