package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
)

// failure is where and why a cell failed.
type failure struct {
	cell    *notebook.Cell // where the line stands: the cell that failed or an earlier one whose function it called
	line    int            // in cell, from 1; 0 is unknown
	message string
}

var (
	ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	// GoNB writes "Cell[3]: Line 2" before a compiler's message and "[[ Cell [3] Line 2 ]]" into a stack trace; the number is the
	// cell's execution count.
	compiled = regexp.MustCompile(`^Cell(?:\[(\d+)\]:)? Line (\d+)$`)
	traced   = regexp.MustCompile(`\[\[ Cell \[(\d+)\] Line (\d+) \]\]`)
	// Go prints a trace in small pieces. GoNB looks for file and line in each piece by itself, so that some lines stay unmarked.
	generated = regexp.MustCompile(`(?m)^\s+(/\S+/gonb_\w+/main\.go):(\d+)`)
)

// explain finds, for a failed cell, the first line that GoNB blames, and the message. ran maps execution counts to cells.
func explain(cell *notebook.Cell, reply kernel.Reply, ran map[int]*notebook.Cell) failure {
	for _, entry := range reply.Traceback {
		lines := strings.Split(strings.TrimRight(ansi.ReplaceAllString(entry, ""), "\n"), "\n")
		if m := compiled.FindStringSubmatch(lines[0]); m != nil && len(lines) > 1 {
			return locate(cell, ran, m[1], m[2], lines[len(lines)-1])
		}
	}
	text := ansi.ReplaceAllString(stderrOf(cell), "")
	message := panicMessage(text)
	if message == "" {
		message = lastLines(text, reply.Value)
	}
	if m := traced.FindStringSubmatch(text); m != nil {
		return locate(cell, ran, m[1], m[2], message)
	}
	if m := generated.FindStringSubmatch(text); m != nil {
		if f, found := recognise(cell, ran, m[1], m[2]); found {
			f.message = message
			return f
		}
	}
	return failure{cell: cell, message: message}
}

// recognise finds the line of a program that GoNB generated among the cells: in the one that failed, else in the latest that has it.
func recognise(cell *notebook.Cell, ran map[int]*notebook.Cell, file, number string) (failure, bool) {
	data, err := os.ReadFile(file) // there until the kernel ends
	n, bad := strconv.Atoi(number)
	lines := strings.Split(string(data), "\n")
	if err != nil || bad != nil || n < 1 || n > len(lines) {
		return failure{}, false
	}
	cells := []*notebook.Cell{cell}
	for _, count := range slices.Backward(slices.Sorted(maps.Keys(ran))) {
		cells = append(cells, ran[count])
	}
	for _, c := range cells {
		for i, line := range strings.Split(c.Source, "\n") {
			if line = strings.TrimSpace(line); line != "" && line == strings.TrimSpace(lines[n-1]) {
				return failure{cell: c, line: i + 1}, true
			}
		}
	}
	return failure{}, false
}

func locate(cell *notebook.Cell, ran map[int]*notebook.Cell, count, line, message string) failure {
	f := failure{cell: cell, message: message}
	if n, err := strconv.Atoi(count); err == nil {
		if c := ran[n]; c != nil {
			f.cell = c
		}
	}
	f.line, _ = strconv.Atoi(line)
	return f
}

func stderrOf(cell *notebook.Cell) string {
	var b strings.Builder
	for _, o := range cell.Outputs {
		if o.Kind == notebook.Stream && o.Name == "stderr" {
			b.WriteString(o.Text)
		}
	}
	return b.String()
}

// panicMessage is what stands between "panic: " and the goroutine's trace, "" if the program did not panic.
func panicMessage(stderr string) string {
	_, after, found := strings.Cut("\n"+stderr, "\npanic: ")
	if !found {
		if _, after, found = strings.Cut("\n"+stderr, "\nfatal error: "); !found {
			return ""
		}
	}
	message, _, _ := strings.Cut(after, "\ngoroutine ")
	return strings.TrimSpace(message)
}

// lastLines is the error's value, with what the program printed to stderr before it ended when the value says no more than that it did.
func lastLines(stderr, value string) string {
	if !strings.HasPrefix(value, "exit status") && !strings.HasPrefix(value, "signal:") {
		return strings.TrimSpace(ansi.ReplaceAllString(value, ""))
	}
	lines := strings.Split(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(stderr), value)), "\n")
	if n := len(lines); n > 6 {
		lines = lines[n-6:]
	}
	if lines[0] == "" {
		return value
	}
	return strings.Join(lines, "\n") + " (" + value + ")"
}

// report names the place as people count: cells among the code cells of the notebook, lines in the cell.
func (f failure) report(file string, number func(*notebook.Cell) int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: cell %d", file, number(f.cell))
	lines := strings.Split(f.cell.Source, "\n")
	if f.line >= 1 && f.line <= len(lines) {
		fmt.Fprintf(&b, ", line %d:\n    %s", f.line, strings.TrimSpace(lines[f.line-1]))
	}
	fmt.Fprintf(&b, "\n  %s", strings.ReplaceAll(f.message, "\n", "\n  "))
	return b.String()
}
