package page

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"transferlab/kernel/notebook"
)

var update = flag.Bool("update", false, "write the golden page")

// sample is a notebook with one of everything.
func sample(t testing.TB) *notebook.Notebook {
	t.Helper()
	data, err := os.ReadFile("testdata/sample.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func render(t testing.TB, nb *notebook.Notebook, o Options) string {
	t.Helper()
	data, err := Render(nb, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestGolden(t *testing.T) {
	got := render(t, sample(t), Options{})
	const golden = "testdata/sample.html"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("the page changed: look at it, then run `go test ./kernel/page -update`")
	}
	if again := render(t, sample(t), Options{}); again != got {
		t.Error("the same notebook gave another page")
	}
}

// TestNeedsNothingElse walks the page's elements: nothing is fetched, nothing runs, every figure has a description.
func TestNeedsNothingElse(t *testing.T) {
	doc, err := html.Parse(strings.NewReader(render(t, sample(t), Options{})))
	if err != nil {
		t.Fatal(err)
	}
	pictures, formulas := 0, 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		switch n.Data {
		case "script", "link", "iframe":
			t.Errorf("the page has a <%s>", n.Data)
		case "img":
			pictures++
			if !strings.HasPrefix(attr["src"], "data:image/") || attr["alt"] == "" {
				t.Errorf("picture from %.40q with description %q", attr["src"], attr["alt"])
			}
		case "math":
			formulas++
		}
	}
	if pictures != 3 || formulas != 3 {
		t.Errorf("%d pictures, %d formulas", pictures, formulas)
	}
}

func TestParts(t *testing.T) {
	page := render(t, sample(t), Options{Title: "unused"})
	for _, want := range []string{
		"<title>Sample page</title>",
		`<th style="text-align:right">parameters</th>`,
		"costs $5 and $6",                                // prices are no formulas
		`<code class="tex">\notacommand{`,                // what the converter does not know stays legible
		`<span class="term-fg31">red</span> plain`,       // ANSI
		`alt="accuracy by epoch"`,                        // SVG's own title
		`alt="loss &lt; 1"`,                              // a PNG's text form
		`<div class="output error"><pre>Cell[2]: Line 1`, // the error and its place
		`<span class="kd">func</span>`,                   // coloured Go
		"<b>kept as it is</b>",                           // HTML output
		"(an output that only a notebook can show)",
		"<strong>markdown output</strong>",
		"[ ]", // a cell that did not run
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"raw cell", "<script"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
}

func TestTitle(t *testing.T) {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Kind: notebook.Markdown, Source: "no heading <here>"}}}
	if page := render(t, nb, Options{Title: "07 & more"}); !strings.Contains(page, "<title>07 &amp; more</title>") {
		t.Error("title from Options")
	}
	if page := render(t, nb, Options{}); !strings.Contains(page, "<title>Notebook</title>") {
		t.Error("title of nothing")
	}
}

func TestPicturesInProse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.png"), []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a picture.png"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString([]byte("picture"))
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{
		Kind:        notebook.Markdown,
		Source:      "![a](p.png) ![b](attachment:x) ![c](missing.png) ![d](attachment:none) ![e](a%20picture.png)",
		Attachments: json.RawMessage(`{"x":{"image/gif":"R0lG"}}`),
	}}}
	page := render(t, nb, Options{Dir: dir})
	for _, want := range []string{`src="data:image/png;base64,` + b64 + `" alt="a"`, `src="data:image/gif;base64,R0lG" alt="b"`, `src="missing.png"`, `src="attachment:none"`,
		`base64,` + base64.StdEncoding.EncodeToString([]byte("another")) + `" alt="e"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestFormulas(t *testing.T) {
	h, err := newHighlighter()
	if err != nil {
		t.Fatal(err)
	}
	p := newProse(h)
	for _, c := range []struct {
		source string
		count  int // formulas
		keeps  string
	}{
		{"$x$", 1, ""},
		{"a $x_i^2$, and *b* $\\frac{1}{n}$.", 2, "<em>b</em>"},
		{"$$E = mc^2$$", 1, `display="block"`},
		{"$$\nE\n= mc^2\n$$\n\nafter", 1, "<p>after</p>"},
		{"before\n$$\nE\n$$\nafter", 1, "<p>after</p>"},
		{"in $$x$$ line", 1, "line"},
		{"$5 and $6", 0, "$5 and $6"},
		{"$ x $", 0, "$ x $"},
		{"costs \\$5 or $x$", 1, "costs $5"},
		{"`$x$`", 0, "<code>$x$</code>"},
		{"```\n$x$\n```", 0, "$x$"},
		{"$$", 0, "$$"},
		{"$$\nnever closed", 0, "never closed"},
		{"$a", 0, "$a"},
		{"$a_1$ and $b_2$", 2, ""},
		{"$$x$$ and text", 1, "and text"},
		{"| a |\n|---|\n| $x$ |", 1, "<td>"},
		{"$\\alpha \\le \\mathbb{R} \\hat{y} \\log \\sum_{i} \\text{loss}$", 1, ""},
	} {
		out, err := p.render(c.source, images{})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(out), "<math"); n != c.count || !strings.Contains(string(out), c.keeps) {
			t.Errorf("%q: %d formulas, want %d, and %q in\n%s", c.source, n, c.count, c.keeps, out)
		}
	}
}

// FuzzProse: no prose panics or fails.
func FuzzProse(f *testing.F) {
	f.Add("# a $x$\n\n$$\ny\n$$\n| t |\n|-|\n")
	f.Add("$$$$$ $a$1 \\$ $$x")
	h, err := newHighlighter()
	if err != nil {
		f.Fatal(err)
	}
	p := newProse(h)
	f.Fuzz(func(t *testing.T, source string) {
		began := time.Now()
		if _, err := p.render(source, images{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > time.Second {
			t.Fatalf("took %v", d)
		}
	})
}
