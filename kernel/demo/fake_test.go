package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// fakeEngine answers as the engine does, without a network. What a test sets changes how.
type fakeEngine struct {
	mu      sync.Mutex
	calls   []string
	fits    []tl.FitRequest
	held    []string      // ids of the rows that the last fit was judged by
	classes []string      // of the last fit
	hold    chan struct{} // where it is not nil, a fit waits for it after its first epoch
	err     error         // of every fit
	cold    error         // of every representation
}

func (f *fakeEngine) Call(ctx context.Context, verb string, in, out any, report func(remote.Progress)) error {
	f.mu.Lock()
	f.calls = append(f.calls, verb)
	hold, err := f.hold, f.err
	f.mu.Unlock()
	switch in := in.(type) {
	case tl.RepresentRequest:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.cold
	case tl.FitRequest:
		if in.Model.Name != "demo" {
			return nil // the warm-up
		}
		if failed := f.read(ctx, in); failed != nil {
			return failed
		}
		if err != nil {
			return err
		}
		report(remote.Progress{Stage: "head, epoch 1/60", Done: 1, Total: 2, Left: 3 * time.Second})
		report(remote.Progress{Stage: "head, epoch 1/60", Finished: true, Detail: "loss 0.5000  accuracy 0.750  valid loss 0.2500  valid accuracy 1.000  48 images/s"})
		h := out.(*tl.History)
		*h = tl.History{Kept: 1, Epochs: []tl.Epoch{{Loss: 0.5, Accuracy: 0.75, ValidLoss: 0.25, ValidAccuracy: 1}}}
		if hold != nil {
			select {
			case <-hold:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	case tl.AttributeRequest:
		if in.Model.Name != "demo" {
			return nil
		}
		f.mu.Lock()
		classes := f.classes
		f.mu.Unlock()
		p := tl.Tensor{Shape: []int{1, len(classes)}, Data: make([]float32, len(classes))}
		p.Data[len(classes)-1] = 1
		*out.(*tl.Attributions) = tl.Attributions{Maps: tl.Tensor{Shape: []int{1, 2, 2}, Data: []float32{0, 2, 4, -1}},
			Answer: tl.Predictions{Classes: classes, Probabilities: p, Logits: p, Class: []int{len(classes) - 1}}}
	}
	return nil
}

// read looks at the data as the engine would, from the files.
func (f *fakeEngine) read(ctx context.Context, in tl.FitRequest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fits, f.held = append(f.fits, in), nil
	var err error
	if f.classes, err = in.Train.Classes(ctx); err != nil {
		return err
	}
	if _, err := in.Train.Items(ctx); err != nil || in.Valid.Source == "" {
		return err
	}
	items, err := in.Valid.Items(ctx)
	for _, item := range items {
		f.held = append(f.held, item.ID)
	}
	return err
}

func (f *fakeEngine) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// table is a demo at work, as its page sees it.
type table struct {
	t      *testing.T
	server *Server
	engine *fakeEngine
	http   *httptest.Server
}

func lay(t *testing.T, cfg Config) *table {
	t.Helper()
	engine := &fakeEngine{}
	cfg.Engine, cfg.Dir, cfg.Port = engine, t.TempDir(), 8990
	server, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	table := &table{t, server, engine, httptest.NewServer(server)}
	t.Cleanup(func() { server.Close(); table.http.Close() })
	return table
}

// send makes a request as the page does; change may spoil it.
func (t *table) send(method, path string, body []byte, change func(*http.Request)) (status int, reply string, header http.Header) {
	t.t.Helper()
	r, err := http.NewRequestWithContext(t.t.Context(), method, t.http.URL+path, bytes.NewReader(body))
	if err != nil {
		t.t.Fatal(err)
	}
	r.Host = "127.0.0.1:8990"
	r.Header.Set(tokenHeader, t.server.Token())
	if method != http.MethodGet {
		r.Header.Set("Origin", "http://127.0.0.1:8990")
	}
	if change != nil {
		change(r)
	}
	response, err := t.http.Client().Do(r)
	if err != nil {
		t.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.t.Fatal(err)
	}
	return response.StatusCode, string(data), response.Header
}

// do is a request that must have that status.
func (t *table) do(want int, method, path string, body []byte) string {
	t.t.Helper()
	status, reply, _ := t.send(method, "/api/"+path, body, nil)
	if status != want {
		t.t.Fatalf("%s %s: %d %s; want %d", method, path, status, reply, want)
	}
	return reply
}

func (t *table) state() State {
	state, _ := t.server.look()
	return state
}

// until waits for the state to be as f wants it.
func (t *table) until(what string, f func(State) bool) State {
	t.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		state, changed := t.server.look()
		if f(state) {
			return state
		}
		select {
		case <-changed:
		case <-deadline:
			t.t.Fatalf("%s: the state stays %+v", what, state)
		}
	}
}

func (t *table) add(class int, pictures int) {
	t.t.Helper()
	for i := range pictures {
		t.do(http.StatusOK, "POST", fmt.Sprintf("classes/%d/pictures", class), photo(t.t, uint8(16*i)))
	}
}

// trained has pictures in two classes and trains on them.
func (t *table) trained() State {
	t.t.Helper()
	for _, c := range t.state().Classes {
		t.add(c.ID, 5)
	}
	t.do(http.StatusOK, "POST", "train", nil)
	return t.until("train", func(s State) bool { return s.Training.State == "done" })
}

func photo(t *testing.T, shade uint8) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range img.Pix {
		img.Pix[i] = shade + uint8(i)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pngOf(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.Black})
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asName(name string) []byte {
	data, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return data
}

func lacks(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, word := range all {
		if strings.Contains(text, word) {
			t.Errorf("%q is in %s", word, text)
		}
	}
}
