package check

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"transferlab/lessons/check/answer"
)

// Symbolic asks for a formula. A formula in any other form is as right: it is evaluated at random points and compared there.
type Symbolic struct {
	Ask      string
	Want     string            // the right formula: "n*(k*k*c) + n"
	Names    map[string]string // what each name in it means: "k": "side of the kernel". Others are not known to the student
	Low      int               // the points are whole numbers from Low …; 0 is 1
	High     int               // … to High; 0 is 40
	Hint     string
	Why      string
	Mistakes []Mistake // Answer is a formula
}

func (q Symbolic) ask(id string) string {
	var b strings.Builder
	b.WriteString(q.Ask + "\nWith")
	for i, name := range slices.Sorted(maps.Keys(q.Names)) {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s: %s", name, q.Names[name])
	}
	fmt.Fprintf(&b, ".\nAnswer with a formula in quotation marks (+ - * / ^, brackets, floor, ceil): check.Answer(%q, \"2*n + 1\")", id)
	return b.String()
}

func (q Symbolic) hint() string { return q.Hint }

func (q Symbolic) judge(g answer.Given, _ int64) Ruling {
	text := ""
	switch {
	case g.Text != nil:
		text = *g.Text
	case g.Number != nil:
		text = g.String() // a constant is a formula
	default:
		return Ruling{Status: NotUnderstood, Reason: "A formula in quotation marks is wanted, such as \"2*n + 1\"."}
	}
	// "P = 2*n" says what the formula is for.
	if _, behind, found := strings.Cut(text, "="); found {
		text = behind
	}
	given, err := parseFormula(text, slices.Collect(maps.Keys(q.Names)))
	if err != nil {
		return Ruling{Status: NotUnderstood, Reason: capital(err.Error()) + "."}
	}
	if q.same(given, q.Want) {
		return Ruling{Status: Right, Credit: 1, Reason: q.Why}
	}
	for _, m := range q.Mistakes {
		if formula, is := m.Answer.(string); is && q.same(given, formula) {
			return m.ruling()
		}
	}
	return Ruling{Status: Wrong, Reason: q.example(given)}
}

const points = 40

// same compares a formula with an author's at the points.
func (q Symbolic) same(given formula, author string) bool {
	want, err := parseFormula(author, slices.Collect(maps.Keys(q.Names)))
	if err != nil {
		return false // a test refuses such exercises
	}
	compared := 0
	for _, at := range q.points() {
		w, h := want(at), given(at)
		if math.IsNaN(w) || math.IsInf(w, 0) {
			continue
		}
		if !(math.Abs(h-w) <= 1e-9*max(1, math.Abs(w))) {
			return false
		}
		compared++
	}
	return compared > 0
}

// points are where formulas are compared; always the same ones.
func (q Symbolic) points() []map[string]float64 {
	low, high := max(q.Low, 1), q.High
	if high == 0 {
		high = 40
	}
	r := rand.New(rand.NewPCG(7, 7))
	all := make([]map[string]float64, points)
	for i := range all {
		all[i] = map[string]float64{}
		for _, name := range slices.Sorted(maps.Keys(q.Names)) {
			all[i][name] = float64(low + r.IntN(high-low+1))
		}
	}
	return all
}

// example says what a wrong formula gives where the right one gives something else.
func (q Symbolic) example(given formula) string {
	want, err := parseFormula(q.Want, slices.Collect(maps.Keys(q.Names)))
	if err != nil {
		return ""
	}
	for _, at := range q.points() {
		w, h := want(at), given(at)
		if math.Abs(h-w) <= 1e-9*max(1, math.Abs(w)) {
			continue
		}
		var values []string
		for _, name := range slices.Sorted(maps.Keys(at)) {
			values = append(values, fmt.Sprintf("%s = %.0f", name, at[name]))
		}
		return fmt.Sprintf("For %s it gives %s; right is %s.", strings.Join(values, ", "), plain(h), plain(w))
	}
	return "It cannot be computed everywhere."
}

// plain writes a number without an exponent.
func plain(n float64) string {
	if n == math.Trunc(n) {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.4g", n)
}
