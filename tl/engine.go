package tl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"transferlab/tl/remote"
)

// EngineVariable is the environment variable that names the unix socket of a resident engine. The lab's kernel sets it for cells.
const EngineVariable = "TLAB_ENGINE"

// SessionVariable is the environment variable that names the session whose models a cell means, where one engine serves several
// notebooks. The lab's kernel sets it; without it a cell is in the default session.
const SessionVariable = "TLAB_SESSION"

// An Engine carries out verbs: it takes a description in, does the work and stores the result in out, a pointer. Progress is
// reported while it lasts. When ctx ends the engine stops between two steps, keeps what is finished and returns ctx's error.
type Engine interface {
	Call(ctx context.Context, verb string, in, out any, report func(remote.Progress)) error
}

var registered struct {
	sync.Mutex
	engine Engine
}

// Register makes e the engine of this process; it wins over a socket. Importing transferlab/tl/engine for its side effect does it,
// as the drivers of database/sql do.
func Register(e Engine) {
	registered.Lock()
	defer registered.Unlock()
	registered.engine = e
}

var errNoEngine = errors.New("no engine: run this in the lab's kernel (tlab lab), or add the line\n\t" +
	"import _ \"transferlab/tl/engine\"\nto run the verbs in this process")

func engine() (Engine, error) {
	registered.Lock()
	defer registered.Unlock()
	if registered.engine != nil {
		return registered.engine, nil
	}
	if socket := os.Getenv(EngineVariable); socket != "" {
		return remote.Client{Socket: socket, Session: os.Getenv(SessionVariable)}, nil
	}
	return nil, errNoEngine
}

// call runs one verb and names it in the error.
func call[Out any](ctx context.Context, verb, noun string, in any) (out Out, err error) {
	e, err := engine()
	if err == nil {
		report, done := reporter(ctx)
		err = e.Call(ctx, verb, in, &out, report)
		done()
	}
	if err != nil {
		return out, fmt.Errorf("tl: %s %q: %w", verb, noun, err)
	}
	return out, nil
}

// Must returns v, or panics with err. It is for notebook cells, where the panic ends the cell and shows the error; programs check err.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
