package check

import (
	"fmt"
	"math/rand/v2"
)

func flattened(d *Draw) Question {
	side, filters, k := d.Int(32, 28, 48), d.Int(16, 12, 24, 32), 5
	half, bare := side/2, (side-k)/2+1
	return Numeric{
		Ask: fmt.Sprintf("A convolution with %d filters of %d×%d, stride 2 and padding same gets a picture of %d×%d with 8 channels. How many numbers stand behind flatten?",
			filters, k, k, side, side),
		Want: float64(half * half * filters), Unit: "numbers",
		Hint: "Which shape does the convolution put out? Flatten only puts it in a row.",
		Why:  fmt.Sprintf("%d × %d × %d = %d.", half, half, filters, half*half*filters),
		Mistakes: []Mistake{
			{half * half, "forgot the channels", "Each filter puts out a picture of its own.", 0.5},
			{side * side * filters, "forgot the stride", "The filter moves by two pixels, down and across.", 0.5},
			{bare * bare * filters, "counted with no padding", "Same gives ⌈n/s⌉.", 0.5},
		},
	}
}

func denseParameters(d *Draw) Question {
	side, filters, units := d.Int(16, 14, 12), d.Int(16, 24, 32), d.Int(512, 256, 128, 1024)
	in := side * side * filters
	return Numeric{
		Ask:  fmt.Sprintf("%d×%d×%d numbers are flattened and go into a fully connected layer of %d nodes. How many parameters has the layer?", side, side, filters, units),
		Want: float64(in*units + units), Unit: "parameters",
		Hint: "Each node has a weight for each number that goes in, and one bias.",
		Why:  fmt.Sprintf("%d × %d + %d = %d.", in, units, units, in*units+units),
		Mistakes: []Mistake{
			{in * units, "forgot the biases", "Each node adds one more number to its sum.", 0.5},
			{side*side*units + units, "forgot the depth", "Each of the channels is flattened, too.", 0.25},
			{in*units + in, "gave a bias for each input", "A bias belongs to a node.", 0.5},
		},
	}
}

func lastDense(d *Draw) Question {
	units, classes := d.Int(512, 256, 128), d.Int(4, 3, 5, 7)
	return Numeric{
		Ask:  fmt.Sprintf("4,096 numbers go into a fully connected layer of %d nodes, and its output into another one of %d nodes. How many parameters has the second layer?", units, classes),
		Want: float64(units*classes + classes), Unit: "parameters",
		Hint: "What goes into the second layer?",
		Why:  fmt.Sprintf("%d × %d + %d = %d.", units, classes, classes, units*classes+classes),
		Mistakes: []Mistake{
			{units * classes, "forgot the biases", "Each node has one.", 0.5},
			{4096*classes + classes, "sent the flattened picture into the second layer", "The first layer stands between them.", 0.25},
			{units*classes + units, "gave a bias for each input", "A bias belongs to what comes out.", 0.5},
		},
	}
}

// wholeNetwork asks for the sum over the lecture's network or one like it.
func wholeNetwork(d *Draw) Question {
	f1, f2, units, classes := d.Int(8, 6, 10), d.Int(16, 20, 24), d.Int(512, 256, 128), d.Int(4, 3, 5)
	const side = 32
	conv1, conv2 := f1*27+f1, f2*25*f1+f2
	in := side / 2 * side / 2 * f2
	dense1, dense2 := in*units+units, units*classes+classes
	total := conv1 + conv2 + dense1 + dense2
	return Numeric{
		Ask: fmt.Sprintf("Input 32×32×3; Conv1: %d 3×3 filters, stride 1, padding same; Conv2: %d 5×5 filters, stride 2, padding same; flatten; Dense1: %d nodes; Dense2: %d nodes. "+
			"How many parameters does the network have?", f1, f2, units, classes),
		Want: float64(total), Unit: "parameters",
		Hint: "Four layers have parameters. Write down the shape between each two of them first.",
		Why:  fmt.Sprintf("%d + %d + %d + %d = %d.", conv1, conv2, dense1, dense2, total),
		Mistakes: []Mistake{
			{total - f1 - f2 - units - classes, "forgot the biases", "Filters and nodes have one each.", 0.5},
			{total - dense2, "left out the last layer", "Dense2 has weights as well.", 0.5},
			{conv1 + conv2 + 4*in*units + units + dense2, "forgot the stride", "What is the side of Conv2's output?", 0.5},
			{conv1 + conv2 + in*units + classes, "did as the slide says, input × FC1 + FC2",
				"Between the two layers there is a weight for each pair of nodes, and FC1 has biases, too.", 0.25},
		},
	}
}

func countFunc(*Draw) Question {
	count := func(filters, kernel, channels int, bias bool) int {
		n := filters * kernel * kernel * channels
		if bias {
			n += filters
		}
		return n
	}
	return Code{
		Ask:   "Write a func that counts the parameters of a convolution from the number of filters, the side of the kernel, the channels of the input, and whether there is a bias.",
		Right: count,
		Cases: [][]any{{8, 3, 3, true}, {16, 5, 8, true}, {64, 1, 32, false}},
		Random: func(r *rand.Rand) []any {
			return []any{1 + r.IntN(64), 1 + r.IntN(7), 1 + r.IntN(64), r.IntN(2) == 0}
		},
		Hint: "Begin with the weights; add the biases in an if. Call it with 8, 3, 3, true: that is Conv1.",
		Why:  "filters × (kernel × kernel × channels), and as many biases as filters where there are any.",
		Mistakes: []Mistake{
			{func(filters, kernel, channels int, bias bool) int { return count(filters, kernel, channels, true) }, "always add the biases", "What does the last argument say?", 0.5},
			{func(filters, kernel, channels int, bias bool) int { return count(filters, kernel, channels, false) }, "never add the biases", "What does the last argument say?", 0.5},
		},
	}
}

func guessShare(*Draw) Question {
	return Prediction{Ask: "Which share of the lecture's network do you find in Dense1?", Low: 0, High: 100, Close: 3, Unit: "%",
		Hint: "Four layers have parameters: a quarter each would be 25."}
}

func reused(d *Draw) Question {
	side, filters := d.Int(32, 28, 48, 64), d.Int(8, 12, 6)
	return Numeric{
		Ask: fmt.Sprintf("A convolution has %d filters of 3×3, stride 1 and padding same, over a picture of %d×%d×3. In how many products does one single weight of it take part, "+
			"for one picture? (Products with the padding's zeros count.)", filters, side, side),
		Want: float64(side * side),
		Hint: "How often is a filter laid on the picture?",
		Why:  fmt.Sprintf("Once at each of the %d × %d places: %d. A weight of a dense layer takes part in one.", side, side, side*side),
		Mistakes: []Mistake{
			{side * side * filters, "counted the other filters, too", "Each filter has weights of its own.", 0.5},
			{27, "counted the weights of a filter", "Follow one weight while its filter slides.", 0},
			{(side - 2) * (side - 2), "left out the border", "With padding same the filter is also laid on the border.", 0.5},
		},
	}
}

func convWork(d *Draw) Question {
	side, filters, channels := d.Int(28, 48, 64), d.Int(16, 12, 24), d.Int(8, 6) // 32 stands in the summary above it
	half, each := side/2, 25*channels
	return Numeric{
		Ask: fmt.Sprintf("A convolution with %d filters of 5×5, stride 2 and padding same gets a picture of %d×%d×%d. How many multiply-accumulates does it need for one picture?",
			filters, side, side, channels),
		Want: float64(half * half * filters * each), Unit: "multiply-accumulates",
		Hint: "Each number of the output takes as many as the filter has weights. How many numbers does it put out?",
		Why:  fmt.Sprintf("%d × %d × %d numbers of %d products each: %d.", half, half, filters, each, half*half*filters*each),
		Mistakes: []Mistake{
			{side * side * filters * each, "took the size of the input for that of the output", "A filter writes a number at every second place only.", 0.5},
			{half * half * filters * 25, "forgot the depth", "A filter is as deep as its input.", 0.25},
			{filters * each, "counted one place only", "These are the weights. At how many places are they used?", 0.25},
		},
	}
}

func guessWork(*Draw) Question {
	return Prediction{Ask: "VGG16's three dense layers hold 89 % of its parameters. Which share of its multiply-accumulates do they need?", Low: 0, High: 100, Close: 3, Unit: "%"}
}

// vggShare asks for the share of the dense layers in VGG16's parameters.
func vggShare(d *Draw) Question {
	classes := d.Int(2, 10, 20, 100) // the slide's; of 1,000 the lesson prints it
	const convolutions, fc1, fc2 = 14_714_688, 25_088*4096 + 4096, 4096*4096 + 4096
	dense := float64(fc1 + fc2 + 4097*classes)
	total := dense + convolutions
	return Numeric{
		Ask: fmt.Sprintf("VGG16's thirteen convolutions have 14,714,688 parameters. Its dense layers go 25,088 → 4,096 → 4,096 → %d. Which share of all its parameters do "+
			"the dense layers have, in per cent? One digit behind the point.", classes),
		Want: 100 * dense / total, Tolerance: 0.06, Unit: "%",
		Hint: "Three times inputs × nodes + nodes, then divide by the sum of everything.",
		Why:  fmt.Sprintf("%.0f of %.0f parameters: %.1f %%.", dense, total, 100*dense/total),
		Mistakes: []Mistake{
			{100 * convolutions / total, "gave the share of the convolutions", "What is left over is the answer.", 0.5},
			{100 * fc1 / total, "counted the first dense layer only", "There are three of them.", 0.5},
			{dense / total, "gave a part of 1, not per cent", "Read again in which unit the answer is wanted.", 0.5},
		},
	}
}

func strideOne(d *Draw) Question {
	filters := d.Int(16, 24)
	return Choice{
		Ask: fmt.Sprintf("In the lecture's network, now with %d filters in Conv2, somebody gives Conv2 stride 1 in place of 2. What becomes of the parameters?", filters),
		Options: []Option{
			{Text: "Conv2 has four times as many", Name: "changed the layer's own parameters", Why: "Does a filter get other weights when it moves in smaller steps?"},
			{Text: "Dense1 has about twice as many", Name: "took the picture to grow twice", Why: "It grows in height and in width.", Credit: 0.5},
			{Text: "Dense1 has about four times as many, and nothing else changes", Right: true},
			{Text: "All layers behind Conv2 have four times as many", Name: "took all layers to grow", Why: "What goes into Dense2?", Credit: 0.25},
		},
		Hint: "The stride is in no formula for parameters. It is in the formula for the side of the output; who reads that?",
		Why:  "The filters stay as they are; the picture behind them has twice the height and twice the width, and Dense1 has a weight for each number of it.",
	}
}

func guessRandom(*Draw) Question {
	return Prediction{Ask: "Which share of the network's parameters will still be random after the file was loaded?", Low: 0, High: 100, Close: 3, Unit: "%",
		Hint: "Both networks are \"the lecture's network\". The engine loads each tensor that fits, and only warns about the others."}
}

func unpaddedDense(d *Draw) Question {
	side, filters, units := d.Int(28, 36, 48), d.Int(16, 12), d.Int(512, 256) // 32 stands in the table above it
	last := (side-2-5)/2 + 1
	first, second := (side-2+1)/2, (side-5)/2+1 // valid in one of the convolutions, same in the other
	params := func(s int) int { return s*s*filters*units + units }
	return Numeric{
		Ask: fmt.Sprintf("Input %d×%d×3; Conv1: 8 3×3 filters, stride 1; Conv2: %d 5×5 filters, stride 2; flatten; Dense1: %d nodes. Now both convolutions have padding valid. "+
			"How many parameters has Dense1?", side, side, filters, units),
		Want: float64(params(last)), Unit: "parameters",
		Hint: "First the side behind Conv1, then the side behind Conv2.",
		Why:  fmt.Sprintf("%d → %d → %d; %d × %d × %d × %d + %d = %d.", side, side-2, last, last, last, filters, units, units, params(last)),
		Mistakes: []Mistake{
			{params(side / 2), "counted with padding same", "Valid adds nothing around the picture.", 0.25},
			{params(first), "left out the padding of one of the two only", "Both convolutions make the picture smaller.", 0.5},
			{params(second), "left out the padding of one of the two only", "Both convolutions make the picture smaller.", 0.5},
			{params(last) - units, "forgot the biases", "Each node has one.", 0.5},
		},
	}
}

func pooledDense(d *Draw) Question {
	channels, units := d.Int(16, 24, 32), d.Int(512, 256, 128)
	return Numeric{
		Ask: fmt.Sprintf("16×16×%d numbers go through a global average pool, which keeps the mean of each channel, and then into a fully connected layer of %d nodes. "+
			"How many parameters has that layer?", channels, units),
		Want: float64(channels*units + units), Unit: "parameters",
		Hint: "How many numbers does the pool put out?",
		Why:  fmt.Sprintf("%d × %d + %d = %d, whatever the size of the picture.", channels, units, units, channels*units+units),
		Mistakes: []Mistake{
			{channels * units, "forgot the biases", "Each node has one.", 0.5},
			{256*channels*units + units, "flattened, and did not pool", "Of each channel one number is left.", 0.25},
			{256*units + units, "took the mean over the channels", "The mean is over space; each channel keeps one.", 0.25},
		},
	}
}

func twoSmall(d *Draw) Question {
	c := d.Int(64, 32, 48, 128)
	return Numeric{
		Ask: fmt.Sprintf("VGG16 stacks two convolutions of 3×3 where others had one of 5×5: both see 5×5 pixels. %d channels go in, %d filters stand in each layer, with biases. "+
			"How many parameters have the two together?", c, c),
		Want: float64(2 * (9*c*c + c)), Unit: "parameters",
		Hint: "Count one layer, and double it.",
		Why:  fmt.Sprintf("2 × (%d × (3×3×%d) + %d) = %d. One of 5×5 would have %d.", c, c, c, 2*(9*c*c+c), 25*c*c+c),
		Mistakes: []Mistake{
			{18 * c * c, "forgot the biases", "Each filter has one.", 0.5},
			{9*c*c + c, "counted one layer", "There are two.", 0.5},
			{25*c*c + c, "counted the 5×5", "The two small ones are asked for.", 0.25},
			{2 * (9*c + c), "forgot the depth", "A filter looks at all channels of its input.", 0.25},
		},
	}
}

func separable(d *Draw) Question {
	in, out, k := d.Int(32, 48, 96), d.Int(128, 96), d.Int(3, 5)
	depthwise, pointwise := k*k*in, in*out
	return Numeric{
		Ask: fmt.Sprintf("A depthwise separable convolution takes %d channels: first one %d×%d filter for each channel, which sees that channel only, then %d filters of 1×1 over all channels. "+
			"No biases. How many parameters have both together?", in, k, k, out),
		Want: float64(depthwise + pointwise), Unit: "parameters",
		Hint: "A depthwise filter is one channel deep. A filter of 1×1 is as deep as its input.",
		Why:  fmt.Sprintf("%d × (%d×%d×1) + %d × (1×1×%d) = %d; a usual convolution would have %d.", in, k, k, out, in, depthwise+pointwise, k*k*in*out),
		Mistakes: []Mistake{
			{k * k * in * out, "counted a usual convolution", "It is split into two cheap ones.", 0.25},
			{depthwise, "forgot the filters of 1×1", "There is a second step.", 0.5},
			{pointwise, "forgot the depthwise part", "There is a first step.", 0.5},
			{k*k*in*in + pointwise, "gave the depthwise filters full depth", "Each of them sees one channel.", 0.5},
		},
	}
}

func normParameters(d *Draw) Question {
	c := d.Int(64, 32, 96, 128, 320)
	return Numeric{
		Ask:  fmt.Sprintf("A batch norm stands behind a convolution with %d filters. How many parameters has it?", c),
		Want: float64(2 * c), Unit: "parameters",
		Hint: "For each channel: a scale, an offset, and the running averages of mean and variance. Which of these does the optimizer move?",
		Why:  fmt.Sprintf("A scale and an offset for each channel: 2 × %d = %d. The averages are buffers.", c, 2*c),
		Mistakes: []Mistake{
			{4 * c, "counted the averages", "No optimizer moves a running average.", 0.5},
			{c, "forgot the scale or the offset", "Each channel has both.", 0.5},
			{2, "took all channels to share a scale and an offset", "Each channel has its own.", 0.25},
		},
	}
}

func trainingMemory(d *Draw) Question {
	n := d.Int(2_103_156, 4_652_008, 11_689_512, 25_557_032)
	mb := float64(n) * 4 / 1e6
	return Numeric{
		Ask: fmt.Sprintf("A network has %d parameters, each a float32 of 4 bytes. Adam keeps two more numbers for each, and there is a gradient for each. How many MB (10⁶ bytes) are that "+
			"in all, activations left out?", n),
		Want: 4 * mb, Tolerance: 0.006 * mb, Unit: "MB",
		Hint: "How many numbers are there for each parameter, with the parameter itself?",
		Why:  fmt.Sprintf("%d × (1 + 1 + 2) × 4 bytes = %.2f MB.", n, 4*mb),
		Mistakes: []Mistake{
			{mb, "counted the weights alone", "Training needs more than the weights.", 0.25},
			{3 * mb, "forgot the gradients", "Before a weight moves, its gradient is computed and stands somewhere.", 0.5},
			{2 * mb, "forgot the optimizer", "Adam keeps two numbers for each parameter.", 0.5},
		},
	}
}
