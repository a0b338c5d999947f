package sockets

import (
	"bytes"
	"fmt"
	"net"
	"sync"

	"github.com/go-zeromq/zmq4"
)

// Publisher sends each message to all peers that subscribed to it, as ZeroMQ's XPUB does.
type Publisher struct {
	host
	joined func(topic []byte) [][]byte
	mu     sync.Mutex // keeps messages, and subscriptions among them, in one order for all
	peers  map[*peer]bool
}

// topics are a subscriber's. Jupyter's clients have one: the empty one, which every message begins with.
type topics struct {
	all  map[string]bool
	size int
}

// NewPublisher accepts subscribers from l. joined, if not nil, is called with each topic that a peer newly subscribes to, from a
// goroutine of that peer's, and returns a message for this peer alone, or nil; it comes before any that Send is called with later.
func NewPublisher(l net.Listener, joined func(topic []byte) [][]byte) *Publisher {
	return newPublisher(l, joined, usual)
}

func newPublisher(l net.Listener, joined func(topic []byte) [][]byte, lim limits) *Publisher {
	p := &Publisher{host: host{limits: lim, typ: zmq4.XPub}, joined: joined, peers: make(map[*peer]bool)}
	p.host.join, p.host.leave, p.host.take, p.host.topic = p.join, p.leave, p.take, p.topic
	p.start(l)
	return p
}

func (p *Publisher) join(to *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to.topics.all = make(map[string]bool)
	p.peers[to] = true
}

func (p *Publisher) leave(to *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.peers, to)
}

// take reads a subscription as ZMTP 3.0 sends it. Whatever else a subscriber says is for XPUB's owner, who does not ask.
func (p *Publisher) take(from *peer, frames [][]byte) error {
	if len(frames) != 1 || len(frames[0]) == 0 || frames[0][0] > 1 {
		return nil
	}
	return p.topic(from, frames[0][0] == 1, frames[0][1:])
}

// topic adds or removes one of a peer's topics.
func (p *Publisher) topic(to *peer, add bool, topic []byte) error {
	cost := len(topic) + overhead
	p.mu.Lock()
	has := to.topics.all[string(topic)]
	if !add && has {
		delete(to.topics.all, string(topic))
		to.topics.size -= cost
	}
	p.mu.Unlock()
	if !add || has {
		return nil
	}
	if to.topics.size+cost > p.limits.topics {
		return fmt.Errorf("its topics have more than %d bytes", p.limits.topics)
	}
	var greeting [][]byte
	if p.joined != nil {
		greeting = p.joined(topic) // without the lock: it may publish
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	to.topics.all[string(topic)] = true
	to.topics.size += cost
	if len(greeting) == 0 {
		return nil
	}
	data := encode(greeting)
	return to.send(data, max(batch, len(data))) // one that subscribes and subscribes and never reads gets no more
}

// wants says whether a message that begins with first is for this subscriber.
func (t *topics) wants(first []byte) bool {
	if t.all[""] {
		return true
	}
	for topic := range t.all {
		if bytes.HasPrefix(first, []byte(topic)) {
			return true
		}
	}
	return false
}

// Send queues a message for its subscribers and does not wait for it to be sent. A subscriber that does not read, so that 64 MiB wait
// for it or nothing goes out for 30 s, is disconnected; the others get every message in the order of the calls.
func (p *Publisher) Send(frames [][]byte) {
	if len(frames) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var data []byte // shared by all queues
	for to := range p.peers {
		if !to.topics.wants(frames[0]) {
			continue
		}
		if data == nil {
			data = encode(frames)
		}
		_ = to.send(data, p.most(data)) // one that is gone, or is dropped by this, is no matter of the sender's
	}
}

// Subscribers returns how many peers have subscribed to something.
func (p *Publisher) Subscribers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for to := range p.peers {
		if len(to.topics.all) > 0 && !to.over() {
			n++
		}
	}
	return n
}
