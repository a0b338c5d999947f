package page

import (
	"bytes"
	"html/template"
	"slices"
	"strings"

	"github.com/wyatt915/treeblood"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// formulas is a goldmark extension: $…$ within a line of prose and $$…$$, also over several lines, become MathML, which browsers show
// without script or network. As in Jupyter and on GitHub, a dollar opens a formula only before something that is no space, and closes
// it only after such and not before a digit: "$5 and $6" are prices.
type formulas struct{}

func (formulas) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(
		parser.WithInlineParsers(util.Prioritized(inlineParser{}, 150)), // before emphasis: _ and * mean something else in TeX
		parser.WithBlockParsers(util.Prioritized(blockParser{}, 90)),    // before paragraphs
	)
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(formulaRenderer{}, 100)))
}

var (
	kindInline = ast.NewNodeKind("Formula")
	kindBlock  = ast.NewNodeKind("FormulaBlock")
)

// inlineFormula is a formula in a line; display sets it apart.
type inlineFormula struct {
	ast.BaseInline
	tex     string
	display bool
}

func (n *inlineFormula) Kind() ast.NodeKind            { return kindInline }
func (n *inlineFormula) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// blockFormula is a formula between lines that begin and end with $$.
type blockFormula struct {
	ast.BaseBlock
	closed bool
}

func (n *blockFormula) Kind() ast.NodeKind            { return kindBlock }
func (n *blockFormula) IsRaw() bool                   { return true }
func (n *blockFormula) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

type inlineParser struct{}

func (inlineParser) Trigger() []byte { return []byte{'$'} }

func (inlineParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	if bytes.HasPrefix(line, []byte("$$")) {
		end := bytes.Index(line[2:], []byte("$$"))
		if end <= 0 {
			return nil
		}
		block.Advance(end + 4)
		return &inlineFormula{tex: string(line[2 : 2+end]), display: true}
	}
	if len(line) < 3 || isSpace(line[1]) {
		return nil
	}
	for i := 2; i < len(line); i++ {
		if line[i] != '$' || line[i-1] == '\\' {
			continue
		}
		if isSpace(line[i-1]) || i+1 < len(line) && line[i+1] >= '0' && line[i+1] <= '9' {
			return nil
		}
		block.Advance(i + 1)
		return &inlineFormula{tex: string(line[1:i])}
	}
	return nil
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

type blockParser struct{}

func (blockParser) Trigger() []byte { return []byte{'$'} }

func (blockParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	if !bytes.HasPrefix(line, []byte("$$")) {
		return nil, parser.NoChildren
	}
	rest := bytes.TrimSpace(line[2:])
	n := &blockFormula{}
	if at := bytes.Index(rest, []byte("$$")); at >= 0 {
		if at == 0 || at != len(rest)-2 {
			return nil, parser.NoChildren // text follows: the inline parser's
		}
		n.closed = true
	} else if !bytes.Contains(reader.Source()[segment.Stop:], []byte("$$")) {
		return nil, parser.NoChildren // never closed: text
	}
	n.Lines().Append(segment)
	reader.AdvanceToEOL()
	return n, parser.NoChildren
}

func (blockParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*blockFormula)
	if n.closed {
		return parser.Close
	}
	line, segment := reader.PeekLine()
	n.Lines().Append(segment)
	n.closed = bytes.HasSuffix(bytes.TrimSpace(line), []byte("$$"))
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

func (blockParser) Close(ast.Node, text.Reader, parser.Context) {}
func (blockParser) CanInterruptParagraph() bool                 { return true }
func (blockParser) CanAcceptIndentedLine() bool                 { return false }

type formulaRenderer struct{}

func (formulaRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindInline, func(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if n := node.(*inlineFormula); entering {
			_, _ = w.WriteString(formula(n.tex, n.display))
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(kindBlock, func(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			tex := strings.TrimSpace(string(node.Lines().Value(source)))
			tex = strings.TrimSuffix(strings.TrimPrefix(tex, "$$"), "$$")
			_, _ = w.WriteString(formula(tex, true) + "\n")
		}
		return ast.WalkSkipChildren, nil
	})
}

// formula is tex as MathML. What the converter does not understand stays legible as its source.
func formula(tex string, display bool) string {
	if tex = strings.TrimSpace(tex); tex == "" {
		return "$$"
	}
	style := treeblood.InlineStyle
	if display {
		style = treeblood.DisplayStyle
	}
	mathml, err := style(tex, nil)
	if err == nil && !strings.Contains(mathml, "<merror") {
		if mathml, err = tidy(mathml); err == nil {
			return mathml
		}
	}
	return `<code class="tex">` + template.HTMLEscapeString(tex) + `</code>`
}

// tidy gives markup one form: the converter writes attributes in random order and leaves & as it is.
func tidy(markup string) (string, error) {
	nodes, err := html.ParseFragment(strings.NewReader(markup), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, n := range nodes {
		for d := range n.Descendants() {
			order(d)
		}
		order(n)
		if err := html.Render(&out, n); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(out.String()), nil
}

func order(n *html.Node) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "xmlns" })
	slices.SortFunc(n.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
	if n.Type == html.TextNode && strings.TrimSpace(n.Data) == "" {
		n.Data = "" // indentation
	}
}
