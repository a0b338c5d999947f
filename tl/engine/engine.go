// Package engine carries out tl's verbs in GoMLX: graphs, the training loop, caches of activations.
//
// Importing it for its side effect runs the verbs in this process:
//
//	import _ "transferlab/tl/engine"
//
// The lab's kernel runs it as a process of its own (see [Serve]), so that models, weights and compiled graphs outlive a cell.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// registeredEngine runs the verbs of this process.
var registeredEngine = inProcess()

func init() { tl.Register(registeredEngine) }

// Engine holds what stays between verbs. It is safe for concurrent use; verbs on one model run one after the other.
type Engine struct {
	calls    register
	opening  *gate
	compiled atomic.Int64 // graphs so far
	state    *state       // nil where nothing is kept
	leases   *leases      // nil where the engine is not shared
	speeds   speeds       // for plans

	mu       sync.Mutex
	backend  compute.Backend
	bases    map[string]*base
	models   map[string]*trained // by key
	programs map[string]*program
	named    int // things that got a name so far
	caches   map[string]*activationCache
}

// Options say how an engine works. The zero value is that of a plain program.
type Options struct {
	// Dir is a folder in which models are kept after each epoch, so that the next engine with this folder finds them if this one ends by
	// a fault. "" keeps none. No two engines may have the same at once.
	Dir string
	// Shared is the build of an engine that serves several notebooks, each with a lease (tl.VerbLease) of the same build, and ends by itself
	// soon after the last. "" is an engine that lasts as long as the context of Serve.
	Shared string
}

// New makes an engine. It loads nothing before the first verb asks for it.
func New(o Options) (*Engine, error) {
	e := inProcess()
	if o.Shared != "" {
		e.leases = &leases{build: o.Shared}
	}
	if o.Dir == "" {
		return e, nil
	}
	state, lost, err := openState(o.Dir)
	if err != nil {
		return nil, err
	}
	e.state = state
	for _, l := range lost {
		e.calls.add(l.session, line{text: l.text, crashed: true})
	}
	return e, nil
}

// inProcess is an engine that keeps nothing beyond its process.
func inProcess() *Engine {
	return &Engine{calls: newRegister(), opening: newGate(),
		bases: map[string]*base{}, models: map[string]*trained{}, programs: map[string]*program{}, caches: map[string]*activationCache{}}
}

type verb func(e *Engine, ctx context.Context, decode func(any) error, report func(remote.Progress)) (any, error)

// handle adapts a function of one argument to a verb.
func handle[In, Out any](f func(*Engine, context.Context, In, func(remote.Progress)) (Out, error)) verb {
	return func(e *Engine, ctx context.Context, decode func(any) error, report func(remote.Progress)) (any, error) {
		var in In
		if err := decode(&in); err != nil {
			return nil, err
		}
		callOf(ctx).noun = nounOf(in)
		return f(e, ctx, in, report)
	}
}

var verbs = map[string]verb{
	tl.VerbSummary:      handle((*Engine).summary),
	tl.VerbLoadReport:   handle((*Engine).loadReport),
	tl.VerbRepresent:    handle((*Engine).represent),
	tl.VerbValues:       handle((*Engine).values),
	tl.VerbPCA:          handle((*Engine).pca),
	tl.VerbFit:          handle((*Engine).fit),
	tl.VerbFreeze:       handle((*Engine).freeze),
	tl.VerbUnfreezeTop:  handle((*Engine).unfreezeTop),
	tl.VerbUnfreezeFrom: handle((*Engine).unfreezeFrom),
	tl.VerbEvaluate:     handle((*Engine).evaluate),
	tl.VerbDrift:        handle((*Engine).drift),
	tl.VerbPredict:      handle((*Engine).predict),
	tl.VerbHistories:    handle((*Engine).histories),
	tl.VerbStepBack:     handle((*Engine).stepBack),
	tl.VerbReset:        handle((*Engine).reset),
	tl.VerbFingerprint:  handle((*Engine).fingerprint),
	tl.VerbHeld:         handle((*Engine).held),
	tl.VerbFree:         handle((*Engine).free),
	tl.VerbLease:        handle((*Engine).lease),
	tl.VerbStopped:      handle((*Engine).stopped),
	tl.VerbPlan:         handle((*Engine).plan),
	tl.VerbFindRate:     handle((*Engine).findRate),
	tl.VerbSave:         handle((*Engine).save),
	tl.VerbOpen:         handle((*Engine).openSaved),
	tl.VerbReceipt:      handle((*Engine).receipt),
	tl.VerbResume:       handle((*Engine).resume),
	tl.VerbFilters:      handle((*Engine).filters),
	tl.VerbActivations:  handle((*Engine).activationsOf),
	tl.VerbMaximise:     handle((*Engine).maximise),
	tl.VerbAttribute:    handle((*Engine).attribute),

	tl.VerbRepresentBlocks: handle((*Engine).representBlocks),
	tl.VerbTSNE:            handle((*Engine).tsne),
	tl.VerbTrust:           handle((*Engine).trust),
	tl.VerbProbe:           handle((*Engine).probe),
	tl.VerbNeighbours:      handle((*Engine).neighbours),
}

// Handle carries out one verb for a remote client; see [remote.Handler].
func (e *Engine) Handle(ctx context.Context, name string, decode func(any) error, report func(remote.Progress)) (result any, err error) {
	f, found := verbs[name]
	if !found {
		return nil, fmt.Errorf("engine: no verb %q", name)
	}
	c, ctx := e.calls.begin(ctx, name, report)
	defer func() { e.calls.end(c, err) }()
	defer recoverInto(&err)
	result, err = f(e, ctx, decode, report)
	if err != nil && ctx.Err() != nil {
		return result, ctx.Err()
	}
	return result, err
}

// fetching reports what a data set's first use fetches, in megabytes, and says its licence on a line that stays: to whoever called the verb,
// since nobody reads the standard error of a resident engine.
func fetching(report func(remote.Progress)) func(done, total int64, what string) {
	return func(done, total int64, what string) {
		const mega = 1e6
		p := remote.Progress{Stage: what, Finished: total == 0}
		if total > 0 {
			p.Done, p.Total, p.Detail = done/mega, max(total/mega, 1), "MB"
		}
		report(p)
	}
}

// Call carries out one verb in this process; see [tl.Engine].
func (e *Engine) Call(ctx context.Context, name string, in, out any, report func(remote.Progress)) error {
	decode := func(p any) error {
		reflect.ValueOf(p).Elem().Set(reflect.ValueOf(in))
		return nil
	}
	result, err := e.Handle(ctx, name, decode, report)
	if result != nil {
		reflect.ValueOf(out).Elem().Set(reflect.ValueOf(result))
	}
	return err
}

// recoverInto turns a panic into an error, at the one edge where verbs are called: GoMLX's graph functions throw what is wrong with a
// graph, and a fault of our own must not take a class's models with it. The stack of a fault goes to the log.
func recoverInto(err *error) {
	thrown := recover()
	if thrown == nil {
		return
	}
	fault, isFault := thrown.(runtime.Error)
	if isFault {
		log.Printf("engine: internal fault: %v\n%s", fault, debug.Stack())
		*err = fmt.Errorf("engine: internal fault, please report it with the engine's log: %v", fault)
		return
	}
	*err = fmt.Errorf("engine: build a graph: %s", firstLine(fmt.Sprint(thrown)))
}

// firstLine drops the stack trace that GoMLX's errors print behind their message.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// shorten is err without a stack trace in its text.
func shorten(err error) error {
	if err == nil {
		return nil
	}
	if text := firstLine(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}
