package check

import "fmt"

// lesson02 holds the exercises of lesson 2. The questions on one layer stand in this file, those on whole networks in lesson02_network.go.
var lesson02 = []Exercise{
	{ID: "02/number", Title: "one number of a convolution", Make: oneNumber,
		Right: []any{22, "22"}, Wrong: []Sample{{17, "weights of 1"}, {-22, "upside down"}, {4, "other filter"}}, Nonsense: []any{1000, "large"}},
	{ID: "02/same", Title: "side with padding same", Make: sameSide,
		Right: []any{14}, Wrong: []Sample{{12, "no padding"}, {28, "stride"}}, Nonsense: []any{-16, "half"}},
	{ID: "02/valid", Title: "side with padding valid", Make: validSide,
		Right: []any{12}, Wrong: []Sample{{11, "first place"}, {24, "stride"}, {14, "same"}}, Nonsense: []any{0, "less"}},
	{ID: "02/padding", Title: "zeros on each side", Make: zerosOnEachSide,
		Right: []any{2}, Wrong: []Sample{{4, "both sides"}, {5, "kernel"}}, Nonsense: []any{-2, "some"}},
	{ID: "02/side", Title: "side of an output, as a formula", Points: 2, Make: sideFormula,
		Right:    []any{"floor((n+2*p-k)/s)+1", "floor((n - k + 2*p + s)/s)"},
		Wrong:    []Sample{{"(n+2*p-k)/s+1", "round"}, {"floor((n+p-k)/s)+1", "one side"}, {"floor((n+2*p-k)/s)", "first place"}, {"n+2*p-k+1", "stride"}},
		Nonsense: []any{"n +", "half of it", 7}},
	{ID: "02/conv1", Title: "parameters of Conv1", Make: func(d *Draw) Question { return convParameters(d, 8, 3, 3) },
		Right: []any{224, "224"}, Wrong: []Sample{{216, "biases"}, {80, "depth"}, {219, "bias for each channel"}}, Nonsense: []any{-1, "few", 1e12}},
	{ID: "02/conv2", Title: "parameters of Conv2", Make: func(d *Draw) Question { return convParameters(d, 16, 5, 8) },
		Right: []any{3216, "3,216"}, Wrong: []Sample{{3200, "biases"}, {416, "depth"}, {3208, "bias for each channel"}}, Nonsense: []any{0, "many"}},
	{ID: "02/formula", Title: "parameters of a convolution, as a formula", Points: 2, Make: convFormula,
		Right:    []any{"n*(k*k*c)+n", "n*(k^2*c+1)"},
		Wrong:    []Sample{{"n*k*k*c", "biases"}, {"n*k*k+n", "depth"}, {"n*k*c+n", "line"}, {"n*k*k*c+c", "channel"}},
		Nonsense: []any{"n*(", "filters", 3}},
	{ID: "02/flatten", Title: "numbers behind flatten", Make: flattened,
		Right: []any{4096}, Wrong: []Sample{{256, "channels"}, {16_384, "stride"}, {3136, "no padding"}}, Nonsense: []any{-1, "all"}},
	{ID: "02/dense1", Title: "parameters of Dense1", Make: denseParameters,
		Right: []any{2_097_664, "2,097,664"}, Wrong: []Sample{{2_097_152, "biases"}, {131_584, "depth"}, {2_101_248, "bias for each input"}}, Nonsense: []any{12, "x"}},
	{ID: "02/dense2", Title: "parameters of Dense2", Make: lastDense,
		Right: []any{2052}, Wrong: []Sample{{2048, "biases"}, {16_388, "flattened"}, {2560, "bias for each input"}}, Nonsense: []any{4e9, "y"}},
	{ID: "02/total", Title: "parameters of the whole network", Points: 2, Make: wholeNetwork,
		Right:    []any{2_103_156, "2,103,156"},
		Wrong:    []Sample{{2_102_616, "biases"}, {2_101_104, "last"}, {8_394_612, "stride"}, {2_100_596, "slide"}},
		Nonsense: []any{540, "two million"}},
	{ID: "02/func", Title: "count a convolution, as code", Points: 3, Make: countFunc,
		Right: []any{func(filters, kernel, channels int, bias bool) int {
			weights := kernel * kernel * channels
			if bias {
				weights++
			}
			return filters * weights
		}},
		Wrong: []Sample{
			{func(filters, kernel, channels int, bias bool) int { return filters*kernel*kernel*channels + filters }, "always"},
			{func(filters, kernel, channels int, bias bool) int { return filters * kernel * kernel * channels }, "never"},
		},
		Nonsense: []any{func(filters, kernel, channels int, bias bool) int { return 0 }, 224}},
	{ID: "02/guess-share", Title: "predict: the share of Dense1", Make: guessShare, Right: []any{50, 0}, Nonsense: []any{120, "most"}},
	{ID: "02/reuse", Title: "how often a weight is used", Make: reused,
		Right: []any{1024}, Wrong: []Sample{{8192, "filters"}, {27, "weights"}, {900, "border"}}, Nonsense: []any{-1, "often"}},
	{ID: "02/macs", Title: "multiply-accumulates of Conv2", Make: convWork,
		Right: []any{627_200, "627,200"}, Wrong: []Sample{{2_508_800, "input"}, {78_400, "depth"}, {3200, "one place"}}, Nonsense: []any{0, "m"}},
	{ID: "02/guess-vgg", Title: "predict: work of VGG16's dense layers", Make: guessWork, Right: []any{10}, Nonsense: []any{-1, "half"}},
	{ID: "02/vgg", Title: "where VGG16's parameters sit", Make: vggShare,
		Right: []any{89.0, "89.04"}, Wrong: []Sample{{11.0, "convolutions"}, {76.5, "first"}, {0.890, "per cent"}}, Nonsense: []any{3, "most"}},
	{ID: "02/stride", Title: "what the stride changes", Make: strideOne,
		Right: []any{"c"}, Wrong: []Sample{{"a", "own parameters"}, {"b", "twice"}, {"d", "all layers"}}, Nonsense: []any{"q", 1}},
	{ID: "02/guess-random", Title: "predict: weights that do not fit", Make: guessRandom, Right: []any{5}, Nonsense: []any{-5, "none"}},
	{ID: "02/unpadded", Title: "Dense1 without padding", Points: 2, Make: unpaddedDense,
		Right: []any{991_744, "991,744"}, Wrong: []Sample{{1_606_144, "same"}, {1_180_160, "one of the two"}, {1_384_960, "one of the two"}, {991_232, "biases"}}, Nonsense: []any{13, "fewer"}},
	{ID: "02/pooled", Title: "a mean in place of flatten", Make: pooledDense,
		Right: []any{8704}, Wrong: []Sample{{8192, "biases"}, {2_097_664, "flattened"}, {131_584, "channels"}}, Nonsense: []any{1, "n"}},
	{ID: "02/two3x3", Title: "two small kernels for one large", Make: twoSmall,
		Right: []any{73_856}, Wrong: []Sample{{73_728, "biases"}, {36_928, "one layer"}, {102_464, "5×5"}, {1280, "depth"}}, Nonsense: []any{-1, "less"}},
	{ID: "02/separable", Title: "a depthwise separable convolution", Points: 2, Make: separable,
		Right:    []any{4384},
		Wrong:    []Sample{{36_864, "usual"}, {288, "1×1"}, {13_312, "full depth"}, {4096, "depthwise part"}},
		Nonsense: []any{0, "eight"}},
	{ID: "02/norm", Title: "parameters of batch norm", Make: normParameters,
		Right: []any{128}, Wrong: []Sample{{256, "averages"}, {64, "offset"}, {2, "all channels"}}, Nonsense: []any{1e6, "two"}},
	{ID: "02/memory", Title: "memory for training with Adam", Points: 2, Make: trainingMemory,
		Right: []any{33.65, 33.7}, Wrong: []Sample{{8.41, "weights alone"}, {25.24, "gradients"}, {16.83, "optimizer"}}, Nonsense: []any{900, "MB"}},
}

// oneNumber asks for one sum of products.
func oneNumber(d *Draw) Question {
	a, e, z := d.Int(2, 1, 4), d.Int(5, 4), d.Int(9, 6, 8)
	p := [3][3]int{{a, 3, 2}, {5, e, 6}, {7, 8, z}}
	lying := -p[0][0] - 2*p[0][1] - p[0][2] + p[2][0] + 2*p[2][1] + p[2][2]
	standing := -p[0][0] - 2*p[1][0] - p[2][0] + p[0][2] + 2*p[1][2] + p[2][2]
	ones := lying + p[0][1] - p[2][1]
	return Numeric{
		Ask: fmt.Sprintf("Below the filter %s lie the numbers %v %v %v, row by row. What does it write down? (No bias.)",
			"(-1 -2 -1 / 0 0 0 / 1 2 1)", p[0], p[1], p[2]),
		Want: float64(lying),
		Hint: "Nine products and their sum; three of them are 0.",
		Why:  fmt.Sprintf("−%d − 2·%d − %d + %d + 2·%d + %d = %d.", p[0][0], p[0][1], p[0][2], p[2][0], p[2][1], p[2][2], lying),
		Mistakes: []Mistake{
			{ones, "took the weights of 2 for weights of 1", "Look at the middle of the upper and of the lower row of the filter.", 0.5},
			{-lying, "laid the filter on upside down", "The filter's upper row is laid on the picture's upper row. (Mathematicians turn it round; networks do not.)", 0.5},
			{standing, "took the other filter, which looks for standing edges", "Its first row is −1 −2 −1.", 0.25},
		},
	}
}

func sameSide(d *Draw) Question {
	n, k, s := d.Int(28, 48, 64, 96), d.Int(5, 3, 7), 2
	return Numeric{
		Ask:  fmt.Sprintf("A picture has %d×%d pixels. A convolution with %d×%d filters has stride %d and padding same. What is the side of its output?", n, n, k, k, s),
		Want: float64((n + s - 1) / s),
		Hint: "Same pads with as many zeros as it takes for n/s, rounded up: the kernel does not matter.",
		Why:  fmt.Sprintf("⌈%d/%d⌉ = %d.", n, s, (n+s-1)/s),
		Mistakes: []Mistake{
			{(n-k)/s + 1, "counted with no padding", "Same adds zeros around the picture.", 0.5},
			{n, "forgot the stride", "Same keeps the size with stride 1. What does a step of two pixels do?", 0.25},
		},
	}
}

func validSide(d *Draw) Question {
	n, k, s := d.Int(28, 48, 64, 96), d.Int(5, 3, 7), 2
	side := (n-k)/s + 1
	return Numeric{
		Ask:  fmt.Sprintf("Now padding valid: a picture of %d×%d pixels, %d×%d filters, stride %d. What is the side of the output?", n, n, k, k, s),
		Want: float64(side),
		Hint: "The filter starts at the border. How many pixels are left for it to move over, how many moves is that, and how many places with the first?",
		Why:  fmt.Sprintf("⌊(%d − %d)/%d⌋ + 1 = %d.", n, k, s, side),
		Mistakes: []Mistake{
			{side - 1, "forgot the first place", "The filter writes a number before its first move, too.", 0.5},
			{n - k + 1, "forgot the stride", "It moves by two pixels at a time.", 0.25},
			{(n + s - 1) / s, "counted with padding same", "Valid adds nothing: the filter stays inside the picture.", 0.5},
		},
	}
}

func zerosOnEachSide(d *Draw) Question {
	k := d.Int(5, 7, 9, 11)
	return Numeric{
		Ask:  fmt.Sprintf("In PyTorch one gives the padding as a number: so many rows and columns of zeros on each side. Which number keeps the size with %d×%d filters and stride 1?", k, k),
		Want: float64((k - 1) / 2),
		Hint: "Put n for the output into the formula with s = 1, and solve for p.",
		Why:  fmt.Sprintf("n + 2p − %d + 1 = n gives p = (%d − 1)/2 = %d.", k, k, (k-1)/2),
		Mistakes: []Mistake{
			{k - 1, "gave the zeros of both sides together", "So many are missing in all. How many on each side?", 0.5},
			{k, "took the kernel for the padding", "How many pixels are lost without padding?", 0},
		},
	}
}

func sideFormula(*Draw) Question {
	return Symbolic{
		Ask:   "What is the side of a convolution's output?",
		Want:  "floor((n + 2*p - k)/s) + 1",
		Names: map[string]string{"n": "side of the input", "k": "side of the kernel", "p": "zeros on each side", "s": "stride"},
		Low:   1, High: 30,
		Hint: "How long is the input with its zeros? How far can the kernel move in it, in steps of s? How many places with the first?",
		Why:  "n + 2p − k pixels are left to move over, in steps of s, and there is one place before the first move.",
		Mistakes: []Mistake{
			{"(n + 2*p - k)/s + 1", "did not round down", "Try n = 6, k = 3, s = 2 and p = 0: can there be half a place?", 0.5},
			{"floor((n + p - k)/s) + 1", "padded one side", "p zeros stand on each side.", 0.5},
			{"floor((n + 2*p - k)/s)", "forgot the first place", "Try n = k and p = 0: how many places are there?", 0.5},
			{"n + 2*p - k + 1", "forgot the stride", "The kernel moves by s pixels.", 0.25},
		},
	}
}

// convParameters asks for n filters of k×k over c channels; the numbers given are the lecture's.
func convParameters(d *Draw, n, k, c int) Question {
	n, k = d.Int(n, 12, 24, 32, 40), d.Int(k, 7)
	if c != 3 {
		c = d.Int(c, 6, 10)
	}
	want := n*(k*k*c) + n
	return Numeric{
		Ask:  fmt.Sprintf("A convolution has %d filters of %d×%d, and its input has %d channels. How many parameters has it?", n, k, k, c),
		Want: float64(want), Unit: "parameters",
		Hint: "n_filters × filter_volume + biases. A filter is as deep as its input.",
		Why:  fmt.Sprintf("%d × (%d×%d×%d) + %d = %d.", n, k, k, c, n, want),
		Mistakes: []Mistake{
			{n * k * k * c, "forgot the biases", "A filter adds one more number to its sum.", 0.5},
			{n*k*k + n, "forgot the depth", "A filter looks at all channels of its input.", 0.25},
			{n*k*k*c + c, "gave a bias for each channel of the input", "A bias belongs to what comes out.", 0.5},
		},
	}
}

func convFormula(*Draw) Question {
	return Symbolic{
		Ask:   "How many parameters has a convolution?",
		Want:  "n*(k*k*c) + n",
		Names: map[string]string{"n": "number of filters", "k": "side of the kernel", "c": "channels of the input"},
		Hint:  "Write down 16 × (5×5×8) + 16, and put a name in place of each number.",
		Why:   "n filters, each with k·k·c weights and one bias.",
		Mistakes: []Mistake{
			{"n*k*k*c", "forgot the biases", "What does a filter have besides its weights?", 0.5},
			{"n*k*k + n", "forgot the depth", "A filter looks at all channels of its input.", 0.25},
			{"n*k*c + n", "took the kernel for a line", "The kernel is a square.", 0.25},
			{"n*k*k*c + c", "gave a bias for each channel of the input", "A bias belongs to what comes out.", 0.5},
		},
	}
}
