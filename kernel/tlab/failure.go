package main

import (
	"fmt"
	"regexp"
	"strings"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
)

var ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// failed says which cell of the file failed and why, as the kernel explains it: place, code, message, advice. The kernel counts cells as a
// run does, so that the numbers agree.
func (c *course) failed(cell *notebook.Cell, reply kernel.Reply) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: cell %d failed", c.job.path, c.number(cell))
	lines := reply.Traceback
	if len(lines) == 0 {
		lines = []string{reply.Name + ": " + reply.Value}
	}
	for _, line := range lines {
		if line = strings.TrimRight(ansi.ReplaceAllString(line, ""), " \n"); line != "" {
			line = "  " + strings.ReplaceAll(line, "\n", "\n  ")
		}
		b.WriteString("\n" + line)
	}
	return b.String()
}
