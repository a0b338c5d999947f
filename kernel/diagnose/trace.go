package diagnose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// report is what the Go runtime wrote as it ended a program.
type report struct {
	kind       string   // "panic", "fatal error", "SIGSEGV" …
	messages   []string // of the panic and of those that followed while it unwound, first to last; a message may have several lines
	before     []string // what the runtime said before, as "runtime: goroutine stack exceeds 1000000000-byte limit"
	goroutines []goroutine
	cgo        bool // C code was running
}

type goroutine struct {
	state  string // "running", "chan receive"
	frames []frame
	elided int
}

// frame is a function at work and its line.
type frame struct {
	function string
	file     string
	line     int
	place    place // in a cell, if the frame is the user's
	started  bool  // not a caller, but where the goroutine was started
}

func (f frame) users() bool { return f.place.known() }

var (
	mark       = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+|unexpected fault address): ?(.*)$`)
	markInside = regexp.MustCompile(`(panic|fatal error): .*$`)
	chained    = regexp.MustCompile(`^\t(?:panic: )(.*)$`)
	suffixes   = regexp.MustCompile(` \[recovered(?:, repanicked)?\]$`)
	goroutineA = regexp.MustCompile(`^goroutine \d+ (?:[a-z]+=\S+ )*\[([^\],]+)[^\]]*\]:$`)
	fileLine   = regexp.MustCompile(`^\s+(?:\[\[ Cell (?:\[(-?\d+)\] )?Line (-?\d+) \]\]\s+)?(\S+\.(?:go|s|c|cc|cpp|h)):(\d+)(?: .*)?$`)
	elision    = regexp.MustCompile(`^\.\.\.\s*(\d+) frames elided`)
	arguments  = regexp.MustCompile(`\([^()]*\)$`)
	composed   = regexp.MustCompile(`/gonb_[0-9a-f]{8}/main(?:_test)?\.go$`)
)

// Bounds of what is read: a report is the work of a program that went wrong.
const (
	maxReport     = 4 << 20
	maxGoroutines = 1000
	maxFrames     = 2000
)

// read takes the text on stderr apart. ok is false if nothing in it is a report.
func (c Context) read(stderr string) (r report, ok bool) {
	if len(stderr) > maxReport {
		stderr = stderr[:maxReport]
	}
	lines := strings.Split(plain(stderr), "\n")
	at, kind, message := opened(lines)
	if at < 0 {
		return r, false
	}
	r.kind = kind
	r.before = lines[:at]
	at = r.readMessages(lines, at+1, message)
	if kind == "unexpected fault address" {
		r.messages[0] = "unexpected fault address " + r.messages[0]
		r.kind = "fatal error"
	}
	c.readGoroutines(&r, lines[at:])
	return r, true
}

// opened finds the line with which the report begins.
func opened(lines []string) (at int, kind, message string) {
	for i, line := range lines {
		if m := mark.FindStringSubmatch(line); m != nil {
			return i, m[1], m[2]
		}
		if goroutineA.MatchString(line) && i >= 2 {
			// The program's own words stand before it in the same line.
			for j := i - 1; j >= 0; j-- {
				if m := markInside.FindStringIndex(lines[j]); m != nil {
					kind, message, _ = strings.Cut(lines[j][m[0]:], ": ")
					return j, kind, message
				}
			}
		}
	}
	return -1, "", ""
}

// readMessages reads the rest of the message, which the runtime indents, and the panics that followed; it returns where the rest begins.
func (r *report) readMessages(lines []string, at int, message string) int {
	text := []string{message}
	end := func() { r.messages = append(r.messages, suffixes.ReplaceAllString(strings.Join(text, "\n"), "")) }
	for ; at < len(lines); at++ {
		if m := chained.FindStringSubmatch(lines[at]); m != nil {
			end()
			text = []string{m[1]}
		} else if more, is := strings.CutPrefix(lines[at], "\t"); is {
			text = append(text, more)
		} else {
			break
		}
	}
	end()
	return at
}

func (c Context) readGoroutines(r *report, lines []string) {
	programs := map[string][]string{}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.Contains(line, "signal arrived during cgo execution") {
			r.cgo = true
		}
		if m := goroutineA.FindStringSubmatch(line); m != nil {
			if len(r.goroutines) == maxGoroutines {
				return
			}
			r.goroutines = append(r.goroutines, goroutine{state: m[1]})
			continue
		}
		if len(r.goroutines) == 0 {
			continue
		}
		g := &r.goroutines[len(r.goroutines)-1]
		if m := elision.FindStringSubmatch(line); m != nil {
			g.elided, _ = strconv.Atoi(m[1])
			continue
		}
		if i+1 < len(lines) && len(g.frames) < maxFrames && line != "" && line[0] != '\t' && line[0] != ' ' {
			if m := fileLine.FindStringSubmatch(lines[i+1]); m != nil {
				g.frames = append(g.frames, c.frame(line, m, programs))
				i++
			}
		}
	}
}

// frame reads a function's line and, as submatches of fileLine, that of its file.
func (c Context) frame(function string, m []string, programs map[string][]string) frame {
	f := frame{file: m[3], place: place{line: -1}}
	f.line, _ = strconv.Atoi(m[4])
	if f.function, f.started = strings.CutPrefix(function, "created by "); f.started {
		f.function, _, _ = strings.Cut(f.function, " in goroutine ")
	} else {
		f.function = arguments.ReplaceAllString(f.function, "")
	}
	if !composed.MatchString(f.file) {
		return f
	}
	if m[2] != "" {
		id, err := strconv.Atoi(m[1])
		if err != nil {
			id = -1
		}
		line, _ := strconv.Atoi(m[2])
		f.place, _ = c.at(id, line-1)
	} else {
		// Go writes a trace in small pieces. GoNB looks for file and line in each piece by itself, so that some lines stay unmarked.
		f.place, _ = c.recognise(f.file, f.line, programs)
	}
	return f
}

// name is the function as its author calls it; "" for the body of a cell.
func (f frame) name() string {
	name := f.function
	if i := strings.Index(name, "["); i > 0 { // the type arguments: Map[...]
		if j := strings.Index(name[i:], "]"); j > 0 {
			name = name[:i] + name[i+j+1:]
		}
	}
	if _, after, found := strings.Cut(name, "."); found { // main.f, gonb_12345678.f, main.(*T).Get
		name = after
	}
	outer, closure, inside := strings.Cut(name, ".func")
	switch {
	case inside && outer == "main":
		return "a function inside the cell's body"
	case inside && strings.Trim(closure, "0123456789.") == "":
		return "a function inside " + outer
	case name == "main" || name == "init":
		return ""
	}
	return strings.TrimSuffix(name, "·dwrap")
}

// pkg is the package of a function that is not the user's.
func (f frame) pkg() string {
	name := f.function
	slash := strings.LastIndexByte(name, '/')
	if dot := strings.IndexByte(name[slash+1:], '.'); dot >= 0 {
		return name[:slash+1+dot]
	}
	if name == "panic" {
		return "runtime"
	}
	return name
}

// packages of the frames that are not the user's, and how many frames those are.
func (g goroutine) others() (n int, packages []string) {
	for _, f := range g.frames {
		if f.users() || composed.MatchString(f.file) || strings.HasSuffix(f.function, "/kernel/cell.Result") {
			continue // the last is how the kernel shows a cell's last expression
		}
		n++
		if p := f.pkg(); !slices.Contains(packages, p) {
			packages = append(packages, p)
		}
	}
	return n, packages
}
