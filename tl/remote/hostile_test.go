package remote

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

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

// pipe is a connection that ends where its bytes do, and swallows what it is sent.
type pipe struct {
	*bytes.Reader
	sent bytes.Buffer
}

func (p *pipe) Write(b []byte) (int, error)      { return p.sent.Write(b) }
func (p *pipe) Close() error                     { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// rated is an argument like tl's: structs in structs, slices and a map.
type rated struct {
	Question question
	Phase    struct {
		Rates  map[string]float64
		Epochs int
	}
	Blocks []string
}

// spoken is what a client sends.
func spoken(t testing.TB, h hello, in any) []byte {
	t.Helper()
	var b bytes.Buffer
	encoder := gob.NewEncoder(&b)
	if err := errors.Join(encoder.Encode(h), encoder.Encode(in)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzServeCall: whatever arrives, a call ends, without a panic and without memory beyond what arrived.
func FuzzServeCall(f *testing.F) {
	full := rated{Question: question{"q", []float32{1, 2.5}}, Blocks: []string{"a", "b"}}
	full.Phase.Rates, full.Phase.Epochs = map[string]float64{"head": 1e-3}, 3
	good := spoken(f, hello{Version, "fit", "notebook"}, full)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(spoken(f, hello{Version: 1}, 1))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(hugeMap(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		serveCall(t.Context(), &pipe{Reader: bytes.NewReader(data)}, func(_ context.Context, verb string, decode func(any) error, report func(Progress)) (any, error) {
			var in rated
			if err := decode(&in); err != nil {
				return nil, err
			}
			report(Progress{Stage: verb})
			return in, nil
		})
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20+100*uint64(len(data)) {
			t.Errorf("%d bytes cost %d bytes of memory", len(data), grown)
		}
	})
}

// hugeMap is a call whose map claims 2^28 entries and has one.
func hugeMap(t testing.TB) []byte {
	t.Helper()
	var in rated
	in.Phase.Rates = map[string]float64{"xyz": 1}
	b := spoken(t, hello{Version, "fit", ""}, in)
	start, body := 0, 0 // of the last message, which is the argument; its length stands in front of it
	for next := 0; next < len(b); {
		start = next
		length := int(b[next])
		if body = next + 1; b[next] > 0x7f { // minus the number of bytes
			if b[next] != 0xff {
				t.Fatal("a message of more than 255 bytes")
			}
			length, body = int(b[next+1]), next+2
		}
		next = body + length
	}
	claimed := bytes.Replace(b[body:], []byte("\x01\x03xyz"), []byte("\xfc\x10\x00\x00\x00\x03xyz"), 1)
	if len(claimed) != len(b[body:])+4 || len(claimed) > 0x7f {
		t.Fatal("gob writes a map differently now")
	}
	return append(append(bytes.Clone(b[:start]), byte(len(claimed))), claimed...)
}

func TestHugeMap(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	said := ""
	serveCall(t.Context(), &pipe{Reader: bytes.NewReader(hugeMap(t))}, func(_ context.Context, _ string, decode func(any) error, _ func(Progress)) (any, error) {
		err := decode(new(rated))
		if err != nil {
			said = err.Error()
		}
		return nil, err
	})
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 || said == "" {
		t.Errorf("%d bytes of memory, %q", grown, said)
	}
}

// TestMapsArriveAsSent: what keeps a map from growing changes no argument.
func TestMapsArriveAsSent(t *testing.T) {
	client := serve(t, func(_ context.Context, _ string, decode func(any) error, _ func(Progress)) (any, error) {
		var in rated
		err := decode(&in)
		return fmt.Sprintf("%#v", in), err
	})
	var with rated
	with.Phase.Rates = map[string]float64{"head": 2}
	for _, in := range []rated{{}, with} {
		var got string
		if err := client.Call(t.Context(), "v", in, &got, nil); err != nil || got != fmt.Sprintf("%#v", in) {
			t.Errorf("%#v arrived as %s, %v", in, got, err)
		}
	}
}

// TestTooLong: a hello and an argument have their bounds.
func TestTooLong(t *testing.T) {
	handled := false
	handle := func(_ context.Context, _ string, decode func(any) error, _ func(Progress)) (any, error) {
		handled = true
		return nil, decode(new([]byte))
	}
	conn := &pipe{Reader: bytes.NewReader(spoken(t, hello{Version, strings.Repeat("v", mostHello), ""}, 1))}
	serveCall(t.Context(), conn, handle)
	if handled {
		t.Error("a hello without bound was read")
	}
	b := &bounded{strings.NewReader("12345"), 4}
	got, err := io.ReadAll(b)
	if string(got) != "1234" || !errors.Is(err, errTooLong) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestSilentStranger: a connection that says nothing is dropped, one that says half a call ends with its server.
func TestSilentStranger(t *testing.T) {
	set(t, &helloWithin, 50*time.Millisecond)
	client := serve(t, add) // its end checks that Serve ends although clients still stand
	silent, err := net.Dial("unix", client.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	silent.SetDeadline(time.Now().Add(5 * time.Second))
	if n, err := silent.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
	half, err := net.Dial("unix", client.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { half.Close() })
	gob.NewEncoder(half).Encode(hello{Version, "add", ""})
	var f frame
	half.SetDeadline(time.Now().Add(5 * time.Second))
	if err := gob.NewDecoder(half).Decode(&f); err != nil || !f.Beat {
		t.Errorf("a call that waits for its argument sends %+v, %v; want a beat", f, err)
	}
}

// short is a listener that fails at first as it does when descriptors are short.
type short struct {
	net.Listener
	failures atomic.Int64
}

func (s *short) Accept() (net.Conn, error) {
	if s.failures.Add(1) <= 3 {
		return nil, os.NewSyscallError("accept", syscall.EMFILE)
	}
	return s.Listener.Accept()
}

func TestDescriptorsAreShort(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, &short{Listener: listener}, add) }()
	var got answer
	if err := (Client{Socket: listener.Addr().String()}).Call(ctx, "add", question{"q", []float32{1}}, &got, nil); err != nil || got.Text != "q" {
		t.Errorf("%+v, %v", got, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDescriptors: calls of every kind leave none open, on both sides.
func TestDescriptors(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip(err)
	}
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	client := serve(t, func(ctx context.Context, verb string, decode func(any) error, report func(Progress)) (any, error) {
		if verb == "refuse" {
			return nil, errors.New("no")
		}
		if verb == "wait" {
			err := decode(new(question))
			<-ctx.Done()
			return nil, errors.Join(err, ctx.Err())
		}
		return add(ctx, verb, decode, report)
	})
	client.Call(t.Context(), "add", question{}, new(answer), nil) // the poller's own descriptors
	before := open()
	for range 20 {
		client.Call(t.Context(), "add", question{}, new(answer), nil)
		client.Call(t.Context(), "refuse", question{}, new(answer), nil)
		client.Call(t.Context(), "add", question{}, new(int), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		client.Call(ctx, "wait", question{}, new(answer), nil)
		cancel()
		if connection, err := net.Dial("unix", client.Socket); err == nil {
			connection.Write([]byte("garbage"))
			connection.Close()
		}
	}
	after := 0
	for range 200 {
		if after = open(); after <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d descriptors, %d before", after, before)
}
