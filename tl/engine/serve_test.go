package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestServe runs verbs through the socket: two clients share a model by its name, and a client that goes away stops its Fit.
func TestServe(t *testing.T) {
	ownCache(t)
	socket := filepath.Join(t.TempDir(), "engine.sock")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, socket, Options{}) }()
	for range 500 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	info := must[os.FileInfo](t)(os.Stat(socket))
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
	model := lite.WithHead("served", tl.Dense(3))
	request := tl.FitRequest{Model: model, Train: figures, Phase: tl.Phase{Epochs: 2, LearningRate: 1e-3}}
	var fitted tl.History
	epochs := 0
	err := remote.Client{Socket: socket}.Call(ctx, tl.VerbFit, request, &fitted, func(p remote.Progress) {
		if p.Finished {
			epochs++
		}
	})
	if err != nil || epochs != 2 || len(fitted.Epochs) != 2 {
		t.Fatalf("fit: %v, %d epochs reported, %v", err, epochs, fitted)
	}
	var histories []tl.History
	silent := func(remote.Progress) {}
	call := func(verb string, in, out any) error {
		return remote.Client{Socket: socket}.Call(ctx, verb, in, out, silent)
	}
	if err := call(tl.VerbHistories, tl.ModelRequest{Model: model}, &histories); err != nil || len(histories) != 1 {
		t.Errorf("another client: %v, %d histories", err, len(histories))
	}
	var values tl.Tensor
	if err := call(tl.VerbValues, tl.RepresentRequest{Base: lite, Data: figures}, &values); err != nil || values.Len() != 48 {
		t.Errorf("values: %v, %v", err, values.Shape)
	}
	if err := call("juggle", tl.ModelRequest{}, &values); err == nil || !strings.Contains(err.Error(), `no verb "juggle"`) {
		t.Errorf("unknown verb: %v", err)
	}

	// The client is cancelled in its third epoch: the engine stops, too, and the model is as of a finished epoch.
	client, leave := context.WithCancel(ctx)
	epochs = 0
	request.Phase.Epochs = 100000
	err = remote.Client{Socket: socket}.Call(client, tl.VerbFit, request, &fitted, func(p remote.Progress) {
		if p.Finished {
			if epochs++; epochs == 3 {
				leave()
			}
		}
	})
	if err != context.Canceled {
		t.Errorf("a cancelled call: %v", err)
	}
	if err := call(tl.VerbHistories, tl.ModelRequest{Model: model}, &histories); err != nil || len(histories) != 2 || !histories[1].Stopped {
		t.Errorf("after the client left: %v, %v", err, histories)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left over: %v", err)
	}
}
