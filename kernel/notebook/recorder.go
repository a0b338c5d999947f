package notebook

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"transferlab/kernel/wire"
)

// StreamLimit bounds the stream text kept for one cell, in bytes: a cell that floods stdout must not flood the page.
const StreamLimit = 4 << 20

// Recorder gathers what a kernel publishes into the outputs of cells, as a Jupyter front end shows them: consecutive text of one stream
// is joined, carriage returns overwrite, and an update of a displayed figure replaces it wherever it stands.
type Recorder struct {
	displays map[string][]*Output
	cell     *Cell
	clear    bool    // clear_output(wait=true): clear when the next output comes
	open     *Output // the stream output that text is being added to
	text     screen  // its text so far
	kept     int     // bytes of stream text in the cell's earlier outputs
	dropped  int     // bytes of stream text not kept
}

// Begin makes cell the one that is running, and empties it.
func (r *Recorder) Begin(cell *Cell) {
	r.End()
	if r.displays == nil {
		r.displays = map[string][]*Output{}
	}
	cell.Outputs, cell.Count = nil, 0
	r.cell, r.clear, r.kept, r.dropped = cell, false, 0, 0
}

// End says that the running cell is over, and notes in it what was left out.
func (r *Recorder) End() {
	if r.cell == nil {
		return
	}
	r.flush()
	if r.dropped > 0 {
		r.cell.Outputs = append(r.cell.Outputs, &Output{Kind: Stream, Name: "stderr",
			Text: fmt.Sprintf("… %d further bytes of output were not kept (the limit is %d)\n", r.dropped, StreamLimit)})
	}
	r.cell = nil
}

// content is the union of what the messages carry that become outputs.
type content struct {
	Name      string                     `json:"name"`
	Text      string                     `json:"text"`
	Data      map[string]json.RawMessage `json:"data"`
	Metadata  json.RawMessage            `json:"metadata"`
	Transient struct {
		DisplayID string `json:"display_id"`
	} `json:"transient"`
	Count     int      `json:"execution_count"`
	ErrName   string   `json:"ename"`
	ErrValue  string   `json:"evalue"`
	Traceback []string `json:"traceback"`
	Wait      bool     `json:"wait"`
}

// Message takes one message published for the running cell. Types that are no output are ignored. It returns the output that
// the message made or changed, nil for none; the text of a stream is in it only after the next other output, or End.
func (r *Recorder) Message(m *wire.Message) (*Output, error) {
	if r.cell == nil {
		return nil, nil
	}
	var c content
	switch m.Header.Type {
	case "stream", "display_data", "update_display_data", "execute_result", "error", "clear_output", "execute_input":
		if err := m.Decode(&c); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	switch m.Header.Type {
	case "execute_input":
		r.cell.Count = c.Count
		return nil, nil
	case "clear_output":
		if r.clear = c.Wait; !c.Wait {
			r.empty()
		}
		return nil, nil
	case "update_display_data":
		return r.update(c), nil
	}
	if r.clear {
		r.empty()
	}
	if m.Header.Type == "stream" {
		return r.stream(c), nil
	}
	r.flush()
	switch m.Header.Type {
	case "error":
		return r.add(&Output{Kind: Error, ErrName: c.ErrName, ErrValue: c.ErrValue, Traceback: c.Traceback}), nil
	case "execute_result":
		return r.add(&Output{Kind: Result, Data: c.Data, Metadata: c.Metadata, Count: c.Count}), nil
	}
	out := r.add(&Output{Kind: Display, Data: c.Data, Metadata: c.Metadata, displayID: c.Transient.DisplayID})
	if id := out.displayID; id != "" {
		r.displays[id] = append(r.displays[id], out)
	}
	return out, nil
}

func (r *Recorder) empty() {
	r.flush()
	r.cell.Outputs, r.kept, r.clear = nil, 0, false
}

func (r *Recorder) add(o *Output) *Output {
	r.cell.Outputs = append(r.cell.Outputs, o)
	return o
}

// update replaces a displayed figure in every cell that shows it.
func (r *Recorder) update(c content) *Output {
	var last *Output
	for _, o := range r.displays[c.Transient.DisplayID] {
		o.Data, o.Metadata = c.Data, c.Metadata
		last = o
	}
	return last
}

// stream joins text to the open stream output. The text stays in r.text until flush: output may come in very many small pieces.
func (r *Recorder) stream(c content) *Output {
	if r.open == nil || r.open.Name != c.Name {
		r.flush()
		r.open = r.add(&Output{Kind: Stream, Name: c.Name})
	}
	if room := max(StreamLimit-r.kept-r.text.len(), 0); len(c.Text) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(c.Text[cut]) {
			cut--
		}
		r.dropped += len(c.Text) - cut
		c.Text = c.Text[:cut]
	}
	r.text.write(c.Text)
	return r.open
}

// flush closes the open stream output.
func (r *Recorder) flush() {
	if r.open != nil {
		r.open.Text = r.text.String()
		r.kept += r.text.len()
		r.open, r.text = nil, screen{}
	}
}
