package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	terminal "github.com/buildkite/terminal-to-html/v3"
)

// seen is what a console leaves on a screen of the given width (0 is a file), seconds written as S.
func seen(t *testing.T, width int, use func(*console)) string {
	t.Helper()
	var out bytes.Buffer
	use(&console{out: &out, width: width})
	text := out.String()
	if width > 0 {
		screen, err := terminal.NewScreen()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := screen.Write(out.Bytes()); err != nil {
			t.Fatal(err)
		}
		text = screen.AsPlainText()
	}
	text = regexp.MustCompile(` +[0-9.]+ s`).ReplaceAllString(text, " S")
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func TestConsole(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(*console)
		want string
	}{
		{"silent step", func(c *console) { c.begin("[1/2] x"); c.end("") }, "[1/2] x S"},
		{"output that is no progress", func(c *console) { c.begin("[1/2] x"); c.text("hello\n"); c.end("") }, "[1/2] x S"},
		{"progress", func(c *console) {
			c.begin("[1/2] fit")
			c.text("\repoch 1\repoch 2")
			c.text(" done\n\repoch 3\n")
			c.text("table\n")
			c.end("  failed")
		}, "[1/2] fit\n          epoch 2 done\n          epoch 3\n S  failed"},
		{"erased progress", func(c *console) {
			c.begin("[1/2] fit")
			c.text("\r50 %\r    \rresult 1\nresult 2\n")
			c.end("")
		}, "[1/2] fit S"},
		{"colours", func(c *console) { c.begin("a"); c.text("\r\x1b[31mred\x1b[0m\n\rx\n"); c.end("") }, "a\n          red\n          x\n S"},
		{"two steps and a note", func(c *console) {
			c.begin("one")
			c.note("note")
			c.end("")
			c.begin("two")
			c.end("")
		}, "note\none S\ntwo S"},
		{"set-up", func(c *console) {
			report(c)(0, 0, "fetching")
			report(c)(5e6, 10e6, "wheel")
			report(c)(0, 0, "done")
		}, "fetching\ndone"},
	} {
		for _, width := range []int{0, 60} {
			got := seen(t, width, c.use)
			if got != c.want {
				t.Errorf("%s, width %d:\n%s\nwant:\n%s", c.name, width, got, c.want)
			}
		}
	}
}

func TestConsoleIsNarrow(t *testing.T) {
	long := strings.Repeat("word ", 50)
	got := seen(t, 40, func(c *console) {
		c.begin(long)
		c.text("\r" + long + "\r" + long + "\n")
		c.end("")
	})
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 39 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}
