// Package counter makes a piece of HTML in which a reader builds a network and sees its parameters counted, in a notebook's output and in
// an exported page, without a kernel.
package counter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"transferlab/tl/count"
)

// HTML is a counter that opens with the first of the networks; the reader may change to the others, and to some that are well known. It asks
// for nothing outside: one element, a table inside it for readers whose browser runs no scripts (JupyterLab runs none of a notebook that is not
// trusted), and a script that takes the table's place.
func HTML(networks ...count.Architecture) (string, error) {
	if len(networks) == 0 {
		return "", errors.New("counter: no network")
	}
	var own []network
	for i, a := range networks {
		n, err := described(a)
		if err != nil {
			return "", err
		}
		if n.Label == "" {
			n.Label = fmt.Sprintf("network %d", i+1)
		}
		own = append(own, n)
	}
	data, err := json.Marshal(own)
	if err != nil {
		return "", fmt.Errorf("counter: %w", err)
	}
	table, err := fallback(networks[0])
	if err != nil {
		return "", err
	}
	code, element, err := script()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("<%s class=%q data-networks=\"%s\">\n%s</%s>\n<script>\n%s\n</script>\n", element, Class, escaped.Replace(string(data)), table, element,
		code), nil
}

// Class is the class of the elements that HTML makes.
const Class = "tlab-counter"

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
