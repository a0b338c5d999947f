package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
	"transferlab/kernel/wire"
)

// course is the run of one notebook's cells.
type course struct {
	*runner
	session  *kernel.Session
	job      job
	code     []*notebook.Cell
	ran      map[int]*notebook.Cell // by execution count
	recorder notebook.Recorder
}

// run executes the i-th code cell. A cell that fails is an error.
func (c *course) run(ctx context.Context, i int) error {
	cell := c.code[i]
	name := fmt.Sprintf("[%*d/%d] %s", digits(len(c.code)), i+1, len(c.code), headline(cell.Source))
	c.console.begin(name)
	c.recorder.Begin(cell)
	defer c.recorder.End()
	within, cancel := ctx, context.CancelFunc(func() {})
	if c.timeout > 0 {
		within, cancel = context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("longer than --timeout %v", c.timeout))
	}
	defer cancel()
	reply, err := c.session.Execute(within, cell.Source, func(m *wire.Message) { c.take(cell, m) })
	c.recorder.End()
	mark := ""
	if err != nil || reply.Status != "ok" {
		mark = "  failed"
	}
	c.steps = append(c.steps, step{name, c.console.end(mark)})
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("run: stopped in cell %d of %s", i+1, c.job.path)
	case err != nil:
		return fmt.Errorf("%s: cell %d: %w", c.job.path, i+1, err)
	case reply.Status != "ok":
		return errors.New(c.failed(cell, reply))
	}
	return nil
}

// take records one message and shows its text.
func (c *course) take(cell *notebook.Cell, m *wire.Message) {
	out, err := c.recorder.Message(m)
	if err != nil {
		c.console.note(detail + fmt.Sprintf("output dropped: %v", err))
		return
	}
	if cell.Count > 0 {
		c.ran[cell.Count] = cell
	}
	switch m.Header.Type {
	case "stream":
		var s struct{ Text string }
		if m.Decode(&s) == nil {
			c.console.text(s.Text)
		}
	case "display_data", "update_display_data":
		if out != nil {
			c.console.hint(headline(out.DataText("text/plain"))) // a progress display has a text form, a figure its description
		}
	}
}

// number is a cell's place among the code cells, from 1.
func (c *course) number(cell *notebook.Cell) int {
	for i, other := range c.code {
		if other == cell {
			return i + 1
		}
	}
	return 0
}

// headline is the first line that says something, or two where the first only opens a group.
func headline(source string) string {
	first := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasSuffix(first, "("):
			return first + line
		case first == "" || strings.HasPrefix(first, "%") && !strings.HasPrefix(first, "%%script"):
			first = line
		default:
			return first
		}
	}
	return first
}

func digits(n int) int { return len(fmt.Sprint(n)) }
