// # Lesson 3 · Representations: a difficult task made easy
//
// Why can a network that has seen dogs and mushrooms help with solar cells? The lecture's answer is one slide, *Key idea: representation learning*:
// before it answers, a network turns what it is given into something else, in which the answer is easy. This lesson shows that something else: what
// the first filters look for, what the later blocks make of it, and how much of the answer lies open after each block.
//
// **When you are through, you can**
//
//   - say with an example what $(X, Y) \to (r, \theta)$ means, and why a straight line is enough afterwards;
//   - read filters, feature maps and images that excite a channel, and tell early blocks from late ones by them;
//   - look at a representation by PCA and by t-SNE, and measure it by a linear probe;
//   - find an image's nearest neighbours in pixels and in a representation, and say why they differ;
//   - tell what a t-SNE picture shows from what it only seems to show.
//
// **Minutes needed**: about 50 to read, predict and answer; two of them are the machine's. The Go that you need is in the two tables of lesson 1.
package representations_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	rand "math/rand/v2"
	"os"
	"path/filepath"
	"sort"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
)

// ## 1 · Key idea: representation learning
//
// The slide shows a *relatively difficult task*, an arrow with $(X, Y) \to (r, \theta)$, and an *easier task*. $X$ and $Y$ are here the coordinates
// of a point in the plane (on later slides they are images and labels), and $r$ and $\theta$ are its polar coordinates: how far it is from the
// middle, and in which direction. Let the task be to tell an inner ring of points from an outer one, by a straight line. We draw 200 points of each.

type rings struct {
	XY, Polar tl.Tensor // [n, 2]
	Labels    []int     // [n]: 0 is the inner ring, 1 the outer
}

func drawRings(n int) rings {
	random := rand.New(rand.NewPCG(3, 1)) // the same points each time
	r := rings{XY: tl.Tensor{Shape: []int{n, 2}}, Polar: tl.Tensor{Shape: []int{n, 2}}}
	for i := range n {
		radius := 1.5 + 1.5*float64(i%2) + 0.3*random.NormFloat64()
		angle := 2*math.Pi*random.Float64() - math.Pi
		x, y := radius*math.Cos(angle), radius*math.Sin(angle)
		r.XY.Data = append(r.XY.Data, float32(x), float32(y))
		r.Polar.Data = append(r.Polar.Data, float32(math.Hypot(x, y)), float32(math.Atan2(y, x)))
		r.Labels = append(r.Labels, i%2)
	}
	return r
}

// **Predict**: in which of the two pictures could you part the colours with a ruler?
func Example_twoRings() {
	r := drawRings(400)
	plots.Show(plots.SideBySide(
		plots.Scatter("difficult: X and Y", tl.Projection{Method: "(X, Y)", Points: r.XY},
			r.Labels, "inner ring", "outer ring"),
		plots.Scatter("easier: r and θ", tl.Projection{Method: "(r, θ)", Points: r.Polar},
			r.Labels, "inner ring", "outer ring"),
	))
}

// **Read the figure**: both sides show the same 400 points, and nothing was added. On the right, component 1 is $r$ and component 2 is $\theta$. What
// was a ring is now a strip, and a line $r = \text{constant}$ lies between the strips. How good can a straight line be on each side? The next cell
// tries 180 directions, and in each direction every place. Say your two numbers first: what share of the points will be on the right side of the best
// line, on the left and on the right?

// bestLine is the largest share of points that a straight line puts on the side of their class.
func bestLine(points tl.Tensor, labels []int) float64 {
	best := 0
	for degrees := range 180 {
		cos, sin := math.Cos(float64(degrees)*math.Pi/180), math.Sin(float64(degrees)*math.Pi/180)
		along := func(i int) float64 { return cos*float64(points.Row(i)[0]) + sin*float64(points.Row(i)[1]) }
		order := make([]int, len(labels))
		for i := range order {
			order[i] = i
		}
		sort.Slice(order, func(a, b int) bool { return along(order[a]) < along(order[b]) })
		right := 0 // class 1 beyond the line, class 0 before it
		for _, label := range labels {
			right += label
		}
		for _, i := range order { // the line passes point i
			right += 1 - 2*labels[i]
			best = max(best, right, len(labels)-right)
		}
	}
	return float64(best) / float64(len(labels))
}

func Example_theBestLine() {
	r := drawRings(400)
	fmt.Printf("best straight line in (X, Y): %.2f of the points right\n", bestLine(r.XY, r.Labels))
	fmt.Printf("best straight line in (r, θ): %.2f of the points right\n", bestLine(r.Polar, r.Labels))
}

// The classifier is the same, a straight line. What changed is the **representation**. The points that are still wrong lie where the rings overlap: a
// better representation does not make a task easier than it is.
//
// **Exercises.** Run such a cell to read its question. Then put your answer in place of `nil` and run it again, as often as you like: it is checked
// at once, and after two tries there is a hint.
func Example_answerPolar() {
	check.Answer("03/polar", nil)
}

func Example_answerTransform() {
	check.Answer("03/transform", nil)
}

// ## 2 · Representation learning
//
// For rings one can think of $(r, \theta)$ oneself. For photographs nobody can. The next slide leaves it to a network: *Task: classify cars, people,
// animals and objects.* A network that is trained for a task has to find, layer by layer, a representation in which its last layer, which is a linear
// one, can answer. Hence *representation learning*.
//
// To be honest about the pictures: the lab has none of cars, people and animals that it may hand on. It takes two sets of real pictures instead, one
// of *things* and one far from everything:
//
//   - `clothes`: 500 pictures from Fashion-MNIST (Xiao, Rasul & Vollgraf 2017), ten kinds of clothes, shoes and bags. They are small, 28×28, and
//     grey; the network sees them blown up to 224×224. (It comes as a package of Debian. Where there is no `apt-get`, put its four files into a
//     folder and write `datasets.FashionMNIST("folder")` in place of `datasets.Open("fashion-mnist")`.)
//   - `cells`: 500 of the solar cells of ELPV, half of them defective.
//
// The network is EfficientNet-Lite0 (of the family of Tan & Le 2019) with its weights from ImageNet; nobody has trained it for either set. Its classes do include
// cars, animals and objects, some of them things to wear.

var (
	ctx     = context.Background()
	clothes = datasets.Open("fashion-mnist").Take(60000).PerClass(50, 1)
	rest, _ = datasets.Open("elpv").EveryNth(4)
	cells   = rest.PerClass(250, 1)
	base    = tl.Load("efficientnet_lite0")
)

func Example_lookAtImages() {
	fmt.Println(tl.Must(clothes.Counts(ctx)))
	fmt.Println(tl.Must(cells.Counts(ctx)))
	plots.Show(tl.Must(plots.Batch(ctx, clothes, 12)))
}

// **Read the figure**: the true class stands below each picture. Find two pictures of different classes that look alike to you. You will meet them
// again, and see whether they look alike to the network, too.
//
// Behind the pictures, these are the blocks that they pass through. We look at one of each size: `stem`, `mbconv2`, `mbconv4`, `mbconv10`, `mbconv15`
// and `top`.
func Example_blocks() {
	summary := tl.Must(base.Summary(ctx))
	fmt.Println(summary)
}

// ## 3 · Early: what the first filters look for
//
// The `stem` begins with a convolution: 32 filters of 3×3 pixels in red, green and blue. A filter answers most where the picture looks like the
// filter. So the filters can be shown as small pictures themselves.
//
// **Predict**: what will they be? Parts of dogs, edges, colours, noise?
func Example_filters() {
	plots.Show(plots.Filters(tl.Must(base.Filters(ctx))))
}

// **Read the figure**: each small square is one filter, brightest where it wants light and darkest where it wants none. Find one that goes from dark
// to bright: it answers to an **edge**, in the direction in which it changes. Find one with two colours: it answers where one colour meets the other.
// Some have hardly any pattern, and just answer to a colour. *Earlier layers of a network learn low level features*, says the lecture, and these
// features are of use for any picture, solar cells included. (Grey pictures use only part of them: where red, green and blue are alike, a colour
// filter sees nothing.)
func Example_answerFilters() {
	check.Answer("03/filters", nil)
}

// ## 4 · Feature maps, early against late
//
// A filter is laid on every place of the picture, and its answers make a picture again, a **feature map**. Each block puts out as many maps as it has
// channels. We follow one ankle boot through the network.
//
// **Predict**: behind which block will you no longer recognise the boot?

var boot = clothes.Rows(1)

func Example_featureMapsEarly() {
	plots.Show(plots.FeatureMaps(tl.Must(base.Activations(ctx, boot, "stem"))))
	plots.Show(plots.FeatureMaps(tl.Must(base.Activations(ctx, boot, "mbconv4"))))
}

func Example_featureMapsLate() {
	plots.Show(plots.FeatureMaps(tl.Must(base.Activations(ctx, boot, "mbconv10"))))
	plots.Show(plots.FeatureMaps(tl.Must(base.Activations(ctx, boot, "top"))))
}

// **Read the figures**: bright is a strong answer. In the first, each map is the boot drawn by one filter: its outline, its left edges, its flat
// parts. In the last, 7×7 places are left, and a map is little more than a patch: what this channel looks for is *here*, and not there. What a
// channel *finds* has become more special, and *where* it is has become vague. Both are wanted: for the question "what is it?" the place hardly
// matters.
//
// *Not a new idea!* says another slide. Statistics has hierarchical models, such as hierarchical generalised linear models, in which information
// flows from higher units of the data to lower ones. Neural networks *learn hierarchical representations*, edges, textures, parts, *and thus are
// particularly suited to this kind of learning*. And *since we learn representations, we can deal with domain adaptation/covariate shift*: a map that
// finds edges finds them in a boot as in a dog.
//
// The top ends in the mean over these 49 places. The means of its 1,280 maps are the representation of the picture, which all that follows is about.
func Example_answerMaps() {
	check.Answer("03/maps", nil)
}

// ## 5 · What excites a channel
//
// Instead of looking for pictures that a channel likes one can make one: start from noise and change the pixels, step by step, so that the channel's
// mean rises. The weights stay; the *picture* is trained, by gradient ascent. This is **activation maximisation** (Erhan et al. 2009; here in the way
// of Olah et al. 2017). We take four channels each of an early, a middle and a late block.
//
// **Predict**: which of the three will show edges, which textures, which something like parts of things?
func Example_maximise() {
	for _, block := range []string{"mbconv2", "mbconv8", "mbconv15"} {
		plots.Show(plots.Maximised(tl.Must(base.Maximise(ctx, block, 0, 1, 2, 3))))
	}
}

// **Read the figures**: from top to bottom the patterns become larger and richer. Early channels want stripes and colours of one kind; later ones
// want textures that are put together of several. This is what the lecture calls *learning hierarchical representations*, and why *later layers learn
// abstract concepts (dog's ear)*: in the last row one is tempted to see eyes, fur and snouts. But do not read too much into them. It is what excites
// this channel most of all that was found from one start, no photograph looks like it, and the name is yours.
//
// ## 6 · From pixels to the representation
//
// Now all 500 clothes at once, first as raw pixels, each picture made 32×32 and read out as 1,024 numbers, then as the network's 1,280 numbers. The
// next cell runs all pictures of both sets through the network, once, and keeps what leaves each of our six blocks, averaged over space.

var blocks = []string{"stem", "mbconv2", "mbconv4", "mbconv10", "mbconv15", "top"}

func Example_onePass() {
	for _, d := range []datasets.Dataset{clothes, cells} {
		for _, r := range tl.Must(base.RepresentBlocks(ctx, d, blocks...)) {
			fmt.Printf("%-14s behind %-9s %v\n", d.Source, r.Block, r.Shape)
		}
	}
}

// **PCA** shows the two directions in which the points vary most: a cloud of points in 1,280 dimensions casts its shadow on the page. **t-SNE** (van
// der Maaten & Hinton 2008) does not cast shadows: it moves points about in the plane until those that were neighbours are neighbours again. Neither
// is told the classes; the colours are put on afterwards.
//
// **Predict**: which classes will lie apart from all others in both, and which will not come apart in any?

func pixels(d datasets.Dataset) tl.Representation { return tl.Must(tl.RawPixels().Represent(ctx, d)) }

func learned(d datasets.Dataset) tl.Representation { return tl.Must(base.RepresentAt(ctx, d, "top")) }

// drawClothes draws a projection of the clothes, a colour and a sign for each class.
func drawClothes(title string, p tl.Projection) plots.ScatterFigure {
	figure := plots.Scatter(title, p, tl.Must(clothes.Labels(ctx)), tl.Must(clothes.Classes(ctx))...)
	figure.Width, figure.Height = 7, 7 // inches
	return figure
}

func Example_pcaPixelsAgainstRepresentation() {
	left, right := tl.Must(pixels(clothes).PCA(ctx, 2)), tl.Must(learned(clothes).PCA(ctx, 2))
	plots.Show(plots.SideBySide(
		drawClothes("raw pixels, PCA", left), drawClothes("representation, PCA", right)))
	fmt.Printf("variance held by two components: raw pixels %.0f %%, representation %.0f %%\n",
		100*left.Explained(), 100*right.Explained())
}

// **Read the figure**: a point is a picture. On the left trousers and shoes already have their own regions, since in these pictures all things stand
// upright in the middle and pixel 500 of one trouser is where pixel 500 of the other is. Two components hold more of the pixels' variance than of the
// representation's: a shadow hides more of the right cloud than of the left one. So do not conclude from this figure that the pixels are the better
// representation. Now the neighbours.
func Example_tsnePixelsAgainstRepresentation() {
	left := tl.Must(pixels(clothes).TSNE(ctx, tl.TSNE{}))
	right := tl.Must(learned(clothes).TSNE(ctx, tl.TSNE{}))
	plots.Show(plots.SideBySide(
		drawClothes("raw pixels, t-SNE", left), drawClothes("representation, t-SNE", right)))
	fmt.Printf("trustworthiness: raw pixels %.2f, representation %.2f\n",
		left.Trustworthiness, right.Trustworthiness)
	large := drawClothes("representation, t-SNE, with some of the pictures", right)
	large.Width, large.Height = 11, 8
	plots.Show(tl.Must(large.WithThumbnails(ctx, clothes, 70)))
}

// **Read the figure**: colours that form islands of their own are classes that can be told by their neighbours alone. *Trustworthiness* says how many
// of the neighbours that you see are true ones: 1 is all of them (Venna & Kaski 2001). It judges each *drawing* by its own
// numbers, and does not say which representation is the better one. Which classes stay mixed, on both sides? Shirts, pullovers,
// coats and T-shirts: at 28×28 pixels it is often impossible to say, for you as for the network. The pictures in the second figure show what goes on
// *inside* an island: look for a place where all have long sleeves, or high heels, or a pattern.
//
// Pictures of points suggest; they do not measure. So:
//
// ## 7 · Measured: a linear probe behind each block
//
// A **linear probe** (Alain & Bengio 2016) is the ruler of section 1 for many dimensions: a linear classifier on a representation that is left as it
// is. What it reaches says how much of the answer lies open. Every picture is judged by a probe that has not seen it: the pictures are parted in
// five, and each part is predicted by a probe that was fitted on the other four (*cross-validation*).
//
// One probe is put on the raw pixels and one on what leaves each block: 32 numbers behind the `stem`, 1,280 behind the `top`.
//
// **Predict** the accuracy of the probe on the last representation of the clothes. With ten classes of equal size, a constant answer gets 0.10.
func Example_predictProbe() {
	check.Predict("03/probe", nil)
}

// probeAll puts a probe on the raw pixels and behind each block.
func probeAll(d datasets.Dataset) []tl.ProbeResult {
	results := []tl.ProbeResult{tl.Must(pixels(d).Probe(ctx, nil, tl.Probe{}))}
	for _, r := range tl.Must(base.RepresentBlocks(ctx, d, blocks...)) {
		results = append(results, tl.Must(r.Probe(ctx, nil, tl.Probe{})))
	}
	return results
}

func Example_probeClothes() {
	results := probeAll(clothes)
	fmt.Println(tl.ProbeTable(results...))
	check.Reveal("03/probe", results[len(results)-1].Accuracy())
}

// **Read the table** from top to bottom, and the intervals with it: where two of them overlap by much, the pictures are too few to say which is
// better. Raw pixels are a strong opponent *here*, since all clothes stand in the same place at the same size. (Lesson 6 moves them about.) Behind
// the `stem` there are only 32 numbers, averages over the whole picture, and they know least. Then it rises, block by block, until the last two can
// hardly be told apart: the network unfolds what it was trained to unfold, and clothes profit from it though nobody asked for them. Does the
// last row beat the pixels? Look at the two intervals before you say so.
//
// Now the solar cells. **Predict**: the same rise? Where is the best place, when the task is far from everything that ImageNet shows?
func Example_probeCells() {
	results := probeAll(cells)
	fmt.Println(tl.ProbeTable(results...))
	var evaluations []tl.Evaluation
	for _, r := range results {
		evaluations = append(evaluations, r.Evaluation())
	}
	evaluations[0].Model = "raw pixels"
	plots.Show(plots.Intervals(evaluations...))
}

// **Read the figure**: a point is an accuracy, its line the 95 % interval; the topmost is that of the raw pixels. Cracks are thin lines, and lines
// are found early. Where is the best place: at the end, or before it? If the curve levels out or sinks, the last blocks turn what they see into dogs
// and cars, which nobody needs here. That is where *fine-tuning* (lesson 7) begins: it retrains the last blocks.
func Example_answerProbe() {
	check.Answer("03/level", nil)
}

// ## 8 · Nearest neighbours
//
// Another way to ask a representation what it holds alike: take a picture and look for the nearest others. Near is here the **cosine**:
// representations are arrows, and the cosine of the angle between two is 1 where they point the same way.
//
// **Predict**: for two boots, a T-shirt and a spotted pullover, what will the neighbours in pixels share, and what those in the representation?
func Example_neighbours() {
	rows := []int{1, 10, 11, 12}
	plots.Show(tl.Must(plots.Neighbours(ctx, clothes, tl.Must(pixels(clothes).Neighbours(ctx, 5, rows...)))))
	plots.Show(tl.Must(plots.Neighbours(ctx, clothes, tl.Must(learned(clothes).Neighbours(ctx, 5, rows...)))))
}

// **Read the figures**: the picture that was asked about stands first in its row; a neighbour of another class has a cross and a dashed frame. Look
// at the last row, a spotted pullover. In pixels its neighbours cover the same area, and most of them are plain. In the representation the
// neighbours are *spotted*, be they shirts, coats or dresses. That is what the network finds alike: networks trained on ImageNet go by texture more
// than by outline (Geirhos et al. 2019). A representation makes *some* things easy to read, those that its own task needed; whether they are what you
// need, only your own task can tell.
//
// How often is a neighbour of the same class? Of the four rows above the pixels had *more*. **Predict** it for all pictures, of clothes (a guess gets 0.10)
// and of cells (a guess gets 0.50):
func Example_agreement() {
	for _, d := range []datasets.Dataset{clothes, cells} {
		labels := tl.Must(d.Labels(ctx))
		for _, r := range []tl.Representation{pixels(d), learned(d)} {
			near := tl.Must(r.Neighbours(ctx, 5))
			share := tl.Must(near.Agreement(labels))
			fmt.Printf("%-14s %-19s %.2f of the 5 nearest are of the same class\n",
				d.Source, r.Base.Name, share)
		}
	}
}

// Four rows can mislead; over all of them the representation is ahead, and more so for the cells: clothes fill the same pixels each time, a crack never does.
//
// Now write the cosine yourself. Put it in place of `return 0` (`math.Sqrt` is the root), run that cell, and then the one below with the name of your
// function, `cosine`, in place of `nil`.

// cosine of the angle between two representations of the same length.
func cosine(a, b []float64) float64 {
	return 0
}

func Example_answerCosine() {
	check.Answer("03/cosine", nil)
}

// ## 9 · Pitfall: what a t-SNE picture only seems to show
//
// t-SNE has a knob, the **perplexity**: how many neighbours each point tries to keep. We turn it, on pictures that hold nothing at all: 200 pictures
// of pure noise, every pixel drawn at random. There are no classes and no clusters in them, only one round cloud in 1,024 dimensions.
//
// **Predict**: what will the two pictures show?

// drawNoise writes n pictures of noise into a folder and describes it.
func drawNoise(n int) (datasets.Dataset, error) {
	folder := filepath.Join(os.TempDir(), "lesson03") // gone when the kernel ends
	noise := datasets.Folder(folder)
	if err := os.MkdirAll(filepath.Join(folder, "noise"), 0o755); err != nil {
		return noise, err
	}
	random := rand.New(rand.NewPCG(9, 9))
	for i := range n {
		picture := image.NewGray(image.Rect(0, 0, 32, 32))
		for p := range picture.Pix {
			picture.Pix[p] = uint8(random.IntN(256))
		}
		var file bytes.Buffer
		if err := png.Encode(&file, picture); err != nil {
			return noise, err
		}
		name := filepath.Join(folder, "noise", fmt.Sprintf("%03d.png", i))
		if err := os.WriteFile(name, file.Bytes(), 0o644); err != nil {
			return noise, err
		}
	}
	return noise, nil
}

func Example_tsneOfNoise() {
	noise := pixels(tl.Must(drawNoise(200)))
	few := tl.Must(noise.TSNE(ctx, tl.TSNE{Perplexity: 2}))
	many := tl.Must(noise.TSNE(ctx, tl.TSNE{Perplexity: 30}))
	plots.Show(plots.SideBySide(
		plots.Scatter("noise, perplexity 2", few, nil),
		plots.Scatter("noise, perplexity 30", many, nil),
	))
	fmt.Printf("trustworthiness: %.2f with perplexity 2, %.2f with 30\n",
		few.Trustworthiness, many.Trustworthiness)
}

// **Read the figure**, and see **the damage**: on the left one sees clumps and strings, and could go on to give them names. There are none; a point that tries to keep two
// neighbours has to be close to *someone*. It also holds for what looks real: sizes of islands, the room between them and their order on the page say
// nothing, since t-SNE makes dense regions wider and does not keep long distances (Wattenberg, Viégas & Johnson 2016).
//
// **The remedy**: (1) draw it with several perplexities and believe what stays; (2) look at the trustworthiness, where 0.5 is what points thrown at
// random get; (3) above all, *measure*. If an island is a class, a probe or the neighbours will say so. We give the noise two classes by lot, and
// ask.
func Example_askTheProbeInstead() {
	noise := pixels(tl.Must(drawNoise(200)))
	lots, random := make([]int, 200), rand.New(rand.NewPCG(5, 5))
	for i := range lots {
		lots[i] = random.IntN(2)
	}
	fmt.Println(tl.Must(noise.Probe(ctx, lots, tl.Probe{})))
}

// The probe is not fooled: what it says about noise has an interval that holds one half. Had it been judged on the pictures it was fitted on, it
// could have got all of them right, since 1,024 numbers suffice to learn 200 lots by heart. That is why section 7 used cross-validation.
func Example_answerTSNE() {
	check.Answer("03/tsne", nil)
}

func Example_answerByHeart() {
	check.Answer("03/by-heart", nil)
}

// ## 10 · What you saw, in the lecture's words
//
// | the lecture | here |
// |---|---|
// | a relatively difficult task becomes an easier one, $(X, Y) \to (r, \theta)$ | rings and a ruler (section 1); 150,528 pixel values become 1,280 numbers that a linear probe can read (section 7) |
// | *earlier layers learn low level features* | filters of the stem: edges and colours (section 3) |
// | *neural networks learn hierarchical representations* | maps and maximised images, early against late (sections 4 and 5) |
// | *task: classify cars, people, animals and objects* | clothes and solar cells in their place; the network's own task had animals and objects among its 1,000 classes |
//
// What the lecture has and this lesson does not: representations learned *from unlabelled data*; here they come from labels, those of ImageNet.
//
// **Try it.** (1) Probe blocks that lie between: put `mbconv6` and `mbconv13` into `blocks`. (2) `tl.TSNE{Perplexity: 5}` and `100` on the clothes:
// which islands stay? (3) In section 8, ask for a solar cell's neighbours: write `cells` in place of `clothes`, and find out whether they share the
// crack or the kind of crystal.
func Example_progress() {
	check.Progress("03")
}

// ## Further reading
//
//   - Y. Bengio, A. Courville, P. Vincent: *Representation learning: a review and new perspectives.* IEEE TPAMI 35 (2013), arXiv:1206.5538.
//   - M. D. Zeiler, R. Fergus: *Visualizing and understanding convolutional networks.* ECCV 2014, arXiv:1311.2901. What filters and maps look for,
//     layer by layer.
//   - C. Olah, A. Mordvintsev, L. Schubert: *Feature visualization.* Distill 2017, doi:10.23915/distill.00007. Activation maximisation that one can
//     look at.
//   - R. Geirhos et al.: *ImageNet-trained CNNs are biased towards texture; increasing shape bias improves accuracy and robustness.* ICLR 2019,
//     arXiv:1811.12231.
//   - D. Erhan, Y. Bengio, A. Courville, P. Vincent: *Visualizing higher-layer features of a deep network.* Technical report 1341, Université de
//     Montréal 2009. Where activation maximisation began.
//   - G. Alain, Y. Bengio: *Understanding intermediate layers using linear classifier probes.* 2016, arXiv:1610.01644.
//   - J. Yosinski, J. Clune, Y. Bengio, H. Lipson: *How transferable are features in deep neural networks?* NIPS 2014, arXiv:1411.1792.
//   - L. van der Maaten, G. Hinton: *Visualizing data using t-SNE.* JMLR 9 (2008).
//   - M. Wattenberg, F. Viégas, I. Johnson: *How to use t-SNE effectively.* Distill 2016, doi:10.23915/distill.00002. The pitfall of section 9, to
//     play with.
//   - J. Venna, S. Kaski: *Neighborhood preservation in nonlinear projection methods: an experimental study.* ICANN 2001. Trustworthiness.
//   - C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals: *Understanding deep learning requires rethinking generalization.* ICLR 2017,
//     arXiv:1611.03530. Labels drawn by lot.
//   - M. Tan, Q. V. Le: *EfficientNet: rethinking model scaling for convolutional neural networks.* ICML 2019, arXiv:1905.11946.
//
// The data: H. Xiao, K. Rasul, R. Vollgraf: *Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms.* 2017,
// arXiv:1708.07747 (MIT licence). ELPV, under CC BY-NC-SA 4.0: C. Buerhop-Lutz et al.: *A benchmark for visual identification of defective solar
// cells in electroluminescence imagery.* EU PVSEC 2018, doi:10.4229/35thEUPVSEC20182018-5CV.3.15; all three papers that its authors ask to cite stand
// in lesson 7.
