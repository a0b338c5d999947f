// Package sockets is the server side of ZeroMQ as a Jupyter kernel needs it: a Router for shell, control, stdin and the heartbeat, and
// a Publisher for iopub. Both take a net.Listener and speak ZMTP 3 (https://rfc.zeromq.org/spec/23/) with its NULL mechanism.
//
// The handshake is zmq4's. Its sockets are not used: they retry, queue without a bound and print by themselves, and its reader of
// messages takes as much memory as a frame's header announces. Whoever can connect (over TCP any process of the machine) can send
// anything, long before a signature is checked; here that costs the sender its connection and nobody else anything. What is left to
// such a neighbour is to hold all of the socket's connections (limits.peers); where that matters listen on a unix socket.
package sockets

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"
)

// ErrNoPeer says that no peer of that identity is connected.
var ErrNoPeer = errors.New("no such peer is connected")

// limits bound what peers may cost.
type limits struct {
	peers     int           // connections of one socket
	handshake time.Duration // until a peer has said who it is
	hello     int           // bytes of its saying so
	message   int           // bytes of a message that a peer sends
	room      int           // bytes of all messages that peers have begun to send; short ones do not count
	topics    int           // bytes of a subscriber's topics
	queue     int           // bytes that wait for a peer. A message that finds the queue empty may be longer.
	backlog   int           // bytes that wait for all peers of a Router
	stall     time.Duration // how long a peer may read nothing while something waits for it, or pause within a message
	linger    time.Duration // how long Close waits for what is queued
	farewell  time.Duration // and then for the peer to close its end, lest what is under way to it be lost
}

var usual = limits{
	peers: 256, handshake: 10 * time.Second, hello: 64 << 10,
	message: 256 << 20, room: 512 << 20, topics: 1 << 20, queue: 64 << 20, backlog: 512 << 20,
	stall: 30 * time.Second, linger: time.Second, farewell: 100 * time.Millisecond,
}

// host accepts connections and runs their peers; it is what Router and Publisher have in common.
type host struct {
	limits
	typ   zmq4.SocketType
	join  func(*peer)                     // the handshake is done
	leave func(*peer)                     // the connection has ended
	take  func(*peer, [][]byte) error     // a message has come
	topic func(*peer, bool, []byte) error // a subscription command has come; nil where there are none

	l    net.Listener
	room atomic.Int64
	// backlog counts what waits for all peers; a message of a Publisher's once for each, though they share its memory.
	backlog atomic.Int64
	log     atomic.Pointer[func(format string, args ...any)]
	wg      sync.WaitGroup
	done    chan struct{} // closed when Close begins

	mu    sync.Mutex
	conns map[net.Conn]*guest
	close sync.Once
	err   error // of closing the listener
}

// guest is a connection and, once it has said who it is, its peer.
type guest struct {
	since time.Time
	peer  *peer
}

func (h *host) start(l net.Listener) {
	h.l, h.done, h.conns = l, make(chan struct{}), make(map[net.Conn]*guest)
	h.room.Store(int64(h.limits.room))
	h.wg.Add(1)
	go h.accept()
}

// SetLog has what goes wrong with single peers written by logf, which may be called from several goroutines. A new socket drops it.
func (h *host) SetLog(logf func(format string, args ...any)) { h.log.Store(&logf) }

func (h *host) logf(format string, args ...any) {
	if f := h.log.Load(); f != nil && *f != nil {
		(*f)(format, args...)
	}
}

// accept takes connections until the listener is closed. Other errors pass: a process that has no descriptor left has one later.
func (h *host) accept() {
	defer h.wg.Done()
	pause := time.Duration(0)
	for {
		c, err := h.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if pause == 0 {
				h.logf("sockets: accept: %v; trying again", err)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-h.done:
				return
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		h.welcome(c)
	}
}

// welcome serves a connection if there is a place for it. When all are taken, one that has not said who it is for longest gives way.
func (h *host) welcome(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(true)
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 6})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.conns) >= h.peers {
		var oldest net.Conn
		for c, g := range h.conns {
			if g.peer == nil && (oldest == nil || g.since.Before(h.conns[oldest].since)) {
				oldest = c
			}
		}
		if oldest == nil {
			h.logf("sockets: a peer was turned away: %d are connected", len(h.conns))
			c.Close()
			return
		}
		oldest.Close()
		delete(h.conns, oldest)
	}
	if h.closing() {
		c.Close()
		return
	}
	h.conns[c] = &guest{since: time.Now()}
	h.wg.Add(1)
	go h.serve(c)
}

// most returns how much may wait for a peer together with data: what does not fit at all may still go alone.
func (h *host) most(data []byte) int { return max(h.queue, len(data)) }

func (h *host) closing() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// serve runs a connection to its end. What a peer sends must not end the process, so neither may a panic about it.
func (h *host) serve(c net.Conn) {
	defer h.wg.Done()
	defer func() {
		if fault := recover(); fault != nil {
			h.logf("sockets: a peer's message caused a panic: %v\n%s", fault, debug.Stack())
		}
		c.Close()
		h.mu.Lock()
		delete(h.conns, c)
		h.mu.Unlock()
	}()
	p, err := h.greet(c)
	if err != nil {
		if !hungUp(err) {
			h.logf("sockets: a peer was turned away: %v", err)
		}
		return
	}
	if !h.admit(c, p) {
		return
	}
	defer func() { h.leave(p); p.drop(nil) }()
	h.join(p)
	for {
		frames, err := p.in.message(func(name string, body []byte) error { return h.command(p, name, body) })
		if err == nil && h.closing() {
			continue // Close waits for the peer to hang up; nothing more is answered
		}
		if err == nil {
			err = h.take(p, frames)
		}
		if err != nil {
			if reason := p.drop(err); !hungUp(reason) {
				h.logf("sockets: peer %q was disconnected: %v", p.id, reason)
			}
			return
		}
	}
}

// admit makes a connection a peer, with its own writer, unless Close has begun.
func (h *host) admit(c net.Conn, p *peer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.conns[c]
	if g == nil || h.closing() {
		return false
	}
	g.peer = p
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		p.write(h.farewell)
	}()
	return true
}

// command follows a ZMTP command of a peer's. Those that are not known mean nothing.
func (h *host) command(p *peer, name string, body []byte) error {
	switch name {
	case "PING": // two bytes of its patience and a context, which comes back
		if len(body) < 2 || len(body) > 2+16 {
			return errors.New("not ZMTP: a PING of a wrong length")
		}
		// While more waits for the peer than this, it hears from us anyway: one that asks and asks and never reads gets no more.
		_ = p.offer(appendFrame(nil, isCommand, append([]byte("\x04PONG"), body[2:]...)), chunk)
	case "SUBSCRIBE", "CANCEL": // since ZMTP 3.1; before, they were messages
		if h.topic != nil && !h.closing() {
			return h.topic(p, name == "SUBSCRIBE", body)
		}
	case "ERROR":
		return fmt.Errorf("the peer reports an error: %q", body)
	}
	return nil
}

// Close stops listening, sends what is queued, for a second at most, and disconnects the peers. It returns when all goroutines have
// ended, so it must not be called from a callback, and waits for those that run.
func (h *host) Close() error {
	h.close.Do(func() {
		h.mu.Lock()
		close(h.done)
		h.mu.Unlock()
		h.err = h.l.Close()
		h.hangUp(false)
		late := time.AfterFunc(h.linger, func() { h.hangUp(true) })
		defer late.Stop()
		h.wg.Wait()
	})
	return h.err
}

// hangUp ends all connections: now, or when what is queued for them is sent.
func (h *host) hangUp(now bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, g := range h.conns {
		if g.peer != nil && !g.peer.over() && !now {
			g.peer.finish()
		} else {
			c.Close()
		}
	}
}
