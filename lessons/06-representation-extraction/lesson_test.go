// # Lesson 6 · Representation extraction: keep the base, train a new head
//
// The simplest way to transfer, and often good enough: *Use representations learned by big net to extract features from new samples, which are then
// fed to a new classifier.* In this lesson you train such classifiers in seconds, and test what the slide claims about the head that is thrown away.
//
// **When you are through, you can**
//
//   - train a new head on a frozen base, and say what is trained and what is not;
//   - say what the cache of representations buys, in images a second;
//   - give the slide's reasons for throwing the old head away, with a measurement for each: it answers another question, and fully connected layers
//     on a flattened picture have no notion of space; and say when one could get away with keeping it;
//   - say which part of a classifier stands for $P(Y|X)$, and what unbalanced labels do to it;
//   - keep copies of one picture from standing on both sides of a split.
//
// **Minutes needed**: about 50 to read, predict and answer; two of them are the machine's. The ten lines of Go that you need are in lesson 1; what a
// representation is, in lesson 3. A few things are new: `make([]int, 10)` is a slice of ten zeros, `[][]float64` a slice of slices; `_` takes a result
// that nobody needs; `if x := f(); x > 0 { … }` computes `x` and asks at once; and a func may be handed to another func like a number.
package extraction_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
)

// ## 1 · The recipe
//
// *Keep (frozen) convolutional base from big model*, says the slide, and put a new classifier on what it puts out. The base is EfficientNet-Lite0
// (Tan & Le 2019) with weights from ImageNet. The pictures are of two kinds, which will play two parts:
//
//   - `cells`: photographs of solar cells, functional or defective (ELPV; lesson 7 says more of them). ImageNet shows nothing like them. We take 250
//     of each class to learn from, of which a fifth, `valid`, is for decisions, and 328 others to `test`, in their natural proportions.
//   - `clothes`: small grey pictures of ten kinds of clothes, shoes and bags (Fashion-MNIST). Some of these kinds stand among ImageNet's 1,000
//     classes, as dogs and cats do on the slide.

var (
	ctx          = context.Background()
	rest, held   = datasets.Open("elpv").EveryNth(4)
	_, test      = held.EveryNth(2)
	cells        = rest.PerClass(250, 1)
	train, valid = cells.Split(0.8, 1)
	clothes      = datasets.Open("fashion-mnist").Take(60000).PerClass(30, 1)
	base         = tl.Load("efficientnet_lite0")
	model        = base.WithHead("solar cells", tl.Dense(2))
)

// quiet prints no line of progress for each epoch.
func quiet() context.Context { return tl.WithReport(ctx, nil) }

func Example_countTheRows() {
	for _, part := range []datasets.Dataset{train, valid, test} {
		fmt.Println(tl.Must(part.Counts(ctx)))
	}
}

// How much of the network is trained? Base and head together have 3,373,570 parameters. **Predict** first: how many are in the head, which makes two
// answers out of 1,280 numbers?
func Example_freeze() {
	summary := tl.Must(model.Freeze(ctx))
	trainable, total := int64(summary.Trainable()), int64(summary.Total())
	fmt.Println("trainable:", tl.WithCommas(trainable), "of", tl.WithCommas(total))
}

// **Exercises.** Run such a cell to read its question. Then put your answer in place of `nil` and run it again, as often as you like: it is checked
// at once, and after two tries there is a hint. Your numbers may differ from your neighbour's.
func Example_answerHead() {
	check.Answer("06/head", nil)
}

// ## 2 · What the cache buys
//
// A frozen base makes the same numbers of a picture each time. So they are computed **once** and kept on disk; training sees only the 1,280 numbers.
// Other tools run the frozen base again in every step, unless one writes it otherwise. The next cell does so too, with `NoCache: true`, for two epochs
// of 100 cells. Then it reads what is kept of all 500, with a clock. (It takes some seconds: the network is compiled first, which is not in the figures.)
//
// **Predict**: how many times faster is reading than computing?
func Example_onceAndAgain() {
	along := base.WithHead("the base runs along", tl.Dense(2))
	tl.Must(along.Reset(ctx))
	phase := tl.Phase{Name: "head", Epochs: 2, LearningRate: 1e-3, NoCache: true}
	history := tl.Must(along.Fit(quiet(), train.PerClass(50, 1), datasets.Dataset{}, phase))
	fmt.Printf("the base runs in every step: %6.0f images/s\n", history.Epochs[1].ImagesPerSecond)

	tl.Must(base.Represent(ctx, cells)) // computes what is not kept yet
	start := time.Now()
	n := tl.Must(base.Represent(ctx, cells)).Shape[0]
	fmt.Printf("kept on disk:                %6.0f images/s\n", float64(n)/time.Since(start).Seconds())
}

// Now train the head. `tl.Extract` is the recipe as a list of phases; it has just one. **Predict** the accuracy on `test`; always answering "functional"
// gets 0.707.
func Example_predictExtract() {
	check.Predict("06/extract", nil)
}

func Example_extract() {
	tl.Must(model.Reset(ctx))
	outcome := tl.Must(model.Run(quiet(), train, valid, tl.Extract(tl.Tuning{})))
	fmt.Println(outcome.Procedure)
	fmt.Println(outcome)
	phase := outcome.Histories[0]
	last := phase.Epochs[len(phase.Epochs)-1]
	fmt.Printf("%d epochs of %d images; the last one went through %.0f images/s\n",
		len(phase.Epochs), phase.Rows, last.ImagesPerSecond)
}

// Compare the images per second with the first line of the cell before. Twenty epochs of 400 pictures would send 8,000 of them through the base. Here
// each went through once, and an epoch is a matter of milliseconds.
func Example_answerCache() {
	check.Answer("06/cache", nil)
}

func Example_evaluate() {
	evaluation := tl.Must(model.Evaluate(ctx, test))
	fmt.Println(evaluation)
	plots.Show(plots.Confusion(evaluation))
	check.Reveal("06/extract", evaluation.Accuracy())
}

// **Read the figure**: a row is a true class, a column an answer; right answers lie on the framed diagonal. The base was never told what a crack is.
// It learned to tell dogs from mushrooms, and from what it learned for that a linear classifier can read whether silicon is broken, well above the
// majority's share.
//
// ## 3 · Why throw away the head?
//
// The old head turns the same 1,280 numbers into ImageNet's 1,000 classes. The slide: *Generally throw away head FC layers*. First reason: it answers
// another question. Ask it, with the names of the three best classes.
//
// **Predict**: what will it call a solar cell? And an ankle boot?

var shown = clothes.Rows(0, 1, 2, 4)

func Example_askTheOldHead() {
	plots.Show(tl.Must(plots.Batch(ctx, shown, 4)))
	fmt.Println(tl.Must(base.Predict(ctx, shown)))
	fmt.Println("four solar cells:")
	fmt.Println(tl.Must(base.Predict(ctx, cells.Take(4))))
}

// **Read the answers**: each line holds the three best of 1,000 classes with their probabilities; line 0 is the picture on the left. Of the clothes some
// are near (a jersey, a trench coat) and some are comical. Of the cells none can be right, since no class is.
//
// The slide *Applications* has a classifier of dogs and cats, made of a convnet that was trained before on ImageNet, and our slide says of it:
// *"Since there are both dogs and cats in ImageNet you could get* ***away*** *with using the head FC layers as well. But by throwing it away you can
// learn more from other dog/cat images."* Could one? We measure three ways to a classifier, on the clothes, which ImageNet partly knows, and on the
// cells, which it does not:
//
//  1. **its words**: take the old head's best class, and translate it: "trench coat" becomes the kind of clothes that most *other* pictures with that
//     answer are of;
//  2. **its logits**: a new linear classifier on the 1,000 numbers before the softmax;
//  3. **the representation**: a new linear classifier on the 1,280 numbers below the old head, which is thrown away.
//
// The classifiers are linear probes: each picture is judged by one that has not seen it (cross-validation, lesson 3).
//
// **Predict**: order the three, for clothes and for cells. And a number for the logits of the clothes.
func Example_predictLogits() {
	check.Predict("06/logits", nil)
}

// translated is the accuracy of the old head's best class, translated into ours by the other pictures with the same best class.
func translated(d datasets.Dataset) float64 {
	best := tl.Must(base.Predict(ctx, d)).Class // [n]: 0 to 999
	labels := tl.Must(d.Labels(ctx))
	right := 0
	for i := range labels {
		votes := make([]int, 10)
		for j := range labels {
			if j != i && best[j] == best[i] {
				votes[labels[j]]++
			}
		}
		if most := slices.Max(votes); most > 0 && slices.Index(votes, most) == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

func Example_awayWithIt() {
	fmt.Printf("%-14s %10s %10s %15s\n", "", "its words", "its logits", "representation")
	var measured []float64 // of the logits
	for _, d := range []datasets.Dataset{clothes, cells} {
		logits := tl.Must(tl.Must(base.Logits(ctx, d)).Probe(ctx, nil, tl.Probe{}))
		representation := tl.Must(tl.Must(base.Represent(ctx, d)).Probe(ctx, nil, tl.Probe{}))
		fmt.Printf("%-14s %10.3f %10.3f %15.3f\n",
			d.Source, translated(d), logits.Accuracy(), representation.Accuracy())
		measured = append(measured, logits.Accuracy())
	}
	fmt.Println()
	check.Reveal("06/logits", measured[0])
}

// **Read the table**: the words lose most: of 1,000 numbers only the largest is left, and the rest of what the network saw is thrown away. The logits
// do about as well as the representation; with so few images the difference is within what chance does. One *gets away with it*, and even for solar
// cells, of which no logit speaks. Why? The old head is *one linear layer*. It mixes 1,280 numbers into 1,000, and a linear probe can unmix most of
// them. So this measurement does not show that *you can learn more* without the head, nor why heads are thrown away; it says that nothing is won by
// keeping this one, which costs 1,281,000 parameters. The head of VGG16, which the lecture began with, is another matter: two layers of 4,096 behind a
// *flattened* picture.
func Example_answerAway() {
	check.Answer("06/away", nil)
}

// ## 4 · No notion of space
//
// That is the slide's other reason: *FC layers have no notion of space, and the convolutional base is more generic.* A fully connected layer on a
// flattened picture has a weight of its own for every channel *at every place*. What it learned of the upper left corner it does not know of the
// lower right. A convolution does the same everywhere, and the mean over space forgets the place. We test it: clothes stand in the middle of a black
// 44×44 square to learn from, and the test clothes are moved by 6 pixels, about a seventh of the side, towards a corner.

// redraw writes pictures made from those of d, copies of each, in a folder for each class, and describes them; drawn(name) finds them again.
func redraw(d datasets.Dataset, name string, copies int,
	change func(row, copy int, picture image.Image) image.Image) (datasets.Dataset, error) {
	if err := os.RemoveAll(folder(name)); err != nil {
		return drawn(name), err
	}
	table, err := d.Table(ctx)
	if err != nil {
		return drawn(name), err
	}
	for row, item := range table.Items {
		picture, err := readPicture(table, row)
		if err != nil {
			return drawn(name), err
		}
		for c := range copies {
			class := fmt.Sprint(item.Label, " ", strings.ReplaceAll(table.Classes[item.Label], "/", " or "))
			file := filepath.Join(folder(name), class, fmt.Sprintf("%04d-%d.png", row, c))
			if err := writePicture(file, change(row, c, picture)); err != nil {
				return drawn(name), err
			}
		}
	}
	return drawn(name), nil
}

func drawn(name string) datasets.Dataset { return datasets.Folder(folder(name)) }

// folder is gone when the kernel ends.
func folder(name string) string { return filepath.Join(os.TempDir(), "lesson06", name) }

// readPicture reads a row's picture: clothes are kept as bare pixels, cells as PNG files.
func readPicture(table *datasets.Table, row int) (image.Image, error) {
	content, err := table.Content(row)
	if err != nil {
		return nil, err
	}
	if content.Width > 0 {
		size := image.Rect(0, 0, content.Width, content.Height)
		return &image.Gray{Pix: content.Bytes, Stride: content.Width, Rect: size}, nil
	}
	return png.Decode(bytes.NewReader(content.Bytes))
}

func writePicture(file string, picture image.Image) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, picture); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

// middle puts a picture into the middle of a black square.
func middle(_, _ int, picture image.Image) image.Image { return put(picture, 8, 8) }

// corner puts it 6 pixels away from there in both directions, into each of the four corners in turn.
func corner(row, _ int, picture image.Image) image.Image {
	return put(picture, 2+12*(row%2), 2+12*(row/2%2))
}

func put(picture image.Image, x, y int) image.Image {
	square := image.NewGray(image.Rect(0, 0, 44, 44))
	draw.Draw(square, image.Rect(x, y, x+28, y+28), picture, picture.Bounds().Min, draw.Src)
	return square
}

func Example_moveThem() {
	others := datasets.Open("fashion-mnist").Skip(60000).PerClass(20, 1)
	fmt.Println("to learn from:          ", tl.Must(tl.Must(redraw(clothes, "learn", 1, middle)).Len(ctx)))
	fmt.Println("to test, in the middle: ", tl.Must(tl.Must(redraw(others, "test", 1, middle)).Len(ctx)))
	fmt.Println("the same, moved:        ", tl.Must(tl.Must(redraw(others, "moved", 1, corner)).Len(ctx)))

	some := []int{0, 21, 42, 182}
	plots.Show(tl.Must(plots.Batch(ctx, drawn("test").Rows(some...), 4)))
	plots.Show(tl.Must(plots.Batch(ctx, drawn("moved").Rows(some...), 4)))
}

// **Read the figures**: the same four test pictures, in the middle and moved. To you they are the same clothes.
//
// Behind `mbconv15` the network gives 7×7×192 numbers. **Flatten** makes 9,408 numbers of them, a channel at a place each; the **mean over space**
// makes only 192 of them. On both we put the simplest linear classifier there is: the mean of each class is computed, and a picture belongs to the
// class whose mean is nearest.

func flatten(maps tl.Tensor) tl.Tensor {
	n := maps.Shape[0]
	return tl.Tensor{Shape: []int{n, len(maps.Data) / n}, Data: maps.Data}
}

func meanOverSpace(maps tl.Tensor) tl.Tensor {
	n, places, channels := maps.Shape[0], maps.Shape[1]*maps.Shape[2], maps.Shape[3]
	means := tl.Tensor{Shape: []int{n, channels}, Data: make([]float32, n*channels)}
	for i := range n {
		for p := range places {
			for c := range channels {
				means.Row(i)[c] += maps.Row(i)[p*channels+c] / float32(places)
			}
		}
	}
	return means
}

func classMeans(x tl.Tensor, labels []int) [][]float64 {
	means, rows := make([][]float64, 10), make([]float64, 10)
	for i, class := range labels {
		if means[class] == nil {
			means[class] = make([]float64, x.Shape[1])
		}
		rows[class]++
		for j, v := range x.Row(i) {
			means[class][j] += (float64(v) - means[class][j]) / rows[class] // a running mean
		}
	}
	return means
}

// accuracyOf is the share of rows whose class's mean is the nearest.
func accuracyOf(means [][]float64, x tl.Tensor, labels []int) float64 {
	right := 0
	for i, label := range labels {
		nearest, least := -1, math.Inf(1)
		for class, mean := range means {
			distance := 0.0
			for j, v := range x.Row(i) {
				distance += (float64(v) - mean[j]) * (float64(v) - mean[j])
			}
			if distance < least {
				nearest, least = class, distance
			}
		}
		if nearest == label {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// **Predict** the accuracy of the flattened one on the moved clothes.
func Example_predictMoved() {
	check.Predict("06/moved", nil)
}

func Example_flattenAgainstMean() {
	maps := func(d datasets.Dataset) tl.Tensor { return tl.Must(base.Activations(ctx, d, "mbconv15")).Maps }
	learn, placed, moved := maps(drawn("learn")), maps(drawn("test")), maps(drawn("moved"))
	y, yTest := tl.Must(drawn("learn").Labels(ctx)), tl.Must(drawn("test").Labels(ctx))

	fmt.Printf("%-16s %8s %14s %6s\n", "", "numbers", "in the middle", "moved")
	flat := classMeans(flatten(learn), y)
	flatMoved := accuracyOf(flat, flatten(moved), yTest)
	fmt.Printf("%-16s %8d %14.3f %6.3f\n",
		"flatten", len(flat[0]), accuracyOf(flat, flatten(placed), yTest), flatMoved)
	pooled := classMeans(meanOverSpace(learn), y)
	fmt.Printf("%-16s %8d %14.3f %6.3f\n",
		"mean over space", len(pooled[0]), accuracyOf(pooled, meanOverSpace(placed), yTest),
		accuracyOf(pooled, meanOverSpace(moved), yTest))
	fmt.Println()
	check.Reveal("06/moved", flatMoved)
}

// **Read the table**: in the middle, flattening loses nothing, and may even be better: where a sleeve ends is worth knowing if all shirts hang
// straight. Moved, it falls apart, since it looks for sleeves where there are none now. The mean over space loses little. A convolutional base moves
// its maps along with the picture (nearly: at the borders and at strides it does not), so what it found is still in the maps, at another place. In this
// sense, too, it is *more generic*, besides having no class built into it. Many networks since 2014 end in a mean over space (Lin, Chen & Yan 2014);
// VGG16, of the same year, flattens.
//
// There is a practical side: a flattened head fixes the *size* of the picture, too, since other sizes have other numbers of places.
func Example_answerFlatten() {
	check.Answer("06/flatten", nil)
}

// Pooling is easily written. Maps come as one slice: place after place, and at each place all channels. Fill the func in, and put its name in place of
// `nil`.

// pool returns the mean over all places of each channel.
func pool(maps []float64, channels int) []float64 {
	return nil // your lines
}

func Example_answerPool() {
	check.Answer("06/pool", nil)
}

// ## 5 · Why this slide carries $P_s(Y|X) \neq P_t(Y|X)$
//
// In the lecture's terms a *task* is $\{\mathcal{Y}, P(Y|X)\}$. Show source and target the same picture $x$: the source says "window shade", the
// target says "defective". The picture is the same; what differs is what one is asked to say of it, $P(Y|X)$. A network computes it in two steps:
//
// $$x \;\xrightarrow{\text{base}}\; r \;\xrightarrow{\text{head}}\; P(Y \mid r)$$
//
// The base says what is to be seen, the head what to call it. Where only $P(Y|X)$ differs, it is enough to exchange the head. That is representation
// extraction, and so the formula stands on this slide. (Where the pictures differ, $P_s(x) \neq P_t(x)$, the base sees things it was not made for,
// and it may be worth changing, too: that is the formula on the slide of fine-tuning, lesson 7. Solar cells differ in both.)
func Example_answerTask() {
	check.Answer("06/task", nil)
}

// The *Scenarios* slide gives another example for the same formula: *source and target are unbalanced regarding their labels. Common scenario in
// practice, approachable with sampling techniques (e.g. under, over).* To be exact: what differs then is the **prior** $P(Y)$, how frequent a class
// is. $P(Y|X)$ changes with it only through Bayes' theorem,
//
// $$P(Y|X) \propto P(X|Y)\,P(Y).$$
//
// Say someone collected 200 functional cells, and only 20 defective ones. In `test` 29 % are defective. Four ways to deal with it: nothing;
// **over**-sampling, which shows each defective cell ten times; **under**-sampling, which shows as many functional cells as there are defective ones,
// others in each epoch; and Bayes, which leaves training as it is and multiplies the probabilities afterwards by $P_t(y)/P_s(y)$, here with equal
// priors as the target.
//
// **Predict**: how many of the 96 defective cells in `test` does the first find? Which way helps most?

// unbalanced are 200 functional cells and 20 defective ones.
func unbalanced() datasets.Dataset {
	var rows []int
	taken, most := make([]int, 2), []int{200, 20}
	for i, label := range tl.Must(cells.Labels(ctx)) {
		if taken[label] < most[label] {
			taken[label]++
			rows = append(rows, i)
		}
	}
	return cells.Rows(rows...)
}

func Example_unbalanced() {
	few := unbalanced()
	line := func(name string, learned float64, class, labels []int) {
		found, alarms, all := 0, 0, 0
		for i, label := range labels {
			all += label
			found += label * class[i]
			alarms += (1 - label) * class[i]
		}
		fmt.Printf("%-15s %.2f of the 220 learned; finds %2d of %d defective cells, %2d false alarms\n",
			name, learned, found, all, alarms)
	}
	for _, balance := range []tl.Balance{tl.BalanceNone, tl.BalanceOver, tl.BalanceUnder} {
		m := base.WithHead("unbalanced "+string(balance), tl.Dense(2))
		tl.Must(m.Reset(ctx))
		phase := tl.Phase{Name: "head", Epochs: 20, LearningRate: 3e-3, Balance: balance}
		tl.Must(m.Fit(quiet(), few, datasets.Dataset{}, phase))
		learned := tl.Must(m.Evaluate(ctx, few)).Accuracy()
		e := tl.Must(m.Evaluate(ctx, test))
		if balance != tl.BalanceNone {
			line(string(balance)+"-sampling", learned, e.Predicts.Class, e.Labels)
			continue
		}
		line("nothing", learned, e.Predicts.Class, e.Labels)
		bayes := make([]int, len(e.Labels))
		for i := range bayes {
			p := e.Predicts.Probabilities.Row(i)
			if p[1]/(20.0/220) > p[0]/(200.0/220) {
				bayes[i] = 1
			}
		}
		line("Bayes", learned, bayes, e.Labels)
	}
}

// **Read the lines**: trained on what is mostly functional, the head calls most things functional, and overlooks most defects. Now look at the
// sampling: it may help less than its fame. The first number says why: with 1,280 numbers the head gets the 220 training pictures right, however
// often each is shown, and then little is left that sampling could shift. The correction by Bayes moves the border afterwards. But none of them can
// bring back what 180 more defective cells would have shown.
func Example_answerPrior() {
	check.Answer("06/prior", nil)
}

// ## 6 · How few images are enough?
//
// Since training a head takes a moment, one can ask. We train heads on 5, 20 and 80 cells of each class, each with three seeds (other cells, another
// first head), on the representation and, for comparison, on raw pixels. The accuracy is balanced, so that a constant answer gets 0.5.
//
// **Predict**: from how many images on is the representation better than raw pixels?
func Example_howFew() {
	var points []tl.LearningPoint
	names := []string{"representation", "raw pixels"}
	for i, b := range []tl.Base{base, tl.RawPixels()} {
		for _, n := range []int{5, 20, 80} {
			for seed := range int64(3) {
				m := b.WithHead(fmt.Sprint("few ", n), tl.Dense(2)).Seeded(seed)
				tl.Must(m.Reset(ctx))
				phase := tl.Phase{Name: "head", Epochs: 30, LearningRate: 3e-3}
				tl.Must(m.Fit(quiet(), cells.PerClass(n, seed), datasets.Dataset{}, phase))
				accuracy := tl.Must(m.Evaluate(ctx, test)).BalancedAccuracy()
				points = append(points, tl.LearningPoint{
					Method: names[i], PerClass: n, Seed: seed, Accuracy: accuracy,
				})
			}
		}
	}
	figure := plots.LearningCurves(points...)
	figure.Title = "balanced accuracy by training images"
	plots.Show(figure)
}

// **Read the figure**: a line is the mean of three runs, its band goes from the worst to the best of them. With five cells of each class it is
// luck which cells one got, and the bands may overlap. The representation's line rises; that of the raw pixels stays near 0.5: of 1,024 pixels
// none is "the crack". *You can't do deep learning unless you have a million labelled examples*, people think. Here it takes some dozens, as
// somebody else's million is in the base.
//
// ## 7 · Pitfall: copies of one picture on both sides
//
// Augmentation is good practice: a broken cell is broken from every side, so each picture can be mirrored left to right, upside down, and both. A
// student has 120 cells, draws the mirror images into a folder, 480 pictures in all, extracts their representations, and parts them by lot, three
// quarters to train, one quarter to test.
//
// **Predict**: what will the test say, compared with section 2?

func mirror(_, copy int, picture image.Image) image.Image {
	b := picture.Bounds()
	mirrored := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			fromX, fromY := x, y
			if copy%2 == 1 {
				fromX = b.Dx() - 1 - x
			}
			if copy/2 == 1 {
				fromY = b.Dy() - 1 - y
			}
			mirrored.Set(x, y, picture.At(b.Min.X+fromX, b.Min.Y+fromY))
		}
	}
	return mirrored
}

func Example_drawMirrorImages() {
	views := tl.Must(redraw(cells.PerClass(60, 1), "views", 4, mirror))
	fmt.Println("representations:", tl.Must(base.Represent(ctx, views)).Shape)
	plots.Show(tl.Must(plots.Batch(ctx, views.Take(4), 4)))
}

// **Read the figure**: one cell, four times. To you, is that more than one picture?

// fitAndTest trains a head on one part and returns its accuracy on the other.
func fitAndTest(learn, judge datasets.Dataset, seed int64) float64 {
	m := base.WithHead("views", tl.Dense(2)).Seeded(seed)
	tl.Must(m.Reset(ctx))
	tl.Must(m.Fit(quiet(), learn, datasets.Dataset{}, tl.Phase{Name: "head", Epochs: 40, LearningRate: 3e-3}))
	return tl.Must(m.Evaluate(ctx, judge)).Accuracy()
}

func Example_byLot() {
	for seed := range int64(3) {
		learn, judge := drawn("views").Split(0.75, seed)
		fmt.Printf("parted by lot, seed %d: accuracy %.3f\n", seed, fitAndTest(learn, judge, seed))
	}
}

// **The damage**: a number to be proud of, and wrong. Nearly every picture in the test has a mirror image among those trained on, and to the network
// the two are almost the same. The head need not know what a crack is; it has to recognise the picture. On cells that nobody has seen it will not do
// so well. Nothing crashed, no warning was printed.
//
// **The remedy**: part the *pictures*, before anything is made of them; all copies of a picture go to one side. The folder's rows come four by four.
// **Predict** what is left of the accuracy.
func Example_byPicture() {
	for seed := range 3 {
		var learn, judge []int
		for row := range 480 {
			if picture := row / 4; picture%4 == seed {
				judge = append(judge, row)
			} else {
				learn = append(learn, row)
			}
		}
		accuracy := fitAndTest(drawn("views").Rows(learn...), drawn("views").Rows(judge...), int64(seed))
		fmt.Printf("parted by picture, seed %d: accuracy %.3f\n", seed, accuracy)
	}
}

// That is about how good the head really is with 90 cells to learn from (and three tests of 30 cells are not many). In this lab
// `train.Augment(…)` does it right: views are made of the training rows only, in `Fit`, after `Split`. The same trap has other shapes: frames of
// one film, several photographs of one patient, and cells of one solar module (lesson 7, section 14).
func Example_answerLeak() {
	check.Answer("06/leak", nil)
}

// ## 8 · What you saw, in the lecture's words
//
// | the slide | here |
// |---|---|
// | *keep (frozen) convolutional base from big model* | 3,371,008 parameters frozen, 2,562 trained (section 1) |
// | *fed to a new classifier* | `tl.Extract`, one fully connected layer (section 2) |
// | *throw away head FC layers since these have no notion of space* | flattened and pooled maps of moved pictures (section 4) |
// | *you could get away with using the head FC layers* | a probe on 1,000 logits beside one on 1,280 numbers (section 3) |
// | $P_s(Y\|X) \neq P_t(Y\|X)$ | same picture, another label; and label imbalance, which is a shift of $P(Y)$ (section 5) |
//
// *What people can do, instead* of a million labelled examples, has three answers on its slide. *Train on a nearby objective for which is easy to
// generate labels (ImageNet)*: that was done for us, and is in the base. *Transfer learned representations from a related task*: that was this
// lesson. *Learn representations from unlabeled data*: that needs another way of training, which this lab does not have yet.
//
// What else the lecture has and this lesson does not: dogs and cats; the lab has no pictures of them that it may hand on.
//
// **Try it.** (1) In section 4, take `"top"` for `"mbconv15"`: is the flattened one still as helpless? Think of how much of the picture each of its
// 49 places sees. (2) In section 2, work out how long the twenty epochs would take if the base ran along, and then let it:
// `train` in place of `train.PerClass(50, 1)`, 20 epochs. (3) In section 6, add 250 to the numbers.
func Example_progress() {
	check.Progress("06")
}

// ## Further reading
//
//   - J. Donahue et al.: *DeCAF: a deep convolutional activation feature for generic visual recognition.* ICML 2014, arXiv:1310.1531. Representation
//     extraction, from which layer, on how few images.
//   - A. S. Razavian, H. Azizpour, J. Sullivan, S. Carlsson: *CNN features off-the-shelf: an astounding baseline for recognition.* CVPR Workshops
//     2014, arXiv:1403.6382.
//   - S. Kornblith, J. Shlens, Q. V. Le: *Do better ImageNet models transfer better?* CVPR 2019, arXiv:1805.08974. Sixteen networks, twelve data
//     sets, frozen and fine-tuned.
//   - M. Lin, Q. Chen, S. Yan: *Network in network.* ICLR 2014, arXiv:1312.4400. The mean over space in place of fully connected layers.
//   - K. Simonyan, A. Zisserman: *Very deep convolutional networks for large-scale image recognition.* ICLR 2015, arXiv:1409.1556. VGG16, whose head
//     is fully connected.
//   - M. Saerens, P. Latinne, C. Decaestecker: *Adjusting the outputs of a classifier to new a priori probabilities: a simple procedure.* Neural
//     Computation 14 (2002). The correction by Bayes of section 5.
//   - S. Kaufman, S. Rosset, C. Perlich, O. Stitelman: *Leakage in data mining: formulation, detection, and avoidance.* ACM TKDD 6 (2012). The
//     pitfall of section 7.
//   - M. Tan, Q. V. Le: *EfficientNet: rethinking model scaling for convolutional neural networks.* ICML 2019, arXiv:1905.11946.
//
// The data: H. Xiao, K. Rasul, R. Vollgraf: *Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms.* 2017,
// arXiv:1708.07747 (MIT licence). ELPV, under CC BY-NC-SA 4.0: C. Buerhop-Lutz et al.: *A benchmark for visual identification of defective solar
// cells in electroluminescence imagery.* EU PVSEC 2018, doi:10.4229/35thEUPVSEC20182018-5CV.3.15; all three papers that its authors ask to cite stand
// in lesson 7.
