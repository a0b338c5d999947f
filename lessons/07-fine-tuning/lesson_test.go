// # Lesson 7 · Fine-tuning: a good classifier from few images, on a CPU
//
// The lecture asks: *how do you build an image classifier that can be trained in a few minutes on a CPU with very little data?* Its
// answer is transfer learning: take a network that somebody else trained for weeks on more than a million photographs, and adapt it. In
// this lesson you do that, step by step, with a task that matters to somebody: finding broken solar cells.
//
// **When you are through, you can**
//
//   - say in the lecture's terms what differs between a source and a target, and why the lecture writes $P_s(x) \neq P_t(x)$ below *Fine-tuning*;
//   - carry out the three steps: freeze the base, train the head, unfreeze the last blocks and train on;
//   - say why the gradient updates must not be big, and show what a big one destroys;
//   - leave batch norm alone, and name the damage where somebody did not;
//   - judge the result: against the simplest possible answer, with its uncertainty, on images that no decision has seen, and by what the network
//     looks at.
//
// **Minutes needed**: about 50 to read, predict and answer; three of them are the machine's, most of it in one cell of section 8.
//
// **Before this lesson**: lesson 2 counts parameters, lesson 3 looks at representations, lesson 6 trains heads on a frozen base. What you need of them
// is said again here in a sentence or two, so that this lesson can stand alone.
//
// **How to work.** Run the cells from the top, one after the other (Shift+Enter). Before a result there is a question marked **Predict**. Write your
// answer down before you run the cell: being wrong first is how one remembers. Exercises stand where they belong; each is checked at once, and after
// two tries there is a hint. The first run computes what the network makes of each image. The results are kept on disk, so a second run is shorter.
//
// ## 1 · Go in six lines
//
// Lesson 1 teaches the Go that the lab uses. In short:
//
// | Go | Python | remark |
// |---|---|---|
// | `n := 3` | `n = 3` | `:=` makes a new variable, `=` changes an old one |
// | `[]int{1, 2}` | `[1, 2]` | a *slice*; every element has the same type |
// | `for i, x := range xs { … }` | `for i, x in enumerate(xs):` | braces, not indentation |
// | `func f(a int) float64 { … }` | `def f(a): …` | types are written behind the names |
// | `tl.Phase{Name: "head", Epochs: 5}` | `Phase(name="head", epochs=5)` | a *struct*; what is left out is zero |
// | `v := tl.Must(f())` | `v = f()` | `f` returns a value and an error; `Must` stops the cell with the error, if there is one |
//
// A cell that starts with `%%` is run at once, and its variables are gone when it ends. What stands in cells without `%%` stays for the rest of the
// notebook. The next cell says which packages are used: `tl` holds the words of transfer learning, `datasets` the images, `plots` the figures, `check`
// the exercises.
package finetuning_test

import (
	"context"
	"fmt"
	"math"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
)

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
// `mirrored` is `train` again, but each photograph may also come mirrored left to right: a broken cell is broken from both sides, so that one photograph
// gives two. This is *augmentation*, and we use it for fine-tuning.
//
// These lines only *describe* the data: nothing is read, nothing is loaded yet. So they may stand in a cell without `%%`, where all later
// cells find them.

var (
	ctx          = context.Background()
	rest, test   = datasets.Open("elpv").EveryNth(4)
	train, valid = rest.Split(0.85, 1)
	mirrored     = train.Augment(datasets.Augmentation{FlipLeftRight: true})
)

// How many images are there of each class? The answer matters more than it seems. If most cells are functional, a program that says
// "functional" without looking is right most of the time. The share of the largest class is the accuracy to beat.
func Example_countTheRows() {
	for _, part := range []datasets.Dataset{train, valid, test} {
		fmt.Println(tl.Must(part.Counts(ctx)))
	}
}

// Now look at some, spread over the training rows, with the true class below each. They are shown as the network gets them: 224×224 pixels. (`_` takes a
// result that nobody needs, as in Python.)
func Example_lookAtImages() {
	_, spread := train.EveryNth(140)
	plots.Show(tl.Must(plots.Batch(ctx, spread, 12)))
}

// **Read the figure**: find a crack (a thin dark line) and a part that is cut off (a dark patch with a sharp edge). The dark horizontal bands are the
// metal strips that collect the current. Cells with cut corners and an even grey are single crystals; those with dark clouds are made of many crystals,
// and the clouds are harmless. **Predict**: which of the two kinds will be harder for a network? (Section 12 will say.)
//
// And this is what augmentation makes of one photograph:
func Example_lookAtAugmentation() {
	plots.Show(tl.Must(plots.Batch(ctx, mirrored.Take(1), 1)))
}

// **Read the figure**: the photograph and its mirror image; the label stays the same. Would turning it upside down be as harmless? By 45°?
//
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
// Why does the slide *Fine-tuning* carry $P_s(x) \neq P_t(x)$, and the one before it, *Representation Extraction*, $P_s(Y|X) \neq P_t(Y|X)$? Because each names
// what its method can mend. A new head on a frozen base changes the answer $P(Y|X)$ that is given for a representation; the representation itself it must
// take as it is. If the *images* are of another kind than those that the base was trained on, the features themselves may be the wrong ones: some channels
// answer to things that never come, and nothing answers to what matters. Then the base has to move, and moving it is fine-tuning.
//
// The next cell makes that difference visible before anything is trained: with its old head the network can still answer the *source* task.
//
// The network is EfficientNet-Lite0 (Tan & Le 2019), small enough for a telephone. `tl.Load` describes it with its ImageNet weights
// and without its head. Let the network with its old head answer for four solar cells.
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
// Which of the four lines of the table a change concerns is worth an exercise, since the remedy depends on it.
func Example_exerciseDiffers() {
	check.Answer("07/differs", nil)
}

// ## 4 · Where the parameters are
//
// Lesson 2 counts networks layer by layer. What is needed of it here: a fully connected layer has one weight for each pair of input and output, and one
// bias for each output; a convolution has for each filter as many weights as the filter looks at, $k \times k \times c_{in}$.
//
// VGG16 on the lecture's slides has 134 million parameters, nine of ten in its fully connected layers. Our base is a newer kind of network, and much
// smaller. It ends in an *average over space* in place of `flatten`, so that its head is small. Its **blocks**, called MBConv (the inverted bottlenecks of Sandler
// et al. 2018), split a convolution into three cheap ones. In a block that takes $c$ channels, gives $c'$, and widens 6 times in between:
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
// Count one such block by hand. Put your answer in place of `nil` and run the cell; `nil` prints the question.
func Example_exerciseBlock() {
	check.Answer("07/mbconv", nil)
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

// **Predict**: how many parameters remain trainable? The representation has 1,280 numbers. First the same for another number of classes.
func Example_exerciseHead() {
	check.Answer("07/head", nil)
}

// And for our two classes:
func Example_freeze() {
	summary := tl.Must(headOnly.Freeze(ctx))
	fmt.Printf("trainable: %d of %d parameters\n", summary.Trainable(), summary.Total())
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

// **Read the figure**: the network has never heard of silicon, and its first component parts the two kinds of crystal. So what varies most need not be what we
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
	tunePhase = tl.Phase{Name: "fine-tune", Epochs: 7, LearningRate: 1e-3, RateDecay: 1.0 / 3,
		Schedule: "one-cycle", LabelSmoothing: 0.05, WeightDecay: 0.01}
)

// **Predict** the accuracy on `valid`, of the trained head and of the fine-tuned network. Put a number in place of each `nil`; the cells that measure will
// hold it against what comes out. Keep in mind what always answering "functional" gets.
func Example_predict() {
	check.Predict("07/guess-head", nil)
	check.Predict("07/guess-tuned", nil)
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

// Before you read on: why was the head trained first?
func Example_exerciseOrder() {
	check.Answer("07/order", nil)
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
// Here $d$ is 1/3, and a group is a stage of the network. (Howard & Ruder 2018, who found this for language, call it *discriminative* fine-tuning.
// Lesson 8 is about nothing else.) The other fields of `tunePhase`: the *one-cycle* schedule starts low, rises to the rate above and sinks again to
// almost nothing (Smith 2018), *label smoothing* asks the network for 97.5 % instead of 100 % certainty, as fits labels that are not certain themselves,
// and *weight decay* keeps weights small.
//
// This is the step that takes minutes. The frozen blocks run once for each photograph and its mirror image; then only the last six are
// trained. (To run this again from the start, begin with the cell that unfreezes.)
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
// label smoothing, with which it cannot fall below $-0.975 \cdot \log 0.975 - 0.025 \cdot \log 0.025 \approx 0.117$; the mirrored images, which the head
// has not seen; and the rising rate, which shakes what was good. The last one shows in the loss of `valid` too. The question is whether the curves come
// back, and go below where they were. With a rate that is too high they do not.
//
// Then look at the gap between training and `valid`, and at which epoch was kept. The lecture says of training the whole network: *until we
// overfit and then step back some epochs*. Keeping the best epoch is that step back.
//
// One of the three reasons can be computed. Where does the 0.117 come from, and what would it be for another share?
func Example_exerciseSmoothing() {
	check.Answer("07/smoothing", nil)
}

// Now back to what you predicted. This is still `valid`, on which the epochs were chosen, so both numbers are a little too good.
func Example_compareWithMyPrediction() {
	check.Reveal("07/guess-head", tl.Must(headOnly.Evaluate(ctx, valid)).Accuracy())
	check.Reveal("07/guess-tuned", tl.Must(tuned.Evaluate(ctx, valid)).Accuracy())
}

// ## 9 · The gradient that is too big
//
// *We must be very careful not to have big gradient updates.* What happens to who is not? Two models get the same head and the same 150 photographs. Then
// their last six blocks are fine-tuned for three epochs: one carefully, as above, the other at a rate that is 30 times as high. Everything else is the
// same, the differential rates too.
//
// **Predict** the accuracy of the second one on 100 images of `valid`, half of them defective.

var (
	few      = train.PerClass(75, 1)
	judges   = valid.PerClass(50, 1)
	careful  = base.WithHead("careful", tl.Dense(2))
	reckless = base.WithHead("reckless", tl.Dense(2))
)

func Example_predictReckless() {
	check.Predict("07/guess-reckless", nil)
}

// The loss and the accuracy on valid stand in the last two columns. `KeepLast` keeps the last epoch, whatever it is worth: the lab would keep the best one
// otherwise, and hide the damage.
func Example_tooBig() {
	quietly := tl.WithReport(ctx, nil)
	for _, model := range []tl.Model{careful, reckless} {
		tl.Must(model.Reset(ctx))
		head := tl.Must(model.Fit(quietly, few, judges, headPhase))
		tl.Must(model.UnfreezeTop(ctx, 6))
		phase := tunePhase
		phase.Epochs, phase.KeepLast = 3, true
		if model.Name == reckless.Name {
			phase.LearningRate *= 30
		}
		alone := head.Epochs[head.Kept-1].ValidAccuracy
		fmt.Printf("the head alone: accuracy %.2f on valid\n", alone)
		fmt.Println(tl.Must(model.Fit(quietly, few, judges, phase)))
	}
}

func Example_compareReckless() {
	check.Reveal("07/guess-reckless", tl.Must(reckless.Evaluate(ctx, judges)).Accuracy())
}

// The training loss of a coin is 0.69. What is above it is worse than knowing nothing: the network is wrong, and sure of it. What was destroyed? The lab
// keeps the pretrained weights beside the trained ones and compares: `Drift` gives, for each block, how far its weights went from where
// they were, $\lVert w - w_0 \rVert / \lVert w_0 \rVert$, and how alike what leaves the block still is to what left it before, as CKA (Kornblith et al.
// 2019): 1 is the same up to a rotation, 0 has nothing to do with it any more.
func Example_whatItDestroyed() {
	for _, model := range []tl.Model{careful, reckless} {
		drift := tl.Must(model.Drift(ctx, judges))
		drift.Blocks = drift.Blocks[11:] // the last frozen block, and those behind it
		plots.Show(plots.BlockDrift(drift))
	}
}

// **Read the figure**: a row is a block, from the input to the top; the first is still frozen, and has not moved at all. The careful model moved the
// others by a hundredth or less, and what they hand on changed most where it should, behind the last one. (It gains nothing all the same, and
// may even lose a little: 150 photographs and three epochs are not much.) In the reckless one every block went some thirty times as far, one
// of them by more than a tenth of its length, and that is enough: what the last blocks hand on has lost much of its likeness to the pretrained
// representation, and the accuracy is that of a constant answer. What was learned from a million photographs cannot be had again from 150.
//
// **The remedy** is the slide's: *a very low learning rate*, and the head first. Note what would *not* help: under Adam a step is about as long as the rate
// however long the gradient is, so that shortening gradients changes little. And keep the best epoch on `valid`, which the lab does unless told otherwise.
//
// ## 10 · A pitfall: batch norm that goes on measuring
//
// Batch norm subtracts a mean and divides by a deviation. While a network is *trained*, both are those of the batch; for use, it takes the running
// averages that it collected meanwhile (Ioffe & Szegedy 2015). So there are two things to freeze. Who sets `requires_grad = False` on every parameter in
// PyTorch has frozen the weights; as long as the network is in training mode, batch norm goes on measuring, and its averages move at every step, whatever
// the learning rate. (In Keras, since TensorFlow 2, `trainable = False` stops both.)
//
// In the lab a frozen block is frozen, its averages too. `BatchNorm: tl.BatchNormAverages` switches the mistake on. The head of section 7 is trained for
// three more epochs on 64 photographs, in batches of 2, at a rate so low that it can hardly move: once with the mistake, once without.
//
// **Predict**: which of the two loses, and is it visible in the *training* loss?

var (
	frozenNorm = base.WithHead("frozen averages", tl.Dense(2))
	movingNorm = base.WithHead("moving averages", tl.Dense(2))
)

func Example_batchNorm() {
	quietly := tl.WithReport(ctx, nil)
	for _, model := range []tl.Model{frozenNorm, movingNorm} {
		tl.Must(model.Reset(ctx))
		tl.Must(model.Fit(quietly, train, valid, headPhase))
		before := tl.Must(model.Evaluate(ctx, judges))
		phase := tl.Phase{Name: "a little more", Epochs: 3, LearningRate: 1e-5, BatchSize: 2}
		if model.Name == movingNorm.Name {
			phase.BatchNorm = tl.BatchNormAverages
		}
		history := tl.Must(model.Fit(quietly, train.PerClass(32, 1), datasets.Dataset{}, phase))
		after := tl.Must(model.Evaluate(ctx, judges))
		proof := history.Proof
		fmt.Printf("%s: %d of %d frozen tensors moved\n", model.Name, len(proof.Moved), proof.Tensors)
		fmt.Printf("   training loss %.2f\n", history.Epochs[2].Loss)
		fmt.Printf("   on valid: loss %.2f → %.2f, accuracy %.2f → %.2f\n",
			before.Loss, after.Loss, before.Accuracy(), after.Accuracy())
	}
}

// No weight of the base has moved, and yet the network is not what it was. The damage comes in two parts. *In training* the head, which learned on representations
// made with the pretrained averages, gets others, made with the mean and deviation of two photographs: the training loss shows it. *In use* the averages have
// gone some way towards what was measured on pairs of photographs, and every image's representation is a little off.
//
// **The remedy**: leave the averages of frozen blocks alone (the lab's default), and those of unfrozen blocks too where batches or images are few. The line
// `frozen: 245 tensors, bit-identical` below each phase is there for this. How much of the pretrained averages is left after such a phase?
func Example_exerciseAverages() {
	check.Answer("07/averages", nil)
}

// ## 11 · The test, once
//
// All decisions are made; now the test images may be looked at. **Predict**: better or worse than on `valid`? Which model wins, and by how much?
func Example_test() {
	before, after := tl.Must(headOnly.Evaluate(ctx, test)), tl.Must(tuned.Evaluate(ctx, test))
	fmt.Println(before)
	fmt.Println(after)
	fmt.Println("fine-tuned against head only:", tl.Must(after.Against(before)))
}

// How to read the lines:
//
//   - *accuracy*: the share of right answers. *Always answering* the largest class is what it must beat.
//   - *balanced accuracy*: the mean of the two classes' shares of right answers. A constant answer gets 0.5, whatever the classes' sizes.
//   - *95 % interval*: how far chance in the choice of the $n$ test images reaches (bootstrap, Efron 1979). A rule of thumb for one accuracy $p$
//     is the standard error $\sqrt{p(1-p)/n}$; two of them to each side make the interval.
//   - *against*: both models answered the same images, so the difference is known better than either accuracy. Two intervals may overlap where that of
//     the difference leaves out 0. Where it does not, this test has not shown that fine-tuning helps.
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

// ## 12 · What it still gets wrong
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
// Now the mistakes themselves, those first of which the network was most certain.
func Example_mistakes() {
	evaluation := tl.Must(tuned.Evaluate(ctx, test))
	mistakes := evaluation.Mistakes()
	shown := mistakes[:min(12, len(mistakes))]
	plots.Show(tl.Must(plots.Results(ctx, test, evaluation.Predicts, shown)))
}

// **Read the figure**: below each image stands what it is, then what the network said, with its probability. Before you blame it: would *you* have known?
// Do you see a pattern: one kind of crystal, one kind of defect, something that 224×224 pixels hide?
//
// Remember that the expert was not sure of every label. And there are two kinds of crystal. **Predict**: are the mistakes spread evenly? (A `map` is
// Python's `dict`.)
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

// Accuracy counts all images alike; balanced accuracy counts the classes alike. Write it yourself: fill in the func, and put its name in place of `nil`.

func myBalancedAccuracy(truth, predicted []int) float64 {
	return 0 // your lines
}

func Example_exerciseBalanced() {
	check.Answer("07/balanced", nil)
}

// ## 13 · Before and after, in heat maps
//
// *What* does the network look at? Grad-CAM (Selvaraju et al. 2017) asks the last feature maps: it weights each of them by how much the class's logit would
// grow with it, adds them up, and lays the sum over the image. The map is as coarse as the maps are, 7×7 places. Here it speaks for *defective*, in four cells
// that are: three that only the fine-tuned model gets right, and one that both do.
//
// **Predict**: before you run the cell, look back at the photographs of section 2. Where would you look? Will fine-tuning move the light, or only make it
// brighter?
func Example_heatMaps() {
	before, after := tl.Must(headOnly.Evaluate(ctx, test)), tl.Must(tuned.Evaluate(ctx, test))
	var gained, kept []int
	for i, label := range after.Labels {
		switch { // the first case that holds
		case label != 1 || after.Predicts.Class[i] != 1:
		case before.Predicts.Class[i] != 1:
			gained = append(gained, i)
		default:
			kept = append(kept, i)
		}
	}
	shown := append(gained[:min(3, len(gained))], kept[:min(1, len(kept))]...)
	cells := test.Rows(shown...)
	defective := tl.Attribution{Method: tl.GradCAM, Class: "defective"}
	for _, model := range []tl.Model{headOnly, tuned} {
		maps := tl.Must(model.Attribute(ctx, cells, defective))
		figure := tl.Must(plots.HeatMaps(ctx, cells, maps))
		figure.Title = model.Name
		plots.Show(figure)
	}
}

// **Read the figure**: yellow places speak most for *defective*. Below each image stands the probability. Compare the two figures image by image: does
// the light lie on what you would call the defect, a crack or a dark patch? A map that lies on the border or on the metal strips is a warning: the
// answer may be right for a wrong reason. A map says where the evidence is, not what it is; and it is scaled to its own highest value, so that a weak
// map looks as bright as a strong one.

// ## 14 · How far to trust these numbers
//
//   - **The split is weak.** The rows of the data set come module by module. With every fourth row held out, a test cell has neighbours from
//     its own module among the training cells: same camera, same day, same brightness. The test says how well the network does on *such* modules.
//     For a module from another factory, expect less. A better split would hold out whole modules, but the data set does not say which cell is
//     from which.
//   - **The labels are uncertain**, about one in seven of them by the expert's own word. No model can be better than its labels.
//   - **One run is one run.** Head, order of images and mirroring depend on a random seed. `tuned.Seeded(1)` is the same model with another one.
//     Report the median of several, and do not pick the best.
//   - **The classes are not even.** In a power plant there may be far fewer defective cells than here: the prior $P(Y)$ differs (see the Errata).
//   - **This is a lesson**, no inspection system.
//
// ## 15 · What you did, in the lecture's words
//
// | strategy | here |
// |---|---|
// | feature-representation transfer | the base's 1,280 numbers for a solar cell, used as they are (section 7) |
// | parameter transfer | the base's weights, used as a start (section 8) |
// | inductive transfer | labels in the target, another task than in the source (the slide wants the same domain, too; ours differs) |
//
// Instance transfer and relational-knowledge transfer, which the lecture also names, are not done here. Of the two *variations* on the slide, same domain and
// another task, another domain and the same task, neither is: here both differ. Segmentation, the lecture's example of a new task, has no run in this lesson
// either. What is said of classes here would hold there for every pixel: the base is kept, the head is one that has not thrown the places away.
//
// "**What people think**: you can't do deep learning unless you have a million labeled examples." You had 1,673, and in section 9 it was 150. The million
// was needed once, by others: without their weights this lesson would have to start where lesson 1 shows that it leads nowhere.
//
// **Where you stand**: the exercises of this lesson, with what is still open.
func Example_progress() {
	check.Progress("07")
}

// **On your own.** Each of these is a small change above. Judge on `valid`, and write down your guess first.
//
//  1. *Fewer images.* In section 2, write `train, valid = rest.Split(0.1, 1)`: about 200 images to learn from, and more to validate on. What does
//     each model lose? (In section 5, give the models other names, so that the old ones are kept.)
//  2. *Skip step 2.* Fine-tune a third model without training its head first. What do the curves look like?
//  3. *One more block or one less.* `UnfreezeTop(ctx, 2)`, `UnfreezeTop(ctx, 10)`: accuracy, and time?
//  4. *A small batch where the averages do move.* In section 10, take batches of 16. Is the damage as large? Why?
//
// ## Errata of the slides
//
//   - The *telescope* slide, $P_s(x) \neq P_t(x)$: the scenario is about two telescopes, one of which is more sensitive, and the task that follows is about
//     *topics in a document*. What fits the scenario is: can the weights learned on the pictures of one telescope be used on those of the other?
//   - The slide on *unbalanced labels* files them under $P_s(Y|X) \neq P_t(Y|X)$. What shifts there is the prior $P(Y)$; $P(Y|X)$ changes with it, and only
//     through Bayes' theorem, $P(Y|X) = P(X|Y)\,P(Y)/P(X)$, while $P(X|Y)$, what a defective cell looks like, stays. That matters: a shifted prior can be put
//     right behind a trained network, without training it again. (Section 14 has the case of our solar cells.)
//   - *Unsupervised transfer learning* is said to have "same domains", and its example goes from English to Spanish texts. Two languages are two feature
//     spaces, hence two domains.
//
// ## Further reading
//
//   - J. Yosinski, J. Clune, Y. Bengio, H. Lipson: *How transferable are features in deep neural networks?* NIPS 2014, arXiv:1411.1792. Measures
//     layer by layer what the lecture says of early and late layers.
//   - J. Howard, S. Ruder: *Universal language model fine-tuning for text classification.* ACL 2018, arXiv:1801.06146. Differential rates, gradual unfreezing.
//   - A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang: *Fine-tuning can distort pretrained features and underperform out-of-distribution.* ICLR
//     2022, arXiv:2202.10054. First the head, then the rest.
//   - S. Ioffe, C. Szegedy: *Batch normalization: accelerating deep network training by reducing internal covariate shift.* ICML 2015, arXiv:1502.03167.
//   - S. Kornblith, M. Norouzi, H. Lee, G. Hinton: *Similarity of neural network representations revisited.* ICML 2019, arXiv:1905.00414. CKA.
//   - R. R. Selvaraju et al.: *Grad-CAM: visual explanations from deep networks via gradient-based localization.* ICCV 2017, arXiv:1610.02391.
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
