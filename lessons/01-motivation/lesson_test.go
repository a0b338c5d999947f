// # Lesson 1 · Motivation: not enough data, takes too long
//
// *How do you build an image classifier that can be trained in a few minutes on a CPU with very little data?* That is the question of the
// lecture. This lesson shows why it is a hard one. You count the parameters of a famous network, let this machine train it for two steps and work out
// when it would be done, and then let two networks learn from the same few photographs: one that starts from nothing, and one that does not.
//
// **When you are through, you can**
//
//   - read the Go in these notebooks;
//   - say in numbers what "not enough data" and "takes too long" mean;
//   - compare training from scratch with transfer on a few hundred real images, with the spread over seeds;
//   - tell the four cases of the lecture's basic idea apart, and say when transfer helps less and when it fails;
//   - see why a test of twenty images proves nothing.
//
// **Minutes needed**: about 45 to read, predict and answer; two of them are the machine's.
//
// **How to work.** Run the cells from the top, one after the other (Shift+Enter). Before some results there is a line marked **Predict**. Write your number
// into the cell and run it before you go on: being wrong first is how one remembers. The exercises are practice. Each is checked at once, and
// in a notebook that a teacher made for you the numbers are your own.
//
// ## 1 · Ten lines of Go
//
// The lab is written in Go. If you know a little Python, this table and the next cells are all the Go that you need.
//
// | Go | Python | remark |
// |---|---|---|
// | `n := 3` | `n = 3` | `:=` makes a new variable, `=` changes an old one |
// | `var d = datasets.Open("elpv")` | `d = datasets.open("elpv")` | a variable of the whole notebook |
// | `[]int{1, 2}` | `[1, 2]` | a *slice*; every element has the same type |
// | `for i, x := range xs { … }` | `for i, x in enumerate(xs):` | braces, not indentation |
// | `for i := range 5 { … }` | `for i in range(5):` | |
// | `func f(a int) float64 { … }` | `def f(a): …` | types are written behind the names |
// | `float64(n) / 3` | `n / 3` | whole numbers stay whole: `7 / 2` is 3 |
// | `tl.Phase{Name: "head", Epochs: 5}` | `Phase(name="head", epochs=5)` | a *struct*; what is left out is zero |
// | `v, err := f()` | `v = f()` | errors are values, not exceptions: `err` is `nil` where all went well |
// | `v := tl.Must(f())` | `v = f()` | stops the cell with the error, if there is one |
//
// And the small print, to look up when you meet it:
//
// | Go | Python | remark |
// |---|---|---|
// | `const days = 7` | `days = 7` | a number with a name, which nothing changes |
// | `for _, x := range xs { … }` | `for x in xs:` | `_` takes what nobody wants, here the position |
// | `var xs []int`, `append(xs, 7)`, `len(xs)` | `[]`, `xs + [7]`, `len(xs)` | `make([]int, 5)` has five zeros; `[][]int` is a list of lists |
// | `map[string]float64{}` | `{}` | a dictionary from text to numbers |
// | `x++`, `x += 2`, `&&`, `!` | `x += 1`, `x += 2`, `and`, `not` | |
// | `twice := func(x int) int { return 2 * x }` | `twice = lambda x: 2 * x` | functions are values; `(right []bool)` behind one names its result |
// | `f(xs...)` | `f(*xs)` | and `func f(xs ...int)` is `def f(*xs)` |
// | `type ring struct { R float64 }` | `class Ring: …` | a new kind of struct, with the names and types of its fields |
// | `fmt.Printf("%d %.2f %s\n", n, x, s)` | `print("%d %.2f %s" % (n, x, s))` | `%v` prints anything |
// | `if err := f(); err != nil { … }` | | does, and then asks; `nil` is `None` |
//
// The next cell says which packages the notebook uses. `fmt` prints, `context` lets the stop button stop things; `tl` holds the words of
// transfer learning, `tl/count` the arithmetic of networks, `datasets` the images, `plots` the figures, `check` the exercises. (`rand` in front
// of a path is the name that the package gets here.)
package motivation_test

import (
	"context"
	"fmt"
	rand "math/rand/v2"
	"strconv"
	"time"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
	"transferlab/tl/count"
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

// ## 2 · Classify the rarest plants: not enough data
//
// The slide: you want to tell the rarest plants apart. Rare plants have few photographs: *data set, few hundred images*. The network on the slide is
// VGG16 (Simonyan & Zisserman 2014), and it has 134,268,737 parameters.
//
// We have no photographs of rare plants, so solar cells stand in for them. They are real, they are few, and each label cost the time of
// an expert. A module is photographed in the dark while a current flows through it. Healthy silicon then glows in the infrared; cracks
// and parts that are cut off stay dark. The data set ELPV (Buerhop-Lutz et al. 2018) has 2,624 such pictures, one cell each. A cell is **defective**
// or **functional**.
//
// Every fourth picture is put away as `test`. From the `rest` we take as few as a botanist has. These lines only *describe* the data: nothing
// is read yet.

var (
	ctx        = context.Background()
	rest, test = datasets.Open("elpv").EveryNth(4)
)

// Six of each class. Imagine that this were all you have.
func Example_lookAtImages() {
	plots.Show(tl.Must(plots.Batch(ctx, rest.PerClass(6, 0), 12)))
}

// **Read the figure**: look for thin dark lines (cracks) and for dark patches with a sharp edge (parts that are cut off). The dark bands that all cells share
// are the metal strips that collect the current. Could you label a thirteenth picture? Some you could, since you have seen lines, edges and stains all your
// life; a network that starts from nothing has not. Others you could not: stains need not be a defect, some defects hardly show, and the experts were not always sure.
//
// Now the parameters. Package `count` knows VGG16 layer by layer. Its last layer has as many outputs as there are classes, so the number
// depends on them. **Predict**: for how many classes does VGG16 have the slide's 134,268,737 parameters?
func Example_countVGG16() {
	const slide = 134_268_737
	for _, classes := range []int{1, 2, 3, 1000} {
		n := tl.Must(count.VGG16(classes).Count()).Params()
		fmt.Printf("VGG16 with %4d classes: %s parameters, the slide's %+d\n",
			classes, tl.WithCommas(int64(n)), n-slide)
	}
	// Output:
	// VGG16 with    1 classes: 134,264,641 parameters, the slide's -4096
	// VGG16 with    2 classes: 134,268,738 parameters, the slide's +1
	// VGG16 with    3 classes: 134,272,835 parameters, the slide's +4098
	// VGG16 with 1000 classes: 138,357,544 parameters, the slide's +4088807
}

// For none. Each class needs 4,096 weights and one bias. With two classes that are 8,194 parameters on top of 134,260,544; the slide has 8,193, as if two
// classes shared one bias. One bias in 134 million changes no conclusion, but now you know how to find such a slip. (Lesson 2 counts the layers one by
// one.) Does the engine, the program that holds the weights and trains them, agree? It is given VGG16 with random weights and a new head for two classes.

var (
	vgg      = tl.Load("vgg16").Initial(0)
	vggModel = vgg.WithHead("vgg16 from scratch", tl.Dense(2))
)

func Example_theEngineCountsVGG16() {
	summary := tl.Must(vggModel.Unfreeze(ctx)) // from scratch, everything is trained
	fmt.Println(summary)
	for _, images := range []int64{300, 1_281_167} {
		each := float64(summary.Total()) / float64(images)
		fmt.Printf("%s images: %.0f parameters for each\n", tl.WithCommas(images), each)
	}
}

// A line of the table is a block of layers, with the shape that it puts out, its filters, its parameters, and its MACs, the multiplications that a picture costs there (lesson 2). The last
// lines divide: with 300 pictures there are more than four hundred thousand numbers to find for each of them, and a hundred even with all of ImageNet. A picture is no great help: its label says
// which of two classes it shows. Such a network can learn any 300 labels by heart, and even labels that were drawn by lot (Zhang et al. 2017). That it *can* does not prove that it
// *will*; section 4 tries it out.
//
// **Exercises.** Each cell prints its question. Put your answer in place of `nil` and run the cell again, as often as you like: it is checked at once, and
// after two tries there is a hint. `check.Progress("01")` in a cell of your own that begins with `%%` lists what you have.
func Example_exerciseClasses() {
	check.Answer("01/classes", nil)
}

func Example_exerciseEach() {
	check.Answer("01/each", nil)
}

// ## 3 · Classify cats, dogs, chinchillas: takes too long
//
// The second slide turns it round: for cats and dogs there is *enough training data*, the 1.2 million pictures of ImageNet. (A later slide says 1.4 million.
// Both have a source: the ImageNet competition of 2012 had 1,281,167 pictures to train on, and 1,431,167 with those to validate and test. We
// take the first.) But a network has to see each of them many times. Simonyan and Zisserman stopped after 370,000 steps of 256 pictures, 74 **epochs**,
// passes over all of them.
//
// How long would that take here? We need not wait for the end. A training **step** runs a handful of pictures forward through the network, compares the answers
// with the labels, runs the error backward to find for each weight which way it should move, and moves it. Each step takes as long as any other. So two steps
// will do; the second one is timed.
//
// **Predict**: in how many days will this machine have trained VGG16? Put a number in place of `nil`.
func Example_predictDays() {
	check.Predict("01/days", nil)
}

// From pictures a second to days:

func days(speed float64) float64 {
	const pictures, epochs, secondsADay = 1_281_167, 74, 60 * 60 * 24
	return pictures * epochs / speed / secondsADay
}

// All 134 million parameters are trained. Four solar cells are the handful, since it makes no difference to the clock what the pictures show. This takes
// about half a minute, and up to 6 GB of memory: on a smaller machine leave this cell and the next out. (`datasets.Dataset{}` is none: there are no pictures to validate on.)
func Example_twoStepsOfVGG16() {
	handful := rest.PerClass(2, 0)
	phase := tl.Phase{Name: "two steps", Epochs: 2, BatchSize: 4,
		Optimizer: "sgd", LearningRate: 1e-4, KeepLast: true}
	quietly := tl.WithReport(ctx, nil) // no line of progress
	history := tl.Must(vggModel.Fit(quietly, handful, datasets.Dataset{}, phase))
	fmt.Println("compiling the network:", history.Time.Compile.Round(time.Second/10))

	speed := history.Epochs[1].ImagesPerSecond
	fmt.Printf("one step, 4 pictures: %.1f s, %.2f pictures a second\n", 4/speed, speed)
	fmt.Printf("1,281,167 pictures, 74 times: %.0f days, %.1f years\n", days(speed), days(speed)/365)
	check.Reveal("01/days", days(speed))
}

// The forward half alone, *using* the network, is far cheaper: a picture goes through it once, not 74 times, and nothing runs back. Here are the same four
// pictures, forward only. **Predict** the share of the step that is forward.
func Example_forwardOnly() {
	e := tl.Must(vggModel.Evaluate(tl.WithReport(ctx, nil), rest.PerClass(2, 0)))
	fmt.Printf("forward: %.1f s for 4 pictures\n", (e.Time.Total - e.Time.Compile).Seconds())
}

// About a third: on the way back each layer has two such products to compute for one on the way forward, one for its weights and one for what came in.
//
// Is that the network's fault, or the machine's? Simonyan and Zisserman needed two to three weeks, with four of the fastest graphics cards of 2014.
// Whoever has those of today is faster still. But the slide's point stands: a network that starts from nothing has to be shown everything, and that takes a
// machine, power and time that few have. And each such network has to learn again what others know already: edges and textures. The engine
// still holds VGG16's half a gigabyte; we give it back.
func Example_freeVGG16() {
	tl.Must(vggModel.Reset(ctx))
	held := tl.Must(tl.Free(ctx)) // all that nobody uses any more
	fmt.Printf("the engine's process now takes %.1f GB\n", float64(held.Resident)/1e9)
}

func Example_exerciseSteps() {
	check.Answer("01/steps", nil)
}

// ## 4 · Transfer learning to the rescue
//
// **What people think**, says the lecture: *you can't do deep learning unless you have a million labeled examples.* **What people can do, instead**, among
// other things: *you can transfer learned representations from a related task.*
//
// The basic idea: *train on a big **source** data set, with a big model. Do it once and save the parameters. This is called a **pre-trained model**. Use these
// parameters for other smaller **target** data sets.* It works because of what the layers learn:
//
// > Earlier layers of a network learn low level features, which can be adapted to new domains by changing weights at later and fully-connected layers.
//
// Nothing but a run can say whether that is true of solar cells. So let two networks learn from the same few pictures: 10, 30 or 100 of each class.
//
//   - **From scratch**: a network that starts from random weights. VGG16 would be a straw man, as you have just seen. We take the small network that
//     the lecture counts later, and lesson 2 with it: two convolutions, 2.1 million parameters, pictures of 32×32. Each picture also comes mirrored, so that
//     one makes four.
//   - **Transfer**: EfficientNet-Lite0 (a simpler kind, for telephones, of Tan & Le's EfficientNet of 2019), which somebody else trained on ImageNet. All its weights stay as they are, *frozen*. Only a new **head** is
//     trained: it makes two answers out of the 1,280 numbers into which the network turns a picture, with 2,562 parameters.
//
// ImageNet shows dogs, mushrooms and aircraft carriers, and no solar cell. Both networks learn from exactly the same pictures, each by one recipe for all three sizes.
// Each then answers once for the same 380 pictures out of `test`, 190 of each class, so that a coin gets 0.5.

var (
	scratch    = tl.Load("lecture_cnn") // .Initial(seed) gives it random weights
	pretrained = tl.Load("efficientnet_lite0")
	mirrored   = datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}
	even       = test.PerClass(190, 0)
)

// epochsFor is how often n pictures of each class have to be shown, 32 in a step, to make so many steps.
func epochsFor(steps, n int) int { return steps / ((2*n + 31) / 32) }

// fromScratch trains everything. The seed chooses the pictures, the first weights and the order.
func fromScratch(n int, seed int64) tl.Model {
	name := fmt.Sprintf("scratch, %d a class", n)
	model := scratch.Initial(seed).WithHead(name, tl.Dense(2)).Seeded(seed)
	tl.Must(model.Reset(ctx))
	tl.Must(model.Unfreeze(ctx))
	phase := tl.Phase{Name: "scratch", Epochs: epochsFor(240, n), LearningRate: 1e-3,
		Schedule: "one-cycle", WeightDecay: 0.01, KeepLast: true}
	train := rest.PerClass(n, seed).Augment(mirrored)
	tl.Must(model.Fit(tl.WithReport(ctx, nil), train, datasets.Dataset{}, phase))
	return model
}

// transfer trains a new head on the frozen network.
func transfer(n int, seed int64) tl.Model {
	name := fmt.Sprintf("transfer, %d a class", n)
	model := pretrained.WithHead(name, tl.Dense(2)).Seeded(seed)
	tl.Must(model.Reset(ctx))
	phase := tl.Phase{Name: "head", Epochs: epochsFor(240, n), LearningRate: 3e-3, KeepLast: true}
	train := rest.PerClass(n, seed)
	tl.Must(model.Fit(tl.WithReport(ctx, nil), train, datasets.Dataset{}, phase))
	return model
}

// **Predict** two accuracies, with 30 pictures of each class.
func Example_predictScratch() {
	check.Predict("01/scratch", nil)
}

func Example_predictTransfer() {
	check.Predict("01/transfer", nil)
}

// Three seeds each: other pictures, other first weights, another order. One run alone says little. The heads come first, then the networks from scratch;
// all eighteen together take a minute and a half.
func Example_scratchAgainstTransfer() {
	var points []tl.LearningPoint
	mean := map[string]float64{} // of the runs with 30 pictures a class
	run := func(method string, train func(int, int64) tl.Model) {
		for _, n := range []int{10, 30, 100} {
			start := time.Now()
			for seed := range int64(3) {
				accuracy := tl.Must(train(n, seed).Evaluate(ctx, even)).Accuracy()
				point := tl.LearningPoint{Method: method, PerClass: n, Seed: seed, Accuracy: accuracy}
				points = append(points, point)
				if n == 30 {
					mean[method] += accuracy / 3
				}
			}
			seconds := time.Since(start).Seconds() / 3
			fmt.Printf("%-12s %3d of each class: %4.1f s a run\n", method, n, seconds)
		}
	}
	run("transfer", transfer)
	run("from scratch", fromScratch)
	figure := plots.LearningCurves(points...)
	figure.Majority = 0.5
	plots.Show(figure)
	check.Reveal("01/scratch", mean["from scratch"])
	check.Reveal("01/transfer", mean["transfer"])
}

// **Read the figure**: each point is the mean of three runs, the band reaches from the worst to the best of them, and the dashed line is a coin. Three questions:
//
//   - How many pictures from scratch are worth ten with transfer? Go from the leftmost point of the upper line to the right until you meet the lower one. (If you never meet it, the answer is: more than this figure shows.)
//   - Do the bands overlap? Where they do, one run of each could have told you the opposite.
//   - How fast does each line rise? The head has 2,562 numbers to find; the network from scratch has two million and, what is worse, has to find out what an edge is.
//
// Is the comparison fair? Both make 240 steps, each with a learning rate that suits it. The network from scratch would like more: with 100 pictures of each class it comes to 0.68 in 120 steps,
// to 0.74 in 240 and to 0.75 in 480, so the rest of the distance to transfer is not a matter of patience. (These three were
// measured on the same 380 pictures, and the 120 that it had at first were doubled because of them: a favour to the loser, and still a look at the test that lesson 7 would not allow itself.) With 10 of each class it has every training picture right by then, and gains nothing.
//
// And look at the seconds. When you run the lesson for the first time, the first row also pays for the frozen network's look at the 380 test pictures. It looks at each picture once, and what it
// makes of it is kept: run the cell again, and the row is quicker. From scratch few pictures take *longer* than many: all make the same number of steps, but few pictures make more epochs of them,
// and after each epoch the engine keeps a copy of two million weights. The question of
// the lecture, *a few minutes on a CPU with very little data*, has its first answer: seconds, and twenty pictures to be better than a coin. A good classifier takes more;
// lesson 7 gets there, in minutes, with the pictures that we have.
//
// ## 5 · Pitfall: a test of twenty pictures
//
// Whoever has few pictures is tempted to spend few of them on the test. What harm does that do? We know which model is better: one of each kind, with 100
// pictures a class, have answered for 380 pictures. Now we draw twenty of these pictures, as a botanist might have put aside, a thousand times, and each time ask which
// of the two models has more right.
//
// **Predict**: in which share of the draws does the better model *not* win?
func Example_predictUpset() {
	check.Predict("01/upset", nil)
}

// rights is, picture by picture, whether the model was right.
func rights(e tl.Evaluation) (right []bool) {
	for i, label := range e.Labels {
		right = append(right, e.Predicts.Class[i] == label)
	}
	return right
}

// upsets is the share of 1,000 tests of n pictures each, drawn from those of a and b, in which a does not have more right than b.
func upsets(a, b []bool, n int) float64 {
	random := rand.New(rand.NewPCG(1, 2))
	failures := 0
	for range 1000 {
		lead := 0
		for _, i := range random.Perm(len(a))[:n] {
			if a[i] {
				lead++
			}
			if b[i] {
				lead--
			}
		}
		if lead <= 0 {
			failures++
		}
	}
	return float64(failures) / 1000
}

func Example_testsOfTwenty() {
	better := tl.Must(transfer(100, 1).Evaluate(ctx, even))
	worse := tl.Must(fromScratch(100, 1).Evaluate(ctx, even))
	fmt.Printf("on all %d pictures: transfer %.3f, from scratch %.3f\n",
		better.N(), better.Accuracy(), worse.Accuracy())
	for _, n := range []int{10, 20, 50, 100, 200} {
		share := upsets(rights(better), rights(worse), n)
		fmt.Printf("tests of %3d pictures: the better model does not win in %4.1f %%\n", n, 100*share)
	}
	check.Reveal("01/upset", upsets(rights(better), rights(worse), 20))
}

// That is the **damage**: with twenty pictures one chooses the worse model, or none, again and again, and never learns of it. Worse still is to look at the twenty, change
// something, and look again until they agree. The **remedy** has three parts:
//
//  1. Test on hundreds where there are hundreds: the lower rows show what that does. This course keeps 656 pictures for it, a quarter of all.
//  2. Say how far chance reaches. The rule of thumb is the standard error of a share $p$ of $n$ pictures, $\sqrt{p(1-p)/n}$; two of them to each side make a 95 % interval.
//     The lab prints such an interval with every evaluation.
//  3. Compare two models on the *same* pictures, as above: a hard picture is hard for both.
//
// If there are too few to test on, say that you do not know. It is an honest answer.
func Example_exerciseError() {
	check.Answer("01/error", nil)
}

// ## 6 · The basic idea, in four cases
//
// A model $M$ was trained for a task $T$ on a data set $D_S$, the source. The slide tells four cases apart; here with an example each.
//
// | | data | task | example |
// |---|---|---|---|
// | train $M$ for $T$ on $D_S$ | | | EfficientNet, the 1,000 classes of ImageNet |
// | use $M$ on a new $D_T$ for the same $T$ | new | same | is this a Persian cat? on pictures from your telephone |
// | use part of $M$ on the original $D_S$ for a new $T_n$ | same | new | is the thing on ImageNet's picture alive? |
// | use part of $M$ on a new $D_T$ for a new $T_n$ | new | new | is this solar cell broken? (section 4) |
//
// Why *part* of $M$ in the last two? The head has one output for each class of the old task. Where the answers are new it has nothing to say.
//
// Wikipedia, as the slide quotes it: transfer learning *focuses on storing knowledge gained while solving one problem and applying it to a different but related problem.*
// The word that matters is *related*:
//
//   - **Less helpful** if you have a large target data set with many labels. Then a network can learn the representation itself. (He, Girshick & Dollár 2019 trained a detector from
//     scratch on 118,000 pictures: it took longer, and was as good in the end.) In the figure above: does the distance between the lines shrink to the right, or not yet?
//   - **Fails** if the source domain has nothing in common with the target domain. Solar cells and dogs have edges, spots and textures in common. Pictures and share prices do not.
//
// Lesson 3 looks at what is transferred, block by block. Transfer that does harm, *negative transfer*, is the subject of a later lesson.
func Example_exerciseCase() {
	check.Answer("01/case", nil)
}

func Example_exerciseWhen() {
	check.Answer("01/when", nil)
}

// ## 7 · Not a new idea
//
// *It has been there in the ML and stats literature for a while.* The slide's example is hierarchical generalised linear models. Say that you want the share of defective cells in each of
// many power plants, and some plants sent in three pictures. Each plant alone gives a useless estimate, and one number for all ignores that plants differ. The hierarchical model lets each plant have a
// parameter of its own, drawn from a distribution that all plants share:
//
// $$\theta_j \sim \mathcal{N}(\mu, \tau^2), \qquad \text{estimate of plant } j = \lambda_j \, \bar y_j + (1 - \lambda_j)\, \mu, \qquad \lambda_j = \frac{\tau^2}{\tau^2 + \sigma^2 / n_j}$$
//
// Here $\bar y_j$ is the mean of the $n_j$ pictures from plant $j$, $\sigma^2$ their variance within a plant, and $\mu$ and $\tau^2$ are the mean and the variance between plants. (This is the simplest case, with normal
// distributions; a *generalised* linear model puts a logistic curve between, since a share lies between 0 and 1.) With many pictures ($n_j$ large) $\lambda_j$ is near 1 and the plant speaks for itself; with few, it leans on what was learned from all others. That is the two lines of section 4 in one formula: information
// flows from where there is much to where there is little. What networks add is *what* flows: not a mean, but a hierarchy of representations, from edges to textures to things.
//
// ## 8 · What it is used for
//
// The slides list:
//
//   - *Learn from simulations* (self-driving cars): pictures that a program draws cost nothing, and come with their labels (Tobin et al. 2017, for robots).
//   - *Domain adaptation: bikes → bikes with backgrounds, bikes at night.* The task stays, the pictures change.
//   - *Speech recognition for immigrants and minorities*, and *cross-lingual adaptation for few-shot learning of resource-poor languages* (English → Nepali): the same for sounds and words.
//   - *For image segmentation on old images (new task), or new images (new task and new domain)*, says another slide: there the answer is not one class but one for each pixel. No lesson runs it.
//   - *In NLP you might use a language model trained on Wikipedia and Reddit, and then look at legal documents* (Howard & Ruder 2018 did so with Wikipedia and film reviews).
//   - *Create a classifier to distinguish dogs and cats* from a network trained on ImageNet: what we did, with cells.
//
// ## Errata of these slides
//
//   - VGG16 with 134,268,737 parameters: two classes give 134,268,738, and no number of classes gives the slide's (section 2).
//   - ImageNet has 1.2 M pictures on one slide and 1.4 M on another: the first are those to train on, 1,281,167; the second all of them, 1,431,167 (section 3).
//
// ## What you did, in the lecture's words
//
// | the lecture | here |
// |---|---|
// | not enough data | hundreds of thousands of parameters for each picture, counted; a small network from scratch, measured (sections 2, 4) |
// | takes too long | two steps of VGG16, timed, and projected to all of ImageNet (section 3) |
// | use pre-trained models, i.e., models with known weights | EfficientNet-Lite0, frozen, with a new head (section 4) |
// | what people think: a million labeled examples | the left end of the figure in section 4 |
//
// **What the lecture has and this lesson has not**: rare plants, cats and chinchillas (the lab has no pictures of them); a run in segmentation, speech or language; and
// *learn representations from unlabeled data*, which is left to a later lesson.
//
// **Try it.** Write down your guess first.
//
//  1. *More pictures*: write 300 into the list of section 4. Which line has more to gain?
//  2. *Another network from scratch*: `tl.Load("efficientnet_lite0")` in place of `lecture_cnn`, with `BatchNorm: tl.BatchNormTrained` in the phase. Bigger is better? Mind the clock: each picture costs it more than a hundred times the work.
//  3. *No mirror images*: leave out `.Augment(mirrored)`. What are they worth?
//
// ## Further reading
//
//   - K. Simonyan, A. Zisserman: *Very deep convolutional networks for large-scale image recognition.* ICLR 2015, arXiv:1409.1556. Section 3 has the 74 epochs and the weeks.
//   - C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals: *Understanding deep learning requires rethinking generalization.* ICLR 2017, arXiv:1611.03530. Networks learn labels drawn by lot.
//   - O. Russakovsky et al.: *ImageNet large scale visual recognition challenge.* International Journal of Computer Vision 115 (2015), arXiv:1409.0575.
//   - S. J. Pan, Q. Yang: *A survey on transfer learning.* IEEE Transactions on Knowledge and Data Engineering 22 (2010).
//   - K. He, R. Girshick, P. Dollár: *Rethinking ImageNet pre-training.* ICCV 2019, arXiv:1811.08883. How far one gets from scratch with much data and time.
//   - M. Tan, Q. V. Le: *EfficientNet: rethinking model scaling for convolutional neural networks.* ICML 2019, arXiv:1905.11946.
//   - J. Tobin, R. Fong, A. Ray, J. Schneider, W. Zaremba, P. Abbeel: *Domain randomization for transferring deep neural networks from simulation to the real world.* IROS 2017, arXiv:1703.06907.
//   - J. Howard, S. Ruder: *Universal language model fine-tuning for text classification.* ACL 2018, arXiv:1801.06146.
//   - A. Gelman, J. Hill: *Data analysis using regression and multilevel/hierarchical models.* Cambridge University Press 2006. Chapter 12 has the formula of section 7.
//
// The data, ELPV, under CC BY-NC-SA 4.0: C. Buerhop-Lutz, S. Deitsch, A. Maier, F. Gallwitz, S. Berger, B. Doll, J. Hauch, C. Camus, C. J. Brabec: *A benchmark for visual identification of
// defective solar cells in electroluminescence imagery.* EU PVSEC 2018, doi:10.4229/35thEUPVSEC20182018-5CV.3.15. Lesson 7 lists the two other papers that its authors ask to cite.
