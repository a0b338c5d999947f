package check

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// lesson07 holds the exercises of lesson 7.
var lesson07 = []Exercise{
	{ID: "07/differs", Title: "what differs: domain or task", Make: whatDiffers,
		Right: []any{"b"}, Wrong: []Sample{{"d", "task"}, {"a", "feature space"}, {"c", "label space"}}, Nonsense: []any{"z", 7}},
	{ID: "07/head", Title: "parameters of a new head", Make: newHead,
		Right: []any{6405, "6,405"}, Wrong: []Sample{{6400, "bias"}, {7680, "bias for each input"}}, Nonsense: []any{-1, "many"}},
	{ID: "07/mbconv", Title: "parameters of a block", Points: 2, Make: blockParameters,
		Right:    []any{66624, "66,624"},
		Wrong:    []Sample{{64896, "batch norm"}, {68352, "averages"}, {1390272, "depth"}},
		Nonsense: []any{12, "b"}},
	{ID: "07/order", Title: "why the head comes first", Make: headFirst,
		Right: []any{"a"}, Wrong: []Sample{{"b", "speed"}, {"c", "forgot"}, {"d", "parameters"}}, Nonsense: []any{"", "all"}},
	{ID: "07/smoothing", Title: "the lowest loss under label smoothing", Points: 2, Make: lowestLoss,
		Right: []any{0.1985, 0.199}, Wrong: []Sample{{0.0, "left the smoothing out"}, {0.3251, "both classes"}, {0.2864, "logarithm"}}, Nonsense: []any{-3, "x"}},
	{ID: "07/averages", Title: "running averages after a phase", Make: averagesLeft,
		Right: []any{0.617, 0.62}, Wrong: []Sample{{0.383, "new"}, {0.52, "compound"}}, Nonsense: []any{48, "a"}},
	{ID: "07/balanced", Title: "balanced accuracy as a func", Points: 3, Make: balancedAccuracy,
		Right:    []any{balanced},
		Wrong:    []Sample{{plainAccuracy, "accuracy of all images"}, {overPredicted, "predicted"}},
		Nonsense: []any{func(truth, predicted []int) float64 { return 0.123 }, 0.8}},
	{ID: "07/guess-head", Title: "predict: the head alone", Make: guessHead, Right: []any{0.7, 1}, Nonsense: []any{85, "good"}},
	{ID: "07/guess-tuned", Title: "predict: fine-tuned", Make: guessTuned, Right: []any{0.7}, Nonsense: []any{-1, "better"}},
	{ID: "07/guess-reckless", Title: "predict: a rate that is too high", Make: guessReckless, Right: []any{0.7}, Nonsense: []any{1.5, "bad"}},
}

// whatDiffers asks for the part of domain or task that a change of the camera changes.
func whatDiffers(d *Draw) Question {
	change := d.Text("A factory replaces the camera by one that is more sensitive; the cells, and what is asked about them, stay as they are",
		"A factory goes over to photographing its cells at half the current; the cells, and what is asked about them, stay as they are",
		"A factory buys a second camera, whose pictures are a little blurred; the cells, and what is asked about them, stay as they are")
	return Choice{
		Ask: change + ". Both cameras give grey pictures of 300×300 pixels. Which of these differs between the old pictures (source) and the new ones (target)?",
		Options: []Option{
			{Text: "the feature space 𝒳", Name: "took the distribution for the feature space", Why: "The feature space is the set of all pictures that there could be: 300×300 numbers. Has that set changed?"},
			{Text: "the distribution P(X)", Right: true},
			{Text: "the label space 𝒴", Name: "took the pictures for the label space", Why: "The label space is the list of the possible answers. Is there a new answer?"},
			{Text: "only the task, P(Y|X)", Name: "took the domain for the task", Why: "A task is a label space with P(Y|X). Ask first what the network gets to see, and then what it is to say about it."},
		},
		Hint: "It is the lecture's pair of telescopes, one of which has a sensor of higher sensitivity.",
		Why:  "The same set of possible pictures, other pictures in it: P_s(x) ≠ P_t(x). It is the lecture's scenario of two telescopes, and where fine-tuning helps.",
	}
}

func newHead(d *Draw) Question {
	classes, channels := d.Int(5, 3, 8, 12), 1280
	return Numeric{
		Ask:  fmt.Sprintf("A new head, one fully connected layer, stands on a representation of %d numbers and tells %d classes apart. How many parameters has it?", channels, classes),
		Want: float64(channels*classes + classes), Unit: "parameters",
		Hint: "One weight for each pair of input and output, and one bias for each … ?",
		Why:  fmt.Sprintf("%d × %d + %d = %d.", channels, classes, classes, channels*classes+classes),
		Mistakes: []Mistake{
			{Answer: channels * classes, Name: "forgot the biases", Why: "Each output also has a number that is added to it.", Credit: 0.5},
			{Answer: channels*classes + channels, Name: "gave a bias for each input", Why: "A bias is added to what comes out. How many numbers come out?", Credit: 0.5},
		},
	}
}

// blockParameters asks for an inverted bottleneck.
func blockParameters(d *Draw) Question {
	in := d.Int(64, 40, 80, 112)
	kernel := d.Int(3, 5)
	out := d.Int(96, 128, 160)
	wide := 6 * in
	weights := in*wide + kernel*kernel*wide + wide*out
	norms := 2*wide + 2*wide + 2*out
	return Numeric{
		Ask: fmt.Sprintf("An MBConv block takes %d channels, widens them 6 times, has a depthwise kernel of %d×%d, and gives %d channels. Each of its three "+
			"convolutions is followed by batch norm and has no bias. How many parameters has the block?", in, kernel, kernel, out),
		Want: float64(weights + norms), Unit: "parameters",
		Hint: fmt.Sprintf("Between expand and project there are 6 × %d = %d channels. A depthwise convolution has one filter for each channel, one channel deep.", in, wide),
		Why: fmt.Sprintf("expand %d×%d, depthwise %d×%d×%d, project %d×%d; batch norm 2×(%d + %d + %d): %d in all.", in, wide, kernel, kernel, wide, wide, out,
			wide, wide, out, weights+norms),
		Mistakes: []Mistake{
			{Answer: weights, Name: "forgot batch norm", Why: "Batch norm has a scale and an offset for each channel, and the optimizer moves both.", Credit: 0.5},
			{Answer: weights + 2*norms, Name: "counted the averages", Why: "The running averages of batch norm are measured, not learned: buffers, and no parameters.", Credit: 0.5},
			{Answer: weights + norms - kernel*kernel*wide + kernel*kernel*wide*wide, Name: "gave the depthwise convolution full depth",
				Why: "A depthwise filter looks at one channel only.", Credit: 0.5},
		},
	}
}

func headFirst(*Draw) Question {
	return Choice{
		Ask: "Why is the new head trained before any block of the base is unfrozen?",
		Options: []Option{
			{Text: "While the head is random, the gradients that it sends into the base are large and mean little: they would destroy pretrained weights", Right: true},
			{Text: "Because training the head alone is so fast that it costs nothing", Name: "took the speed for the reason",
				Why: "It is fast, but that is no reason to do it. What would happen to the base if it were not done?", Credit: 0.25},
			{Text: "Because a base that was once unfrozen cannot be frozen again", Name: "forgot that freezing can be undone and done again",
				Why: "Freeze and Unfreeze may be called before any phase."},
			{Text: "Because the head has too many parameters to be trained together with the base", Name: "took the head's parameters to be many",
				Why: "Count them: 1,280 for each class, and a bias."},
		},
		Hint: "The gradient of a block of the base is the head's error, sent back through the head's weights. What are these weights at the start?",
		Why:  "After step 2 \"you are in a better part of the loss surface already\", as the slide says: the errors are smaller, and the weights they pass through mean something.",
	}
}

// lowestLoss asks for the entropy of a smoothed target over two classes.
func lowestLoss(d *Draw) Question {
	smoothing := d.Float(0.1, 0.02, 0.2)
	p := 1 - smoothing/2
	q := 1 - smoothing // what who forgets that the share goes to all classes takes for p
	entropy := func(p float64) float64 { return -p*math.Log(p) - (1-p)*math.Log(1-p) }
	return Numeric{
		Ask: fmt.Sprintf("With label smoothing of %g and two classes, the network is asked for %g %% instead of 100 %%. It gives exactly that. What is its loss, "+
			"the cross-entropy −Σ target·log(answer) with the natural logarithm? Three digits behind the point.", smoothing, 100*p),
		Want: entropy(p), Tolerance: 0.0006,
		Hint: fmt.Sprintf("Two terms: the target of the right class is %g, that of the other %.3g. The network's answers are the same two numbers.", p, 1-p),
		Why:  fmt.Sprintf("−%g·log %g − %.3g·log %.3g = %.4f. No training can push the loss below it.", p, p, 1-p, 1-p, entropy(p)),
		Mistakes: []Mistake{
			{Answer: 0.0, Name: "left the smoothing out", Why: "Zero is the loss of certainty. The target asks for less than certainty."},
			{Answer: entropy(q), Name: "took the share from the right class alone, and not spread over both classes",
				Why: "The share is spread over all classes, the right one among them. Which target does that leave to the right class?", Credit: 0.5},
			{Answer: entropy(p) / math.Ln2, Name: "used the logarithm to base 2", Why: "The losses of the lab are in nats: natural logarithms.", Credit: 0.5},
		},
	}
}

// averagesLeft asks what remains of a running average.
func averagesLeft(d *Draw) Question {
	images, batch, epochs := d.Int(64, 96, 128), d.Int(4, 8), d.Int(3, 2, 5)
	steps := images / batch * epochs
	const momentum = 0.99
	left := math.Pow(momentum, float64(steps))
	return Numeric{
		Ask: fmt.Sprintf("After each training step batch norm sets average ← %g·average + %.2f·batch. What share of the pretrained average is left after %d epochs of %d images in "+
			"batches of %d? Answer with a number from 0 to 1.", momentum, 1-momentum, epochs, images, batch),
		Want: left, Tolerance: 0.006,
		Hint: "How many steps are that? Each multiplies what is left by 0.99.",
		Why: fmt.Sprintf("%d/%d × %d = %d steps leave %g^%d = %.3f. The rest was measured on batches of %d images, without any gradient and whatever the learning rate.",
			images, batch, epochs, steps, momentum, steps, left, batch),
		Mistakes: []Mistake{
			{Answer: 1 - left, Name: "gave the share that is new", Why: "That is what came in. What is left of the old?", Credit: 0.5},
			{Answer: math.Max(0, 1-0.01*float64(steps)), Name: "subtracted one hundredth for each step, and did not compound",
				Why: "Each step takes one hundredth of what is left by then, not of what there was at first.", Credit: 0.5},
			{Answer: math.Pow(momentum, float64(epochs)), Name: "counted epochs, not steps", Why: "The average moves after each batch.", Credit: 0.25},
		},
	}
}

func balancedAccuracy(*Draw) Question {
	return Code{
		Ask: "Write balanced accuracy: the mean over the classes of the share of their images that are predicted right. truth and predicted hold class numbers, " +
			"row by row the same images; a class that no image has is left out. Without images it is 0.",
		Right: balanced,
		Cases: [][]any{
			{[]int{0, 0, 0, 1}, []int{0, 0, 0, 0}},
			{[]int{0, 1, 1, 1}, []int{0, 1, 1, 0}},
			{[]int{0, 2, 2}, []int{0, 2, 1}},
			{[]int{}, []int{}},
		},
		Random: func(r *rand.Rand) []any {
			n, classes := 5+r.IntN(30), 2+r.IntN(3)
			truth, predicted := make([]int, n), make([]int, n)
			for i := range n {
				truth[i], predicted[i] = r.IntN(classes), r.IntN(classes)
			}
			return []any{truth, predicted}
		},
		Hint: "Count two things for each class: its images, and those of them that are right. Divide, and take the mean over the classes that have images.",
		Why:  "Each class counts alike, however few images it has: a constant answer gets 1/classes.",
		Mistakes: []Mistake{
			{Answer: plainAccuracy, Name: "computed the accuracy of all images together", Why: "Try it on three functional cells and one defective one, all called functional."},
			{Answer: overPredicted, Name: "divided by how often a class is predicted", Why: "The mean is over the true classes: the rows of the confusion matrix, not its columns.", Credit: 0.25},
		},
	}
}

// balanced is the mean recall.
func balanced(truth, predicted []int) float64 {
	return meanShare(truth, truth, predicted)
}

// overPredicted is the mean precision.
func overPredicted(truth, predicted []int) float64 {
	return meanShare(predicted, truth, predicted)
}

// meanShare is the mean over the classes of by of the share of rows on which truth and predicted agree.
func meanShare(by, truth, predicted []int) float64 {
	all, right := map[int]int{}, map[int]int{}
	for i := range by {
		all[by[i]]++
		if truth[i] == predicted[i] {
			right[by[i]]++
		}
	}
	if len(all) == 0 {
		return 0
	}
	sum := 0.0
	for class, n := range all {
		sum += float64(right[class]) / float64(n)
	}
	return sum / float64(len(all))
}

func plainAccuracy(truth, predicted []int) float64 {
	right := 0
	for i := range truth {
		if truth[i] == predicted[i] {
			right++
		}
	}
	if len(truth) == 0 {
		return 0
	}
	return float64(right) / float64(len(truth))
}

func guessHead(*Draw) Question {
	return Prediction{Ask: "Which accuracy on valid will the head on the frozen base reach?", Low: 0, High: 1, Close: 0.03,
		Hint: "Think of what always answering \"functional\" gets."}
}

func guessTuned(*Draw) Question {
	return Prediction{Ask: "Which accuracy on valid will the fine-tuned network reach?", Low: 0, High: 1, Close: 0.03}
}

func guessReckless(*Draw) Question {
	return Prediction{Ask: "Which accuracy on valid will be left after fine-tuning at a rate 30 times as high?", Low: 0, High: 1, Close: 0.05,
		Hint: "The head alone has one by then; always giving the same answer gets another."}
}
