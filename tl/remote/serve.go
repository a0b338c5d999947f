package remote

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Handler carries out calls. decode stores the argument in a pointer; the result goes back to the client. ctx ends when the client does,
// and then a result may go with the error: what was finished. Otherwise the result of a failed call is dropped.
type Handler func(ctx context.Context, verb string, decode func(any) error, report func(Progress)) (any, error)

type sessionKey struct{}

// SessionOf is the session that a call's client named, "" for the default: a handler that serves several notebooks keeps their names apart
// by it.
func SessionOf(ctx context.Context) string {
	session, _ := ctx.Value(sessionKey{}).(string)
	return session
}

// Serve accepts calls until ctx ends, several at once, and returns when all of them have ended. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, handle Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	for {
		connection, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("remote: serve: %w", err)
		}
		calls.Go(func() {
			defer connection.Close()
			serveCall(ctx, connection, handle)
		})
	}
}

// serveCall answers one connection. A client sends nothing behind its argument, so that reading on finds the moment it goes away.
func serveCall(ctx context.Context, connection net.Conn, handle Handler) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	encoder, decoder := gob.NewEncoder(connection), gob.NewDecoder(connection)
	fail := func(err error) { encoder.Encode(frame{Last: true, Error: message(err)}) }
	var h hello
	if err := decoder.Decode(&h); err != nil {
		return
	}
	if h.Version != Version {
		fail(differ(h.Version))
		return
	}
	ctx = context.WithValue(ctx, sessionKey{}, h.Session)
	decode := func(in any) error {
		if err := decoder.Decode(in); err != nil {
			return fmt.Errorf("remote: read the argument of %q: %w", h.Verb, err)
		}
		go func() {
			io.Copy(io.Discard, connection)
			cancel()
		}()
		return nil
	}
	var sending sync.Mutex // reports may come from several goroutines
	report := func(p Progress) {
		sending.Lock()
		defer sending.Unlock()
		encoder.Encode(frame{Progress: p})
	}
	result, err := handle(ctx, h.Verb, decode, report)
	sending.Lock()
	defer sending.Unlock()
	if err == nil && result == nil {
		err = errors.New("remote: " + h.Verb + " gave no result")
	}
	last := frame{Last: true, Result: err == nil || ctx.Err() != nil && result != nil}
	if err != nil {
		last.Error = message(err)
	}
	if encoder.Encode(last) == nil && last.Result {
		encoder.Encode(result)
	}
}

// differ says which side is older: a cell is compiled from the checkout, the engine was when the kernel was installed.
func differ(client int) error {
	remedy := "restart the kernel, and run `tlab install` first if that does not help"
	if client > Version {
		remedy = "the engine is older than the checkout: run `tlab install` there and restart the kernel"
	}
	return fmt.Errorf("remote: this engine speaks version %d, the program version %d; %s", Version, client, remedy)
}

// message is never empty: an empty one would read as success.
func message(err error) string {
	if text := err.Error(); text != "" {
		return text
	}
	return fmt.Sprintf("remote: an error without words (%T)", err)
}
