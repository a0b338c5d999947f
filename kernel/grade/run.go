package grade

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
	"transferlab/kernel/setup"
)

// recorded is what stands in the place of lessons/check.
//
//go:embed recorder/recorder.go
var recorded []byte

// recorderDir makes a folder with the recorder in it, which must be removed.
func recorderDir() (string, error) {
	dir, err := os.MkdirTemp("", "tlab-grade-")
	if err != nil {
		return "", fmt.Errorf("grade: %w", err)
	}
	err = errors.Join(os.Chmod(dir, 0o755), // there is no secret in it, and submissions may be another user's
		os.Mkdir(filepath.Join(dir, "answer"), 0o755), // where lessons/check/answer is bound
		os.WriteFile(filepath.Join(dir, "check.go"), recorded, 0o644))
	if err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("grade: %w", err)
	}
	return dir, nil
}

// overlay is the file that has go build take the recorder for lessons/check where nothing can be bound in its place.
func overlay(lab *setup.Lab, dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(lab.Module, "lessons", "check", "*.go"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("grade: find lessons/check in %s: no Go files", lab.Module)
	}
	replace := map[string]string{}
	for _, file := range files {
		replace[file] = "" // as if it were not there
	}
	replace[filepath.Join(lab.Module, "lessons", "check", "doc.go")] = filepath.Join(dir, "check.go")
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("grade: %w", err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return "", fmt.Errorf("grade: %w", err)
	}
	return path, nil
}

// warm is a notebook of ours with what cells import. It shows that the sandbox works, and has the go command compile the recorder once.
const warm = `import (
	"transferlab/lessons/check"
	_ "transferlab/plots"
	_ "transferlab/tl"
	_ "transferlab/tl/count"
)
%%
check.Answer("00/warm-up", 42)`

// warmUp runs that notebook. It alone may write the go command's cache: what submissions compile stays with them.
func (g *grader) warmUp(ctx context.Context) error {
	book := notebook.Notebook{Cells: []*notebook.Cell{{Kind: notebook.Code, Source: warm}}}
	data, err := book.Bytes()
	if err != nil {
		return err
	}
	limits := g.Limits
	g.Limits.Time, g.Limits.Cell, g.Limits.Memory = 10*time.Minute, 10*time.Minute, 8<<30 // a cold cache takes its time, and it is our own program
	defer func() { g.Limits = limits }()
	for _, own := range []bool{true, false} { // once to fill the cache, once as submissions run
		answered, said := false, ""
		err = g.run(ctx, mode{own: own}, job{Notebook: data, Limits: g.Limits, Overlay: g.overlay}, func(l line) {
			answered = answered || l.Given != nil && l.Given.Number != nil && *l.Given.Number == 42
			said += l.Note
		})
		switch {
		case err != nil || ctx.Err() != nil:
			return err
		case !answered:
			return fmt.Errorf("grade: warm up the sandbox: the trial cell gave no answer: %s; see whether `tlab run` works", said)
		}
	}
	return nil
}

// run runs a job and calls on with each line that comes out.
func (g *grader) run(ctx context.Context, m mode, j job, on func(line)) error {
	input, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	var cmd *exec.Cmd
	if g.sandbox != nil {
		cmd = g.sandbox.command(m, home+"/lab/bin/tlab", "answers", "--confine", "--user", strconv.Itoa(m.user()))
	} else {
		cmd = exec.Command(g.Self, "answers")
		cmd.Env = append(os.Environ(), "TLAB_HISTORY=")
	}
	from, to, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	defer from.Close()
	var said tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), to, &said
	cmd.WaitDelay = 5 * time.Second
	group, err := kernel.StartGroup(cmd)
	to.Close()
	if err != nil {
		return fmt.Errorf("grade: start %s: %w", cmd.Path, err)
	}
	outcome := make(chan error, 1)
	go func() { outcome <- g.supervise(ctx, m, group) }()
	finished, reading := readLines(from, on)
	if reading != nil { // it goes on writing
		_ = group.Stop(0)
	}
	ended := <-outcome
	if finished && reading == nil {
		return nil // what it does besides is not our business
	}
	return g.explain(ctx, m.own, errors.Join(reading, ended), group.Err(), said.String())
}

// supervise waits for a run and ends it where it takes too much. Nothing of it is left when this returns.
func (g *grader) supervise(ctx context.Context, m mode, group *kernel.Group) error {
	why := make(chan string, 1)
	go func() {
		why <- watch(crowd{pid: group.Pid(), user: m.user()}, g.Limits, g.sandbox != nil, group.Done())
	}()
	select {
	case <-ctx.Done():
	case <-group.Done():
	}
	var err error
	if ctx.Err() == nil {
		if text := <-why; text != "" {
			err = errors.New(text)
		}
	}
	stopping := group.Stop(0)
	if err == nil {
		err = stopping
	}
	return err
}

// explain says why a run gave no end.
func (g *grader) explain(ctx context.Context, own bool, ended, status error, said string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ended != nil:
		return ended
	case own && g.sandbox != nil:
		return g.sandbox.refused(status, said)
	case status == nil:
		return errors.New("it ended without a word")
	}
	if said = strings.TrimSpace(said); said != "" {
		return fmt.Errorf("it ended early (%w): %s", status, said)
	}
	return fmt.Errorf("it ended early (%w)", status)
}

// readLines reads what comes out of a sandbox, to the end or as much as is allowed. finished reports whether the run came to its end.
func readLines(from io.Reader, on func(line)) (finished bool, err error) {
	limited := &io.LimitedReader{R: from, N: mostOutput}
	lines := bufio.NewReader(limited)
	for {
		data, err := lines.ReadBytes('\n')
		if l, is := readLine(data); is {
			finished = finished || l.Done
			on(l)
		}
		if err != nil {
			if limited.N <= 0 {
				return false, errTooMuch
			}
			return finished, nil
		}
	}
}

// Try makes a sandbox and runs a cell of ours in it: an error says why submissions cannot be graded here, and what helps.
func Try(ctx context.Context, lab *setup.Lab) error {
	_, err := Grade(ctx, lab, nil, Options{})
	return err
}
