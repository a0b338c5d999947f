package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"transferlab/kernel/wire"
)

// sessionDirKey tells a kernel of ours which folder its front end made for it, so that it removes that too if the front end was killed.
const sessionDirKey = "TLAB_SESSION_DIR"

// Launch says how a kernel is started.
type Launch struct {
	Argv []string  // as in a kernelspec: {connection_file} stands for the connection file's path
	Dir  string    // where cells run; "" is the current folder
	Env  []string  // added to this process's environment
	Log  io.Writer // what the kernel itself prints; nil keeps its last lines for error messages
}

// Session is a kernel that this process started, and its front end. It must be closed.
type Session struct {
	*Client
	id, dir string
	proc    *Group
	tail    *tailWriter
	close   sync.Once
	err     error
}

// Start starts a kernel that listens on unix sockets in a folder only this user can read, and connects to it. The kernel dies with
// this process, even with kill -9. ctx bounds the start, not the session.
func Start(ctx context.Context, l Launch) (*Session, error) {
	dir, err := socketDir("tlab-run-")
	if err != nil {
		return nil, err
	}
	s := &Session{id: wire.NewID(), dir: dir, tail: &tailWriter{also: l.Log}}
	if err := s.launch(l); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	conn, err := s.connection()
	if err == nil {
		err = s.connect(ctx, conn)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connection describes where the kernel of s shall listen. The key is the folder's secret as well: both are random and private.
func (s *Session) connection() (wire.Connection, error) {
	data, err := os.ReadFile(s.file())
	if err != nil {
		return wire.Connection{}, fmt.Errorf("kernel: start: %w", err)
	}
	return wire.ParseConnection(data)
}

// file is the connection file's path. GoNB takes its kernel id from a name of this form.
func (s *Session) file() string { return filepath.Join(s.dir, "kernel-"+s.id+".json") }

func (s *Session) launch(l Launch) error {
	if len(l.Argv) == 0 {
		return errors.New("kernel: start: no command")
	}
	conn := wire.Connection{Transport: "ipc", IP: filepath.Join(s.dir, "k"), Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5,
		Key: wire.NewID(), Scheme: "hmac-sha256"}
	data, err := json.Marshal(conn)
	if err != nil {
		return fmt.Errorf("kernel: start: %w", err)
	}
	if err := os.WriteFile(s.file(), data, 0o600); err != nil {
		return fmt.Errorf("kernel: start: %w", err)
	}
	argv := make([]string, len(l.Argv))
	for i, a := range l.Argv {
		argv[i] = strings.ReplaceAll(a, "{connection_file}", s.file())
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = l.Dir
	cmd.Env = append(append(os.Environ(), l.Env...), sessionDirKey+"="+s.dir)
	cmd.Stdout, cmd.Stderr = s.tail, s.tail
	if s.proc, err = StartGroup(cmd); err != nil {
		return fmt.Errorf("kernel: start %s: %w", argv[0], err)
	}
	return nil
}

// connect tries until the kernel listens, ends, or ctx is over.
func (s *Session) connect(ctx context.Context, conn wire.Connection) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		client, err := Connect(attempt, conn)
		cancel()
		if err == nil {
			s.Client = client
			return nil
		}
		select {
		case <-s.proc.done:
			return s.died()
		case <-ctx.Done():
			return fmt.Errorf("kernel: start: no answer: %w%s", context.Cause(ctx), s.tail)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// died says how the kernel ended.
func (s *Session) died() error {
	end := "it exited"
	if s.proc.err != nil {
		end = s.proc.err.Error()
	}
	return fmt.Errorf("kernel: the kernel died (%s)%s", end, s.tail)
}

// Execute is Client.Execute; when the kernel dies meanwhile, the error says how.
func (s *Session) Execute(ctx context.Context, code string, on func(*wire.Message)) (Reply, error) {
	reply, err := s.Client.Execute(ctx, code, on)
	if errors.Is(err, ErrGone) && s.proc.ended(2*time.Second) {
		return reply, fmt.Errorf("%w: %w", ErrGone, s.died())
	}
	return reply, err
}

// Pid is the kernel's process id.
func (s *Session) Pid() int { return s.proc.Pid() }

// Close ends the kernel and returns when nothing that it started is left: asked at first, killed after some seconds.
func (s *Session) Close() error {
	s.close.Do(func() {
		if s.Client != nil {
			if s.Shutdown() == nil {
				s.proc.ended(4 * time.Second)
			}
			s.Disconnect()
		}
		s.err = s.proc.Stop(3 * time.Second)
		if err := os.RemoveAll(s.dir); err != nil && s.err == nil {
			s.err = fmt.Errorf("kernel: close: %w", err)
		}
	})
	return s.err
}

// socketDir makes a folder that only this user can enter and whose path leaves room for socket names (unix allows some 100 bytes).
func socketDir(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix) // mode 0700
	if err == nil && len(dir) > 60 {
		os.Remove(dir)
		dir, err = os.MkdirTemp("/tmp", prefix)
	}
	if err != nil {
		return "", fmt.Errorf("kernel: make folder for sockets: %w", err)
	}
	return dir, nil
}

// tailWriter keeps the last bytes written and hands all to also, unless nil.
type tailWriter struct {
	also io.Writer
	mu   sync.Mutex
	buf  []byte
}

const tailBytes = 4 << 10

func (w *tailWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	if over := len(w.buf) - tailBytes; over > 0 {
		w.buf = append(w.buf[:0], w.buf[over:]...)
	}
	if w.also != nil {
		return w.also.Write(p)
	}
	return len(p), nil
}

// String is the kept text, introduced, for the end of an error message.
func (w *tailWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.TrimSpace(string(w.buf))
	if text == "" {
		return ""
	}
	return "; it last printed:\n" + text
}

// verdict is the line that names a fault: Go's "panic:" and "fatal error:", glibc's and XLA's check failures; else the last one.
func (w *tailWriter) verdict() (last string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(string(w.buf)) {
		for _, sign := range []string{"panic: ", "fatal error: ", "SIGSEGV", "Check failed", "out of memory", "bad_alloc", "unexpected signal"} {
			if strings.Contains(line, sign) {
				return strings.TrimSpace(line)
			}
		}
		if text := strings.TrimSpace(line); text != "" {
			last = text
		}
	}
	return last
}
