package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"

	"transferlab/kernel/wire"
)

// ErrGone is returned, wrapped, by calls to a kernel whose connection ended.
var ErrGone = errors.New("the kernel's connection ended")

// errUnsent marks a request that did not leave: it may be sent again.
var errUnsent = errors.New("the request could not be sent")

// Client is a Jupyter front end without a screen: it talks to one running kernel. Its methods may be called from several goroutines;
// the kernel runs the cells one after the other.
type Client struct {
	// Grace is how long Execute waits for a cell that it interrupted. 0 is seven seconds: GoNB kills a program that ignores SIGINT
	// after five. Set it before the first Execute.
	Grace time.Duration

	session                      string
	shell, control, iopub, stdin *channel

	hooks hooks

	mu      sync.Mutex
	waiting map[string]*awaited // by message id
	gone    chan struct{}       // closed when a channel broke
	once    sync.Once
}

// hooks are what a client of GoNB listens to beside the answers to its requests. Each may be nil.
type hooks struct {
	stray func(*wire.Message) // what is published though nobody waits for it: a widget's message, a late figure
	input func(*wire.Message) // input_request; without it the client has no stdin channel
}

// awaited is a sent message whose answers somebody waits for.
type awaited struct {
	reply  chan *wire.Message // the one reply
	output chan *wire.Message // what the kernel publishes meanwhile
	done   chan struct{}      // closed when nobody listens any more
}

// Info is what a kernel says of itself.
type Info struct {
	Protocol       string `json:"protocol_version"`
	Implementation string `json:"implementation"`
	Banner         string `json:"banner"`
	Language       struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"language_info"`
}

// Reply is the end of a cell.
type Reply struct {
	Status    string   `json:"status"` // "ok", "error" or "aborted"
	Count     int      `json:"execution_count"`
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// Connect joins a running kernel and waits until it answers and its output arrives here.
func Connect(ctx context.Context, conn wire.Connection) (*Client, error) {
	return connect(ctx, conn, hooks{})
}

func connect(ctx context.Context, conn wire.Connection, on hooks) (*Client, error) {
	c := &Client{session: wire.NewID(), hooks: on, waiting: map[string]*awaited{}, gone: make(chan struct{})}
	type line struct {
		to   **channel
		port int
		typ  zmq4.SocketType
	}
	lines := []line{{&c.iopub, conn.IOPub, zmq4.Sub}, {&c.shell, conn.Shell, zmq4.Dealer}, {&c.control, conn.Control, zmq4.Dealer}}
	if on.input != nil {
		lines = append(lines, line{&c.stdin, conn.Stdin, zmq4.Dealer})
	}
	var err error
	if on.input != nil { // a GoNB that was asked to push
		if c.iopub, err = dial(ctx, conn, conn.IOPub, zmq4.Pull, c.session); err == nil {
			lines = lines[1:]
		}
	}
	for _, d := range lines {
		if *d.to, err = dial(ctx, conn, d.port, d.typ, c.session); err != nil {
			c.Disconnect()
			return nil, fmt.Errorf("kernel: connect: %w", err)
		}
	}
	for _, ch := range []*channel{c.shell, c.control} {
		go c.listen(ch, func(m *wire.Message, r *awaited) { deliver(r, r.reply, m) })
	}
	go c.listen(c.iopub, func(m *wire.Message, r *awaited) { deliver(r, r.output, m) })
	if c.stdin != nil {
		go func() { _ = c.stdin.receive(on.input) }()
	}
	if err := c.hear(ctx); err != nil {
		c.Disconnect()
		return nil, err
	}
	return c, nil
}

// Disconnect leaves the kernel running.
func (c *Client) Disconnect() {
	c.once.Do(func() { close(c.gone) })
	for _, ch := range []*channel{c.shell, c.control, c.iopub, c.stdin} {
		if ch != nil {
			_ = ch.conn.Close()
		}
	}
}

// listen hands each message on ch to whoever waits for answers to its parent.
func (c *Client) listen(ch *channel, hand func(*wire.Message, *awaited)) {
	_ = ch.receive(func(m *wire.Message) {
		c.mu.Lock()
		r := c.waiting[m.Parent.ID]
		c.mu.Unlock()
		switch {
		case r != nil:
			hand(m, r)
		case ch == c.iopub && c.hooks.stray != nil:
			c.hooks.stray(m)
		}
	})
	c.once.Do(func() { close(c.gone) })
}

func deliver(r *awaited, to chan<- *wire.Message, m *wire.Message) {
	select {
	case to <- m:
	case <-r.done:
	}
}

// ask sends a request; forget ends the wait for its answers.
func (c *Client) ask(ch *channel, msgType string, content any) (r *awaited, forget func(), err error) {
	m, err := wire.New(c.session, msgType, content)
	if err != nil {
		return nil, nil, err
	}
	return c.await(ch, m)
}

// await sends m as it is.
func (c *Client) await(ch *channel, m *wire.Message) (r *awaited, forget func(), err error) {
	r = &awaited{reply: make(chan *wire.Message, 1), output: make(chan *wire.Message, 64), done: make(chan struct{})}
	c.mu.Lock()
	c.waiting[m.Header.ID] = r
	c.mu.Unlock()
	forget = func() {
		c.mu.Lock()
		delete(c.waiting, m.Header.ID)
		c.mu.Unlock()
		close(r.done)
	}
	if err := ch.send(m); err != nil {
		forget()
		return nil, nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	return r, forget, nil
}

// hear asks for kernel_info until both the reply and a published status came back. A subscription takes effect some time after it was
// sent, and what a kernel publishes before that is lost: whoever does not wait loses the first outputs of the first cell.
func (c *Client) hear(ctx context.Context) error {
	for {
		r, forget, err := c.ask(c.shell, "kernel_info_request", nil)
		if err != nil {
			return err
		}
		replied, heard := false, false
		again := time.After(300 * time.Millisecond)
		for waiting := true; waiting && !(replied && heard); {
			select {
			case <-r.reply:
				replied = true
			case <-r.output:
				heard = true
			case <-again:
				waiting = false
			case <-c.gone:
				forget()
				return fmt.Errorf("kernel: connect: %w", ErrGone)
			case <-ctx.Done():
				forget()
				return fmt.Errorf("kernel: connect: no answer to kernel_info: %w", context.Cause(ctx))
			}
		}
		forget()
		if replied && heard {
			return nil
		}
	}
}

// Info asks the kernel who it is.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var info Info
	r, forget, err := c.ask(c.shell, "kernel_info_request", nil)
	if err != nil {
		return info, err
	}
	defer forget()
	m, err := c.replyTo(ctx, r, "kernel_info")
	if err != nil {
		return info, err
	}
	return info, m.Decode(&info)
}

// replyTo waits for r's reply and drops what is published meanwhile.
func (c *Client) replyTo(ctx context.Context, r *awaited, what string) (*wire.Message, error) {
	for {
		select {
		case m := <-r.reply:
			return m, nil
		case <-r.output:
		case <-c.gone:
			return nil, fmt.Errorf("kernel: %s: %w", what, ErrGone)
		case <-ctx.Done():
			return nil, fmt.Errorf("kernel: %s: %w", what, context.Cause(ctx))
		}
	}
}

// errSilent is how a request ends to which GoNB has no reply: it says that it is idle and no more.
var errSilent = errors.New("GoNB gave no answer")

// silence is how long a reply may come after the kernel said that it is idle: the two travel on different sockets.
const silence = 5 * time.Second

// pass sends m under its own id and header, calls on with each message published for it, and returns the reply when the kernel is idle again.
func (c *Client) pass(ctx context.Context, m *wire.Message, on func(*wire.Message)) (reply *wire.Message, err error) {
	r, forget, err := c.await(c.shell, m)
	if err != nil {
		return nil, err
	}
	defer forget()
	var late <-chan time.Time
	for idle := false; reply == nil || !idle; {
		select {
		case reply = <-r.reply:
			late = time.After(idleGrace)
		case <-late:
			if reply == nil {
				return nil, fmt.Errorf("kernel: %s: %w", m.Header.Type, errSilent)
			}
			idle = true
		case published := <-r.output:
			if isIdle(published) && !idle {
				idle = true
				late = time.After(silence)
			}
			on(published)
		case <-c.gone:
			return nil, fmt.Errorf("kernel: %s: %w", m.Header.Type, ErrGone)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return reply, nil
}

// executeRequest is the content of an execute_request.
type executeRequest struct {
	Code         string         `json:"code"`
	Silent       bool           `json:"silent"`
	StoreHistory bool           `json:"store_history"`
	Expressions  map[string]any `json:"user_expressions"`
	AllowStdin   bool           `json:"allow_stdin"`
	StopOnError  bool           `json:"stop_on_error"`
}

// idleGrace bounds the wait for a kernel that has replied and does not say that it is idle: its output may be lost, the run must not hang.
const idleGrace = 30 * time.Second

// Execute runs one cell and calls on, unless nil, with each message published for it, in order, in the calling goroutine. It returns
// when the reply is here and the kernel is idle again. A cell that fails is a Reply with status "error", not an error. When ctx ends,
// the cell is interrupted; Execute then waits for it to stop, as long as Grace, and returns ctx's cause.
func (c *Client) Execute(ctx context.Context, code string, on func(*wire.Message)) (Reply, error) {
	return c.execute(ctx, executeRequest{Code: code, StoreHistory: true, Expressions: map[string]any{}, StopOnError: true}, on)
}

func (c *Client) execute(ctx context.Context, req executeRequest, on func(*wire.Message)) (Reply, error) {
	var reply Reply
	r, forget, err := c.ask(c.shell, "execute_request", req)
	if err != nil {
		return reply, err
	}
	defer forget()
	replied, idle := false, false
	stop := ctx.Done()
	var giveUp, late <-chan time.Time
	for !replied || !idle {
		select {
		case m := <-r.reply:
			if err := m.Decode(&reply); err != nil {
				return reply, err
			}
			replied, late = true, time.After(idleGrace)
		case <-late:
			idle = true
		case m := <-r.output:
			idle = idle || isIdle(m)
			if on != nil && m.Header.Type != "status" {
				on(m)
			}
		case <-stop:
			stop, giveUp = nil, time.After(cmp.Or(c.Grace, 7*time.Second))
			if err := c.Interrupt(); err != nil {
				return reply, err
			}
		case <-giveUp:
			return reply, fmt.Errorf("kernel: execute: the cell did not stop: %w", context.Cause(ctx))
		case <-c.gone:
			return reply, fmt.Errorf("kernel: execute: %w", ErrGone)
		}
	}
	if giveUp != nil {
		return reply, fmt.Errorf("kernel: execute: %w", context.Cause(ctx))
	}
	return reply, nil
}

func isIdle(m *wire.Message) bool {
	if m.Header.Type != "status" {
		return false
	}
	var s struct {
		State string `json:"execution_state"`
	}
	return m.Decode(&s) == nil && s.State == "idle"
}

// Interrupt asks the kernel to stop the running cell. It does not wait.
func (c *Client) Interrupt() error { return c.tell("interrupt_request", nil) }

// Shutdown asks the kernel to end. It does not wait.
func (c *Client) Shutdown() error {
	return c.tell("shutdown_request", map[string]bool{"restart": false})
}

func (c *Client) tell(msgType string, content any) error {
	m, err := wire.New(c.session, msgType, content)
	if err != nil {
		return err
	}
	return c.control.send(m)
}
