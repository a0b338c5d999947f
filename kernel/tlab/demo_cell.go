package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"transferlab/kernel"
)

// cellDemo is the demo of one kernel. A cell that ends is a process that ends, so the cell cannot serve a page: %demo has the kernel start `tlab demo`,
// as a process of its own that ends with the kernel, and the cell shows the address.
type cellDemo struct {
	self string // this program

	mu      sync.Mutex
	group   *kernel.Group
	address string
	stdin   io.Closer // closing it ends the demo
}

func (d *cellDemo) command() kernel.Command {
	return kernel.Command{
		Name:  "demo",
		Usage: "[--keep FOLDER] [--base NAME] | stop",
		Help:  "Opens the classroom demo, a classifier of your own pictures, as a page of its own. It ends with the kernel, or by `%demo stop`.",
		Run:   d.run,
	}
}

func (d *cellDemo) run(ctx context.Context, args []string, out io.Writer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Equal(args, []string{"stop"}) {
		if !d.runs() {
			_, err := fmt.Fprintln(out, "No demo runs.")
			return err
		}
		_ = d.stdin.Close()
		if err := d.group.Stop(5 * time.Second); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "The demo has ended, and its pictures are removed.")
		return err
	}
	if d.runs() && len(args) > 0 {
		return fmt.Errorf("%%demo: a demo runs already at %s: end it with %%demo stop first", d.address)
	}
	if !d.runs() {
		if err := d.start(ctx, args); err != nil {
			return fmt.Errorf("%%demo: %w", err)
		}
	}
	_, err := fmt.Fprintf(out, "The demo runs at\n\n    %s\n\nClick on the address. The page is served to this machine alone; it ends with this kernel, or by %%demo stop.\n", d.address)
	return err
}

// runs tells whether there is a demo that has not ended. d.mu is held.
func (d *cellDemo) runs() bool {
	if d.group == nil {
		return false
	}
	select {
	case <-d.group.Done():
		return false
	default:
		return true
	}
}

var demoAddress = regexp.MustCompile(`http://127\.0\.0\.1:\S+`)

// start starts a demo and waits for its address, or until ctx ends.
func (d *cellDemo) start(ctx context.Context, args []string) error {
	cmd := exec.Command(d.self, append([]string{"demo", "--no-browser", "--tied"}, args...)...)
	log := &logTail{}
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	read, write := io.Pipe()
	cmd.Stdout = write
	group, err := kernel.StartGroup(cmd)
	if err != nil {
		return err
	}
	said := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if address := demoAddress.FindString(lines.Text()); address != "" {
				said <- address
				break
			}
		}
		_, _ = io.Copy(io.Discard, read) // so that it never waits for a reader
	}()
	select {
	case d.address = <-said:
		d.group, d.stdin = group, stdin
		return nil
	case <-group.Done():
		_ = write.Close()
		return fmt.Errorf("the demo ended as it began: %s", strings.TrimPrefix(log.String(), "tlab: "))
	case <-ctx.Done():
		_ = group.Stop(time.Second) // the cell was stopped; what is left, the kernel ends
		return ctx.Err()
	}
}
