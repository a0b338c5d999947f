package kernel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"transferlab/kernel/wire"
)

func TestTwoCells(t *testing.T) {
	s := session(t)
	info, err := s.Info(t.Context())
	if err != nil || info.Implementation != "tlab" || info.Language.Name != "go" {
		t.Errorf("%+v, %v", info, err)
	}
	reply, out := outcome(t, s, "func twice(x int) int { return 2 * x }\n%%\nfmt.Println(\"first\", twice(4))")
	if reply.Status != "ok" || reply.Count != 1 || out["stdout"] != "first 8\n" {
		t.Errorf("%+v %q", reply, out)
	}
	reply, out = outcome(t, s, "%%\nfmt.Fprint(os.Stderr, twice(21))")
	if reply.Status != "ok" || reply.Count != 2 || out["stderr"] != "42" {
		t.Errorf("%+v %q", reply, out)
	}
	t.Run("engine socket", func(t *testing.T) {
		_, out := outcome(t, s, `%%
c, err := net.Dial("unix", os.Getenv("TLAB_ENGINE"))
if err != nil { panic(err) }
io.Copy(os.Stdout, c)`)
		if !strings.HasPrefix(out["stdout"], "engine ") {
			t.Errorf("%q", out)
		}
	})
	t.Run("display", func(t *testing.T) {
		reply, out := outcome(t, s, `import "github.com/janpfeifer/gonb/gonbui"
%%
gonbui.DisplayHtml("<b>shown</b>")
gonbui.UpdateHtml("id", "old ")
gonbui.UpdateHtml("id", "new")`)
		if reply.Status != "ok" || out["text/html"] != "<b>shown</b>old new" {
			t.Errorf("%+v %q", reply, out)
		}
	})
	t.Run("no network", func(t *testing.T) {
		// %noautoget was taken: otherwise a missing package is looked for before the compiler says so.
		reply, _ := outcome(t, s, "import \"example.com/missing\"\n%%\nmissing.F()")
		if reply.Status != "error" || !strings.Contains(reply.Value, "no required module provides package example.com/missing") {
			t.Errorf("%+v", reply)
		}
	})
	t.Run("compile error", func(t *testing.T) {
		reply, _ := outcome(t, s, "%%\nx := 1\nfmt.Println(undefinedName)")
		trace := strings.Join(reply.Traceback, "\n")
		if reply.Status != "error" || reply.Name != "CompileError" || !strings.Contains(trace, "undefined: undefinedName") || !strings.Contains(trace, "cell [6], line 3") {
			t.Errorf("%+v", reply)
		}
	})
	t.Run("panic", func(t *testing.T) {
		reply, out := outcome(t, s, "%%\nfmt.Println()\npanic(\"at the disco\")")
		if reply.Status != "error" || reply.Name != "panic" || reply.Value != "at the disco" || out["error"] != reply.Value || out["stderr"] != "" {
			t.Errorf("%+v %q", reply, out)
		}
	})
	t.Run("goes on", func(t *testing.T) {
		if reply, out := outcome(t, s, "%%\nfmt.Print(twice(1))"); reply.Status != "ok" || out["stdout"] != "2" {
			t.Errorf("%+v %q", reply, out)
		}
	})
}

func TestInterruptAndTimeout(t *testing.T) {
	s := session(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("over time"))
	defer cancel()
	start := time.Now()
	_, out, err := collect(ctx, s, "%%\nfmt.Println(\"began\")\nfor {}")
	if err == nil || !strings.Contains(err.Error(), "over time") || out["stdout"] != "began\n" {
		t.Errorf("%v %q", err, out)
	}
	if d := time.Since(start); d > 6*time.Second {
		t.Errorf("took %v to stop a busy loop", d)
	}
	if reply, out := outcome(t, s, "%%\nfmt.Print(\"alive\")"); reply.Status != "ok" || out["stdout"] != "alive" {
		t.Errorf("after an interrupt: %+v %q", reply, out)
	}
}

// stubborn is a cell that no polite signal ends.
const stubborn = "%%\nsignal.Ignore(os.Interrupt, syscall.SIGTERM)\nfmt.Println(\"began\")\nfor { time.Sleep(time.Second) }"

// begin runs a cell and returns when it has printed something. The channel gets what Execute returned.
func begin(t *testing.T, s *Session, code string) <-chan error {
	t.Helper()
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		first := sync.OnceFunc(func() { close(running) })
		_, err := s.Execute(t.Context(), code, func(m *wire.Message) {
			if m.Header.Type == "stream" {
				first()
			}
		})
		ended <- err
	}()
	select {
	case <-running:
	case err := <-ended:
		t.Fatalf("the cell ended: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the cell did not begin")
	}
	return ended
}

// TestSuddenEnds ends a process in the middle of a cell that cannot be stopped politely, and looks for what is left of the others
// before Close, which would sweep as well.
func TestSuddenEnds(t *testing.T) {
	for name, strike := range map[string]func(*testing.T, *Session){
		"kernel killed":     func(t *testing.T, s *Session) { kill(t, s.Pid(), syscall.SIGKILL) },
		"kernel terminated": func(t *testing.T, s *Session) { kill(t, s.Pid(), syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t)
			ended := begin(t, s, stubborn)
			strike(t, s)
			select {
			case err := <-ended:
				if err != nil && !errors.Is(err, ErrGone) { // told to end, a kernel may still have said so
					t.Errorf("the cell's Execute: %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("Execute did not notice")
			}
			assertNothingLeft(t, os.Getenv("TMPDIR"))
		})
	}
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// childOf finds a process of the session by a word of its command line.
func childOf(t *testing.T, s *Session, word string) int {
	t.Helper()
	for _, c := range carriers("TLAB_MARK=" + os.Getenv("TMPDIR")) {
		path, cmdline, _ := strings.Cut(c, " ")
		program, _, _ := strings.Cut(cmdline, " ")
		if filepath.Base(program) == word || strings.Contains(cmdline, "play "+word) {
			pid, err := strconv.Atoi(filepath.Base(path))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("session %d has no process %s", s.Pid(), word)
	return 0
}

// TestKilledFrontEnd: with the program that ran the notebook, its kernel goes, and the folder that they met in.
func TestKilledFrontEnd(t *testing.T) {
	self, tmp := stage(t)
	cmd := exec.Command(self, "play", "client")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "started ") {
		t.Fatalf("%q, %v", line, err)
	}
	time.Sleep(time.Second) // its cell is being built or runs
	kill(t, cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait() // signal: killed
	assertNothingLeft(t, tmp)
}

// TestStartsWhereAnotherWasKilled: Jupyter starts a killed kernel's successor on the same sockets.
func TestStartsWhereAnotherWasKilled(t *testing.T) {
	self, tmp := stage(t)
	conn := wire.Connection{Transport: "ipc", IP: filepath.Join(tmp, "k"), Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5, Key: "key"}
	data, err := json.Marshal(conn)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(tmp, "kernel-1.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		group, err := StartGroup(exec.Command(self, "play", "kernel", file))
		if err != nil {
			t.Fatal(err)
		}
		var c *Client
		for c == nil && ctx.Err() == nil {
			if c, err = Connect(ctx, conn); err != nil {
				time.Sleep(20 * time.Millisecond)
			}
		}
		if c == nil {
			t.Fatal(err)
		}
		if reply, err := c.Execute(ctx, "%%\nfmt.Println(1)", nil); err != nil || reply.Status != "ok" {
			t.Errorf("%+v, %v", reply, err)
		}
		c.Disconnect()
		kill(t, group.Pid(), sig)
		<-group.Done()
		for range 100 { // as Jupyter does, give it a moment
			if len(carriers("TLAB_MARK="+tmp)) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := group.Stop(time.Second); err != nil {
			t.Error(err)
		}
	}
	for _, f := range []string{file, filepath.Join(tmp, "k-1")} {
		os.Remove(f) // Jupyter's own
	}
}

// TestEngineDies: the session goes on with another engine.
func TestEngineDies(t *testing.T) {
	s := session(t)
	ask := "%%\nfor range 200 {\n\tif c, err := net.Dial(\"unix\", os.Getenv(\"TLAB_ENGINE\")); err == nil {\n\t\tio.Copy(os.Stdout, c)\n\t\tbreak\n\t}\n\ttime.Sleep(50 * time.Millisecond)\n}"
	_, before := outcome(t, s, ask)
	kill(t, childOf(t, s, "engine"), syscall.SIGKILL)
	time.Sleep(100 * time.Millisecond)
	_, after := outcome(t, s, ask)
	if !strings.HasPrefix(after["stdout"], "engine ") || after["stdout"] == before["stdout"] {
		t.Errorf("before %q, after %q", before, after)
	}
}

func TestStartFails(t *testing.T) {
	_, tmp := stage(t)
	for _, c := range []struct {
		argv []string
		want string
	}{
		{nil, "no command"},
		{[]string{"/nowhere/kernel"}, "no such file"},
		{[]string{"/bin/sh", "-c", "echo no licence >&2; exit 3"}, "exit status 3); it last printed:\nno licence"},
		{[]string{"/bin/sh", "-c", "sleep 60"}, "no answer"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := Start(ctx, Launch{Argv: c.argv})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.argv, err, c.want)
		}
	}
	assertNothingLeft(t, tmp)
}

func TestMark(t *testing.T) {
	outer := mark([]string{"A=1"}, "x")
	inner := mark(outer, "y")
	if got := inner[len(inner)-1]; got != environmentKey+"=x:y" || len(inner) != 2 {
		t.Errorf("%q", inner)
	}
	if got := unmark(inner); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
