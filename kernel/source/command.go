package source

import (
	"fmt"
	"strings"
)

// uncomment removes what hides a command from editors that know only Go.
func uncomment(line string) string { return strings.TrimPrefix(line, "//gonb:") }

func isCommand(line string) bool {
	line = uncomment(line)
	return len(line) > 1 && (line[0] == '%' || line[0] == '!')
}

func opensBody(line string) bool {
	line = uncomment(line)
	return strings.HasPrefix(line, "%main") ||
		strings.HasPrefix(line, "%%") && (len(line) == 2 || line[2] == ' ' || line[2] == '\t')
}

// scriptCell reports whether a cell with this first line is not Go.
func scriptCell(first string) bool {
	words := words(uncomment(first))
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "%%writefile", "%%script", "%%bash", "%%sh", "%%gx":
		return true
	}
	return false
}

// command reads the command that begins at a line, and marks its lines.
func (c *Cell) command(first int) Command {
	text := ""
	last := first
	for ; last < len(c.lines); last++ {
		c.special[last] = true
		text += uncomment(c.lines[last])
		if !strings.HasSuffix(text, `\`) {
			break
		}
		text = strings.TrimSuffix(text, `\`) + " "
	}
	last = min(last, len(c.lines)-1)
	return Command{Line: first, Lines: last - first + 1, Sign: text[0], Text: strings.TrimSpace(text[1:]), Args: words(text[1:])}
}

// words splits a command as GoNB's splitCmd does: at white space outside of double quotes, with \n, \t, \" and \\ inside of them. Only
// what is not ASCII stays itself here: GoNB reads its bytes as Latin-1.
func words(text string) (all []string) {
	var word []byte
	started, quoted := false, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			if started {
				all = append(all, string(word))
			}
			word, started = nil, false
			continue
		case c == '"':
			quoted, started = !quoted, true // "" is a word
			continue
		case c == '\\' && quoted && i == len(text)-1:
			continue
		case c == '\\' && quoted:
			i++
			switch c = text[i]; c {
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			}
		}
		word, started = append(word, c), true
	}
	if started {
		all = append(all, string(word))
	}
	return all
}

// Fault returns an error for a text that GoNB v0.11.4 does not survive: it indexes an empty command, the missing program of %%script,
// and a table of lines that has room for one body. The cell must not reach it.
func (c *Cell) Fault() error {
	if c.kind == Script {
		if first := words(uncomment(c.lines[0])); first[0] == "%%script" && len(first) == 1 {
			return fmt.Errorf("kernel: run cell: line 1: %%%%script names no program; write for example %%%%script bash")
		}
		return nil
	}
	for _, command := range c.commands {
		if command.Text == "" {
			return fmt.Errorf("kernel: run cell: line %d: %c without a command; %%help lists them", command.Line+1, command.Sign)
		}
	}
	if len(c.markers) > 1 {
		return fmt.Errorf("kernel: run cell: line %d: a second %s; a cell has one body of main, begun on line %d",
			c.markers[1]+1, strings.Fields(uncomment(c.lines[c.markers[1]]))[0], c.markers[0]+1)
	}
	return nil
}
