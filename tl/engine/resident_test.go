package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// pixels is a base whose graphs compile in milliseconds.
var pixels = tl.RawPixels()

// resident engine: one behind a socket, as a kernel has it.
type residentEngine struct{ socket string }

// serve runs an engine until the test ends.
func serve(t *testing.T, o Options) residentEngine {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "engine-") // a test's own folder may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	r := residentEngine{filepath.Join(dir, "s")}
	go func() { ended <- Serve(ctx, r.socket, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	for range 500 {
		if _, err := os.Stat(r.socket); err == nil {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the engine does not listen")
	return r
}

// ask calls a verb in a session and returns its result.
func ask[Out any](ctx context.Context, r residentEngine, session, verb string, in any, report func(remote.Progress)) (out Out, err error) {
	err = remote.Client{Socket: r.socket, Session: session}.Call(ctx, verb, in, &out, report)
	return out, err
}

func (r residentEngine) held(t *testing.T, session string) tl.Held {
	t.Helper()
	return must[tl.Held](t)(ask[tl.Held](t.Context(), r, session, tl.VerbHeld, tl.HeldRequest{}, nil))
}

func (r residentEngine) free(t *testing.T, session string, names ...string) (tl.Held, error) {
	t.Helper()
	return ask[tl.Held](t.Context(), r, session, tl.VerbFree, tl.FreeRequest{Names: names}, nil)
}

func (r residentEngine) fit(ctx context.Context, session string, m tl.Model, epochs int, report func(remote.Progress)) (tl.History, error) {
	return ask[tl.History](ctx, r, session, tl.VerbFit,
		tl.FitRequest{Model: m, Train: figures, Phase: tl.Phase{Name: "head", Epochs: epochs, LearningRate: 1e-3}}, report)
}

func (r residentEngine) prints(t *testing.T, session string, m tl.Model) map[string]string {
	t.Helper()
	return must[map[string]string](t)(ask[map[string]string](t.Context(), r, session, tl.VerbFingerprint, tl.ModelRequest{Model: m}, nil))
}

// training starts a Fit that has no end and returns when its first epoch is done; leave makes the client go away.
func (r residentEngine) training(t *testing.T, session string, m tl.Model) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	begun, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		r.fit(ctx, session, m, 1<<30, func(p remote.Progress) {
			if p.Finished {
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}()
	select {
	case <-begun:
	case <-done:
		t.Fatal("training does not begin")
	}
	return func() {
		cancel()
		<-done
	}
}

func kindsOf(h tl.Held) map[string]int {
	counts := map[string]int{}
	for _, item := range h.Items {
		counts[item.Kind]++
	}
	return counts
}

func TestHeldAndFree(t *testing.T) {
	ownCache(t)
	r := serve(t, Options{})
	if h := r.held(t, ""); len(h.Items) != 0 || h.Compilations != 0 || h.Backend != "" || h.Resident < 1<<20 {
		t.Errorf("a new engine holds %+v", h)
	}
	m := pixels.WithHead("held", tl.Dense(3))
	fresh := r.prints(t, "", m)
	must[tl.History](t)(r.fit(t.Context(), "", m, 2, nil))
	fitted := r.prints(t, "", m)
	evaluate := func() {
		t.Helper()
		must[tl.Evaluation](t)(ask[tl.Evaluation](t.Context(), r, "", tl.VerbEvaluate, tl.DataRequest{Model: m, Data: figures}, nil))
	}
	evaluate()
	h := r.held(t, "")
	if k := kindsOf(h); k["base"] != 1 || k["model"] != 1 || k["program"] < 2 || k["activations"] < 1 || h.Backend == "" {
		t.Errorf("held: %v\n%v", k, h)
	}
	for _, item := range h.Items {
		// The head's 1024×3 + 3 numbers, once as they are and once for each of two epochs, the last of which is the first.
		if want := int64(2 * 4 * (1024*3 + 3)); item.Kind == "model" && item.Bytes != want {
			t.Errorf("the model has %d bytes, want %d", item.Bytes, want)
		}
		if item.InUse || time.Since(item.LastUsed) > time.Minute || item.Kind == "activations" && item.Disk < 48*4*1024 {
			t.Errorf("%+v", item)
		}
	}
	evaluate()
	if again := r.held(t, ""); again.Compilations != h.Compilations {
		t.Errorf("the second evaluation compiled %d graphs", again.Compilations-h.Compilations)
	}

	if _, err := r.free(t, "", "hled"); err == nil || !strings.Contains(err.Error(), `nothing is called "hled"`) || !strings.Contains(err.Error(), "did you mean held?") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := r.free(t, "", "raw_pixels"); err == nil || !strings.Contains(err.Error(), `the model "held" stands on`) {
		t.Errorf("a base below a model: %v", err)
	}
	left := must[tl.Held](t)(r.free(t, "", "programs", "activations"))
	if k := kindsOf(left); k["program"] != 0 || k["activations"] != 0 || k["model"] != 1 {
		t.Errorf("left: %v", k)
	}
	evaluate()
	if moved(fitted, r.prints(t, "", m)) != nil || r.held(t, "").Compilations <= h.Compilations {
		t.Error("freeing graphs moved the model, or freed nothing")
	}
	must[tl.Held](t)(r.free(t, "", "held"))
	if changed := moved(fresh, r.prints(t, "", m)); changed != nil {
		t.Errorf("a freed model does not start over: %v differ", changed)
	}
	if left := must[tl.Held](t)(r.free(t, "")); len(left.Items) != 0 {
		t.Errorf("left: %v", left)
	}
	evaluate()
}

func TestFreeLeavesWhatIsInUse(t *testing.T) {
	ownCache(t)
	r := serve(t, Options{})
	idle, busy := pixels.WithHead("idle", tl.Dense(3)), pixels.WithHead("busy", tl.Dense(3))
	r.prints(t, "", idle)
	other := pixels.WithHead("other", tl.Dense(3))
	r.prints(t, "another notebook", other)
	leave := r.training(t, "", busy)
	if _, err := r.free(t, "", "idle", "busy"); err == nil || !strings.Contains(err.Error(), `"busy" is in use by fit "busy"`) {
		t.Errorf("freeing a model that is trained: %v", err)
	}
	if k := kindsOf(r.held(t, "")); k["model"] != 3 {
		t.Errorf("a refused Free freed: %v", k)
	}
	if _, err := r.free(t, "", "other"); err == nil {
		t.Error("another session's model was freed")
	}
	left := must[tl.Held](t)(r.free(t, ""))
	for _, item := range left.Items {
		if item.Name == "idle" || item.Kind == "model" && item.InUse != (item.Name == "busy") {
			t.Errorf("left: %+v", item)
		}
	}
	leave()
	if h := must[[]tl.History](t)(ask[[]tl.History](t.Context(), r, "", tl.VerbHistories, tl.ModelRequest{Model: busy}, nil)); len(h) != 1 || !h[0].Stopped || h[0].Time.Train == 0 {
		t.Errorf("after the stop: %v", h)
	}
}

func TestSessionsHaveTheirOwnModels(t *testing.T) {
	ownCache(t)
	r := serve(t, Options{})
	m := pixels.WithHead("twin", tl.Dense(3))
	must[tl.History](t)(r.fit(t.Context(), "one", m, 1, nil))
	if moved(r.prints(t, "one", m), r.prints(t, "two", m)) == nil {
		t.Error("two sessions share a model")
	}
	text := r.held(t, "one").String()
	if !strings.Contains(text, "one") || !strings.Contains(text, "two") {
		t.Error(text)
	}
}

// TestStopped: what a client left behind is told once, to its own session, and not where the caller lived on.
func TestStopped(t *testing.T) {
	ownCache(t)
	r := serve(t, Options{})
	stopped := func(session string) []string {
		t.Helper()
		return must[[]string](t)(ask[[]string](t.Context(), r, session, tl.VerbStopped, tl.StoppedRequest{}, nil))
	}
	if got := stopped(""); len(got) != 0 {
		t.Errorf("at first: %q", got)
	}
	m := pixels.WithHead("cells", tl.Dense(3))
	r.training(t, "", m)()
	r.training(t, "other", m)()
	got := stopped("")
	if len(got) != 1 || !strings.HasPrefix(got[0], `fit "cells": stopped in epoch `) || !strings.Contains(got[0], "; model as of epoch ") {
		t.Errorf("stopped: %q", got)
	}
	if got := stopped(""); len(got) != 0 {
		t.Errorf("told twice: %q", got)
	}
	r.prints(t, "other", m)
	if got := stopped("other"); len(got) != 0 {
		t.Errorf("told to a caller who lived on: %q", got)
	}
}

// TestStoppedRepresent: rows that were computed before a stop are kept, those of a flush that was not full, too.
func TestStoppedRepresent(t *testing.T) {
	ownCache(t)
	r := serve(t, Options{})
	data := datasets.Shapes(64*prefixBatch, 1)
	ctx, cancel := context.WithCancel(t.Context())
	request := tl.RepresentRequest{Base: pixels, Data: data}
	_, err := ask[tl.Representation](ctx, r, "", tl.VerbRepresent, request, func(p remote.Progress) {
		if p.Done == 3*prefixBatch {
			cancel()
		}
	})
	if err != context.Canceled {
		t.Fatal(err)
	}
	got := must[[]string](t)(ask[[]string](t.Context(), r, "", tl.VerbStopped, tl.StoppedRequest{}, nil))
	if len(got) != 1 || !strings.HasPrefix(got[0], `represent "raw_pixels": stopped at `) || !strings.HasSuffix(got[0], " of 2,048 images; those are kept") {
		t.Fatalf("stopped: %q", got)
	}
	m := pixels.WithHead("reuse", tl.Dense(3))
	h := must[tl.History](t)(ask[tl.History](t.Context(), r, "", tl.VerbFit, tl.FitRequest{Model: m, Train: data, Phase: tl.Phase{Epochs: 1, LearningRate: 1e-3}}, nil))
	if h.Time.Reused < 3*prefixBatch || h.Time.Reused%prefixBatch != 0 || !strings.Contains(got[0], tl.WithCommas(int64(h.Time.Reused))) {
		t.Errorf("%d rows are found again after %q", h.Time.Reused, got)
	}
}

// TestWaitingIsSaidAndEnds: a call that waits for another says so, and its client can leave.
func TestWaitingIsSaidAndEnds(t *testing.T) {
	ownCache(t)
	r := serve(t, Options{})
	first, second := pixels.WithHead("first", tl.Dense(3)), pixels.WithHead("second", tl.Dense(3))
	leave := r.training(t, "", first)
	defer leave()
	for _, c := range []struct {
		model tl.Model
		want  string
	}{
		{first, `waiting for another call on the model "first": fit "first"`},
		{second, `waiting for another call on raw_pixels/step#`},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		said := ""
		begun := time.Now()
		_, err := r.fit(ctx, "", c.model, 1, func(p remote.Progress) {
			if strings.HasPrefix(p.Stage, "waiting") {
				said = p.Stage
				cancel()
			}
		})
		if err != context.Canceled || !strings.HasPrefix(said, c.want) || time.Since(begun) > 4*time.Second {
			t.Errorf("%s: %v after %v, %q", c.model.Name, err, time.Since(begun), said)
		}
		cancel()
	}
}
