package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"transferlab/kernel/setup"
	"transferlab/kernel/wire"
)

// The test binary plays all parts: started with one of these verbs it is the kernel, the guard, or an engine that only listens.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "play" {
		if err := play(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func play(part string, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	lab, err := setup.Find()
	if err != nil {
		return err
	}
	switch part {
	case "kernel":
		return Run(context.Background(), Config{
			ConnectionFile: args[0],
			GoNB:           append(lab.GoNB(), "-raw_error"),
			Engine:         func(socket, _ string) []string { return []string{self, "play", "engine", socket} },
			Guard:          func(id string, dirs ...string) []string { return append([]string{self, "play", "guard", id}, dirs...) },
			Env:            append(lab.Environ(), "GOPROXY=off"), // set up is set up: nothing may be fetched
		})
	case "client": // starts a kernel, says so, and waits to be killed
		s, err := Start(context.Background(), Launch{Argv: []string{self, "play", "kernel", "{connection_file}"}})
		if err != nil {
			return err
		}
		fmt.Println("started", s.Pid())
		_, err = s.Execute(context.Background(), "%%\nfor { time.Sleep(time.Second) }", nil)
		return err
	case "guard":
		signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		return Guard(context.Background(), os.Stdin, args[0], args[1:]...)
	case "engine":
		l, err := net.Listen("unix", args[0])
		if err != nil {
			return err
		}
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			fmt.Fprintf(c, "engine %d\n", os.Getpid())
			c.Close()
		}
	}
	return errors.New("unknown part " + part)
}

// session starts a kernel of ours with a real GoNB. When the test ends, it is closed and nothing may be left of it.
func session(t *testing.T) *Session {
	t.Helper()
	self, _ := stage(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, Launch{
		Argv: []string{self, "play", "kernel", "{connection_file}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stage sets up the lab and gives the test a folder for temporary files and a mark that its processes inherit. When the test ends,
// nothing may be left of either. It returns this program and the folder.
func stage(t *testing.T) (self, tmp string) {
	t.Helper()
	needLab(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if tmp, err = os.MkdirTemp("/tmp", "tlabtest-"); err != nil { // t.TempDir's names are too long for sockets
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TLAB_MARK", tmp)
	t.Cleanup(func() {
		assertNothingLeft(t, tmp)
		os.RemoveAll(tmp)
	})
	return self, tmp
}

// assertNothingLeft waits a moment, then fails for each process that inherited the test's mark and each file in its folder.
func assertNothingLeft(t *testing.T, tmp string) {
	t.Helper()
	var procs, files []string
	for range 100 {
		procs, files = carriers("TLAB_MARK="+tmp), nil
		entries, _ := os.ReadDir(tmp)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), "go-build") { // a killed `go build` leaves its own folder; go clean takes it
				files = append(files, e.Name())
			}
		}
		if len(procs)+len(files) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("left behind: processes %q, files %q", procs, files)
}

// carriers lists the processes, other than this one, whose environment holds v. It asks /proc by itself, not through the code under test.
func carriers(v string) []string {
	var out []string
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, p := range paths {
		env, err := os.ReadFile(p)
		if err != nil || !strings.Contains(string(env), v) || p == fmt.Sprintf("/proc/%d/environ", os.Getpid()) {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cmdline"))
		out = append(out, filepath.Dir(p)+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
	}
	return out
}

// outcome runs one cell and collects what it published.
func outcome(t *testing.T, s *Session, code string) (Reply, map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reply, out, err := collect(ctx, s, code)
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return reply, out
}

// collect joins a cell's texts by stream name, "error", or MIME type.
func collect(ctx context.Context, s *Session, code string) (Reply, map[string]string, error) {
	out := map[string]string{}
	reply, err := s.Execute(ctx, code, func(m *wire.Message) {
		var c struct {
			Name, Text, Evalue string
			Data               map[string]any
		}
		if json.Unmarshal(m.Content, &c) != nil {
			return
		}
		switch m.Header.Type {
		case "stream":
			out[c.Name] += c.Text
		case "error":
			out["error"] += c.Evalue
		default:
			for mime, v := range c.Data {
				out[mime] += fmt.Sprint(v)
			}
		}
	})
	return reply, out, err
}

// theLab sets up what cells need, once.
var theLab = sync.OnceValues(func() (*setup.Lab, error) {
	return setup.Ensure(context.Background(), setup.ForRun, func(_, total int64, what string) {
		if total == 0 {
			fmt.Println(what)
		}
	})
})

func needLab(t *testing.T) *setup.Lab {
	t.Helper()
	lab, err := theLab()
	if err != nil {
		t.Fatal(err)
	}
	return lab
}
