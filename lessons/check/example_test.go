package check

import (
	"fmt"
	"math/rand/v2"
)

// lesson00 has two worked exercises of each kind, for authors to copy. It is tested like the lessons' own.
var lesson00 = []Exercise{
	{
		ID: "00/conv", Title: "parameters of a convolution",
		Make: func(d *Draw) Question {
			n, k, c := d.Int(8, 4, 12, 16, 24), d.Int(3, 5, 7), d.Int(3, 2, 6)
			return Numeric{
				Ask:  fmt.Sprintf("A convolution has %d filters of %d×%d; its input has %d channels. How many parameters has it?", n, k, k, c),
				Want: float64(n*(k*k*c) + n), Unit: "parameters",
				Hint: "Count for one filter first: it has a weight for each number that it looks at. What else has it?",
				Why:  fmt.Sprintf("%d × (%d×%d×%d) + %d = %d: each filter is as deep as its input, and has one bias.", n, k, k, c, n, n*k*k*c+n),
				Mistakes: []Mistake{
					{n * k * k * c, "forgot the biases", "Each filter adds one more number to its sum.", 0.5},
					{n*k*k + n, "forgot the depth", "A filter looks at all channels of its input, not at one.", 0.25},
				},
			}
		},
		Right:    []any{224, "224", 8*27 + 8},
		Wrong:    []Sample{{216, "biases"}, {80, "depth"}},
		Nonsense: []any{-1, "many", 1e12, 224.5},
	},
	{
		ID: "00/share", Title: "share of the majority",
		Make: func(d *Draw) Question {
			good, bad := d.Int(458, 460, 440), d.Int(198, 200, 190)
			share := float64(good) / float64(good+bad)
			return Numeric{
				Ask:       fmt.Sprintf("Of the test images %d are functional and %d defective. Which accuracy has a program that always says functional?", good, bad),
				Want:      share,
				Tolerance: 0.005, // two digits will do
				Hint:      "Accuracy is the share of right answers. In which cases is the program right?",
				Why:       fmt.Sprintf("%d / (%d + %d) = %.3f.", good, good, bad, share),
				Mistakes: []Mistake{
					{100 * share, "gave it in per cent", "An accuracy here is between 0 and 1.", 0.75},
					{float64(good) / float64(bad), "divided by the other class", "The share is of all images.", 0.25},
				},
			}
		},
		Right:    []any{0.698, 0.70, "0.698"},
		Wrong:    []Sample{{69.8, "per cent"}, {2.313, "other class"}},
		Nonsense: []any{-0.5, "much", []int{1}},
	},
	{
		ID: "00/formula", Title: "parameters as a formula",
		Make: func(*Draw) Question {
			return Symbolic{
				Ask:   "How many parameters has a convolution with biases?",
				Want:  "n*(k*k*c) + n",
				Names: map[string]string{"n": "number of filters", "k": "side of the kernel", "c": "channels of the input"},
				Hint:  "Write down 8 × (3×3×3) + 8, and then put a name in place of each number. Which 8 is which, which 3?",
				Why:   "n filters have k·k·c weights and one bias each.",
				Mistakes: []Mistake{
					{"n*k*k*c", "forgot the biases", "What does a filter have besides its weights?", 0.5},
					{"n*k*k + n", "forgot the depth", "A filter looks at all channels of its input.", 0.25},
					{"n*k*c + n", "took the kernel for a line", "The kernel is a square.", 0.25},
				},
			}
		},
		Right:    []any{"n*(k*k*c) + n", "n*(k^2*c+1)", "n × (k² × c + 1)", "P = n + c*n*k*k"},
		Wrong:    []Sample{{"n*k*k*c", "biases"}, {"(k*k+1)*n", "depth"}, {"n*k*c+n", "line"}},
		Nonsense: []any{"n*(k", "x + 1", "2n", 7, "", "many"},
	},
	{
		ID: "00/side", Title: "side of an output as a formula",
		Make: func(d *Draw) Question {
			s := d.Int(2, 3, 4)
			return Symbolic{
				Ask:   fmt.Sprintf("A convolution without padding has stride %d. What is the side of its output?", s),
				Want:  fmt.Sprintf("floor((i - k)/%d) + 1", s),
				Names: map[string]string{"i": "side of the input, at least k", "k": "side of the kernel"},
				Hint:  "How far can the kernel move from its first place? How many places are these, with the first?",
				Why:   "The kernel moves i − k further, in whole strides, and has been at one place before.",
				Mistakes: []Mistake{
					{fmt.Sprintf("floor((i - k)/%d)", s), "forgot the first place", "Count the places for i = k.", 0.5},
					{"i - k + 1", "forgot the stride", "The kernel does not stop at every place.", 0.5},
					{fmt.Sprintf("ceil(i/%d)", s), "counted with padding", "Here nothing is added around the input.", 0.25},
				},
			}
		},
		Right:    []any{"floor((i-k)/2)+1", "⌊(i−k)/2⌋ + 1", "floor((i-k+2)/2)"},
		Wrong:    []Sample{{"floor((i-k)/2)", "first place"}, {"i-k+1", "stride"}, {"ceil(i/2)", "padding"}},
		Nonsense: []any{"i", "floor(i", "side"},
	},
	{
		ID: "00/frozen", Title: "what freezing means",
		Make: func(*Draw) Question {
			return Choice{
				Ask: "What does freezing a block do?",
				Options: []Option{
					{Text: "Its weights stay as they are while the rest is trained.", Right: true},
					{Text: "It is left out of the network.", Name: "took freezing for removing", Why: "Its output is still needed by the blocks behind it."},
					{Text: "It is trained at a smaller rate.", Name: "took freezing for a small rate", Why: "A small rate still moves the weights.", Credit: 0.25},
				},
				Hint: "What is the same after training as before?",
				Why:  "Training does not move a frozen block; it still computes.",
			}
		},
		Right:    []any{"a", "A", " a) "},
		Wrong:    []Sample{{"b", "removing"}, {"c", "small rate"}},
		Nonsense: []any{"d", "ab", 1, "?"},
	},
	{
		ID: "00/differs", Title: "what differs between source and target", Points: 2,
		Make: func(*Draw) Question {
			return Choice{
				Ask: "The source is ImageNet, the target tells broken solar cells in grey photographs. What differs?",
				Options: []Option{
					{Text: "the label space", Right: true},
					{Text: "the marginal distribution P(X)", Right: true},
					{Text: "the feature space", Name: "took other images for another feature space", Why: "After resizing, both are images of 224×224×3."},
				},
				Hint: "A feature space is what kind of thing an input is; the distribution says which of them occur.",
				Why:  "Two classes in place of 1,000, and other pictures: both differ, in the same space of images.",
			}
		},
		Right:    []any{"ab", "b, a"},
		Wrong:    []Sample{{"abc", "feature space"}, {"c", "feature space"}},
		Nonsense: []any{"x", "aa", 3},
	},
	{
		ID: "00/rates", Title: "rates by group, as code",
		Make: func(*Draw) Question {
			right := func(rate, decay float64, groups int) []float64 {
				rates := make([]float64, groups)
				for i := groups - 1; i >= 0; i-- {
					rates[i] = rate
					rate *= decay
				}
				return rates
			}
			return Code{
				Ask: "Write a func that takes the rate of the last group, the decay and the number of groups, and returns the rates of all, " +
					"the group next to the input first.",
				Right: right,
				Cases: [][]any{{1e-3, 1.0 / 3, 3}, {0.01, 0.1, 1}, {0.01, 0.1, 0}},
				Random: func(r *rand.Rand) []any {
					return []any{r.Float64(), 0.1 + 0.2*r.Float64(), r.IntN(9)}
				},
				Hint: "Begin with the last group and go towards the input.",
				Why:  "Each group towards the input has decay times the rate of the one behind it.",
				Mistakes: []Mistake{{func(rate, decay float64, groups int) []float64 {
					rates := make([]float64, groups)
					for i := range rates {
						rates[i] = rate
						rate *= decay
					}
					return rates
				}, "put the groups the wrong way round", "Which layers should move least?", 0.5}},
			}
		},
		Right: []any{func(rate, decay float64, groups int) (rates []float64) {
			for i := range groups {
				r := rate
				for range groups - 1 - i {
					r *= decay
				}
				rates = append(rates, r)
			}
			return rates
		}},
		Wrong: []Sample{{func(rate, decay float64, groups int) (rates []float64) {
			for range groups {
				rates = append(rates, rate)
				rate *= decay
			}
			return rates
		}, "wrong way round"}},
		Nonsense: []any{3, "rates", func(int) int { return 1 }, func(float64, float64, int) []float64 { return nil },
			func(float64, float64, int) []float64 { panic("no idea") }},
	},
	{
		ID: "00/same", Title: "side of an output, as code",
		Make: func(*Draw) Question {
			return Code{
				Ask:   "Write a func that takes the side of an image and a stride, and returns the side of the output with padding same.",
				Right: func(side, stride int) int { return (side + stride - 1) / stride },
				Cases: [][]any{{32, 1}, {32, 2}, {33, 2}, {224, 2}, {7, 3}, {1, 2}},
				Random: func(r *rand.Rand) []any {
					return []any{1 + r.IntN(300), 1 + r.IntN(5)}
				},
				Hint: "Try 33 and stride 2 by hand. Does the last place count?",
				Why:  "Rounded up: (side + stride − 1) / stride, as whole numbers divide in Go.",
				Mistakes: []Mistake{{func(side, stride int) int { return side / stride },
					"rounded down", "Try 33 and stride 2 by hand.", 0.5}},
			}
		},
		Right:    []any{func(a, b int) int { return 1 + (a-1)/b }},
		Wrong:    []Sample{{func(a, b int) int { return a / b }, "rounded down"}},
		Nonsense: []any{func(a, b int) int { return 0 }, func(a, b int) int { var none []int; return none[a] }, 16},
	},
	{
		ID: "00/accuracy", Title: "predict: accuracy of the head",
		Make: func(*Draw) Question {
			return Prediction{
				Ask: "Which accuracy will the head reach on the test images?",
				Low: 0, High: 1, Close: 0.03,
				Hint: "A program that always says functional reaches 0.70.",
				Say: func(predicted, measured float64) string {
					if predicted > measured {
						return "The base has never seen a solar cell."
					}
					return ""
				},
			}
		},
		Right:    []any{0.8, 0, 1},
		Nonsense: []any{80, -0.1, "much"},
	},
	{
		ID: "00/seconds", Title: "predict: seconds of a step",
		Make: func(*Draw) Question {
			return Prediction{Ask: "How long does one training step take?", Low: 0, High: 1e6, Close: 5, Unit: "seconds"}
		},
		Right:    []any{3, 0.5},
		Nonsense: []any{-1, "long"},
	},
}
