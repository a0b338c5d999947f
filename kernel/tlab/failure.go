package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
)

var (
	ansi   = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	blamed = regexp.MustCompile(`^(?:in|run by) cell \[(\d+)\], line (\d+)`) // in the kernel's explanation; the number is an execution count
)

// failed says which cell of the file failed, at which line if one is known (perhaps an earlier cell's, whose function it called), and why,
// as the kernel explains it.
func (c *course) failed(cell *notebook.Cell, reply kernel.Reply) string {
	lines := reply.Traceback
	if len(lines) == 0 {
		lines = []string{reply.Name + ": " + reply.Value}
	}
	where := fmt.Sprintf("cell %d failed:", c.number(cell))
	var b strings.Builder
	found := false
	for _, line := range lines {
		line = strings.TrimRight(ansi.ReplaceAllString(line, ""), " \n")
		if m := blamed.FindStringSubmatch(line); m != nil && !found {
			found = true
			if count, err := strconv.Atoi(m[1]); err == nil && c.ran[count] != nil {
				where = fmt.Sprintf("cell %d, line %s:", c.number(c.ran[count]), m[2])
			}
		}
		if line != "" {
			line = "  " + strings.ReplaceAll(line, "\n", "\n  ")
		}
		b.WriteString("\n" + line)
	}
	return c.job.path + ": " + where + b.String()
}
