package count

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Markdown draws the table as Markdown (GitHub's tables). Names are escaped.
func (t Table) Markdown(v View) (string, error) {
	s, err := t.sheet(v)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "**%s**\n\n| %s |\n|", escapedMarkdown(s.title), strings.Join(s.head, " | "))
	for _, a := range s.align {
		out.WriteString(map[rune]string{'l': "---|", 'r': "---:|"}[a])
	}
	out.WriteByte('\n')
	for _, r := range s.rows {
		cells := append([]string(nil), r.cells...)
		cells[0] = strings.Repeat("&emsp;", r.level) + escapedMarkdown(cells[0])
		if r.open {
			cells[0] = strings.Repeat("&emsp;", r.level) + "**" + escapedMarkdown(r.cells[0]) + "**"
		}
		fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | "))
	}
	out.WriteByte('\n')
	for _, note := range s.notes {
		fmt.Fprintf(&out, "- %s\n", note)
	}
	return out.String(), nil
}

// escapedMarkdown takes its meaning from whatever Markdown would not print as it is.
func escapedMarkdown(text string) string {
	var out strings.Builder
	for _, r := range flat(text) {
		switch {
		case r == '<':
			out.WriteString("&lt;")
		case r == '&':
			out.WriteString("&amp;")
		case strings.ContainsRune("\\`*_{}[]()#+!|~>-$", r):
			out.WriteString("\\" + string(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// style is all that the HTML needs; nothing is fetched. Colours follow the page.
const style = `.count-table{border-collapse:collapse;font:13px/1.5 system-ui,sans-serif}
.count-table caption{text-align:left;font-weight:bold;padding:4px 0}
.count-table th,.count-table td{padding:1px 10px 1px 0;text-align:left;white-space:nowrap;font-variant-numeric:tabular-nums}
.count-table .count-number{text-align:right}
.count-table thead th{border-bottom:1px solid currentColor}
.count-table tbody th{font-weight:normal}
.count-table tbody .count-open th{font-weight:bold}
.count-table tfoot td{white-space:normal}
.count-table tfoot tr:first-child td{border-top:1px solid currentColor}
`

// escapedHTML does what html.EscapeString does. A notebook's cell links this package, and the linker would read html's table of two
// thousand entities for every cell.
var escapedHTML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// HTML draws the table as a piece of HTML that needs nothing beside it: a style and a table, no script. All text is escaped.
func (t Table) HTML(v View) (string, error) {
	s, err := t.sheet(v)
	if err != nil {
		return "", err
	}
	class := func(column int) string {
		if s.align[column] == 'r' {
			return ` class="count-number"`
		}
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<style>\n%s</style>\n<table class=\"count-table\">\n<caption>%s</caption>\n<thead><tr>", style, escapedHTML.Replace(flat(s.title)))
	for i, head := range s.head {
		fmt.Fprintf(&out, `<th scope="col"%s>%s</th>`, class(i), escapedHTML.Replace(head))
	}
	out.WriteString("</tr></thead>\n<tbody>\n")
	for _, r := range s.rows {
		out.WriteString("<tr")
		if r.open {
			out.WriteString(` class="count-open"`)
		}
		fmt.Fprintf(&out, `><th scope="row" style="padding-left:%dem">%s</th>`, r.level, escapedHTML.Replace(r.cells[0]))
		for i, cell := range r.cells[1:] {
			fmt.Fprintf(&out, "<td%s>%s</td>", class(i+1), escapedHTML.Replace(cell))
		}
		out.WriteString("</tr>\n")
	}
	out.WriteString("</tbody>\n<tfoot>\n")
	for _, note := range s.notes {
		fmt.Fprintf(&out, "<tr><td colspan=\"%d\">%s</td></tr>\n", len(s.head), escapedHTML.Replace(note))
	}
	out.WriteString("</tfoot>\n</table>\n")
	return out.String(), nil
}

// sums are the totals in JSON.
type sums struct {
	Params      int    `json:"params"`
	Trainable   int    `json:"trainable"`
	Frozen      int    `json:"frozen"`
	Buffers     int    `json:"buffers"`
	MACs        int64  `json:"macs"`
	Elements    int64  `json:"elements"`
	WeightBytes int64  `json:"weightBytes"`
	Batch       int    `json:"batch"`
	Optimizer   string `json:"optimizer"`
	Training    Memory `json:"trainingBytes"`
}

// JSON is the table for other programs, indented, with the blocks nested and the totals at the end.
func (t Table) JSON(v View) ([]byte, error) {
	memory, err := t.memory(v)
	if err != nil {
		return nil, err
	}
	rows := cut(t.Rows, v.Depth)
	if rows == nil {
		rows = []Row{}
	}
	return json.MarshalIndent(struct {
		Name   string `json:"name"`
		Input  []int  `json:"input"`
		Layers []Row  `json:"layers"`
		Totals sums   `json:"totals"`
	}{t.Name, t.Input, rows, sums{t.Params(), t.Trainable(), t.Frozen(), t.Buffers(), t.MACs(), t.Elements(), t.WeightBytes(), max(v.Batch, 1),
		v.Optimizer.String(), memory}}, "", " ")
}

// cut closes the blocks below a depth; 0 cuts nothing.
func cut(rows []Row, depth int) []Row {
	if depth == 0 {
		return rows
	}
	shallow := make([]Row, len(rows))
	for i, r := range rows {
		if depth == 1 {
			r.Rows = nil
		} else {
			r.Rows = cut(r.Rows, depth-1)
		}
		shallow[i] = r
	}
	return shallow
}
