// # Lesson 2 · Parameters: count a network by hand
//
// *Extremely short review of CNN*, says the slide, and then it counts. Counting is worth an hour: who can count a network knows what each layer sees, what
// it puts out, where the memory goes and where the time goes, and reads the tables of every framework. In the lessons after this one the number of
// parameters that may *move* is the knob that we turn.
//
// **When you are through, you can**
//
//   - compute by hand what a convolution puts out at one place, and the shape of all that it puts out;
//   - count the lecture's network layer by layer, and any other like it;
//   - say which layers hold the parameters and which do the work, and why these are not the same;
//   - explain what padding, stride, pooling, depthwise convolutions and batch norm change in the count;
//   - find out why a network that looks the same does not take the same weights.
//
// **Minutes needed**: about 60 to read, predict and answer; less than one of them is the machine's. If you have not seen any Go, do the first section of
// lesson 1 first; its second table has the small print that the loops below use.
package parameters_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"transferlab/datasets"
	"transferlab/lessons/check"
	"transferlab/plots"
	"transferlab/tl"
	"transferlab/tl/count"
)

// ## 1 · A convolution is a filter that slides
//
// A **filter** is a small grid of weights. It is laid on the picture, each weight is multiplied by the number below it, and the sum of the products is written
// down, as one number of the output. Then the filter moves on by the **stride** and does the same again, with the same weights. For a grey picture $x$, a
// filter $w$ of $k \times k$ weights, stride $s$ and $p$ rows and columns of zeros around the picture, the **padding**, the output at row $i$ and column $j$ is
//
// $$y_{ij} = b + \sum_{u=0}^{k-1} \sum_{v=0}^{k-1} w_{uv} \; x_{\,s i + u - p,\; s j + v - p}$$
//
// $b$ is the filter's **bias**, one number. In Go that is four loops (without the bias):

func convolve(picture, filter [][]float64, stride, padding int) [][]float64 {
	k := len(filter)
	size := (len(picture)+2*padding-k)/stride + 1 // section 2 says why
	output := make([][]float64, size)
	for i := range size {
		output[i] = make([]float64, size)
		for j := range size {
			for u := range k {
				for v := range k {
					y, x := stride*i+u-padding, stride*j+v-padding
					if y >= 0 && y < len(picture) && x >= 0 && x < len(picture) { // zeros outside
						output[i][j] += filter[u][v] * picture[y][x]
					}
				}
			}
		}
	}
	return output
}

// The picture is a real one: a solar cell, photographed in the infrared (lesson 1), made 32×32 pixels small, in grey, from 0 (black) to 1 (white). The two
// filters are made by hand. Each subtracts what is on one side from what is on the other, so it gives 0 where the picture is even, and something
// large where there is an edge: `lying` where the brightness changes from top to bottom, `standing` where it changes from left to right. (They are
// Sobel's, of 1968.)

var (
	ctx  = context.Background()
	cell = datasets.Open("elpv").Rows(0)

	lying    = [][]float64{{-1, -2, -1}, {0, 0, 0}, {1, 2, 1}}
	standing = [][]float64{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}
)

// pixels reads the picture: 1,024 numbers, cut into 32 rows.
func pixels() [][]float64 {
	values := tl.Must(tl.Must(tl.RawPixels().Represent(ctx, cell)).Values(ctx)).Row(0)
	picture := make([][]float64, 32)
	for i, value := range values {
		picture[i/32] = append(picture[i/32], float64(value))
	}
	return picture
}

// First the numbers: five by five of them, out of the middle.

// part is rows 14 to 18 of the picture, and of each the columns 14 to 18.
func part() (rows [][]float64) {
	for _, row := range pixels()[14:19] {
		rows = append(rows, row[14:19])
	}
	return rows
}

func Example_fiveByFive() {
	for _, row := range part() {
		fmt.Printf("%.2f\n", row)
	}
}

// What does the filter `lying` make of them? **Predict** the number in the middle of its output: multiply the three numbers above the middle by −1, −2, −1, the three below
// it by 1, 2, 1, and add.
func Example_oneNumber() {
	for _, row := range convolve(part(), lying, 1, 0) {
		fmt.Printf("%.2f\n", row)
	}
}

// Is the middle your number, but for the rounding? Five rows went in and three came out: a filter of three rows fits into five at three heights.
func Example_exerciseNumber() {
	check.Answer("02/number", nil)
}

// Now the whole picture, through both filters. Each output is a picture again, a **feature map**.
//
// **Predict**: the dark bands that cross the cell are metal strips. Which of the two filters sees them, and what does the other one see?

// feature puts pictures of one size side by side, as the channels of one tensor.
func feature(pictures ...[][]float64) tl.Activations {
	side := len(pictures[0])
	maps := tl.Tensor{Shape: []int{1, side, side, len(pictures)}}
	for y := range side {
		for x := range side {
			for _, picture := range pictures {
				maps.Data = append(maps.Data, float32(picture[y][x]))
			}
		}
	}
	return tl.Activations{Base: "our own filters", Block: "a convolution", Maps: maps}
}

func Example_twoFilters() {
	picture := pixels()
	edges1, edges2 := convolve(picture, lying, 1, 1), convolve(picture, standing, 1, 1)
	figure := plots.FeatureMaps(feature(picture, edges1, edges2))
	figure.Channels = []int{0, 1, 2}
	figure.Title = "a solar cell (0), through the filter for lying (1) and standing edges (2)"
	plots.Show(figure)
}

// **Read the figure**: each map is scaled to its own range, dark for its lowest value and light for its highest, so that "no edge" is a middle tone. The strips lie, and map 1 has each of them as a dark line above a
// light one; map 2 has nothing of them, and sees what stands. A lying edge from dark to bright
// is light in map 1, one from bright to dark is dark. Look also at the frame around maps 1 and 2: outside of the picture stand zeros, and the filter takes the border between
// picture and zeros for an edge. Padding costs something.
//
// Nobody writes filters by hand any more: the weights are **parameters**, which training finds. How many there are is a matter of arithmetic.
//
// ## 2 · The shape of what comes out
//
// How often does a filter of side $k$ fit into $n$ rows with $p$ rows of zeros above and as many below, when it moves by $s$ each time? At first it covers rows 1 to
// $k$. Then $n + 2p - k$ rows are left, good for $(n + 2p - k)/s$ more moves, rounded down:
//
// $$\text{output} = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$$
//
// Two choices of padding have names.
//
// | padding | zeros | side of the output | |
// |---|---|---|---|
// | *valid* | none | $\lfloor (n-k)/s \rfloor + 1$ | with stride 1 the picture loses $k - 1$ |
// | *same* | as many as it takes | $\lceil n/s \rceil$ | with stride 1 the picture keeps its size |
// | a number $p$ (PyTorch) | $p$ on each side | the formula above | $p = (k-1)/2$ is *same* for odd $k$ and stride 1 |
//
// **Predict** the outputs for 32 rows: a 3×3 filter with stride 1 and a 5×5 filter with stride 2, each *valid* and *same*.
func Example_outputShapes() {
	for _, c := range []struct {
		padding string
		conv    count.Conv
	}{
		{"valid", count.Conv{Filters: 8, Kernel: 3, Padding: count.Valid}},
		{"same", count.Conv{Filters: 8, Kernel: 3}},
		{"valid", count.Conv{Filters: 16, Kernel: 5, Stride: 2, Padding: count.Valid}},
		{"same", count.Conv{Filters: 16, Kernel: 5, Stride: 2}},
		{"p = 2", count.Conv{Filters: 16, Kernel: 5, Stride: 2,
			Padding: count.Explicit, Border: count.Around(2)}},
	} {
		row := tl.Must(c.conv.Count([]int{32, 32, 3}))
		fmt.Printf("%-6s  padding %-5s  %v → %v\n", row.Kernel, c.padding, row.Input, row.Output)
	}
	valid, same := convolve(pixels(), lying, 1, 0), convolve(pixels(), lying, 1, 1)
	fmt.Println("by the loops above:", len(valid), "and", len(same))
}

// The last number of each shape, 8 or 16, is the number of filters: each writes a map of its own. That the kernel is 3×3 or 5×5 does not show in it. In the fifth row
// two zeros on each side give the same shape as *same*; section 7 comes back to that.
func Example_exerciseSame() {
	check.Answer("02/same", nil)
}

func Example_exerciseValid() {
	check.Answer("02/valid", nil)
}

func Example_exercisePadding() {
	check.Answer("02/padding", nil)
}

func Example_exerciseSide() {
	check.Answer("02/side", nil)
}

// ## 3 · The lecture's network, layer by layer
//
// The lecture's example:
//
//   - input: 32×32×3 images
//   - Conv1: 8 3×3 filters, stride 1, padding = same
//   - Conv2: 16 5×5 filters, stride 2, padding = same
//   - flatten
//   - Dense1: 512 nodes
//   - Dense2: 4 nodes
//
// **Conv1.** A picture in colour has three channels, and a filter looks at all of them: it is a small block of $3 \times 3 \times 3$ weights, the *filter volume*. Each filter has one
// bias. The slide:
//
// $$n_{\text{filters}} \times \text{filter volume} + \text{biases} = \text{total number of parameters}$$
//
// Work it out before you go on. The next exercises have the numbers of the slide, or other ones if a teacher gave you a notebook of your own.
func Example_exerciseConv1() {
	check.Answer("02/conv1", nil)
}

// **Conv2** looks at what Conv1 puts out, and that has 8 channels, not 3. The colours are gone: what comes in are eight feature maps.
func Example_exerciseConv2() {
	check.Answer("02/conv2", nil)
}

func Example_exerciseFormula() {
	check.Answer("02/formula", nil)
}

// **Flatten** has no parameters. It puts all numbers in a row.
func Example_exerciseFlatten() {
	check.Answer("02/flatten", nil)
}

// **Dense1** and **Dense2** are fully connected: each node has a weight for each number that comes in, and a bias.
func Example_exerciseDense1() {
	check.Answer("02/dense1", nil)
}

func Example_exerciseDense2() {
	check.Answer("02/dense2", nil)
}

func Example_exerciseTotal() {
	check.Answer("02/total", nil)
}

// Together they are, on the slide:
//
// $$(8 \times 3 \times 3 \times 3 + 8) + (16 \times 5 \times 5 \times 8 + 16) + (16 \times 16 \times 16 \times 512 + 512) + (512 \times 4 + 4)$$
//
// **Predict**: which share of that stands in the third bracket, Dense1?
func Example_predictShare() {
	check.Predict("02/guess-share", nil)
}

// Let the computer count. `count.Network` takes the shape of the input and the layers, and counts each with the output of the one before.

var lecture = []count.Layer{
	count.Conv{Name: "Conv1", Filters: 8, Kernel: 3}, // padding same and stride 1, where nothing is said
	count.Conv{Name: "Conv2", Filters: 16, Kernel: 5, Stride: 2},
	count.Flatten{},
	count.Dense{Name: "Dense1", Units: 512},
	count.Dense{Name: "Dense2", Units: 4},
}

func Example_countTheLecturesNetwork() {
	table := tl.Must(count.Network([]int{32, 32, 3}, lecture...))
	fmt.Print(table)
	fmt.Println(table.Sum())
	fmt.Printf("the two dense layers: %d\n", table.Rows[3].Params+table.Rows[4].Params)
	// Output:
	// input    32×32×3
	// Conv1    32×32×8   8 × (3×3×3) + 8 = 224
	// Conv2    16×16×16  16 × (5×5×8) + 16 = 3216
	// flatten  4096
	// Dense1   512       512 × 4096 + 512 = 2097664
	// Dense2   4         4 × 512 + 4 = 2052
	// total 2103156
	// 224 + 3216 + 2097664 + 2052 = 2103156
	// the two dense layers: 2099716
}

func Example_shareOfDense1() {
	table := tl.Must(count.Network([]int{32, 32, 3}, lecture...))
	share := 100 * float64(table.Rows[3].Params) / float64(table.Params())
	fmt.Printf("Dense1 holds %.2f %% of the parameters\n", share)
	check.Reveal("02/guess-share", share)
}

// So much for the arithmetic. The engine builds the network and counts the numbers that it really holds. Do they agree? (Its last layer is the head, and what stands before it is the base, in
// blocks; lesson 7 freezes and thaws them.)

var built = tl.Sequence("lecture", []int{32, 32, 3},
	tl.Named("Conv1", tl.Conv(8, 3), tl.ReLU()),
	tl.Named("Conv2", tl.Conv(16, 5).Strided(2), tl.ReLU()),
	tl.Named("Dense1", tl.Flatten(), tl.Dense(512), tl.ReLU())).WithHead("four classes", tl.Dense(4))

func Example_theEngineCounts() {
	summary := tl.Must(built.Unfreeze(ctx))
	fmt.Println(summary)
	plots.Show(plots.Parameters(summary))
}

// **Read the figure**: four bars are drawn, and you see one. The convolutions have few weights because they *share* them: the same 27 numbers are laid on every place of the picture. Dense1 has a weight
// of its own for each place.
//
// The formula on the slide, *input × FC1_nodes + FC2_nodes*, gives another sum than the numbers below it: it leaves out the biases of FC1, and it adds FC2's nodes where it should multiply them. Its number,
// 2,099,716, is right.
//
// Write the count yourself, once. Replace the `0`, run the cell without `%%`, and then the one below with `countConv` in place of `nil`.

func countConv(filters, kernel, channels int, bias bool) int {
	return 0
}

func Example_exerciseFunc() {
	fmt.Println("Conv1 by your func:", countConv(8, 3, 3, true))
	check.Answer("02/func", nil)
}

// ## 4 · Turn the knobs
//
// Here is the same arithmetic for playing. Change kernel, stride, padding, filters, nodes; add a pool; take out flatten. It needs no kernel, and goes on working in an exported page. Find out, each time with a guess first:
//
//   - Which knob of Conv2 changes the parameters of *Dense1*? Which changes only its own?
//   - How do you halve the parameters of the whole network with one change?
//   - Can you make Conv1 count more than Dense1?
func Example_counter() {
	network := count.Architecture{Name: "the lecture's network", Input: []int{32, 32, 3}, Layers: lecture}
	plots.Show(plots.Counter(network, count.VGG16(2)))
}

// **Read the figure**: each layer is a row with its shape, its formula and its number, and the drawing above shows how the picture shrinks while the channels grow. Where scripts do not run, it is a table.
func Example_exerciseStride() {
	check.Answer("02/stride", nil)
}

// ## 5 · Parameters are not work
//
// A **multiply-accumulate** (MAC) is one product, added to a sum. A dense layer does one for each weight. A convolution does one for each weight *at each place* where its filter is laid. So the same layer
// can be small in one count and large in the other.
func Example_exerciseReuse() {
	check.Answer("02/reuse", nil)
}

func Example_exerciseMACs() {
	check.Answer("02/macs", nil)
}

// VGG16 shows it in the large. **Predict** which share of its MACs its three dense layers need.
func Example_predictWork() {
	check.Predict("02/guess-vgg", nil)
}

func Example_vgg16() {
	table := tl.Must(count.VGG16(1000).Count())
	fmt.Println(tl.Must(table.Text(count.View{Depth: 1, Batch: 32, Optimizer: count.Adam})))
	top := table.Rows[len(table.Rows)-1]
	parameters := 100 * float64(top.Params) / float64(table.Params())
	work := 100 * float64(top.MACs) / float64(table.MACs())
	fmt.Printf("the dense layers: %.1f %% of the parameters, %.1f %% of the work\n", parameters, work)
	check.Reveal("02/guess-vgg", work)
}

// Memory and downloads go with the parameters, time goes with the MACs. So networks for telephones save on both, and the next section shows how. In the last lines, *activations* are the numbers
// that the layers put out. For training they must be kept until the way back, and for a batch of 32 they take more than weights, gradients and optimizer together.
func Example_exerciseVGG() {
	check.Answer("02/vgg", nil)
}

func Example_exerciseMemory() {
	check.Answer("02/memory", nil)
}

// ## 6 · Saving parameters
//
// **A mean in place of flatten.** Global average pooling (Lin, Chen & Yan 2013) keeps of each map its mean: 16×16×16 becomes 16, and not 4,096. What *where* in the picture meant is lost (lesson 6 shows what that costs);
// what is gained, you see here. **Predict**: how many parameters are left of the 2,103,156, and what becomes of both numbers when the picture is larger?
func Example_flattenAgainstPooling() {
	pooled := append([]count.Layer{}, lecture...)
	pooled[2] = count.GlobalPool{}
	for _, side := range []int{32, 64, 224} {
		flat := tl.Must(count.Network([]int{side, side, 3}, lecture...)).Params()
		mean := tl.Must(count.Network([]int{side, side, 3}, pooled...)).Params()
		fmt.Printf("%3d×%-3d  flatten: %11s   global average: %s\n",
			side, side, tl.WithCommas(int64(flat)), tl.WithCommas(int64(mean)))
	}
	// Output:
	//  32×32   flatten:   2,103,156   global average: 14,196
	//  64×64   flatten:   8,394,612   global average: 14,196
	// 224×224  flatten: 102,766,452   global average: 14,196
}

func Example_exercisePooled() {
	check.Answer("02/pooled", nil)
}

// **Small kernels.** Two convolutions of 3×3, one on the other, see 5×5 pixels. All convolutions of VGG16 are of this kind.
func Example_exerciseTwo3x3() {
	check.Answer("02/two3x3", nil)
}

// **Depthwise separable convolutions** (Howard et al. 2017) split one convolution into two: first a filter for each channel, which sees that channel only, then filters of 1×1 that mix the channels. **Batch norm**
// (Ioffe & Szegedy 2015) has a scale and an offset for each channel. The offset does a bias's work, so the convolution before it has none. It also keeps two running averages a channel: **buffers**, which are measured, not
// learned, and no parameters. (Keras counts them as *non-trainable parameters*. If your count and Keras's differ by twice the channels, you know why.)
//
// **Predict**: how many times fewer parameters has the split one, and how many times fewer MACs?
func Example_separable() {
	usual := []count.Layer{
		count.Conv{Name: "usual", Filters: 128, Kernel: 3, NoBias: true},
		count.BatchNorm{}}
	cheap := []count.Layer{
		count.Conv{Name: "depthwise", Kernel: 3, Depthwise: true, NoBias: true},
		count.Conv{Name: "1×1", Filters: 128, Kernel: 1, NoBias: true},
		count.BatchNorm{}}
	for _, layers := range [][]count.Layer{usual, cheap} {
		table := tl.Must(count.Network([]int{32, 32, 64}, layers...))
		fmt.Print(table)
		fmt.Printf("%s MACs, %d buffers\n\n", tl.WithCommas(table.MACs()), table.Buffers())
	}
}

func Example_exerciseSeparable() {
	check.Answer("02/separable", nil)
}

func Example_exerciseNorm() {
	check.Answer("02/norm", nil)
}

// ## 7 · Pitfall: the same network, without its padding
//
// You train the lecture's network and save it. A friend writes it down again, from the same slide, in another framework, and loads your file. But *padding = same* was not the default there, and nobody wrote it: one word is missing. Both
// say "8 filters 3×3, 16 filters 5×5, 512 nodes".
//
// **Predict** which share of your friend's network is still random when the file is loaded.
func Example_predictRandom() {
	check.Predict("02/guess-random", nil)
}

var (
	same = tl.Sequence("lecture", []int{32, 32, 3},
		tl.Named("Conv1", tl.Conv(8, 3), tl.ReLU()),
		tl.Named("Conv2", tl.Conv(16, 5).Strided(2), tl.ReLU()),
		tl.Named("Dense1", tl.Flatten(), tl.Dense(512), tl.ReLU()))
	friends = tl.Sequence("lecture", []int{32, 32, 3},
		tl.Named("Conv1", tl.Conv(8, 3).Unpadded(), tl.ReLU()),
		tl.Named("Conv2", tl.Conv(16, 5).Strided(2).Unpadded(), tl.ReLU()),
		tl.Named("Dense1", tl.Flatten(), tl.Dense(512), tl.ReLU()))

	rest, test = datasets.Open("elpv").EveryNth(4)
	train      = rest.PerClass(200, 0)
	trained    = same.WithHead("trained", tl.Dense(2))
)

// save trains the network on 400 solar cells, where that is not done yet, and saves it in a folder.
func save(folder string) (file string) {
	if len(tl.Must(trained.Histories(ctx))) == 0 {
		tl.Must(trained.Unfreeze(ctx))
		phase := tl.Phase{Epochs: 15, LearningRate: 1e-3, KeepLast: true}
		tl.Must(trained.Fit(tl.WithReport(ctx, nil), train, datasets.Dataset{}, phase))
	}
	tl.Must(trained.Save(ctx, filepath.Join(folder, "trained")))
	return filepath.Join(folder, "trained", "weights.safetensors")
}

func Example_theDamage() {
	folder := tl.Must(os.MkdirTemp("", "lesson-2-"))
	defer os.RemoveAll(folder) // when the cell ends
	file := save(folder)
	report := tl.Must(friends.WithWeights(file).LoadReport(ctx))
	fmt.Println(report)
	total, random := 0, 0
	for _, block := range tl.Must(friends.Summary(ctx)).Blocks {
		total += block.Params
	}
	random = total - report.Parameters
	fmt.Printf("%d of %d parameters are still random\n", random, total)
	check.Reveal("02/guess-random", 100*float64(random)/float64(total))
}

// Two convolutions fitted and were loaded. The kernel of Dense1 did not: it has the shape [4096, 512] in the file and [2704, 512] in your friend's network, since without padding the picture behind Conv2 is smaller. The engine says so and leaves
// the tensor as it is, random. Who does not read the report goes on with a network whose largest part is noise.
//
// What does that cost? Your friend has ten pictures of each class and trains a new head on the loaded network, three times with other pictures; so do you, on yours.
// **Predict** the two balanced accuracies.
func Example_whatItCosts() {
	folder := tl.Must(os.MkdirTemp("", "lesson-2-"))
	defer os.RemoveAll(folder) // when the cell ends
	file := save(folder)
	phase := tl.Phase{Name: "head", Epochs: 60, LearningRate: 1e-3, KeepLast: true}
	for _, c := range []struct {
		name string
		base tl.Base
	}{{"padding same", same.WithWeights(file)}, {"padding forgotten", friends.WithWeights(file)}} {
		fmt.Printf("%-18s balanced accuracy on the test cells:", c.name)
		for seed := range int64(3) {
			model := c.base.WithHead(c.name, tl.Dense(2)).Seeded(seed)
			few := rest.PerClass(10, 10+seed)
			tl.Must(model.Fit(tl.WithReport(ctx, nil), few, datasets.Dataset{}, phase))
			fmt.Printf(" %.3f", tl.Must(model.Evaluate(ctx, test)).BalancedAccuracy())
		}
		fmt.Println()
	}
}

// A coin gets 0.5. Nothing failed, no cell is red, and much of what the file was for is gone. The **remedy** costs a minute: print the table of both networks, side by side, before anything is loaded, and compare *shapes*, not only kernels and filters.
// The next cell does: your shape and your friend's, then your parameters and your friend's.
func Example_theRemedy() {
	forgotten := append([]count.Layer{}, lecture...)
	forgotten[0] = count.Conv{Name: "Conv1", Filters: 8, Kernel: 3, Padding: count.Valid}
	forgotten[1] = count.Conv{Name: "Conv2", Filters: 16, Kernel: 5, Stride: 2, Padding: count.Valid}
	yours := tl.Must(count.Network([]int{32, 32, 3}, lecture...))
	theirs := tl.Must(count.Network([]int{32, 32, 3}, forgotten...))
	for i, row := range yours.Rows {
		other := theirs.Rows[i]
		fmt.Printf("%-8s %-11s %-11s %9d %9d\n", row.Name,
			fmt.Sprint(row.Output), fmt.Sprint(other.Output), row.Params, other.Params)
	}
	// Output:
	// Conv1    [32 32 8]   [30 30 8]         224       224
	// Conv2    [16 16 16]  [13 13 16]       3216      3216
	// flatten  [4096]      [2704]              0         0
	// Dense1   [512]       [512]         2097664   1384960
	// Dense2   [4]         [4]              2052      2052
}

// The parameters of the convolutions agree to the last one; only the shapes, and the first dense layer, tell. Beware: there is also a kind that no count finds. With $p = 2$ in place of *same*, Conv2 has the same shapes and the same
// parameters, and with stride 2 its filters lie one pixel further to the left and up. The file loads without a word.
func Example_exerciseUnpadded() {
	check.Answer("02/unpadded", nil)
}

// ## Errata of these slides
//
//   - *input x FC1_nodes + FC2_nodes*: the biases of FC1 and the product with FC2 are missing. The number below it, 2,099,716, is right (section 3).
//   - VGG16 with 134,268,737 parameters: the last layer of two classes has 2 × 4,096 weights and **two** biases, 134,268,738 in all (lesson 1).
//
// ## What you did, in the lecture's words
//
// | the lecture | here |
// |---|---|
// | filter, stride, padding | four loops over a real picture, and the formula for the side (sections 1, 2) |
// | n_filters × filter_volume + biases | Conv1 and Conv2 (section 3) |
// | flatten, fully connected | Dense1 and Dense2, 2,099,716 together as the slide says (section 3) |
// | how many parameters does this network have? | counted by hand, by `count`, by the engine, and in the counter (sections 3, 4) |
//
// **What the lecture has and this lesson has not**: nothing of these slides is left out. What a filter *learns* to look for comes in lesson 3.
func Example_progress() {
	check.Progress("02")
}

// **Try it.** Write down your guess first.
//
//  1. *A filter of your own*: in section 1, a 3×3 filter of ones divided by 9. What does it do to the picture, and to its borders?
//  2. *Stride 2 in section 1*: `convolve(picture, lying, 2, 1)`. How large is the map?
//  3. *The other kind of damage*: give `friends` `.Padded(1)` and `.Padded(2)` in place of `.Unpadded()`. What does the report say, and what the accuracy?
//
// ## Further reading
//
//   - V. Dumoulin, F. Visin: *A guide to convolution arithmetic for deep learning.* 2016, arXiv:1603.07285. Padding and stride, with a drawing of each case.
//   - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: *Gradient-based learning applied to document recognition.* Proceedings of the IEEE 86 (1998). Convolutions that share their weights.
//   - K. Simonyan, A. Zisserman: *Very deep convolutional networks for large-scale image recognition.* ICLR 2015, arXiv:1409.1556. Section 2.3: why 3×3.
//   - M. Lin, Q. Chen, S. Yan: *Network in network.* ICLR 2014, arXiv:1312.4400. Global average pooling.
//   - A. G. Howard et al.: *MobileNets: efficient convolutional neural networks for mobile vision applications.* 2017, arXiv:1704.04861. Depthwise separable convolutions.
//   - S. Ioffe, C. Szegedy: *Batch normalization: accelerating deep network training by reducing internal covariate shift.* ICML 2015, arXiv:1502.03167.
//   - D. P. Kingma, J. Ba: *Adam: a method for stochastic optimization.* ICLR 2015, arXiv:1412.6980. The two numbers for each parameter.
