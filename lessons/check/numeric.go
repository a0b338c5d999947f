package check

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"transferlab/lessons/check/answer"
)

// Numeric asks for a number.
type Numeric struct {
	Ask       string    // the question
	Want      float64   // the right answer
	Tolerance float64   // how far off is still right; 0 is a millionth of Want, which is exact for counts
	Unit      string    // "parameters"; "" has none
	Hint      string    // after two tries
	Why       string    // why Want is right, with the arithmetic; shown with a right answer only
	Mistakes  []Mistake // Answer is a number
}

// An answer may be a text, with spaces between the digits of a long number, or commas. A comma before a fraction is refused, and not read as
// a number a thousand times as large.
var (
	spaces  = strings.NewReplacer("_", "", " ", "", "\u00a0", "", "\u202f", "")
	grouped = regexp.MustCompile(`^[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$`)
)

// parseNumber reads a number; reason says why a text is none.
func parseNumber(text string) (n float64, reason string) {
	s := spaces.Replace(text)
	if strings.Contains(s, ",") {
		if !grouped.MatchString(s) {
			return 0, fmt.Sprintf("%q: a comma stands between thousands here, as in 1,234. Write a fraction with a point, as in 0.5.", text)
		}
		s = strings.ReplaceAll(s, ",", "")
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, fmt.Sprintf("%q is no number. A number is wanted, such as 123.", text)
	}
	return n, ""
}

func (q Numeric) ask(id string) string {
	unit := ""
	if q.Unit != "" {
		unit = " (" + q.Unit + ")"
	}
	return fmt.Sprintf("%s\nAnswer with a number%s: check.Answer(%q, 123)", q.Ask, unit, id)
}

func (q Numeric) hint() string { return q.Hint }

func (q Numeric) judge(g answer.Given, _ int64) Ruling {
	var n float64
	switch {
	case g.Number != nil:
		n = *g.Number
	case g.Text != nil:
		var reason string
		if n, reason = parseNumber(*g.Text); reason != "" {
			return Ruling{Status: NotUnderstood, Reason: reason}
		}
	default:
		return Ruling{Status: NotUnderstood, Reason: "A number is wanted, such as 123."}
	}
	if q.near(n, q.Want) {
		return Ruling{Status: Right, Credit: 1, Reason: q.Why}
	}
	for _, m := range q.Mistakes {
		if mistaken, is := number(m.Answer); is && q.near(n, mistaken) {
			return m.ruling()
		}
	}
	return Ruling{Status: Wrong, Reason: q.compare(n)}
}

// near reports whether n is want, within the tolerance, which grows with a mistake that made the number larger (per cent).
func (q Numeric) near(n, want float64) bool {
	tolerance := q.Tolerance
	if q.Want != 0 {
		tolerance *= max(1, math.Abs(want/q.Want))
	}
	if tolerance == 0 {
		tolerance = 1e-6 * math.Abs(want)
		if want == math.Trunc(want) { // a count
			tolerance = min(tolerance, 0.25)
		}
	}
	return math.Abs(n-want) <= tolerance
}

// compare says of a wrong number what can be said without the right one.
func (q Numeric) compare(n float64) string {
	switch {
	case n < 0 && q.Want >= 0:
		return "It cannot be negative."
	case q.Want == math.Trunc(q.Want) && n != math.Trunc(n) && q.Tolerance == 0:
		return "It is a whole number."
	case n > 50*q.Want && q.Want > 0:
		return "That is far too much."
	case n < q.Want/50 && q.Want > 0:
		return "That is far too little."
	case n > q.Want:
		return "That is too much."
	}
	return "That is too little."
}

// ruling is what somebody gets who made the mistake.
func (m Mistake) ruling() Ruling {
	r := Ruling{Status: Wrong, Credit: m.Credit, Name: m.Name, Reason: m.Why}
	if m.Credit > 0 {
		r.Status = Partly
	}
	return r
}

// number is a value of an author's as a float64.
func number(value any) (float64, bool) {
	switch n := value.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
