package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/engine"
	"transferlab/tl/remote"
)

// mainVariable makes the test binary the command itself, and holderVariable a notebook that holds on to a shared engine: its value is the
// home and the session.
const (
	mainVariable   = "TLAB_TEST_MAIN"
	holderVariable = "TLAB_TEST_HOLDER"
)

func TestMain(m *testing.M) {
	if holder := os.Getenv(holderVariable); holder != "" {
		home, session, _ := strings.Cut(holder, ":")
		_, _, err := sharedEngine(context.Background(), home, os.Args[0], session, nil)
		fmt.Println("holding", err)
		select {}
	}
	if os.Getenv(mainVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// sharedHome is a folder for a shared engine, which must be gone at the end of the test.
func sharedHome(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "share-")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(mainVariable, home)
	t.Cleanup(func() {
		if left := engines(home, 0); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		os.RemoveAll(home)
	})
	return home
}

// engines are the processes of shared engines in that home. It waits up to five seconds for want of them.
func engines(home string, want int) (pids []int) {
	for range 100 {
		pids = nil
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range dirs {
			line, _ := os.ReadFile(dir + "/cmdline")
			if strings.Contains(string(line), "\x00engine\x00--shared\x00--socket\x00"+home+"/") {
				pid, _ := strconv.Atoi(filepath.Base(dir))
				pids = append(pids, pid)
			}
		}
		if len(pids) == want {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return pids
}

// sharer is a session of a shared engine.
type sharer struct {
	t *testing.T
	remote.Client
	release func()
	told    chan string
}

func open(t *testing.T, home, session string) sharer {
	t.Helper()
	told := make(chan string, 10)
	socket, release, err := sharedEngine(t.Context(), home, os.Args[0], session, func(text string) { told <- text })
	if err != nil {
		t.Fatal(err)
	}
	return sharer{t, remote.Client{Socket: socket, Session: session}, release, told}
}

var shapes = tl.RawPixels().WithHead("shapes", tl.Dense(3))

func (n sharer) fit(epochs int) tl.History {
	n.t.Helper()
	var h tl.History
	request := tl.FitRequest{Model: shapes, Train: datasets.Shapes(48, 1), Phase: tl.Phase{Epochs: epochs, LearningRate: 1e-3}}
	if err := n.Call(n.t.Context(), tl.VerbFit, request, &h, nil); err != nil {
		n.t.Fatal(err)
	}
	return h
}

func (n sharer) histories() []tl.History {
	n.t.Helper()
	var h []tl.History
	if err := n.Call(n.t.Context(), tl.VerbHistories, tl.ModelRequest{Model: shapes}, &h, nil); err != nil {
		n.t.Fatal(err)
	}
	return h
}

// sessions are those that have a model in the engine.
func (n sharer) sessions() string {
	n.t.Helper()
	var h tl.Held
	if err := n.Call(n.t.Context(), tl.VerbHeld, tl.HeldRequest{}, &h, nil); err != nil {
		n.t.Fatal(err)
	}
	var found []string
	for _, item := range h.Items {
		if item.Kind == "model" {
			found = append(found, item.Session)
		}
	}
	return strings.Join(found, " ")
}

// until waits up to five seconds for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("after five seconds: not %s", what)
}

func TestSharedEngine(t *testing.T) {
	home := sharedHome(t)
	a, b := open(t, home, "a"), open(t, home, "b")
	if pids := engines(home, 1); a.Socket != b.Socket || len(pids) != 1 {
		t.Errorf("sockets %s and %s, processes %v", a.Socket, b.Socket, pids)
	}
	for path, want := range map[string]os.FileMode{filepath.Dir(a.Socket): 0o700, a.Socket: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
	a.fit(1)
	a.fit(1)
	b.fit(1)
	if len(a.histories()) != 2 || len(b.histories()) != 1 {
		t.Errorf("%d and %d histories: the sessions share a model", len(a.histories()), len(b.histories()))
	}
	a.release()
	until(t, "rid of the model of a", func() bool { return b.sessions() == "b" })
	if len(b.histories()) != 1 {
		t.Error("b lost its model with a")
	}
	again := open(t, home, "a")
	if len(again.histories()) != 0 {
		t.Error("a session that ended is found again")
	}
	again.release()
	b.release()
	until(t, "rid of the socket", func() bool { _, err := os.Stat(b.Socket); return os.IsNotExist(err) })
	if left := engines(home, 0); len(left) != 0 {
		t.Errorf("processes left: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "engine", "state")); len(left) != 0 {
		t.Errorf("checkpoints left: %v", left)
	}
	// And again from nothing.
	c := open(t, home, "c")
	c.fit(1)
	c.release()
}

// TestSharedEngineOfKilledNotebook: kill -9 of a notebook lets go of its part, here in the middle of a Fit without end.
func TestSharedEngineOfKilledNotebook(t *testing.T) {
	home := sharedHome(t)
	stays := open(t, home, "stays")
	defer stays.release()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderVariable+"="+home+":killed")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "holding <nil>\n" {
		t.Errorf("the notebook says %q", line)
	}
	cell, stop := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		request := tl.FitRequest{Model: shapes, Train: datasets.Shapes(48, 1), Phase: tl.Phase{Epochs: 1 << 30, LearningRate: 1e-3}}
		var first sync.Once
		remote.Client{Socket: stays.Socket, Session: "killed"}.Call(cell, tl.VerbFit, request, new(tl.History), func(p remote.Progress) {
			if p.Finished {
				first.Do(func() { close(begun) })
			}
		})
	}()
	<-begun
	cmd.Process.Kill()
	cmd.Wait()
	time.Sleep(100 * time.Millisecond)
	if got := stays.sessions(); got != "killed" {
		t.Errorf("models of %q; that of a call that still runs must stay", got)
	}
	stop() // the cell dies with its kernel
	<-ended
	until(t, "rid of the killed notebook's model", func() bool { return stays.sessions() == "" })
}

// TestSharedEngineDies: it is started again for all its notebooks, on the same socket, and their models are back.
func TestSharedEngineDies(t *testing.T) {
	home := sharedHome(t)
	a, b := open(t, home, "a"), open(t, home, "b")
	defer a.release()
	defer b.release()
	a.fit(2)
	b.fit(3)
	pids := engines(home, 1)
	if len(pids) != 1 {
		t.Fatal(pids)
	}
	syscall.Kill(pids[0], syscall.SIGKILL)
	for _, n := range []sharer{a, b} {
		if text := <-n.told; !strings.Contains(text, "The shared engine ended") || !strings.Contains(text, "started again") {
			t.Errorf("told %q", text)
		}
	}
	if now := engines(home, 1); len(now) != 1 || now[0] == pids[0] {
		t.Errorf("processes %v, before %v", now, pids)
	}
	for want, n := range map[int]sharer{2: a, 3: b} {
		if h := n.histories(); len(h) != 1 || len(h[0].Epochs) != want {
			t.Errorf("the model with %d epochs came back as %v", want, h)
		}
	}
}

// TestSharedEngineOnce: notebooks that open at the same moment start one engine.
func TestSharedEngineOnce(t *testing.T) {
	home := sharedHome(t)
	var opening sync.WaitGroup
	for i := range 8 {
		opening.Go(func() {
			n := open(t, home, fmt.Sprint(i))
			defer n.release()
			if h := n.histories(); len(h) != 0 {
				t.Errorf("histories %v", h)
			}
		})
	}
	opening.Wait()
	if pids := engines(home, 1); len(pids) != 1 {
		t.Errorf("processes %v", pids)
	}
}

// TestSharedEngineOfAnotherBuild is refused in words, and taken over from where it has no notebook any more.
func TestSharedEngineOfAnotherBuild(t *testing.T) {
	home := sharedHome(t)
	dir := filepath.Join(home, "engine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "engine.sock")
	ended := make(chan error, 1)
	go func() { ended <- engine.Serve(t.Context(), socket, engine.Options{Shared: "another"}) }()
	s := &share{dir: dir, build: "another", session: "old"}
	until(t, "listening", s.answers)
	old, err := s.hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = sharedEngine(t.Context(), home, os.Args[0], "new", nil)
	if err == nil || !strings.Contains(err.Error(), "started by another build of the lab and still serves others (1): close those notebooks") {
		t.Errorf("another build: %v", err)
	}
	old.cancel()
	<-old.ended
	n := open(t, home, "new") // while the other still lingers
	n.fit(1)
	n.release()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSharedEngineTooDeep(t *testing.T) {
	home := filepath.Join(sharedHome(t), strings.Repeat("deep/", 20))
	if _, _, err := sharedEngine(t.Context(), home, os.Args[0], "s", nil); err == nil || !strings.Contains(err.Error(), "too long for a socket") {
		t.Errorf("%v", err)
	}
}

// TestSharedEngineThatCannotStart says why, with the log's words.
func TestSharedEngineThatCannotStart(t *testing.T) {
	home := sharedHome(t)
	script := filepath.Join(home, "tlab")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho the plugin is damaged >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := sharedEngine(t.Context(), home, script, "s", nil)
	if err == nil || !strings.Contains(err.Error(), "exit status 3 (the plugin is damaged)") {
		t.Errorf("%v", err)
	}
}
