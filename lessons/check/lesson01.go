package check

import (
	"fmt"
	"math"
)

// lesson01 holds the exercises of lesson 1.
var lesson01 = []Exercise{
	{ID: "01/classes", Title: "parameters of VGG16 for your classes", Make: vggClasses,
		Right:    []any{134_281_029, "134,281,029"},
		Wrong:    []Sample{{134_281_024, "biases"}, {134_281_025, "share"}, {134_285_120, "bias for each input"}},
		Nonsense: []any{-5, "many", 1e12}},
	{ID: "01/each", Title: "parameters for each picture", Make: parametersEach,
		Right: []any{335.7, 336, "335.672"}, Wrong: []Sample{{36.8, "left out"}, {335_672, "thousands"}, {134_268, "divide"}}, Nonsense: []any{-1, "few"}},
	{ID: "01/days", Title: "predict: days to train VGG16 here", Make: predictDays, Right: []any{10, 0.5}, Nonsense: []any{-1, "long"}},
	{ID: "01/steps", Title: "from pictures a second to days", Make: daysOfTraining,
		Right: []any{513.9, 514}, Wrong: []Sample{{6.94, "epochs"}, {12_333, "hours"}, {2055.6, "multiplied"}}, Nonsense: []any{-3, "weeks"}},
	{ID: "01/scratch", Title: "predict: from scratch, 30 a class", Make: predictScratch, Right: []any{0.6, 1}, Nonsense: []any{60, "bad"}},
	{ID: "01/transfer", Title: "predict: transfer, 30 a class", Make: predictTransfer, Right: []any{0.7, 0}, Nonsense: []any{70, "good"}},
	{ID: "01/upset", Title: "predict: how often twenty pictures err", Make: predictUpset, Right: []any{0.1}, Nonsense: []any{50, "often"}},
	{ID: "01/error", Title: "how far chance reaches", Points: 2, Make: errorOfTest,
		Right: []any{0.16, 0.1597}, Wrong: []Sample{{0.08, "one standard error"}, {0.013, "root"}}, Nonsense: []any{7, "a lot"}},
	{ID: "01/case", Title: "which case of the basic idea", Make: whichCase,
		Right: []any{"d"}, Wrong: []Sample{{"a", "left the task as it is"}, {"b", "the old pictures"}, {"c", "whole network"}}, Nonsense: []any{"z", 4}},
	{ID: "01/when", Title: "when it helps less and when it fails", Make: whenItFails,
		Right: []any{"ad", "d, a"}, Wrong: []Sample{{"b", "little data"}, {"c", "other classes"}}, Nonsense: []any{"x", 2}},
}

const vggWithoutHead = 134_260_544 // its thirteen convolutions and first two fully connected layers; lesson 2 counts them

func vggClasses(d *Draw) Question {
	c := d.Int(5, 3, 4, 6, 7, 10, 12, 20)
	return Numeric{
		Ask: fmt.Sprintf("All of VGG16 but its last layer has 134,260,544 parameters and gives 4,096 numbers. The last layer is fully connected and tells %d plants "+
			"apart. How many parameters has the whole network?", c),
		Want: float64(vggWithoutHead + 4097*c), Unit: "parameters",
		Hint: "Each output of the last layer has a weight for each of the 4,096 numbers. What is added to the sum?",
		Why:  fmt.Sprintf("134,260,544 + %d × 4,096 + %d = %d.", c, c, vggWithoutHead+4097*c),
		Mistakes: []Mistake{
			{vggWithoutHead + 4096*c, "forgot the biases", "Each output adds one more number to its sum.", 0.5},
			{vggWithoutHead + 4096*c + 1, "let the classes share one bias, as the slide does", "How many outputs are there, and how many biases has each?", 0.5},
			{vggWithoutHead + 4096*c + 4096, "gave a bias for each input", "A bias belongs to what comes out.", 0.25},
		},
	}
}

func parametersEach(d *Draw) Question {
	n := d.Int(400, 250, 300, 500, 600, 800)
	each := 134_268.738 / float64(n)
	return Numeric{
		Ask: fmt.Sprintf("VGG16 for two classes has 134,268,738 parameters, and you have %d pictures. How many thousand parameters is that for each picture? "+
			"(If it were 12,345, the answer would be 12.3.)", n),
		Want: each, Tolerance: 1, Unit: "thousand parameters",
		Hint: "Divide the parameters by the pictures, and then by 1,000.",
		Why:  fmt.Sprintf("134,268,738 / %d = %.0f, that is %.1f thousand.", n, 1000*each, each),
		Mistakes: []Mistake{
			{14_714.688 / float64(n), "left out the fully connected layers", "VGG16 without top has 14,714,688. Does the network of the slide have its top?", 0.25},
			{1000 * each, "gave parameters, not thousands of them", "Read again in which unit the answer is wanted.", 0.5},
			{134_268.738, "did not divide by the pictures", "How many are there for each picture?", 0},
		},
	}
}

func predictDays(*Draw) Question {
	return Prediction{Ask: "In how many days would this machine have trained VGG16 on 1,281,167 pictures, 74 times each?", Low: 0, High: 1e6, Close: 50, Unit: "days",
		Hint: "It does some tens of billions of multiplications a second, and one picture takes 15 billion forward and twice as many back."}
}

func daysOfTraining(d *Draw) Question {
	images, epochs, speed := d.Int(1_200_000, 1_400_000, 600_000, 300_000), d.Int(74, 30, 90, 60), d.Int(2, 3, 5, 7)
	days := float64(images) * float64(epochs) / float64(speed) / 86_400
	return Numeric{
		Ask: fmt.Sprintf("A machine trains a network with %d pictures a second. How many days do %d epochs over %d pictures take? One digit behind the point is enough.",
			speed, epochs, images),
		Want: days, Tolerance: 0.005 * days, Unit: "days",
		Hint: "How many pictures go through it in all? How many seconds is that, and how many seconds has a day?",
		Why:  fmt.Sprintf("%d × %d / %d seconds, and 86,400 seconds a day: %.1f days.", images, epochs, speed, days),
		Mistakes: []Mistake{
			{days / float64(epochs), "forgot the epochs", "Each picture is seen more than once.", 0.5},
			{24 * days, "gave hours", "A day has 24 of them.", 0.5},
			{days * float64(speed*speed), "multiplied by the speed", "A machine that is twice as fast needs half the time.", 0.25},
		},
	}
}

func predictScratch(*Draw) Question {
	return Prediction{Ask: "Which accuracy will the network from scratch have, with 30 pictures of each class?", Low: 0, High: 1, Close: 0.04,
		Hint: "Half of the test pictures are functional: a coin, or always the same answer, gets 0.5."}
}

func predictTransfer(*Draw) Question {
	return Prediction{Ask: "And the new head on the pretrained network, with the same 30 pictures of each class?", Low: 0, High: 1, Close: 0.04}
}

func predictUpset(*Draw) Question {
	return Prediction{Ask: "In which share of the tests with twenty pictures will the better model not win?", Low: 0, High: 1, Close: 0.05}
}

func errorOfTest(d *Draw) Question {
	n, p := d.Int(20, 50, 100, 200), d.Float(0.85, 0.8, 0.9, 0.75)
	one := math.Sqrt(p * (1 - p) / float64(n))
	return Numeric{
		Ask:  fmt.Sprintf("A model has an accuracy of %.2f on %d pictures. How far does chance reach to each side: what is two standard errors? Three digits behind the point.", p, n),
		Want: 2 * one, Tolerance: 0.0015,
		Hint: "The standard error of a share p of n is √(p(1−p)/n).",
		Why:  fmt.Sprintf("2 × √(%.2f × %.2f / %d) = %.3f: anything from %.2f to %.2f would be no surprise.", p, 1-p, n, 2*one, p-2*one, min(1, p+2*one)),
		Mistakes: []Mistake{
			{one, "gave one standard error", "Two of them to each side make the 95 % interval.", 0.5},
			{2 * one * one, "forgot the root", "p(1−p)/n is the variance.", 0.25},
		},
	}
}

func whichCase(d *Draw) Question {
	story := d.Text("You keep the blocks of a network that was trained on ImageNet, put a new head on them and train it on photographs of solar cells: functional or defective",
		"You cut the last layer off a network that tells 1,000 things apart, and put one on that tells apart the rare mosses on your own photographs",
		"You keep all but the head of a network trained on photographs of animals, and use it to grade X-ray pictures of hands by age")
	return Choice{
		Ask: story + ". M is the network, T the task it was trained for, D_S its data set. Which case of the lecture's basic idea is that?",
		Options: []Option{
			{Text: "train M for a task T on D_S, and use M on a new data set D_T for the same task T", Name: "left the task as it is",
				Why: "Are the answers still the same 1,000 classes, or whatever M was trained for?"},
			{Text: "use part of M on the original data set D_S for a new task", Name: "took the old pictures for the new ones", Why: "Are these the pictures that M was trained on?", Credit: 0.25},
			{Text: "use the whole of M, head included, on a new data set for a new task", Name: "kept the whole network",
				Why: "The head has one output for each class of the old task. Is it kept?", Credit: 0.25},
			{Text: "use part of M on a new data set D_T for a new task", Right: true},
		},
		Hint: "Ask three things: is all of M used or a part? are the pictures new? are the answers new?",
		Why:  "Only a part of M, new pictures, new answers. It is the case of this course.",
	}
}

func whenItFails(*Draw) Question {
	return Choice{
		Ask: "In which of these does transfer from ImageNet help little, or not at all, by the lecture's words?",
		Options: []Option{
			{Text: "The target has ten million labelled pictures", Right: true},
			{Text: "The target has 200 labelled photographs of leaves", Name: "took little data for a reason against transfer", Why: "With little data, what is brought along counts most."},
			{Text: "The target's classes do not occur in ImageNet", Name: "took other classes for another world",
				Why: "The head goes anyway. Can edges and textures be of use for classes that the source does not have?"},
			{Text: "The target is spoken words, given as rows of air pressure and not as pictures", Right: true},
		},
		Hint: "One answer has to do with the size of the target, one with what source and target have in common.",
		Why:  "With very many labels a network can learn the representation itself, and where source and target have nothing in common there is nothing to bring along.",
	}
}
