package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/wire"
)

// play is the front end that is killed: it connects and, given a cell, runs that. It says on stdout what it sees.
func play(file string, code []string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	conn, err := wire.ParseConnection(data)
	if err != nil {
		return err
	}
	c, err := kernel.Connect(context.Background(), conn)
	if err != nil {
		return err
	}
	fmt.Println("connected")
	if len(code) == 0 {
		select {}
	}
	_, err = c.Execute(context.Background(), code[0], func(m *wire.Message) {
		if m.Header.Type == "stream" {
			fmt.Println("output")
		}
	})
	return err
}

// player starts one and waits until it said word.
func (s *stand) player(word string, code ...string) (*exec.Cmd, error) {
	files, _ := filepath.Glob(filepath.Join(s.dir, "tlab-run-*", "kernel-*.json"))
	if len(files) != 1 {
		return nil, fmt.Errorf("connection files: %q", files)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"play", files[0]}, code...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := make(chan error, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == word {
				said <- nil
				return
			}
		}
		said <- fmt.Errorf("the front end ended before it said %q", word)
	}()
	select {
	case err = <-said:
	case <-time.After(patience):
		err = fmt.Errorf("the front end does not say %q", word)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, errors.Join(err, cmd.Wait())
	}
	return cmd, nil
}

func vanishing(s *stand) []*row {
	return []*row{
		s.suffer("client killed in mid-cell", s.clientKilled),
		s.suffer("client killed in mid-flood", s.clientKilledInFlood),
		s.stopped(),
	}
}

// clientKilled: its cell goes on, as cells do when a browser's page is closed, and another front end can stop it.
func (s *stand) clientKilled(i int) error {
	cmd, err := s.player("output", fmt.Sprintf("%%%%\nfmt.Println(\"began\", %d)\ntime.Sleep(time.Minute)", i))
	if err != nil {
		return err
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // signal: killed
	if _, err := find(s.dir, "cell"); err != nil {
		return fmt.Errorf("the cell of a front end that was killed: %w", err)
	}
	if err := s.Interrupt(); err != nil {
		return err
	}
	return calm(s.t.Context(), s)
}

// clientKilledInFlood: its cell prints all the while, and ends by itself.
func (s *stand) clientKilledInFlood(i int) error {
	cmd, err := s.player("output", fmt.Sprintf("%%%%\nb := bytes.Repeat([]byte(\"%07d\\n\"), 1<<10)\nfor range 2000 { os.Stdout.Write(b) }", i))
	if err != nil {
		return err
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // signal: killed
	return calm(s.t.Context(), s)
}

// stopped floods while another front end is connected that reads nothing.
func (s *stand) stopped() *row {
	const limit = 64 << 20
	if err := okay(s.t.Context(), s, fmt.Sprintf("%%limit output=%d", limit), "output="); err != nil {
		s.t.Fatal(err)
	}
	pid, err := find(s.dir, "kernel")
	if err != nil {
		s.t.Fatal(err)
	}
	before := status(pid, "VmRSS")
	_ = forgetPeak(pid)
	r := s.suffer("client stopped, 64 MiB to stdout", func(i int) error {
		cmd, err := s.player("connected")
		if err != nil {
			return err
		}
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // signal: killed
		}()
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		code := fmt.Sprintf("%%%%\nb := bytes.Repeat([]byte(\"%07d\\n\"), 1<<13)\nfor range %d { os.Stdout.Write(b) }", i, limit>>16)
		_, o, err := outcome(s.t.Context(), s, code)
		if err == nil && (o.stdoutBytes != limit || strings.Contains(o.stderr.String(), "bounded")) {
			err = fmt.Errorf("the front end that reads got %d bytes of %d, %q", o.stdoutBytes, limit, o.stderr.String())
		}
		return err
	})
	r.note = fmt.Sprintf("kernel +%.0f MB at its peak, %+.0f after", float64(status(pid, "VmHWM")-before)/1e6, float64(status(pid, "VmRSS")-before)/1e6)
	if status(pid, "VmHWM")-before > 400<<20 {
		s.t.Errorf("a front end that reads nothing: %s", r.note)
	}
	return r
}
