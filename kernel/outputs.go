package kernel

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"transferlab/kernel/diagnose"
	"transferlab/kernel/wire"
)

// outputs is what a cell publishes, on its way from GoNB to the front ends.
type outputs struct {
	publish func(msgType string, content any)
	relay   func(*wire.Message)
	limit   int64 // bytes of text on each stream; figures may have sixteen times as many
	tag     string

	text             map[string]int64 // bytes by stream
	figures, dropped int64
	shown            map[string]bool // display ids of this run
	kept             string          // of stderr: it may become a panic's first line
	holding          bool            // from a panic's first line on
	held             strings.Builder
	ending           string // GoNB's remark on how the program ended, which is the error's to say
}

// heldBytes bounds the text of a panic; a stack overflow's has hundreds of megabytes.
const heldBytes = 1 << 20

func newOutputs(limit int64, publish func(string, any), relay func(*wire.Message)) *outputs {
	return &outputs{publish: publish, relay: relay, limit: limit, tag: wire.NewID()[:8], shown: map[string]bool{}, text: map[string]int64{}}
}

// stream is the content of a stream message.
type stream struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// endings is what GoNB prints when a program failed.
var endings = regexp.MustCompile(`^(\^C\n)?` + badEnd + `\n$`)

// take handles one published message.
func (o *outputs) take(m *wire.Message) {
	switch m.Header.Type {
	case "status", "execute_input", "error": // the proxy's own are published instead
	case "stream":
		var s stream
		if m.Decode(&s) != nil {
			return
		}
		if s.Name == "stderr" {
			o.stderr(s.Text)
		} else {
			o.print(s.Name, s.Text)
		}
	case "display_data", "update_display_data":
		o.display(m)
	default:
		o.relay(m)
	}
}

// eraseDisplay is what a terminal understands as "clear the screen"; a notebook clears the cell's output.
const eraseDisplay = "\x1b[2J"

// print publishes text as far as the limit allows.
func (o *outputs) print(name, text string) {
	if before, after, found := strings.Cut(text, eraseDisplay); found {
		o.print(name, before)
		o.publish("clear_output", map[string]any{"wait": false})
		o.print(name, strings.TrimPrefix(after, "\x1b[H")) // the cursor's way home, which often follows
		return
	}
	room := o.limit - o.text[name]
	o.text[name] += int64(len(text))
	if room <= 0 {
		o.dropped += int64(len(text))
		return
	}
	if int64(len(text)) > room {
		o.dropped += int64(len(text)) - room
		text = strings.ToValidUTF8(text[:room], "")
	}
	if text != "" {
		o.publish("stream", stream{name, text})
	}
}

// stderr holds back what belongs to a panic, for the error to show.
func (o *outputs) stderr(text string) {
	if o.ending != "" { // it was not the end
		ending := o.ending
		o.ending = ""
		o.plainStderr(ending)
	}
	if endings.MatchString(text) {
		o.ending = text
		return
	}
	o.plainStderr(text)
}

func (o *outputs) plainStderr(text string) {
	if o.holding {
		o.hold(text)
		return
	}
	text, o.kept = o.kept+text, ""
	at := diagnose.HoldFrom(text)
	if at < 0 {
		at = diagnose.Undecided(text)
		o.print("stderr", text[:at])
		o.kept = text[at:]
		return
	}
	o.print("stderr", text[:at])
	o.holding = true
	o.hold(text[at:])
}

func (o *outputs) hold(text string) {
	if room := heldBytes - o.held.Len(); len(text) > room {
		text = text[:max(room, 0)]
	}
	o.held.WriteString(text)
}

// release publishes what was held back after all: the program printed such a line and went on to a good end.
func (o *outputs) release() {
	o.flush()
	if o.held.Len() > 0 {
		o.print("stderr", o.held.String())
		o.held.Reset()
	}
	if o.ending != "" {
		o.print("stderr", o.ending)
		o.ending = ""
	}
	o.holding = false
}

// flush publishes what did not become a panic.
func (o *outputs) flush() {
	o.print("stderr", o.kept)
	o.kept = ""
}

// close says what did not fit.
func (o *outputs) close() {
	if o.dropped > 0 {
		o.publish("stream", stream{"stderr", fmt.Sprintf("\n[output bounded: %s more were printed and dropped; a cell may print %s: %%limit output=… changes that]\n",
			bytesText(o.dropped), bytesText(o.limit))})
	}
}

// displayContent is the content of display_data and update_display_data.
type displayContent struct {
	Data      map[string]json.RawMessage `json:"data"`
	Metadata  map[string]json.RawMessage `json:"metadata"`
	Transient map[string]any             `json:"transient"`
}

// clearMIME is what plots.Clear displays: GoNB knows no message that clears a cell's output.
const clearMIME = "application/x-tlab-clear-output"

// display makes display ids fresh for each run: GoNB remembers them for ever and would only update the output of an earlier run. The first
// message of a run with an id makes its display, later ones update it.
func (o *outputs) display(m *wire.Message) {
	var c displayContent
	if m.Decode(&c) != nil {
		return
	}
	if wait, found := c.Data[clearMIME]; found {
		o.publish("clear_output", map[string]any{"wait": strings.Contains(string(wait), "true")})
		return
	}
	if o.figures += int64(len(m.Content)); o.figures > 16*o.limit {
		o.dropped += int64(len(m.Content))
		return
	}
	id, _ := c.Transient["display_id"].(string)
	if id == "" {
		o.relay(m)
		return
	}
	c.Transient["display_id"] = id + "-" + o.tag
	m.Header.Type = "update_display_data"
	if !o.shown[id] {
		o.shown[id] = true
		m.Header.Type = "display_data"
	}
	m.Content = raw(c)
	o.relay(m)
}

// shows reports whether m is about a display of this run.
func (o *outputs) shows(m *wire.Message) bool {
	var c displayContent
	if m.Decode(&c) != nil {
		return false
	}
	id, _ := c.Transient["display_id"].(string)
	return o.shown[id]
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 10_000_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
