package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/wire"
	"transferlab/tl/engine"
)

// demoEngine is the engine that the demo has for itself: what it computes of people's pictures stays in its memory, and models in the demo's folder.
// A guard beside it removes that folder, and ends the engine, where the demo is killed.
type demoEngine struct {
	self, dir, socket, id string
	environ               []string
	log                   *logTail
	group                 *kernel.Group
	stdin                 io.Closer // closing it ends the engine
	began                 time.Time
	guard                 *exec.Cmd
	guardStdin            io.Closer
}

func newDemoEngine(self, dir string, environ []string) (*demoEngine, error) {
	const longest = 103 // bytes of a socket's path on macOS; 107 on Linux
	e := &demoEngine{self: self, dir: dir, socket: filepath.Join(dir, "engine.sock"), id: wire.NewID()}
	if len(e.socket) > longest {
		return nil, fmt.Errorf("demo: the path %s is too long for a socket: set TMPDIR to a shorter one", e.socket)
	}
	e.environ = slices.Concat(environ, []string{engine.ActivationsVariable + "=0", engine.ActivationsFolderVariable + "=" + filepath.Join(dir, "activations")})
	if err := e.startGuard(); err != nil {
		return nil, err
	}
	if err := e.start(); err != nil {
		e.dismissGuard()
		return nil, err
	}
	return e, nil
}

// startGuard starts what outlives this process for a moment; see kernel.Guard. Its environment has no mark, by which it would kill itself.
func (e *demoEngine) startGuard() error {
	e.guard = exec.Command(e.self, "guard", e.id, e.dir)
	e.guard.Env = e.environ
	e.guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := e.guard.StdinPipe()
	if err == nil {
		err = e.guard.Start()
	}
	if err != nil {
		return fmt.Errorf("demo: run guard: %w", err)
	}
	e.guardStdin = stdin
	return nil
}

// dismissGuard ends the guard, which finds nothing to do any more.
func (e *demoEngine) dismissGuard() {
	_ = e.guardStdin.Close()
	_ = e.guard.Wait() // it ends by itself when its stdin does
}

func (e *demoEngine) start() error {
	_ = os.Remove(e.socket) // of an engine that was killed
	cmd := exec.Command(e.self, "engine", "--socket", e.socket, "--state", filepath.Join(e.dir, "state"))
	cmd.Env = append(slices.Clone(e.environ), "TLAB_KERNEL="+e.id) // the mark by which the guard finds it
	e.log = &logTail{}
	cmd.Stdout, cmd.Stderr = e.log, e.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("demo: run engine: %w", err)
	}
	group, err := kernel.StartGroup(cmd)
	if err != nil {
		_ = stdin.Close()
		return fmt.Errorf("demo: run engine: %w", err) // e.group stays the one before, which stop asks for what is left of it
	}
	e.group, e.stdin, e.began = group, stdin, time.Now()
	return nil
}

// watch starts a dead engine again until ctx ends, and tells the page.
func (e *demoEngine) watch(ctx context.Context, tell func(state, why string)) {
	for young := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-e.group.Done():
		}
		if ctx.Err() != nil {
			return
		}
		why := e.cause()
		if young++; time.Since(e.began) > 10*time.Second {
			young = 0
		}
		if young > 3 {
			tell("down", why+" It ends again and again, and stays down. Run `tlab doctor`, then start the demo again.")
			return
		}
		if err := e.start(); err != nil {
			tell("down", fmt.Sprintf("%s It could not be started again: %v.", why, err))
			return
		}
		tell("starting", why+" It is being started again; pictures are still there, and a trained model as of its last epoch.")
	}
}

// cause says in words how the engine ended.
func (e *demoEngine) cause() string {
	err := e.group.Err()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return "The engine was killed: by the system for want of memory, or by hand."
		}
	}
	text := "The engine ended"
	if err != nil {
		text += " (" + err.Error() + ")"
	}
	if last := e.log.String(); last != "" {
		lines := strings.Split(last, "\n")
		text += ", and said: " + lines[len(lines)-1]
	}
	return text + "."
}

// stop ends the engine and returns when nothing of it is left.
func (e *demoEngine) stop() error {
	_ = e.stdin.Close()
	return e.group.Stop(2 * time.Second)
}
