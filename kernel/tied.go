package kernel

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"transferlab/kernel/wire"
)

// environmentKey names the variable that marks everything a kernel started, directly or not: ids of the enclosing kernels,
// joined by colons (a cell may itself run `tlab run`).
const environmentKey = "TLAB_KERNEL"

// mark returns environ with id added to the marks that it carries.
func mark(environ []string, id string) []string {
	out := make([]string, 0, len(environ)+1)
	marks := id
	for _, v := range environ {
		if outer, ok := strings.CutPrefix(v, environmentKey+"="); ok {
			if outer != "" {
				marks = outer + ":" + id
			}
			continue
		}
		out = append(out, v)
	}
	return append(out, environmentKey+"="+marks)
}

// unmark returns environ without marks: for a guard, which must outlive what it cleans up.
func unmark(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, environmentKey+"=") })
}

// child is a started process that ends with this one.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process was waited for
	err  error         // what Wait returned; valid after done
}

// startTied starts cmd so that it gets sig when this process dies, however that happens. Linux sends that signal when the
// *thread* that forked ends, so that thread is kept until the child was waited for.
func startTied(cmd *exec.Cmd, sig syscall.Signal) (*child, error) {
	cmd.SysProcAttr = tiedAttr(sig)
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// signal sends sig to the child's whole process group.
func (c *child) signal(sig syscall.Signal) { _ = syscall.Kill(-c.cmd.Process.Pid, sig) }

// ended waits at most d for the child to end and says whether it did.
func (c *child) ended(d time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(d):
		return false
	}
}

// stop asks the child to end, then after grace ends its process group. It returns when the child is gone.
func (c *child) stop(grace time.Duration) {
	if c.ended(0) {
		c.signal(syscall.SIGKILL) // whoever it left in its group
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	c.ended(grace)
	c.signal(syscall.SIGKILL)
	<-c.done
}

// Group is a program and everything that it starts, directly or not. It dies with this process.
type Group struct {
	*child
	id string
}

// StartGroup starts cmd with a mark in its environment (cmd.Env, or this process's) by which Stop finds what came of it. When this
// process dies, cmd gets SIGTERM.
func StartGroup(cmd *exec.Cmd) (*Group, error) {
	id := wire.NewID()
	env := cmd.Env
	if env == nil {
		env = os.Environ()
	}
	cmd.Env = mark(env, id)
	cmd.WaitDelay = time.Second // what it started may keep a pipe open after its end
	c, err := startTied(cmd, syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	return &Group{c, id}, nil
}

// Done is closed when the program itself has ended.
func (g *Group) Done() <-chan struct{} { return g.done }

// Err is how the program ended: nil for status 0. It may be asked after Done.
func (g *Group) Err() error { return g.err }

// Pid is the program's process id.
func (g *Group) Pid() int { return g.cmd.Process.Pid }

// Stop sends SIGTERM, waits as long as grace for the program, kills it and all that it started, and returns when nothing is left.
func (g *Group) Stop(grace time.Duration) error {
	g.stop(grace)
	return sweep(g.id, time.Second)
}

// sweep kills every process marked with id, after giving them grace to leave by themselves. It returns when none is left,
// or an error naming those that would not go within five seconds.
func sweep(id string, grace time.Duration) error {
	soft := time.Now().Add(grace)
	hard := soft.Add(5 * time.Second)
	for clean := 0; ; {
		pids := marked(id)
		if len(pids) == 0 {
			// Twice, since a process may be between fork and exec while we look.
			if clean++; clean == 2 {
				return nil
			}
		} else {
			clean = 0
		}
		now := time.Now()
		if now.After(hard) {
			return fmt.Errorf("kernel: stop: processes %v do not end", pids)
		}
		if now.After(soft) {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Guard waits until r ends, which it does when the process that holds its other end dies, then kills every process marked
// with id and removes dirs. It runs in a process of its own: nothing else can clean up after kill -9.
func Guard(ctx context.Context, r *os.File, id string, dirs ...string) error {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		buf := make([]byte, 1)
		for {
			if n, err := r.Read(buf); n == 0 || err != nil {
				return
			}
		}
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := sweep(id, 0)
	for _, dir := range dirs {
		if rm := os.RemoveAll(dir); rm != nil && err == nil {
			err = fmt.Errorf("kernel: guard: %w", rm)
		}
	}
	return err
}
