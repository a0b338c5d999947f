package faults

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/kernel/wire"
)

// strangers send what no front end sends. The kernel was started as Jupyter does, over tcp or unix sockets.
func strangers(t *testing.T, transport string) []*row {
	b := needBench(t)
	s := &stand{t: t, dir: stage(t)}
	file, conn, err := connectionFile(s.dir, transport)
	if err != nil {
		t.Fatal(err)
	}
	a, err := startOn(t.Context(), b, file, conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.Shutdown()
		<-a.group.Done()
		a.close()
		os.Remove(file) // Jupyter's own
	})
	s.executor = a
	s.furnish()
	x := stranger{s, conn}
	rows := []*row{
		s.suffer(transport+": garbage on five sockets", x.garbage),
		s.suffer(transport+": garbage behind a handshake", x.greetedGarbage),
		s.suffer(transport+": wrongly signed messages", x.wronglySigned),
		s.suffer(transport+": rightly signed nonsense", x.nonsense),
	}
	if transport == "ipc" {
		rows = append(rows, s.suffer("garbage on the engine's and the figures' sockets", x.innerGarbage))
	}
	return rows
}

type stranger struct {
	s    *stand
	conn wire.Connection
}

// door is one of the kernel's sockets, with the type of socket that a front end has there.
type door struct {
	port int
	typ  string
}

func (x stranger) doors() []door {
	c := x.conn
	return []door{{c.Shell, "DEALER"}, {c.IOPub, "SUB"}, {c.Stdin, "DEALER"}, {c.Control, "DEALER"}, {c.Heartbeat, "REQ"}}
}

// say connects to each of the five, writes what a stranger would, and leaves: at once, or after the others have spoken, too. Where it asked the
// kernel who it is, it waits for the answer: what it said before has then been taken in.
func (x stranger) say(i int, words func(door, *rand.Rand) [][]byte) error {
	random := rand.New(rand.NewPCG(uint64(i), 4))
	for k, d := range x.doors() {
		network, address := x.conn.Address(d.port)
		c, err := net.Dial(network, address)
		if err != nil {
			return fmt.Errorf("a stranger is not let in: %w", err)
		}
		if (i+k)%2 == 0 {
			defer c.Close()
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		said := words(d, random)
		for _, word := range said {
			if _, err := c.Write(word); err != nil {
				break // it was thrown out, which is right
			}
		}
		asked := bytes.Contains(said[len(said)-1], []byte("kernel_info_request"))
		if asked && (d.port == x.conn.Shell || d.port == x.conn.Control) {
			hears(c, "kernel_info_reply")
		}
		if (i+k)%2 == 1 {
			_ = c.Close()
		}
	}
	return nil
}

func noise(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func (x stranger) garbage(i int) error {
	return x.say(i, func(_ door, random *rand.Rand) [][]byte {
		switch i % 5 {
		case 0:
			return [][]byte{noise(random, 1+random.IntN(1<<12))}
		case 1:
			return [][]byte{[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")}
		case 2:
			return [][]byte{bytes.Repeat([]byte{0xff}, 1+random.IntN(200))}
		case 3:
			return [][]byte{greeting[:random.IntN(len(greeting))]} // and then silence
		}
		return [][]byte{noise(random, 4<<20)}
	})
}

// greeting is ZMTP 3.0's, with the mechanism NULL.
var greeting = append(append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'}, make([]byte, 16)...), make([]byte, 32)...)

// ready is the command that ends the handshake.
func ready(typ string) []byte {
	body := []byte("\x05READY\x0bSocket-Type")
	body = binary.BigEndian.AppendUint32(body, uint32(len(typ)))
	body = append(body, typ...)
	return append([]byte{0x04, byte(len(body))}, body...)
}

// multipart writes frames as one message.
func multipart(frames ...[]byte) []byte {
	var out []byte
	for i, f := range frames {
		flags := byte(0x02)
		if i < len(frames)-1 {
			flags |= 0x01
		}
		out = append(out, flags)
		out = binary.BigEndian.AppendUint64(out, uint64(len(f)))
		out = append(out, f...)
	}
	return out
}

func (x stranger) greetedGarbage(i int) error {
	return x.say(i, func(d door, random *rand.Rand) [][]byte {
		hello := append(bytes.Clone(greeting), ready(d.typ)...)
		switch i % 5 {
		case 0:
			return [][]byte{hello, noise(random, 1+random.IntN(1<<12))}
		case 1: // frames without sense
			return [][]byte{hello, multipart(nil, noise(random, 100), nil, noise(random, 5000))}
		case 2: // a frame that is said to have 2^62 bytes
			return [][]byte{hello, binary.BigEndian.AppendUint64([]byte{0x02}, 1<<62), noise(random, 1000)}
		case 3: // a message that does not end
			return [][]byte{hello, bytes.Repeat([]byte{0x01, 1, 'x'}, 50_000)}
		}
		return [][]byte{append(bytes.Clone(greeting), ready("\x00\xff")...), noise(random, 100)}
	})
}

// orders are requests that would be noticed if they were obeyed.
func orders() []*wire.Message {
	var all []*wire.Message
	for typ, content := range map[string]any{
		"execute_request":   map[string]any{"code": "var twice = 0", "silent": false},
		"shutdown_request":  map[string]bool{"restart": false},
		"interrupt_request": nil,
		"input_reply":       map[string]string{"value": "stranger"},
		"comm_open":         map[string]string{"comm_id": "x", "target_name": "gonb_comm"},
	} {
		if m, err := wire.New("stranger", typ, content); err == nil {
			all = append(all, m)
		}
	}
	return all
}

func (x stranger) wronglySigned(i int) error {
	return x.say(i, func(d door, random *rand.Rand) [][]byte {
		words := [][]byte{append(bytes.Clone(greeting), ready(d.typ)...)}
		for _, m := range orders() {
			frames, err := m.Frames([]byte("another key"))
			if err != nil {
				continue
			}
			switch i % 3 {
			case 1:
				frames[1] = nil // no signature
			case 2:
				frames[1] = noise(random, 64)
			}
			words = append(words, multipart(frames...))
		}
		return words
	})
}

// nonsensical are contents and types that some program might combine. An order to stop is not among them, since it would be obeyed.
var (
	nonsensical = []any{
		nil, map[string]any{}, map[string]any{"code": 5}, map[string]any{"code": nil, "silent": "yes"}, map[string]any{"code": "\x00\xff\u202e{{"},
		map[string]any{"code": strings.Repeat("(", 10_000)}, map[string]any{"code": "fmt.Print(1)", "cursor_pos": -7, "detail_level": "x"},
		map[string]any{"code": "x", "cursor_pos": 1 << 40}, map[string]any{"comm_id": 5, "data": []int{1}},
		map[string]any{"comm_id": "no such", "data": map[string]any{"address": 7}}, map[string]any{"value": map[string]any{}},
		map[string]any{"hist_access_type": 3, "n": "many"}, map[string]any{"deep": deep(2000)},
	}
	types = []string{"execute_request", "complete_request", "inspect_request", "is_complete_request", "history_request", "comm_info_request", "comm_open",
		"comm_msg", "comm_close", "connect_request", "kernel_info_request", "input_reply", "debug_request", "no_such_request", "\x00", "status"}
)

// nonsense is signed as a front end's, whose author made mistakes. It may fail, or be refused; the next cell runs.
func (x stranger) nonsense(i int) error {
	random := rand.New(rand.NewPCG(uint64(i), 5))
	err := x.say(i, func(d door, _ *rand.Rand) [][]byte {
		words := [][]byte{append(bytes.Clone(greeting), ready(d.typ)...)}
		for range 12 {
			m, err := wire.New("session", types[random.IntN(len(types))], nonsensical[random.IntN(len(nonsensical))])
			if err != nil {
				continue
			}
			if random.IntN(5) == 0 {
				m.Metadata = []byte(`{"cellId": 7, "x": [null]}`)
			}
			if frames, err := m.Frames([]byte(x.conn.Key)); err == nil {
				words = append(words, multipart(frames...))
			}
		}
		if last, err := wire.New("session", "kernel_info_request", nil); err == nil {
			if frames, err := last.Frames([]byte(x.conn.Key)); err == nil {
				words = append(words, multipart(frames...))
			}
		}
		return words
	})
	if err != nil {
		return err
	}
	return calm(x.s.t.Context(), x.s)
}

// hears reads until word comes, or nothing more.
func hears(c net.Conn, word string) {
	var all []byte
	for buffer := make([]byte, 1<<16); !strings.Contains(string(all), word); {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		all = append(all[max(0, len(all)-len(word)):], buffer[:n]...)
	}
}

func deep(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// calm waits until what was sent before is over: a cell that fails takes those with it that were sent behind it.
func calm(ctx context.Context, s executor) error {
	for range 100 {
		reply, _, err := outcome(ctx, s, "%limit")
		if err != nil || reply.Status == "ok" {
			return err
		}
		if reply.Status != "aborted" {
			return fmt.Errorf("%+v", reply)
		}
	}
	return fmt.Errorf("every cell is aborted")
}

// innerGarbage is said to the engine, and to the kernel where it takes figures, by somebody who found their sockets.
func (x stranger) innerGarbage(i int) error {
	engine, err := x.s.engine()
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(uint64(i), 6))
	for k := range 10 {
		c, err := net.Dial("unix", []string{engine.Socket, filepath.Join(filepath.Dir(engine.Socket), "show.sock")}[k%2])
		if err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(time.Second / 4))
		words := [][]byte{noise(random, 1+random.IntN(1<<12)), noise(random, 4<<20), bytes.Repeat([]byte{0xff}, 100),
			{0xf8, 127, 255, 255, 255, 255, 255, 255, 255}, []byte("GET / HTTP/1.1\r\n\r\n")}
		_, _ = c.Write(words[(i+k/2)%5])
		if k%4 < 2 {
			_, _ = io.Copy(io.Discard, c)
		}
		_ = c.Close()
	}
	return nil
}
