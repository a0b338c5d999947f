package check

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"transferlab/lessons/check/answer"
)

// Code asks for a func. It is called on cases, some of them drawn anew each time, and what it returns is compared with what the author's
// func returns.
type Code struct {
	Ask       string
	Right     any                      // the author's func. Its type is what is asked for; it takes and returns numbers, texts, booleans and slices of them
	Cases     [][]any                  // arguments that are always tried: the lecture's, and the edges
	Random    func(r *rand.Rand) []any // draws more arguments; nil draws none
	Tolerance float64                  // relative, of numbers with a fraction; 0 is a millionth
	Hint      string
	Why       string
	Mistakes  []Mistake // Answer is a func of the same type
}

const (
	randomCases = 20
	// patience is how long one call of a student's func may take.
	patience = 2 * time.Second
)

func (q Code) ask(id string) string {
	return fmt.Sprintf("%s\nAnswer with a func of type %s: check.Answer(%q, yourFunc)", q.Ask, reflect.TypeOf(q.Right), id)
}

func (q Code) hint() string { return q.Hint }

// cases are the author's and those drawn with a seed.
func (q Code) cases(seed int64) (cases []answer.Case) {
	all := q.Cases
	if q.Random != nil {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		for range randomCases {
			all = append(all[:len(all):len(all)], q.Random(r))
		}
	}
	for _, values := range all {
		if c, err := answer.Arguments(values...); err == nil { // a test refuses exercises with others
			cases = append(cases, c)
		}
	}
	return cases
}

func (q Code) judge(g answer.Given, seed int64) Ruling {
	want := reflect.TypeOf(q.Right).String()
	if g.Type != want {
		have := "that is none."
		if g.Type != "" {
			have = "yours is a " + g.Type + "."
		}
		return Ruling{Status: NotUnderstood, Reason: fmt.Sprintf("A %s is wanted; %s", want, have)}
	}
	cases := q.cases(seed)
	right := q.outputs(q.Right, cases)
	good, first := 0, -1
	for i := range cases {
		if i < len(g.Outputs) && q.same(g.Outputs[i], right[i]) {
			good++
		} else if first < 0 {
			first = i
		}
	}
	if first < 0 {
		return Ruling{Status: Right, Credit: 1, Reason: q.Why}
	}
	for _, m := range q.Mistakes {
		if q.all(g.Outputs, q.outputs(m.Answer, cases)) {
			return m.ruling()
		}
	}
	r := Ruling{Status: Wrong, Reason: fmt.Sprintf("It is right in %d of %d cases. %s", good, len(cases), q.told(cases[first], g.Outputs, first, right))}
	if 2*good > len(cases) && !q.constant(g.Outputs) {
		r.Status, r.Credit = Partly, 0.5
	}
	return r
}

// constant reports whether a func returned the same in all cases. It is no part of an answer, though it be right in most of them.
func (q Code) constant(outputs []answer.Output) bool {
	return !slices.ContainsFunc(outputs, func(out answer.Output) bool { return !q.same(out, outputs[0]) })
}

// outputs are those of an author's func, which returns: however busy or long asleep the machine was, there is one for each case.
func (q Code) outputs(f any, cases []answer.Case) []answer.Output {
	return answer.Give("", answer.Answered, f, cases, math.MaxInt64).Outputs
}

func (q Code) all(have, want []answer.Output) bool {
	if len(have) != len(want) {
		return false
	}
	for i := range have {
		if !q.same(have[i], want[i]) {
			return false
		}
	}
	return true
}

// told says kindly what the func did in the first case that went wrong.
func (q Code) told(c answer.Case, have []answer.Output, i int, right []answer.Output) string {
	if i >= len(have) {
		return fmt.Sprintf("It was not tried on %s.", c)
	}
	switch out := have[i]; {
	case out.Late:
		return fmt.Sprintf("On %s it did not return within %v. Is there a loop whose condition never becomes false?", c, patience)
	case out.Panic != "":
		return fmt.Sprintf("On %s it stopped with a %s. What is special about these arguments?", c, out.Panic)
	case out.Fault != "":
		return fmt.Sprintf("On %s: %s.", c, out.Fault)
	default:
		return fmt.Sprintf("On %s it returns %s; right is %s.", c, results(out), results(right[i]))
	}
}

func results(out answer.Output) string {
	text := ""
	for i, data := range out.Results {
		if i > 0 {
			text += ", "
		}
		text += string(data)
	}
	return text
}

// same compares what two funcs returned.
func (q Code) same(have, want answer.Output) bool {
	if have.Panic != "" || have.Late || have.Fault != "" || len(have.Results) != len(want.Results) {
		return false
	}
	for i := range have.Results {
		var a, b any
		if json.Unmarshal(have.Results[i], &a) != nil || json.Unmarshal(want.Results[i], &b) != nil || !q.equal(a, b) {
			return false
		}
	}
	return true
}

// equal compares decoded JSON. An empty slice and nil are the same.
func (q Code) equal(have, want any) bool {
	tolerance := q.Tolerance
	if tolerance == 0 {
		tolerance = 1e-6
	}
	switch w := want.(type) {
	case float64:
		h, is := have.(float64)
		if is && w == math.Trunc(w) && math.Abs(w) < 1<<53 && h == math.Trunc(h) {
			return h == w || (q.Tolerance > 0 && math.Abs(h-w) <= tolerance*math.Abs(w))
		}
		return is && math.Abs(h-w) <= tolerance*max(math.Abs(w), 1e-12)
	case []any:
		h, is := have.([]any)
		if have != nil && !is || len(h) != len(w) {
			return false
		}
		for i := range w {
			if !q.equal(h[i], w[i]) {
				return false
			}
		}
		return true
	case nil:
		h, is := have.([]any)
		return have == nil || is && len(h) == 0
	}
	return reflect.DeepEqual(have, want)
}
