package sockets

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// ended waits for the end of the connection.
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
