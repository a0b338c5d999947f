package check

import (
	"fmt"
	"math/rand/v2"
)

// lesson06 holds the exercises of lesson 6.
var lesson06 = []Exercise{extractedHead, secondsSaved, extractAccuracy, logitsAccuracy, whyOneGetsAway, movedAccuracy, flattenedHead, poolAsCode, whichPartIsTheTask,
	priorByBayes, whereCopiesGo}

var extractedHead = Exercise{
	ID: "06/head", Title: "parameters of a new head",
	Make: func(d *Draw) Question {
		in := d.Int(1280, 512, 2048, 1024)
		classes := d.Int(2, 3, 4, 7, 10)
		return Numeric{
			Ask: fmt.Sprintf("A frozen base gives %d numbers for a picture. The new head is one fully connected layer for %d classes. How many parameters are trained?",
				in, classes),
			Want: float64(in*classes + classes), Unit: "parameters",
			Hint: "One weight for each pair of a number and a class. What else has each class?",
			Why:  fmt.Sprintf("%d × %d + %d = %d: a weight for each pair, a bias for each class. Nothing in the base is trained.", in, classes, classes, in*classes+classes),
			Mistakes: []Mistake{
				{in * classes, "forgot the biases", "Each class adds one more number to its sum.", 0.5},
				{in*classes + in, "gave the biases to the inputs", "A bias belongs to an output.", 0.25},
				{in + classes, "added what has to be multiplied", "Every number is connected to every class.", 0},
			},
		}
	},
	Right:    []any{2562, "2,562"},
	Wrong:    []Sample{{2560, "biases"}, {3840, "inputs"}, {1282, "multiplied"}},
	Nonsense: []any{-2, "few", 1e12},
}

var secondsSaved = Exercise{
	ID: "06/cache", Title: "what the cache saves",
	Make: func(d *Draw) Question {
		images, epochs, speed := d.Int(800, 600, 1200, 2000), d.Int(20, 10, 30, 50), d.Int(100, 50, 40)
		once := float64(images) / float64(speed)
		return Numeric{
			Ask: fmt.Sprintf("A head is trained for %d epochs on %d pictures. The frozen base does %d pictures a second; training the head itself takes next to nothing. How many "+
				"seconds does it save to keep the representations, against running the base in every epoch?", epochs, images, speed),
			Want: once * float64(epochs-1), Tolerance: 0.5, Unit: "seconds",
			Hint: "How often does the base run over all pictures without a cache, and how often with one?",
			Why:  fmt.Sprintf("Without: %d times %g s. With: once. So %d × %g s = %g s are saved.", epochs, once, epochs-1, once, once*float64(epochs-1)),
			Mistakes: []Mistake{
				{once * float64(epochs), "forgot that it has to be computed once", "The cache is empty at first.", 0.5},
				{once, "gave the time of one pass", "That is what is spent with the cache. How much is not spent?", 0.25},
			},
		}
	},
	Right:    []any{152, "152"},
	Wrong:    []Sample{{160, "once"}, {8, "one pass"}},
	Nonsense: []any{-8, "much", 1e9},
}

var extractAccuracy = Exercise{
	ID: "06/extract", Title: "predict: a new head for solar cells",
	Make: func(*Draw) Question {
		return Prediction{
			Ask: "Which accuracy will the new head reach on the test cells?", Low: 0, High: 1, Close: 0.03,
			Hint: "Always answering functional gets 0.707. The base has never seen a solar cell; the head learns from 400.",
			Say: func(predicted, measured float64) string {
				if predicted > measured+0.03 {
					return "The base was trained for animals and things, and is left as it is."
				}
				return ""
			},
		}
	},
	Right:    []any{0.8, 0.7, 1},
	Nonsense: []any{80, -1, "good"},
}

var logitsAccuracy = Exercise{
	ID: "06/logits", Title: "predict: a probe on the old head's logits",
	Make: func(*Draw) Question {
		return Prediction{
			Ask: "Which accuracy will a linear probe on the old head's 1,000 logits reach on the clothes?", Low: 0, High: 1, Close: 0.04,
			Hint: "There are ten classes of equal size. In lesson 3 a probe on the representation got about 0.8.",
			Say: func(predicted, measured float64) string {
				if predicted < measured-0.04 {
					return "1,000 numbers about what a picture is not are a good description of what it is."
				}
				return ""
			},
		}
	},
	Right:    []any{0.8, 0.1, 0.5},
	Nonsense: []any{82, -0.2, "same"},
}

var movedAccuracy = Exercise{
	ID: "06/moved", Title: "predict: flattened and moved",
	Make: func(*Draw) Question {
		return Prediction{
			Ask: "Class means of flattened maps were learned from clothes in the middle. Which accuracy will they have on clothes that are moved by a seventh of the side?",
			Low: 0, High: 1, Close: 0.1,
			Hint: "A constant answer gets 0.10. How many of the 7×7 places does a piece of clothing leave, and enter?",
		}
	},
	Right:    []any{0.3, 0.8, 0.1},
	Nonsense: []any{30, -1, "less"},
}

var whyOneGetsAway = Exercise{
	ID: "06/away", Title: "getting away with the old head",
	Make: func(*Draw) Question {
		return Choice{
			Ask: "Why does a linear probe on the 1,000 logits do nearly as well as one on the 1,280 numbers below them?",
			Options: []Option{
				{Text: "The old head is one linear layer, so that the logits still hold most of what a linear probe can use.", Right: true},
				{Text: "Solar cells and clothes are among the 1,000 classes.", Name: "took the old classes for the reason",
					Why: "Is there a class of broken solar cells? Yet the logits serve there, too."},
				{Text: "The old head was trained for our task.", Name: "took the source task for ours", Why: "What are its 1,000 classes?"},
				{Text: "More than 1,000 numbers do not fit into a linear classifier.", Name: "invented a limit", Why: "The probe on 1,280 numbers ran without trouble."},
			},
			Hint: "What can a linear layer from 1,280 to 1,000 numbers destroy, and what does it leave?",
			Why: "A linear layer to 1,000 numbers loses at most 280 of 1,280 directions, and a linear probe can undo its mixing. A head of several layers, or the mere name of " +
				"the best class, loses more.",
		}
	},
	Right:    []any{"a"},
	Wrong:    []Sample{{"b", "classes"}, {"c", "source task"}, {"d", "limit"}},
	Nonsense: []any{"e", 1000, "away"},
}

var flattenedHead = Exercise{
	ID: "06/flatten", Title: "parameters behind flatten, as a formula", Points: 2,
	Make: func(*Draw) Question {
		return Symbolic{
			Ask: "The last maps of a base have h × w places and c channels. They are flattened, and a fully connected layer with biases makes n classes of them. " +
				"How many parameters has that layer?",
			Want:  "h*w*c*n + n",
			Names: map[string]string{"h": "height of the maps", "w": "width of the maps", "c": "channels", "n": "classes"},
			Hint:  "How many numbers come out of flatten? Each of them is connected with each class.",
			Why:   "h·w·c numbers, each with a weight for each of n classes, and n biases. Behind a mean over space it would be c·n + n.",
			Mistakes: []Mistake{
				{"c*n + n", "averaged over space", "Flatten keeps every place.", 0.25},
				{"h*w*c*n", "forgot the biases", "Each class has one more number.", 0.5},
				{"h*w*n + n", "forgot the channels", "At every place there are c numbers.", 0.25},
			},
		}
	},
	Right:    []any{"h*w*c*n + n", "n*(h*w*c+1)", "(c*w*h + 1) × n"},
	Wrong:    []Sample{{"c*n+n", "averaged"}, {"h*w*c*n", "biases"}, {"n + n*h*w", "channels"}},
	Nonsense: []any{"n", "h*(w", "many", 7},
}

// poolMaps is the mean over all places of each channel.
func poolMaps(maps []float64, channels int) []float64 {
	means := make([]float64, channels)
	for i, v := range maps {
		means[i%channels] += v / float64(len(maps)/channels)
	}
	return means
}

var poolAsCode = Exercise{
	ID: "06/pool", Title: "mean over space, as code", Points: 2,
	Make: func(*Draw) Question {
		return Code{
			Ask: "Write a func that takes the maps of one picture as one slice (place after place, and at each place all channels) and the number of channels, and returns " +
				"the mean over all places of each channel.",
			Right:     poolMaps,
			Cases:     [][]any{{[]float64{1, 10, 3, 30}, 2}, {[]float64{1, 2, 3}, 3}, {[]float64{2, 4, 6, 8}, 1}},
			Tolerance: 1e-6,
			Random: func(r *rand.Rand) []any {
				channels, places := 2+r.IntN(4), 2+r.IntN(7)
				maps := make([]float64, channels*places)
				for i := range maps {
					maps[i] = float64(i%7) + 5*r.Float64()
				}
				return []any{maps, channels}
			},
			Hint: "Number i of the slice belongs to channel i % channels. How many places are there?",
			Why:  "Each channel has len(maps)/channels numbers; their mean is one number for the channel, wherever in the picture they stood.",
			Mistakes: []Mistake{
				{func(maps []float64, channels int) []float64 {
					sums := make([]float64, channels)
					for i, v := range maps {
						sums[i%channels] += v
					}
					return sums
				}, "added and did not divide", "A mean is a sum divided by how many there are.", 0.5},
				{func(maps []float64, channels int) []float64 {
					means := make([]float64, len(maps)/channels)
					for i, v := range maps {
						means[i/channels] += v / float64(channels)
					}
					return means
				}, "averaged over the channels", "At each place stand all channels, side by side. What is to be left, one number for each what?", 0.25},
			},
		}
	},
	Right: []any{func(m []float64, n int) (out []float64) {
		for c := range n {
			sum, places := 0.0, 0.0
			for i := c; i < len(m); i += n {
				sum, places = sum+m[i], places+1
			}
			out = append(out, sum/places)
		}
		return out
	}},
	Wrong: []Sample{{func(m []float64, n int) []float64 {
		out := make([]float64, n)
		for i := range m {
			out[i%n] += m[i]
		}
		return out
	}, "divide"}, {func(m []float64, n int) (out []float64) {
		for i := 0; i < len(m); i += n {
			sum := 0.0
			for _, v := range m[i : i+n] {
				sum += v
			}
			out = append(out, sum/float64(n))
		}
		return out
	}, "channels"}},
	Nonsense: []any{1, "mean", func(m []float64, n int) []float64 { return nil }, func(m []float64) float64 { return 0 }},
}

var whichPartIsTheTask = Exercise{
	ID: "06/task", Title: "which part stands for P(Y|X)",
	Make: func(*Draw) Question {
		return Choice{
			Ask: "Source and target show pictures of the same kind, but the target asks for other labels. What should change?",
			Options: []Option{
				{Text: "The head: it turns what the base sees into P(Y|X).", Right: true},
				{Text: "The first blocks of the base: they see the pictures.", Name: "changed what sees instead of what names",
					Why: "The pictures are of the same kind as before. Is there anything new to be seen?"},
				{Text: "Nothing: a network trained on the same pictures knows them.", Name: "forgot the labels", Why: "Which labels can it answer?"},
				{Text: "The pictures: they must be normalised by their labels.", Name: "mixed up domain and task",
					Why: "Normalisation belongs to X. What differs here belongs to Y."},
			},
			Hint: "P(X) is the same, P(Y|X) is not. Which part of the network comes last?",
			Why:  "With the same P(X) the representation serves as before; only the map from it to labels is new. That is representation extraction.",
		}
	},
	Right:    []any{"a"},
	Wrong:    []Sample{{"b", "names"}, {"c", "labels"}, {"d", "domain"}},
	Nonsense: []any{"e", 2, "base"},
}

var priorByBayes = Exercise{
	ID: "06/prior", Title: "a shifted prior, by Bayes", Points: 2,
	Make: func(d *Draw) Question {
		p, prior := d.Float(0.8, 0.7, 0.6), d.Float(0.1, 0.05, 0.2)
		want := p * prior / (p*prior + (1-p)*(1-prior))
		return Numeric{
			Ask: fmt.Sprintf("A model was trained on equally many functional and defective cells. For a picture it gives the probability %g of being defective. In the power plant "+
				"only %g of all cells are defective. What is the probability there, by Bayes' theorem? (Two digits will do.)", p, prior),
			Want: want, Tolerance: 0.006,
			Hint: "Multiply the probability of each class by its new prior over its old one; the old ones are equal. Then divide by the sum, so that both make 1.",
			Why: fmt.Sprintf("%g × %g = %.3g for defective, %.2g × %g = %.3g for functional; %.3g / (%.3g + %.3g) = %.2f.", p, prior, p*prior, 1-p, 1-prior, (1-p)*(1-prior),
				p*prior, p*prior, (1-p)*(1-prior), want),
			Mistakes: []Mistake{
				{p, "kept the old prior", "Where defects are rarer, the same picture is less likely to show one.", 0},
				{p * prior, "forgot to divide by the sum", "What is the other class's product? Both together must make 1.", 0.5},
				{prior, "forgot the picture", "That is the probability before the picture is seen.", 0},
			},
		}
	},
	Right:    []any{0.3077, 0.31, "0.31"},
	Wrong:    []Sample{{0.8, "old prior"}, {0.08, "sum"}, {0.1, "picture"}},
	Nonsense: []any{-1, "rare", 31},
}

var whereCopiesGo = Exercise{
	ID: "06/leak", Title: "where copies may stand",
	Make: func(*Draw) Question {
		return Choice{
			Ask: "Which of these puts what a test is to find out into the training data?",
			Options: []Option{
				{Text: "Mirror images are drawn first, and all pictures are then parted by lot.", Right: true},
				{Text: "Every third frame of a film is for testing, the others are for training.", Right: true},
				{Text: "Pictures are parted first; mirror images are then made of the training pictures.", Name: "took the remedy for the trap",
					Why: "Has any test picture a copy among those trained on?"},
				{Text: "Representations of training and test pictures are kept in the same cache.", Name: "took a cache for training",
					Why: "The base is frozen. Does a test picture's representation change anything that is trained?"},
			},
			Hint: "Ask for each test picture: is there one among those trained on that is almost the same?",
			Why:  "A mirror image and a neighbouring frame are almost the same picture with the same label: to recognise it is enough. Part what belongs together as a whole.",
		}
	},
	Right:    []any{"ab", "ba"},
	Wrong:    []Sample{{"abc", "remedy"}, {"d", "cache"}},
	Nonsense: []any{"x", 3, "aa"},
}
