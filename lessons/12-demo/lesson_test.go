// # Lesson 12 · Demo: a classifier of your own, from your pictures, in three minutes
//
// The last part of the lecture is *How Transfer Learning Works in Practice*. So this lesson has no new idea. It goes the whole way once, from a folder of
// pictures to a program that says what is on a new one, and it takes as long as it takes to read: a head in seconds, fine-tuning in half a minute. The pictures
// come with the lab; where it says so, you put in your own.
//
// **When you are through, you can**
//
//   - turn a folder of pictures into a classifier, and give fine-tuning a budget of time;
//   - see in heat maps what an answer rests on;
//   - save the classifier and use it in a program of your own;
//   - tell when a test lies: because pictures that belong together are on both sides of it, or because the background gave the answer away.
//
// **Minutes needed**: about 30 to read, predict and answer; less than two of them are the machine's.
//
// The ten lines of Go that you need are in lesson 1. Three things are new: a `map` is Python's `dict`; a func may hand back several results, and `_` takes the
// ones that nobody needs; what is behind `defer` is done when the func ends. Run the cells from the top. Exercises take your answer in place of `nil`.
package demo_test

import (
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
)

// ## 1 · A folder of pictures
//
// All that is needed is a folder with one folder for each class in it, named like the class, with pictures inside, PNG or JPEG:
//
//	my-pictures/
//	    broken/          cell0008.png  cell0163.png …
//	    many crystals/   …
//	    one crystal/     …
//
// **Your own pictures**: write the path of your folder into `pictures` below, as in `datasets.Folder("/home/me/mushrooms")`, leave out the cell that fills the
// folder, and change the 3 in `tl.Dense(3)` to the number of your classes. Twenty pictures of each class are a good start, thirty are better.
//
// As long as you have none, the folder is filled with photographs of solar cells, as in lesson 7, in three classes: `one crystal` and `many crystals` are
// whole cells of the two kinds that there are, and `broken` are defective ones of both kinds. Forty of each: *very little data*.

// pictures are the images to learn from.
func pictures() datasets.Dataset { return datasets.Folder(filepath.Join(os.TempDir(), "my-pictures")) }

// parts divides them: what the network learns from, what decisions are made on, and what nobody looks at before the end.
func parts() (train, valid, test datasets.Dataset) {
	rest, test := pictures().Split(0.75, 1)
	train, valid = rest.Split(0.8, 1)
	return train, valid, test
}

// cells chooses n of the solar cells that are wanted, evenly out of all modules.
// What is in one quarter, 0, 1, 2 or 3, is in no other.
func cells(wanted func(datasets.Item) bool, quarter, n int) (chosen []datasets.Item) {
	var all []datasets.Item
	for i, item := range tl.Must(datasets.Open("elpv").Items(ctx)) {
		if i%4 == quarter && wanted(item) {
			all = append(all, item)
		}
	}
	for i := range n {
		chosen = append(chosen, all[i*len(all)/n])
	}
	return chosen
}

func broken(c datasets.Item) bool { return c.Probability == 1 }
func whole(c datasets.Item) bool  { return c.Probability == 0 }

var (
	ctx   = context.Background()
	base  = tl.Load("efficientnet_lite0")
	model = base.WithHead("mine", tl.Dense(3))
	tuned = base.WithHead("mine, fine-tuned", tl.Dense(3))
)

// (Leave this cell out when you use your own pictures.)
func Example_fillTheFolder() {
	dir := filepath.Join(os.TempDir(), "my-pictures")
	os.RemoveAll(dir)
	for class, wanted := range map[string]func(datasets.Item) bool{
		"broken":        broken,
		"one crystal":   func(c datasets.Item) bool { return whole(c) && c.Kind == "mono" },
		"many crystals": func(c datasets.Item) bool { return whole(c) && c.Kind == "poly" },
	} {
		to := filepath.Join(dir, class)
		if err := os.MkdirAll(to, 0o755); err != nil {
			panic(err)
		}
		for _, cell := range cells(wanted, 0, 40) {
			picture, name := tl.Must(os.ReadFile(cell.File)), filepath.Base(cell.File)
			if err := os.WriteFile(filepath.Join(to, name), picture, 0o644); err != nil {
				panic(err)
			}
		}
	}
	fmt.Println("the pictures are in", dir)
}

// Look at your data first. How many are there of each class, and can *you* tell the classes apart?
func Example_lookAtThem() {
	train, valid, test := parts()
	for _, part := range []datasets.Dataset{train, valid, test} {
		fmt.Println(tl.Must(part.Counts(ctx)))
	}
	some := train.PerClass(4, 1)
	plots.Show(tl.Must(plots.Batch(ctx, some, 12)))
}

// **Read the figure**: four pictures of each class, as the network gets them. A broken cell has dark parts or dark lines that a whole one of its kind has not. Dark
// clouds alone are crystals.
//
// ## 2 · The head
//
// *Keep the convolutional base frozen, throw away the head, and train a new one.* The base turns each picture into 1,280 numbers, once. The head learns from
// those, and goes over them sixty times in less than a second; the first run also compiles the network. **Predict** what comes of it:
func Example_guess() {
	check.Predict("12/guess-own", nil)
}

var headPhase = tl.Phase{Name: "head", Epochs: 60, LearningRate: 3e-3}

func Example_trainTheHead() {
	train, valid, _ := parts()
	tl.Must(model.Reset(ctx))
	quietly := tl.WithReport(ctx, nil) // no line of progress for each epoch
	history := tl.Must(model.Fit(quietly, train, valid, headPhase))
	fmt.Printf("%.1f s in all, of which training %.2f s; epoch %d of %d was kept\n",
		history.Time.Total.Seconds(), history.Time.Train.Seconds(), history.Kept, len(history.Epochs))
	plots.Show(plots.Curves(tl.Must(model.Histories(ctx))...))
}

// **Read the figure**: the training curves go on getting better when those of `valid` have stopped: the head learns its 72 pictures by heart. Hence the epoch
// with the lowest loss on `valid` is kept. `valid` are few pictures, so its accuracy moves in steps, one for each picture. Do not read more into a step than
// one picture.
//
// ## 3 · Fine-tuning, as long as you care to wait
//
// The lecture's three steps are a *procedure* of the lab, `tl.FineTune`: the head first, then the last stages of the base with rates that are three times
// smaller from stage to stage. `Within` gives it a budget: it measures this machine, plans how deep to unfreeze and how many epochs to run, prints the plan,
// and keeps to it. On a faster machine the same line does more. A mirrored solar cell is a solar cell, so each picture also comes in its mirror images. *Are
// your pictures still of their class when they are upside down?* If not, leave `FlipUpDown` out. **Predict**: will the epoch that is best on `valid` be an
// early or a late one?
func Example_fineTuneWithinABudget() {
	train, valid, _ := parts()
	mirrored := train.Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
	tl.Must(tuned.Reset(ctx))
	procedure := tl.FineTune(tl.Tuning{}).Within(30 * time.Second)
	fmt.Println(tl.Must(tuned.Run(tl.WithReport(ctx, nil), mirrored, valid, procedure)))
}

// **Read the tables**: the first says what was run, and which epoch was kept: few pictures are soon learned by heart. The second is the plan that was made
// before. What it *estimated* is measured as soon as it is compiled, and the epochs follow what is left of the time. *Plain images* says that the time did
// not suffice for the mirror images; give it two minutes, and look again.
//
// ## 4 · The test, once
//
// Which of the two would you hand over? Decide by `valid`, then run the test. **Predict**: will it say the same?
func Example_decide() {
	_, valid, _ := parts()
	for _, m := range []tl.Model{model, tuned} {
		fmt.Println(tl.Must(m.Evaluate(ctx, valid)))
	}
}

func Example_test() {
	_, _, test := parts()
	for _, m := range []tl.Model{model, tuned} {
		evaluation := tl.Must(m.Evaluate(ctx, test))
		fmt.Println(evaluation)
		if m.Name == model.Name {
			check.Reveal("12/guess-own", evaluation.Accuracy())
		}
	}
}

// Look at the interval before you look at the difference. With thirty pictures it is wide, and whether fine-tuning has helped is more than this test can say.
// How wide, you can work out:
func Example_answerInterval() {
	check.Answer("12/interval", nil)
}

// ## 5 · What the answers rest on
//
// A heat map shows which places speak for the answer. *Grad-CAM* (Selvaraju et al. 2017) asks, for each channel of the last feature maps, how much the answer would
// grow with it, and adds the channels up with these weights. The map is 7×7, as the feature maps are, and laid over the picture.
//
// **Predict**: where will the light fall in a broken cell, and where in a whole one?
func Example_heatMaps() {
	_, _, test := parts()
	some := test.PerClass(4, 2)
	attributions := tl.Must(model.Attribute(ctx, some, tl.Attribution{}))
	plots.Show(tl.Must(plots.HeatMaps(ctx, some, attributions)))
}

// **Read the figure**: yellow places speak most for the answer below; the true class stands above it. In cells that are rightly called broken, compare the
// light with the dark parts. And in cells of one crystal, look at the corners. Such cells are cut from a round bar, so their corners are missing, and cells of
// many crystals have theirs. Is the network cheating? It tells the two apart by what tells them apart in these pictures. Show it a square cell of one crystal,
// and you will know. If your own pictures have their light on the table, the wall or a hand, go to section 7.
//
// The pictures on which the answer was furthest off are the ones to look at next. Some of them may be mistakes of whoever sorted the pictures.
func Example_worst() {
	_, _, test := parts()
	worst := test.Rows(tl.Must(model.Evaluate(ctx, test)).TopLosses(4)...)
	plots.Show(tl.Must(plots.HeatMaps(ctx, worst, tl.Must(model.Attribute(ctx, worst, tl.Attribution{})))))
}

// **Read the figure**: what did it take each of them for? Would you have seen what is broken, at this size?
//
// ## 6 · Save it, and use it
//
// A saved model is a folder: the weights, the classes, how pictures are to be prepared, and a receipt that says how it came to be. Give it a place of your own;
// this one is gone with the kernel.
func Example_saveAndUse() {
	saved := tl.Must(model.Save(ctx, filepath.Join(os.TempDir(), "my-model")))
	fmt.Println(saved)

	again := tl.Must(tl.Open(ctx, saved.Dir)) // in another program, on another machine, on another day
	_, _, test := parts()
	one := tl.Must(test.Items(ctx))[0]
	answer := tl.Must(again.Predict(ctx, datasets.Image(one.File)))
	class := answer.Classes[answer.Class[0]]
	fmt.Printf("%s: %s, with a probability of %.2f\n", filepath.Base(one.File), class, answer.Probability(0))
}

// A whole program that uses it has no more than that. The line with the underscore brings the engine in, which under a notebook stands beside it.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"os"
//
//		"transferlab/datasets"
//		"transferlab/tl"
//		_ "transferlab/tl/engine"
//	)
//
//	func main() {
//		ctx := context.Background()
//		model := tl.Must(tl.Open(ctx, os.Args[1]))
//		fmt.Println(tl.Must(model.Predict(ctx, datasets.Image(os.Args[2]))))
//	}
//
// ## 7 · The pitfall: a test that lies
//
// With a camera it is easy to get many pictures: hold the button, and there are thirty frames. They are thirty pictures of *one* thing. What if some of them
// are in the test?
//
// Let us find out with the hardest question about solar cells, whole or broken. Twenty cells of each, and a burst of eight frames of each cell: the hand moves
// a little, the light changes a little. That makes 320 pictures. Nobody would think of that as little data.

// burst writes frames of one photograph, each a little shifted, a little brighter or darker.
func burst(dir string, cell datasets.Item, frames int) error {
	file, err := os.Open(cell.File)
	if err != nil {
		return err
	}
	defer file.Close()
	photograph, err := png.Decode(file)
	if err != nil {
		return err
	}
	for n := range frames {
		hand := image.Pt((7*n+3*cell.Row)%20, (11*n+5*cell.Row)%20) // which trembles, without chance
		frame := image.NewGray(image.Rect(0, 0, 280, 280))
		draw.Draw(frame, frame.Bounds(), photograph, hand, draw.Src)
		light := 0.92 + 0.02*float64((5*n+cell.Row)%9)
		for i, grey := range frame.Pix {
			frame.Pix[i] = uint8(min(255, light*float64(grey)))
		}
		out, err := os.Create(filepath.Join(dir, fmt.Sprintf("cell%04d-%d.jpg", cell.Row, n)))
		if err != nil {
			return err
		}
		if err := jpeg.Encode(out, frame, nil); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
	return nil
}

// film fills a folder with so many frames of each of n cells of both classes.
func film(name string, quarter, n, frames int) datasets.Dataset {
	dir := filepath.Join(os.TempDir(), name)
	os.RemoveAll(dir)
	for class, wanted := range map[string]func(datasets.Item) bool{"broken": broken, "whole": whole} {
		to := filepath.Join(dir, class)
		if err := os.MkdirAll(to, 0o755); err != nil {
			panic(err)
		}
		for _, cell := range cells(wanted, quarter, n) {
			if err := burst(to, cell, frames); err != nil {
				panic(err)
			}
		}
	}
	return datasets.Folder(dir)
}

// filmed is a folder that film has filled.
func filmed(name string) datasets.Dataset { return datasets.Folder(filepath.Join(os.TempDir(), name)) }

// `bursts` are those 320 pictures. `news` are one frame each of two hundred other cells: what the classifier will meet once it is in use. Nothing learns from them.
func Example_film() {
	fmt.Println(tl.Must(film("bursts", 1, 20, 8).Counts(ctx)))
	fmt.Println(tl.Must(film("news", 2, 100, 1).Counts(ctx)))
	plots.Show(tl.Must(plots.Batch(ctx, filmed("bursts"), 8)))
}

// **Read the figure**: one burst. Would you notice that these are eight pictures?
//
// The 320 are split as always: three quarters to learn from, the rest to test, at random. **Predict** the accuracy in this test.
func Example_guessBurst() {
	check.Predict("12/guess-burst", nil)
}

var atRandom = base.WithHead("frames at random", tl.Dense(2))

// learn trains a head on train, and measures it on its own test and on cells that it will meet.
func learn(m tl.Model, train, test datasets.Dataset) (inTest, inUse tl.Evaluation) {
	tl.Must(m.Reset(ctx))
	tl.Must(m.Fit(tl.WithReport(ctx, nil), train, datasets.Dataset{}, headPhase))
	inTest, inUse = tl.Must(m.Evaluate(ctx, test)), tl.Must(m.Evaluate(ctx, filmed("news")))
	fmt.Printf("%-18s test says %.3f, in use it is %.3f\n", m.Name, inTest.Accuracy(), inUse.Accuracy())
	return inTest, inUse
}

func Example_damage() {
	train, test := filmed("bursts").Split(0.75, 1)
	inTest, inUse := learn(atRandom, train, test)
	check.Reveal("12/guess-burst", inTest.Accuracy())
	plots.Show(plots.SideBySide(plots.Confusion(inTest), plots.Confusion(inUse)))
}

// **Read the figure**: the same model, on the left in its test, on the right in use. It has learned to recognise forty cells, and the test has asked about
// those forty cells. The number is not wrong. It answers another question than the one that matters.
//
// **The remedy** has two parts. The first is for the test: *what belongs together stays together.* A burst is in the test as a whole or not at all. The same
// holds for the photographs of one person, the slices of one patient, the cells of one module.

// byCell divides bursts in four by their cells, and holds one of the four parts out, each cell with all its frames.
func byCell(d datasets.Dataset, part int) (train, test datasets.Dataset) {
	var learned, held []int
	seen := map[string]int{} // the cells so far, numbered
	for i, item := range tl.Must(d.Items(ctx)) {
		cell, _, _ := strings.Cut(item.ID, "-")
		if _, known := seen[cell]; !known {
			seen[cell] = len(seen)
		}
		if seen[cell]%4 == part {
			held = append(held, i)
		} else {
			learned = append(learned, i)
		}
	}
	return d.Rows(learned...), d.Rows(held...)
}

var (
	wholeBursts = base.WithHead("whole bursts", tl.Dense(2))
	manyCells   = base.WithHead("many cells", tl.Dense(2))
)

// Ten cells in a test are few, so each quarter of the cells is held out in turn, and the mean of the four counts: *cross-validation*. **Predict** the mean.
func Example_honestTest() {
	sum := 0.0
	for part := range 4 {
		train, test := byCell(filmed("bursts"), part)
		inTest, _ := learn(wholeBursts, train, test)
		sum += inTest.Accuracy()
	}
	fmt.Printf("mean of the four tests: %.3f\n", sum/4)
}

// Now the test comes close to what is measured in use, as far as forty cells can. The model itself is no better. That is the second part of the remedy, for the
// data: *more different things, not more pictures of the same*. As many pictures again, but each of another cell. **Predict** the last column.
func Example_moreCells() {
	train, test := film("many", 3, 160, 1).Split(0.75, 1)
	learn(manyCells, train, test)
}

// Compare the last column of all lines. The number of pictures is the same each time. (The test of the last line is honest, but has 80 pictures: it may be off by
// a tenth to either side.)
//
// Check your own split before you believe its test. Fill in the func, and put its name in place of `nil`.

// mySplitLeaks tells whether pictures of one burst are on both sides.
func mySplitLeaks(burst []int, inTest []bool) bool {
	return false // your lines
}

func Example_answerLeaks() {
	check.Answer("12/leaks", nil)
}

// A classifier can also learn the **background**. If all cups stand on the table and all books on the shelf, the table is the easier thing to learn, and the
// test at the same table will not tell. Beery et al. (2018) saw it with animals: cows are recognised on meadows and not on beaches. Heat maps show it, and so
// does one picture at another place.
func Example_answerWall() {
	check.Answer("12/wall", nil)
}

// ## 8 · In front of a class: `tlab demo`
//
// The same as a page in the browser: type `%demo` into a new cell and run it, or `go run ./kernel/tlab demo` in a terminal, and click on the address. Switch
// the camera on, hold the key 1 while you show one thing to it and the key 2 while you show another, press T, and hold things up. Each picture is represented
// as it comes, so training is a matter of a second or two. It holds out the *last* pictures of each class rather than random ones. That is the remedy of
// section 7, as far as a page can know what belongs together.
//
// Things to try in front of everybody, each time with a guess first:
//
//  1. Two things at the same place. Then hold the second one up elsewhere.
//  2. The left hand against the right hand. Then look at the heat map. (The camera's picture is shown mirrored; the network sees it as it is.)
//  3. The same thing in two classes, once with the lamp on and once with it off. What did it learn?
//  4. Nothing at all. A classifier with two classes has two answers. What does it say of something that it has never seen? Add a class "nothing".
//
// Pictures stay on this machine, in a temporary folder that is removed at the end; with `--keep FOLDER` they stay in `FOLDER/round-1/pictures`, one folder for each
// class, as `datasets.Folder` takes it.
//
// **What the lecture has and this lesson has not**: its demo runs TensorFlow's tutorial on classification; the steps are these, the program is another. What
// you have seen is *inductive transfer* in the lecture's words, though the domain differs, too, by *feature-representation transfer* (the head) and *parameter
// transfer* (fine-tuning).
func Example_progress() {
	check.Progress("12")
}

// ## Further reading
//
//   - R. R. Selvaraju et al.: *Grad-CAM: visual explanations from deep networks via gradient-based localization.* ICCV 2017, arXiv:1610.02391.
//   - S. Beery, G. Van Horn, P. Perona: *Recognition in terra incognita.* ECCV 2018, arXiv:1807.04975. The same animals at other places.
//   - R. Geirhos et al.: *Shortcut learning in deep neural networks.* Nature Machine Intelligence 2 (2020), arXiv:2004.07780.
//   - S. Kapoor, A. Narayanan: *Leakage and the reproducibility crisis in machine-learning-based science.* Patterns 4 (2023), arXiv:2207.07048. Kinds of leaks,
//     and who fell for them.
//   - M. Carney et al.: *Teachable Machine: approachable web-based tool for exploring machine learning classification.* CHI EA 2020,
//     doi:10.1145/3334480.3382839. The page that `tlab demo` takes after.
//   - The pictures are those of ELPV (Buerhop-Lutz et al. 2018; Deitsch et al. 2019, 2021), under CC BY-NC-SA 4.0; lesson 7 has the citations in full.
