package check

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// lesson08 holds the exercises of lesson 8.
var lesson08 = []Exercise{
	{ID: "08/rate", Title: "the rate of one group", Make: rateOfGroup,
		Right: []any{0.000333333, 3.333e-4, "0.00033"}, Wrong: []Sample{{0.001, "one group"}, {0.027, "multiplied"}, {0.000111111, "too far"}, {0.0005, "times the groups"}},
		Nonsense: []any{-1, "slow", 40}},
	{ID: "08/formula", Title: "the rate as a formula", Make: rateFormula,
		Right: []any{"r/f^g", "r*(1/f)^g", "r * f^(0-g)"}, Wrong: []Sample{{"r*f^g", "towards the input"}, {"r/(f*g)", "multiplied"}, {"r/f^(g+1)", "head itself"}},
		Nonsense: []any{"x+", "r+f+g", true}},
	{ID: "08/slice", Title: "the factor between groups of fastai's slice", Points: 2, Make: factorOfSlice,
		Right: []any{4.6416, 4.642}, Wrong: []Sample{{3.162, "groups, not the steps"}, {33.33, "evenly"}, {0.215, "turned"}}, Nonsense: []any{-2, "a"}},
	{ID: "08/adam", Title: "a gradient made smaller, under Adam", Make: scaledGradient,
		Right: []any{"c"}, Wrong: []Sample{{"a", "SGD"}, {"b", "square root"}, {"d", "Adam"}}, Nonsense: []any{"e", 3}},
	{ID: "08/finder", Title: "reading a rate finder", Make: readingFinder,
		Right: []any{"b"}, Wrong: []Sample{{"a", "lowest loss"}, {"c", "explodes"}, {"d", "smallest"}}, Nonsense: []any{"q", 0}},
	{ID: "08/rates", Title: "the rates of all groups, as a func", Points: 2, Make: allRates,
		Right: []any{groupRates}, Wrong: []Sample{{ratesFromHead, "order"}, {ratesWithoutHead, "head"}},
		Nonsense: []any{func(rate, factor float64, groups int) []float64 { return nil }, 1}},
	{ID: "08/stepback", Title: "the epoch to step back to, as a func", Points: 2, Make: epochToStepBackTo,
		Right: []any{bestEpoch}, Wrong: []Sample{{bestFromZero, "from 0"}, {firstRise, "first time"}, {lastEpoch, "last"}},
		Nonsense: []any{func(losses []float64) int { return -1 }, "2"}},
	{ID: "08/thaw", Title: "three ways to begin", Make: waysToBegin,
		Right: []any{"b"}, Wrong: []Sample{{"a", "LP-FT"}, {"c", "differential"}, {"d", "extraction"}}, Nonsense: []any{"x", 1}},
	{ID: "08/guess-one", Title: "predict: one high rate for all", Make: guessOneRate, Right: []any{0.6}, Nonsense: []any{-0.1, "low"}},
	{ID: "08/guess-decay", Title: "predict: a third per group", Make: guessDecay, Right: []any{0.8}, Nonsense: []any{80, "high"}},
}

// rateOfGroup asks for the rule of the slide, put to use.
func rateOfGroup(d *Draw) Question {
	rate, factor, below := d.Float(3e-3, 1e-3, 2e-3, 6e-3), d.Int(3, 5, 4, 6), d.Int(2, 3)
	want := rate / math.Pow(float64(factor), float64(below))
	return Numeric{
		Ask: fmt.Sprintf("The head learns at %g, and each earlier group of layers at a rate %d× smaller than the next later one. What is the rate of the group that lies %d groups "+
			"before the head? Two digits behind the zeros are enough, as in 0.0012.", rate, factor, below),
		Want: want, Tolerance: want / 40,
		Hint: fmt.Sprintf("The group next to the head has %g/%d.", rate, factor),
		Why:  fmt.Sprintf("%g / %d^%d = %.4g.", rate, factor, below, want),
		Mistakes: []Mistake{
			{Answer: rate / float64(factor), Name: "went back only one group", Why: "Each group on the way makes the rate smaller once more.", Credit: 0.25},
			{Answer: rate * math.Pow(float64(factor), float64(below)), Name: "multiplied where the rule divides", Why: "Earlier layers are more general. Should they move more, or less?", Credit: 0.25},
			{Answer: rate / math.Pow(float64(factor), float64(below+1)), Name: "went one group too far", Why: "The head itself has the whole rate.", Credit: 0.5},
			{Answer: rate / float64(factor*below), Name: "divided by the factor times the groups", Why: "The factor applies again at each group: it is a power.", Credit: 0.25},
		},
	}
}

func rateFormula(*Draw) Question {
	return Symbolic{
		Ask:   "Write the learning rate of a group of layers.",
		Want:  "r/f^g",
		Names: map[string]string{"r": "the head's learning rate", "f": "how many times smaller each earlier group's rate is", "g": "how many groups the group lies before the head"},
		Low:   1, High: 6,
		Hint: "Put numbers in: for g = 0 it is the head's rate, for g = 1 a 1/f of it, for g = 2 … ?",
		Why:  "The lab writes it as η·d^g with d = 1/f: tl.Phase{LearningRate: η, RateDecay: d}.",
		Mistakes: []Mistake{
			{Answer: "r*f^g", Name: "made the rates larger towards the input", Why: "\"3x-10x smaller\", says the slide, for the earlier ones.", Credit: 0.25},
			{Answer: "r/(f*g)", Name: "multiplied factor and groups", Why: "What is the rate for g = 0?", Credit: 0.25},
			{Answer: "r/f^(g+1)", Name: "made the rate of the head itself smaller", Why: "What does it give for g = 0?", Credit: 0.5},
		},
	}
}

// factorOfSlice asks for the ratio of a geometric progression from its ends.
func factorOfSlice(d *Draw) Question {
	spread, groups := d.Int(100, 50, 200, 1000), d.Int(4, 5, 3)
	want := math.Pow(float64(spread), 1/float64(groups-1))
	return Numeric{
		Ask: fmt.Sprintf("fastai's slice(lr/%d, lr) gives the last of %d layer groups the rate lr, the first lr/%d, and those between them rates in equal ratios. How many times smaller is "+
			"the rate of each group than that of the next later one? Two digits behind the point.", spread, groups, spread),
		Want: want, Tolerance: want / 200,
		Hint: fmt.Sprintf("From the last group to the first there are fewer steps than groups. The factor, taken so many times, makes %d.", spread),
		Why:  fmt.Sprintf("%d groups are %d steps, and %d^(1/%d) = %.2f.", groups, groups-1, spread, groups-1, want),
		Mistakes: []Mistake{
			{Answer: math.Pow(float64(spread), 1/float64(groups)), Name: "counted the groups, not the steps between them", Why: "How many steps lead from the first of three to the last?", Credit: 0.5},
			{Answer: float64(spread) / float64(groups-1), Name: "divided evenly", Why: "Equal ratios: the factor is taken several times, so think of a root.", Credit: 0.25},
			{Answer: 1 / want, Name: "turned it round", Why: "That is the decay. How many times smaller is asked for.", Credit: 0.5},
		},
	}
}

func scaledGradient(d *Draw) Question {
	times := d.Int(10, 3, 5, 100)
	return Choice{
		Ask: fmt.Sprintf("Somebody multiplies the gradient of the early layers by 1/%d before Adam sees it, in order to let them learn %d× slower. What happens to their steps?", times, times),
		Options: []Option{
			{Text: fmt.Sprintf("They become %d× smaller", times), Name: "thought of SGD", Why: "Under plain SGD that would be so. Adam divides by something first: by what?"},
			{Text: fmt.Sprintf("They become √%d times smaller", times), Name: "took the square root of the factor", Why: "Adam divides by the root of the mean *square* of the gradients. What does the factor do to that?"},
			{Text: "Next to nothing: they stay as they are", Right: true},
			{Text: fmt.Sprintf("They become %d× larger", times), Name: "turned Adam's division round", Why: "Adam divides a gradient by its usual size. Both shrink alike."},
		},
		Hint: "Adam's step is rate · m/√v, m a mean of the gradients and v a mean of their squares. Multiply every gradient by the same number.",
		Why:  "m shrinks as the gradients do, and so does √v: the factor cancels, but for the tiny ε below the line. What must be scaled is the step, which is what RateDecay does.",
	}
}

func readingFinder(d *Draw) Question {
	rise := Pick(d, []string{"1e-5", "1e-3", "1e-2", "1e-1"}, []string{"1e-6", "1e-4", "1e-3", "1e-2"})
	return Choice{
		Ask: fmt.Sprintf("A rate finder's loss is flat up to %s, falls fastest around %s, is lowest at %s and explodes at %s. With which rate do you begin?", rise[0], rise[1], rise[2], rise[3]),
		Options: []Option{
			{Text: rise[2] + ", where the loss is lowest", Name: "took the rate of the lowest loss", Why: "At its lowest the loss has stopped falling: the next larger steps undo what was learned. Stay clear of the edge.", Credit: 0.25},
			{Text: rise[1] + ", where it falls fastest", Right: true},
			{Text: rise[3] + ", since larger steps learn faster", Name: "took the rate at which the loss explodes", Why: "There each step does more harm than good."},
			{Text: rise[0] + ", to be safe", Name: "took the smallest rate", Why: "There the loss does not fall yet: training would be safe and take very long.", Credit: 0.25},
		},
		Hint: "You want the steps that bring the loss down most, with room before the edge.",
		Why:  "The steepest place, or a tenth of the rate at the lowest loss (Smith 2017): both stay clear of the edge. The lab marks valley, steepest and lowest / 10.",
	}
}

func allRates(*Draw) Question {
	return Code{
		Ask: "Write the learning rates of all layer groups, from the input to the head: groups counts the head as the last one, which learns at rate; each earlier group learns factor times slower " +
			"than the next.",
		Right: groupRates,
		Cases: [][]any{{3e-3, 3.0, 3}, {1e-3, 10.0, 1}, {1e-3, 10.0, 4}, {2e-3, 1.0, 2}},
		Random: func(r *rand.Rand) []any {
			return []any{math.Pow(10, -4+2*r.Float64()), 2 + 8*r.Float64(), 1 + r.IntN(8)}
		},
		Hint: "Fill a slice from its end: rates := make([]float64, groups); the last one is rate. What is the one before it?",
		Why:  "It is what a Phase with a RateDecay of 1/factor gives to the groups.",
		Mistakes: []Mistake{
			{Answer: ratesFromHead, Name: "gave them in the other order, from the head to the input", Why: "The first element is the group next to the input.", Credit: 0.5},
			{Answer: ratesWithoutHead, Name: "divided the rate of the head, too", Why: "The last element is the head's, and it has the whole rate.", Credit: 0.5},
		},
	}
}

func groupRates(rate, factor float64, groups int) []float64 {
	rates := make([]float64, groups)
	for i := groups - 1; i >= 0; i-- {
		rates[i] = rate
		rate /= factor
	}
	return rates
}

func ratesFromHead(rate, factor float64, groups int) []float64 {
	rates := make([]float64, groups)
	for i := range rates {
		rates[i] = rate
		rate /= factor
	}
	return rates
}

func ratesWithoutHead(rate, factor float64, groups int) []float64 {
	return groupRates(rate/factor, factor, groups)
}

func epochToStepBackTo(*Draw) Question {
	return Code{
		Ask:   "Write the epoch to step back to, counted from 1: losses holds the loss on valid after each epoch. Of epochs that are equally good take the earliest. Without any epoch it is 0.",
		Right: bestEpoch,
		Cases: [][]any{
			{[]float64{0.6, 0.5, 0.45, 0.47, 0.55}},
			{[]float64{0.6, 0.5, 0.52, 0.44, 0.5}},
			{[]float64{0.5, 0.5, 0.6}},
			{[]float64{0.3, 0.4}},
			{[]float64{}},
		},
		Random: func(r *rand.Rand) []any {
			losses := make([]float64, 1+r.IntN(12))
			for i := range losses {
				losses[i] = math.Round(100*(0.3+r.Float64())) / 100
			}
			return []any{losses}
		},
		Hint: "Go through all epochs and remember the best so far. A loss that rises once may fall again.",
		Why:  "It is what a phase keeps by itself, unless KeepLast is set, and what StepBack goes to when you ask it.",
		Mistakes: []Mistake{
			{Answer: bestFromZero, Name: "counted from 0", Why: "The first epoch has the number 1, as in the tables above.", Credit: 0.5},
			{Answer: firstRise, Name: "stopped where the loss rose for the first time", Why: "Look at 0.6, 0.5, 0.52, 0.44: a small rise need not be the end.", Credit: 0.25},
			{Answer: lastEpoch, Name: "took the last epoch", Why: "That is what one steps back from."},
		},
	}
}

func bestEpoch(losses []float64) int {
	best := 0
	for i, loss := range losses {
		if best == 0 || loss < losses[best-1] {
			best = i + 1
		}
	}
	return best
}

func bestFromZero(losses []float64) int { return max(0, bestEpoch(losses)-1) }

func firstRise(losses []float64) int {
	for i := 1; i < len(losses); i++ {
		if losses[i] > losses[i-1] {
			return i
		}
	}
	return len(losses)
}

func lastEpoch(losses []float64) int { return len(losses) }

func waysToBegin(*Draw) Question {
	return Choice{
		Ask: "Somebody first trains the head, then head and last group, then head and the last two groups, and so on, one more group each phase. What is that called?",
		Options: []Option{
			{Text: "LP-FT, a linear probe and then everything", Name: "took it for LP-FT", Why: "LP-FT has two phases: the head, and then the whole base at once."},
			{Text: "gradual unfreezing", Right: true},
			{Text: "differential learning rates", Name: "took it for differential rates", Why: "Those say how fast a group moves while it is unfrozen, not when it is unfrozen. The two are often used together."},
			{Text: "representation extraction", Name: "took it for representation extraction", Why: "There the base stays frozen from the first to the last phase."},
		},
		Hint: "It has its name from what is done to the groups, one after the other.",
		Why:  "Gradual unfreezing (Howard & Ruder 2018): tl.Gradual lists the phases.",
	}
}

func guessOneRate(*Draw) Question {
	return Prediction{Ask: "One rate for all blocks, the head's: which accuracy on valid, in the mean over the seeds?", Low: 0, High: 1, Close: 0.05,
		Hint: "Half of these images are defective: any constant answer gets 0.5."}
}

func guessDecay(*Draw) Question {
	return Prediction{Ask: "A third of the rate for each group towards the input: which accuracy on valid, in the mean over the seeds?", Low: 0, High: 1, Close: 0.05}
}
