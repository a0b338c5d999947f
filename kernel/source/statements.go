package source

import (
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// tok is a token of a text, with its offset.
type tok struct {
	token.Token
	lit string
	at  int
}

// tokens scans a text that may be no Go at all. Comments are left out, and so is the line end that the scanner adds at the end.
func tokens(text string) (all []tok) {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), func(token.Position, string) {}, 0)
	for {
		pos, kind, lit := s.Scan()
		if kind == token.EOF {
			return all
		}
		if kind == token.SEMICOLON && lit == "\n" && file.Offset(pos) >= len(text) {
			continue
		}
		all = append(all, tok{kind, lit, file.Offset(pos)})
	}
}

// top is what stands at the top level of a text: declarations, or statements that only a function may hold.
type top struct {
	statement int  // offset of the first statement; -1 without one
	main      bool // func main is declared before it
}

// survey reads a text without any body of main. It goes by tokens and not by the grammar, so that a cell with a mistake in it is
// taken for what its author meant.
func survey(text string) top {
	found := top{statement: -1}
	all := tokens(text)
	for i := 0; i < len(all); {
		switch all[i].Token {
		case token.SEMICOLON:
			i++
			continue
		case token.IMPORT, token.TYPE, token.VAR, token.CONST, token.PACKAGE, token.RBRACE, token.RPAREN, token.RBRACK:
		case token.FUNC:
			if !declaresFunc(all[i+1:]) {
				found.statement = all[i].at
				return found
			}
			found.main = found.main || i+1 < len(all) && all[i+1].lit == "main"
		default:
			found.statement = all[i].at
			return found
		}
		i = chunkEnd(all, i)
	}
	return found
}

// chunkEnd is the index of the semicolon that ends what begins at i.
func chunkEnd(all []tok, i int) int {
	depth := 0
	for ; i < len(all); i++ {
		switch all[i].Token {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		case token.SEMICOLON:
			if depth <= 0 {
				return i
			}
		}
	}
	return i
}

// declaresFunc tells func f(…) and func (r T) f(…) from the literal func(…) {…}() by what follows the word func.
func declaresFunc(rest []tok) bool {
	if len(rest) == 0 || rest[0].Token != token.LPAREN {
		return true
	}
	depth := 0
	for i, t := range rest {
		switch t.Token {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			depth--
		}
		if depth == 0 {
			after := rest[i+1:]
			return len(after) == 0 || after[0].Token == token.IDENT && (len(after) == 1 || after[1].Token == token.LPAREN)
		}
	}
	return true
}

// arranged is the cell as GoNB is to see it: lines that it would drop are mended, and a cell of Go that has statements at its top level,
// and neither a body nor a main, gets %% before the first of them. origins names the line of the cell for each line of the result, -1 for
// the one inserted.
func (c *Cell) arranged() (with *Cell, origins []int) {
	lines := slices.Clone(c.lines)
	for i := range lines {
		origins = append(origins, i)
		if c.dropped[i] {
			lines[i] = " " + lines[i]
		}
	}
	mended := Parse(strings.Join(lines, "\n"))
	if c.kind != Go || len(c.markers) > 0 {
		return mended, origins
	}
	text := mended.golines()
	found := survey(text)
	if found.statement < 0 || found.main {
		return mended, origins
	}
	line, column := place(text, found.statement)
	head, tail := slices.Clone(lines[:line]), slices.Clone(lines[line:])
	from := slices.Clone(origins[:line])
	if before := tail[0][:column]; strings.TrimSpace(before) != "" {
		// GoNB reads lines, so the line is parted. The statement keeps its column.
		head, from = append(head, before), append(from, origins[line])
		tail[0] = blank(before) + tail[0][column:]
	}
	lines = append(append(head, "%%"), tail...)
	origins = append(append(from, -1), origins[line:]...)
	return Parse(strings.Join(lines, "\n")), origins
}

// place is the line and the column of an offset, both in bytes from 0.
func place(text string, offset int) (line, column int) {
	before := text[:offset]
	return strings.Count(before, "\n"), offset - (strings.LastIndexByte(before, '\n') + 1)
}

// blank is white space as wide as a text in bytes.
func blank(text string) string {
	wide := []byte(text)
	for i, c := range wide {
		if c != '\t' {
			wide[i] = ' '
		}
	}
	return string(wide)
}
