package page

import (
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	terminal "github.com/buildkite/terminal-to-html/v3"

	"transferlab/kernel/notebook"
)

// renderOutputs renders the outputs of the cell that is the n-th of its notebook.
func renderOutputs(cell *notebook.Cell, n int, p *prose) ([]output, error) {
	var outs []output
	for i, o := range cell.Outputs {
		var out output
		var err error
		switch o.Kind {
		case notebook.Stream:
			text := trimBlank(o.Text)
			if text == "" {
				continue
			}
			out.Class = "text " + map[bool]string{true: "stderr", false: "stdout"}[o.Name == "stderr"]
			out.HTML, err = colours(text)
			out.Columns = columns(text)
		case notebook.Error:
			text := strings.Join(o.Traceback, "\n")
			if text == "" {
				text = o.ErrName + ": " + o.ErrValue
			}
			out.Class = "error"
			out.HTML, err = colours(text)
			out.Columns = columns(text)
		default:
			out, err = data(o, fmt.Sprintf("Figure %d of cell %d", i+1, n), p)
		}
		if err != nil {
			return nil, err
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// trimBlank drops the spaces that erased progress lines leave at the ends of lines, and a text of nothing else.
func trimBlank(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// columns is how wide a text is, where that is wider than paper, else 0. A table of text is then set smaller; broken lines would be no table. A
// few lines in a longer text, such as notes below a table, may be longer: they are broken.
func columns(text string) int {
	const paper = 96
	var lengths []int
	for line := range strings.Lines(text) {
		lengths = append(lengths, utf8.RuneCountInString(strings.TrimRight(line, " \n")))
	}
	slices.Sort(lengths)
	if len(lengths) == 0 || lengths[len(lengths)-1-len(lengths)/5] <= paper {
		return 0
	}
	return min(lengths[len(lengths)-1-len(lengths)/5], 2*paper) // nobody reads letters smaller than that
}

// data renders a display in the richest form that a page without scripts can show.
func data(o *notebook.Output, alt string, p *prose) (output, error) {
	plain := o.DataText("text/plain")
	if plain != "" {
		alt = plain
	}
	if h := o.DataText("text/html"); h != "" {
		return output{Class: "html", HTML: template.HTML(h)}, nil
	}
	if svg := o.DataText("image/svg+xml"); svg != "" {
		if t := svgTitle(svg); t != "" {
			alt = t
		}
		return picture("image/svg+xml", base64.StdEncoding.EncodeToString([]byte(svg)), alt), nil
	}
	for _, kind := range []string{"image/png", "image/jpeg", "image/gif", "image/webp"} {
		if b64 := o.DataText(kind); b64 != "" {
			return picture(kind, strings.ReplaceAll(b64, "\n", ""), alt), nil
		}
	}
	if md := o.DataText("text/markdown"); md != "" {
		h, err := p.render(md, images{})
		return output{Class: "prose", HTML: h}, err
	}
	if tex := o.DataText("text/latex"); tex != "" {
		return output{Class: "prose", HTML: template.HTML(formula(strings.Trim(tex, "$ \n"), true))}, nil
	}
	if plain == "" {
		return output{Class: "text", HTML: "<pre>(an output that only a notebook can show)</pre>"}, nil
	}
	h, err := colours(plain)
	return output{Class: "text", HTML: h, Columns: columns(plain)}, err
}

// picture is a figure with its description. SVG too is embedded as an image: its names cannot meet those of another figure, and it
// cannot run anything.
func picture(kind, b64, alt string) output {
	return output{Class: "figure", HTML: template.HTML(fmt.Sprintf(`<img alt="%s" src="data:%s;base64,%s">`,
		html.EscapeString(alt), kind, html.EscapeString(b64)))}
}

var titleElement = regexp.MustCompile(`(?s)<title[^>]*>(.*?)</title>`)

// svgTitle is what an SVG calls itself.
func svgTitle(svg string) string {
	m := titleElement.FindStringSubmatch(svg)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(html.UnescapeString(m[1]))
}

// colours turns text with ANSI escapes into HTML.
func colours(text string) (template.HTML, error) {
	screen, err := terminal.NewScreen()
	if err != nil {
		return "", err
	}
	screen.Timestamps = false
	if _, err := screen.Write([]byte(text)); err != nil {
		return "", err
	}
	return template.HTML("<pre>" + screen.AsHTML() + "</pre>"), nil
}
