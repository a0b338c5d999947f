package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// call is one verb while it runs: whose it is, what it uses, and how it ended where its client went away.
type call struct {
	ctx     context.Context
	session string
	verb    string
	noun    string
	report  func(remote.Progress)

	mu   sync.Mutex
	how  string // how it stopped: "stopped in epoch 4; model as of epoch 3"
	uses []*usage
}

type callKey struct{}

// callOf is the call that ctx belongs to; a silent one outside of Handle.
func callOf(ctx context.Context) *call {
	if c, found := ctx.Value(callKey{}).(*call); found {
		return c
	}
	return &call{ctx: ctx, session: remote.SessionOf(ctx), report: func(remote.Progress) {}}
}

// name is how a message names the call.
func (c *call) name() string {
	if c.noun == "" {
		return c.verb
	}
	return fmt.Sprintf("%s %q", c.verb, c.noun)
}

// stopped notes how far the call had come when its client was gone.
func (c *call) stopped(format string, arguments ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.how = fmt.Sprintf(format, arguments...)
}

// nounOf is what a request is about, for messages.
func nounOf(in any) string {
	switch r := in.(type) {
	case tl.ModelRequest:
		return modelNoun(r.Model)
	case tl.DataRequest:
		return modelNoun(r.Model)
	case tl.FitRequest:
		return r.Model.Name
	case tl.FreezeRequest:
		return r.Model.Name
	case tl.UnfreezeTopRequest:
		return r.Model.Name
	case tl.UnfreezeFromRequest:
		return r.Model.Name
	case tl.DriftRequest:
		return r.Model.Name
	case tl.PlanRequest:
		return r.Model.Name
	case tl.FindRateRequest:
		return r.Model.Name
	case tl.StepBackRequest:
		return r.Model.Name
	case tl.SaveRequest:
		return r.Model.Name
	case tl.OpenRequest:
		return r.Dir
	case tl.ResumeRequest:
		return r.Model.Name
	case tl.LoadRequest:
		return r.Base.Name
	case tl.RepresentRequest:
		return representationOf(r).Network()
	case tl.PCARequest:
		return representationOf(r.RepresentRequest).Network()
	case tl.RepresentBlocksRequest:
		return representationOf(r.RepresentRequest).Network()
	case tl.TSNERequest:
		return representationOf(r.RepresentRequest).Network()
	case tl.TrustRequest:
		return representationOf(r.RepresentRequest).Network()
	case tl.ProbeRequest:
		return representationOf(r.RepresentRequest).Network()
	case tl.NeighboursRequest:
		return representationOf(r.RepresentRequest).Network()
	case tl.FiltersRequest:
		return modelNoun(r.Model)
	case tl.ActivationsRequest:
		return modelNoun(r.Model)
	case tl.MaximiseRequest:
		return modelNoun(r.Model)
	case tl.AttributeRequest:
		return modelNoun(r.Model)
	}
	return ""
}

func modelNoun(m tl.Model) string {
	if m.Name == "" {
		return m.Base.Name
	}
	return m.Name
}

// attendant tells the verbs that look after the engine: they are no work of a cell.
func attendant(verb string) bool {
	return slices.Contains([]string{tl.VerbHeld, tl.VerbFree, tl.VerbStopped, tl.VerbLease}, verb)
}

// register keeps account of the calls that run and of those that were stopped.
type register struct {
	mu      sync.Mutex
	running map[*call]bool
	lines   map[string][]line // by session
}

// line says how one stopped call of a session ended.
type line struct {
	text    string
	crashed bool // it was running when an engine before this one ended
}

// mostLines bounds what is kept for a session that nobody asks about, as in a plain program.
const mostLines = 20

func newRegister() register {
	return register{running: map[*call]bool{}, lines: map[string][]line{}}
}

// begin registers a call. Whoever calls again lives on, so that what was stopped in its session before needs no telling any more.
func (r *register) begin(ctx context.Context, verb string, report func(remote.Progress)) (*call, context.Context) {
	c := &call{session: remote.SessionOf(ctx), verb: verb, report: report}
	ctx = datasets.WithReport(context.WithValue(ctx, callKey{}, c), fetching(report))
	c.ctx = ctx
	r.mu.Lock()
	defer r.mu.Unlock()
	if !attendant(verb) {
		r.lines[c.session] = slices.DeleteFunc(r.lines[c.session], func(l line) bool { return !l.crashed })
	}
	r.running[c] = true
	return c, ctx
}

// end forgets a call, and keeps a line about it where its client is gone.
func (r *register) end(c *call, err error) {
	c.mu.Lock()
	uses, how := c.uses, c.how
	c.uses = nil
	c.mu.Unlock()
	for _, u := range uses {
		u.leave(c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, c)
	if c.ctx.Err() == nil || err == nil || attendant(c.verb) {
		return
	}
	if how == "" {
		how = "stopped"
	}
	r.add(c.session, line{text: c.name() + ": " + how})
}

// add appends a line. Call it with mu held.
func (r *register) add(session string, l line) {
	lines := append(r.lines[session], l)
	r.lines[session] = lines[max(0, len(lines)-mostLines):]
}

// ofSession counts the calls of a session that still run, without and with a client, but for those that look after the engine.
func (r *register) ofSession(session string) (gone, alive int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.running {
		switch {
		case c.session != session || attendant(c.verb):
		case c.ctx.Err() != nil:
			gone++
		default:
			alive++
		}
	}
	return gone, alive
}

const (
	// patience is how long Stopped waits for calls whose client is gone to reach the end of a step.
	patience = 5 * time.Second
	// grace is how long it waits for the news that a client is gone: a connection that was closed a moment ago.
	grace = time.Second
)

// stopped gives and clears the lines of a session, when the calls without a client have ended.
func (e *Engine) stopped(ctx context.Context, _ tl.StoppedRequest, _ func(remote.Progress)) ([]string, error) {
	session := remote.SessionOf(ctx)
	late, heard := time.Now().Add(patience), time.Now().Add(grace)
	for {
		gone, alive := e.calls.ofSession(session)
		if gone > 0 {
			heard = time.Time{} // the news came; now it is a matter of the step's end
		}
		if now := time.Now(); now.After(late) || gone == 0 && (alive == 0 || now.After(heard)) {
			return e.calls.take(session), nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// pause is the time between two looks at calls that are to end.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Millisecond):
		return nil
	}
}

// take gives and clears the lines of a session; calls that do not end are named, too.
func (r *register) take(session string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	texts := []string{}
	for _, l := range r.lines[session] {
		texts = append(texts, l.text)
	}
	delete(r.lines, session)
	for c := range r.running {
		if c.session == session && c.ctx.Err() != nil && !attendant(c.verb) {
			texts = append(texts, c.name()+": stopping; the step that runs takes longer than "+patience.String())
		}
	}
	return texts
}
