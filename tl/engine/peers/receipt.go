package peers

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Receipt is what one tool reports about one run of the recipe: seconds of each step, shares of test images that are right.
// A step that a tool does not have, or does inside another, is 0. The names in JSON are those that the Python peers print.
type Receipt struct {
	Tool         string  `json:"tool"`
	Import       float64 `json:"import_s"`    // from the start of the process: its libraries
	Decode       float64 `json:"decode_s"`    // images read and resized, where nothing else ran meanwhile
	Load         float64 `json:"load_s"`      // network built, weights read
	Represent    float64 `json:"represent_s"` // the frozen network run once over the training rows
	Head         float64 `json:"head_s"`      // the head trained, compilation included
	Tune         float64 `json:"tune_s"`      // the last blocks trained, compilation included
	Evaluate     float64 `json:"evaluate_s"`  // both evaluations
	Total        float64 `json:"total_s"`     // from the first image decoded to the last accuracy
	Wall         float64 `json:"wall_s"`      // the whole process, as seen from outside
	Processor    float64 `json:"processor_s"` // processor time of the whole process, all cores together: fair on a busy machine too
	HeadAccuracy float64 `json:"head_accuracy"`
	TuneAccuracy float64 `json:"tune_accuracy"`
	HeadRight    string  `json:"head_right"` // for each test row, in order: 1 where the answer was right, else 0
	TuneRight    string  `json:"tune_right"`
}

// parse finds a tool's receipt: the last line of its output that is a JSON object.
func parse(tool, output string) (Receipt, error) {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if !strings.HasPrefix(lines[i], "{") {
			continue
		}
		r := Receipt{}
		if err := json.Unmarshal([]byte(lines[i]), &r); err != nil {
			return r, fmt.Errorf("peers: read the receipt of %s: %w", tool, err)
		}
		if r.Total <= 0 {
			return r, fmt.Errorf("peers: read the receipt of %s: no total_s in %q", tool, lines[i])
		}
		r.Tool = tool
		return r, nil
	}
	return Receipt{}, fmt.Errorf("peers: read the receipt of %s: it printed no JSON object, but %q", tool, lines[len(lines)-1])
}

// Table draws receipts as a Markdown table. The last three columns say how many times the first receipt's
// total, process and processor time each one took. Several rounds of a tool are one row of medians.
func Table(receipts []Receipt) string {
	receipts = medians(receipts)
	var out strings.Builder
	out.WriteString("| tool | import | decode | load | represent | head | tune | evaluate | total | process | processor | head accuracy | tuned accuracy | " +
		"total × | process × | processor × |\n")
	out.WriteString("|---|" + strings.Repeat("--:|", 15) + "\n")
	for _, r := range receipts {
		fmt.Fprintf(&out, "| %s ", r.Tool)
		for _, s := range []float64{r.Import, r.Decode, r.Load, r.Represent, r.Head, r.Tune, r.Evaluate, r.Total, r.Wall, r.Processor} {
			if s == 0 {
				out.WriteString("| – ")
			} else {
				fmt.Fprintf(&out, "| %.1f ", s)
			}
		}
		first := receipts[0]
		fmt.Fprintf(&out, "| %.3f | %.3f | %.2f | %.2f | %.2f |\n", r.HeadAccuracy, r.TuneAccuracy, r.Total/first.Total, r.Wall/first.Wall,
			r.Processor/first.Processor)
	}
	return out.String()
}
