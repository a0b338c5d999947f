package zoo

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"transferlab/tl"
)

// fakeHub is a server with the hub's interface and one repository.
type fakeHub struct {
	t        *testing.T
	files    map[string][]byte
	info     func(name string, content []byte) map[string]any // what it says of a file; nil is the truth
	transfer func(w http.ResponseWriter, content []byte)      // nil is the whole file
	requests atomic.Int32
}

const hubCommit = "0123456789abcdef0123456789abcdef01234567"

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// large is what the hub says of a file that is stored by checksum.
func large(name string, content []byte) map[string]any {
	return map[string]any{"rfilename": name, "size": len(content), "blobId": "0", "lfs": map[string]any{"sha256": digestOf(content), "size": len(content)}}
}

func (h *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests.Add(1)
	if r.URL.Path == "/api/models/timm/resnet0/revision/main" {
		info := h.info
		if info == nil {
			info = large
		}
		var siblings []any
		for name, content := range h.files {
			siblings = append(siblings, info(name, content))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "timm/resnet0", "sha": hubCommit, "siblings": siblings})
		return
	}
	name, found := strings.CutPrefix(r.URL.Path, "/timm/resnet0/resolve/"+hubCommit+"/")
	content, there := h.files[name]
	if !found || !there {
		http.Error(w, "no such thing", http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", `"`+digestOf(content)+`"`)
	switch {
	case r.Method == http.MethodHead:
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	case h.transfer != nil:
		h.transfer(w, content)
	default:
		_, _ = w.Write(content)
	}
}

// serve starts the server, and points the lab at it and at an empty home.
func (h *fakeHub) serve(t *testing.T) (server *httptest.Server, home string) {
	t.Helper()
	h.t, home = t, t.TempDir()
	server = httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Setenv("HF_ENDPOINT", server.URL)
	t.Setenv("TLAB_HOME", home)
	return server, home
}

func testWeights(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "weights", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHubFetchesOnce(t *testing.T) {
	content := testWeights(t, "peer.safetensors")
	h := &fakeHub{files: map[string][]byte{"model.safetensors": content, "README.md": []byte("hello"), "pytorch_model.bin": []byte("x")}}
	server, home := h.serve(t)
	told := ""
	report := func(done, total int64, what string) { told += fmt.Sprintln(done, total, what) }
	place, err := Hub(t.Context(), "timm/resnet0", "", report)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(place); err != nil || string(got) != string(content) || place != filepath.Join(home, "hub", "timm--resnet0", "model.safetensors") {
		t.Errorf("%s holds %d bytes, %v", place, len(got), err)
	}
	if !strings.Contains(told, fmt.Sprintln(len(content), len(content), "fetched model.safetensors")) {
		t.Errorf("told %q", told)
	}
	if entries, err := os.ReadDir(filepath.Dir(place)); err != nil || len(entries) != 1 {
		t.Errorf("beside it lie %v, %v", entries, err)
	}
	h.info = func(name string, content []byte) map[string]any { // a small file has git's name of its content
		sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
		return map[string]any{"rfilename": name, "size": len(content), "blobId": hex.EncodeToString(sum[:])}
	}
	if readme, err := Hub(t.Context(), "timm/resnet0", "README.md", nil); err != nil || filepath.Base(readme) != "README.md" {
		t.Errorf("%s, %v", readme, err)
	}
	server.Close()
	before := h.requests.Load()
	if again, err := Hub(t.Context(), "timm/resnet0", "", nil); err != nil || again != place || h.requests.Load() != before {
		t.Errorf("without a network: %s, %v, %d requests", again, err, h.requests.Load()-before)
	}
}

// What does not arrive whole is not used, leaves nothing, and the error says which file to put where.
func TestHubThatFails(t *testing.T) {
	content := []byte(strings.Repeat("weights ", 1000))
	lying := func(key string, value any) func(string, []byte) map[string]any {
		return func(name string, content []byte) map[string]any {
			info := large(name, content)
			info["lfs"].(map[string]any)[key] = value
			return info
		}
	}
	for _, c := range []struct {
		what string
		hub  *fakeHub
		want string
	}{
		{"cut short", &fakeHub{transfer: func(w http.ResponseWriter, content []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:len(content)/2])
			panic(http.ErrAbortHandler)
		}}, "broke off"},
		{"cut short without a length", &fakeHub{transfer: func(w http.ResponseWriter, content []byte) {
			_, _ = w.Write(content[:len(content)/2])
			w.(http.Flusher).Flush()
		}}, "4000 bytes arrived, the hub says 8000"},
		{"other bytes", &fakeHub{transfer: func(w http.ResponseWriter, content []byte) {
			_, _ = w.Write([]byte(strings.ToUpper(string(content))))
		}}, "its SHA-256 is"},
		{"another checksum", &fakeHub{info: lying("sha256", strings.Repeat("0", 64))}, "the hub says 0000"},
		{"another size", &fakeHub{info: lying("size", 5)}, "8000 bytes arrived, the hub says 5"},
		{"an error of the server", &fakeHub{transfer: func(w http.ResponseWriter, _ []byte) { http.Error(w, "out of order", http.StatusServiceUnavailable) }},
			"out of order"},
		{"nothing to compare with", &fakeHub{info: func(name string, _ []byte) map[string]any { return map[string]any{"rfilename": name} }}, "neither its size nor"},
	} {
		t.Run(c.what, func(t *testing.T) {
			h := c.hub
			h.files = map[string][]byte{"model.safetensors": content}
			_, home := h.serve(t)
			place := filepath.Join(home, "hub", "timm--resnet0", "model.safetensors")
			_, err := Hub(t.Context(), "timm/resnet0", "", nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), place) {
				t.Errorf("%v; want %q and the place", err, c.want)
			}
			if entries, _ := os.ReadDir(filepath.Dir(place)); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
			if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(place, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := Hub(t.Context(), "timm/resnet0", "", nil); err != nil || got != place {
				t.Errorf("the file was put there, and yet: %v", err)
			}
		})
	}
}

func TestHubThatIsNotReached(t *testing.T) {
	h := &fakeHub{files: map[string][]byte{"model.safetensors": []byte("x")}}
	server, home := h.serve(t)
	if _, err := Hub(t.Context(), "timm/resnet0", "other.bin", nil); err == nil || !strings.Contains(err.Error(), "no file other.bin: it has model.safetensors") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Hub(t.Context(), "timm/resnet9", "", nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a repository that is not there: %v", err)
	}
	for _, bad := range []string{"", "../timm", "a/b/c", "timm/..", "timm resnet"} {
		if _, err := Hub(t.Context(), bad, "", nil); err == nil || !strings.Contains(err.Error(), "is no repository") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"../x", "/etc/passwd", ".", ".part"} {
		if _, err := Hub(t.Context(), "timm/resnet0", bad, nil); err == nil || !strings.Contains(err.Error(), "is no file") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	server.Close()
	place := filepath.Join(home, "hub", "timm--resnet0", "model.safetensors")
	network, err := Find("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = network.Load(t.Context(), tl.Weights{Hub: "timm/resnet0"}, nil)
	remedy := "put the file model.safetensors of that repository there:\n\t" + place
	if err == nil || !strings.HasSuffix(err.Error(), remedy) || strings.Contains(err.Error(), "goroutine") {
		t.Errorf("no network: %v", err)
	}
	if err := os.WriteFile(place, testWeights(t, "peer.safetensors"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = network.Load(t.Context(), tl.Weights{Hub: "timm/resnet0"}, nil)
	if err == nil || !strings.Contains(err.Error(), "no tensor of the file fits resnet18") {
		t.Errorf("the file that was put there is not read: %v", err)
	}
}

func TestHubThatHangs(t *testing.T) {
	release := make(chan struct{})
	h := &fakeHub{files: map[string][]byte{"model.safetensors": make([]byte, 1<<20)}, transfer: func(w http.ResponseWriter, content []byte) {
		_, _ = w.Write(content[:1000])
		w.(http.Flusher).Flush()
		<-release
	}}
	h.serve(t)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	moving := make(chan struct{})
	var once sync.Once
	go func() {
		<-moving
		cancel()
	}()
	start := time.Now()
	_, err := Hub(ctx, "timm/resnet0", "", func(done, total int64, what string) {
		if done > 0 && total == 1<<20 && strings.HasPrefix(what, "fetching") {
			once.Do(func() { close(moving) })
		}
	})
	if !errors.Is(err, context.Canceled) || time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(silent.CloseClientConnections)
	t.Setenv("HF_ENDPOINT", silent.URL)
	t.Setenv("TLAB_HOME", t.TempDir())
	before := hubTimeout
	hubTimeout = 200 * time.Millisecond
	t.Cleanup(func() { hubTimeout = before })
	if _, err := Hub(t.Context(), "timm/resnet0", "", nil); err == nil || !strings.Contains(err.Error(), "no answer within 200ms") {
		t.Errorf("a server that says nothing: %v", err)
	}
}

func TestTimeLeft(t *testing.T) {
	if got := left(25, 100, 10*time.Second); got != ", 30s left" {
		t.Errorf("%q", got)
	}
	for _, c := range [][2]int64{{0, 100}, {100, 100}, {5, 0}} {
		if got := left(c[0], c[1], 10*time.Second); got != "" {
			t.Errorf("%v: %q", c, got)
		}
	}
}
