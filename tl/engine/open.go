package engine

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	_ "github.com/gomlx/gomlx/backends/default" // the XLA and the pure-Go backend

	"transferlab/tl/engine/backend"
)

// open starts the backend at the first verb that computes.
func (e *Engine) open(ctx context.Context) (compute.Backend, error) {
	if b := e.opened(); b != nil {
		return b, nil
	}
	if err := e.opening.enter(ctx, "the backend"); err != nil {
		return nil, err
	}
	defer e.opening.Unlock()
	if b := e.opened(); b != nil {
		return b, nil
	}
	config, how, err := backend.Config(ctx, nil)
	if err == nil {
		err = backend.Check(config) // a damaged plugin would end the process
	}
	if err != nil {
		return nil, err
	}
	if config == backend.Pure {
		log.Printf("engine: computing with %s", how)
	}
	backend.Tune(config)
	b, err := compute.NewWithConfig(config)
	if err != nil {
		return nil, fmt.Errorf("engine: start the backend %s (%s): %w; see tlab doctor", config, how, shorten(err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.backend = b
	return b, nil
}

// opened is the backend, nil before the first verb that computes.
func (e *Engine) opened() compute.Backend {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.backend
}

// Test is what SelfTest found.
type Test struct {
	Backend string        // GoMLX's description of the backend
	Devices int           // how many devices it sees
	Took    time.Duration // opening, compiling and running
}

// SelfTest opens the backend and runs one small matrix product, whose result is checked.
func SelfTest(ctx context.Context) (found Test, err error) {
	defer recoverInto(&err)
	start := time.Now()
	e := inProcess()
	b, err := e.open(ctx)
	if err != nil {
		return found, err
	}
	result, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.MatMul(x, graph.Transpose(x, 0, 1)))
	}, [][]float32{{1, 2, 3}, {4, 5, 6}})
	if err != nil {
		return found, fmt.Errorf("engine: self test: %w", shorten(err))
	}
	// (1,2,3)·(4,5,6): [[14, 32], [32, 77]] sums to 155.
	if got := result.Value(); got != float32(155) {
		return found, fmt.Errorf("engine: self test: the backend says %v, 155 is right", got)
	}
	return Test{Backend: b.Description(), Devices: int(b.NumDevices()), Took: time.Since(start)}, ctx.Err()
}
