package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"transferlab/kernel/sockets"
	"transferlab/kernel/wire"
)

// proxy is what Jupyter sees of the kernel: its five sockets. Every message passes through it. What needs no Go is answered at once,
// also while a cell runs; cells, completion and inspection wait in a queue and go to GoNB one at a time.
type proxy struct {
	cfg     Config
	conn    wire.Connection
	key     []byte
	session string // of messages that answer nobody

	shell, control, stdin, heart *sockets.Router
	iopub                        *sockets.Publisher

	queue    *queue
	history  *history
	comms    comms
	cells    *cells
	limits   *limits
	gonb     *supervised
	engine   engineSide
	kernelID string // the mark of everything that this kernel started
	dir      string // for what cells leave to the kernel

	quit     chan struct{} // closed by a shutdown_request
	quitting sync.Once

	mu  sync.Mutex
	now *run // the cell at work; nil between cells

	remarks []string // for the next cell
}

// request is a message from a front end and the socket to answer on.
type request struct {
	*wire.Message
	via *sockets.Router
}

// open binds Jupyter's sockets. From then on messages arrive; those that need GoNB wait until serve.
func (p *proxy) open() (err error) {
	p.quit = make(chan struct{})
	p.session, p.key = wire.NewID(), []byte(p.conn.Key)
	p.queue = newQueue()
	listen := func(port int) net.Listener {
		if err != nil {
			return nil
		}
		var l net.Listener
		network, address := p.conn.Address(port)
		if l, err = sockets.Listen(network, address); err != nil {
			err = fmt.Errorf("kernel: listen for Jupyter: %w", err)
		}
		return l
	}
	router := func(port int, on func(*sockets.Router, [][]byte)) *sockets.Router {
		l := listen(port)
		if err != nil {
			return nil
		}
		// The first message may arrive before NewRouter has returned.
		var r *sockets.Router
		ready := make(chan struct{})
		r = sockets.NewRouter(l, func(frames [][]byte) { <-ready; on(r, frames) })
		r.SetLog(p.logf)
		close(ready)
		return r
	}
	p.heart = router(p.conn.Heartbeat, func(r *sockets.Router, frames [][]byte) { _ = r.Send(frames) })
	if l := listen(p.conn.IOPub); l != nil {
		p.iopub = sockets.NewPublisher(l, p.welcome)
		p.iopub.SetLog(p.logf)
	}
	p.stdin = router(p.conn.Stdin, p.receiver(p.onStdin))
	p.control = router(p.conn.Control, p.receiver(p.onRequest))
	p.shell = router(p.conn.Shell, p.receiver(p.onRequest))
	if err != nil {
		p.close()
	}
	return err
}

// receiver drops what is not a message signed with our key: any process of this machine can reach a tcp port.
func (p *proxy) receiver(on func(request)) func(*sockets.Router, [][]byte) {
	return func(r *sockets.Router, frames [][]byte) {
		m, err := wire.Parse(frames, p.key)
		if err != nil {
			p.logf("a message was ignored: %v", err)
			return
		}
		on(request{m, r})
	}
}

// close ends the sockets. What was published before is sent first.
func (p *proxy) close() {
	// Side by side: each waits a moment for clients that have not hung up.
	var all sync.WaitGroup
	for _, r := range []*sockets.Router{p.shell, p.control, p.stdin, p.heart} {
		if r != nil {
			all.Go(func() { _ = r.Close() })
		}
	}
	if p.iopub != nil {
		all.Go(func() { _ = p.iopub.Close() })
	}
	all.Wait()
}

func (p *proxy) logf(format string, args ...any) {
	fmt.Fprintf(p.cfg.Log, "tlab kernel: "+format+"\n", args...)
}

// welcome greets a new subscriber (JEP 65), so that it knows from when on nothing is lost.
func (p *proxy) welcome(topic []byte) [][]byte {
	m, err := wire.New(p.session, "iopub_welcome", map[string]string{"subscription": string(topic)})
	if err != nil {
		return nil
	}
	m.Identities = [][]byte{topic}
	frames, err := m.Frames(p.key)
	if err != nil {
		return nil
	}
	return frames
}

// publish sends content to all front ends as an answer to parent. content is marshalled unless it is a json.RawMessage.
func (p *proxy) publish(parent wire.Header, msgType string, content any) {
	m, err := wire.New(p.session, msgType, content)
	if err != nil {
		p.logf("%v", err)
		return
	}
	m.Parent = parent
	p.relay(m)
}

// relay sends m, whoever wrote it, to all front ends.
func (p *proxy) relay(m *wire.Message) {
	p.comms.note(m)
	m.Identities = [][]byte{[]byte(m.Header.Type)}
	frames, err := m.Frames(p.key)
	if err != nil {
		p.logf("%v", err)
		return
	}
	p.iopub.Send(frames)
}

func (p *proxy) status(parent wire.Header, state string) {
	p.publish(parent, "status", map[string]string{"execution_state": state})
}

// reply answers r where it came from. A front end that went away gets nothing.
func (p *proxy) reply(r request, msgType string, content any) {
	m, err := wire.New(r.Header.Session, msgType, content)
	if err != nil {
		p.logf("%v", err)
		return
	}
	m.Parent, m.Identities = r.Header, r.Identities
	p.send(r.via, m)
}

func (p *proxy) send(via *sockets.Router, m *wire.Message) {
	frames, err := m.Frames(p.key)
	if err != nil {
		p.logf("%v", err)
		return
	}
	if err := via.Send(frames); err != nil && !errors.Is(err, sockets.ErrNoPeer) {
		p.logf("%v", err)
	}
}

// onRequest takes a message from shell or control.
func (p *proxy) onRequest(r request) {
	switch r.Header.Type {
	case "execute_request", "complete_request", "inspect_request":
		if !p.queue.push(r) {
			p.aborted(r, "the kernel is ending")
		}
	case "comm_open", "comm_msg", "comm_close":
		// Never behind a running cell: that cell may be waiting for the very message.
		p.attended(r, func() { p.comms.note(r.Message); p.gonb.forward(r.Message) })
	case "interrupt_request":
		p.attended(r, func() { p.interrupt(); p.reply(r, "interrupt_reply", ok()) })
	case "shutdown_request":
		p.shutdown(r)
	default:
		answer, known := answers[r.Header.Type]
		if !known {
			p.logf("a %s was ignored: no such request", r.Header.Type)
			return
		}
		p.attended(r, func() { answer(p, r) })
	}
}

// attended publishes busy and idle around f. Front ends take the latest status for the kernel's, whomever it answers: so a running cell
// says again that it runs.
func (p *proxy) attended(r request, f func()) {
	p.status(r.Header, "busy")
	f()
	p.status(r.Header, "idle")
	if now := p.running(); now != nil && now.request != nil {
		p.status(now.request.Header, "busy")
	}
}

func (p *proxy) running() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// onStdin takes what a user typed for the cell at work.
func (p *proxy) onStdin(r request) {
	if r.Header.Type == "input_reply" {
		p.gonb.input(r.Message)
	}
}

// stray relays what GoNB publishes beside the cell at work: widgets' messages, a figure that came late.
func (p *proxy) stray(m *wire.Message) {
	switch m.Header.Type {
	case "status", "execute_input", "error":
	default:
		if now := p.running(); now == nil || !now.update(m) {
			p.relay(m)
		}
	}
}

// askInput hands a cell's question to the front end that sent the cell.
func (p *proxy) askInput(m *wire.Message) {
	now := p.running()
	if m.Header.Type != "input_request" || now == nil || now.request == nil {
		return
	}
	m.Identities = now.request.Identities
	p.send(p.stdin, m)
}

// shutdown says goodbye; Run then ends everything.
func (p *proxy) shutdown(r request) {
	var content struct {
		Restart bool `json:"restart"`
	}
	_ = r.Decode(&content) // without content it is no restart
	goodbye := map[string]any{"status": "ok", "restart": content.Restart}
	p.attended(r, func() {
		p.publish(r.Header, "shutdown_reply", goodbye)
		p.reply(r, "shutdown_reply", goodbye)
	})
	p.quitting.Do(func() { close(p.quit) })
}

// serve works through the queue until ctx ends.
func (p *proxy) serve(ctx context.Context) {
	context.AfterFunc(ctx, p.queue.close)
	for {
		r, more := p.queue.pop()
		if !more {
			return
		}
		p.status(r.Header, "busy")
		switch r.Header.Type {
		case "execute_request":
			p.execute(ctx, r)
		case "complete_request":
			p.complete(ctx, r)
		case "inspect_request":
			p.inspect(ctx, r)
		}
		p.status(r.Header, "idle")
	}
}

// aborted answers a request that will not be carried out. The answer has no execution count, as ipykernel's: JupyterLab would show it as
// that of a cell that ran.
func (p *proxy) aborted(r request, why string) {
	replyType := replyTo(r.Header.Type)
	p.status(r.Header, "busy")
	content := map[string]any{"status": "aborted"}
	if r.Header.Type == "execute_request" {
		content["ename"], content["evalue"], content["traceback"] = "Aborted", why, []string{}
	}
	p.reply(r, replyType, content)
	p.status(r.Header, "idle")
}

// replyTo is the type of the answer to a request of that type.
func replyTo(requestType string) string {
	return strings.TrimSuffix(requestType, "_request") + "_reply"
}

func ok() map[string]any { return map[string]any{"status": "ok"} }

// queue holds what waits for GoNB, in the order of arrival.
type queue struct {
	mu     sync.Mutex
	more   *sync.Cond
	held   []request
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.more = sync.NewCond(&q.mu)
	return q
}

func (q *queue) push(r request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.held = append(q.held, r)
	q.more.Signal()
	return true
}

// pop waits for the next request. more is false when the queue was closed.
func (q *queue) pop() (r request, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.held) == 0 && !q.closed {
		q.more.Wait()
	}
	if q.closed {
		return request{}, false
	}
	r = q.held[0]
	q.held = q.held[1:]
	return r, true
}

// drop takes the waiting execute requests out: those behind a cell that failed.
func (q *queue) drop() (dropped []request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var kept []request
	for _, r := range q.held {
		if r.Header.Type == "execute_request" {
			dropped = append(dropped, r)
		} else {
			kept = append(kept, r)
		}
	}
	q.held = kept
	return dropped
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}

// raw marshals v for a message that is relayed; v is of our own making and can be marshalled.
func raw(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("{}")
	}
	return data
}
