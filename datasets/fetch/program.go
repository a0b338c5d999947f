package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Step says how [Program] runs a program and what is told of it.
type Step struct {
	What  string                 // what is being done, for the report
	Dir   string                 // the folder in which it runs; "" is the current one
	Env   []string               // added to this process's environment
	Total int64                  // bytes; 0 if unknown: then nothing is told
	Watch func(dir string) int64 // how many of Total are done, from a look into Dir
}

// Program runs a program that downloads, builds or unpacks, and tells report of Watch some times a second. The program
// dies with the context, and with this process however that ends (on Linux). What it prints is shown only if it fails:
// its last lines are part of the error. A full disk is [syscall.ENOSPC].
func Program(ctx context.Context, step Step, report Report, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = step.Dir
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), step.Env...)
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	cmd.WaitDelay = time.Second // a grandchild that holds our pipe does not hold us
	done := startAndWait(cmd)
	if step.Total == 0 {
		return judge(ctx, name, <-done, words.String())
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	report.tell(0, step.Total, step.What)
	for {
		select {
		case err = <-done:
			report.tell(step.Total, step.Total, step.What)
			return judge(ctx, name, err, words.String())
		case <-tick.C:
			report.tell(min(step.Watch(step.Dir), step.Total-1), step.Total, step.What)
		}
	}
}

// judge turns the end of a program into an error that says the likely cause.
func judge(ctx context.Context, name string, err error, words string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.Contains(strings.ToLower(words), "no space left on device"), strings.Contains(words, "not enough free space"):
		return syscall.ENOSPC
	case strings.Contains(words, "No module named pip"):
		return errors.New("python3 has no pip (on Debian: apt install python3-pip)")
	}
	lines := strings.Split(strings.TrimSpace(words), "\n")
	if len(lines) > 4 {
		lines = lines[len(lines)-4:]
	}
	return fmt.Errorf("%s failed (%w). It said:\n\t%s", name, err, strings.Join(lines, "\n\t"))
}
