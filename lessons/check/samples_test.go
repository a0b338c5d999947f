package check

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/lessons/check/answer"
)

// Every exercise stands the tests, and the worked ones of the authors' guide.
func every(t *testing.T, try func(t *testing.T, e Exercise)) {
	for _, e := range slices.Concat(lesson00, All()) {
		t.Run(e.ID, func(t *testing.T) { try(t, e) })
	}
}

// try judges an answer as a cell would, with little patience.
func (e Exercise) try(student string, value any) Ruling {
	const seed = 5
	verb := answer.Answered
	if _, is := e.For(student).(Prediction); is {
		verb = answer.Predicted
	}
	return e.Judge(student, answer.Give(e.ID, verb, value, e.Cases(student, seed), time.Second/2), seed)
}

// The samples that an author wrote down are judged as the author says.
func TestSamples(t *testing.T) {
	every(t, func(t *testing.T, e Exercise) {
		for _, value := range e.Right {
			if r := e.try("", value); r.Status != Right || r.Credit != 1 {
				t.Errorf("right answer %v: %s, %v of the points: %s", value, r.Status, r.Credit, r.Reason)
			}
		}
		for _, s := range e.Wrong {
			r := e.try("", s.Answer)
			if r.Status == Right || r.Credit >= 1 {
				t.Errorf("wrong answer %v is right", s.Answer)
			}
			if s.Names == "" || !strings.Contains(r.Name, s.Names) {
				t.Errorf("wrong answer %v is named %q, want %q in it", s.Answer, r.Name, s.Names)
			}
		}
		for _, value := range e.Nonsense {
			if r := e.try("", value); r.Credit != 0 || r.Name != "" || r.Status == Right || r.Status == Partly {
				t.Errorf("nonsense %v: %s, %v of the points, named %q", value, r.Status, r.Credit, r.Name)
			} else if r.Reason == "" {
				t.Errorf("nonsense %v: no reason is given", value)
			}
		}
		_, isPrediction := e.For("").(Prediction)
		if len(e.Right) == 0 || len(e.Nonsense) == 0 || (len(e.Wrong) == 0 && !isPrediction) {
			t.Error("at least one sample each of Right, Wrong and Nonsense is wanted")
		}
	})
}

// students are none, whose variant is the lecture's, and a hundred.
func students() []string {
	names := []string{""}
	for i := range 100 {
		names = append(names, fmt.Sprintf("student %d", i))
	}
	return names
}

// In every variant the right answer is right, and each mistake is recognised as itself.
func TestVariants(t *testing.T) {
	every(t, func(t *testing.T, e Exercise) {
		names := students()
		if _, is := e.For("").(Code); is {
			names = names[:5] // calls funcs, many times
		}
		for _, student := range names {
			q := e.For(student)
			if text := q.ask(e.ID); !strings.Contains(text, fmt.Sprintf("%q", e.ID)) || strings.Contains(text, "%!") {
				t.Fatalf("%s: question %q", student, text)
			}
			right, mistakes := own(q)
			if right == nil {
				continue
			}
			if r := e.try(student, right); r.Status != Right {
				t.Fatalf("%q: right answer %v: %s: %s", student, right, r.Status, r.Reason)
			} else if r.Reason == "" || strings.Contains(r.Reason, "%!") {
				t.Fatalf("%q: reason of the right answer: %q", student, r.Reason)
			}
			for _, m := range mistakes {
				r := e.try(student, m.Answer)
				if r.Name != m.Name || r.Status == Right {
					t.Fatalf("%q: mistake %q with answer %v is %s, named %q; in\n%s", student, m.Name, m.Answer, r.Status, r.Name, q.ask(e.ID))
				}
				if m.Name == "" || m.Why == "" || m.Credit < 0 || m.Credit >= 1 {
					t.Fatalf("%q: mistake %+v: want a name, a reason, and a credit from 0 to less than 1", student, m)
				}
			}
		}
	})
}

// own is the author's right answer and mistakes.
func own(q Question) (right any, mistakes []Mistake) {
	switch q := q.(type) {
	case Numeric:
		return q.Want, q.Mistakes
	case Symbolic:
		return q.Want, q.Mistakes
	case Code:
		return q.Right, q.Mistakes
	case Choice:
		for i, o := range q.Options {
			if !o.Right {
				mistakes = append(mistakes, Mistake{letter(i), o.Name, o.Why, o.Credit})
			}
		}
		return q.rightLetters(), mistakes
	}
	return nil, nil
}

var wellFormed = regexp.MustCompile(`^[0-9]{2}/[a-z0-9-]+$`)

// What an author can get wrong without any answer showing it.
func TestExercisesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	every(t, func(t *testing.T, e Exercise) {
		if !wellFormed.MatchString(e.ID) || seen[e.ID] {
			t.Errorf("ID %q: want lesson/name, once", e.ID)
		}
		seen[e.ID] = true
		if e.Title == "" || len(e.Title) > 50 || e.Points < 0 {
			t.Errorf("title %q, points %v", e.Title, e.Points)
		}
		q := e.For("")
		if _, is := q.(Prediction); !is && q.hint() == "" {
			t.Error("no hint")
		}
		switch q := q.(type) {
		case Prediction:
			if !(q.Low < q.High) || !(q.Close > 0) {
				t.Errorf("a prediction from %v to %v, close within %v", q.Low, q.High, q.Close)
			}
		case Choice:
			if len(q.Options) < 2 || len(q.Options) > 8 || q.rightLetters() == "" || len(q.rightLetters()) == len(q.Options) {
				t.Errorf("%d options, of which %q are right", len(q.Options), q.rightLetters())
			}
		case Code:
			for _, c := range q.Cases {
				if _, err := answer.Arguments(c...); err != nil || len(c) != reflect.TypeOf(q.Right).NumIn() {
					t.Errorf("case %v: %v", c, err)
				}
			}
			if n := len(q.cases(1)); n < 3 {
				t.Errorf("%d cases", n)
			}
		case Symbolic:
			for _, m := range append(q.Mistakes, Mistake{Answer: q.Want}) {
				text, _ := m.Answer.(string)
				f, err := parseFormula(text, slices.Collect(maps.Keys(q.Names)))
				if err != nil {
					t.Errorf("formula %q: %v", text, err)
				} else if math.IsNaN(f(q.points()[0])) {
					t.Errorf("formula %q is not a number at %v", text, q.points()[0])
				}
			}
		}
	})
}
