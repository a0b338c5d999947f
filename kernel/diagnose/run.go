package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Run explains the end of the cell's program: stderr is the text that was held back (see [HoldFrom]), "" if none; ended says how the program
// ended, as package os/exec words it: "exit status 2", "signal: killed".
func (c Context) Run(stderr, ended string) Failure {
	c.looked = map[int]cell{}
	ended = strings.TrimSpace(plain(ended))
	stderr = withoutEnd(stderr, ended)
	r, ok := c.read(stderr)
	if ok && (crashStatus.MatchString(ended) || len(r.goroutines) > 0) {
		return c.crashed(r)
	}
	return c.ended(stderr, ended)
}

// crashStatus is how a program ends that the Go runtime ended. Any other end means that the program only printed such words.
var crashStatus = regexp.MustCompile(`^(|exit status 2|signal: .*)$`)

// withoutEnd drops the line with which GoNB repeats how the program ended.
func withoutEnd(stderr, ended string) string {
	stderr = strings.TrimRight(stderr, "\n")
	for _, line := range []string{ended, "^C"} {
		if line != "" && (stderr == line || strings.HasSuffix(stderr, "\n"+line)) {
			stderr = strings.TrimRight(strings.TrimSuffix(stderr, line), "\n")
		}
	}
	return stderr
}

// crashed explains a panic or a fatal error.
func (c Context) crashed(r report) Failure {
	message := withoutStack(r.messages[len(r.messages)-1])
	value, shape := tidy(message)
	f := Failure{Name: r.kind, Value: oneLine(c.hide(value))}
	if len(r.messages) > 1 {
		first, _ := tidy(withoutStack(r.messages[0]))
		if first = oneLine(c.hide(first)); first != "" && first != f.Value {
			f.Value = oneLine(f.Value + " (while panicking: " + first + ")")
		}
	}
	if f.Value == "" {
		f.Value = "no message"
	}
	out := []string{headline(f.Name, f.Value)}
	if rest := strings.Split(c.hide(value), "\n"); len(rest) > 1 {
		out[0] = headline(f.Name, clip(rest[0], maxValue))
		for _, line := range bounded(rest[1:], maxMessage) {
			line, _ = widen(line)
			out = append(out, line)
		}
	}
	hint := shape.hint
	if hint == "" {
		hint = r.hint(value)
	}
	if hint != "" {
		out = append(out, hintLines(hint)...)
	}
	for _, g := range r.telling() {
		out = append(out, "")
		out = append(out, c.goroutine(g, len(r.goroutines) > 1 || g.state != "running", shape)...)
	}
	f.Traceback = out
	return f
}

// telling are the goroutines to show: the one that panicked, and where several wait for each other, those with the user's frames; equal
// ones once.
func (r report) telling() (out []goroutine) {
	seen := map[string]bool{}
	for _, g := range r.goroutines {
		i := slices.IndexFunc(g.frames, frame.users)
		if i < 0 {
			continue
		}
		f := g.frames[i]
		key := fmt.Sprint(g.state, f.place.cell.id, f.place.line)
		if seen[key] {
			continue
		}
		seen[key] = true
		if out = append(out, g); len(out) == maxShown || g.state == "running" {
			break
		}
	}
	if out == nil && len(r.goroutines) > 0 {
		out = r.goroutines[:1]
	}
	return out
}

const (
	maxShown    = 4 // goroutines
	maxExcerpts = 3 // frames with the lines around them
	maxPlaces   = 8 // frames of the user's in all
)

// goroutine shows the user's frames, innermost first, and counts the others.
func (c Context) goroutine(g goroutine, named bool, shape shape) (out []string) {
	if named && g.state != "running" {
		out = append(out, "a goroutine waits: "+g.state)
	}
	shown, left, prior := 0, 0, ""
	excerpted := map[string]bool{}
	for i, f := range g.frames {
		if !f.users() {
			continue
		}
		where := f.place.title()
		if name := f.name(); name != "" {
			where += ", in " + name
		}
		if where == prior {
			left++ // recursion
			continue
		}
		prior = where
		if shown == maxPlaces {
			left++
			continue
		}
		if call, found := c.callOf(shape, f); shown == 0 && found && call.title() != f.place.title() {
			out = append(out, paint(green, "in "+call.title()+", in the graph function"))
			out = append(out, call.excerpt([]int{call.column})...)
			out = append(out, paint(green, "run by "+where))
		} else {
			out = append(out, paint(green, g.relation(i)+where))
			if title := f.place.title(); shown < maxExcerpts && !excerpted[title] {
				excerpted[title] = true
				out = append(out, f.place.excerpt(nil)...)
			}
		}
		shown++
	}
	if left += g.elided; left > 0 {
		out = append(out, paint(faint, "… "+count(left, "more frame of these functions", "more frames of these functions")))
	}
	if n, packages := g.others(); n > 0 {
		slices.Sort(packages)
		if len(packages) > 4 {
			packages = append(packages[:4], "…")
		}
		out = append(out, paint(faint, "… "+count(n, "frame", "frames")+" inside the Go runtime and packages ("+strings.Join(packages, ", ")+")"))
	}
	return out
}

// relation says how frame i of g stands to those shown before it.
func (g goroutine) relation(i int) string {
	switch {
	case g.frames[i].started:
		return "started by go in "
	case slices.IndexFunc(g.frames, frame.users) < i:
		return "called from "
	}
	return "in "
}

// stackLines are the two lines of a frame in a stack that an error carries in its text.
var stackLines = regexp.MustCompile(`(?m)^[\w./*()\[\]…·-]+\n\s+(?:\[\[ Cell [^\n]* \]\]\s*)?/\S+\.(?:go|s):\d+\n?`)

// withoutStack drops the stack that an error printed with %+v carries.
func withoutStack(message string) string {
	if !strings.Contains(message, ".go:") {
		return message
	}
	return strings.TrimSpace(stackLines.ReplaceAllString(message+"\n", ""))
}
