package diagnose

import (
	"fmt"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// word is a token of a cell with its line, from 0.
type word struct {
	tok    token.Token
	text   string
	line   int
	column int // in bytes
}

// words of the cell's Go, without comments; command lines are left out. body is the line from which statements stand: below %%, or the
// first line of all that is no declaration; len(lines) if there is none.
func (c cell) words() (all []word, body int) {
	lines := slices.Clone(c.lines)
	body = len(lines)
	for i, line := range lines {
		bare := strings.TrimPrefix(line, "//gonb:")
		if strings.HasPrefix(bare, "%%") || strings.HasPrefix(bare, "%main") {
			body = min(body, i)
		}
		if strings.HasPrefix(bare, "%") || strings.HasPrefix(bare, "!") {
			lines[i] = ""
		}
	}
	text := []byte(strings.Join(lines, "\n"))
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, func(token.Position, string) {}, 0) // what is wrong with the text was said already
	depth, begins := 0, true
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return all, body
		}
		at := file.Position(pos)
		line := min(at.Line, len(lines)) - 1
		if literal == "" || tok.IsOperator() {
			literal = tok.String()
		}
		if depth == 0 && begins && !declares(tok) {
			body = min(body, line)
		}
		begins = tok == token.SEMICOLON
		switch tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		}
		all = append(all, word{tok, literal, line, at.Column - 1})
	}
}

func declares(tok token.Token) bool {
	switch tok {
	case token.IMPORT, token.CONST, token.TYPE, token.VAR, token.FUNC, token.SEMICOLON:
		return true
	}
	return false
}

// names are what a cell gives names to.
type names struct {
	kept    []string       // declared for the notebook
	passing map[string]int // set by statements, with the line
}

// declared finds the names of a cell. It goes by tokens, since the text need not be correct.
func (c cell) declared() names {
	all, body := c.words()
	n := names{passing: map[string]int{}}
	depth, inFunc := 0, -1 // the depth at which a function declared outside the body began
	for i, w := range all {
		inBody := w.line >= body
		switch w.tok {
		case token.LBRACE, token.LPAREN:
			depth++
		case token.RBRACE, token.RPAREN:
			depth--
			if depth == inFunc && w.tok == token.RBRACE {
				inFunc = -1
			}
		case token.FUNC:
			if depth == 0 && !inBody && i+1 < len(all) && all[i+1].tok == token.IDENT {
				n.kept = append(n.kept, all[i+1].text)
			}
			if depth == 0 && !inBody {
				inFunc = depth
			}
		case token.VAR, token.CONST, token.TYPE:
			for _, name := range declaredBy(all[i+1:]) {
				n.note(name.text, name.line, inBody, inFunc >= 0)
			}
		case token.DEFINE:
			for j := i - 1; j >= 0 && all[j].tok == token.IDENT; j -= 2 {
				n.note(all[j].text, w.line, inBody, inFunc >= 0)
				if j == 0 || all[j-1].tok != token.COMMA {
					break
				}
			}
		}
	}
	return n
}

func (n *names) note(name string, line int, inBody, inFunc bool) {
	switch {
	case name == "_" || inFunc:
	case inBody:
		n.passing[name] = line
	default:
		n.kept = append(n.kept, name)
	}
}

// declaredBy are the names that a declaration gives, whose words begin behind its keyword.
func declaredBy(rest []word) (all []word) {
	if len(rest) == 0 {
		return nil
	}
	if rest[0].tok != token.LPAREN {
		return leading(rest)
	}
	depth, begins := 0, false
	for i, w := range rest {
		switch w.tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
			begins = depth == 1
			continue
		case token.RPAREN, token.RBRACE, token.RBRACK:
			if depth--; depth == 0 {
				return all
			}
		}
		if depth == 1 && begins && w.tok == token.IDENT {
			all = append(all, leading(rest[i:])...)
		}
		begins = w.tok == token.SEMICOLON
	}
	return all
}

// leading are the identifiers at the beginning of a list: a, b in `a, b = 1, 2`.
func leading(rest []word) (all []word) {
	for i := 0; i < len(rest) && rest[i].tok == token.IDENT; i += 2 {
		all = append(all, rest[i])
		if i+1 >= len(rest) || rest[i+1].tok != token.COMMA {
			break
		}
	}
	return all
}

// named are the cells, the latest first, with their names.
func (a *adviser) named() []given {
	if a.given == nil {
		for _, one := range a.known() {
			a.given = append(a.given, given{one, one.declared()})
		}
	}
	return a.given
}

// gone explains a name that an earlier cell had: a value below %% ended with its cell; a declaration of a cell that failed was not kept.
func (a *adviser) gone(name string) string {
	for _, one := range a.named() {
		if one.id == a.Current {
			continue
		}
		if slices.Contains(one.kept, name) {
			return fmt.Sprintf("%s is declared in cell [%d], but declarations of a cell that does not compile are not kept, and %%rm and %%reset forget them: "+
				"run that cell again.", name, one.count)
		}
		if line, found := one.passing[name]; found {
			return one.passed(name, line)
		}
	}
	return ""
}

// passed explains a value that ended with the cell, and how it can be had in others.
func (c cell) passed(name string, line int) string {
	text := fmt.Sprintf("%s was set by a statement of cell [%d], line %d, and such values end with their cell. ", name, c.count, line+1)
	value, found := strings.CutPrefix(strings.TrimSpace(c.lines[line]), name+" := ")
	if !found || strings.HasSuffix(value, "{") || strings.HasSuffix(value, "(") {
		value = "…"
	}
	if strings.Contains(value, "tl.Must(") {
		return text + "What the verbs of tl make stays in the engine, so call it here again:\n\t" + name + " := " + clip(value, maxWidth/2)
	}
	return text + fmt.Sprintf("To have %[1]s in other cells:\n\tvar %[1]s = %[2]s\n  above the statements of cell [%[3]d]: each cell that follows computes it again; or\n"+
		"\tcell.Keep(%[1]q, %[1]s)\n  in cell [%[3]d], and here, both with import \"transferlab/kernel/cell\",\n\t%[1]s, err := cell.Get[T](%[1]q)",
		name, clip(value, maxWidth/2), c.count)
}

// words are names that could have been meant: those of the cells, those of Go, and, with their package, those of tl.
func (a *adviser) words(_ *complaint) (all []string) {
	for _, one := range a.named() {
		all = append(all, one.kept...)
		if one.id == a.Current {
			all = slices.AppendSeq(all, maps.Keys(one.passing))
		}
	}
	all = append(all, "append", "bool", "byte", "cap", "clear", "close", "complex", "copy", "delete", "error", "false", "float32", "float64", "int",
		"int32", "int64", "len", "make", "max", "min", "new", "nil", "panic", "println", "recover", "rune", "string", "true", "uint8")
	for name := range a.imports() {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// membersHere are methods and fields of a type that a cell declares: every name behind a receiver of that type, or in its struct.
func (a *adviser) membersHere(typeName string) (all []string) {
	for _, one := range a.known() {
		words, _ := one.words()
		for i, w := range words {
			switch {
			case w.tok == token.FUNC && i+2 < len(words) && words[i+1].tok == token.LPAREN:
				all = append(all, methodOf(words[i+1:], typeName)...)
			case w.tok == token.STRUCT && i >= 2 && words[i-1].text == typeName && words[i-2].tok == token.TYPE:
				all = append(all, fieldsOf(words[i+1:])...)
			}
		}
	}
	return all
}

// methodOf is the method's name if the receiver, whose words follow func, is of the type.
func methodOf(words []word, typeName string) []string {
	for i, w := range words {
		if w.tok == token.RPAREN {
			if words[i-1].text == typeName && i+1 < len(words) && words[i+1].tok == token.IDENT {
				return []string{words[i+1].text}
			}
			return nil
		}
	}
	return nil
}

// fieldsOf are the names in a struct, whose words begin at its brace.
func fieldsOf(words []word) (all []string) {
	if len(words) == 0 || words[0].tok != token.LBRACE {
		return nil
	}
	begins := false
	for i, w := range words {
		switch w.tok {
		case token.LBRACE, token.SEMICOLON:
			begins = true
			continue
		case token.RBRACE:
			return all
		case token.IDENT:
			if begins {
				for _, name := range leading(words[i:]) {
					all = append(all, name.text)
				}
			}
		}
		begins = false
	}
	return all
}

// keyAt is what GoNB calls the declaration that the line is part of, for %rm; "" if it is part of none.
func (c cell) keyAt(line int) (key string) {
	words, _ := c.words()
	depth := 0
	for i, w := range words {
		if w.line > line {
			break
		}
		switch w.tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		case token.FUNC:
			if depth == 0 && i+1 < len(words) {
				key = funcKey(words[i+1:])
			}
		case token.VAR, token.CONST, token.TYPE:
			if depth > 0 {
				continue
			}
			for _, name := range declaredBy(words[i+1:]) {
				if name.line <= line {
					key = name.text
				}
			}
		}
	}
	return key
}

// funcKey is the key of a function or a method, whose words follow func.
func funcKey(words []word) string {
	if words[0].tok == token.IDENT {
		return words[0].text
	}
	typeName := ""
	for i, w := range words {
		switch {
		case w.tok == token.IDENT && typeName == "" && i > 0 && (words[i-1].tok == token.MUL || words[i-1].tok == token.IDENT || len(words) > i+1 && words[i+1].tok == token.RPAREN):
			typeName = w.text
		case w.tok == token.RPAREN:
			if i+1 < len(words) && words[i+1].tok == token.IDENT {
				return typeName + "~" + words[i+1].text
			}
			return ""
		}
	}
	return ""
}
