package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"transferlab/kernel/setup"
)

// runningDemo is `tlab demo`, by this test's own program.
type runningDemo struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	temp    string
	ended   bool
}

func startDemo(t *testing.T, args ...string) *runningDemo {
	t.Helper()
	temp, err := os.MkdirTemp("/tmp", "demo-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	d := &runningDemo{t: t, temp: temp, cmd: exec.Command(os.Args[0], append([]string{"demo", "--no-browser"}, args...)...)}
	d.cmd.Env = append(os.Environ(), mainVariable+"="+temp, "TMPDIR="+temp)
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.end)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if d.address = regexp.MustCompile(`http://\S+`).FindString(lines.Text()); d.address != "" {
			go func() {
				for lines.Scan() { // so that it never blocks on a full pipe
				}
			}()
			return d
		}
	}
	t.Fatal("tlab demo printed no address")
	return nil
}

// end ends it as Ctrl-C does, and looks for what it leaves.
func (d *runningDemo) end() {
	if d.ended {
		return
	}
	d.ended = true
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("tlab demo ended with %v", err)
	}
	d.gone()
}

// gone fails where files or processes are left after some seconds.
func (d *runningDemo) gone() {
	var left, processes []string
	for range 100 {
		left, _ = filepath.Glob(filepath.Join(d.temp, "tlab-demo-*"))
		if processes = carriers(mainVariable + "=" + d.temp); len(left) == 0 && len(processes) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(left) > 0 || len(processes) > 0 {
		d.t.Errorf("left behind: %q, %q", left, processes)
	}
	os.RemoveAll(d.temp)
}

// engine is the process id of the demo's engine, 0 without one.
func (d *runningDemo) engine() int {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, _ := os.ReadFile(path)
		if strings.Contains(string(line), "\x00engine\x00--socket\x00"+d.temp+"/") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return pid
		}
	}
	return 0
}

// A demo that is killed leaves nothing either: its guard cleans up.
func TestDemoIsKilled(t *testing.T) {
	if _, err := setup.Ensure(t.Context(), setup.ForRun, nil); err != nil {
		t.Fatal(err)
	}
	d := startDemo(t)
	if found, _ := filepath.Glob(filepath.Join(d.temp, "tlab-demo-*", "pictures")); len(found) != 1 {
		t.Fatalf("its folder: %q", found)
	}
	d.ended = true
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait() // says that it was killed
	d.gone()
}
