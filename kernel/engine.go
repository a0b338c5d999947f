package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"transferlab/kernel/diagnose"
)

// engineSide is the Engine as this kernel has it: a child of its own, somebody else's, or none.
type engineSide struct {
	k       *kernel
	shared  string // the socket of one that serves other kernels too
	release func() // lets go of it

	mu    sync.Mutex
	proc  *child
	stdin io.Closer // closing it ends the engine
	tail  *tailWriter
	began time.Time
	falls falls
}

// socket is where the Engine listens, "" without one.
func (e *engineSide) socket() string {
	switch {
	case e.shared != "":
		return e.shared
	case e.k.cfg.Engine == nil:
		return ""
	}
	return filepath.Join(e.k.dir, "engine.sock")
}

func (e *engineSide) own() bool { return e.shared == "" && e.socket() != "" }

// start starts the engine, or takes part in one that several kernels share.
func (e *engineSide) start(ctx context.Context) (err error) {
	if share := e.k.cfg.ShareEngine; share != nil {
		e.shared, e.release, err = share(ctx, e.k.id, e.tell)
		return err
	}
	return e.launch()
}

func (e *engineSide) launch() error {
	if !e.own() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tail = &tailWriter{also: e.k.cfg.ChildLog}
	cmd := command(e.k.cfg.Engine(e.socket(), filepath.Join(e.k.dir, "state")), e.k.environ(), e.tail)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("kernel: run engine: %w", err)
	}
	e.stdin, e.began = pipe, time.Now()
	if e.proc, err = startTied(cmd, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kernel: run engine: %w", err)
	}
	return nil
}

// pid is the engine's process, 0 without one of our own.
func (e *engineSide) pid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc == nil || e.proc.ended(0) {
		return 0
	}
	return e.proc.cmd.Process.Pid
}

// watch starts a dead engine again, until ctx ends. The session goes on; the cell that waited for the engine hears why it died.
func (e *engineSide) watch(ctx context.Context) {
	if !e.own() {
		return
	}
	for {
		e.mu.Lock()
		proc := e.proc
		e.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-proc.done:
		}
		if ctx.Err() != nil {
			return
		}
		cause := e.cause()
		if e.falls.tooMany(e.diedYoung()) {
			e.tell(cause + " It died at once, again and again, and stays down: see `tlab doctor`, then restart the kernel.")
			return
		}
		_ = os.Remove(e.socket())
		if err := e.launch(); err != nil {
			e.tell(fmt.Sprintf("%s It could not be started again: %v.", cause, err))
			return
		}
		if e.falls.young > 1 {
			e.k.proxy.logf("%s", cause) // its first death was told; the next thing to say is that it stays down
			continue
		}
		e.tell(cause + " It was started again; models are back as of their last finished epoch.")
	}
}

// tell says it in the log and in the cell at work, or else in the next one.
func (e *engineSide) tell(text string) {
	p := e.k.proxy
	p.logf("%s", text)
	p.remark("\n[" + text + "]\n")
}

// lostEngine is what package remote says in a cell whose engine died.
const lostEngine = "remote: the engine ended"

// hearEngine waits, when a cell failed for want of the engine, until the kernel has noticed its death: the cell shall say the cause.
func (p *proxy) hearEngine(now *run, failure *diagnose.Failure) {
	if failure == nil || !strings.Contains(failure.Value, lostEngine) {
		return
	}
	for began := time.Now(); time.Since(began) < 2*time.Second && !now.remarked(); {
		time.Sleep(10 * time.Millisecond)
	}
}

// diedYoung reports whether the engine ended as soon as it was started, by itself. One that listened and was killed may be started as often as
// it is killed.
func (e *engineSide) diedYoung() bool {
	_, silent := os.Stat(e.socket())
	return time.Since(e.began) < time.Second/2 && (silent != nil || e.endedBy() != syscall.SIGKILL)
}

// endedBy is the signal that ended the engine, or 0.
func (e *engineSide) endedBy() syscall.Signal {
	var exit *exec.ExitError
	if errors.As(e.proc.err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return status.Signal()
		}
	}
	return 0
}

// cause says in words how the engine died.
func (e *engineSide) cause() string {
	switch signal := e.endedBy(); signal {
	case syscall.SIGKILL:
		return "The engine was killed: by the system for want of memory, or by kill -9."
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGABRT, syscall.SIGILL, syscall.SIGFPE:
		return fmt.Sprintf("The engine crashed (%v): a fault in XLA's plugin, or want of memory.", signal) + e.lastWords()
	}
	return fmt.Sprintf("The engine ended (%v).", orExited(e.proc.err)) + e.lastWords()
}

// lastWords is the line of the engine's log that says most: Go's and XLA's faults begin with it.
func (e *engineSide) lastWords() string {
	if line := e.tail.verdict(); line != "" {
		return " It said: " + strings.TrimSuffix(line, ".") + "."
	}
	return ""
}

// stop ends the engine.
func (e *engineSide) stop() {
	if e.release != nil {
		e.release()
	}
	if !e.own() {
		return
	}
	e.mu.Lock()
	proc, stdin := e.proc, e.stdin
	e.mu.Unlock()
	if stdin != nil {
		_ = stdin.Close()
	}
	if proc != nil {
		proc.stop(time.Second)
	}
}
