package grade

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"transferlab/lessons/check"
)

// JSON writes all of the report.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// CSV writes a row for each submission, with a column for each exercise that one of them was marked on. It begins with a byte order mark where
// names have other letters than ASCII's: without it Excel takes ü for two letters, and with it some scripts stumble over the first column.
func (r Report) CSV(w io.Writer) error {
	ids := r.exercises()
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	head := []string{"file", "student", "points", "of", "percent", "ended", "sandbox", "seconds", "notes"}
	_ = out.Write(append(head, ids...)) // the writer keeps its error for the end
	for _, result := range r.Results {
		row := []string{cell(result.File), cell(result.Student), decimal(result.Points), decimal(result.Of), decimal(result.percent()),
			cell(result.Ended), cell(result.Sandbox), decimal(result.Seconds), cell(strings.Join(result.Notes, "; "))}
		for _, id := range ids {
			row = append(row, result.pointsFor(id))
		}
		_ = out.Write(row)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	if bytes.ContainsFunc(text.Bytes(), func(c rune) bool { return c >= utf8.RuneSelf }) {
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return err
		}
	}
	_, err := text.WriteTo(w)
	return err
}

// exercises are those of all results, in the lessons' order.
func (r Report) exercises() (ids []string) {
	marked := map[string]bool{}
	for _, result := range r.Results {
		for _, m := range result.Exercises {
			marked[m.ID] = true
		}
	}
	for _, e := range check.All() {
		if marked[e.ID] {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// pointsFor is empty for an exercise that the result has no mark on.
func (r Result) pointsFor(id string) string {
	for _, m := range r.Exercises {
		if m.ID == id {
			return decimal(m.Points)
		}
	}
	return ""
}

func (r Result) percent() float64 {
	if r.Of == 0 {
		return 0
	}
	return 100 * r.Points / r.Of
}

// cell is a text that a spreadsheet does not take for a formula (some take wide signs for narrow ones), nor a terminal for an order.
func cell(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}

func decimal(n float64) string {
	return strconv.FormatFloat(float64(int64(n*100+0.5))/100, 'f', -1, 64)
}

// Table writes what a lecturer wants to see at once: a line for each submission, and the exercises that went worst.
func (r Report) Table(w io.Writer) {
	wide := len("submission")
	for _, result := range r.Results {
		wide = max(wide, utf8.RuneCountInString(printable(result.File)))
	}
	wide = min(wide, 50)
	fmt.Fprintf(w, "%-*s %-16s %8s %8s %6s %8s  %s\n", wide, "submission", "student", "points", "of", "%", "seconds", "remarks")
	for _, result := range r.Results {
		fmt.Fprintf(w, "%s %s %8s %8s %6.0f %8.1f  %s\n", fit(printable(result.File), wide), fit(result.Student, 16), decimal(result.Points),
			decimal(result.Of), result.percent(), result.Seconds, result.remarks())
	}
	r.hardest(w)
}

// remarks is why a run ended early, or how many cells went wrong, and that there was no sandbox.
func (r Result) remarks() string {
	var all []string
	if r.Sandbox == Trusted {
		all = append(all, "not sandboxed")
	}
	if r.Ended != "" {
		all = append(all, r.Ended)
	}
	if n := len(r.Notes); n > 0 {
		all = append(all, r.Notes[0])
		if n > 1 {
			all = append(all, fmt.Sprintf("and %d more", n-1))
		}
	}
	return strings.Join(all, "; ")
}

// fit pads or cuts from the left: the end of a path says more than its beginning.
func fit(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n > width {
		return "…" + string([]rune(text)[n-width+1:])
	}
	return text + strings.Repeat(" ", width-n)
}

// hardest writes, for each exercise, the share of its points that was earned and the mistake that was made most.
func (r Report) hardest(w io.Writer) {
	ids := r.exercises()
	if len(ids) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-18s %6s %6s %6s  %s\n", "exercise", "right", "blank", "%", "most common mistake")
	for _, id := range ids {
		var right, blank int
		var points, of float64
		mistakes := map[string]int{}
		for _, result := range r.Results {
			for _, m := range result.Exercises {
				if m.ID != id {
					continue
				}
				points, of = points+m.Points, of+m.Of
				switch m.Status {
				case check.Right.String():
					right++
				case check.Blank.String():
					blank++
				}
				if m.Mistake != "" {
					mistakes[m.Mistake]++
				}
			}
		}
		fmt.Fprintf(w, "%-18s %6d %6d %6.0f  %s\n", id, right, blank, 100*points/of, most(mistakes))
	}
}

// most is the commonest of some, the first by name where several are.
func most(counts map[string]int) string {
	best := ""
	for name, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && name < best {
			best = name
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("%s (%d)", best, counts[best])
}
