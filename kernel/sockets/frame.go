package sockets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// The flags of a ZMTP frame (https://rfc.zeromq.org/spec/23/). The other bits are reserved and must be zero.
const (
	hasMore   = 1
	isLong    = 2 // eight bytes of length follow, not one
	isCommand = 4
)

// appendFrame adds a frame to b as it goes over the wire.
func appendFrame(b []byte, flags byte, body []byte) []byte {
	if len(body) > 255 {
		b = append(b, flags|isLong)
		b = binary.BigEndian.AppendUint64(b, uint64(len(body)))
	} else {
		b = append(b, flags, byte(len(body)))
	}
	return append(b, body...)
}

// encode returns a multipart message as it goes over the wire, in memory of its own: what waits in queues is nobody else's.
func encode(frames [][]byte) []byte {
	size := 0
	for _, f := range frames {
		size += 9 + len(f)
	}
	b := make([]byte, 0, size)
	for i, f := range frames {
		var flags byte
		if i < len(frames)-1 {
			flags = hasMore
		}
		b = appendFrame(b, flags, f)
	}
	return b
}

const (
	chunk    = 64 << 10 // memory that a frame takes before its bytes are there
	overhead = 64       // what a frame counts for beyond its bytes, so that empty ones are not free
)

// input reads frames from a connection. zmq4's own reader takes as much memory as a frame's header announces, up to 2^63 bytes; this
// one takes it as the bytes come.
type input struct {
	conn  net.Conn
	r     *bufio.Reader
	limit int           // bytes of one message
	room  *atomic.Int64 // what is left for all messages that the socket's peers have begun to send
	stall time.Duration // how long a peer may pause within a message; 0 leaves the connection's deadline to others

	within bool // a message has begun
	timed  bool // conn has a read deadline
	size   int  // of the current message so far
	taken  int  // of room
}

var (
	errTooLong = errors.New("message too long")
	errNoRoom  = errors.New("too many long messages at once")
)

func newInput(c net.Conn, limit int, room *atomic.Int64) *input {
	in := &input{conn: c, limit: limit, room: room}
	in.r = bufio.NewReader(in)
	return in
}

// Read reads from the connection for r. Between messages a peer may be silent for ever, within one only for a while.
func (in *input) Read(p []byte) (int, error) {
	if in.within && in.stall > 0 {
		_ = in.conn.SetReadDeadline(time.Now().Add(in.stall))
		in.timed = true
	} else if in.timed {
		_ = in.conn.SetReadDeadline(time.Time{})
		in.timed = false
	}
	return in.conn.Read(p)
}

// count adds n bytes to the message. What goes beyond a chunk comes out of the room that all peers share: many peers that each send
// a part of a long message cannot fill the memory, and cannot keep short messages out either.
func (in *input) count(n int) error {
	in.size += n
	if in.size > in.limit {
		return fmt.Errorf("%w: over %d bytes", errTooLong, in.limit)
	}
	if beyond := in.size - chunk - in.taken; beyond > 0 {
		if in.room.Add(-int64(beyond)) < 0 {
			in.room.Add(int64(beyond))
			return errNoRoom
		}
		in.taken += beyond
	}
	return nil
}

// release ends the counting of a message: it is delivered, or given up.
func (in *input) release() {
	in.room.Add(int64(in.taken))
	in.size, in.taken = 0, 0
}

// frame reads a frame. Before it in.within says whether a message has begun; it may wait for ever for a first byte.
func (in *input) frame() (flags byte, body []byte, err error) {
	var header [8]byte
	if flags, err = in.r.ReadByte(); err != nil {
		return 0, nil, err
	}
	if flags&^(hasMore|isLong|isCommand) != 0 || flags&isCommand != 0 && flags&hasMore != 0 {
		return 0, nil, fmt.Errorf("not ZMTP: a frame has the flags %#x", flags)
	}
	wide := 1
	if flags&isLong != 0 {
		wide = 8
	}
	defer func(was bool) { in.within = was }(in.within)
	in.within = true
	if _, err = io.ReadFull(in.r, header[8-wide:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint64(header[:])
	if size > uint64(in.limit) {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errTooLong, size)
	}
	if err = in.count(overhead); err != nil {
		return 0, nil, err
	}
	body, err = in.body(int(size))
	return flags, body, err
}

// body reads size bytes into memory that doubles as they come.
func (in *input) body(size int) ([]byte, error) {
	var buf []byte
	for {
		room := min(size, max(chunk, 2*len(buf)))
		if err := in.count(room - len(buf)); err != nil {
			return nil, err
		}
		grown := make([]byte, room)
		n := copy(grown, buf)
		if _, err := io.ReadFull(in.r, grown[n:]); err != nil {
			return nil, err
		}
		if buf = grown; len(buf) == size {
			return buf, nil
		}
	}
}

// message reads a multipart message. Commands, which libzmq may also send between a message's frames, go to command.
func (in *input) message(command func(name string, body []byte) error) ([][]byte, error) {
	defer in.release()
	var frames [][]byte
	for {
		in.within = len(frames) > 0
		flags, body, err := in.frame()
		if err != nil {
			return nil, err
		}
		if flags&isCommand != 0 {
			if len(body) == 0 || 1+int(body[0]) > len(body) {
				return nil, errors.New("not ZMTP: a command without a name")
			}
			end := 1 + int(body[0])
			if err := command(string(body[1:end]), body[end:]); err != nil {
				return nil, err
			}
			if len(frames) == 0 {
				in.release()
			}
			continue
		}
		if frames = append(frames, body); flags&hasMore == 0 {
			return frames, nil
		}
	}
}
