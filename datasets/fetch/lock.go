package fetch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lock holds f for this process; the operating system lets go of it if the process dies. It waits for whoever holds it,
// until the context ends.
func (s store) lock(ctx context.Context, f File) (unlock func(), err error) {
	place := filepath.Join(s.home, "locks", f.Name)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return nil, fmt.Errorf("fetch: make the cache directory: %w; set TLAB_HOME to a folder that you may write", err)
	}
	lock := flock.New(place)
	free, err := lock.TryLock()
	if err == nil && !free {
		s.tell(0, 0, "waiting for another start of the lab, which is fetching "+f.Package)
		free, err = lock.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err != nil || !free {
		return nil, fmt.Errorf("fetch: lock %s: %w", place, err)
	}
	return func() { _ = lock.Close() }, nil
}
