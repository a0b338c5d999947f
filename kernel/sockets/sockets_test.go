package sockets

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-zeromq/zmq4"
)

func TestRouter(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		noLeaks(t)
		r := echo(t, network, usual)
		ann, bob, anonymous := connect(t, r.l.Addr(), zmq4.Dealer, "ann"), connect(t, r.l.Addr(), zmq4.Req, "bob"), connect(t, r.l.Addr(), zmq4.Dealer, "")
		long := strings.Repeat("x", 3<<20)
		ann.send("one", "", long)
		bob.send("", "question")
		anonymous.send("who am I")
		ann.send("two")
		ann.expect("one", "", long)
		ann.expect("two")
		bob.expect("", "question")
		anonymous.expect("who am I")
		if err := r.Send(frames("ann", "unasked")); err != nil {
			t.Error(err)
		}
		ann.expect("unasked")
		if err := r.Send(frames("carol", "hello")); !errors.Is(err, ErrNoPeer) {
			t.Errorf("sent to nobody: %v", err)
		}
		if err := r.Send(frames("ann")); err == nil || errors.Is(err, ErrNoPeer) {
			t.Errorf("sent nothing: %v", err)
		}
		ann.Close()
		until(t, "ann gone", func() bool { return errors.Is(r.Send(frames("ann", "still there?")), ErrNoPeer) })
	})
}

func TestIdentities(t *testing.T) {
	noLeaks(t)
	seen := make(chan []byte, 10)
	r := NewRouter(listen(t, "tcp"), func(f [][]byte) { seen <- f[0] })
	defer r.Close()
	a := r.l.Addr()
	connect(t, a, zmq4.Dealer, "").send("x")
	connect(t, a, zmq4.Dealer, "").send("x")
	one, two := <-seen, <-seen
	if len(one) != 5 || one[0] != 0 || len(two) != 5 || bytes.Equal(one, two) {
		t.Errorf("the identities of two nameless peers are %q and %q", one, two)
	}

	older := connect(t, a, zmq4.Dealer, "twin")
	older.send("x")
	<-seen
	newer := connect(t, a, zmq4.Dealer, "twin")
	older.ended()
	if err := r.Send(frames("twin", "hello")); err != nil {
		t.Error(err)
	}
	newer.expect("hello")

	for _, id := range []string{"\x00mine", strings.Repeat("x", 256)} {
		raw := dial(t, a)
		greeting := [64]byte{0: 0xff, 9: 0x7f, 10: 3, 12: 'N', 13: 'U', 14: 'L', 15: 'L'}
		body := append([]byte("\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00"), byte(len(id)>>8), byte(len(id)))
		_, _ = raw.Write(appendFrame(greeting[:], isCommand, append(body, id...)))
		client{nil, raw, t}.silence()
	}
}

func TestPublisher(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		noLeaks(t)
		var mu sync.Mutex
		var topics []string
		p := NewPublisher(listen(t, network), func(topic []byte) [][]byte {
			mu.Lock()
			defer mu.Unlock()
			topics = append(topics, string(topic))
			if string(topic) == "quiet" {
				return nil
			}
			return frames("welcome", string(topic))
		})
		defer p.Close()
		p.SetLog(t.Logf)
		a := p.l.Addr()
		p.Send(frames("nobody hears this"))
		all, some := connect(t, a, zmq4.Sub, ""), connect(t, a, zmq4.Sub, "")
		if n := p.Subscribers(); n != 0 {
			t.Errorf("%d subscribers before any subscribed", n)
		}
		all.subscribe(p, "")
		all.expect("welcome", "")
		some.subscribe(p, "ab")
		some.expect("welcome", "ab")
		some.send("\x01quiet")
		some.send("\x01ab") // again: nothing new
		some.send("\x01x")
		some.expect("welcome", "x")
		p.Send(frames("abc", "1"))
		p.Send(frames("b", "2"))
		p.Send(frames("xyz", "3"))
		all.expect("abc", "1")
		all.expect("b", "2")
		all.expect("xyz", "3")
		some.expect("abc", "1")
		some.expect("xyz", "3")
		some.send("\x00ab")
		some.send("\x00never")
		some.send("\x01last")
		some.expect("welcome", "last")
		p.Send(frames("abc", "4"))
		p.Send(frames("last", "5"))
		some.expect("last", "5")
		some.Close()
		until(t, "one leaves", func() bool { return p.Subscribers() == 1 })
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"", "ab", "quiet", "x", "last"}; !slices.Equal(topics, want) {
			t.Errorf("joined was called with %q, not %q", topics, want)
		}
	})
}

// TestSubscribeByCommand: libzmq subscribes by commands if both sides speak ZMTP 3.1.
func TestSubscribeByCommand(t *testing.T) {
	p := NewPublisher(listen(t, "unix"), func([]byte) [][]byte { return frames("welcome") })
	defer p.Close()
	c := connect(t, p.l.Addr(), zmq4.Sub, "")
	if err := c.SendCmd("SUBSCRIBE", []byte("a")); err != nil {
		t.Fatal(err)
	}
	c.expect("welcome")
	p.Send(frames("b"))
	p.Send(frames("ab"))
	c.expect("ab")
	if err := c.SendCmd("CANCEL", []byte("a")); err != nil {
		t.Fatal(err)
	}
	until(t, "cancelled", func() bool { return p.Subscribers() == 0 })
}

// TestCommands: what is not a message does not become one, even between the frames of one.
func TestCommands(t *testing.T) {
	noLeaks(t)
	r := echo(t, "unix", usual)
	c := connect(t, r.l.Addr(), zmq4.Dealer, "c")
	var b []byte
	b = appendFrame(b, isCommand, []byte("\x04PING\x00\x00context"))
	b = appendFrame(b, isCommand, []byte("\x07UNKNOWN what?"))
	b = appendFrame(b, isCommand, []byte("\x09SUBSCRIBEx"))
	b = appendFrame(b, hasMore, []byte("a"))
	b = appendFrame(b, isCommand, []byte("\x04PING\x00\x00"))
	b = appendFrame(b, 0, []byte("b"))
	if _, err := c.raw.Write(b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x04PONGcontext", "\x04PONG"} {
		if got := string(c.frame(isCommand)); got != want {
			t.Errorf("a PING is answered with %q, not %q", got, want)
		}
	}
	c.expect("a", "b")
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		noLeaks(t)
		lim := usual
		lim.linger = patience // else it depends on the machine how much is sent
		r := newRouter(listen(t, network), func([][]byte) {}, lim)
		p := newPublisher(listen(t, network), nil, lim)
		d, s := connect(t, r.l.Addr(), zmq4.Dealer, "d"), connect(t, p.l.Addr(), zmq4.Sub, "")
		s.subscribe(p, "")
		until(t, "d is there", func() bool { return r.Send(frames("d", "first")) == nil })
		silent := dial(t, r.l.Addr()) // never says hello
		long := strings.Repeat("x", 1<<20)
		for i := range 20 {
			if err := r.Send(frames("d", fmt.Sprint(i), long)); err != nil {
				t.Fatal(err)
			}
			p.Send(frames(fmt.Sprint(i), long))
		}
		var closing sync.WaitGroup
		closing.Go(func() { r.Close() })
		closing.Go(func() { p.Close() })
		d.expect("first")
		for i := range 20 {
			d.expect(fmt.Sprint(i), long)
			s.expect(fmt.Sprint(i), long)
		}
		d.ended()
		s.ended()
		closing.Wait()
		client{nil, silent, t}.silence()
		if err := r.Send(frames("d", "late")); !errors.Is(err, ErrNoPeer) {
			t.Errorf("sent after Close: %v", err)
		}
		p.Send(frames("late"))
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}
