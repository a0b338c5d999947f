package check

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// lesson03 holds the exercises of lesson 3.
var lesson03 = []Exercise{polarRadius, whyALineSuffices, filterWeights, meansOfMaps, probeOfClothes, probeLevelsOut, cosineAsCode, tsneShows, lotsByHeart}

var polarRadius = Exercise{
	ID: "03/polar", Title: "from (X, Y) to r",
	Make: func(d *Draw) Question {
		at := Pick(d, [2]float64{3, 4}, [2]float64{6, 8}, [2]float64{5, 12}, [2]float64{8, 15}, [2]float64{7, 24})
		x, y := at[0], at[1]
		r := math.Hypot(x, y)
		return Numeric{
			Ask:  fmt.Sprintf("A point lies at X = %g, Y = %g. What is its r?", x, y),
			Want: r, Tolerance: 0.005, // for the angle, which is no whole number
			Hint: "r is how far the point is from the middle, as the crow flies. X, Y and r are the sides of a triangle with a right angle.",
			Why:  fmt.Sprintf("√(%g² + %g²) = √%g = %g, by Pythagoras.", x, y, x*x+y*y, r),
			Mistakes: []Mistake{
				{x + y, "went along the axes", "That is the way along X and then along Y; r is the straight way.", 0.25},
				{x*x + y*y, "forgot the root", "This is the square of the length.", 0.5},
				{math.Atan2(y, x), "gave the angle", "That is θ, the direction. How far is it?", 0.25},
				{math.Atan2(y, x) * 180 / math.Pi, "gave the angle", "That is θ, the direction, in degrees. How far is it?", 0.25},
			},
		}
	},
	Right:    []any{5, "5", 5.0},
	Wrong:    []Sample{{7, "axes"}, {25, "root"}, {0.927, "angle"}, {53.13, "angle"}},
	Nonsense: []any{-5, "far", 1e6},
}

var whyALineSuffices = Exercise{
	ID: "03/transform", Title: "why a straight line suffices",
	Make: func(*Draw) Question {
		return Choice{
			Ask: "Why is a straight line a good classifier in (r, θ) and a poor one in (X, Y)?",
			Options: []Option{
				{Text: "Because r alone tells the rings apart, and r = constant is a straight line in (r, θ) but a circle in (X, Y).", Right: true},
				{Text: "Because (r, θ) has more dimensions, and in more dimensions everything comes apart.", Name: "counted dimensions that are not there",
					Why: "How many numbers has a point before, and how many after?"},
				{Text: "Because the labels were used to move the points apart.", Name: "took the transform for a classifier",
					Why: "Look at drawRings: do r and θ of a point depend on its label?"},
				{Text: "Because there is less noise in (r, θ).", Name: "took the transform for a filter of noise",
					Why: "The points are the same. Are there none left that the line gets wrong?", Credit: 0.25},
			},
			Hint: "Draw the line r = 2.2 into the left picture. What is it there?",
			Why:  "The transform turns a circle into a straight line. It adds no information; it makes what is there easy to read.",
		}
	},
	Right:    []any{"a", "A"},
	Wrong:    []Sample{{"b", "dimensions"}, {"c", "classifier"}, {"d", "noise"}},
	Nonsense: []any{"e", 1, "line"},
}

var filterWeights = Exercise{
	ID: "03/filters", Title: "numbers in the first filters",
	Make: func(d *Draw) Question {
		n, k := d.Int(32, 16, 24, 64, 96), d.Int(3, 5, 7, 11)
		return Numeric{
			Ask: fmt.Sprintf("A network begins with %d filters of %d×%d pixels; its pictures have red, green and blue. The filters have no biases, since batch norm "+
				"follows. How many numbers does a figure of all filters show?", n, k, k),
			Want: float64(n * k * k * 3), Unit: "numbers",
			Hint: "Each little square of the figure has k × k pixels. How many numbers has the colour of a pixel?",
			Why:  fmt.Sprintf("%d × (%d×%d×3) = %d.", n, k, k, n*k*k*3),
			Mistakes: []Mistake{
				{n * k * k, "forgot the depth", "A filter looks at red, green and blue, and has weights for each of them.", 0.25},
				{n*k*k*3 + n, "counted biases", "Here batch norm follows, and its offset does their work.", 0.5},
				{k * k * 3, "counted one filter", "How many of them are there?", 0.5},
			},
		}
	},
	Right:    []any{864, "864"},
	Wrong:    []Sample{{288, "depth"}, {896, "biases"}, {27, "one filter"}},
	Nonsense: []any{-1, "many", 1e9},
}

var meansOfMaps = Exercise{
	ID: "03/maps", Title: "means over space",
	Make: func(d *Draw) Question {
		at := Pick(d, [2]int{14, 112}, [2]int{28, 40}, [2]int{56, 24}, [2]int{7, 192})
		side, channels := at[0], at[1]
		return Numeric{
			Ask:  fmt.Sprintf("What leaves a block for one picture has the shape %d×%d×%d. How many numbers are left after the mean over space?", side, side, channels),
			Want: float64(channels), Unit: "numbers",
			Hint: "Each feature map is averaged by itself. How many maps are there?",
			Why:  fmt.Sprintf("Each of the %d maps of %d×%d becomes one number, its mean.", channels, side, side),
			Mistakes: []Mistake{
				{side * side, "averaged over the channels", "What is left for each channel, when the places are averaged?", 0.25},
				{side * side * channels, "flattened", "That is how many numbers there are before the mean.", 0.25},
			},
		}
	},
	Right:    []any{112, "112"},
	Wrong:    []Sample{{196, "channels"}, {21952, "flattened"}},
	Nonsense: []any{-7, "some", 0.5},
}

var probeOfClothes = Exercise{
	ID: "03/probe", Title: "predict: a probe on clothes",
	Make: func(*Draw) Question {
		return Prediction{
			Ask: "Which accuracy will a linear probe reach on the network's last representation of 500 clothes in ten classes?",
			Low: 0, High: 1, Close: 0.05,
			Hint: "A constant answer gets 0.10. The network has never been trained on these pictures. How many of ten would you get right?",
			Say: func(predicted, measured float64) string {
				if predicted < measured {
					return "The network was not trained for this, and yet most of the answer lies open."
				}
				return "Remember how alike shirts, coats and pullovers are at 28×28 pixels."
			},
		}
	},
	Right:    []any{0.8, 0.1, 1},
	Nonsense: []any{80, -1, "good"},
}

var probeLevelsOut = Exercise{
	ID: "03/level", Title: "a probe that levels out",
	Make: func(*Draw) Question {
		return Choice{
			Ask: "Behind a middle block a probe reaches 0.80, and behind every later block 0.80 as well. What follows?",
			Options: []Option{
				{Text: "For this task the later blocks make nothing easier to read; retraining them for it may help.", Right: true},
				{Text: "No network can do better than 0.80 on this task.", Name: "took a probe for an upper limit",
					Why: "The probe is linear and the base is frozen. What if either were not so?"},
				{Text: "The later blocks add information that the probe cannot see.", Name: "let a block add information",
					Why: "A block sees nothing but what the block before it puts out. Can it know more about the picture?"},
				{Text: "The later blocks were not trained.", Name: "took another task for no training",
					Why: "What were they trained for, and is it this task?"},
			},
			Hint: "The later blocks were trained, on ImageNet's classes. A probe says what lies open, not what could be learned.",
			Why: "Later blocks fold together what ImageNet's classes do not need. They hold no more information than the block in the middle, and for this task " +
				"they do not lay it more open; fine-tuning changes that.",
		}
	},
	Right:    []any{"a"},
	Wrong:    []Sample{{"b", "upper limit"}, {"c", "information"}, {"d", "another task"}},
	Nonsense: []any{"e", 0.8, "nothing"},
}

// cosineOf is the cosine of the angle between a and b, 0 where one of them is zero.
func cosineOf(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

var cosineAsCode = Exercise{
	ID: "03/cosine", Title: "cosine, as code", Points: 2,
	Make: func(*Draw) Question {
		return Code{
			Ask: "Write a func that takes two representations of the same length and returns the cosine of the angle between them: the sum of the products of their " +
				"numbers, divided by both lengths, √(sum of squares). If one of them is all zeros, it returns 0.",
			Right:     cosineOf,
			Cases:     [][]any{{[]float64{1, 2}, []float64{2, 4}}, {[]float64{1, 0}, []float64{0, 3}}, {[]float64{1, 1}, []float64{-1, -1}}, {[]float64{0, 0}, []float64{1, 2}}},
			Tolerance: 1e-6,
			Random: func(r *rand.Rand) []any {
				n := 2 + r.IntN(6)
				a, b := make([]float64, n), make([]float64, n)
				for i := range n {
					a[i], b[i] = 1+4*r.Float64(), 1+4*r.Float64()
				}
				return []any{a, b}
			},
			Hint: "A loop with three sums: of a[i]*b[i], of a[i]*a[i] and of b[i]*b[i]. What would a division by zero give?",
			Why:  "Only the direction counts: twice the representation is the same arrow, only longer.",
			Mistakes: []Mistake{
				{func(a, b []float64) float64 {
					sum := 0.0
					for i := range a {
						sum += a[i] * b[i]
					}
					return sum
				}, "forgot the lengths", "The cosine of two arrows of the same direction is 1, however long they are.", 0.5},
				{func(a, b []float64) float64 {
					sum := 0.0
					for i := range a {
						sum += (a[i] - b[i]) * (a[i] - b[i])
					}
					return math.Sqrt(sum)
				}, "gave the distance", "The distance of like arrows is 0; their cosine is 1.", 0.25},
			},
		}
	},
	Right: []any{func(x, y []float64) float64 {
		length := func(v []float64) (s float64) {
			for _, n := range v {
				s += n * n
			}
			return math.Sqrt(s)
		}
		sum := 0.0
		for i, n := range x {
			sum += n * y[i]
		}
		if sum == 0 {
			return 0
		}
		return sum / length(x) / length(y)
	}},
	Wrong: []Sample{{func(a, b []float64) (sum float64) {
		for i := range a {
			sum += b[i] * a[i]
		}
		return sum
	}, "lengths"}, {func(a, b []float64) float64 {
		sum := 0.0
		for i := range b {
			sum += math.Pow(a[i]-b[i], 2)
		}
		return math.Sqrt(sum)
	}, "distance"}},
	Nonsense: []any{1, func(a []float64) float64 { return 1 }, func(a, b []float64) float64 { return -7 }, "cos"},
}

var tsneShows = Exercise{
	ID: "03/tsne", Title: "what t-SNE shows",
	Make: func(*Draw) Question {
		return Choice{
			Ask: "A t-SNE picture with a trustworthiness of 0.97 shows three islands. What may you conclude without measuring anything else?",
			Options: []Option{
				{Text: "Points that lie side by side are mostly neighbours in the representation, too.", Right: true},
				{Text: "The widest island is the class that varies most.", Name: "read the size of an island",
					Why: "t-SNE stretches what is dense and shrinks what is wide."},
				{Text: "The two islands that lie farthest apart differ most.", Name: "read the distance between islands",
					Why: "Only neighbourhoods are kept, not long distances."},
				{Text: "There are exactly three kinds of images.", Name: "counted islands",
					Why: "What did the noise show at another perplexity?"},
			},
			Hint: "Which of these does trustworthiness measure?",
			Why:  "Trustworthiness asks of the neighbours that one sees whether they are true ones. It says nothing of sizes, distances and numbers of islands.",
		}
	},
	Right:    []any{"a"},
	Wrong:    []Sample{{"b", "size"}, {"c", "distance"}, {"d", "islands"}},
	Nonsense: []any{"e", 3, "all"},
}

var lotsByHeart = Exercise{
	ID: "03/by-heart", Title: "labels by lot",
	Make: func(d *Draw) Question {
		k := d.Int(2, 3, 4, 8, 10)
		return Numeric{
			Ask: fmt.Sprintf("200 images have representations of 1,280 numbers. Each image gets one of %d classes by lot. A linear probe, fitted on 160 of them, gets all 160 "+
				"right. Which accuracy do you expect on the other 40?", k),
			Want: 1 / float64(k), Tolerance: 0.005,
			Hint: "What do the labels of the 160 say about those of the 40?",
			Why: fmt.Sprintf("1/%d = %.2f. The lots of some images say nothing about those of others. That all 160 are right shows only that 1,280 numbers suffice to learn 160 "+
				"labels by heart.", k, 1/float64(k)),
			Mistakes: []Mistake{
				{1, "believed the images it was fitted on", "It has learned those by heart. What is there to learn about the others?", 0},
				{float64(40) / 200, "gave the share of the others", "How many of the 40 does one get right by guessing?", 0},
			},
		}
	},
	Right:    []any{0.5, "0.5", 0.502},
	Wrong:    []Sample{{1, "fitted on"}, {0.2, "share"}},
	Nonsense: []any{-1, "none", 50},
}
