package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// usage says who uses something that the engine holds, and who did.
type usage struct {
	mu       sync.Mutex
	last     time.Time
	by       map[*call]bool  // calls that run
	sessions map[string]bool // of all calls so far
}

// touch notes that the call of ctx uses it from now on, until the call ends.
func (u *usage) touch(ctx context.Context) {
	c, isCall := ctx.Value(callKey{}).(*call)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = time.Now()
	if !isCall || u.by[c] {
		return
	}
	if u.by == nil {
		u.by, u.sessions = map[*call]bool{}, map[string]bool{}
	}
	u.by[c], u.sessions[c.session] = true, true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses = append(c.uses, u)
}

func (u *usage) leave(c *call) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = time.Now()
	delete(u.by, c)
}

// user is a call that uses it now, or nil.
func (u *usage) user() *call {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.by {
		return c
	}
	return nil
}

// onlyBy tells whether no other session ever used it.
func (u *usage) onlyBy(session string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !slices.ContainsFunc(slices.Collect(maps.Keys(u.sessions)), func(s string) bool { return s != session })
}

func (u *usage) lastUsed() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last
}
