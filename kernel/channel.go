package kernel

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"

	"transferlab/kernel/wire"
)

// channel is one ZeroMQ connection to a kernel. It stands on zmq4's protocol layer rather than on its sockets: those retry, queue
// and log by themselves, while a front end wants to know at once that the other side is gone.
type channel struct {
	conn *zmq4.Conn
	key  []byte
	mu   sync.Mutex // guards writes
}

// dial connects to a kernel's port and says hello. identity routes replies; a kernel sends input requests on stdin, and GoNB its
// control replies on shell, to the identity that the request came from, so all channels of a client share one.
func dial(ctx context.Context, c wire.Connection, port int, typ zmq4.SocketType, identity string) (*channel, error) {
	var d net.Dialer
	network, address := c.Address(port)
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Second)
	}
	_ = nc.SetDeadline(deadline)
	conn, err := zmq4.Open(nc, null.Security(), typ, zmq4.SocketIdentity(identity), false, nil)
	if err != nil {
		nc.Close()
		return nil, err
	}
	_ = nc.SetDeadline(time.Time{})
	ch := &channel{conn: conn, key: []byte(c.Key)}
	if typ == zmq4.Sub {
		if err := conn.SendMsg(zmq4.NewMsg([]byte{1})); err != nil { // subscribe to every topic
			conn.Close()
			return nil, err
		}
	}
	return ch, nil
}

func (ch *channel) send(m *wire.Message) error {
	frames, err := m.Frames(ch.key)
	if err != nil {
		return err
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if err := ch.conn.SendMsg(zmq4.NewMsgFrom(frames...)); err != nil {
		return fmt.Errorf("kernel: send %s: %w", m.Header.Type, err)
	}
	return nil
}

// receive calls on for each message until the connection ends. Messages that do not parse are dropped, as Jupyter's own clients do.
func (ch *channel) receive(on func(*wire.Message)) error {
	for {
		msg, err := ch.conn.RecvMsg()
		if err != nil {
			return err
		}
		if m, err := wire.Parse(msg.Frames, ch.key); err == nil {
			on(m)
		}
	}
}
