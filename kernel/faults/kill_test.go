package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/wire"
	"transferlab/tl"
)

// kills are SIGKILLs for everything but the kernel itself.
func kills(s *stand) []*row {
	rows := []*row{
		s.suffer("kill -9 of the cell", s.killCell),
		s.suffer("kill -9 of the engine", s.killEngine),
		s.suffer("kill -9 of the engine in Fit", s.killEngineInFit),
		s.suffer("kill -9 of GoNB", s.killGoNB),
		s.suffer("kill -9 of GoNB and engine", s.killBoth),
		s.suffer("kill -9 of the guard", s.killGuard),
	}
	if s.gopls() {
		rows = append(rows, s.suffer("kill -9 of gopls", s.killGopls))
	}
	return rows
}

// gopls reports whether the lab has it: one that was set up for tlab run alone has none.
func (s *stand) gopls() bool {
	_, err := os.Stat(filepath.Join(needBench(s.t).home, "bin", "gopls"))
	return err == nil
}

func (s *stand) slay(role string) error {
	pid, err := find(s.dir, role)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %s: %w", role, err)
	}
	for began := time.Now(); alive(pid); time.Sleep(time.Millisecond) {
		if time.Since(began) > grace {
			return fmt.Errorf("%s does not die", role)
		}
	}
	return nil
}

// killEngine kills it between cells and does not wait for the next one.
func (s *stand) killEngine(int) error { return s.slay("engine") }

// killEngineInFit: the cell tells the cause, and the model has at least what was finished a second before. Epochs here take some milliseconds,
// and the engine does not spend more than a fifth of the time on keeping them.
func (s *stand) killEngineInFit(i int) error {
	seed := 1000 + i
	r, err := launched(s.t.Context(), s, fmt.Sprintf(endlessFit, seed), "epoch 3/")
	if err != nil {
		return err
	}
	time.Sleep(time.Second)
	if err := s.slay("engine"); err != nil {
		return err
	}
	if err := r.end(grace); err != nil {
		return err
	}
	defer s.forget(seed)
	told := r.reply.Value + strings.Join(r.reply.Traceback, "\n") + r.out.stderr.String()
	for _, word := range []string{"The engine was killed", "started again"} {
		if !strings.Contains(told, word) {
			return fmt.Errorf("the cell does not say %q: %+v, stderr %q", word, r.reply, r.out.stderr.String())
		}
	}
	var histories []tl.History
	if err := s.call(tl.VerbHistories, tl.ModelRequest{Model: victim.Seeded(int64(seed))}, &histories); err != nil {
		return err
	}
	if len(histories) != 1 || len(histories[0].Epochs) < 3 || !histories[0].Stopped {
		return fmt.Errorf("the cell had seen 3 epochs and a second more; the next engine has %+v", histories)
	}
	return nil
}

// killGoNB kills it between cells, while it builds and while a cell runs.
func (s *stand) killGoNB(i int) error {
	var r *running
	var err error
	switch i % 3 {
	case 0:
		r, err = launched(s.t.Context(), s, fmt.Sprintf("%%%%\nfmt.Println(\"began\", %d)\ntime.Sleep(time.Minute)", i), "began")
	case 1:
		if r, err = launched(s.t.Context(), s, slow(i), begun); err == nil {
			_, err = find(s.dir, "compile")
		}
	}
	if err != nil {
		return err
	}
	if err := s.slay("gonb"); err != nil || r == nil {
		return err
	}
	if err := r.end(grace); err != nil {
		return err
	}
	if r.reply.Status != "error" || !strings.Contains(r.reply.Value, "GoNB ended") {
		return fmt.Errorf("%+v", r.reply)
	}
	return nil
}

// killGopls: GoNB starts another, which then tells of a cell's declarations.
func (s *stand) killGopls(int) error {
	if err := s.slay("gopls"); err != nil {
		return err
	}
	if _, err := find(s.dir, "gopls"); err != nil {
		return err
	}
	for began := time.Now(); ; time.Sleep(time.Second / 4) {
		reply, _, err := outcome(s.t.Context(), s, "twice?")
		if err != nil || reply.Status == "ok" {
			time.Sleep(time.Second) // one that died young would stay dead
			return err
		}
		if time.Since(began) > 30*time.Second {
			return fmt.Errorf("gopls tells nothing: %+v", reply)
		}
	}
}

// killBoth kills both children, in either order, idle and at work.
func (s *stand) killBoth(i int) error {
	var r *running
	if i%2 == 0 {
		var err error
		if r, err = launched(s.t.Context(), s, fmt.Sprintf(endlessFit, 3000+i), "epoch "); err != nil {
			return err
		}
		defer s.forget(3000 + i)
	}
	order := []string{"engine", "gonb"}
	if i%4 < 2 {
		order = []string{"gonb", "engine"}
	}
	for _, role := range order {
		if err := s.slay(role); err != nil {
			return err
		}
	}
	if r == nil {
		return nil
	}
	return r.end(grace)
}

// killGuard: the kernel starts another.
func (s *stand) killGuard(int) error {
	if err := s.slay("guard"); err != nil {
		return err
	}
	_, err := find(s.dir, "guard")
	return err
}

// kernelKilled kills the kernel itself, in all that it may be doing, and starts the next on the same connection file, as Jupyter does.
func kernelKilled(t *testing.T) []*row {
	b := needBench(t)
	r := &row{fault: "kill -9 of the kernel"}
	dir := stage(t)
	for i := range *times {
		taken, after, err := killKernel(t, b, dir, i)
		r.n++
		r.taken, r.after = append(r.taken, taken), append(r.after, after)
		if err != nil {
			t.Errorf("kill -9 of the kernel, %d: %v", i, err)
		} else {
			r.fine++
		}
	}
	return []*row{r}
}

// killKernel returns how long it took until nothing of the killed kernel was left, and from the start of the next one until a cell's result.
func killKernel(t *testing.T, b bench, dir string, i int) (taken, after time.Duration, err error) {
	file, conn, err := connectionFile(dir, []string{"ipc", "tcp"}[i%2])
	if err != nil {
		return 0, 0, err
	}
	defer func() { // Jupyter's own
		names, _ := filepath.Glob(filepath.Join(dir, "k*"))
		for _, name := range names {
			os.Remove(name)
		}
	}()
	first, err := startOn(t.Context(), b, file, conn)
	if err != nil {
		return 0, 0, err
	}
	defer first.close()
	if err := first.work(i); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := syscall.Kill(first.group.Pid(), syscall.SIGKILL); err != nil {
		return 0, 0, err
	}
	<-first.group.Done()
	taken, err = gone(dir, began)
	if err != nil {
		return taken, 0, err
	}
	began = time.Now()
	second, err := startOn(t.Context(), b, file, conn)
	if err != nil {
		return taken, 0, fmt.Errorf("the next kernel: %w", err)
	}
	defer second.close()
	err = okay(t.Context(), second, fmt.Sprintf("%%%%\nfmt.Println(\"next\", %d)", i), fmt.Sprintf("next %d", i))
	after = time.Since(began)
	return taken, after, errors.Join(err, second.Shutdown())
}

// gone waits until nothing is left of a killed kernel but Jupyter's own: the connection file and the sockets' names.
func gone(dir string, began time.Time) (time.Duration, error) {
	for {
		var left []string
		for _, p := range processes(dir) {
			left = append(left, p.role())
		}
		dirs, _ := filepath.Glob(filepath.Join(dir, "tlab-*"))
		left = append(left, dirs...)
		took := time.Since(began)
		if len(left) == 0 {
			return took, nil
		}
		if took > 5*time.Second {
			return took, fmt.Errorf("after %v there is still %q", took, left)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// attached is a kernel that was started as Jupyter starts one, and a front end.
type attached struct {
	*kernel.Client
	group *kernel.Group
}

// work gives the kernel something to do: nothing, a build, a cell, a Fit.
func (a *attached) work(i int) (err error) {
	ctx := context.Background()
	switch i % 4 {
	case 0:
		_, err = launched(ctx, a, fmt.Sprintf("%%%%\nfmt.Println(\"began\", %d)\nsignal.Ignore(os.Interrupt, syscall.SIGTERM)\nselect {}", i), "began")
	case 1:
		_, err = launched(ctx, a, slow(i), begun)
		time.Sleep(time.Second)
	case 2:
		_, err = launched(ctx, a, declared+fmt.Sprintf(endlessFit, i), "epoch ")
	}
	return err
}

// close ends what is left when something went wrong.
func (a *attached) close() {
	a.Disconnect()
	_ = a.group.Stop(3 * time.Second)
}

func startOn(ctx context.Context, b bench, file string, conn wire.Connection) (*attached, error) {
	cmd := exec.Command(b.tlab, "kernel", file)
	cmd.Env = append(os.Environ(), b.launch().Env...)
	group, err := kernel.StartGroup(cmd)
	if err != nil {
		return nil, err
	}
	a := &attached{group: group}
	for began := time.Now(); time.Since(began) < patience; time.Sleep(10 * time.Millisecond) {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		a.Client, err = kernel.Connect(attempt, conn)
		cancel()
		if err == nil {
			return a, nil
		}
	}
	return nil, errors.Join(err, group.Stop(time.Second))
}

// connectionFile writes what Jupyter writes.
func connectionFile(dir, transport string) (string, wire.Connection, error) {
	conn := wire.Connection{Transport: transport, IP: filepath.Join(dir, "k"), Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5,
		Key: wire.NewID(), Scheme: "hmac-sha256"}
	if transport == "tcp" {
		conn.IP = "127.0.0.1"
		for _, port := range []*int{&conn.Shell, &conn.IOPub, &conn.Stdin, &conn.Control, &conn.Heartbeat} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return "", conn, err
			}
			defer l.Close()
			*port = l.Addr().(*net.TCPAddr).Port
		}
	}
	data, err := json.Marshal(conn)
	if err != nil {
		return "", conn, err
	}
	file := filepath.Join(dir, "kernel-"+wire.NewID()+".json")
	return file, conn, os.WriteFile(file, data, 0o600)
}
