// Package answer turns what a student gave in a cell into data that can leave it: a number, a text, or what a func returned for given
// inputs. It knows no exercise. Package check judges the data, in the same process or, for `tlab grade`, in another one that the cell cannot
// reach.
package answer

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Verb says which of check's functions took the answer.
type Verb string

const (
	Answered  Verb = "answer"
	Predicted Verb = "predict"
)

// Given is one answer as it leaves a cell. Exactly one of Number, Text, Type and Fault says what it is, unless Blank.
type Given struct {
	ID      string   `json:"id"` // the exercise, "02/conv1"
	Verb    Verb     `json:"verb"`
	Blank   bool     `json:"blank,omitempty"`   // nil: not answered yet
	Number  *float64 `json:"number,omitempty"`  // finite
	Text    *string  `json:"text,omitempty"`    // a formula, a letter, a number with commas
	Type    string   `json:"type,omitempty"`    // of a func: "func(int, int) int"
	Outputs []Output `json:"outputs,omitempty"` // of a func, one for each case, in order; fewer where it stopped
	Fault   string   `json:"fault,omitempty"`   // why it is none of these: "NaN is no number"
}

// Case is the arguments of one call, each as JSON.
type Case []json.RawMessage

// Arguments makes a case of values: numbers, text, booleans, and slices of them.
func Arguments(values ...any) (Case, error) {
	c := make(Case, len(values))
	for i, v := range values {
		data, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("answer: argument %d: %w", i+1, err)
		}
		c[i] = data
	}
	return c, nil
}

// String is the arguments as one would write them: (32, 5, 2).
func (c Case) String() string {
	words := make([]string, len(c))
	for i, data := range c {
		words[i] = string(data)
	}
	return "(" + strings.Join(words, ", ") + ")"
}

// Output is what a func returned for one case. Exactly one of its fields is set.
type Output struct {
	Results []json.RawMessage `json:"results,omitempty"`
	Panic   string            `json:"panic,omitempty"` // the panic's text
	Late    bool              `json:"late,omitempty"`  // it had not returned after the patience; later cases were not tried
	Fault   string            `json:"fault,omitempty"` // its result cannot be compared: "the result is NaN"
}

const (
	longestText = 2000 // bytes of a text, and of a panic's
	// mostResult is the bytes of one result. A longer one answers no question here.
	mostResult = 20_000
)

// Give describes a value that a student gave. A func is called with each of the cases; each call may take patience, and none is
// tried after one that took longer, since Go cannot end what does not end by itself.
func Give(id string, verb Verb, value any, cases []Case, patience time.Duration) Given {
	g := Given{ID: id, Verb: verb}
	v := reflect.ValueOf(value)
	for v.IsValid() && v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		g.Blank = true
	case v.CanInt():
		g.number(float64(v.Int()))
	case v.CanUint():
		g.number(float64(v.Uint()))
	case v.CanFloat():
		g.number(v.Float())
	case v.Kind() == reflect.String && len(v.String()) > longestText:
		g.Fault = fmt.Sprintf("the text is %d bytes long", v.Len())
	case v.Kind() == reflect.String:
		text := v.String()
		g.Text = &text
		g.Blank = strings.TrimSpace(text) == ""
	case v.Kind() == reflect.Func && v.IsNil():
		g.Blank = true
	case v.Kind() == reflect.Func:
		g.Type = v.Type().String()
		g.Outputs = call(v, cases, patience)
	default:
		g.Fault = fmt.Sprintf("a value of type %s is neither a number nor a text nor a func", v.Type())
	}
	return g
}

func (g *Given) number(n float64) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		g.Fault = fmt.Sprintf("%v is no number that could be an answer", n)
		return
	}
	g.Number = &n
}

// String is the answer as the student would recognise it.
func (g Given) String() string {
	switch {
	case g.Blank:
		return "nothing"
	case g.Number != nil:
		return strconv.FormatFloat(*g.Number, 'f', -1, 64)
	case g.Text != nil:
		return *g.Text
	case g.Type != "":
		return "a " + g.Type
	}
	return g.Fault
}

// call calls f with each case.
func call(f reflect.Value, cases []Case, patience time.Duration) []Output {
	outputs := make([]Output, 0, len(cases))
	for _, c := range cases {
		done := make(chan Output, 1)
		go func() { done <- callOnce(f, c) }()
		timer := time.NewTimer(patience)
		select {
		case out := <-done:
			timer.Stop()
			outputs = append(outputs, out)
		case <-timer.C:
			select {
			case out := <-done: // the machine slept, not the func
				outputs = append(outputs, out)
				continue
			default:
			}
			return append(outputs, Output{Late: true})
		}
	}
	return outputs
}

// callOnce calls f with one case. A panic of the student's code ends here.
func callOnce(f reflect.Value, c Case) (out Output) {
	defer func() {
		if r := recover(); r != nil {
			text := fmt.Sprint(r)
			out = Output{Panic: "panic: " + text[:min(len(text), longestText)]}
		}
	}()
	t := f.Type()
	if t.NumIn() != len(c) || t.IsVariadic() {
		return Output{Fault: fmt.Sprintf("%s does not take %d arguments", t, len(c))}
	}
	args := make([]reflect.Value, len(c))
	for i, data := range c {
		arg := reflect.New(t.In(i))
		if err := json.Unmarshal(data, arg.Interface()); err != nil {
			return Output{Fault: fmt.Sprintf("%s does not take %s", t, c)}
		}
		args[i] = arg.Elem()
	}
	for _, result := range f.Call(args) {
		data, err := json.Marshal(result.Interface())
		switch {
		case err != nil:
			return Output{Fault: fmt.Sprintf("the result is %v", result.Interface())}
		case len(data) > mostResult:
			return Output{Fault: fmt.Sprintf("the result is %d bytes long", len(data))}
		}
		out.Results = append(out.Results, data)
	}
	return out
}
