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

// Conn is what Serve asks of a connection; each net.Conn is one.
type Conn interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Listener is what Serve asks of a listener; a net.Listener is one, of net.Conn.
type Listener[C Conn] interface {
	Accept() (C, error)
	Close() error
}

// What a stranger on the socket may cost. Only this user can reach it, but a program that takes it for something else must harm nobody.
const (
	mostCalls    = 256       // at once; others wait until they are accepted
	mostHello    = 64 << 10  // bytes
	mostArgument = 256 << 20 // bytes
)

var (
	helloWithin = 10 * time.Second // a connection without one is dropped
	beat        = time.Second      // between two signs of life
)

// Serve accepts calls until ctx ends, several at once, and returns when all of them have ended. It closes the listener.
func Serve[C Conn](ctx context.Context, listener Listener[C], handle Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	places := make(chan struct{}, mostCalls)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		connection, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && passes(err) {
			<-places
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if err != nil {
			return fmt.Errorf("remote: serve: %w", err)
		}
		calls.Go(func() {
			defer func() { <-places }()
			defer connection.Close()
			serveCall(ctx, connection, handle)
		})
	}
}

// passes reports that Accept failed for a reason that is soon over: a client that left, descriptors or memory that are short.
func passes(err error) bool {
	for _, e := range []error{syscall.ECONNABORTED, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// serveCall answers one connection. A client sends nothing behind its argument, so that reading on finds the moment it goes away.
func serveCall(ctx context.Context, connection Conn, handle Handler) {
	leave := context.AfterFunc(ctx, func() { // a server that ends waits for no client
		connection.SetReadDeadline(time.Now())
		connection.SetWriteDeadline(time.Now().Add(patience))
	})
	defer leave()
	connection.SetReadDeadline(time.Now().Add(helloWithin))
	incoming := &bounded{connection, mostHello}
	decoder, out := gob.NewDecoder(incoming), &sender{encoder: gob.NewEncoder(connection)}
	var h hello
	if err := decoder.Decode(&h); err != nil {
		return
	}
	if h.Version != Version {
		out.last(nil, differ(h.Version), false)
		return
	}
	connection.SetReadDeadline(time.Time{})
	if ctx.Err() != nil { // its deadline may have been the one just taken away
		return
	}
	incoming.left = mostArgument
	ctx, cancel := context.WithCancel(context.WithValue(ctx, sessionKey{}, h.Session))
	defer cancel()
	defer out.beats()()
	decode := func(in any) error {
		if err := decodeArgument(decoder, in); err != nil {
			return fmt.Errorf("remote: read the argument of %q: %w", h.Verb, err)
		}
		go func() {
			io.Copy(io.Discard, connection)
			cancel()
		}()
		return nil
	}
	result, err := handle(ctx, h.Verb, decode, func(p Progress) { out.send(frame{Progress: p}) })
	if err == nil && result == nil {
		err = errors.New("remote: " + h.Verb + " gave no result")
	}
	out.last(result, err, err == nil || ctx.Err() != nil && result != nil)
}

// sender sends frames; reports may come from several goroutines.
type sender struct {
	sync.Mutex
	encoder *gob.Encoder
	ended   bool
}

func (s *sender) send(f frame) {
	s.Lock()
	defer s.Unlock()
	if !s.ended {
		s.encoder.Encode(f)
	}
}

// last sends the end of a call, and its result where the client shall have it.
func (s *sender) last(result any, err error, withResult bool) {
	s.Lock()
	defer s.Unlock()
	s.ended = true
	f := frame{Last: true, Result: withResult}
	if err != nil {
		f.Error = message(err)
	}
	if s.encoder.Encode(f) == nil && f.Result {
		s.encoder.Encode(result)
	}
}

// beats sends a sign of life each second until stop is called.
func (s *sender) beats() (stop func()) {
	done, ticker := make(chan struct{}), time.NewTicker(beat)
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.send(frame{Beat: true})
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
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
