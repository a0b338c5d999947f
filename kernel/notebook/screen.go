package notebook

import (
	"strings"
	"unicode/utf8"
)

// screen is text written as to a terminal: a carriage return goes back to the start of the line, a backspace one character back, what
// is written then overwrites, and ESC[K erases what is left of the line. It lets a progress line of a thousand states be kept as its
// last one. The zero value is an empty screen.
type screen struct {
	done []byte // finished lines
	line []rune // the line with the cursor
	size int    // bytes of line
	col  int    // the cursor
}

func (s *screen) len() int { return len(s.done) + s.size }

func (s *screen) String() string { return string(s.done) + string(s.line) }

func (s *screen) write(text string) {
	if s.col == len(s.line) && !strings.ContainsAny(text, "\r\b") {
		if at := strings.LastIndexByte(text, '\n') + 1; at > 0 {
			s.done = append(append(s.done, string(s.line)...), text[:at]...)
			s.line, s.size, text = s.line[:0], 0, text[at:]
		}
		s.size += len(text)
		s.line = append(s.line, []rune(text)...)
		s.col = len(s.line)
		return
	}
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; {
		case c == '\n':
			s.done = append(append(s.done, string(s.line)...), '\n')
			s.line, s.size, s.col = s.line[:0], 0, 0
		case c == '\r':
			s.col = 0
		case c == '\b':
			s.col = max(s.col-1, 0)
		case c == '\x1b' && i+2 < len(runes) && runes[i+1] == '[' && runes[i+2] == 'K':
			s.line = s.line[:s.col]
			s.size = len(string(s.line))
			i += 2
		case s.col < len(s.line):
			s.size += utf8.RuneLen(c) - utf8.RuneLen(s.line[s.col])
			s.line[s.col] = c
			s.col++
		default:
			s.line = append(s.line, c)
			s.size += utf8.RuneLen(c)
			s.col++
		}
	}
}
