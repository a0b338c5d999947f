// Package counter makes a piece of HTML in which a reader builds a network and sees its parameters counted, in a notebook's output and in
// an exported page, without a kernel.
package counter

import (
	"errors"
	"fmt"
	"strings"

	"transferlab/tl/count"
)

// HTML is a counter that opens with the first of the networks; the reader may change to the others. Where scripts do not run it is a table of
// the first.
func HTML(networks ...count.Architecture) (string, error) {
	if len(networks) == 0 {
		return "", errors.New("counter: no network")
	}
	return fallback(networks[0])
}

// fallback is the network as a table, as far as it can be counted, and what is wrong with it.
func fallback(a count.Architecture) (string, error) {
	table, wrong := a.Count()
	html, err := table.HTML(count.View{})
	if err != nil {
		return "", fmt.Errorf("counter: table of %s: %w", a.Name, err)
	}
	if wrong != nil {
		html += "<p>" + escaped.Replace(wrong.Error()) + "</p>\n"
	}
	return html, nil
}

// escaped does what html.EscapeString does, without its table of entities, which the linker would read for every cell.
var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
