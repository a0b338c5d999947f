package sockets

import (
	"strings"
	"testing"

	"github.com/go-zeromq/zmq4"
)

// BenchmarkRoundTrip is a question and its answer through a router, with zmq4's protocol layer at the other end.
func BenchmarkRoundTrip(b *testing.B) {
	for _, network := range []string{"unix", "tcp"} {
		for name, body := range map[string]string{"1KB": strings.Repeat("x", 1<<10), "1MB": strings.Repeat("x", 1<<20)} {
			b.Run(network+"/"+name, func(b *testing.B) {
				r := echo(b, network, usual)
				c := connect(b, r.l.Addr(), zmq4.Dealer, "c")
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					c.send("<IDS|MSG>", body)
					if _, err := c.RecvMsg(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPublish is a short message on its way to one subscriber.
func BenchmarkPublish(b *testing.B) {
	p := NewPublisher(listen(b, "unix"), nil)
	defer p.Close()
	c := connect(b, p.l.Addr(), zmq4.Sub, "")
	c.subscribe(p, "")
	message := frames("topic", "<IDS|MSG>", strings.Repeat("x", 500))
	for b.Loop() {
		p.Send(message)
		if _, err := c.RecvMsg(); err != nil {
			b.Fatal(err)
		}
	}
}
