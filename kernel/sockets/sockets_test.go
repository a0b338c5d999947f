package sockets

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// patience is for what should take milliseconds, on a machine that may be busy.
const patience = 20 * time.Second

func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "sock") // t.TempDir's names may be too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		address = filepath.Join(dir, "s")
	}
	l, err := Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// both runs a test over both networks.
func both(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { test(t, network) })
	}
}

// dial connects without saying anything.
func dial(t testing.TB, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(a.Network(), a.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// client is a peer whose ZMTP is zmq4's.
type client struct {
	*zmq4.Conn
	raw net.Conn
	t   testing.TB
}

func connect(t testing.TB, a net.Addr, typ zmq4.SocketType, id string) client {
	t.Helper()
	raw := dial(t, a)
	conn, err := zmq4.Open(raw, null.Security(), typ, zmq4.SocketIdentity(id), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client{conn, raw, t}
}

func (c client) send(frames ...string) {
	c.t.Helper()
	if err := c.SendMsg(zmq4.NewMsgFromString(frames)); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) expect(frames ...string) {
	c.t.Helper()
	m, err := c.RecvMsg()
	if err != nil {
		c.t.Fatalf("instead of %q: %v", frames, err)
	}
	if got := texts(m.Frames); !slices.Equal(got, frames) {
		c.t.Fatalf("received %.200q, not %.200q", got, frames)
	}
}

// ended waits for the end of the connection and returns how much came before.
func (c client) ended() {
	c.t.Helper()
	for {
		if m, err := c.RecvMsg(); errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Fatal("still connected")
		} else if err != nil {
			return
		} else {
			c.t.Logf("before the end came %.100q", m.Frames)
		}
	}
}

func texts(frames [][]byte) []string {
	var s []string
	for _, f := range frames {
		s = append(s, string(f))
	}
	return s
}

func frames(texts ...string) [][]byte {
	var f [][]byte
	for _, s := range texts {
		f = append(f, []byte(s))
	}
	return f
}

// until waits for a condition.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// subscribe subscribes and waits until that has come.
func (c client) subscribe(p *Publisher, topic string) {
	c.t.Helper()
	before := p.Subscribers()
	c.send("\x01" + topic)
	until(c.t, "subscription", func() bool { return p.Subscribers() > before })
}

// noLeaks fails the test if at its end more goroutines or descriptors are there than now.
func noLeaks(t testing.TB) {
	t.Helper()
	routines, files := runtime.NumGoroutine(), descriptors()
	t.Cleanup(func() {
		t.Helper()
		end := time.Now().Add(patience)
		for time.Now().Before(end) && (runtime.NumGoroutine() > routines || descriptors() > files) {
			time.Sleep(5 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > routines {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines, %d before\n%s", n, routines, stacks[:runtime.Stack(stacks, true)])
		}
		if n := descriptors(); n > files {
			t.Errorf("%d descriptors, %d before", n, files)
		}
	})
}

// descriptors counts this process's open files; 0 where there is no /proc.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// echo is a router that sends everything back.
func echo(t testing.TB, network string, lim limits) *Router {
	t.Helper()
	ready := make(chan struct{})
	var r *Router
	r = newRouter(listen(t, network), func(frames [][]byte) { <-ready; _ = r.Send(frames) }, lim)
	close(ready)
	r.SetLog(t.Logf)
	t.Cleanup(func() { r.Close() })
	return r
}

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

// silence waits for the end of a raw connection, whatever comes before.
func (c client) silence() {
	c.t.Helper()
	buf := make([]byte, 4096)
	for {
		if _, err := c.raw.Read(buf); errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Fatal("still connected")
		} else if err != nil {
			return
		}
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

// frame reads a short frame by hand.
func (c client) frame(flags byte) []byte {
	c.t.Helper()
	var header [2]byte
	if _, err := c.Read(header[:]); err != nil || header[0] != flags {
		c.t.Fatalf("a frame begins with %x (%v)", header, err)
	}
	body := make([]byte, header[1])
	if _, err := c.Read(body); err != nil {
		c.t.Fatal(err)
	}
	return body
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
