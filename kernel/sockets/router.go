package sockets

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/go-zeromq/zmq4"
)

// Router talks with many peers (DEALER, REQ) and tells them apart by their identities, as ZeroMQ's ROUTER does.
type Router struct {
	host
	on    func(frames [][]byte)
	mu    sync.Mutex
	peers map[string]*peer
}

// NewRouter accepts peers from l and calls on with each of their messages, the sender's identity as first frame. A peer's messages
// come one after another, those of different peers at the same time; while on runs, its peer waits. The frames are on's to keep.
//
// A peer that names no identity gets a random one. If one connects under the identity of another, the older is disconnected: it is
// the same client, back after the network failed it.
func NewRouter(l net.Listener, on func(frames [][]byte)) *Router { return newRouter(l, on, usual) }

func newRouter(l net.Listener, on func(frames [][]byte), lim limits) *Router {
	r := &Router{host: host{limits: lim, typ: zmq4.Router}, on: on, peers: make(map[string]*peer)}
	r.host.join, r.host.leave, r.host.take = r.join, r.leave, r.take
	r.start(l)
	return r
}

func (r *Router) join(p *peer) {
	r.mu.Lock()
	for p.id == "" || p.id[0] == 0 && r.peers[p.id] != nil {
		p.id = randomID()
	}
	older := r.peers[p.id]
	r.peers[p.id] = p
	r.mu.Unlock()
	if older != nil {
		older.drop(errors.New("it has connected anew"))
	}
}

// randomID returns an identity that no peer can choose for itself: those do not begin with a zero.
func randomID() string {
	id := make([]byte, 5)
	_, _ = rand.Read(id[1:]) // never fails: see its documentation
	return string(id)
}

func (r *Router) leave(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peers[p.id] == p {
		delete(r.peers, p.id)
	}
}

func (r *Router) take(p *peer, frames [][]byte) error {
	r.on(append([][]byte{[]byte(p.id)}, frames...))
	return nil
}

// Send queues a message for the peer whose identity is frames[0] and does not wait for it to be sent. The error is ErrNoPeer if that
// peer is not connected (any more). A peer that does not read, so that 64 MiB wait for it or nothing goes out for 30 s, is disconnected,
// and so is one for which more than a little waits when 512 MiB wait for all peers.
func (r *Router) Send(frames [][]byte) error {
	if len(frames) < 2 {
		return fmt.Errorf("sockets: send: a message needs a peer's identity and a frame, this one has %d frames", len(frames))
	}
	r.mu.Lock()
	p := r.peers[string(frames[0])]
	r.mu.Unlock()
	err := ErrNoPeer
	if p != nil {
		data := encode(frames[1:])
		most := r.most(data)
		if all := r.host.backlog.Load(); all > 0 && all+int64(len(data)) > int64(r.limits.backlog) {
			most = chunk // peers that do not read have filled the place for long answers; others still get short ones
		}
		err = p.send(data, most)
	}
	if err != nil {
		return fmt.Errorf("sockets: send to %q: %w", frames[0], err)
	}
	return nil
}
