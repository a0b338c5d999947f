package sockets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// peer is a connection whose handshake is done. One goroutine reads it (host.serve), one writes what is queued for it.
type peer struct {
	id      string
	conn    net.Conn
	in      *input
	stall   time.Duration
	gone    chan struct{} // closed by drop
	backlog *atomic.Int64 // what waits for all peers of the socket
	topics  topics        // a subscriber's; guarded by Publisher.mu

	mu     sync.Mutex
	more   sync.Cond // something is queued, or ended
	queue  [][]byte
	queued int  // bytes, those that are just being written included, and an overhead for each message
	ended  bool // nothing more is queued
	reason error
	once   sync.Once
}

// greet exchanges greetings with a new connection and learns who it is.
func (h *host) greet(c net.Conn) (*peer, error) {
	_ = c.SetDeadline(time.Now().Add(h.handshake))
	in := newInput(c, h.hello, &h.room)
	conn, err := zmq4.Open(&hello{Conn: c, in: in, greeting: 64}, null.Security(), h.typ, nil, true, nil)
	if err != nil {
		return nil, err
	}
	id := conn.Peer.Meta["Identity"]
	if len(id) > 255 || len(id) > 0 && id[0] == 0 {
		return nil, fmt.Errorf("%q cannot be an identity", id[:min(len(id), 255)])
	}
	in.release()
	in.limit, in.stall = h.message, h.stall
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	p := &peer{id: id, conn: c, in: in, stall: h.stall, backlog: &h.backlog, gone: make(chan struct{})}
	p.more.L = &p.mu
	return p, nil
}

// hello is a connection as zmq4 sees it during the handshake: the peer's greeting and one command of bounded length.
type hello struct {
	net.Conn
	in       *input
	greeting int // bytes of it that are to come
	ready    *bytes.Reader
}

func (h *hello) Read(p []byte) (int, error) {
	if h.greeting > 0 {
		n, err := h.in.r.Read(p[:min(len(p), h.greeting)])
		h.greeting -= n
		return n, err
	}
	if h.ready == nil {
		flags, body, err := h.in.frame()
		if err != nil {
			return 0, err
		}
		if flags&isCommand == 0 {
			return 0, errors.New("not ZMTP: a message before the handshake")
		}
		h.ready = bytes.NewReader(appendFrame(nil, isCommand, body))
	}
	return h.ready.Read(p)
}

// errFull says that too much waits for a peer already: it does not read.
var errFull = errors.New("it does not read")

// offer queues data for the peer if no more than most bytes wait for it then.
func (p *peer) offer(data []byte, most int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return ErrNoPeer
	}
	if p.queued+len(data) > most {
		return fmt.Errorf("%w: %d bytes wait for it (%w)", errFull, p.queued, ErrNoPeer)
	}
	p.queue = append(p.queue, data)
	p.queued += len(data) + overhead
	p.backlog.Add(int64(len(data) + overhead))
	p.more.Signal()
	return nil
}

// send is offer, and the end of a peer that does not read.
func (p *peer) send(data []byte, most int) error {
	err := p.offer(data, most)
	if errors.Is(err, errFull) {
		return p.drop(err)
	}
	return err
}

// batch is about how much is written at once.
const batch = 1 << 20

// next waits for data and returns the first of it; nil when there is none and will be none. sent is what was written since.
func (p *peer) next(sent int) (data net.Buffers, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle(min(sent, p.queued)) // drop has settled it all
	for len(p.queue) == 0 && !p.ended {
		p.more.Wait()
	}
	n := 0
	for n < len(p.queue) && (n == 0 || size+len(p.queue[n]) <= batch) {
		size += len(p.queue[n]) + overhead
		n++
	}
	data = append(data, p.queue[:n]...)
	rest := copy(p.queue, p.queue[n:])
	clear(p.queue[rest:])
	p.queue = p.queue[:rest]
	return data, size
}

// settle takes n bytes off what waits.
func (p *peer) settle(n int) {
	p.queued -= n
	p.backlog.Add(-int64(n))
}

// write sends what is queued until the peer is dropped or finished. Of a finished one it then takes leave: it says that nothing more
// comes and gives the peer a moment to hang up first, since closing a connection with unread data loses what is under way.
func (p *peer) write(farewell time.Duration) {
	for data, size := p.next(0); len(data) > 0; data, size = p.next(size) {
		err := p.flush(data)
		if err != nil && hungUp(err) {
			p.finish() // what it said before it left is still to be read; the reader ends the connection
			return
		}
		if err != nil {
			p.drop(err)
			return
		}
	}
	if c, ok := p.conn.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		select {
		case <-p.gone:
		case <-time.After(farewell):
		}
	}
	p.drop(nil)
}

// flush writes data as long as the peer takes some of it now and then.
func (p *peer) flush(data net.Buffers) error {
	for len(data) > 0 {
		if err := p.conn.SetWriteDeadline(time.Now().Add(p.stall)); err != nil {
			return err
		}
		n, err := data.WriteTo(p.conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if n > 0 {
				continue
			}
			return fmt.Errorf("it has read nothing for %v", p.stall)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish queues nothing more. The writer, if there is one still, sends what is queued and then closes the connection.
func (p *peer) finish() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.more.Signal()
}

// over says that nothing can be sent to the peer any more.
func (p *peer) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// drop closes the connection at once. It returns why that was done first.
func (p *peer) drop(reason error) error {
	p.once.Do(func() {
		p.mu.Lock()
		p.ended, p.reason = true, reason
		p.queue = nil
		p.settle(p.queued)
		p.mu.Unlock()
		p.conn.Close()
		close(p.gone)
		p.more.Signal()
	})
	return p.reason
}

// hungUp says that a connection ended as they do end.
func hungUp(err error) bool {
	for _, end := range []error{nil, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
