// Package remote carries one call over a unix socket: a verb and its argument in gob, progress while it lasts, a result or an error in gob.
// It knows nothing of what the verbs mean. A call is one connection; closing it cancels the call, so a client that is stopped or
// killed stops its work too. A client whose context ends closes its half alone and waits a moment for what the call had finished.
//
// Every cell links this package, and linking is most of what a cell costs. So it does without package net, which is half as much again
// as all of fmt: a client makes its socket by system calls, and [Serve] takes whatever listens.
package remote

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"sync"
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
	frame struct { // what a server sends: progress and beats until the last frame, which has Last set
		Progress Progress
		Last     bool
		Error    string
		Result   bool // a result follows, also behind an error where the call was cancelled
		Beat     bool // nothing new, but the server is alive
	}
)

// Client calls the server behind a unix socket. The zero value names no socket.
type Client struct {
	Socket  string
	Session string // whose names the verbs mean, where one engine serves several notebooks; "" is the default's
}

var (
	patience = 5 * time.Second  // how long a client whose context ended waits for the server to stop between two steps
	silence  = 10 * time.Second // after how long without a frame, ten beats, a client says that it still waits
)

// Call sends verb and in, hands each report to report, which may be nil, and stores the result in out, a pointer. When ctx ends it
// returns ctx's error, and stores what the call had finished until then. Reports come one at a time. A server that is not there, since its
// kernel starts it again, is waited for some seconds.
func (c Client) Call(ctx context.Context, verb string, in, out any, report func(Progress)) error {
	if report == nil {
		report = func(Progress) {}
	}
	connection, err := dial(ctx, c.Socket, report)
	if err != nil {
		return err
	}
	defer connection.Close()
	stop := context.AfterFunc(ctx, func() {
		connection.CloseWrite()
		connection.SetDeadline(time.Now().Add(patience))
	})
	defer stop()
	err = converse(connection, hello{Version, verb, c.Session}, in, out, report)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func converse(connection io.ReadWriter, h hello, in, out any, report func(Progress)) error {
	heard, hush := watch(report)
	defer hush()
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
			heard(f)
			continue
		}
		hush() // a large result may take its time
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

// watch hands on reports, one at a time. While no frame is heard it reports that: a server that is stopped or out of memory cannot.
func watch(report func(Progress)) (heard func(frame), hush func()) {
	var reporting sync.Mutex
	var timer *time.Timer
	var quiet time.Duration
	ended := false
	reporting.Lock()
	defer reporting.Unlock()
	timer = time.AfterFunc(silence, func() {
		reporting.Lock()
		defer reporting.Unlock()
		if ended {
			return
		}
		quiet += silence
		report(Progress{Stage: "waiting for the engine", Detail: fmt.Sprintf("it has been silent for %v; to give up, stop the cell and restart the kernel", quiet)})
		timer.Reset(silence)
	})
	heard = func(f frame) {
		reporting.Lock()
		defer reporting.Unlock()
		quiet = 0
		timer.Reset(silence)
		if !f.Beat {
			report(f.Progress)
		}
	}
	hush = func() {
		reporting.Lock()
		defer reporting.Unlock()
		ended = true
		timer.Stop()
	}
	return heard, hush
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
