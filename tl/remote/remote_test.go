package remote

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type question struct {
	Name    string
	Numbers []float32
}

type answer struct {
	Text string
	Sum  float32
}

// serve runs a server for one test and returns a client of it. The server must end by itself when the test does.
func serve(t *testing.T, handle Handler) Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "remote") // t.TempDir may be longer than the 108 bytes that a socket's name can have
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, handle) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Serve did not end with its context")
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("the socket is still there")
		}
		os.RemoveAll(dir)
	})
	return Client{Socket: socket}
}

func add(_ context.Context, verb string, decode func(any) error, report func(Progress)) (any, error) {
	var q question
	if err := decode(&q); err != nil {
		return nil, err
	}
	sum := float32(0)
	for i, n := range q.Numbers {
		sum += n
		report(Progress{Stage: verb, Done: int64(i + 1), Total: int64(len(q.Numbers)), Left: time.Second, Finished: i == 1})
	}
	return answer{q.Name, sum}, nil
}

func TestCall(t *testing.T) {
	client := serve(t, add)
	var got answer
	var seen []Progress
	err := client.Call(t.Context(), "add", question{"q", []float32{1, 2, 3.5}}, &got, func(p Progress) { seen = append(seen, p) })
	if err != nil || got != (answer{"q", 6.5}) {
		t.Errorf("%+v, %v", got, err)
	}
	want := []Progress{{"add", 1, 3, "", time.Second, false}, {"add", 2, 3, "", time.Second, true}, {"add", 3, 3, "", time.Second, false}}
	if !slices.Equal(seen, want) {
		t.Errorf("%+v, want %+v", seen, want)
	}
	if err := client.Call(t.Context(), "add", question{}, &got, nil); err != nil {
		t.Errorf("without a report function: %v", err)
	}
}

// TestLarge sends what a representation weighs, both ways.
func TestLarge(t *testing.T) {
	client := serve(t, func(_ context.Context, _ string, decode func(any) error, _ func(Progress)) (any, error) {
		var numbers []float32
		err := decode(&numbers)
		return numbers, err
	})
	sent := make([]float32, 3_000_000)
	sent[2_999_999] = 7
	var got []float32
	if err := client.Call(t.Context(), "echo", sent, &got, nil); err != nil || len(got) != len(sent) || got[2_999_999] != 7 {
		t.Errorf("%d numbers, %v", len(got), err)
	}
}

func TestManyAtOnce(t *testing.T) {
	client := serve(t, add)
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			var got answer
			name := fmt.Sprint("caller ", i)
			if err := client.Call(t.Context(), "add", question{name, []float32{float32(i), 1}}, &got, nil); err != nil || got.Text != name || got.Sum != float32(i+1) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		})
	}
	calls.Wait()
}

type silent struct{}

func (silent) Error() string { return "" }

func TestErrors(t *testing.T) {
	failures := map[string]error{"refuse": errors.New("no such base"), "silent": silent{}}
	client := serve(t, func(ctx context.Context, verb string, decode func(any) error, report func(Progress)) (any, error) {
		switch verb {
		case "nothing":
			return nil, nil
		case "misread":
			return 1, decode(new(int))
		case "unread":
			return answer{Text: "without looking"}, nil
		case "unsendable":
			return func() {}, nil
		}
		return answer{Text: "dropped"}, failures[verb]
	})
	for verb, want := range map[string]string{
		"refuse": "no such base", "silent": "without words", "nothing": "gave no result", "misread": `read the argument of "misread"`,
		"unsendable": "the engine ended",
	} {
		got := answer{Text: "as it was"}
		err := client.Call(t.Context(), verb, question{}, &got, nil)
		if err == nil || !strings.Contains(err.Error(), want) || got.Text != "as it was" {
			t.Errorf("%s: %v, %+v; want an error with %q", verb, err, got, want)
		}
	}
	var got answer
	if err := client.Call(t.Context(), "unread", question{}, &got, nil); err != nil || got.Text != "without looking" {
		t.Errorf("a handler that ignores its argument: %+v, %v", got, err)
	}
	if err := client.Call(t.Context(), "refuse", make(chan int), &got, nil); err == nil {
		t.Error("a channel was sent")
	}
	var wrong int
	if err := client.Call(t.Context(), "unread", question{}, &wrong, nil); err == nil || !strings.Contains(err.Error(), "talk to the engine") {
		t.Errorf("an answer of another type: %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	for _, socket := range []string{"", "/nowhere/engine.sock", t.TempDir()} {
		err := Client{Socket: socket}.Call(t.Context(), "add", question{}, new(answer), nil)
		if err == nil || !strings.Contains(err.Error(), "reach the engine") {
			t.Errorf("%q: %v", socket, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Client{Socket: "/nowhere"}).Call(ctx, "add", question{}, new(answer), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
}

// patient is a handler that works until its context ends, then gives what it finished with the error, as Fit does.
func patient(started chan<- bool, finished *atomic.Int64) Handler {
	return func(ctx context.Context, _ string, decode func(any) error, report func(Progress)) (any, error) {
		var q question
		if err := decode(&q); err != nil {
			return nil, err
		}
		started <- true
		<-ctx.Done()
		finished.Add(1)
		return answer{Text: "two epochs", Sum: 2}, ctx.Err()
	}
}

// TestCancel: the server stops when the client's context ends, and the client gets what was finished.
func TestCancel(t *testing.T) {
	started, finished := make(chan bool), new(atomic.Int64)
	client := serve(t, patient(started, finished))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	var got answer
	err := client.Call(ctx, "fit", question{}, &got, nil)
	if !errors.Is(err, context.Canceled) || got.Text != "two epochs" || finished.Load() != 1 {
		t.Errorf("%v, %+v, %d finished", err, got, finished.Load())
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	go func() { <-started }()
	if err := client.Call(ctx, "fit", question{}, &got, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after a timeout: %v", err)
	}
}

// TestClientGone: a client that vanishes, as a cell does under kill -9, ends its call and no other.
func TestClientGone(t *testing.T) {
	started, finished := make(chan bool), new(atomic.Int64)
	client := serve(t, patient(started, finished))
	staying, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- client.Call(staying, "fit", question{}, new(answer), nil) }()
	<-started
	connection, err := net.Dial("unix", client.Socket)
	if err != nil {
		t.Fatal(err)
	}
	encoder := gob.NewEncoder(connection)
	encoder.Encode(hello{Version, "fit", ""})
	encoder.Encode(question{})
	<-started
	connection.Close()
	for range 500 {
		if finished.Load() == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if finished.Load() != 1 {
		t.Errorf("%d calls ended, want the one whose client is gone", finished.Load())
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestEngineGone: an engine that dies in the middle of a call is named, and the remedy with it.
func TestEngineGone(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skipf("a socket in %s: %v", socket, err)
	}
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		decoder := gob.NewDecoder(connection)
		decoder.Decode(new(hello))
		decoder.Decode(new(question))
		gob.NewEncoder(connection).Encode(frame{Progress: Progress{Stage: "epoch 1"}})
		connection.Close()
	}()
	stage := ""
	err = Client{Socket: socket}.Call(t.Context(), "fit", question{}, new(answer), func(p Progress) { stage = p.Stage })
	if err == nil || !strings.Contains(err.Error(), "ended during the call") || !strings.Contains(err.Error(), "restart the kernel") || stage != "epoch 1" {
		t.Errorf("%v after %q", err, stage)
	}
}

// The first version's messages, as its programs still send and read them.
type (
	helloV1 struct {
		Version int
		Verb    string
	}
	frameV1 struct {
		Progress Progress
		Last     bool
		Error    string
		Result   bool
	}
)

// TestOtherVersions: programs and engines of other versions get one line that names both and the remedy.
func TestOtherVersions(t *testing.T) {
	client := serve(t, add)
	for sent, want := range map[any]string{
		helloV1{1, "add"}:              "this engine speaks version 2, the program version 1; restart the kernel",
		hello{Version + 1, "add", "s"}: "this engine speaks version 2, the program version 3; the engine is older than the checkout: run `tlab install`",
	} {
		connection, err := net.Dial("unix", client.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		encoder := gob.NewEncoder(connection)
		encoder.Encode(sent)
		encoder.Encode(question{"q", []float32{1}})
		var f frameV1
		if err := gob.NewDecoder(connection).Decode(&f); err != nil || !f.Last || !strings.Contains(f.Error, want) || strings.Contains(f.Error, "\n") {
			t.Errorf("%+v: %+v, %v; want one line with %q", sent, f, err, want)
		}
	}
}

// TestOldEngine: this client meets an engine of the first version, whose own words it shows.
func TestOldEngine(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skipf("a socket in %s: %v", socket, err)
	}
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		var h helloV1
		if gob.NewDecoder(connection).Decode(&h) == nil && h.Version != 1 {
			gob.NewEncoder(connection).Encode(frameV1{Last: true, Error: fmt.Sprintf(
				"remote: this engine speaks version 1, the program version %d; restart the kernel after an update", h.Version)})
		}
	}()
	err = Client{Socket: socket, Session: "s"}.Call(t.Context(), "add", question{}, new(answer), nil)
	if err == nil || !strings.Contains(err.Error(), "version 1, the program version 2; restart the kernel") {
		t.Error(err)
	}
}

// TestSessions: a handler learns the session of each of its clients.
func TestSessions(t *testing.T) {
	client := serve(t, func(ctx context.Context, _ string, _ func(any) error, _ func(Progress)) (any, error) {
		return "session " + SessionOf(ctx), nil
	})
	for _, session := range []string{"", "a", "b"} {
		client.Session = session
		var got string
		if err := client.Call(t.Context(), "whose", question{}, &got, nil); err != nil || got != "session "+session {
			t.Errorf("%q: %q, %v", session, got, err)
		}
	}
	if session := SessionOf(t.Context()); session != "" {
		t.Errorf("without a client: %q", session)
	}
}

// TestGarbage: what is no call is dropped, and the server goes on.
func TestGarbage(t *testing.T) {
	client := serve(t, add)
	for _, sent := range []string{"", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 100_000), "\x00\x00\x00"} {
		connection, err := net.Dial("unix", client.Socket)
		if err != nil {
			t.Fatal(err)
		}
		connection.SetDeadline(time.Now().Add(5 * time.Second))
		connection.Write([]byte(sent))
		connection.Close()
	}
	var got answer
	if err := client.Call(t.Context(), "add", question{"after", []float32{1}}, &got, nil); err != nil || got.Text != "after" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestReportsFromManyGoroutines: frames must not mix.
func TestReportsFromManyGoroutines(t *testing.T) {
	client := serve(t, func(_ context.Context, _ string, decode func(any) error, report func(Progress)) (any, error) {
		var reporters sync.WaitGroup
		for range 8 {
			reporters.Go(func() {
				for range 50 {
					report(Progress{Stage: "decode", Detail: strings.Repeat("x", 100)})
				}
			})
		}
		reporters.Wait()
		return true, nil
	})
	n := 0
	var ok bool
	err := client.Call(t.Context(), "v", question{}, &ok, func(p Progress) {
		if p.Stage == "decode" && len(p.Detail) == 100 {
			n++
		}
	})
	if err != nil || n != 400 || !ok {
		t.Errorf("%d reports, %v, %v", n, ok, err)
	}
}

// BenchmarkCall is what a verb costs beside its work.
func BenchmarkCall(b *testing.B) {
	dir := b.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		b.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go Serve(ctx, listener, add)
	client := Client{Socket: listener.Addr().String()}
	for b.Loop() {
		if err := client.Call(ctx, "add", question{"q", []float32{1, 2}}, new(answer), nil); err != nil {
			b.Fatal(err)
		}
	}
}
