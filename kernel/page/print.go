package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

//go:embed print.css
var printStyles string

//go:embed print.html
var printLayout string

var printTemplate = template.Must(template.New("print").Parse(printLayout))

// print writes the page to print.
func (c contents) print(w io.Writer) error {
	var blocks []block
	for _, b := range c.blocks {
		var err error
		if b.Kind == "prose" {
			if b.HTML, err = forPaper(b.HTML); err != nil {
				return err
			}
		}
		outputs := make([]output, len(b.Outputs))
		for i, o := range b.Outputs {
			if o.HTML, err = forPaper(o.HTML); err != nil {
				return err
			}
			outputs[i] = o
		}
		b.Outputs = outputs
		blocks = append(blocks, b)
	}
	return printTemplate.Execute(w, map[string]any{
		"Title": c.title, "Styles": template.CSS(light(styles)), "CodeStyles": template.CSS(c.code.lightStyles), "Blocks": blocks,
		"PrintStyles": template.CSS(printStyles + "@page { @top-center { content: \"" + inCSS(c.title) + "\"; } }\n@page :first { @top-center { content: none; } }\n"),
	})
}

// inCSS is text for a string of a style sheet: whatever could end it is written as its number.
func inCSS(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r < ' ' || r == 0x7F || strings.ContainsRune(`"'\<>&{}`, r) {
			fmt.Fprintf(&out, `\%06x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// light is the style sheet without its part for dark screens, which printers follow where the reader prefers dark.
func light(styles string) string {
	const dark = "@media (prefers-color-scheme: dark) {"
	from := strings.Index(styles, dark)
	if from < 0 {
		return styles
	}
	depth := 0
	for i, r := range styles[from:] {
		switch r {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return styles[:from] + styles[from+i+1:]
			}
		}
	}
	return styles
}

// forPaper takes scripts out of a piece of HTML, whose elements then show what stands in them, and spells links out.
func forPaper(piece template.HTML) (template.HTML, error) {
	if !strings.Contains(string(piece), "<script") && !strings.Contains(string(piece), "<a ") {
		return piece, nil
	}
	nodes, err := html.ParseFragment(strings.NewReader(string(piece)), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return "", err
	}
	top := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	for _, n := range nodes {
		top.AppendChild(n)
	}
	var scripts, links []*html.Node
	for n := range top.Descendants() {
		switch n.DataAtom {
		case atom.Script:
			scripts = append(scripts, n)
		case atom.A:
			links = append(links, n)
		}
	}
	for _, n := range scripts {
		n.Parent.RemoveChild(n)
	}
	for _, n := range links {
		spellOut(n)
	}
	var out strings.Builder
	for n := range top.ChildNodes() {
		if err := html.Render(&out, n); err != nil {
			return "", err
		}
	}
	return template.HTML(out.String()), nil
}

// spellOut writes a link's address behind it, unless the link shows it already.
func spellOut(link *html.Node) {
	for _, a := range link.Attr {
		if a.Key != "href" || !strings.HasPrefix(a.Val, "http") || strings.Contains(textOf(link), strings.TrimSuffix(a.Val, "/")) {
			continue
		}
		address := &html.Node{Type: html.ElementNode, Data: "span", DataAtom: atom.Span, Attr: []html.Attribute{{Key: "class", Val: "address"}}}
		address.AppendChild(&html.Node{Type: html.TextNode, Data: " (" + a.Val + ")"})
		link.Parent.InsertBefore(address, link.NextSibling)
	}
}

func textOf(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}
