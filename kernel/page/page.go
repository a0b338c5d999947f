// Package page writes an executed notebook as one HTML file that needs nothing else: no network, no font, no script but those that outputs
// brought along. Formulas are MathML, code is coloured, figures are inside. The file tells the browser to ask nobody for anything (a content
// security policy). It comes in three forms: a page to read, which follows the reader's choice of dark or light, slides, and a page to print.
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
	Form  Form
	Title string // for a notebook whose prose has no first-level heading
	Dir   string // folder that relative image paths in prose start from; "" leaves such images as they are
}

// Form is what a page is for.
type Form int

const (
	// HTML is for reading on a screen: all cells from top to bottom.
	HTML Form = iota
	// Slides are for a projector: a slide for each heading, and more where a cell with its outputs wants room. Keys and buttons lead through them.
	Slides
	// PDFReady is for printing, as browsers do it: light, with page numbers, links spelled out, figures whole, and no script at all.
	PDFReady
)

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
	Class   string
	HTML    template.HTML
	Columns int // of text, its longest line, where that is longer than paper and slides are wide; else 0
}

// contents is a notebook, rendered cell by cell.
type contents struct {
	title  string
	code   *highlighter
	blocks []block
}

// Render returns the page of nb.
func Render(nb *notebook.Notebook, o Options) ([]byte, error) {
	c, err := rendered(nb, o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	switch o.Form {
	case HTML:
		err = pageTemplate.Execute(&out, map[string]any{
			"Title": c.title, "Styles": template.CSS(styles), "CodeStyles": template.CSS(c.code.styles), "Blocks": c.blocks,
		})
	case Slides:
		err = c.slides(&out)
	case PDFReady:
		err = c.print(&out)
	default:
		err = fmt.Errorf("no form %d (have HTML, Slides, PDFReady)", int(o.Form))
	}
	if err != nil {
		return nil, fmt.Errorf("page: render: %w", err)
	}
	return out.Bytes(), nil
}

func rendered(nb *notebook.Notebook, o Options) (c contents, err error) {
	if c.code, err = newHighlighter(); err != nil {
		return c, err
	}
	prose := newProse(c.code)
	c.title = o.Title
	for i, cell := range nb.Cells {
		b := block{Kind: "prose", ID: fmt.Sprintf("cell-%d", i+1), Count: cell.Count}
		switch cell.Kind {
		case notebook.Raw:
			continue // meant for other converters
		case notebook.Markdown:
			if h := heading(cell.Source); h != "" && c.title == o.Title {
				c.title = h
			}
			b.HTML, err = prose.render(cell.Source, images{dir: o.Dir, attachments: cell.Attachments})
		default:
			b.Kind = "code"
			if strings.TrimSpace(cell.Source) == "" {
				continue
			}
			if b.HTML, err = c.code.render(cell.Source, language(cell.Source)); err == nil {
				b.Outputs, err = renderOutputs(cell, i+1, prose)
			}
		}
		if err != nil {
			return c, fmt.Errorf("page: render cell %d: %w", i+1, err)
		}
		c.blocks = append(c.blocks, b)
	}
	if c.title == "" {
		c.title = "Notebook"
	}
	return c, nil
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
