package engine

import (
	"context"
	"fmt"
	"net"
	"os"

	"transferlab/tl/remote"
)

// Serve carries out verbs for the clients of a unix socket until ctx ends. The socket is made with mode 0600 and removed at the end;
// its directory must exist and should have mode 0700. With Options.Shared it ends on its own when nobody has a lease any more.
func Serve(ctx context.Context, socket string, o Options) error {
	e, err := New(o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("engine: listen on %s: %w", socket, err)
	}
	defer listener.Close() // removes the socket
	if err := os.Chmod(socket, 0o600); err != nil {
		return fmt.Errorf("engine: protect %s: %w", socket, err)
	}
	if e.leases == nil {
		return remote.Serve(ctx, listener, e.Handle)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.leases.begin(ctx, cancel)
	err = remote.Serve(ctx, listener, e.Handle)
	if e.leases.over() && o.Dir != "" {
		_ = os.RemoveAll(o.Dir) // of sessions that ended while no engine ran
	}
	return err
}
