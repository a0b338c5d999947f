package remote

import (
	"context"
	"encoding/gob"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestEngineReturns: a call waits while the kernel starts the engine again, and says so.
func TestEngineReturns(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	ended, started := make(chan error, 1), make(chan bool, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := ""
	report := func(p Progress) {
		if said == "" {
			said = p.Stage + ": " + p.Detail
			started <- true
		}
	}
	go func() {
		<-started
		listener, err := net.Listen("unix", socket)
		if err != nil {
			ended <- err
			return
		}
		ended <- Serve(ctx, listener, add)
	}()
	var got answer
	err := Client{Socket: socket}.Call(ctx, "add", question{"q", []float32{1}}, &got, report)
	if err != nil || got.Text != "q" || said != "waiting for the engine: it is being started again" {
		t.Errorf("%+v, %v, %q", got, err, said)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStopWhileWaiting: the stop button works before there is an engine.
func TestStopWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	err := Client{Socket: filepath.Join(t.TempDir(), "s")}.Call(ctx, "add", question{}, new(answer), func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) || time.Since(began) > returning/2 {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// TestSilence: a client says that its server, which took the call, gives no sign of life; one that beats is not silent.
func TestSilence(t *testing.T) {
	set(t, &silence, 100*time.Millisecond)
	set(t, &beat, 20*time.Millisecond)
	var mu sync.Mutex
	var said []string
	report := func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, p.Stage+": "+p.Detail)
	}
	client := serve(t, func(_ context.Context, _ string, decode func(any) error, _ func(Progress)) (any, error) {
		time.Sleep(4 * silence)
		return answer{}, decode(new(question))
	})
	if err := client.Call(t.Context(), "add", question{}, new(answer), report); err != nil || len(said) != 0 {
		t.Errorf("while the server beats: %v, %q", err, said)
	}
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		time.Sleep(5 * silence / 2)
		encoder := gob.NewEncoder(connection)
		encoder.Encode(frame{Last: true, Result: true})
		encoder.Encode(answer{Text: "late"})
	}()
	var got answer
	err = Client{Socket: listener.Addr().String()}.Call(t.Context(), "add", question{}, &got, report)
	mu.Lock()
	defer mu.Unlock()
	if err != nil || got.Text != "late" || len(said) != 2 || !strings.Contains(said[1], "silent for 200ms") {
		t.Errorf("%v, %+v, %q", err, got, said)
	}
}
