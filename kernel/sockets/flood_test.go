package sockets

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// TestManyDeafPeers: peers that have their words sent back and read none of it do not fill the memory, nor keep others from their answers.
func TestManyDeafPeers(t *testing.T) {
	noLeaks(t)
	lim := small()
	r := echo(t, "unix", lim)
	r.SetLog(nil)
	good := connect(t, r.l.Addr(), zmq4.Dealer, "good")
	body := make([]byte, 200<<10)
	for range 40 {
		deaf := connect(t, r.l.Addr(), zmq4.Dealer, "")
		for range 6 {
			if _, err := deaf.raw.Write(encode([][]byte{body})); err != nil {
				break // dropped
			}
		}
		good.send("short")
		good.expect("short")
		if all := r.host.backlog.Load(); all > int64(lim.backlog+40*(chunk+overhead)) {
			t.Fatalf("%d bytes wait", all)
		}
	}
	if all := r.host.backlog.Load(); all < int64(lim.backlog/2) {
		t.Fatalf("only %d bytes wait: nothing was tested", all)
	}
	r.Close()
	if all := r.host.backlog.Load(); all != 0 {
		t.Errorf("%d bytes wait for nobody", all)
	}
}

// narrow is a listener whose connections hold little that is not read.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		err = c.(*net.UnixConn).SetWriteBuffer(4096)
	}
	return c, err
}

// TestPingsWithoutReading: the answers that nobody reads do not pile up.
func TestPingsWithoutReading(t *testing.T) {
	noLeaks(t)
	done := make(chan bool, 1)
	r := NewRouter(narrow{listen(t, "unix")}, func([][]byte) { done <- true })
	defer r.Close()
	c := connect(t, r.l.Addr(), zmq4.Dealer, "c")
	ping := string(appendFrame(nil, isCommand, []byte("\x04PING\x00\x000123456789abcdef")))
	if _, err := c.raw.Write([]byte(strings.Repeat(ping, 5000))); err != nil {
		t.Fatal(err)
	}
	c.send("done")
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("a message after the PINGs does not arrive")
	}
	if n := r.host.backlog.Load(); n < chunk/2 || n > 2*chunk {
		t.Errorf("%d bytes wait", n)
	}
}

// TestSubscribingWithoutReading: who subscribes again and again and reads no welcome is disconnected.
func TestSubscribingWithoutReading(t *testing.T) {
	noLeaks(t)
	welcome := make([]byte, 100_000)
	p := NewPublisher(listen(t, "unix"), func(topic []byte) [][]byte { return [][]byte{topic, welcome} })
	defer p.Close()
	c := connect(t, p.l.Addr(), zmq4.Sub, "")
	var err error
	for i := 0; i < 300 && err == nil; i++ {
		_, err = c.raw.Write(append(appendFrame(nil, 0, []byte("\x01")), appendFrame(nil, 0, []byte("\x00"))...))
	}
	c.silence()
	if n := p.host.backlog.Load(); n > 2*batch {
		t.Errorf("%d bytes wait", n)
	}
}
