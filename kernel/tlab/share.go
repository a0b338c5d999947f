package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"transferlab/tl"
	"transferlab/tl/engine"
	"transferlab/tl/remote"
)

// sharedEngine gives a session the one engine that serves all notebooks of this user, and starts it where there is none. Models of different
// sessions are different models; weights, compiled graphs and activations are there once. release lets go: then the models
// of the session are dropped, and the engine ends soon after the last one. A process that ends without it, even by kill -9, lets go as
// well. When the engine dies it is started again on the same socket, models as of their last finished epoch, and tell, which may be nil, hears why.
func sharedEngine(ctx context.Context, home, self, session string, tell func(string)) (socket string, release func(), err error) {
	dir := filepath.Join(home, "engine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("share the engine: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("share the engine: %w", err)
	}
	const longest = 103 // bytes of a socket's path: 107 on Linux, 103 on macOS
	if socket = filepath.Join(dir, "engine.sock"); len(socket) > longest {
		return "", nil, fmt.Errorf("share the engine: the path %s is too long for a socket, which has %d bytes at most: set TLAB_HOME to a shorter one", socket, longest)
	}
	build, err := buildOf(self)
	if err != nil {
		return "", nil, fmt.Errorf("share the engine: %w", err)
	}
	if tell == nil {
		tell = func(string) {}
	}
	s := &share{dir: dir, self: self, build: build, session: session, tell: tell}
	first, err := s.acquire(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("share the engine: %w", err)
	}
	holding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() { s.keep(holding, first) })
	return s.socket(), func() { cancel(); keeping.Wait() }, nil
}

// buildOf is what tells one build of the lab from another.
func buildOf(self string) (string, error) {
	file, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// share is one session's part in the shared engine.
type share struct {
	dir, self, build, session string
	tell                      func(string)
}

func (s *share) socket() string { return filepath.Join(s.dir, "engine.sock") }
func (s *share) log() string    { return filepath.Join(s.dir, "engine.log") }

// held is a lease that holds. Its call lasts until it is cancelled or the engine ends.
type held struct {
	cancel context.CancelFunc
	ended  chan error
}

// refusal is how long an engine that refuses a lease is asked again: it may be about to end.
const refusal = 3 * time.Second

// acquire gets a lease, from a new engine where none answers. One process at a time does so.
func (s *share) acquire(ctx context.Context) (*held, error) {
	lock := flock.New(filepath.Join(s.dir, "lock"))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, err
	}
	defer lock.Unlock()
	until := time.Now().Add(refusal)
	for attempt := 1; ; attempt++ {
		if !s.answers() {
			if err := s.start(ctx); err != nil {
				return nil, err
			}
		}
		h, err := s.hold(ctx)
		if err == nil || ctx.Err() != nil || attempt > 2 && time.Now().After(until) {
			return h, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// answers tells whether somebody listens.
func (s *share) answers() bool {
	c, err := net.Dial("unix", s.socket())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// hold calls for a lease and returns when it holds.
func (s *share) hold(ctx context.Context) (*held, error) {
	calling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &held{cancel: cancel, ended: make(chan error, 1)}
	holds := make(chan struct{}, 1)
	go func() {
		client := remote.Client{Socket: s.socket(), Session: s.session}
		h.ended <- client.Call(calling, tl.VerbLease, tl.LeaseRequest{Build: s.build}, new(bool), func(p remote.Progress) {
			if p.Stage == engine.Leased {
				holds <- struct{}{}
			}
		})
	}()
	select {
	case <-holds:
		return h, nil
	case err := <-h.ended:
		cancel()
		if err == nil {
			err = errors.New("the engine ended")
		}
		return nil, err
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
}

// keep holds on to the lease until ctx ends. When the engine dies it brings up another.
func (s *share) keep(ctx context.Context, h *held) {
	for young := 0; ; {
		since := time.Now()
		select {
		case <-ctx.Done():
			h.cancel()
			<-h.ended
			return
		case <-h.ended:
			h.cancel()
		}
		if ctx.Err() != nil {
			return
		}
		words := s.lastWords()
		if young++; time.Since(since) > time.Second {
			young = 0
		}
		if young > 3 {
			s.tell("The shared engine ends at once, again and again" + words + ", and stays down: see `tlab doctor`, then restart the kernel.")
			return
		}
		again, err := s.acquire(ctx)
		if ctx.Err() != nil {
			if again != nil {
				again.cancel()
			}
			return
		}
		if err != nil {
			s.tell(fmt.Sprintf("The shared engine ended%s and could not be started again: %v.", words, err))
			return
		}
		s.tell(fmt.Sprintf("The shared engine ended%s. It was started again; models are back as of their last finished epoch.", words))
		h = again
	}
}

// start starts an engine that outlives this process, and waits until it listens.
func (s *share) start(ctx context.Context) error {
	_ = os.Remove(s.socket()) // of an engine that was killed: nobody listens there
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.self, "engine", "--shared", "--socket", s.socket(), "--state", filepath.Join(s.dir, "state"))
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = ownEnviron(), s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C at one notebook's terminal is not meant for it
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !s.answers() {
		select {
		case err := <-ended:
			return fmt.Errorf("the engine ended as it began: %v%s", err, s.lastWords())
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// ownEnviron is the environment without what belongs to a kernel: its mark, by which it ends what it started, and the folder that goes with it.
func ownEnviron() []string {
	belongs := []string{"TLAB_KERNEL=", "TLAB_SESSION=", "TLAB_SESSION_DIR=", "TLAB_ENGINE="}
	if os.Getenv("TLAB_KERNEL") != "" {
		belongs = append(belongs, "TMPDIR=")
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return slices.ContainsFunc(belongs, func(name string) bool { return strings.HasPrefix(v, name) })
	})
}

// lastWords is the first line of the engine's log that tells of a fault, or its last line.
func (s *share) lastWords() string {
	data, err := os.ReadFile(s.log())
	if err != nil || len(data) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	word := lines[len(lines)-1]
	for _, line := range lines {
		if strings.HasPrefix(line, "fatal error:") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "SIG") {
			word = line
			break
		}
	}
	return " (" + word + ")"
}
