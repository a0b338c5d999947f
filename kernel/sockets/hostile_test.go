package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// small are limits that a test can reach.
func small() limits {
	l := usual
	l.message, l.room, l.queue, l.backlog = 1<<20, 2<<20, 1<<20, 8<<20
	return l
}

// TestAnnouncementsTakeNoMemory: many peers announce long messages, and send a little of them.
func TestAnnouncementsTakeNoMemory(t *testing.T) {
	noLeaks(t)
	r := echo(t, "unix", usual)
	before := heap()
	for range 100 {
		c := connect(t, r.l.Addr(), zmq4.Dealer, "")
		if _, err := c.raw.Write(join(announce(0, 256<<20-1000), make([]byte, 1000))); err != nil {
			t.Fatal(err)
		}
	}
	good := connect(t, r.l.Addr(), zmq4.Dealer, "good")
	good.send("hello")
	good.expect("hello")
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("100 announcements of 256 MiB took %d MiB", grown>>20)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestLongMessages(t *testing.T) {
	noLeaks(t)
	var logged atomic.Value
	r := echo(t, "unix", small())
	r.SetLog(func(format string, args ...any) { logged.Store(fmt.Sprintf(format, args...)); t.Logf(format, args...) })
	c := connect(t, r.l.Addr(), zmq4.Dealer, "c")
	fits := strings.Repeat("x", 1<<20-overhead)
	for range 5 { // what one took is given back
		c.send(fits)
		c.expect(fits)
	}
	for name, said := range map[string][]byte{
		"one frame":    announce(0, 1<<20+1),
		"many frames":  []byte(strings.Repeat(string(appendFrame(nil, hasMore, make([]byte, 1000))), 1100)),
		"empty frames": []byte(strings.Repeat(string(appendFrame(nil, hasMore, nil)), 1<<20/overhead+1)),
	} {
		c := connect(t, r.l.Addr(), zmq4.Dealer, name)
		_, _ = c.raw.Write(said)
		c.ended()
		until(t, "a reason for "+name, func() bool {
			s, _ := logged.Load().(string)
			return strings.Contains(s, name) && strings.Contains(s, errTooLong.Error())
		})
	}

	// Parts of long messages fill the room: the next long one is refused, short ones are not.
	var parts []client
	for i := range 3 {
		p := connect(t, r.l.Addr(), zmq4.Dealer, fmt.Sprint("part", i))
		_, _ = p.raw.Write(join(announce(0, 1<<20-overhead), make([]byte, 900_000)))
		parts = append(parts, p)
	}
	until(t, "no room", func() bool { s, _ := logged.Load().(string); return strings.Contains(s, errNoRoom.Error()) })
	c.send("short")
	c.expect("short")
	for _, p := range parts {
		p.Close()
	}
	until(t, "room again", func() bool { return r.room.Load() == int64(small().room) })
}

func TestSilentPeersAreDropped(t *testing.T) {
	noLeaks(t)
	lim := small()
	lim.handshake, lim.stall = 50*time.Millisecond, 50*time.Millisecond
	r := echo(t, "tcp", lim)
	client{nil, dial(t, r.l.Addr()), t}.silence()
	for _, said := range [][]byte{{hasMore}, appendFrame(nil, hasMore, []byte("and")), join(announce(0, 1000), make([]byte, 10))} {
		c := connect(t, r.l.Addr(), zmq4.Dealer, "pausing")
		if _, err := c.raw.Write(said); err != nil {
			t.Fatal(err)
		}
		c.ended()
	}
	quiet := connect(t, r.l.Addr(), zmq4.Dealer, "quiet") // between messages one may be silent
	quiet.send("a")
	quiet.expect("a")
	time.Sleep(4 * lim.stall)
	quiet.send("b", strings.Repeat("x", 1<<19))
	quiet.expect("b", strings.Repeat("x", 1<<19))
	time.Sleep(4 * lim.stall)
	quiet.send("c")
	quiet.expect("c")
}

func TestSlowSubscriberIsDropped(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		noLeaks(t)
		lim := small()
		p := newPublisher(listen(t, network), nil, lim)
		defer p.Close()
		fast, slow := connect(t, p.l.Addr(), zmq4.Sub, ""), connect(t, p.l.Addr(), zmq4.Sub, "")
		fast.subscribe(p, "")
		slow.subscribe(p, "")
		body := strings.Repeat("x", 1000)
		const n = 20_000 // 20 MB: more than queue and the system's buffers hold
		for i := range n {
			p.Send(frames(fmt.Sprint(i), body))
			if i%100 == 99 { // the fast one reads at once, the slow one not at all
				for j := i - 99; j <= i; j++ {
					fast.expect(fmt.Sprint(j), body)
				}
			}
		}
		if p.Subscribers() != 1 {
			t.Errorf("%d subscribers", p.Subscribers())
		}
		for i := 0; ; i++ { // what the slow one got before is in order and complete
			m, err := slow.RecvMsg()
			if err != nil {
				if i == 0 || i == n {
					t.Errorf("the slow one got %d messages", i)
				}
				break
			}
			if string(m.Frames[0]) != fmt.Sprint(i) {
				t.Fatalf("message %s is number %d", m.Frames[0], i)
			}
		}
	})
}

func TestPeerThatReadsNothing(t *testing.T) {
	noLeaks(t)
	lim := small()
	lim.stall = 50 * time.Millisecond
	r := echo(t, "unix", lim)
	connect(t, r.l.Addr(), zmq4.Dealer, "deaf")
	long := strings.Repeat("x", 3<<20) // alone it may exceed the queue, but nobody reads it
	until(t, "deaf is there", func() bool { return r.Send(frames("deaf", long)) == nil })
	until(t, "deaf is dropped", func() bool { return errors.Is(r.Send(frames("deaf", "x")), ErrNoPeer) })
}

// TestPeerThatReadsSlowly gets a message whole though it takes longer than a peer may read nothing.
func TestPeerThatReadsSlowly(t *testing.T) {
	noLeaks(t)
	lim := small()
	lim.stall = 300 * time.Millisecond
	r := echo(t, "unix", lim)
	c := connect(t, r.l.Addr(), zmq4.Dealer, "slow")
	long := make([]byte, 6<<20)
	until(t, "slow is there", func() bool { return r.Send([][]byte{[]byte("slow"), long}) == nil })
	begun := time.Now()
	rest := make([]byte, 9+len(long))
	for n := 0; n < len(rest); n += 1 << 18 {
		time.Sleep(30 * time.Millisecond)
		if _, err := c.Read(rest[n:min(len(rest), n+1<<18)]); err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	if took := time.Since(begun); took < 2*lim.stall {
		t.Fatalf("read in %v, which is not slow", took)
	}
}

func TestComingAndGoing(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		noLeaks(t)
		r := echo(t, network, small())
		p := newPublisher(listen(t, network), nil, small())
		defer p.Close()
		good := connect(t, r.l.Addr(), zmq4.Dealer, "good")
		good.send("hello")
		good.expect("hello")
		routines, files := runtime.NumGoroutine(), descriptors()
		for i := range 1000 {
			a := []net.Addr{r.l.Addr(), p.l.Addr()}[i%2]
			c, err := net.Dial(a.Network(), a.String())
			if err != nil {
				t.Fatal(err)
			}
			switch typ := []string{"DEALER", "SUB"}[i%2]; i / 2 % 4 {
			case 1: // vanishes in the handshake
				_, _ = c.Write(greeting()[:30])
			case 2: // vanishes within a message
				_, _ = c.Write(join(greeting(), ready(typ), announce(hasMore, 100_000), make([]byte, 70_000)))
			case 3: // leaves after it
				_, _ = c.Write(join(greeting(), ready(typ), appendFrame(nil, 0, []byte("\x01hello"))))
			}
			c.Close()
		}
		until(t, "all gone", func() bool { return runtime.NumGoroutine() <= routines && descriptors() <= files })
		good.send("still there?")
		good.expect("still there?")
		if n := p.Subscribers(); n != 0 {
			t.Errorf("%d subscribers are left", n)
		}
		if left := r.room.Load(); left != int64(small().room) {
			t.Errorf("%d bytes of room are left, of %d", left, small().room)
		}
	})
}

// TestLastWordsArrive: what a client said before it left is delivered, though answers to it can no longer be.
func TestLastWordsArrive(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		noLeaks(t)
		var heard []string
		release, left := make(chan struct{}), make(chan struct{})
		r := NewRouter(listen(t, network), func(f [][]byte) {
			<-release
			if heard = append(heard, string(f[1])); len(heard) == 100 {
				close(left)
			}
		})
		defer r.Close()
		r.SetLog(t.Logf)
		c := connect(t, r.l.Addr(), zmq4.Dealer, "leaving")
		until(t, "the client is there", func() bool { return r.Send(frames("leaving", "hello")) == nil })
		var words []byte
		for i := range 100 {
			words = append(words, encode(frames(fmt.Sprint(i), strings.Repeat("x", 100)))...) // more than is read ahead
		}
		if _, err := c.raw.Write(words); err != nil { // at once: TCP may not have sent all of many pieces when it closes
			t.Fatal(err)
		}
		c.Close()
		until(t, "the writer sees it", func() bool { return r.Send(frames("leaving", "answer")) != nil })
		close(release)
		select {
		case <-left:
		case <-time.After(patience):
			t.Fatalf("of what a client said %d messages came", len(heard))
		}
		for i, s := range heard {
			if s != fmt.Sprint(i) {
				t.Fatalf("number %d is %q", i, s)
			}
		}
	})
}

func TestFullHouse(t *testing.T) {
	noLeaks(t)
	lim := small()
	lim.peers = 3
	r := echo(t, "unix", lim)
	a := r.l.Addr()
	for i := range 3 { // strangers who say nothing give way to those who do
		dial(t, a)
		until(t, "a stranger", func() bool { r.host.mu.Lock(); defer r.host.mu.Unlock(); return len(r.conns) > i })
	}
	var peers []client
	for i := range 3 {
		c := connect(t, a, zmq4.Dealer, fmt.Sprint(i))
		c.send("hello")
		c.expect("hello")
		peers = append(peers, c)
	}
	client{nil, dial(t, a), t}.silence() // a fourth does not
	for _, c := range peers {
		c.send("still there?")
		c.expect("still there?")
	}
	peers[0].Close()
	until(t, "a place", func() bool { r.host.mu.Lock(); defer r.host.mu.Unlock(); return len(r.conns) < 3 })
	c := connect(t, a, zmq4.Dealer, "new")
	c.send("hello")
	c.expect("hello")
}

// strained is a listener that at first has no descriptor left.
type strained struct {
	net.Listener
	failures atomic.Int32
}

func (s *strained) Accept() (net.Conn, error) {
	if s.failures.Add(-1) >= 0 {
		return nil, os.NewSyscallError("accept", syscall.EMFILE)
	}
	return s.Listener.Accept()
}

func TestAcceptGoesOn(t *testing.T) {
	noLeaks(t)
	l := &strained{Listener: listen(t, "unix")}
	l.failures.Store(3)
	r := NewRouter(l, func([][]byte) {})
	connect(t, l.Addr(), zmq4.Dealer, "patient")
	r.Close()

	l = &strained{Listener: listen(t, "unix")}
	l.failures.Store(1 << 30)
	r = NewRouter(l, func([][]byte) {})
	until(t, "pauses grow", func() bool { return l.failures.Load() < 1<<30-5 })
	r.Close() // does not wait for the pause to end
}

func TestPanicCostsOnePeer(t *testing.T) {
	noLeaks(t)
	var mu sync.Mutex
	var logged string
	got := make(chan string, 1)
	r := NewRouter(listen(t, "unix"), func(f [][]byte) {
		if string(f[1]) == "bomb" {
			panic("boom")
		}
		got <- string(f[1])
	})
	defer r.Close()
	r.SetLog(func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		logged += fmt.Sprintf(format, args...)
	})
	bad, good := connect(t, r.l.Addr(), zmq4.Dealer, "bad"), connect(t, r.l.Addr(), zmq4.Dealer, "good")
	bad.send("bomb")
	bad.ended()
	good.send("fine")
	if s := <-got; s != "fine" {
		t.Errorf("received %q", s)
	}
	until(t, "the panic is in the log", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(logged, "boom")
	})
}

func TestTopicsAreBounded(t *testing.T) {
	noLeaks(t)
	lim := small()
	lim.topics = 1000
	p := newPublisher(listen(t, "unix"), func(topic []byte) [][]byte { return [][]byte{topic} }, lim)
	defer p.Close()
	c := connect(t, p.l.Addr(), zmq4.Sub, "")
	long := strings.Repeat("x", 900)
	for range 100 { // what is cancelled does not count
		c.send("\x01" + long)
		c.expect(long)
		c.send("\x00" + long)
	}
	c.send("\x01" + long)
	c.expect(long)
	c.send("\x01" + strings.Repeat("y", 900))
	c.ended()
}
