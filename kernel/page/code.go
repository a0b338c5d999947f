package page

import (
	"bytes"
	"fmt"
	"html/template"

	"github.com/alecthomas/chroma/v2"
	chtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	cstyles "github.com/alecthomas/chroma/v2/styles"
)

// highlighter colours code by classes, so that one page serves both colour schemes.
type highlighter struct {
	format *chtml.Formatter
	style  *chroma.Style
	styles string // CSS for light, then for dark
	// lightStyles are for paper.
	lightStyles string
}

func newHighlighter() (*highlighter, error) {
	h := &highlighter{format: chtml.New(chtml.WithClasses(true), chtml.TabWidth(4)), style: cstyles.Get("github")}
	var light, dark bytes.Buffer
	if err := h.format.WriteCSS(&light, h.style); err != nil {
		return nil, fmt.Errorf("page: code colours: %w", err)
	}
	if err := h.format.WriteCSS(&dark, cstyles.Get("github-dark")); err != nil {
		return nil, fmt.Errorf("page: code colours: %w", err)
	}
	h.lightStyles = light.String() + plainCode
	h.styles = "@media (prefers-color-scheme: light) {\n" + light.String() + "}\n@media (prefers-color-scheme: dark) {\n" + dark.String() + "}\n" + plainCode
	return h, nil
}

// plainCode: the page has its own ground, and GoNB's %% is no mistake.
const plainCode = ".chroma, .bg { background: none } .chroma .err { color: inherit; background: none }\n"

// render returns code as a <pre>. An unknown language is plain text.
func (h *highlighter) render(source, language string) (template.HTML, error) {
	lexer := lexers.Get(language)
	if lexer == nil {
		lexer = lexers.Fallback
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, source)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := h.format.Format(&out, h.style, tokens); err != nil {
		return "", err
	}
	return template.HTML(out.String()), nil
}
