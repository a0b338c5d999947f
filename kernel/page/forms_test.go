package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"transferlab/kernel/notebook"
)

func html5(t *testing.T, page string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func all(doc *html.Node, is func(*html.Node) bool) (found []*html.Node) {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			found = append(found, n)
		}
	}
	return found
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestPolicy: every form tells the browser to ask nobody, and the one for paper to run nothing.
func TestPolicy(t *testing.T) {
	for _, form := range []Form{HTML, Slides, PDFReady} {
		doc := html5(t, render(t, sample(t), Options{Form: form}))
		metas := all(doc, func(n *html.Node) bool { return attr(n, "http-equiv") == "Content-Security-Policy" })
		if len(metas) != 1 || !strings.HasPrefix(attr(metas[0], "content"), "default-src 'none'") || strings.Contains(attr(metas[0], "content"), "http") {
			t.Errorf("form %d: policy %v", form, metas)
			continue
		}
		if runs := strings.Contains(attr(metas[0], "content"), "script-src"); runs == (form == PDFReady) {
			t.Errorf("form %d: scripts %v", form, runs)
		}
	}
	if _, err := Render(sample(t), Options{Form: 3}); err == nil {
		t.Error("form 3 is rendered")
	}
}

// TestSlidesHaveAll: what the page shows, the slides show too, in the same order; headings that go on are all they add.
func TestSlidesHaveAll(t *testing.T) {
	c, err := rendered(sample(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	deck, err := c.deck()
	if err != nil {
		t.Fatal(err)
	}
	squeezed := func(s string) string { return strings.Join(strings.Fields(s), "") }
	var want, got strings.Builder
	for _, b := range c.blocks {
		want.WriteString(plainText(b.HTML))
		for _, o := range b.Outputs {
			want.WriteString(plainText(o.HTML))
		}
	}
	for _, s := range deck {
		for _, p := range s.Parts {
			got.WriteString(plainText(p.HTML))
		}
	}
	if squeezed(got.String()) != squeezed(want.String()) {
		t.Errorf("the slides say\n%s\nthe page says\n%s", got.String(), want.String())
	}
}

func said(source string) *notebook.Cell {
	return &notebook.Cell{Kind: notebook.Markdown, Source: source}
}

func code(source string, outputs ...*notebook.Output) *notebook.Cell {
	return &notebook.Cell{Kind: notebook.Code, Source: source, Count: 1, Outputs: outputs}
}

func shown(kind, data string) *notebook.Output {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return &notebook.Output{Kind: notebook.Display, Data: map[string]json.RawMessage{kind: text}}
}

func printed(lines int) *notebook.Output {
	return &notebook.Output{Kind: notebook.Stream, Name: "stdout", Text: strings.Repeat("line\n", lines)}
}

// TestDeck: where slides begin.
func TestDeck(t *testing.T) {
	picture := shown("text/html", `<img alt="a figure" src="data:image/png;base64,AA==">`)
	long := strings.Repeat("a line of prose that is neither short nor long, and is said again ", 16)
	for name, c := range map[string]struct {
		cells []*notebook.Cell
		want  string // the classes of each slide's parts, in short
	}{
		"a heading a slide":        {[]*notebook.Cell{said("# A\n\ntext\n\n## B\n\ntext\n\n#### small\n\ntext")}, "P P|P P P P"},
		"code and output together": {[]*notebook.Cell{said("## A"), code("f()", printed(3)), code("g()", printed(3))}, "P S O S O"},
		"a figure with its reading": {[]*notebook.Cell{said("## A"), code("f()", picture), said("**Read the figure**: it rises."),
			code(strings.Repeat("g()\n", 20))}, "P S O P|S"},
		"a long cell before its output": {[]*notebook.Cell{said("## A"), code(strings.Repeat("f()\n", 20), printed(20))}, "P S|O"},
		"what leads to a cell":          {[]*notebook.Cell{said("## A\n\n" + long + "\n\n**Predict**: what?"), code("f()", picture)}, "P P|P S O"},
		"long prose":                    {[]*notebook.Cell{said(long + "\n\n" + long + "\n\n" + long)}, "P P|P"},
		"nothing":                       {nil, ""},
	} {
		contents, err := rendered(&notebook.Notebook{Cells: c.cells}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		deck, err := contents.deck()
		if err != nil {
			t.Fatal(err)
		}
		var slides []string
		for _, s := range deck {
			var parts []string
			for _, p := range s.Parts {
				parts = append(parts, strings.ToUpper(p.Class[:1]))
			}
			slides = append(slides, strings.Join(parts, " "))
		}
		if got := strings.Join(slides, "|"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestPrinted: no script and what stands in for it, addresses behind links, wide text set smaller, a title that ends no style sheet.
func TestPrinted(t *testing.T) {
	wide := &notebook.Output{Kind: notebook.Stream, Name: "stdout", Text: strings.Repeat(strings.Repeat("x", 140)+"\n", 8) + strings.Repeat("y", 300)}
	nb := &notebook.Notebook{Cells: []*notebook.Cell{
		said("# A \"title\" </style>\n\n[the paper](https://example.org/a) <https://example.org/b> [up](#top)"),
		code("f()", shown("text/html", `<x-counter data-a="1"><table><tr><td>the table</td></tr></table></x-counter><script>alert(1)</script>`), wide),
	}}
	page := render(t, nb, Options{Form: PDFReady})
	doc := html5(t, page)
	if scripts := all(doc, func(n *html.Node) bool { return n.DataAtom == atom.Script }); len(scripts) > 0 {
		t.Errorf("%d scripts", len(scripts))
	}
	body := textOf(all(doc, func(n *html.Node) bool { return n.DataAtom == atom.Body })[0])
	for want, times := range map[string]int{"the paper (https://example.org/a)": 1, "https://example.org/b": 1, "(#top)": 0, "the table": 1, "alert": 0} {
		if n := strings.Count(body, want); n != times {
			t.Errorf("%q stands %d times on the page, want %d", want, n, times)
		}
	}
	if !strings.Contains(page, `content: "A \000022title\000022 \00003c/style\00003e"`) || !strings.Contains(page, `style="--columns:140"`) {
		t.Errorf("the title in the style sheet or the width of text:\n%s", page)
	}
	if strings.Contains(page, "prefers-color-scheme: dark") {
		t.Error("paper is dark for some")
	}
}

func TestColumns(t *testing.T) {
	for _, c := range []struct {
		lengths []int
		want    int
	}{{nil, 0}, {[]int{96}, 0}, {[]int{97}, 97}, {[]int{300}, 192}, {[]int{50, 50, 50, 50, 50, 50, 50, 50, 50, 150}, 0}, {[]int{120, 120, 120, 9}, 120}} {
		var text strings.Builder
		for _, n := range c.lengths {
			fmt.Fprintln(&text, strings.Repeat("×", n)+"  ")
		}
		if got := columns(text.String()); got != c.want {
			t.Errorf("lines of %v take %d columns, want %d", c.lengths, got, c.want)
		}
	}
}

func TestLight(t *testing.T) {
	if got := light("a{}\n@media (prefers-color-scheme: dark) {\n :root { x: y; }\n}\nb{}"); got != "a{}\n\nb{}" {
		t.Errorf("%q", got)
	}
	if strings.Contains(light(styles), "#16181c") || !strings.Contains(light(styles), ".cell") {
		t.Error("the page's styles for paper are dark, or cut")
	}
	if got, err := forPaper(template.HTML("<p>as it is</p>")); err != nil || got != "<p>as it is</p>" {
		t.Errorf("%q, %v", got, err)
	}
}
