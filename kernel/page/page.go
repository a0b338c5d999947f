// Package page writes an executed notebook as one HTML file that needs nothing else: no network, no script, no font. Formulas are
// MathML, code is coloured, figures are inside. It follows the reader's choice of dark or light.
package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"transferlab/kernel/notebook"
)

// Options for Render. The zero value is usable.
type Options struct {
	Title string // for a notebook whose prose has no first-level heading
	Dir   string // folder that relative image paths in prose start from; "" leaves such images as they are
}

//go:embed page.css
var styles string

//go:embed page.html
var layout string

var pageTemplate = template.Must(template.New("page").Parse(layout))

// block is one cell, or one part of it, as the template sees it.
type block struct {
	Kind    string // "prose", "code"
	ID      string
	Count   int // of a code cell; 0 did not run
	HTML    template.HTML
	Outputs []output
}

// output is one output, rendered.
type output struct {
	Class string
	HTML  template.HTML
}

// Render returns the page of nb.
func Render(nb *notebook.Notebook, o Options) ([]byte, error) {
	code, err := newHighlighter()
	if err != nil {
		return nil, err
	}
	prose := newProse(code)
	title := o.Title
	var blocks []block
	for i, cell := range nb.Cells {
		b := block{Kind: "prose", ID: fmt.Sprintf("cell-%d", i+1), Count: cell.Count}
		switch cell.Kind {
		case notebook.Raw:
			continue // meant for other converters
		case notebook.Markdown:
			if h := heading(cell.Source); h != "" && title == o.Title {
				title = h
			}
			b.HTML, err = prose.render(cell.Source, images{dir: o.Dir, attachments: cell.Attachments})
		default:
			b.Kind = "code"
			if strings.TrimSpace(cell.Source) == "" {
				continue
			}
			if b.HTML, err = code.render(cell.Source, language(cell.Source)); err == nil {
				b.Outputs, err = renderOutputs(cell, i+1, prose)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("page: render cell %d: %w", i+1, err)
		}
		blocks = append(blocks, b)
	}
	if title == "" {
		title = "Notebook"
	}
	var out bytes.Buffer
	err = pageTemplate.Execute(&out, map[string]any{
		"Title": title, "Styles": template.CSS(styles), "CodeStyles": template.CSS(code.styles), "Blocks": blocks,
	})
	if err != nil {
		return nil, fmt.Errorf("page: render: %w", err)
	}
	return out.Bytes(), nil
}

// heading is the text of a first-level heading that opens the prose, "" for none.
func heading(source string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(source), "\n")
	if h, ok := strings.CutPrefix(first, "# "); ok {
		return strings.TrimSpace(strings.Trim(h, "#"))
	}
	return ""
}

// language names the lexer of a code cell: GoNB's cells are Go unless their first line says otherwise.
func language(source string) string {
	switch first, _, _ := strings.Cut(source, "\n"); {
	case strings.HasPrefix(first, "%%bash"), strings.HasPrefix(first, "%%sh"), strings.HasPrefix(first, "!"):
		return "bash"
	case strings.HasPrefix(first, "%%writefile"), strings.HasPrefix(first, "%%script"):
		return "text"
	}
	return "go"
}
