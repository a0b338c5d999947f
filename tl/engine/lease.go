package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// Leased is the stage that the engine reports once a lease holds.
const Leased = "leased"

const (
	firstLease = 30 * time.Second // how long a shared engine waits for the first notebook …
	linger     = 2 * time.Second  // … and how long for another after the last
)

// leases count the notebooks that a shared engine serves. It ends soon after the last.
type leases struct {
	build   string // of this engine; another's clients are refused
	serving context.Context

	mu       sync.Mutex
	sessions map[string]int
	expiry   *time.Timer // runs while nobody has a lease
	ended    bool
}

// begin waits for leases while ctx lasts; end is called when there are none any more.
func (l *leases) begin(ctx context.Context, end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serving, l.sessions = ctx, map[string]int{}
	l.expiry = time.AfterFunc(firstLease, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.sessions) == 0 {
			l.ended = true
			end()
		}
	})
}

// take adds a lease of a session, unless the engine is about to end.
func (l *leases) take(session string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return errors.New("the shared engine is ending")
	}
	l.expiry.Stop()
	l.sessions[session]++
	return nil
}

// leave ends a lease and says whether it was the session's last.
func (l *leases) leave(session string) (last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions[session]--
	return l.sessions[session] == 0
}

// close forgets a session that has no lease, when what it held is gone.
func (l *leases) close(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions[session] == 0 {
		delete(l.sessions, session)
	}
	if len(l.sessions) == 0 {
		l.expiry.Reset(linger)
	}
}

// over tells whether the engine ends for want of leases.
func (l *leases) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

func (l *leases) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sessions)
}

// lease lasts until its client goes away. Then the session's calls, whose clients went with it, come to their end, and its models are dropped.
func (e *Engine) lease(ctx context.Context, r tl.LeaseRequest, report func(remote.Progress)) (bool, error) {
	l := e.leases
	if l == nil {
		return false, errors.New("this engine belongs to one notebook and is not shared")
	}
	if r.Build != l.build {
		return false, fmt.Errorf("the shared engine was started by another build of the lab and still serves others (%d): close those notebooks, then start this one again", l.count())
	}
	session := remote.SessionOf(ctx)
	if err := l.take(session); err != nil {
		return false, err
	}
	report(remote.Progress{Stage: Leased})
	<-ctx.Done()
	if l.leave(session) && l.serving.Err() == nil { // an engine that is told to end leaves the checkpoints to the next
		e.dropSession(session)
	}
	l.close(session)
	return true, nil
}

// dropSession drops the models of a session once its calls have ended, unless it takes a lease again meanwhile.
func (e *Engine) dropSession(session string) {
	for {
		gone, alive := e.calls.ofSession(session)
		if gone+alive == 0 {
			break
		}
		_ = pause(context.Background()) // which never ends
	}
	e.leases.mu.Lock()
	defer e.leases.mu.Unlock()
	if e.leases.sessions[session] > 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, t := range e.models {
		if t.session == session {
			e.forget(key, t)
		}
	}
	e.state.forgetSession(session)
}
