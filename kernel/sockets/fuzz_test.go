package sockets

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// greeting is what a peer that speaks ZMTP 3.0 says first.
func greeting() []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10] = 0xff, 0x7f, 3
	copy(b[12:], "NULL")
	return b
}

// ready is the command that ends a peer's side of the handshake.
func ready(typ string) []byte {
	return appendFrame(nil, isCommand, append([]byte("\x05READY\x0bSocket-Type\x00\x00\x00"+string(rune(len(typ)))), typ...))
}

// announce is the header of a frame that claims to be long.
func announce(flags byte, size uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{flags | isLong}, size)
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// nonsense is what peers should not send; each loses them their connection.
var nonsense = map[string][]byte{
	"HTTP":                       []byte("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: something long enough for a greeting\r\n\r\n"),
	"ZMTP 2":                     join([]byte{0xff, 9: 0x7f, 10: 1}, make([]byte, 60)),
	"another mechanism":          join(greeting()[:12], []byte("CURVE"), make([]byte, 47)),
	"message first":              join(greeting(), appendFrame(nil, 0, []byte("hello"))),
	"endless handshake":          join(greeting(), announce(isCommand, 1<<62)),
	"negative length":            join(greeting(), announce(isCommand, 1<<63)),
	"handshake with more":        join(greeting(), []byte{isCommand | hasMore, 0}),
	"empty handshake":            join(greeting(), []byte{isCommand, 0}),
	"property cut short":         join(greeting(), appendFrame(nil, isCommand, []byte("\x05READY\xffSocket-Type"))),
	"property without a length":  join(greeting(), appendFrame(nil, isCommand, []byte("\x05READY\x01S\x00"))),
	"property of 4 GB":           join(greeting(), appendFrame(nil, isCommand, []byte("\x05READY\x01S\xff\xff\xff\xff"))),
	"no socket type":             join(greeting(), appendFrame(nil, isCommand, []byte("\x05READY"))),
	"unknown socket type":        join(greeting(), ready("TEAPOT")),
	"a type that does not match": join(greeting(), ready("PUSH")),
	"message of 2^62 bytes":      join(greeting(), ready("SUB"), announce(0, 1<<62)),
	"message of -1 bytes":        join(greeting(), ready("SUB"), announce(0, 1<<64-1)),
	"reserved flags":             join(greeting(), ready("SUB"), []byte{0xf8, 0}),
	"command with more":          join(greeting(), ready("SUB"), []byte{isCommand | hasMore, 0}),
	"nameless command":           join(greeting(), ready("SUB"), []byte{isCommand, 0}),
	"command cut short":          join(greeting(), ready("SUB"), []byte{isCommand, 2, 200, 'P'}),
	"PING cut short":             join(greeting(), ready("SUB"), []byte{isCommand, 5, 4, 'P', 'I', 'N', 'G'}),
	"ERROR":                      join(greeting(), ready("SUB"), []byte{isCommand, 6, 5, 'E', 'R', 'R', 'O', 'R'}),
}

func TestNonsense(t *testing.T) {
	noLeaks(t)
	for name, said := range nonsense {
		for _, typ := range []string{"router", "publisher"} {
			t.Run(name+"/"+typ, func(t *testing.T) {
				said := said
				var a net.Addr
				if typ == "router" {
					a = echo(t, "unix", usual).l.Addr()
					said = []byte(strings.Replace(string(said), string(ready("SUB")), string(ready("DEALER")), 1))
				} else {
					p := NewPublisher(listen(t, "unix"), nil)
					defer p.Close()
					a = p.l.Addr()
				}
				c := dial(t, a)
				_, _ = c.Write(said) // it may hang up before all is said
				client{nil, c, t}.silence()
			})
		}
	}
}

// FuzzPeer has a stranger say anything to a router and a publisher, before and after the handshake, and looks whether a good peer
// is still served.
func FuzzPeer(f *testing.F) {
	for _, said := range nonsense {
		f.Add(said, byte(0))
		if len(said) > 64 {
			f.Add(said[64:], byte(1))
		}
	}
	f.Add(appendFrame(nil, 0, []byte("\x01topic")), byte(2))
	f.Add(encode(frames("a", "", "b")), byte(2))
	r := echo(f, "unix", small())
	r.SetLog(nil) // not f.Logf, which must not be called within the fuzz target
	p := newPublisher(listen(f, "unix"), func(topic []byte) [][]byte { return [][]byte{topic, []byte("welcome")} }, small())
	f.Cleanup(func() { p.Close() })
	good, sub := connect(f, r.l.Addr(), zmq4.Dealer, "good"), connect(f, p.l.Addr(), zmq4.Sub, "")
	sub.send("\x01good")
	sub.expect("good", "welcome")
	f.Fuzz(func(t *testing.T, said []byte, after byte) {
		for typ, a := range map[string]net.Addr{"DEALER": r.l.Addr(), "SUB": p.l.Addr()} {
			c := dial(t, a)
			switch after % 3 {
			case 1:
				_, _ = c.Write(greeting())
			case 2:
				_, _ = c.Write(join(greeting(), ready(typ)))
			}
			_, _ = c.Write(said)
			c.Close()
		}
		good, sub := client{good.Conn, good.raw, t}, client{sub.Conn, sub.raw, t}
		for _, c := range []client{good, sub} {
			_ = c.raw.SetDeadline(time.Now().Add(patience))
		}
		good.send("question")
		good.expect("question")
		p.Send(frames("good", "news"))
		sub.expect("good", "news")
	})
}
