package diagnose

import (
	"regexp"
	"strings"
)

// opening are the words with which the runtime begins to say why it ends the program.
var opening = regexp.MustCompile(`(?m)^(?:panic: |fatal error: |SIG[A-Z]+: |runtime: out of memory|runtime: goroutine stack exceeds |` +
	`unexpected fault address |runtime: (?:failed to create new OS thread|cannot allocate memory))`)

// behindWords is a report that begins in the middle of a line, since the program did not end its own: the goroutine shows that it is one.
var behindWords = regexp.MustCompile(`(?:panic: |fatal error: )[^\n]*(?:\n[^\n]+)*\n\ngoroutine \d+ `)

// HoldFrom returns the index in a piece of stderr from which on the text belongs to a panic or a fatal error, or -1. The piece must begin
// where a line begins, or where the program's write began: a program that ends in a panic has written its own words before, in another
// write, perhaps without the line's end. When pieces may be cut anywhere, the caller keeps text[Undecided(text):], which could be the
// beginning of such words, and puts it in front of the next piece; at the end it shows what it kept.
func HoldFrom(text string) int {
	first := -1
	if at := opening.FindStringIndex(text); at != nil {
		first = at[0]
	}
	if at := behindWords.FindStringIndex(text); at != nil && (first < 0 || at[0] < first) {
		first = at[0]
	}
	return first
}

// starts are all texts with which what opening matches can begin, as far as they are fixed.
var starts = []string{"panic: ", "fatal error: ", "runtime: out of memory", "runtime: goroutine stack exceeds ", "unexpected fault address ",
	"runtime: failed to create new OS thread", "runtime: cannot allocate memory"}

var signalStart = regexp.MustCompile(`^(?:S|SI|SIG[A-Z]*:?)$`)

// Undecided returns the index of the last line's beginning if that line may become the opening of a panic or a fatal error when more
// arrives, otherwise len(text).
func Undecided(text string) int {
	at := strings.LastIndexByte(text, '\n') + 1
	line := text[at:]
	if line == "" {
		return len(text)
	}
	for _, s := range starts {
		if strings.HasPrefix(s, line) {
			return at
		}
	}
	if signalStart.MatchString(line) {
		return at
	}
	return len(text)
}
