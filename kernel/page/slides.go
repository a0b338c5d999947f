package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The slides have their own hundred lines of script. reveal.js, which others use for notebooks, is five times this package's output without
// figures, and what notebooks need most, slides that are too long for the screen, it leaves to its users.

//go:embed slides.css
var slideStyles string

//go:embed slides.js
var slideScript string

//go:embed slides.html
var slideLayout string

var slideTemplate = template.Must(template.New("slides").Parse(slideLayout))

// slide is one of them.
type slide struct {
	Title string // of a slide that goes on under a heading of an earlier one: that heading; else ""
	Parts []part
	room  float64 // lines that are taken
	bare  bool    // nothing but headings so far
}

// part is a piece of a slide: a paragraph, a table, a cell's code, an output.
type part struct {
	Class   string // "prose", "source", or an output's
	HTML    template.HTML
	Columns int
	level   int     // of a heading, 1 to 6; else 0
	lines   float64 // that it takes, about
	reads   bool    // the figure before it
}

const (
	full      = 25.0 // lines of a slide
	breaking  = 3    // headings of this level and above begin a slide
	wide      = 108  // characters of a line
	figure    = 13.0 // lines of a figure; slides.css bounds it
	codeLines = 0.76 // lines of code are smaller
)

// slides writes the slides.
func (c contents) slides(w io.Writer) error {
	deck, err := c.deck()
	if err != nil {
		return err
	}
	return slideTemplate.Execute(w, map[string]any{
		"Title": c.title, "Styles": template.CSS(styles), "CodeStyles": template.CSS(c.code.styles), "SlideStyles": template.CSS(slideStyles),
		"Script": template.JS(slideScript), "Slides": deck,
	})
}

// deck lays the cells out on slides: one for each heading, and where a slide is full another one. A cell's code and what it put out stay
// together where they have room.
func (c contents) deck() ([]*slide, error) {
	var d pack
	var reading *part // what was put beside its figure already
	for i, b := range c.blocks {
		if b.Kind != "prose" {
			var err error
			if reading, err = readingOf(c.blocks, i); err != nil {
				return nil, err
			}
			d.putCell(b, reading)
			continue
		}
		parts, err := partsOf(b.HTML)
		if err != nil {
			return nil, err
		}
		if reading != nil {
			parts, reading = parts[1:], nil
		}
		for _, p := range parts {
			d.put(p)
		}
	}
	return d.all, nil
}

// readingOf is the paragraph behind a cell that ends with a figure: it says what is to be seen there, and belongs on the figure's slide. It is
// nil where there is none, or where it is too long.
func readingOf(blocks []block, i int) (*part, error) {
	outputs := blocks[i].Outputs
	if len(outputs) == 0 || linesOf(outputs[len(outputs)-1]) != figure || i+1 == len(blocks) || blocks[i+1].Kind != "prose" {
		return nil, nil
	}
	parts, err := partsOf(blocks[i+1].HTML)
	if err != nil || len(parts) == 0 || parts[0].level > 0 || parts[0].lines+figure > full {
		return nil, err
	}
	parts[0].reads = true
	return &parts[0], nil
}

// pack is the deck so far.
type pack struct {
	all     []*slide
	heading string // the last one, as text
}

func (d *pack) current() *slide {
	if len(d.all) == 0 {
		d.begin("")
	}
	return d.all[len(d.all)-1]
}

func (d *pack) begin(title string) {
	d.all = append(d.all, &slide{Title: title, bare: true})
}

// fits says whether so many lines have room on the slide.
func (d *pack) fits(lines float64) bool {
	s := d.current()
	return s.bare || s.room+lines <= full
}

// put puts parts that belong together on the slide, or on a new one.
func (d *pack) put(parts ...part) {
	lines := 0.0
	for _, p := range parts {
		lines += p.lines
	}
	if level := parts[0].level; level > 0 {
		d.heading = plainText(parts[0].HTML)
		if s := d.current(); level <= breaking && len(s.Parts) > 0 {
			d.begin("")
		}
	} else if !d.fits(lines) {
		d.begin(d.heading)
	}
	s := d.current()
	for _, p := range parts {
		s.Parts = append(s.Parts, p)
		s.room += p.lines
		s.bare = s.bare && p.level > 0
	}
}

// putCell puts the code of a cell and its outputs on slides, and with the last of them the paragraph that reads it.
func (d *pack) putCell(b block, reading *part) {
	code := part{Class: "source", HTML: b.HTML, lines: 1 + codeLines*float64(lines(b.HTML))}
	group, taken := []part{code}, code.lines
	first := code.lines
	if len(b.Outputs) > 0 && first+linesOf(b.Outputs[0]) <= full {
		first += linesOf(b.Outputs[0])
	}
	if lead := d.lead(first); lead != nil {
		group, taken = []part{*lead, code}, taken+lead.lines
	}
	for i, o := range b.Outputs {
		p := part{Class: "output " + o.Class, HTML: o.HTML, Columns: o.Columns, lines: linesOf(o)}
		together, more := []part{p}, p.lines
		if reading != nil && i == len(b.Outputs)-1 {
			together, more = append(together, *reading), more+reading.lines
		}
		if taken+more > full {
			d.put(group...)
			group, taken = nil, 0
		}
		group, taken = append(group, together...), taken+more
	}
	d.put(group...)
}

// lead takes the last paragraph of a slide that has no room for the cell behind it: what leads to a cell stands above it.
func (d *pack) lead(lines float64) *part {
	s := d.current()
	if d.fits(lines) || len(s.Parts) < 2 {
		return nil
	}
	last, before := s.Parts[len(s.Parts)-1], s.Parts[len(s.Parts)-2]
	if last.Class != "prose" || last.reads || last.level > 0 || before.level > 0 || last.lines > 6 || last.lines+lines > full {
		return nil
	}
	s.Parts, s.room = s.Parts[:len(s.Parts)-1], s.room-last.lines
	return &last
}

func linesOf(o output) float64 {
	switch {
	case o.Class == "figure", strings.Contains(string(o.HTML), "<img"):
		return figure
	case strings.Contains(string(o.HTML), "<script"): // what it makes of itself is large
		return full - 5
	case o.Class == "prose":
		return 1 + float64(utf8.RuneCountInString(plainText(o.HTML)))/wide
	}
	return 0.5 + codeLines*float64(lines(o.HTML))
}

func lines(h template.HTML) int {
	return 1 + strings.Count(strings.TrimRight(plainText(h), "\n"), "\n")
}

func plainText(h template.HTML) string {
	nodes, err := fragment(h)
	if err != nil {
		return string(h)
	}
	var out strings.Builder
	for _, n := range nodes {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
		out.WriteString(textOf(n))
	}
	return strings.TrimSpace(out.String())
}

func fragment(h template.HTML) ([]*html.Node, error) {
	return html.ParseFragment(strings.NewReader(string(h)), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
}

// partsOf cuts prose into its paragraphs, lists, tables and so on.
func partsOf(prose template.HTML) ([]part, error) {
	nodes, err := fragment(prose)
	if err != nil {
		return nil, fmt.Errorf("slides: %w", err)
	}
	var parts []part
	for _, n := range nodes {
		if n.Type == html.TextNode && strings.TrimSpace(n.Data) == "" {
			continue
		}
		var out strings.Builder
		if err := html.Render(&out, n); err != nil {
			return nil, fmt.Errorf("slides: %w", err)
		}
		level := slices.Index([]atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6}, n.DataAtom) + 1
		parts = append(parts, part{Class: "prose", HTML: template.HTML(out.String()), level: level, lines: height(n, level)})
	}
	return parts, nil
}

// height is about how many lines a piece of prose takes.
func height(n *html.Node, level int) float64 {
	text := textOf(n)
	wrapped := func(text string) float64 { return float64(1 + utf8.RuneCountInString(text)/wide) }
	sum := 0.6
	switch {
	case level > 0:
		return 2.2
	case n.DataAtom == atom.Pre:
		return 1 + codeLines*float64(1+strings.Count(strings.TrimRight(text, "\n"), "\n"))
	case n.DataAtom == atom.Table:
		for d := range n.Descendants() {
			if d.DataAtom == atom.Tr {
				sum += max(1.3, wrapped(textOf(d)))
			}
		}
		return sum
	case n.DataAtom == atom.Ul, n.DataAtom == atom.Ol:
		for d := range n.ChildNodes() {
			if d.DataAtom == atom.Li {
				sum += wrapped(textOf(d))
			}
		}
		return sum
	}
	for d := range n.Descendants() {
		if d.DataAtom == atom.Img {
			return figure
		}
	}
	return sum + wrapped(text)
}
