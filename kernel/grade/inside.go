package grade

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/grade/recorder"
	"transferlab/kernel/notebook"
	"transferlab/lessons/check/answer"
)

// Answers runs inside of the sandbox: it reads a job, runs the cells that matter in a kernel of their own, and writes each answer as soon as it
// is there, so that a submission that is ended keeps what it gave before. launch says how to start the kernel; its Dir and Env are filled
// in here. Confined, it first sets limits on itself that hold for all that it starts, and becomes a user without any rights, unless that is 0.
func Answers(ctx context.Context, in io.Reader, out io.Writer, launch kernel.Launch, confined bool, user int) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("grade: read job: %w", err)
	}
	if confined {
		if err := confine(j.Limits, user, j.Slot, j.Slots); err != nil {
			return err
		}
	}
	book, err := notebook.Parse(j.Notebook)
	if err != nil {
		return err
	}
	list := pieces(book, j.All)
	r := &reader{job: j, out: json.NewEncoder(out), pieces: list, confined: confined}
	if len(list) > 0 {
		if err := r.run(ctx, launch); err != nil {
			return err
		}
	}
	return r.out.Encode(line{Done: true})
}

// reader runs the pieces of one submission and passes on what they give.
type reader struct {
	job    job
	pieces []piece
	dir    string

	confined bool

	mu    sync.Mutex
	out   *json.Encoder
	read  int64 // bytes of the file of answers that have been passed on
	notes int
}

func (r *reader) run(ctx context.Context, launch kernel.Launch) (err error) {
	if r.dir, err = os.MkdirTemp("", "tlab-answers-"); err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	defer os.RemoveAll(r.dir)
	cases, err := json.Marshal(r.job.Cases)
	if err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, check.CasesFile), cases, 0o600); err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	if !r.confined { // in a sandbox all folders are read-only but /tmp, and the kernel looks for a moved checkout in the current one
		launch.Dir = r.dir
	}
	launch.Env = append(launch.Env, check.FolderKey+"="+r.dir)
	if r.job.Overlay != "" {
		launch.Env = append(launch.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" '-overlay="+r.job.Overlay+"'"))
	}
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	session, err := kernel.Start(starting, launch)
	cancel()
	if err != nil {
		return err
	}
	session.Grace = 3 * time.Second
	over, passed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(passed)
		r.passOn(over)
	}()
	err = r.cells(ctx, session)
	close(over)
	<-passed
	return errors.Join(err, session.Close(), r.pass())
}

// cells runs all pieces as one cell, and one by one where that does not work.
func (r *reader) cells(ctx context.Context, session *kernel.Session) error {
	if joined, can := join(r.pieces); can {
		why, err := r.execute(ctx, session, joined)
		if err != nil || why == "" {
			return err
		}
	}
	for _, p := range r.pieces {
		why, err := r.execute(ctx, session, p.code)
		if err != nil {
			return err
		}
		if why != "" {
			if err := r.note(fmt.Sprintf("cell %d: %s", p.number, why)); err != nil {
				return err
			}
		}
	}
	return nil
}

// execute runs a cell and passes on its answers. why says how the cell failed; err is for what ends the run.
func (r *reader) execute(ctx context.Context, session *kernel.Session, code string) (why string, err error) {
	within, cancel := context.WithTimeoutCause(ctx, r.job.Limits.Cell, fmt.Errorf("it ran longer than %v", r.job.Limits.Cell))
	defer cancel()
	reply, err := session.Execute(within, code, nil)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case within.Err() != nil:
		return context.Cause(within).Error(), nil
	case err != nil:
		return "", err
	case reply.Status != "ok":
		return failure(reply), nil
	}
	return "", nil
}

// counted is how the kernel names the cell and line of a mistake; the number counts what ran in here, which nobody has seen.
var counted = regexp.MustCompile(`^cell \[\d+\], `)

var ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// failure is the first line of a cell's error that says something.
func failure(reply kernel.Reply) string {
	for _, text := range append([]string{reply.Value}, reply.Traceback...) {
		for part := range strings.Lines(ansi.ReplaceAllString(text, "")) {
			if part = strings.TrimSpace(part); part != "" {
				return counted.ReplaceAllString(part, "")
			}
		}
	}
	return "it failed"
}

func (r *reader) note(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.notes++; r.notes > mostNotes {
		return nil
	}
	return r.out.Encode(line{Note: text})
}

// passOn passes answers on as they come, until over is closed: whoever is ended by force keeps what was given before.
func (r *reader) passOn(over chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			if r.pass() != nil {
				return
			}
		}
	}
}

// pass passes on what has been added to the file of answers. The file is the submission's to write, so nothing is believed of it.
func (r *reader) pass() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := os.Open(filepath.Join(r.dir, check.AnswersFile))
	if err != nil {
		return nil // no cell has answered yet
	}
	defer f.Close()
	if _, err := f.Seek(r.read, io.SeekStart); err != nil {
		return nil
	}
	lines := bufio.NewReader(io.LimitReader(f, mostOutput-min(r.read, mostOutput)))
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // the end, or a line that is not finished
		}
		r.read += int64(len(text))
		var g answer.Given
		if json.Unmarshal(bytes.TrimSpace(text), &g) != nil {
			continue
		}
		if err := r.out.Encode(line{Given: &g}); err != nil {
			return fmt.Errorf("grade: pass on answer: %w", err)
		}
	}
}
