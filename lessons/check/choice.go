package check

import (
	"fmt"
	"strings"

	"transferlab/lessons/check/answer"
)

// Choice asks to choose among some answers. They are shown with the letters a, b, c … in an order that depends on the student; the
// lecture's own variant has the author's order.
type Choice struct {
	Ask     string
	Options []Option // 2 to 8, at least one of them right
	Hint    string
	Why     string // why the right ones are right
	Ordered bool   // the author's order for everybody: where the options are steps of a scale
}

// Option is one answer to choose. If several are right, all of them are wanted, "ac"; each one that is missing or too many then costs
// half of the points.
type Option struct {
	Text   string
	Right  bool
	Name   string  // the mistake of who chooses it, as the rest of "You …": "took the domain for the task". "" if Right
	Why    string  // what to think about, for who chooses it
	Credit float64 // share of the points for it alone, 0 to less than 1
}

// shuffled is the question with its options in the draw's order.
func (q Choice) shuffled(d *Draw) Choice {
	if d.random == nil || q.Ordered {
		return q
	}
	shuffled := make([]Option, len(q.Options))
	for i, from := range d.random.Perm(len(q.Options)) {
		shuffled[i] = q.Options[from]
	}
	q.Options = shuffled
	return q
}

func letter(i int) string { return string(rune('a' + i)) }

func (q Choice) rightLetters() (right string) {
	for i, o := range q.Options {
		if o.Right {
			right += letter(i)
		}
	}
	return right
}

func (q Choice) ask(id string) string {
	var b strings.Builder
	b.WriteString(q.Ask)
	for i, o := range q.Options {
		fmt.Fprintf(&b, "\n  %s) %s", letter(i), o.Text)
	}
	if len(q.rightLetters()) > 1 {
		fmt.Fprintf(&b, "\nMore than one is right. Answer with all their letters: check.Answer(%q, \"ab\")", id)
	} else {
		fmt.Fprintf(&b, "\nAnswer with a letter: check.Answer(%q, \"a\")", id)
	}
	return b.String()
}

func (q Choice) hint() string { return q.Hint }

func (q Choice) judge(g answer.Given, _ int64) Ruling {
	letters := fmt.Sprintf("One of the letters a to %s is wanted, in quotation marks.", letter(len(q.Options)-1))
	right := q.rightLetters()
	if len(right) > 1 {
		letters = fmt.Sprintf("Some of the letters a to %s are wanted, in quotation marks.", letter(len(q.Options)-1))
	}
	if g.Text == nil {
		return Ruling{Status: NotUnderstood, Reason: letters}
	}
	chosen := make([]bool, len(q.Options))
	n := 0
	for _, r := range strings.ToLower(*g.Text) {
		i := int(r - 'a')
		switch {
		case strings.ContainsRune(" ,;.()+&", r):
			continue
		case i < 0 || i >= len(q.Options) || chosen[i]:
			return Ruling{Status: NotUnderstood, Reason: fmt.Sprintf("%q is no choice. %s", *g.Text, letters)}
		}
		chosen[i] = true
		n++
	}
	if n == 0 || (n > 1 && len(right) == 1) {
		return Ruling{Status: NotUnderstood, Reason: letters}
	}
	return q.rule(chosen)
}

// rule judges what was chosen.
func (q Choice) rule(chosen []bool) Ruling {
	faults, taken := 0, 0
	var wrong *Option
	for i, o := range q.Options {
		if chosen[i] {
			taken++
		}
		if chosen[i] != o.Right {
			faults++
		}
		if chosen[i] && !o.Right && wrong == nil {
			wrong = &q.Options[i]
		}
	}
	if faults == 0 {
		return Ruling{Status: Right, Credit: 1, Reason: q.Why}
	}
	r := Ruling{Status: Wrong}
	if len(q.rightLetters()) > 1 {
		r.Credit = max(0, 1-float64(faults)/2)
		r.Reason = "One is missing."
		if faults > 1 {
			r.Reason = "Some are missing."
		}
	}
	if wrong != nil {
		r.Name, r.Reason = wrong.Name, wrong.Why
		if taken == 1 {
			r.Credit = max(r.Credit, wrong.Credit)
		}
	}
	if r.Credit > 0 {
		r.Status = Partly
	}
	return r
}
