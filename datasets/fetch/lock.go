package fetch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Lock holds name, below [Home], for this process; the operating system lets go of it if the process dies. It waits for
// whoever holds it, until the context ends, and reports that it waits.
func Lock(ctx context.Context, name string, report Report) (unlock func(), err error) {
	home, err := Home()
	if err != nil {
		return nil, err
	}
	return store{home: home, report: report}.lock(ctx, name)
}

func (s store) lock(ctx context.Context, name string) (unlock func(), err error) {
	place := filepath.Join(s.home, "locks", name)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return nil, fmt.Errorf("fetch: make the cache directory: %w; set TLAB_HOME to a folder that you may write", err)
	}
	lock := flock.New(place)
	free, err := lock.TryLock()
	if err == nil && !free {
		s.tell(0, 0, "waiting for another start of the lab, which is at work on "+name)
		free, err = lock.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err != nil || !free {
		return nil, fmt.Errorf("fetch: lock %s: %w", place, err)
	}
	return func() { _ = lock.Close() }, nil
}
