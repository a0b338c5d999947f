package check

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// lesson12 holds the exercises of lesson 12.
var lesson12 = []Exercise{
	{ID: "12/guess-own", Title: "predict: a classifier from few pictures", Make: guessOwn, Right: []any{0.9, 0.5}, Nonsense: []any{90, "good"}},
	{ID: "12/interval", Title: "how far a small test reaches", Points: 2, Make: testInterval,
		Right:    []any{0.11, 0.1095},
		Wrong:    []Sample{{0.0548, "one standard error"}, {0.0060, "root"}, {0.2191, "whole width"}},
		Nonsense: []any{12, "wide"}},
	{ID: "12/guess-burst", Title: "predict: frames drawn at random", Make: guessBurst, Right: []any{0.8}, Nonsense: []any{-0.1, "high"}},
	{ID: "12/leaks", Title: "does a split leak, as code", Points: 3, Make: splitLeaks,
		Right:    []any{leaks},
		Wrong:    []Sample{{neighboursLeak, "neighbours"}, {bothSides, "both parts have pictures"}},
		Nonsense: []any{func(burst []int, inTest []bool) bool { return true }, func(burst []int, inTest []bool) bool { return false }, 1}},
	{ID: "12/wall", Title: "the heat map lies on the wall", Make: heatOnTheWall,
		Right: []any{"c"}, Wrong: []Sample{{"a", "pictures of the same"}, {"b", "epochs"}, {"d", "map"}}, Nonsense: []any{"e", 3}},
}

func guessOwn(*Draw) Question {
	return Prediction{Ask: "There are three kinds of solar cells, and about 70 pictures of them to learn from. Which accuracy will the head alone have on 30 cells that it has not seen?",
		Low: 0, High: 1, Close: 0.07, Hint: "Always giving the same answer gets a third of them right."}
}

func testInterval(d *Draw) Question {
	n, right := 30, 27
	if k := d.Int(0, 1, 2, 3); k > 0 {
		n = []int{40, 50, 80}[k-1]
		right = []int{30, 40, 72}[k-1]
	}
	p := float64(right) / float64(n)
	error1 := math.Sqrt(p * (1 - p) / float64(n))
	return Numeric{
		Ask: fmt.Sprintf("A test has %d pictures, and %d of them are answered right. By how much may the accuracy be off to each side: what are two standard errors, as a number from 0 to 1? Three digits behind the point.",
			n, right),
		Want: 2 * error1, Tolerance: 0.0007,
		Hint: "One standard error of a share p of n pictures is the root of p(1−p)/n.",
		Why:  fmt.Sprintf("2·√(%.3f·%.3f/%d) = %.3f: the accuracy is %.2f ± %.2f.", p, 1-p, n, 2*error1, p, 2*error1),
		Mistakes: []Mistake{
			{Answer: error1, Name: "gave one standard error", Why: "The interval that holds 95 of 100 times reaches about two of them to each side.", Credit: 0.5},
			{Answer: 2 * p * (1 - p) / float64(n), Name: "forgot the root", Why: "p(1−p)/n is the variance. What is in the units of the accuracy itself?", Credit: 0.25},
			{Answer: 4 * error1, Name: "gave the whole width", Why: "The question is how far it reaches to each side.", Credit: 0.5},
		},
	}
}

func guessBurst(*Draw) Question {
	return Prediction{Ask: "Which accuracy will the model have on frames that were drawn at random from all bursts?", Low: 0, High: 1, Close: 0.05,
		Hint: "For nearly each of these frames there is another of the same cell, taken a moment earlier or later, among those that the model learned from."}
}

func splitLeaks(*Draw) Question {
	return Code{
		Ask: "Write a func that tells whether a split leaks. burst[i] is the number of the burst that picture i is from, inTest[i] whether it is held out. It leaks where " +
			"pictures of one burst are on both sides.",
		Right: leaks,
		Cases: [][]any{
			{[]int{1, 1, 2, 2}, []bool{false, false, true, true}},
			{[]int{1, 1, 2, 2}, []bool{false, true, false, true}},
			{[]int{1, 2, 1}, []bool{true, false, false}},
			{[]int{3, 3, 3}, []bool{true, true, true}},
			{[]int{}, []bool{}},
		},
		Random: func(r *rand.Rand) []any {
			n, bursts := 2+r.IntN(8), 1+r.IntN(6)
			burst, inTest := make([]int, n), make([]bool, n)
			side := make([]bool, bursts)
			for i := range side {
				side[i] = r.IntN(2) == 0
			}
			for i := range n {
				burst[i] = r.IntN(bursts)
				inTest[i] = side[burst[i]] != (r.IntN(8) == 0)
			}
			return []any{burst, inTest}
		},
		Hint: "Remember for each burst on which side its first picture was.",
		Why:  "What belongs together, the frames of a burst, the photographs of one person, the cells of one module, has to be on one side as a whole.",
		Mistakes: []Mistake{
			{Answer: neighboursLeak, Name: "compared neighbours alone", Why: "Need the pictures of a burst stand next to each other in the list?", Credit: 0.25},
			{Answer: bothSides, Name: "looked whether both parts have pictures", Why: "Every split has pictures on both sides. Of which burst are they?"},
		},
	}
}

// leaks tells whether pictures of one burst are on both sides.
func leaks(burst []int, inTest []bool) bool {
	side := map[int]bool{}
	for i, b := range burst {
		if held, seen := side[b]; seen && held != inTest[i] {
			return true
		}
		side[b] = inTest[i]
	}
	return false
}

// neighboursLeak sees a burst only where its pictures follow each other.
func neighboursLeak(burst []int, inTest []bool) bool {
	for i := 1; i < len(burst); i++ {
		if burst[i] == burst[i-1] && inTest[i] != inTest[i-1] {
			return true
		}
	}
	return false
}

// bothSides tells whether there is any picture on each side.
func bothSides(_ []int, inTest []bool) bool {
	for _, held := range inTest {
		if held != inTest[0] {
			return true
		}
	}
	return false
}

// heatOnTheWall asks what to do about a background that was learned.
func heatOnTheWall(d *Draw) Question {
	thing := d.Text("cup", "plant", "book", "shoe")
	return Choice{
		Ask: fmt.Sprintf("In the demo, the answer “%s” is right each time, and its heat map lies on the wall behind. All pictures of the %s were taken at that wall, and those of the "+
			"other class elsewhere. What helps?", thing, thing),
		Options: []Option{
			{Text: "many more pictures of both, taken as before", Name: "asked for more pictures of the same kind", Why: "More pictures in which the wall tells the classes apart teach the wall. What must vary?"},
			{Text: "more epochs", Name: "asked for more epochs", Why: "The network has learned what separates the pictures that it got. Will it change its mind on the same pictures?"},
			{Text: "both classes at both places, and a test at a third", Right: true},
			{Text: "nothing: the answers are right, so the map is wrong", Name: "blamed the map", Why: fmt.Sprintf("Take the %s elsewhere. Will the answer be right there?", thing)},
		},
		Hint: "In the pictures that it got, which two things always come together?",
		Why:  "What is the same for both classes cannot tell them apart, so the network has to look at the thing. And only a test at another place shows whether it does.",
	}
}
