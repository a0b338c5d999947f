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

// set changes v for the time of one test.
func set[T any](t *testing.T, v *T, to T) {
	t.Helper()
	was := *v
	*v = to
	t.Cleanup(func() { *v = was })
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
	set(t, &returning, 100*time.Millisecond)
	for socket, want := range map[string]string{"": "no socket", "/nowhere/engine.sock": "no such file", t.TempDir(): "did not come back within 100ms"} {
		err := Client{Socket: socket}.Call(t.Context(), "add", question{}, new(answer), nil)
		if err == nil || !strings.Contains(err.Error(), "reach the engine") || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "restart the kernel") {
			t.Errorf("%q: %v; want an error with %q", socket, err, want)
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
