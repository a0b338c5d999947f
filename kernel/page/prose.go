package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"mime"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// prose renders Markdown as Jupyter understands it: GitHub's tables, footnotes, formulas, HTML.
type prose struct{ markdown goldmark.Markdown }

func newProse(code *highlighter) *prose {
	return &prose{goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, formulas{}, fences{code}),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(html.WithUnsafe()), // a notebook's prose may hold HTML, and its code has run already
	)}
}

func (p *prose) render(source string, pictures images) (template.HTML, error) {
	data := []byte(source)
	doc := p.markdown.Parser().Parse(text.NewReader(data))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if img, ok := n.(*ast.Image); ok && entering {
			img.Destination = []byte(pictures.inline(string(img.Destination)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := p.markdown.Renderer().Render(&out, data, doc); err != nil {
		return "", err
	}
	return template.HTML(out.String()), nil
}

// images finds the pictures that prose shows.
type images struct {
	dir         string
	attachments json.RawMessage // name to MIME type to base64
}

// largestPicture bounds what a page takes in for one picture of its prose.
const largestPicture = 8 << 20

// inline returns target as a data URL if it names an attachment or a picture file, else target.
func (i images) inline(target string) string {
	if name, ok := strings.CutPrefix(target, "attachment:"); ok {
		var all map[string]map[string]string
		if json.Unmarshal(i.attachments, &all) == nil {
			for kind, data := range all[name] {
				return "data:" + kind + ";base64," + data
			}
		}
		return target
	}
	kind := mime.TypeByExtension(path.Ext(target))
	if i.dir == "" || strings.Contains(target, ":") || filepath.IsAbs(target) || !strings.HasPrefix(kind, "image/") {
		return target
	}
	name, err := url.PathUnescape(target) // Markdown has no other way to write a space
	if err != nil {
		return target
	}
	file := filepath.Join(i.dir, filepath.FromSlash(name))
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > largestPicture {
		return target
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return target
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// fences colours fenced code.
type fences struct{ code *highlighter }

func (f fences) Extend(m goldmark.Markdown) {
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(f, 100)))
}

func (f fences) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		n := node.(*ast.FencedCodeBlock)
		out, err := f.code.render(string(n.Lines().Value(source)), string(n.Language(source)))
		if err != nil {
			return ast.WalkStop, err
		}
		_, _ = w.WriteString(string(out) + "\n")
		return ast.WalkSkipChildren, nil
	})
}
