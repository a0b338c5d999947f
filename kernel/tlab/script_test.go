package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"transferlab/kernel/setup"
)

// theLab sets up what notebooks need, and builds the command from source, once.
var theLab = sync.OnceValues(func() (*setup.Lab, error) {
	return setup.Ensure(context.Background(), setup.ForKernel, func(_, total int64, what string) {
		if total == 0 {
			fmt.Println(what)
		}
	})
})

// TestScripts runs the command as users do; each script's archive holds its notebooks.
func TestScripts(t *testing.T) {
	lab, err := theLab()
	if err != nil {
		t.Fatal(err)
	}
	goEnv := goEnvironment(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			tmp, err := os.MkdirTemp("/tmp", "tlabtest-") // testscript's own is too long for sockets
			if err != nil {
				return err
			}
			e.Defer(func() { os.RemoveAll(tmp) })
			e.Setenv("PATH", lab.Bin()+string(filepath.ListSeparator)+os.Getenv("PATH"))
			e.Setenv("TLAB_HOME", lab.Home)
			e.Setenv("TMPDIR", tmp)
			e.Setenv("TLAB_MARK", tmp)
			for _, v := range goEnv {
				name, value, _ := strings.Cut(v, "=")
				e.Setenv(name, value)
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "no-network":
				return exec.Command("unshare", "--net", "true").Run() == nil, nil
			case "sandbox":
				return exec.Command("bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"wait-for":     waitFor,
			"nothing-left": nothingLeft,
		},
	})
}

// goEnvironment is where Go keeps what is built: a script has a HOME of its own.
func goEnvironment(t *testing.T) []string {
	t.Helper()
	var env []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}

// waitFor waits until a file is there.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: wait-for FILE")
	}
	for range 600 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear", args[0])
}

// nothingLeft fails if a process carries the script's mark or a file stands in its folder for temporary files.
func nothingLeft(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: nothing-left")
	}
	tmp := ts.Getenv("TMPDIR")
	var left []string
	for range 60 {
		left = carriers("TLAB_MARK=" + tmp)
		entries, _ := os.ReadDir(tmp)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), "go-build") { // of a killed compiler
				left = append(left, e.Name())
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("left behind: %q", left)
}

// carriers lists the command lines of processes, other than this one, whose environment holds v.
func carriers(v string) (found []string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(env), v) || path == fmt.Sprintf("/proc/%d/environ", os.Getpid()) {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, strings.ReplaceAll(string(cmdline), "\x00", " "))
	}
	return found
}
