package kernel

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTwoCells(t *testing.T) {
	s := session(t)
	info, err := s.Info(t.Context())
	if err != nil || info.Implementation != "gonb" || info.Language.Name != "go" {
		t.Errorf("%+v, %v", info, err)
	}
	reply, out := outputs(t, s, "func twice(x int) int { return 2 * x }\n%%\nfmt.Println(\"first\", twice(4))")
	if reply.Status != "ok" || reply.Count != 1 || out["stdout"] != "first 8\n" {
		t.Errorf("%+v %q", reply, out)
	}
	reply, out = outputs(t, s, "%%\nfmt.Fprint(os.Stderr, twice(21))")
	if reply.Status != "ok" || reply.Count != 2 || out["stderr"] != "42" {
		t.Errorf("%+v %q", reply, out)
	}
	t.Run("engine socket", func(t *testing.T) {
		_, out := outputs(t, s, `%%
c, err := net.Dial("unix", os.Getenv("TLAB_ENGINE"))
if err != nil { panic(err) }
io.Copy(os.Stdout, c)`)
		if !strings.HasPrefix(out["stdout"], "engine ") {
			t.Errorf("%q", out)
		}
	})
	t.Run("compile error", func(t *testing.T) {
		reply, _ := outputs(t, s, "%%\nx := 1\nfmt.Println(undefinedName)")
		t.Log(reply.Value, strings.Join(reply.Traceback, "\n"))
		if reply.Status != "error" || !strings.Contains(reply.Value, "undefined: undefinedName") {
			t.Errorf("%+v", reply)
		}
	})
	t.Run("panic", func(t *testing.T) {
		reply, out := outputs(t, s, "%%\nfmt.Println()\npanic(\"at the disco\")")
		t.Logf("%+v\n%s", reply, out["stderr"])
		if reply.Status != "error" || !strings.Contains(out["stderr"], "at the disco") {
			t.Errorf("%+v %q", reply, out)
		}
	})
	t.Run("goes on", func(t *testing.T) {
		if reply, out := outputs(t, s, "%%\nfmt.Print(twice(1))"); reply.Status != "ok" || out["stdout"] != "2" {
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
	if reply, out := outputs(t, s, "%%\nfmt.Print(\"alive\")"); reply.Status != "ok" || out["stdout"] != "alive" {
		t.Errorf("after an interrupt: %+v %q", reply, out)
	}
}

func TestKilledKernelLeavesNothing(t *testing.T) {
	s := session(t) // its cleanup looks for leftovers
	began := make(chan error, 1)
	go func() {
		_, _, err := collect(t.Context(), s, "%%\nsignal.Ignore(os.Interrupt, syscall.SIGTERM)\nfor { time.Sleep(time.Second) }")
		began <- err
	}()
	time.Sleep(3 * time.Second) // the cell runs
	if err := syscall.Kill(s.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-began:
		if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "signal: killed") {
			t.Errorf("cell of a killed kernel: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Execute did not notice that the kernel died")
	}
	// Before Close, which would sweep as well: the guard alone must have done it.
	assertNothingLeft(t, os.Getenv("TMPDIR"))
}
