package diagnose

import (
	"go/token"
	"slices"
)

// callOf finds the call that a graph operation failed in. GoMLX catches the panic of a graph function and panics anew where the function was
// executed, so the runtime's trace does not reach into it; but it names the operation, and if the cell calls that once, this is the line.
// f is the user's frame that executed the graph.
func (c Context) callOf(s shape, f frame) (place, bool) {
	if s.function == "" || len(s.calls) == 0 || !f.users() {
		return place{}, false
	}
	return only(c.reachable(f.place.cell), "", s.calls)
}

// only finds the one call in cells of a function among names, of package pkg unless that is "".
func only(cells []cell, pkg string, names []string) (place, bool) {
	var calls []place
	for _, one := range cells {
		calls = append(calls, one.calls(pkg, names)...)
	}
	if len(calls) != 1 {
		return place{}, false // none, or a guess
	}
	return calls[0], true
}

// reachable are the cell and those that declare functions which it calls, directly or not.
func (c Context) reachable(from cell) []cell {
	all := []cell{from}
	in := map[int]bool{from.id: true}
	declaring := map[string]cell{} // by name: the latest cell that declares it
	for _, one := range slices.Backward(c.known()) {
		for _, name := range one.declared().kept {
			declaring[name] = one
		}
	}
	for i := 0; i < len(all); i++ {
		words, _ := all[i].words()
		for _, w := range words {
			if one, found := declaring[w.text]; found && w.tok == token.IDENT && !in[one.id] {
				in[one.id] = true
				all = append(all, one)
			}
		}
	}
	return all
}

// calls finds where the cell calls one of names.
func (c cell) calls(pkg string, names []string) (all []place) {
	words, _ := c.words()
	for i, w := range words {
		if w.tok != token.IDENT || !slices.Contains(names, w.text) || i+1 >= len(words) || words[i+1].tok != token.LPAREN {
			continue
		}
		if i > 0 && words[i-1].tok == token.FUNC {
			continue // its declaration
		}
		column := w.column
		if pkg != "" {
			if i < 2 || words[i-1].tok != token.PERIOD || words[i-2].text != pkg {
				continue
			}
			column = words[i-2].column
		}
		all = append(all, place{c, w.line, column})
	}
	return all
}
