package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"transferlab/tl/remote"
)

// gate lets one call in at a time. Unlike a mutex it is waited for only as long as the caller's client is there, and not in silence.
type gate struct {
	turn   chan struct{}
	holder atomic.Pointer[call]
}

func newGate() *gate { return &gate{turn: make(chan struct{}, 1)} }

// enter takes the gate to what, or returns ctx's error.
func (g *gate) enter(ctx context.Context, what string) error {
	c := callOf(ctx)
	select {
	case g.turn <- struct{}{}:
	default:
		stage := "waiting for " + what
		if other := g.holder.Load(); other != nil && other.verb != "" {
			stage = fmt.Sprintf("waiting for another call on %s: %s", what, other.name())
		}
		c.report(remote.Progress{Stage: stage})
		select {
		case g.turn <- struct{}{}:
		case <-ctx.Done():
			c.stopped("stopped while %s", stage)
			return ctx.Err()
		}
	}
	g.holder.Store(c)
	return nil
}

// Unlock lets the next one in.
func (g *gate) Unlock() {
	g.holder.Store(nil)
	<-g.turn
}
