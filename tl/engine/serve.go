package engine

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"transferlab/tl/remote"
)

// handover is how long an engine waits for one before it to end, which may have been told to a moment ago.
const handover = 2 * time.Second

// claim makes the folder of checkpoints this engine's own. The system lets go of it if the process dies.
func claim(ctx context.Context, dir string) (unlock func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("engine: make the folder of checkpoints: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	ctx, cancel := context.WithTimeout(ctx, handover)
	defer cancel()
	free, err := lock.TryLockContext(ctx, 20*time.Millisecond)
	if !free {
		_ = lock.Close()
		if err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("engine: lock the folder of checkpoints: %w", err)
		}
		return nil, fmt.Errorf("engine: another engine keeps its models in %s: give this one a folder of its own, or end the other", dir)
	}
	return func() { _ = lock.Close() }, nil
}

// Serve carries out verbs for the clients of a unix socket until ctx ends. The socket is made with mode 0600 and removed at the end;
// its directory must exist and should have mode 0700. With Options.Shared it ends on its own when nobody has a lease any more.
//
// A folder of checkpoints is one engine's as long as it serves: a second one is refused, and nothing of the first is touched.
func Serve(ctx context.Context, socket string, o Options) error {
	unlock, err := claim(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer unlock()
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
