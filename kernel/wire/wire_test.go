package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// vector is one message as jupyter_client frames and signs it (testdata/vectors.py).
type vector struct {
	Name, Key, Type, Parent string
	Content                 map[string]any
	Frames                  []string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(data, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

func (v vector) frames(t testing.TB) [][]byte {
	t.Helper()
	var frames [][]byte
	for _, f := range v.Frames {
		b, err := base64.StdEncoding.DecodeString(f)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, b)
	}
	return frames
}

func TestParseReadsWhatJupyterClientWrote(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			m, err := Parse(v.frames(t), []byte(v.Key))
			if err != nil {
				t.Fatal(err)
			}
			if m.Header.Type != v.Type || m.Header.ID != "id-"+v.Name || m.Parent.ID != v.Parent || m.Header.User != "student" {
				t.Errorf("header %+v, parent %+v", m.Header, m.Parent)
			}
			var content map[string]any
			if err := m.Decode(&content); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(content, v.Content) {
				t.Errorf("content %v, want %v", content, v.Content)
			}
		})
	}
	vs := vectors(t)
	two, err := Parse(vs[3].frames(t), []byte(vs[3].Key))
	if err != nil || len(two.Identities) != 2 || string(two.Identities[1]) != "b" {
		t.Errorf("identities %q, %v", two.Identities, err)
	}
	with, err := Parse(vs[4].frames(t), []byte(vs[4].Key))
	if err != nil || len(with.Buffers) != 2 || string(with.Buffers[1]) != delimiter {
		t.Errorf("buffers %q, %v: a buffer may look like the delimiter", with.Buffers, err)
	}
}

func TestSignEqualsJupyterClient(t *testing.T) {
	for _, v := range vectors(t) {
		f := v.frames(t)
		at := 0
		for string(f[at]) != delimiter {
			at++
		}
		if got := Sign([]byte(v.Key), f[at+2:at+6]...); string(got) != string(f[at+1]) {
			t.Errorf("%s: signature %s, jupyter_client %s", v.Name, got, f[at+1])
		}
	}
}

func TestFramesRoundTrip(t *testing.T) {
	key := []byte("k")
	m, err := New("s", "execute_request", map[string]any{"code": "x < y && α"})
	if err != nil {
		t.Fatal(err)
	}
	m.Identities, m.Buffers = [][]byte{{0, 1}}, [][]byte{{9}}
	m.Parent = Header{ID: "p", Type: "t"}
	frames, err := m.Frames(key)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(frames, key)
	if err != nil {
		t.Fatal(err)
	}
	back.Metadata = nil // {} is written for nothing
	if !reflect.DeepEqual(m, back) {
		t.Errorf("wrote %+v\nread  %+v", m, back)
	}
	m.Content = json.RawMessage("{")
	if _, err := m.Frames(key); err == nil {
		t.Error("broken content was written")
	}
}

func TestParseRefuses(t *testing.T) {
	v := vectors(t)[1]
	key := []byte(v.Key)
	const idents = 1 // frames before the delimiter in this vector
	change := func(i int, with string) [][]byte {
		f := v.frames(t)
		f[idents+i] = []byte(with)
		f[idents+1] = Sign(key, f[idents+2:idents+6]...)
		return f
	}
	wrong := v.frames(t)
	wrong[idents+5][2] ^= 1
	cases := []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"nothing", nil, "no <IDS|MSG>"},
		{"no delimiter", [][]byte{{1}, {2}}, "no <IDS|MSG>"},
		{"short", v.frames(t)[:5], "want at least 5"},
		{"altered content", wrong, "wrong signature"},
		{"null header", change(2, "null"), "not a JSON object"},
		{"header without type", change(2, "{}"), "no msg_type"},
		{"array parent", change(3, "[]"), "not a JSON object"},
		{"broken metadata", change(4, "{"), "metadata"},
		{"empty content", change(5, ""), "content"},
	}
	for _, c := range cases {
		_, err := Parse(c.frames, key)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if got := errors.Is(err, ErrSignature); got != (c.name == "altered content") {
			t.Errorf("%s: ErrSignature is %v", c.name, got)
		}
	}
	if _, err := Parse(v.frames(t), []byte("another key")); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
}

func TestConnection(t *testing.T) {
	c := Connection{Transport: "ipc", IP: "/run/k", Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5, Key: "x", Scheme: "hmac-sha256"}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseConnection(data)
	if err != nil || back != c {
		t.Fatalf("%+v, %v", back, err)
	}
	if network, address := c.Address(c.IOPub); network != "unix" || address != "/run/k-2" {
		t.Error(network, address)
	}
	c.Transport, c.IP = "tcp", "127.0.0.1"
	if network, address := c.Address(c.Control); network != "tcp" || address != "127.0.0.1:4" {
		t.Error(network, address)
	}
	for bad, want := range map[string]string{
		`{`:                               "connection file",
		`{}`:                              "transport",
		`{"transport":"tcp"}`:             "no ip",
		`{"transport":"tcp","ip":"h"}`:    "port 0",
		`{"transport":"inproc","ip":"h"}`: "transport",
		`{"transport":"tcp","ip":"h","signature_scheme":"hmac-md5"}`: "hmac-md5",
	} {
		if _, err := ParseConnection([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}

// FuzzParse feeds mangled frames: Parse never panics, and what it accepts survives being written again.
func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		var all []byte
		for _, frame := range v.frames(f) {
			all = append(append(all, frame...), '\x1e')
		}
		f.Add(all, v.Key)
		f.Add(all, "")
	}
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		var frames [][]byte
		for _, part := range strings.Split(string(data), "\x1e") {
			frames = append(frames, []byte(part))
		}
		m, err := Parse(frames, []byte(key))
		if err != nil {
			return
		}
		again, err := m.Frames([]byte(key))
		if err != nil {
			t.Fatalf("accepted %q but cannot write it: %v", frames, err)
		}
		back, err := Parse(again, []byte(key))
		if err != nil {
			t.Fatalf("own frames refused: %v", err)
		}
		if back.Header != m.Header || back.Parent != m.Parent {
			t.Fatalf("%+v became %+v", m, back)
		}
	})
}
