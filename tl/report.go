package tl

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"transferlab/tl/remote"
)

type reportKey struct{}

// WithReport is ctx with a function that receives the progress of the verbs called with it, instead of the terminal or notebook.
// A nil function makes verbs silent.
func WithReport(ctx context.Context, report func(remote.Progress)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// reporter is where progress goes: the function in ctx, a line that is drawn over in a terminal or a notebook, else nowhere.
// done ends the line.
func reporter(ctx context.Context) (report func(remote.Progress), done func()) {
	if f, found := ctx.Value(reportKey{}).(func(remote.Progress)); found {
		if f == nil {
			f = func(remote.Progress) {}
		}
		return f, func() {}
	}
	if os.Getenv("GONB_PIPE") != "" { // a cell: Jupyter draws a carriage return in stdout as a terminal does
		line := newProgressLine(os.Stdout)
		return line.show, line.end
	}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		line := newProgressLine(os.Stderr)
		return line.show, line.end
	}
	return func(remote.Progress) {}, func() {}
}

// progressLine draws progress over one line, at most ten times a second; a finished piece (an epoch) keeps its line.
type progressLine struct {
	sync.Mutex
	out   io.Writer
	width int // runes of the line that stands
	last  time.Time
}

// newProgressLine is silent in its first second: what is done by then needs no progress, and a line that is cleared again leaves blanks
// in a notebook.
func newProgressLine(out io.Writer) *progressLine {
	return &progressLine{out: out, last: time.Now().Add(time.Second)}
}

func (l *progressLine) show(p remote.Progress) {
	l.Lock()
	defer l.Unlock()
	if !p.Finished && time.Since(l.last) < 100*time.Millisecond {
		return
	}
	l.last = time.Now()
	text := progressText(p)
	pad := strings.Repeat(" ", max(0, l.width-utf8.RuneCountInString(text)))
	end := ""
	l.width = utf8.RuneCountInString(text)
	if p.Finished {
		end, l.width = "\n", 0
	}
	fmt.Fprintf(l.out, "\r%s%s%s", text, pad, end)
}

// end clears a line that still stands.
func (l *progressLine) end() {
	l.Lock()
	defer l.Unlock()
	if l.width > 0 {
		fmt.Fprintf(l.out, "\r%s\r", strings.Repeat(" ", l.width))
		l.width = 0
	}
}

func progressText(p remote.Progress) string {
	text := p.Stage
	if p.Total > 0 {
		text += fmt.Sprintf(" %d/%d", p.Done, p.Total)
	}
	if p.Detail != "" {
		text += "  " + p.Detail
	}
	if p.Left > 0 {
		text += fmt.Sprintf("  %s left", p.Left.Round(time.Second))
	}
	return text
}

func sortBy(order []int, key func(int) float64) {
	slices.SortStableFunc(order, func(a, b int) int {
		switch ka, kb := key(a), key(b); {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
}
