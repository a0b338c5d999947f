package engine

import (
	"context"
	"fmt"
	"net"
	"os"

	"transferlab/tl/remote"
)

// Serve carries out verbs for the clients of a unix socket until ctx ends. The socket is made with mode 0600 and removed at the end;
// its directory must exist and should have mode 0700.
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
	return remote.Serve(ctx, listener, e.Handle)
}
