// # Lesson 8 · Differential learning rates: how fast should each layer learn?
//
// Lesson 7 unfroze the last blocks of a pretrained network and trained them together with the head. *A low learning rate*, says the lecture, *can take a
// lot of time to train on the "later" layers. Since we trained the FC head earlier, we could probably retrain them at a higher learning rate.* General
// idea: **train different layers at different rates.** This lesson makes that a rule with numbers, searches for the numbers, and looks at what they
// do, block by block.
//
// **When you are through, you can**
//
//   - compute the learning rate of every group of layers from one rate and one factor, as the lecture's rule has it: 3× to 10× smaller per group;
//   - find a learning rate with a rate finder, and say for what it is *not* the rate;
//   - compare one rate for all with differential rates over several seeds, and say what of the difference is chance;
//   - read from the drift per block what a rate did to the pretrained weights;
//   - train until the network overfits, and step back.
//
// **Minutes needed**: about 45 to read, predict and answer; two or three of them are the machine's.
//
// **Before this lesson**: lesson 7, for the words *freeze*, *head*, *phase* and *fine-tune*; lesson 1 for the Go. Run the cells from the top (Shift+Enter).
// Write down an answer to each **Predict** before you run the cell below it. Exercises take your answer in place of `nil`.
package differential_test

import (
	"context"
	"fmt"
	"math"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
)

// ## 1 · Few images, one network
//
// The task is that of lesson 7: is this solar cell defective? What a rate does shows best where images are few, and a lesson that compares many runs
// must be quick. So we train on 150 photographs of each class, or only 50, and judge on 150 of `valid`, half of them defective: what always says the
// same gets 0.5 here. The test images are not needed. Nothing is reported, only understood.
//
// To be quick, only the last three blocks of the base are ever unfrozen. What the blocks before them make of an image is computed once and kept, so that
// training starts from there.

var (
	ctx         = context.Background()
	rest, _     = datasets.Open("elpv").EveryNth(4)
	train, held = rest.Split(0.85, 1)
	few         = train.PerClass(150, 1)
	valid       = held.PerClass(75, 1)
	nothing     datasets.Dataset // in place of valid: then the last epoch stands
	base        = tl.Load("efficientnet_lite0")
	headPhase   = tl.Phase{Name: "head", Epochs: 20, LearningRate: 3e-3}
)

// Every model of this lesson begins alike: a new head, trained on the frozen base at the rate $\eta = 0.003$ (step 2 of lesson 7's procedure), then three
// blocks unfrozen. A func saves writing it each time. `WithReport(ctx, nil)` keeps the lines of progress away.

func begin(name string, images datasets.Dataset, seed int64) tl.Model {
	model := base.WithHead(name, tl.Dense(2)).Seeded(seed)
	tl.Must(model.Reset(ctx))
	tl.Must(model.Fit(tl.WithReport(ctx, nil), images, nothing, headPhase))
	tl.Must(model.UnfreezeTop(ctx, 3))
	return model
}

// A network has *stages*: runs of neighbouring blocks, most of them of one resolution and one number of channels. A stage is what the lecture draws in
// one colour, a **layer group**, and the summary names it for each block. **Predict**: how many groups will learn, the head among them?
func Example_groups() {
	summary := tl.Must(begin("first", few, 0).Summary(ctx))
	for _, block := range summary.Blocks {
		if !block.Frozen {
			fmt.Printf("%-10s %-7s %7d parameters\n", block.Name, block.Stage, block.Params)
		}
	}
	share := float64(summary.Trainable()) / float64(summary.Total())
	fmt.Printf("trainable: %.0f %% of the parameters\n", 100*share)
}

// ## 2 · The rule
//
// > *Each "earlier" layer or layer group (the color-coded layers in the image) can be trained at 3x-10x smaller learning rate than the next "later" one.*
//
// With the head's rate $\eta$ and a factor $f$ from 3 to 10, the group that lies $g$ groups before the head learns at
//
// $$\eta_g = \frac{\eta}{f^{\,g}} = \eta \cdot d^{\,g}, \qquad d = \tfrac{1}{f}$$
//
// Why smaller towards the input? *Earlier layers learn highly generic feature maps (edges, colors, textures)*: they are right for solar cells as they are, and
// every later layer builds on them. Later layers know what is special of ImageNet, and have the longest way to go. The head is new, and has nothing to
// lose.

func rateOf(group int, rate, decay float64) float64 {
	return rate * math.Pow(decay, float64(group))
}

func Example_theRule() {
	fmt.Println("groups before the head       0        1        2        3        4")
	for _, factor := range []float64{1, 3, 10} {
		fmt.Printf("%2.0fx smaller per group", factor)
		for group := range 5 {
			fmt.Printf("  %.1e", rateOf(group, 3e-3, 1/factor))
		}
		fmt.Println()
	}
	// Output:
	// groups before the head       0        1        2        3        4
	//  1x smaller per group  3.0e-03  3.0e-03  3.0e-03  3.0e-03  3.0e-03
	//  3x smaller per group  3.0e-03  1.0e-03  3.3e-04  1.1e-04  3.7e-05
	// 10x smaller per group  3.0e-03  3.0e-04  3.0e-05  3.0e-06  3.0e-07
}

// Look at the last column: over a few groups a factor of 3 or 10 is no detail any more. In the lab the rule is one field, `RateDecay`. (Howard & Ruder
// 2018, who found this for language and call it *discriminative* fine-tuning, take 2.6.) Now you.
func Example_exerciseRate() {
	check.Answer("08/rate", nil)
}

func Example_exerciseFormula() {
	check.Answer("08/formula", nil)
}

// ## 3 · Which rate? The rate finder
//
// A rate finder (Smith 2017) trains for some steps, each at a rate a little larger than the one before, and notes the loss. Too small a rate: nothing
// happens. A good one: the loss falls. Too large: it explodes. Afterwards all is put back, weights included, so that the search costs only its time.
//
// We search twice, both times from a new head. First the base is frozen, so that the *head* alone is trained; then head and three blocks, at one
// rate for all. **Predict**: will both explode at the same rate?
func Example_findTheRate() {
	frozen := base.WithHead("head alone", tl.Dense(2))
	plots.Show(plots.Rates(tl.Must(frozen.FindRate(ctx, few, tl.RateSearch{From: 1e-6}))))

	thawed := base.WithHead("head and blocks", tl.Dense(2))
	tl.Must(thawed.UnfreezeTop(ctx, 3))
	search := tl.RateSearch{From: 1e-6, Steps: 60}
	plots.Show(plots.Rates(tl.Must(thawed.FindRate(ctx, few, search))))
}

// **Read the figure**: the rate grows from left to right, on a logarithmic axis; a dot is the loss of a batch, the curve is smoothed. Begin to read at the
// right end, where it explodes, and go left. The lines are three usual choices: the *valley*, the *steepest* place, a *tenth* of the rate at the lowest
// loss. They can lie far apart: for the head alone the *steepest* place may be a mere ripple on the flat part. A rate finder gives an order of magnitude,
// no number, and what it marks has to be looked at.
//
// It also says only what it was asked: the rate for *what was thawed*, under *this* optimizer and batch size, in its *first* steps, from *these* weights.
// Compare where the two curves are lowest, and where they end: the rates that a head bears are many times too high for pretrained blocks.
func Example_exerciseFinder() {
	check.Answer("08/finder", nil)
}

// ## 4 · One rate for all, against a rate for each group
//
// What if we take the head's rate, $\eta = 0.003$, about the valley of the first figure, for everything? That is **the pitfall of this lesson**, and an
// easy one to fall into: the rate was found with care, on the frozen base, and the phase after it is only a continuation. We let it run against the rule
// with a factor of 3 and of 10: the same head, the same images, the same four epochs. One run would prove nothing, since order and first head are drawn
// by chance; so each has three seeds, and everything twice, with 50 and with 150 images of each class. This cell takes a minute.
//
// **Predict** the accuracy with one rate for all and with a factor of 3, at 150 images of each class.
//
// (New in the next cell: a `type` gives a struct of one's own a name; a func with `(m method)` before its name is called as `m.phase(4)`;
// `append(a, b...)` adds all of `b` to `a`.)

type method struct {
	name  string
	rate  float64
	decay float64
}

var (
	rates = []method{
		{"one rate", 3e-3, 1},
		{"3x per group", 3e-3, 1.0 / 3},
		{"10x per group", 3e-3, 1.0 / 10},
	}
	methods = append([]method{{name: "head alone"}}, rates...)
)

func (m method) phase(epochs int) tl.Phase {
	return tl.Phase{Name: m.name, Epochs: epochs, LearningRate: m.rate, RateDecay: m.decay}
}

func Example_predictRates() {
	check.Predict("08/guess-one", nil)
	check.Predict("08/guess-decay", nil)
}

// The first line for each number of images is the head alone, before anything is unfrozen.
func Example_compareRates() {
	var points []tl.LearningPoint
	for _, perClass := range []int{50, 150} {
		images := train.PerClass(perClass, 1)
		for _, m := range methods {
			row := fmt.Sprintf("%3d images of each class, %-14s", perClass, m.name)
			for seed := range int64(3) {
				model := begin(fmt.Sprint(m.name, perClass), images, seed)
				if m.rate > 0 {
					tl.Must(model.Fit(tl.WithReport(ctx, nil), images, nothing, m.phase(4)))
				}
				accuracy := tl.Must(model.Evaluate(ctx, valid)).Accuracy()
				points = append(points, tl.LearningPoint{
					Method: m.name, PerClass: perClass, Seed: seed, Accuracy: accuracy,
				})
				row += fmt.Sprintf("  %.3f", accuracy)
			}
			fmt.Println(row)
		}
	}
	figure := plots.LearningCurves(points...)
	figure.Majority = 0.5
	plots.Show(figure)
}

// How far off were you? The models are still there, and can be asked again.
func Example_compareWithMyPrediction() {
	for i, exercise := range []string{"08/guess-one", "08/guess-decay"} {
		mean := 0.0
		for seed := range int64(3) {
			model := base.WithHead(fmt.Sprint(rates[i].name, 150), tl.Dense(2)).Seeded(seed)
			mean += tl.Must(model.Evaluate(ctx, valid)).Accuracy() / 3
		}
		check.Reveal(exercise, mean)
	}
}

// **Read the figure**: a line is the mean over the three seeds, the band reaches from the worst to the best of them. Bands that do not overlap are a
// difference; of bands that do, these runs decide nothing. Which pairs are which here? Note also what the bands leave out: all runs are judged on the
// same 150 photographs, and with other ones every line would be somewhat higher or lower (about ±0.07 for a single accuracy of 0.7; lesson 7 says why).
//
// And compare with the head alone: what did fine-tuning *gain*? With so few photographs and four epochs there is little to gain, whatever the rates, and
// much to lose. Lesson 7 has five times as many, and there it gains. A good rate does not make data; a bad one unmakes what others' data made.
//
// **The remedy** has two halves. Search the rate for what is thawed, not for what was thawed before: the second curve of section 3. Or keep the rate for the
// head, which can bear it, and let `RateDecay` take it down for everything else.
//
// ## 5 · What moved
//
// The damage can be seen, block by block. For each step the lab notes its length in shares of the weights it moves, and after each epoch the distance
// of each block from its pretrained weights. First the rates and steps, for the runs with seed 0 and 150 images of each class. **Predict**: by what share
// of its length does one step move a block's weights, at a rate of 0.003?
func Example_ratesPerBlock() {
	var last []tl.History
	for _, m := range rates {
		phases := tl.Must(base.WithHead(fmt.Sprint(m.name, 150), tl.Dense(2)).Histories(ctx))
		history := phases[len(phases)-1]
		fmt.Printf("%s:\n%s\n", m.name, history.Records())
		history.Model = "three ways" // one figure for three models
		last = append(last, history)
	}
	plots.Show(plots.BlockRates(last...))
}

// **Read the figure**: a line is one way to train, from the earliest unfrozen block on the left to the head on the right. One rate is flat; a factor makes
// stairs, one step for each layer group: blocks of one group, of one colour on the slide, stand at one height. Now the tables: *update* is the length of a
// step as a share of the weights. About a thousandth is common (a rule of thumb of Karpathy's); steps of a hundredth, some dozens of them, make the
// tenth of the weights' length that stands under *drift*. Is a tenth much?
//
// Then the distance, and what it does to what the blocks hand on: CKA, lesson 7's measure of likeness, is 1 where a representation is what it was.
// **Predict**: with one rate for all, which of the three blocks went farthest from its pretrained weights?
func Example_drift() {
	for _, m := range rates {
		model := base.WithHead(fmt.Sprint(m.name, 150), tl.Dense(2))
		drift := tl.Must(model.Drift(ctx, valid))
		drift.Blocks = drift.Blocks[14:] // the last frozen one, and those behind it
		figure := plots.BlockDrift(drift)
		figure.Title = m.name + ": drift from the pretrained weights"
		plots.Show(figure)
	}
}

// **Read the figure**: go through the three figures row by row (the bars on the left have a scale of their own in each; go by the numbers). The smaller
// the rate, the shorter the way: of the earliest block, whose rate differs most, it is many times shorter. And look at the last row on the right: the
// more the blocks moved, the less of the pretrained representation is left. *No variance* means that what leaves the block is the same for *every*
// image. Whatever stands behind it can then give one answer only, and its accuracy is that of a constant.
//
// ### The low rate that takes a lot of time
//
// Then why not one rate for all that is low enough for every block? That is how the Keras guide to transfer learning does it, with 0.00001. We let it
// run beside 10× per group, whose *earliest* group has 0.00003. Both with the *one-cycle* schedule, whose rates rise from a
// 25th and fall again, so that the higher ones shake less of what is there. **Predict**: whose training loss is lower in the end?

var lowRate = method{"one low rate", 1e-5, 1}

func Example_lowRate() {
	fmt.Println("training loss after epoch     1      2      3      4      5")
	for _, m := range []method{lowRate, rates[2]} {
		model := begin(m.name+", one-cycle", few, 0)
		phase := m.phase(5)
		phase.Schedule = "one-cycle"
		history := tl.Must(model.Fit(tl.WithReport(ctx, nil), few, nothing, phase))
		fmt.Printf("%-24s", m.name)
		for _, epoch := range history.Epochs {
			fmt.Printf("  %.3f", epoch.Loss)
		}
		fmt.Println()
	}
}

// *A low learning rate can take a lot of time to train on the later layers*: there it is. Nothing is destroyed, and little is learned. The rule lets the
// late groups learn at a rate that gets somewhere, while the early ones keep theirs: its loss rises at first, where the rates are highest, and then
// falls below the other.
//
// ## 6 · Scale the step, not the gradient
//
// How are different rates built? A tempting way: multiply the *gradient* of the early groups by a tenth, and leave the optimizer alone. Here is Adam
// (Kingma & Ba 2015) for a single weight, in ten lines, and three steps with a gradient, and with a tenth of it. **Predict** how far the weight moves in
// each case.

func adam(gradients []float64, rate float64) (weight float64) {
	var mean, square float64
	for i, g := range gradients {
		t := float64(i + 1)
		mean = 0.9*mean + 0.1*g
		square = 0.999*square + 0.001*g*g
		m, v := mean/(1-math.Pow(0.9, t)), square/(1-math.Pow(0.999, t))
		weight -= rate * m / (math.Sqrt(v) + 1e-7)
	}
	return weight
}

func Example_adamDoesNotCare() {
	gradients, tenths := []float64{0.8, 0.5, 0.7}, []float64{0.08, 0.05, 0.07}
	fmt.Printf("the gradient:          %.5f\n", adam(gradients, 1e-3))
	fmt.Printf("a tenth of it:         %.5f\n", adam(tenths, 1e-3))
	fmt.Printf("a tenth of the rate:   %.5f\n", adam(gradients, 1e-4))
	// Output:
	// the gradient:          -0.00294
	// a tenth of it:         -0.00294
	// a tenth of the rate:   -0.00029
}

// So the lab scales the *step*: it lets the optimizer propose, and goes a share of the way, $w \leftarrow w + s\,(w_{proposed} - w)$. That works with
// any optimizer.
func Example_exerciseAdam() {
	check.Answer("08/adam", nil)
}

// ## 7 · Train until it overfits, and step back
//
// > *One could even train the entire network again this way until we overfit and then step back some epochs.*
//
// We let 3× per group go on for ten epochs, at a third of the rate used so far, and keep the last one, good or bad. **Predict**: at which epoch will the loss
// on `valid` turn up?

var long = base.WithHead("long", tl.Dense(2))

func Example_overfit() {
	tl.Must(long.Reset(ctx))
	quietly := tl.WithReport(ctx, nil)
	tl.Must(long.Fit(quietly, few, valid, headPhase))
	tl.Must(long.UnfreezeTop(ctx, 3))
	phase := tl.Phase{Name: "3x per group", Epochs: 10, LearningRate: 1e-3, RateDecay: 1.0 / 3,
		KeepLast: true}
	fmt.Println(tl.Must(long.Fit(quietly, few, valid, phase)))
}

// Training loss and training accuracy go on improving, while the loss on `valid` turns up: the network learns its 300 photographs by heart. `StepBack`
// returns to an epoch of the phase, weights and all; the best one is the one with the lowest loss on `valid`. **Predict** what the step does to the accuracy.
func Example_stepBack() {
	phases := tl.Must(long.Histories(ctx))
	last := phases[len(phases)-1]
	best := 1
	for i, epoch := range last.Epochs {
		if epoch.ValidLoss < last.Epochs[best-1].ValidLoss {
			best = i + 1
		}
	}
	before := tl.Must(long.Evaluate(ctx, valid))
	tl.Must(long.StepBack(ctx, best))
	after := tl.Must(long.Evaluate(ctx, valid))
	line := "%s epoch, %2d: loss %.3f, accuracy %.3f on valid\n"
	fmt.Printf(line, "last", len(last.Epochs), before.Loss, before.Accuracy())
	fmt.Printf(line, "best", best, after.Loss, after.Accuracy())
	plots.Show(plots.Curves(tl.Must(long.Histories(ctx))...))
}

// **Read the figure**: the mark in the second phase is the epoch that stands, after the step back. Left of it both losses fall, by and large; right of it they
// part. The best *loss* need
// not be the best *accuracy*: a network that overfits may be right as often as before, and too sure where it is wrong. And `valid` has now chosen: it
// makes a good number for choosing, and a bad one for reporting.
//
// In practice one need not ask: a phase keeps its best epoch by itself, unless `KeepLast` is set, and `Patience` ends it when nothing gets better any more.
//
// Two funcs of this lesson are yours to write: the rates of all groups, and the epoch to step back to. Fill them in, and put their names in place of `nil`.

func myRates(rate, factor float64, groups int) []float64 {
	return nil // your lines
}

func myBestEpoch(losses []float64) int {
	return 0 // your lines
}

func Example_exerciseRates() {
	check.Answer("08/rates", nil)
}

func Example_exerciseStepBack() {
	check.Answer("08/stepback", nil)
}

// ## 8 · Other ways to let layers learn at different speeds
//
// Rates say *how fast* a group moves while it is thawed. One can also choose *when* it is thawed. The lab has the ways of papers and libraries as lists
// of phases, which can be printed, changed, and run with `model.Run`. Read them for what you now know: rates, factors, epochs.
func Example_procedures() {
	for _, procedure := range []tl.Procedure{
		tl.Gradual(tl.Tuning{}), tl.LinearThenFull(tl.Tuning{}), tl.Discriminative(tl.Tuning{}),
	} {
		fmt.Println(procedure)
	}
}

// *Gradual unfreezing* (Howard & Ruder 2018) thaws one more group in each phase. *LP-FT* (Kumar et al. 2022) is a linear probe until it has converged,
// then everything at once at a small rate. *Discriminative* is what fastai's `fine_tune` does: rates from $\eta$ down to $\eta/100$, in equal ratios.
func Example_exerciseSlice() {
	check.Answer("08/slice", nil)
}

func Example_exerciseThaw() {
	check.Answer("08/thaw", nil)
}

// ## 9 · What this lesson leaves out
//
//   - *The entire network.* The slide would train all of it. Here three blocks of eighteen move, since everything below them would have to run, forward and
//     back, in every step: on two cores the minutes of this lesson would become many. `UnfreezeTop(ctx, 18)` does it.
//   - *The colours of the slide's image.* The lecture's text does not say which layers belong to one colour. The lab takes the stages of the network.
//   - *Which factor is best.* 3 or 10 are not told apart by these runs; the best factor depends on the network, the data and the rate.
//
// **Where you stand**, with what is still open:
func Example_progress() {
	check.Progress("08")
}

// ## Further reading
//
//   - J. Howard, S. Ruder: *Universal language model fine-tuning for text classification.* ACL 2018, arXiv:1801.06146. Discriminative rates, gradual unfreezing.
//   - L. N. Smith: *Cyclical learning rates for training neural networks.* WACV 2017, arXiv:1506.01186. Section 3.3 is the rate finder.
//   - J. Howard, S. Gugger: *fastai: a layered API for deep learning.* Information 11 (2020), arXiv:2002.04688. Layer groups, `lr_find`, `fine_tune`.
//   - D. P. Kingma, J. Ba: *Adam: a method for stochastic optimization.* ICLR 2015, arXiv:1412.6980.
//   - A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang: *Fine-tuning can distort pretrained features and underperform out-of-distribution.* ICLR
//     2022, arXiv:2202.10054.
//   - H. Bao, L. Dong, S. Piao, F. Wei: *BEiT: BERT pre-training of image transformers.* ICLR 2022, arXiv:2106.08254. The same rule as *layer-wise decay*.
//   - S. Kornblith, M. Norouzi, H. Lee, G. Hinton: *Similarity of neural network representations revisited.* ICML 2019, arXiv:1905.00414. CKA.
//
// The photographs: ELPV, under CC BY-NC-SA 4.0; lesson 7 gives the papers that its authors ask to cite.
