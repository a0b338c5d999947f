package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"transferlab/datasets/fetch"
)

// console shows what is being done: a line for each step that is over, and, on a terminal, one line below them that is drawn over while
// a step runs. Elsewhere (a file, a build server) a long step leaves a sign of life twice a minute.
type console struct {
	mu     sync.Mutex
	out    io.Writer
	width  int // columns of the terminal; 0 if it is none
	label  string
	begun  time.Time
	last   string // last line of the running step's output, as a terminal would show it
	col    int    // where in last the next character goes
	drawn  bool   // last has been drawn over: it is a progress line
	hinted string // what to show while last is empty
	shown  bool   // the step's label stands above, since lines of its output follow
	signed time.Time
	stop   chan struct{}
	ended  chan struct{}
}

// detail stands before what a step says.
const detail = "          "

// signOfLife is how often a long step is mentioned where nothing can be drawn over.
const signOfLife = 30 * time.Second

func newConsole(out io.Writer) *console {
	c := &console{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.width = 80
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			c.width = w
		}
	}
	return c
}

// report shows set-up's progress: words as lines, bytes on a line that is drawn over.
func report(c *console) fetch.Report {
	return func(done, total int64, what string) {
		switch {
		case total == 0:
			c.note(what)
		case c.width > 0:
			c.draw(fmt.Sprintf("%s  %d of %d MB", what, done/1e6, total/1e6), done >= total)
		}
	}
}

// begin starts a step.
func (c *console) begin(label string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.label, c.begun, c.last, c.col, c.drawn, c.hinted, c.shown = label, time.Now(), "", 0, false, "", false
	c.signed = c.begun
	c.stop, c.ended = make(chan struct{}), make(chan struct{})
	go c.live(c.stop, c.ended)
}

// live redraws the running step's line.
func (c *console) live(stop, ended chan struct{}) {
	defer close(ended)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		c.mu.Lock()
		seconds := time.Since(c.begun).Seconds()
		if c.width > 0 {
			line := fmt.Sprintf("%s %6.1f s", c.label, seconds)
			if last := c.now(); last != "" {
				line += "  " + last
			}
			fmt.Fprint(c.out, "\r"+clip(line, c.width-1)+"\x1b[K")
		} else if time.Since(c.signed) >= signOfLife {
			c.signed = time.Now()
			fmt.Fprintf(c.out, "%s … %.0f s  %s\n", c.label, seconds, c.now())
		}
		c.mu.Unlock()
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// now is what the running step last said. c.mu is held.
func (c *console) now() string {
	if last := strings.TrimSpace(c.last); last != "" {
		return last
	}
	return c.hinted
}

// hint says what the running step shows, where that is no text.
func (c *console) hint(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hinted = s
}

// text takes output of the running step. Progress lines that are finished are kept on the console; other output only shows while it lasts.
func (c *console) text(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := []rune(c.last)
	for _, r := range ansi.ReplaceAllString(s, "") {
		switch {
		case r == '\n':
			if done := strings.TrimSpace(string(line)); c.drawn && done != "" {
				if !c.shown {
					c.print(c.label)
					c.shown = true
				}
				c.print(detail + done)
			}
			line, c.col, c.drawn = line[:0], 0, false
		case r == '\r':
			// Spaces are what an erased progress line leaves: what follows them is none.
			c.col, c.drawn = 0, len(line) == 0 || strings.TrimSpace(string(line)) != ""
		case c.col < len(line):
			line[c.col] = r
			c.col++
		case len(line) < 1000:
			line = append(line, r)
			c.col++
		}
	}
	c.last = string(line)
}

// print writes a line above the running step's. c.mu is held.
func (c *console) print(line string) {
	if c.width > 0 {
		fmt.Fprint(c.out, "\r"+clip(line, c.width-1)+"\x1b[K\n")
		return
	}
	fmt.Fprintln(c.out, line)
}

// note writes a line that is no step.
func (c *console) note(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.print(line)
}

// draw draws over one line outside of any step; done ends it.
func (c *console) draw(line string, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done {
		c.print(line)
		return
	}
	fmt.Fprint(c.out, "\r"+clip(line, c.width-1)+"\x1b[K")
}

// end finishes the step with a mark such as "ok" and returns what it took.
func (c *console) end(mark string) time.Duration {
	close(c.stop)
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	took := time.Since(c.begun)
	seconds := fmt.Sprintf(" %6.1f s%s", took.Seconds(), mark)
	label := c.label
	if c.shown {
		label = strings.TrimSuffix(detail, " ")
	}
	if c.width > 0 {
		label = clip(label, c.width-1-utf8.RuneCountInString(seconds))
	}
	c.print(label + seconds)
	return took
}

// clip shortens s to n runes.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n-1, 0)]) + "…"
}
