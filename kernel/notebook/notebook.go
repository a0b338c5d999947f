// Package notebook reads and writes Jupyter notebooks (nbformat 4, https://nbformat.readthedocs.io/en/latest/format_description.html)
// and gathers what a kernel publishes into the outputs of their cells.
package notebook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Notebook is a document of cells. Metadata that this package does not interpret is kept as it was.
type Notebook struct {
	Metadata json.RawMessage // a JSON object; nil is {}
	Cells    []*Cell
}

// Cell kinds.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// Cell is one cell. Count and Outputs belong to code cells only.
type Cell struct {
	ID          string // 1 to 64 of A–Z a–z 0–9 - _; "" is given one when written
	Kind        string // Code, Markdown or Raw
	Source      string
	Metadata    json.RawMessage // a JSON object; nil is {}
	Attachments json.RawMessage // images pasted into prose; nil for none
	Count       int             // execution count; 0 for a cell that did not run
	Outputs     []*Output
}

// Output kinds.
const (
	Stream  = "stream"
	Display = "display_data"
	Result  = "execute_result"
	Error   = "error"
)

// Output is one thing that a cell printed or showed.
type Output struct {
	Kind      string
	Name      string                     // Stream: "stdout" or "stderr"
	Text      string                     // Stream
	Data      map[string]json.RawMessage // Display, Result: MIME type to content; text is a JSON string, images are base64 in one
	Metadata  json.RawMessage            // Display, Result
	Count     int                        // Result
	ErrName   string                     // Error
	ErrValue  string                     // Error
	Traceback []string                   // Error: lines, possibly with ANSI colours
	displayID string                     // while a kernel runs: which later updates are meant for this output
}

// DataText returns the content of one MIME type as text, "" if absent or not text.
func (o *Output) DataText(mime string) string {
	var t multiline
	if json.Unmarshal(o.Data[mime], &t) != nil {
		return ""
	}
	return string(t)
}

// multiline is text that nbformat stores as a string or as a list of lines to be joined.
type multiline string

func (m *multiline) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err == nil {
		*m = multiline(strings.Join(lines, ""))
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return errors.New("neither a string nor a list of strings")
	}
	*m = multiline(s)
	return nil
}

// MarshalJSON writes a list of lines, as Jupyter does: it keeps differences between versions readable.
func (m multiline) MarshalJSON() ([]byte, error) {
	if m == "" {
		return []byte("[]"), nil
	}
	lines := strings.SplitAfter(string(m), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return encode(lines)
}

// The JSON of a notebook.
type (
	fileJSON struct {
		Cells    []cellJSON      `json:"cells"`
		Metadata json.RawMessage `json:"metadata"`
		Major    int             `json:"nbformat"`
		Minor    int             `json:"nbformat_minor"`
	}
	cellJSON struct {
		Attachments json.RawMessage `json:"attachments,omitempty"`
		Kind        string          `json:"cell_type"`
		Count       json.RawMessage `json:"execution_count,omitempty"`
		ID          string          `json:"id,omitempty"`
		Metadata    json.RawMessage `json:"metadata"`
		Outputs     *[]outputJSON   `json:"outputs,omitempty"`
		Source      multiline       `json:"source"`
	}
	outputJSON struct {
		Data      map[string]json.RawMessage `json:"data,omitempty"`
		ErrName   *string                    `json:"ename,omitempty"`
		ErrValue  *string                    `json:"evalue,omitempty"`
		Count     json.RawMessage            `json:"execution_count,omitempty"`
		Metadata  json.RawMessage            `json:"metadata,omitempty"`
		Name      string                     `json:"name,omitempty"`
		Kind      string                     `json:"output_type"`
		Text      multiline                  `json:"text,omitempty"`
		Traceback *[]string                  `json:"traceback,omitempty"`
	}
)

// Parse reads a notebook of nbformat 4. Older formats are refused: Jupyter itself converts them when it saves.
func Parse(data []byte) (*Notebook, error) {
	var f fileJSON
	if err := json.Unmarshal(data, &f); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
			return nil, fmt.Errorf("notebook: parse: line %d: %w", line, err)
		}
		return nil, fmt.Errorf("notebook: parse: %w", err)
	}
	if f.Major != 4 {
		return nil, fmt.Errorf("notebook: parse: nbformat %d (have 4; open and save it in Jupyter to convert)", f.Major)
	}
	nb := &Notebook{Metadata: f.Metadata}
	for i, c := range f.Cells {
		cell, err := parseCell(c)
		if err != nil {
			return nil, fmt.Errorf("notebook: parse cell %d: %w", i+1, err)
		}
		nb.Cells = append(nb.Cells, cell)
	}
	return nb, nil
}

// Language is the programming language that the metadata name, in lower case; "" if they name none.
func (nb *Notebook) Language() string {
	var m struct {
		Kernel struct {
			Language string `json:"language"`
		} `json:"kernelspec"`
		Info struct {
			Name string `json:"name"`
		} `json:"language_info"`
	}
	if json.Unmarshal(nb.Metadata, &m) != nil {
		return "" // metadata of another form say nothing of it
	}
	return strings.ToLower(cmp.Or(m.Kernel.Language, m.Info.Name))
}

func parseCell(c cellJSON) (*Cell, error) {
	if c.Kind != Code && c.Kind != Markdown && c.Kind != Raw {
		return nil, fmt.Errorf("cell_type %q (have code, markdown, raw)", c.Kind)
	}
	cell := &Cell{ID: c.ID, Kind: c.Kind, Source: string(c.Source), Metadata: c.Metadata, Attachments: c.Attachments}
	if c.Kind != Code {
		return cell, nil
	}
	cell.Count = number(c.Count)
	if c.Outputs == nil {
		return cell, nil
	}
	for j, o := range *c.Outputs {
		out := &Output{Kind: o.Kind, Name: o.Name, Text: string(o.Text), Data: o.Data, Metadata: o.Metadata, Count: number(o.Count)}
		switch o.Kind {
		case Stream, Display, Result:
		case Error:
			if o.ErrName == nil || o.ErrValue == nil || o.Traceback == nil {
				return nil, fmt.Errorf("output %d: error without ename, evalue or traceback", j+1)
			}
			out.ErrName, out.ErrValue, out.Traceback = *o.ErrName, *o.ErrValue, *o.Traceback
		default:
			return nil, fmt.Errorf("output %d: output_type %q (have stream, display_data, execute_result, error)", j+1, o.Kind)
		}
		cell.Outputs = append(cell.Outputs, out)
	}
	return cell, nil
}

// number reads a count that may be null.
func number(raw json.RawMessage) int {
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		return 0
	}
	return n
}

func count(n int) json.RawMessage {
	if n == 0 {
		return json.RawMessage("null")
	}
	return json.RawMessage(strconv.Itoa(n))
}

func object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// Bytes writes the notebook as nbformat 4.5, indented as Jupyter does. The same notebook gives the same bytes.
func (nb *Notebook) Bytes() ([]byte, error) {
	f := fileJSON{Metadata: object(nb.Metadata), Major: 4, Minor: 5, Cells: []cellJSON{}}
	used := map[string]bool{}
	for i, c := range nb.Cells {
		f.Cells = append(f.Cells, c.json(i, used))
	}
	data, err := encode(f)
	if err != nil {
		return nil, fmt.Errorf("notebook: write: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", " "); err != nil {
		return nil, fmt.Errorf("notebook: write: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// encode is json.Marshal without the escapes that HTML wants: code is full of < and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// json is the cell as written; i names it when it has no valid id of its own.
func (c *Cell) json(i int, used map[string]bool) cellJSON {
	id := c.ID
	if !validID(id) || used[id] {
		for n := i + 1; ; n++ {
			if id = fmt.Sprintf("cell-%d", n); !used[id] {
				break
			}
		}
	}
	used[id] = true
	out := cellJSON{ID: id, Kind: c.Kind, Metadata: object(c.Metadata), Source: multiline(c.Source), Attachments: c.Attachments}
	if c.Kind != Code {
		return out
	}
	out.Count = count(c.Count)
	outputs := []outputJSON{}
	for _, o := range c.Outputs {
		outputs = append(outputs, o.json())
	}
	out.Outputs = &outputs
	return out
}

func validID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	return strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func (o *Output) json() outputJSON {
	out := outputJSON{Kind: o.Kind}
	switch o.Kind {
	case Stream:
		out.Name, out.Text = o.Name, multiline(o.Text)
	case Error:
		trace := o.Traceback
		if trace == nil {
			trace = []string{}
		}
		out.ErrName, out.ErrValue, out.Traceback = &o.ErrName, &o.ErrValue, &trace
	default:
		out.Data, out.Metadata = o.Data, object(o.Metadata)
		if out.Data == nil {
			out.Data = map[string]json.RawMessage{}
		}
		if o.Kind == Result {
			out.Count = count(o.Count)
		}
	}
	return out
}
