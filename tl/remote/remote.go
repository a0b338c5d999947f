// Package remote carries one call over a unix socket: a verb and its argument in gob, progress while it lasts, a result or an error in gob.
// It knows nothing of what the verbs mean. A call is one connection; closing it cancels the call, so a client that is stopped or
// killed stops its work too. A client whose context ends closes its half alone and waits a moment for what the call had finished.
package remote

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// Version of the protocol. A client and a server that differ refuse each other with both numbers.
const Version = 2

// Progress is one report about a running call.
type Progress struct {
	Stage    string        // what is being done: "decode", "epoch 3/5"
	Done     int64         // how much of it is done …
	Total    int64         // … of how much; 0 where that is not known
	Detail   string        // figures in words: "loss 0.3121  accuracy 0.861  48 images/s"
	Left     time.Duration // estimated time left; 0 where it is not known
	Finished bool          // whether this piece is done and its line stays
}

type (
	hello struct { // fields are only ever added, so that each version can tell the other its number
		Version int
		Verb    string
		Session string
	}
	frame struct { // what a server sends: progress until the last frame, which has Last set
		Progress Progress
		Last     bool
		Error    string
		Result   bool // a result follows, also behind an error where the call was cancelled
	}
)

// Client calls the server behind a unix socket. The zero value names no socket.
type Client struct {
	Socket  string
	Session string // whose names the verbs mean, where one engine serves several notebooks; "" is the default's
}

// patience is how long a client whose context ended waits for the server to stop between two steps.
const patience = 5 * time.Second

// Call sends verb and in, hands each report to report, which may be nil, and stores the result in out, a pointer. When ctx ends it
// returns ctx's error, and stores what the call had finished until then.
func (c Client) Call(ctx context.Context, verb string, in, out any, report func(Progress)) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", c.Socket)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("remote: reach the engine: %w (restart the kernel)", err)
	}
	defer connection.Close()
	stop := context.AfterFunc(ctx, func() {
		connection.(*net.UnixConn).CloseWrite()
		connection.SetDeadline(time.Now().Add(patience))
	})
	defer stop()
	if report == nil {
		report = func(Progress) {}
	}
	err = converse(connection, hello{Version, verb, c.Session}, in, out, report)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func converse(connection net.Conn, h hello, in, out any, report func(Progress)) error {
	encoder, decoder := gob.NewEncoder(connection), gob.NewDecoder(connection)
	if err := encoder.Encode(h); err != nil && !hungUp(err) {
		return lost(err)
	}
	if err := encoder.Encode(in); err != nil && !hungUp(err) {
		return lost(err)
	}
	for {
		var f frame
		if err := decoder.Decode(&f); err != nil {
			return lost(err)
		}
		if !f.Last {
			report(f.Progress)
			continue
		}
		if f.Result {
			if err := decoder.Decode(out); err != nil {
				return lost(err)
			}
		}
		if f.Error != "" {
			return errors.New(f.Error)
		}
		return nil
	}
}

// hungUp reports that the server read no further. A handler may answer without having read its argument: the answer is still to be read.
func hungUp(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

func lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || hungUp(err) {
		return errors.New("remote: the engine ended during the call (out of memory, or a fault in its plugin); restart the kernel")
	}
	return fmt.Errorf("remote: talk to the engine: %w", err)
}
