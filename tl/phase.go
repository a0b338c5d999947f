package tl

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

	BatchSize      int             // 0 is 32
	Optimizer      string          // "adam" (the default, Kingma & Ba 2015; β 0.9 and 0.999, ε 1e-7 as Keras) or "sgd" (plain, without momentum)
	Schedule       string          // how the rates move over the phase: "constant" (the default), "cosine" or "one-cycle" (Smith 2018, as fastai)
	WeightDecay    float64         // decoupled (Loshchilov & Hutter 2019), on kernels only, scaled by the learning rate; 0 is none
	LabelSmoothing float64         // share of the target spread over all classes (Szegedy et al. 2016), in [0, 1); 0 is none
	BatchNorm      BatchNormPolicy // of frozen blocks
	KeepLast       bool            // keep the last epoch, not the one with the lowest loss on valid
	NoCache        bool            // run the frozen blocks in every step instead of once: slower, the same losses
}

// BatchNormPolicy says what batch norm does in frozen blocks while a phase runs.
type BatchNormPolicy string

// The policies. Only the first is a frozen block; the other two exist so that a lesson can show the damage.
const (
	BatchNormFrozen   BatchNormPolicy = ""         // inference mode, averages stay (as Keras with trainable=False)
	BatchNormAverages BatchNormPolicy = "averages" // batch statistics, averages move
	BatchNormTrained  BatchNormPolicy = "trained"  // batch statistics, averages move, scale and offset are trained
)
