package diagnose

import (
	"fmt"
	"go/token"
	"regexp"
	"strings"
)

// partner are the brackets that close others.
var partner = map[token.Token]token.Token{token.RPAREN: token.LPAREN, token.RBRACE: token.LBRACE, token.RBRACK: token.LBRACK}

// unpaired finds the bracket without a partner: one that another kind closes, the last that is not closed, or the first that closes nothing.
func (c cell) unpaired() (w word, closes, found bool) {
	all, _ := c.words()
	var open []word
	for _, w := range all {
		switch w.tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			open = append(open, w)
		case token.RPAREN, token.RBRACE, token.RBRACK:
			last := len(open) - 1
			if last < 0 {
				return w, true, true
			}
			if open[last].tok != partner[w.tok] {
				return open[last], false, true
			}
			open = open[:last]
		}
	}
	if len(open) == 0 {
		return w, false, false
	}
	return open[len(open)-1], false, true
}

// locate finds a place for a complaint about the end of the text, which is a line of the kernel's.
func (a *adviser) locate(c *complaint) {
	one, ok := a.cell(a.Current)
	if c.place.known() || !ok || !aboutBrackets.MatchString(c.message()) {
		return
	}
	if w, _, found := one.unpaired(); found {
		c.place = place{one, w.line, w.column}
	}
}

var aboutBrackets = regexp.MustCompile(`^expected '[)}\]]'|found 'EOF'|found '[)}\]]'`)

// unclosed is about a bracket that is missing.
func (a *adviser) unclosed(c *complaint, _ []string) string {
	one, ok := a.cell(a.Current)
	if c.place.known() {
		one, ok = c.place.cell, true
	}
	if !ok {
		return ""
	}
	w, closes, found := one.unpaired()
	if !found || closes {
		return ""
	}
	return fmt.Sprintf("The %s in line %d is not closed: %s", w.text, w.line+1, clip(strings.TrimSpace(one.lines[w.line]), 60))
}

// missingComma is about a list that goes on in the next line.
func (a *adviser) missingComma(c *complaint, m []string) string {
	if hint := a.unclosed(c, m); hint != "" {
		return hint
	}
	return "A list that goes on in the next line needs a comma at the end of each line, the last one too."
}
