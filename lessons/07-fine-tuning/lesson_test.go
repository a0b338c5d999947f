// # Lesson 7 · Fine-tuning: a good classifier from few images, on a CPU
//
// The lecture asks: *how do you build an image classifier that can be trained in a few minutes on a CPU with very little data?* Its
// answer is transfer learning: take a network that somebody else trained for weeks on more than a million photographs, and adapt it. In
// this lesson you do that, step by step, with a task that matters to somebody: finding broken solar cells.
//
// **When you are through, you can**
//
//   - say in the lecture's terms what differs between a source and a target: domain or task, and which part of it;
//   - count the parameters of a convolutional network by hand, and check the computer's count;
//   - freeze a base, extract representations and train a head on them;
//   - unfreeze the last blocks and fine-tune them with differential learning rates, and say why the rates must be low;
//   - judge the result: against the simplest possible answer, with its uncertainty, on images that no decision has seen.
//
// **How to work.** Run the cells from the top, one after the other (Shift+Enter). Before some cells there is a question marked **Predict**.
// Write your answer down before you run the cell: being wrong first is how one remembers. The first run computes what the network makes
// of each image. The results are kept on disk, so a second run is shorter.
//
// ## 1 · Ten lines of Go
//
// The lab is written in Go. If you know a little Python, this table and the next cells are all the Go that you need here.
//
// | Go | Python | remark |
// |---|---|---|
// | `n := 3` | `n = 3` | `:=` makes a new variable, `=` changes an old one |
// | `var d = datasets.Open("elpv")` | `d = datasets.open("elpv")` | a variable of the whole notebook |
// | `[]int{1, 2}` | `[1, 2]` | a *slice*; every element has the same type |
// | `for i, x := range xs { … }` | `for i, x in enumerate(xs):` | braces, not indentation |
// | `func f(a int) float64 { … }` | `def f(a): …` | types are written behind the names |
// | `tl.Phase{Name: "head", Epochs: 5}` | `Phase(name="head", epochs=5)` | a *struct*; what is left out is zero |
// | `v, err := f()` | `v = f()` | errors are values, not exceptions: `err` is `nil` where all went well |
// | `v := tl.Must(f())` | `v = f()` | stops the cell with the error, if there is one |
//
// The next cell says which packages the notebook uses. `fmt` prints, `context` lets the stop button stop things; `tl` holds the words of
// transfer learning, `datasets` the images, `plots` the figures.
package finetuning_test

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"transferlab/datasets"
	"transferlab/plots"
	"transferlab/tl"
)

// A cell that starts with `%%` is run at once. Each such cell is a small program of its own: Go compiles it, runs it, and its variables are
// gone when it ends. What stands in cells *without* `%%` stays for the rest of the notebook.
func Example_tenLinesOfGo() {
	squares := []int{} // an empty slice
	for i := range 5 { // i is 0, 1, 2, 3, 4
		squares = append(squares, i*i)
	}
	side, err := strconv.Atoi("224") // two results: a number, and what went wrong
	if err != nil {
		fmt.Println("that was no number:", err)
	}
	phase := tl.Phase{Name: "head", Epochs: 20} // all other fields are zero
	fmt.Println(squares, side, phase.Name, phase.Epochs)
	// Output: [0 1 4 9 16] 224 head 20
}

// ## 2 · The data
//
// A solar module is photographed in the dark while a current flows through it. Healthy silicon then glows, in the infrared; cracks and parts
// that are cut off stay dark. This is called electroluminescence. The data set ELPV (Buerhop-Lutz et al. 2018) holds 2,624 such photographs, one
// solar cell each, 300×300 pixels, grey, cut out of pictures of 44 modules. Each has a probability of being defective, from an expert's
// judgement: 0 or 1 where the expert was sure, 1/3 or 2/3 where not. We call a cell **defective** from 1/2 on, else **functional**.
//
// The data are parted in three, and each part has one purpose:
//
//   - `test`: every fourth row. Nobody looks at it until the end, and then once.
//   - `train`: what the network learns from.
//   - `valid`: 15 % of the remaining rows, the same share of each class. Every *decision* is made on it, such as which epoch to keep.
//
// `mirrored` is `train` again, but each photograph may also come mirrored left to right, upside down, or both: a broken cell is broken from
// every side, so that one photograph gives four. This is *augmentation*, and we use it for fine-tuning.
//
// These lines only *describe* the data: nothing is read, nothing is loaded yet. So they may stand in a cell without `%%`, where all later
// cells find them.

var (
	ctx          = context.Background()
	rest, test   = datasets.Open("elpv").EveryNth(4)
	train, valid = rest.Split(0.85, 1)
	mirrored     = train.Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
)

// How many images are there of each class? The answer matters more than it seems. If most cells are functional, a program that says
// "functional" without looking is right most of the time. The share of the largest class is the accuracy to beat.
func Example_countTheRows() {
	for _, part := range []datasets.Dataset{train, valid, test} {
		fmt.Println(tl.Must(part.Counts(ctx)))
	}
}

// Now look at some, spread over the training rows, with the true class below each. They are shown as the network gets them: 224×224 pixels.
//
// Find a crack (a thin dark line) and a part that is cut off (a dark patch with a sharp edge). The dark horizontal bands are the metal strips that
// collect the current. Cells with cut corners and an even grey are single crystals; those with dark clouds are made of many crystals,
// and the clouds are harmless. **Predict**: which of the two kinds will be harder for a network?
func Example_lookAtImages() {
	_, spread := train.EveryNth(140)
	plots.Show(tl.Must(plots.Batch(ctx, spread, 12)))
}

// And this is what augmentation makes of one photograph. The label stays the same. Would turning it by 90° be as harmless? By 45°?
func Example_lookAtAugmentation() {
	plots.Show(tl.Must(plots.Batch(ctx, mirrored.Take(1), 1)))
}

// ## 3 · Source and target, formally
//
// The lecture's definitions: a **domain** is a feature space with a distribution over it, $D = \{\mathcal{X}, P(X)\}$. A **task** is a label
// space with a conditional distribution, $T = \{\mathcal{Y}, P(Y|X)\}$. Our network comes from a source, ImageNet, and goes to a target, solar
// cells:
//
// | | source: ImageNet | target: ELPV | |
// |---|---|---|---|
// | feature space $\mathcal{X}$ | images, 224×224×3 | images, made 224×224×3 | $\mathcal{X}_s = \mathcal{X}_t$ |
// | distribution $P(X)$ | photographs of animals and things, in colour | infrared photographs of silicon, grey | $P_s(x) \neq P_t(x)$ |
// | label space $\mathcal{Y}$ | 1,000 classes | 2 classes | $\mathcal{Y}_s \neq \mathcal{Y}_t$ |
// | task $P(Y \mid X)$ | which thing is it? | is it broken? | $P_s(y \mid x) \neq P_t(y \mid x)$ |
//
// Both the domain and the task differ. That transfer helps here is not obvious. It *fails*, says the lecture, where source and target have
// nothing in common. What they could have in common: edges, lines, spots, textures. The lecture's three questions get their answers below:
// **what** to transfer (the base, not the head), **when** (section 6 looks at whether the representation parts our classes at all), and
// **how** (first the head, then the last blocks).
//
// The network is EfficientNet-Lite0 (Tan & Le 2019), small enough for a telephone. `tl.Load` describes it with its ImageNet weights
// and without its head; with its old head it can still answer the *source* task. Let it answer for four solar cells.
//
// **Predict**: the network has never seen a solar cell, and its 1,000 classes include none. What will it say, and how sure will it be?

var base = tl.Load("efficientnet_lite0")

func Example_askTheSourceTask() {
	fmt.Println(tl.Must(base.Predict(ctx, train.Take(4))))
}

// Each line holds the three best of the 1,000 classes with their probabilities. (A shoji is a Japanese screen of wood and paper.) Look at the
// photographs above once more: the answers are not foolish. The network sees bright panes and straight dark bars, and takes the nearest thing
// that it was taught. But it has no word for *broken*: $\mathcal{Y}_s$ is built into its last layer. So the head must go, and what it
// saw before it chose a word may be of use.
//
// ## 4 · Count the parameters
//
// A convolution has, for each of its filters, one weight for each number that the filter looks at (its volume, $k \times k \times c_{in}$) and one bias:
//
// $$\text{parameters} = n_{\text{filters}} \times (k \times k \times c_{in}) + n_{\text{filters}}$$
//
// A fully connected layer has one weight for each pair of input and output, and one bias for each output. That is all one needs for the
// lecture's example: an input of 32×32×3; 8 filters 3×3; 16 filters 5×5 with stride 2; flatten; 512 nodes; 4 nodes.
//
// **Predict**: which of the four layers holds most of the parameters? Guess a percentage.

func conv(k, in, filters int) int { return filters*(k*k*in) + filters }

func dense(in, out int) int { return in*out + out }

func Example_countTheLecturesNetwork() {
	conv1, conv2 := conv(3, 3, 8), conv(5, 8, 16)
	dense1, dense2 := dense(16*16*16, 512), dense(512, 4)
	total := conv1 + conv2 + dense1 + dense2
	fmt.Println(conv1, "+", conv2, "+", dense1, "+", dense2, "=", total)
	share := float64(dense1) / float64(total)
	fmt.Printf("the first fully connected layer holds %.1f %% of them\n", 100*share)
	// Output:
	// 224 + 3216 + 2097664 + 2052 = 2103156
	// the first fully connected layer holds 99.7 % of them
}

// The fully connected layer eats everything, since it does not share weights over the picture. That is what made VGG16 so large. The lecture
// gives 134,268,737 parameters for it. Check that with two formulas: 13 convolutions 3×3, then 25,088 → 4,096 → 4,096 → classes.
func Example_countVGG16() {
	filters := []int{64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512}
	in, convolutions := 3, 0
	for _, n := range filters {
		convolutions += conv(3, in, n)
		in = n
	}
	for _, classes := range []int{1, 2, 1000} {
		head := dense(7*7*512, 4096) + dense(4096, 4096) + dense(4096, classes)
		total := convolutions + head
		fmt.Printf("VGG16 with %4d classes: %d\n", classes, total)
	}
	// Output:
	// VGG16 with    1 classes: 134264641
	// VGG16 with    2 classes: 134268738
	// VGG16 with 1000 classes: 138357544
}

// No head gives the number on the slide: two classes give one more. Now you know how to find such a thing.
//
// Our base is a newer kind of network, and much smaller. It ends in an *average over space* in place of `flatten`, so its fully connected
// part is small. Its **blocks**, called MBConv (Sandler et al. 2018), split a convolution into three cheap ones. In a block that takes
// $c$ channels, gives $c'$, and widens 6 times in between:
//
// | layer | what it does | weights | batch norm |
// |---|---|---|---|
// | expand, 1×1 | $c \to 6c$ channels, pixel by pixel | $c \cdot 6c$ | $2 \cdot 6c$ |
// | depthwise, $k \times k$ | filters each channel on its own | $k^2 \cdot 6c$ | $2 \cdot 6c$ |
// | project, 1×1 | $6c \to c'$ channels | $6c \cdot c'$ | $2 \cdot c'$ |
//
// Batch norm has two parameters for each channel, a scale and an offset; the offset does a bias's work, so the convolutions have none. It also
// keeps two running averages. They are *buffers*: measured, not learned by gradients, and so no parameters.
//
// The summary lists every block with its output shape (height × width × channels), its parameters and its multiply-accumulates (MACs, the work
// for one image). Watch how the picture shrinks while the channels grow.
func Example_summary() {
	summary := tl.Must(base.Summary(ctx))
	fmt.Println(summary)
	plots.Show(plots.Parameters(summary))
}

// **Read the figure**: a bar is a block, from the input to the top. Parameters sit near the top, where there are many channels. Compare
// with the MACs in the table: work is spread quite differently, because the early blocks have few weights but apply them at many places.
//
// Check one block by hand: `mbconv16` takes 192 channels, gives 320, and its depthwise kernel is 3×3.

func mbconv(k, in, out int) int {
	wide := 6 * in
	expand := in*wide + 2*wide
	depthwise := k*k*wide + 2*wide
	project := wide*out + 2*out
	return expand + depthwise + project
}

func Example_checkOneBlock() {
	fmt.Println("by hand:      ", mbconv(3, 192, 320))
	for _, block := range tl.Must(base.Summary(ctx)).Blocks {
		if block.Name == "mbconv16" {
			fmt.Println("by the engine:", block.Params)
		}
	}
}

// ## 5 · Step 1: freeze the base, extract representations
//
// *Procedure for fine-tuning*, says the lecture: **1. Freeze the convolutional base.** Freezing a block means that training does not change it:
// not its weights, and not its batch-norm averages. On top comes a new head, one fully connected layer with two outputs, drawn at random.
//
// We describe two models with the same base. Both get a new head. Later, one of them stops there, the other is fine-tuned, and we compare. The name
// in quotes is how the engine, which keeps the weights while cells come and go, finds the model again.

var (
	headOnly = base.WithHead("head only", tl.Dense(2))
	tuned    = base.WithHead("fine-tuned", tl.Dense(2))
)

// **Predict**: how many parameters remain trainable? The representation has 1,280 numbers; use the formula.
func Example_freeze() {
	summary := tl.Must(headOnly.Freeze(ctx))
	fmt.Println("trainable:", summary.Trainable(), "of", summary.Total())
	fmt.Println("by hand:  ", dense(1280, 2))
}

// What the frozen base makes of an image $x$ is its **representation** $r = f(x)$, 1,280 numbers in place of 224 × 224 × 3 = 150,528. The lecture
// calls it turning a *relatively difficult task* into an *easier* one: $(X, Y) \to (r, \theta)$.
//
// As long as the base is frozen, the representation of an image never changes. So it is computed once and kept on disk, and training a head on
// 1,280 numbers is then a matter of moments. This cell does the computing; on the first run it is the one to wait for.
func Example_represent() {
	r := tl.Must(base.Represent(ctx, rest)) // rest is train and valid together
	fmt.Println("representations:", r.Shape)
}

// ## 6 · Is the representation any good?
//
// Nobody can look at 1,280 dimensions. **Principal component analysis** (Pearson 1901) finds the directions in which the points vary most; we draw
// the first two. We do so twice: for the raw pixels (each image made 32×32 and read out as 3,072 numbers) and for the representation.
// PCA does not know the classes. The colours are put on afterwards.
//
// **Predict**: in which of the two could you draw a straight line with most defective cells on one side? What would it mean if in neither?
func Example_pixelsAgainstRepresentation() {
	labels, classes := tl.Must(train.Labels(ctx)), tl.Must(train.Classes(ctx))
	pixels := tl.Must(tl.Must(tl.RawPixels().Represent(ctx, train)).PCA(ctx, 2))
	representation := tl.Must(tl.Must(base.Represent(ctx, train)).PCA(ctx, 2))
	plots.Show(plots.SideBySide(
		plots.Scatter("raw pixels", pixels, labels, classes...),
		plots.Scatter("representation", representation, labels, classes...),
	))
	fmt.Printf("variance held by two components: raw pixels %.0f %%, representation %.0f %%\n",
		100*pixels.Explained(), 100*representation.Explained())
}

// **Read the figure**: a point is a cell, and its colour is its class. Points that lie close together look alike, to the eyes of the pixels on the
// left and of the network on the right. Ask of each side: are the colours mixed like salt and pepper, or does one of them prefer a region?
//
// The pixels form one long cloud; its long axis is mostly how bright the photograph is. The representation has islands. What are they? The next
// cell colours the same points by something that the network was not told either: the kind of crystal.
func Example_whatTheIslandsAre() {
	var kinds []int
	for _, item := range tl.Must(train.Items(ctx)) {
		kind := 0
		if item.Kind == "poly" {
			kind = 1
		}
		kinds = append(kinds, kind)
	}
	representation := tl.Must(tl.Must(base.Represent(ctx, train)).PCA(ctx, 2))
	figure := plots.Scatter("representation, by crystal", representation, kinds)
	figure.Classes = []string{"single crystal", "many crystals"}
	plots.Show(figure)
}

// The network has never heard of silicon, and its first component parts the two kinds of crystal. So what varies most need not be what we
// ask for. Go back to the figure before: *within* the single crystals, the defective cells lie to one side. Within the others they are
// mixed with the rest. But two components hold only a part of the variance: classes that overlap *here* can still be apart in the
// other directions, where the head can use them.
//
// This is also the lecture's second question, **when to transfer**: a representation in which nothing of our classes can be seen, in no
// direction, would be a warning. A fair test of it is the next step.
//
// ## 7 · Step 2: train the head, the base stays frozen
//
// **2. First train the fully connected head you added, keeping the convolutional base fixed.** The head is a linear function of the
// representation, $z = Wr + b$. Softmax turns the two numbers $z$ into probabilities, and the loss is their cross-entropy, $-\log p_{true}$, averaged:
// 0 for perfect certainty, and $\log 2 \approx 0.69$ for a coin. A linear classifier on a frozen representation is called a **linear probe**: what it reaches
// says how much of the answer lies open in the representation.
//
// A *phase* is one run of the optimizer. We write both phases down now, so that all decisions stand in one place. What the second one's
// fields mean comes when we use it.

var (
	headPhase = tl.Phase{Name: "head", Epochs: 20, LearningRate: 3e-3}
	tunePhase = tl.Phase{Name: "fine-tune", Epochs: 8, LearningRate: 1e-3, RateDecay: 1.0 / 3,
		Schedule: "one-cycle", LabelSmoothing: 0.05, WeightDecay: 0.01}
)

// **Predict**: write down two numbers, the accuracy on `valid` that you expect from the trained head and from the fine-tuned network. Change them
// here, run the cell, and a later one will hold them against what comes out. Keep in mind what always answering "functional" gets.

var (
	guessHead  = 0.70
	guessTuned = 0.70
)

func Example_guess() {
	fmt.Printf("my guess: head %.2f, fine-tuned %.2f\n", guessHead, guessTuned)
}

// Now train. The representations are there already, so twenty passes over all images take next to nothing: watch the column *images/s*. `Fit` on
// a trained model goes on where it stopped, so the cell starts with `Reset`: you may run it again.
func Example_trainTheHead() {
	tl.Must(headOnly.Reset(ctx))
	quietly := tl.WithReport(ctx, nil) // no line of progress for each epoch
	fmt.Println(tl.Must(headOnly.Fit(quietly, train, valid, headPhase)))
}

// The table says which epoch was kept (the one with the lowest loss on `valid`), and that frozen meant frozen: all tensors of the base were
// compared, bit for bit, before and after. Compare `loss` with `valid loss`: while both fall, the head still learns something that holds for
// cells it has not seen. The same as a figure:
func Example_headCurves() {
	plots.Show(plots.Curves(tl.Must(headOnly.Histories(ctx))...))
}

// **Read the figure**: on the left the loss (lower is better), on the right the accuracy. Where the curve of `train` goes on falling and that of
// `valid` turns up, the model has begun to learn its training images by heart. That is overfitting.
//
// ## 8 · Step 3: unfreeze the last blocks and fine-tune
//
// **3. Unfreeze some later layers in the base net and now train the base net and FC net together.** The early blocks see edges, colours, textures.
// Those are the same in solar cells as anywhere. The late blocks know about dogs' ears, and there are none here: they can be put to
// better use.
//
// The second model first gets the same head phase. It is the same computation with the same random numbers, so it is where the first one is.
// Then the last six blocks are unfrozen: five MBConv blocks and the 1×1 convolution on top.
//
// **Predict**: what share of the parameters becomes trainable?
func Example_unfreeze() {
	tl.Must(tuned.Reset(ctx))
	tl.Must(tuned.Fit(tl.WithReport(ctx, nil), train, valid, headPhase))
	summary := tl.Must(tuned.UnfreezeTop(ctx, 6))
	fmt.Println(summary)
	share := float64(summary.Trainable()) / float64(summary.Total())
	fmt.Printf("trainable: %.0f %% of the parameters\n", 100*share)
}

// Many parameters, few images. So, says the lecture, *we must be very careful not to have big gradient updates*. Why?
//
//   - The pretrained weights are worth something. A large step destroys in a moment what took weeks to learn, and our images are too few
//     to learn it again.
//   - That is also why the head came first. A random head sends random corrections down into the base. After step 2, *you are in a better part of
//     the loss surface already*, and the gradients mean something. (Kumar et al. 2022 show that skipping step 2 costs accuracy on data that differ
//     from the training data.)
//   - Adam, our optimizer, divides each gradient by its usual size. Its steps are about as long as the **learning rate**, however steep the slope. So it
//     is the rate that must be very low.
//
// But one low rate for everything wastes time in the late layers. Hence **differential learning rates**: *train different layers at different
// rates*, 3 to 10 times smaller for each group towards the input. With rate $\eta$ for the head and decay $d$, the group that lies $g$ groups below
// the head gets
//
// $$\eta_g = \eta \cdot d^{\,g}$$
//
// Here $d$ is 1/3, and a group is a stage of the network. (Howard & Ruder 2018, who found this for language, call it *discriminative*
// fine-tuning.) The other fields of `tunePhase`: the *one-cycle* schedule starts low, rises to the rate above and sinks again to almost nothing (Smith
// 2018), *label smoothing* asks the network for 97.5 % instead of 100 % certainty, as fits labels that are not certain themselves, and *weight decay* keeps weights small.
//
// This is the step that takes minutes. The frozen blocks run once for each photograph and its mirror images; then only the last six are
// trained. (To run this again from the start, begin with the cell above.)
func Example_fineTune() {
	history := tl.Must(tuned.Fit(ctx, mirrored, valid, tunePhase))
	seconds := history.Time.Total.Seconds()
	fmt.Printf("kept epoch %d of %d; %.0f s\n", history.Kept, len(history.Epochs), seconds)
	fmt.Println(history.Proof)
	for _, block := range tl.Must(tuned.Summary(ctx)).Blocks {
		if !block.Frozen {
			rate := history.Rates[block.Name]
			fmt.Printf("%-10s %-8s rate %.2e\n", block.Name, block.Stage, rate)
		}
	}
}

// Compare the rates in the last column: each stage has a third of the one after it.
func Example_bothPhases() {
	plots.Show(plots.Curves(tl.Must(tuned.Histories(ctx))...))
}

// **Read the figure**: the phases stand one behind the other. Where the second begins, the curves jump. The training loss has three reasons for it:
// label smoothing, with which it cannot fall below $-0.975 \cdot \log 0.975 - 0.025 \cdot \log 0.025 \approx 0.117$; the mirrored images, which are harder; and
// the rising rate, which shakes what was good. The last one shows in the loss of `valid` too. The question is whether the curves
// come back, and go below where they were. With a rate that is too high they do not.
//
// Then look at the gap between training and `valid`, and at which epoch was kept. The lecture says of training the whole network: *until we
// overfit and then step back some epochs*. Keeping the best epoch is that step back.
//
// Now back to your guess. This is still `valid`, on which the epochs were chosen, so both numbers are a little too good.
func Example_compareWithMyGuess() {
	for _, c := range []struct {
		model tl.Model
		guess float64
	}{{headOnly, guessHead}, {tuned, guessTuned}} {
		evaluation := tl.Must(c.model.Evaluate(ctx, valid))
		fmt.Printf("%-12s guessed %.3f, measured %.3f\n", c.model.Name, c.guess, evaluation.Accuracy())
	}
}

// ## 9 · The test, once
//
// All decisions are made; now the test images may be looked at. **Predict**: better or worse than on `valid`? Which model wins, and by how much?
func Example_test() {
	for _, model := range []tl.Model{headOnly, tuned} {
		fmt.Println(tl.Must(model.Evaluate(ctx, test)))
	}
}

// How to read the lines:
//
//   - *accuracy*: the share of right answers. *Always answering* the largest class is what it must beat.
//   - *balanced accuracy*: the mean of the two classes' shares of right answers. A constant answer gets 0.5, whatever the classes' sizes.
//   - *95 % interval*: how far chance in the choice of the $n$ test images reaches (bootstrap, Efron 1979). A rule of thumb for one accuracy $p$
//     is the standard error $\sqrt{p(1-p)/n}$; two of them to each side make the interval.
//
// If you now go back, change something and run the test again until it looks better, the test is no test any more. Changes are judged on `valid`.

func standardError(p float64, n int) float64 { return math.Sqrt(p * (1 - p) / float64(n)) }

func Example_standardError() {
	for _, p := range []float64{0.80, 0.85, 0.90} {
		fmt.Printf("accuracy %.2f on 656 images: ± %.3f\n", p, 2*standardError(p, 656))
	}
	// Output:
	// accuracy 0.80 on 656 images: ± 0.031
	// accuracy 0.85 on 656 images: ± 0.028
	// accuracy 0.90 on 656 images: ± 0.023
}

// ## 10 · What it still gets wrong
//
// One number hides *which* mistakes are made. The confusion matrix has a row for each true class and a column for each answer. In practice
// the two kinds of mistakes cost differently: a defect that is overlooked, and a good cell that is sorted out. **Predict**: which of the
// two is more frequent?
func Example_confusion() {
	plots.Show(plots.SideBySide(
		plots.Confusion(tl.Must(headOnly.Evaluate(ctx, test))),
		plots.Confusion(tl.Must(tuned.Evaluate(ctx, test))),
	))
}

// **Read the figure**: the framed diagonal holds the right answers, and the shade is the share of its row. Compare the lower rows. Both models have
// seen about twice as many functional cells as defective ones, and in doubt they lean to the larger class. That is why the balanced
// accuracy above is lower than the accuracy. Did fine-tuning mend one kind of mistake more than the other?
//
// Now the mistakes themselves, those first of which the network was most certain. Before you blame it: would *you* have known? Do you see a
// pattern: one kind of crystal, one kind of defect, something that 224×224 pixels hide?
func Example_mistakes() {
	evaluation := tl.Must(tuned.Evaluate(ctx, test))
	mistakes := evaluation.Mistakes()
	shown := mistakes[:min(12, len(mistakes))]
	plots.Show(tl.Must(plots.Results(ctx, test, evaluation.Predicts, shown)))
}

// Remember that the expert was not sure of every label. And there are two kinds of crystal. Are the mistakes spread evenly?
func Example_whereItIsWrong() {
	evaluation := tl.Must(tuned.Evaluate(ctx, test))
	wrong, all := map[string]int{}, map[string]int{}
	for i, item := range tl.Must(test.Items(ctx)) {
		sure := "expert sure"
		if item.Probability > 0 && item.Probability < 1 {
			sure = "expert not sure"
		}
		for _, group := range []string{sure, item.Kind} {
			all[group]++
			if evaluation.Predicts.Class[i] != item.Label {
				wrong[group]++
			}
		}
	}
	for _, group := range []string{"expert sure", "expert not sure", "mono", "poly"} {
		share := float64(wrong[group]) / float64(all[group])
		fmt.Printf("%-16s wrong %3d of %3d, %4.1f %%\n", group, wrong[group], all[group], 100*share)
	}
}

// ## 11 · How far to trust these numbers
//
//   - **The split is weak.** The rows of the data set come module by module. With every fourth row held out, a test cell has neighbours from
//     its own module among the training cells: same camera, same day, same brightness. The test says how well the network does on *such* modules.
//     For a module from another factory, expect less. A better split would hold out whole modules, but the data set does not say which cell is
//     from which.
//   - **The labels are uncertain**, about one in eight of them by the expert's own word. No model can be better than its labels.
//   - **One run is one run.** Head, order of images and mirroring depend on a random seed. `tuned.Seeded(1)` is the same model with another one.
//     Report the median of several, and do not pick the best.
//   - **The classes are not even.** In a power plant there may be far fewer defective cells than here: $P(Y)$ differs. The lecture files this under
//     $P_s(Y|X) \neq P_t(Y|X)$, but what shifts first is the prior $P(Y)$, and $P(Y|X)$ only with it, by Bayes' theorem.
//   - **This is a lesson**, no inspection system.
//
// ## 12 · What you did, in the lecture's words
//
// | strategy | here |
// |---|---|
// | feature-representation transfer | the base's 1,280 numbers for a solar cell, used as they are (section 7) |
// | parameter transfer | the base's weights, used as a start (section 8) |
// | inductive transfer | labels in the target, another task than in the source |
//
// **Try it.** Each of these is a small change above. Judge on `valid`, and write down your guess first.
//
//  1. *Fewer images.* In section 2, write `train, valid = rest.Split(0.1, 1)`: about 200 images to learn from, and more to validate on. What does
//     each model lose? (In section 5, give the models other names, so that the old ones are kept.)
//  2. *A rate that is too high.* Give `tunePhase` the rate `3e-2` and look at the curves at the border of the phases.
//  3. *No differential rates.* Set `RateDecay: 1`. Better, worse, or within the error?
//  4. *Skip step 2.* Fine-tune a third model without training its head first. What do the curves look like?
//  5. *One more block or one less.* `UnfreezeTop(ctx, 2)`, `UnfreezeTop(ctx, 10)`: accuracy, and time?
//
// ## Further reading
//
//   - J. Yosinski, J. Clune, Y. Bengio, H. Lipson: *How transferable are features in deep neural networks?* NIPS 2014, arXiv:1411.1792. Measures
//     layer by layer what the lecture says of early and late layers.
//   - J. Howard, S. Ruder: *Universal language model fine-tuning for text classification.* ACL 2018, arXiv:1801.06146. Differential rates, gradual unfreezing.
//   - A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang: *Fine-tuning can distort pretrained features and underperform out-of-distribution.* ICLR
//     2022, arXiv:2202.10054. First the head, then the rest.
//   - M. Tan, Q. V. Le: *EfficientNet: rethinking model scaling for convolutional neural networks.* ICML 2019, arXiv:1905.11946.
//   - M. Sandler et al.: *MobileNetV2: inverted residuals and linear bottlenecks.* CVPR 2018, arXiv:1801.04381.
//   - L. N. Smith: *A disciplined approach to neural network hyper-parameters, part 1.* 2018, arXiv:1803.09820. The one-cycle schedule.
//
// The data, ELPV, under CC BY-NC-SA 4.0 (with credit, not for commercial use, alike). Its authors ask to cite:
//
//   - C. Buerhop-Lutz, S. Deitsch, A. Maier, F. Gallwitz, S. Berger, B. Doll, J. Hauch, C. Camus, C. J. Brabec: *A benchmark for visual identification of
//     defective solar cells in electroluminescence imagery.* EU PVSEC 2018, doi:10.4229/35thEUPVSEC20182018-5CV.3.15.
//   - S. Deitsch, C. Buerhop-Lutz, E. Sovetkin, A. Steland, A. Maier, F. Gallwitz, C. Riess: *Segmentation of photovoltaic module cells in uncalibrated
//     electroluminescence images.* Machine Vision and Applications 32 (2021), doi:10.1007/s00138-021-01191-9.
//   - S. Deitsch, V. Christlein, S. Berger, C. Buerhop-Lutz, A. Maier, F. Gallwitz, C. Riess: *Automatic classification of defective photovoltaic module
//     cells in electroluminescence images.* Solar Energy 185 (2019), doi:10.1016/j.solener.2019.02.067.
