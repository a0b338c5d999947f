package tl

import "time"

// Phase is one run of the optimizer: what Keras calls compile and fit. Frozen is a property of a block, not of a phase.
type Phase struct {
	Name         string  // for curves and receipts; "" is "phase 1", "phase 2" …
	Epochs       int     // passes over the training rows, ≥ 1
	LearningRate float64 // of the head, > 0; 0 is refused, since freezing is what is meant
	// RateDecay d in (0, 1] multiplies the rate once for each group of unfrozen blocks towards the input (the stages of the network,
	// as Summary lists them): the head has LearningRate, the stage next to it LearningRate·d, the next LearningRate·d² …
	// (differential learning rates; Howard & Ruder 2018 take d = 1/2.6, the lecture 1/3 to 1/10). 0 means one rate for all.
	RateDecay float64
	Rates     map[string]float64 // rates of blocks by name; they win over RateDecay

	// Thaw are the blocks of the base that stand unfrozen when the phase begins, by name, stage or pattern as in [Model.Unfreeze]; every other
	// block is frozen. Nil leaves the blocks as they are, []string{"head"} freezes the whole base, []string{"*"} thaws all of it.
	Thaw []string

	BatchSize int // 0 is 32; with fewer rows than that there is one batch, of all rows, as in Keras and PyTorch
	// Optimizer is "adam" (the default, Kingma & Ba 2015; β 0.9 and 0.999, ε 1e-7 as Keras), "adamw" (Loshchilov & Hutter 2019: adam whose
	// WeightDecay, where it is 0, is 0.01 as in PyTorch; the decay is decoupled under every optimizer here), "rmsprop" (Tieleman & Hinton 2012;
	// ρ 0.9, ε 1e-7 as Keras) or "sgd".
	Optimizer string
	Momentum  float64 // of "sgd" alone, in [0, 1): velocity ← momentum·velocity + gradient (Polyak 1964, as PyTorch); 0 is none
	Schedule  string  // how the rates move over the phase: "constant" (the default), "cosine" or "one-cycle" (Smith 2018, as fastai)
	// WarmUp and StartDivisor shape "one-cycle": the share of the phase in which the rates rise, in (0, 1), 0 is 0.25; and what they begin at,
	// LearningRate/StartDivisor, ≥ 1, 0 is 25 (fastai's pct_start and div of fit_one_cycle).
	WarmUp, StartDivisor float64
	WeightDecay          float64         // decoupled (Loshchilov & Hutter 2019), on kernels only, scaled by the learning rate; 0 is none
	ClipNorm             float64         // largest norm of all gradients taken as one vector (Pascanu et al. 2013); a longer one is scaled down. 0 is no limit
	LabelSmoothing       float64         // share of the target spread over all classes (Szegedy et al. 2016), in [0, 1); 0 is none
	BatchNorm            BatchNormPolicy // of all blocks in the training graph

	// Anchor is α of L2-SP (Li, Grandvalet & Davoine 2018): the loss that is minimised has also α/2 times the squared distance of every
	// unfrozen parameter of the base from its pretrained value; they take 0.01 to 1. AnchorHead is their β: β/2 times the squared length of the head's
	// kernels; they take 0.01. The losses of Epoch are without both. 0 is none.
	Anchor, AnchorHead float64

	// ClassWeights multiply the loss of a row by its class's number, ≥ 0, one for each class (Keras's class_weight: the sum is divided
	// by the rows, not by their weights). The losses on valid are without them. Nil is 1 for all.
	ClassWeights []float64
	Balance      Balance // against classes of different sizes; "" is none

	// Patience ends the phase after so many epochs in a row without a lower loss on valid (Keras's EarlyStopping); it needs valid. 0 is never.
	Patience int
	// Within is the wall-clock time that Fit may take from its call; then Epochs is the most that it runs. When everything is compiled it measures a few
	// steps and takes as many epochs as fit, and Schedule ends with the last of them; should the machine become slower or faster, it takes
	// fewer or more. Where not one fits, the history has no epoch. 0 is no limit.
	Within    time.Duration
	Precision Precision // of the matrix products and convolutions in a training step; "" is float32
	KeepLast  bool      // keep the last epoch, not the one with the lowest loss on valid
	NoCache   bool      // run the frozen blocks in every step instead of once: slower, the same losses
}

// Balance says what is done in training where some classes have more rows than others. It changes nothing of valid and test.
type Balance string

// The ways to balance. Samples are drawn from the model's seed, anew for each epoch.
const (
	BalanceNone    Balance = ""
	BalanceWeights Balance = "weights" // class weights n/(classes·n_c), as scikit-learn's "balanced"
	BalanceOver    Balance = "over"    // each class as often as the largest: every row, and some again
	BalanceUnder   Balance = "under"   // each class as often as the smallest: some rows in this epoch, others in the next
)

// Precision is the type of number in which the inputs of matrix products and convolutions of a training step are given, forward and backward, but
// for depthwise convolutions and the head (mixed precision, Micikevicius et al. 2018). Weights, what the products put out, the loss and the optimizer
// are float32 always, and so is all that is not training.
//
// On a CPU it is worth little: 154 ms in bfloat16 against 160 for a step of EfficientNet-Lite0's last five blocks, batches of 32, on 2 cores with AMX
// (BenchmarkPrecision of tl/engine). GPUs, and CPUs without such instructions, were not measured.
type Precision string

// The precisions.
const (
	Float32  Precision = ""
	BFloat16 Precision = "bfloat16" // 8 bits of mantissa
)

// BatchNormPolicy says what batch norm does while a phase runs, in frozen blocks and in unfrozen ones; in unfrozen blocks scale and offset
// are trained under each of them.
type BatchNormPolicy string

// The policies. Under the first a frozen block is frozen. The other two are how a network is trained from scratch; of frozen blocks they
// exist so that a lesson can show the damage, and every frozen block stands in the training graph for them. In the last, smaller batch of an epoch
// the statistics are those of its rows and of as many of them again as fill a batch.
const (
	BatchNormFrozen   BatchNormPolicy = ""         // inference mode, averages stay (as Keras with trainable=False)
	BatchNormAverages BatchNormPolicy = "averages" // batch statistics, averages move
	BatchNormTrained  BatchNormPolicy = "trained"  // batch statistics, averages move, scale and offset are trained
)
