package source

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// The answers of Jupyter's is_complete_request.
const (
	complete   = "complete"
	incomplete = "incomplete"
	invalid    = "invalid"
)

// repairs are texts that may follow a text that breaks off. If one of them moves the first mistake behind the text, it was only not
// finished.
var repairs = []string{"", " int", " x", " {}", "()", " = 1", "*/", "`", `"x"`}

// Complete says whether the text can be run as it is: "complete"; "incomplete" if text that follows could complete it, with the white space
// that the next line begins with; "invalid" if nothing that follows could.
func (c *Cell) Complete() (status, indent string) {
	if c.kind == Script {
		// As with ipykernel's cell magics: an empty line ends it.
		if len(c.lines) > 1 && strings.TrimSpace(c.lines[len(c.lines)-1]) == "" {
			return complete, ""
		}
		return incomplete, ""
	}
	if n := len(c.commands); n > 0 {
		last := c.commands[n-1]
		if last.Line+last.Lines == len(c.lines) && strings.HasSuffix(c.lines[len(c.lines)-1], `\`) {
			return incomplete, ""
		}
	}
	if c.Fault() != nil {
		return invalid, ""
	}
	if c.kind == Empty && c.body < 0 {
		if inText(c.golines()) {
			return incomplete, ""
		}
		return complete, ""
	}
	a, _ := c.arranged()
	if a.kind == Empty {
		return incomplete, "" // %% without a body
	}
	return a.completeGo()
}

func (c *Cell) completeGo() (status, indent string) {
	tail := ""
	if c.body >= 0 {
		tail = bodyCloses
	}
	if firstMistake(c.file(tail)) < 0 && !c.bodyless() {
		return complete, ""
	}
	// What follows comes on a line of its own, and no string goes over lines.
	if strayBracket(c.golines()) || scans(c.golines(), "string literal not terminated", "rune literal not terminated") {
		return invalid, ""
	}
	for _, repair := range repairs {
		if at := firstMistake(c.file(repair)); at < 0 || at >= len(c.file("")) {
			return incomplete, c.indent()
		}
	}
	return invalid, ""
}

// firstMistake is the offset of the first error of a Go file, or -1.
func firstMistake(file string) int {
	_, err := parser.ParseFile(token.NewFileSet(), "", file, parser.SkipObjectResolution)
	var mistakes scanner.ErrorList
	if errors.As(err, &mistakes) && len(mistakes) > 0 {
		return mistakes[0].Pos.Offset
	}
	return -1
}

// bodyless reports whether the text ends with a function whose body may still follow: the parser accepts one without.
func (c *Cell) bodyless() bool {
	text := c.file("")
	parsed, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil || len(parsed.Decls) == 0 || strings.HasSuffix(text, "\n") {
		return false
	}
	last, is := parsed.Decls[len(parsed.Decls)-1].(*ast.FuncDecl)
	return is && last.Body == nil
}

// inText reports whether a text ends within a comment or a raw string, where white space counts.
func inText(text string) bool {
	return scans(text, "comment not terminated", "raw string literal not terminated")
}

// scans reports whether the scanner finds one of these mistakes.
func scans(text string, mistakes ...string) (found bool) {
	files := token.NewFileSet()
	var s scanner.Scanner
	s.Init(files.AddFile("", files.Base(), len(text)), []byte(text), func(_ token.Position, mistake string) {
		found = found || slices.Contains(mistakes, mistake)
	}, scanner.ScanComments)
	for {
		if _, kind, _ := s.Scan(); kind == token.EOF {
			return found
		}
	}
}

// strayBracket reports whether a bracket closes what none opened.
func strayBracket(text string) bool {
	closes := map[token.Token]token.Token{token.RPAREN: token.LPAREN, token.RBRACE: token.LBRACE, token.RBRACK: token.LBRACK}
	var open []token.Token
	for _, t := range tokens(text) {
		switch t.Token {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			open = append(open, t.Token)
		case token.RPAREN, token.RBRACE, token.RBRACK:
			if len(open) == 0 || open[len(open)-1] != closes[t.Token] {
				return true
			}
			open = open[:len(open)-1]
		}
	}
	return false
}

// indent is what the line after the text begins with: as the last line, and a tab more where that one opens a bracket, ends a case, or breaks off
// within an expression. Within a raw string or a comment it is empty, since white space counts there.
func (c *Cell) indent() string {
	text := c.golines()
	all := tokens(text)
	if len(all) == 0 || inText(text) {
		return ""
	}
	last := all[len(all)-1]
	line, column := place(text, last.at)
	whole := c.lines[line]
	margin := whole[:len(whole)-len(strings.TrimLeft(whole, " \t"))]
	depth := 0
	for _, t := range all {
		if t.at < last.at-column {
			continue // on an earlier line
		}
		switch t.Token {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth = max(depth-1, 0) // "} else {" opens one
		}
	}
	switch {
	case depth > 0, last.Token == token.COLON:
		return margin + "\t"
	case last.Token.IsOperator() && last.Token != token.COMMA && last.Token != token.SEMICOLON && !closing(last.Token):
		return margin + "\t"
	}
	return margin
}

func closing(t token.Token) bool { return t == token.RPAREN || t == token.RBRACE || t == token.RBRACK }
