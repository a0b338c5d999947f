package tl

// Tuning are the numbers of a procedure that most people want to change; everything else is changed in the Steps of the procedure itself. Each
// zero value is the procedure's own default, which its comment states; a number that a procedure has no use for changes nothing.
type Tuning struct {
	HeadEpochs     int     // of the phase that trains the head alone
	HeadRate       float64 // its learning rate
	Epochs         int     // of each later phase
	Rate           float64 // the head's learning rate in later phases
	Unfreeze       Thaw    // what is unfrozen in the last phase
	RateDecay      float64 // from group to group towards the input, in (0, 1]; see Phase
	WeightDecay    float64
	LabelSmoothing float64
	Anchor         float64 // α of L2SP
}

// or is v, or the default where v is zero.
func or[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// Extract trains a new head on the frozen base: representation extraction, as Donahue et al. 2014 (DeCAF) and Razavian et al. 2014
// ("CNN features off-the-shelf") do it and as the lecture begins.
//
// Defaults: 20 epochs of Adam at 1e-3. The Keras guide to transfer learning trains the head with Adam at its default 1e-3, too, and runs the base in
// every epoch; here it runs once.
func Extract(t Tuning) Procedure {
	return Procedure{Name: "extract", Paper: "Donahue et al. 2014; Razavian et al. 2014", Steps: []Step{headStep(t, 20, 1e-3)}}
}

func headStep(t Tuning, epochs int, rate float64) Step {
	return Step{Unfreeze: ThawNothing(), Views: 1, Phase: Phase{Name: "head", Epochs: or(t.HeadEpochs, epochs), LearningRate: or(t.HeadRate, rate)}}
}

// FineTune is the lecture's three steps: train the new head on the frozen base, unfreeze the top of the base, train on with rates that are
// 3 to 10 times smaller from group to group towards the input. So do Chollet (Deep Learning with Python, 2021, section 8.3) and the Keras guide:
// the head first, else its large first gradients destroy the pretrained weights; then the top blocks (the book) or everything (the
// guide) at a small rate. They use one rate, 1e-5, for all; Keras has no differential rates.
//
// Defaults: 20 head epochs at 3e-3; then the last 2 stages, 8 epochs of one-cycle at 1e-3, RateDecay 1/3, weight decay 0.01, label smoothing
// 0.05, on all views that train has. With a budget: up to 30 epochs, fewer views or the last stage alone where less than 4 would fit.
func FineTune(t Tuning) Procedure {
	open := or(t.Unfreeze, ThawStages(2))
	top := Step{Unfreeze: open, Phase: Phase{Name: "fine-tune", Epochs: or(t.Epochs, 8), LearningRate: or(t.Rate, 1e-3),
		RateDecay: or(t.RateDecay, 1.0/3), Schedule: "one-cycle", WeightDecay: or(t.WeightDecay, 0.01), LabelSmoothing: or(t.LabelSmoothing, 0.05)},
		Most: max(30, t.Epochs), Least: 4, Choices: []Choice{{open, 0}, {open, 2}, {open, 1}, {ThawStages(1), 1}}}
	return Procedure{Name: "fine-tune", Paper: "the lecture's three steps; Chollet 2021, section 8.3", Steps: []Step{headStep(t, 20, 3e-3), top}}
}

// Gradual thaws one group a phase, from the head towards the input, until the last k stages of the base are unfrozen (Howard & Ruder 2018, ULMFiT,
// section 3.3): they thaw one more layer after each epoch and fine-tune all thawed ones, with discriminative rates, each 1/2.6 of the
// one above, and slanted triangular schedules. finetuning-scheduler (Lightning) automates the same from a list of layers.
//
// Defaults: 5 head epochs at 3e-3; k = 3 phases of 2 epochs each at 1e-3, RateDecay 1/2.6, one-cycle in place of the slanted triangle. Another k is
// that of Tuning{Unfreeze: ThawStages(k)}; other ways to thaw have no order of groups, and the default stands.
func Gradual(t Tuning) Procedure {
	stages := 3
	if t.Unfreeze.Kind == "stages" {
		stages = t.Unfreeze.N
	}
	p := Procedure{Name: "gradual", Paper: "Howard & Ruder 2018, section 3.3", Steps: []Step{headStep(t, 5, 3e-3)}}
	for k := 1; k <= stages; k++ {
		p.Steps = append(p.Steps, Step{Unfreeze: ThawStages(k), Most: 2 * or(t.Epochs, 2), Phase: Phase{Name: "thaw " + counted(k, "stage"), Epochs: or(t.Epochs, 2),
			LearningRate: or(t.Rate, 1e-3), RateDecay: or(t.RateDecay, 1/2.6), Schedule: "one-cycle", WeightDecay: t.WeightDecay, LabelSmoothing: t.LabelSmoothing}})
	}
	return p
}

// Discriminative is fastai's fine_tune(epochs, base_lr=2e-3, freeze_epochs=1, lr_mult=100, pct_start=0.3, div=5.0): one epoch of one-cycle on the
// frozen base at base_lr, rising for 0.99 of it from 1/25; then everything unfrozen at base_lr/2 at the head, down to 1/100 of that at the first
// group in geometric steps (slice(lr/100, lr)), one-cycle rising for 0.3 of the phase from 1/5; both fall to 1/100,000. Adam with decoupled
// weight decay 0.01, as there.
//
// What differs: fastai has three groups and we as many as the network has stages, so that the ends of the scale agree and the steps are finer; it trains
// the batch norms of frozen groups, which stay frozen here; it cycles Adam's β₁ between 0.95 and 0.85 (0.9 here), and its β₂ is 0.99 and ε
// 1e-5 (0.999 and 1e-7 here).
//
// Defaults: those, with 4 epochs. Tuning.Rate or HeadRate is base_lr, HeadEpochs freeze_epochs. With a budget, up to 3 times the epochs.
func Discriminative(t Tuning) Procedure {
	base := or(t.Rate, or(t.HeadRate, 2e-3))
	t.HeadRate = base
	head := headStep(t, 1, base)
	head.Views, head.Phase.Name = 0, "frozen"
	head.Phase.Schedule, head.Phase.WarmUp = "one-cycle", 0.99
	head.Phase.WeightDecay, head.Phase.LabelSmoothing = or(t.WeightDecay, 0.01), t.LabelSmoothing
	whole := Step{Unfreeze: or(t.Unfreeze, ThawEverything()), Spread: 100, Most: 3 * or(t.Epochs, 4), Phase: Phase{Name: "unfrozen", Epochs: or(t.Epochs, 4),
		LearningRate: base / 2, Schedule: "one-cycle", WarmUp: 0.3, StartDivisor: 5, WeightDecay: or(t.WeightDecay, 0.01), LabelSmoothing: t.LabelSmoothing}}
	return Procedure{Name: "discriminative", Paper: "fastai's fine_tune; Howard & Gugger 2020", Steps: []Step{head, whole}}
}

// LinearThenFull is LP-FT (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution"): a linear probe
// until it has converged, then everything fine-tuned from there, at a small rate. Over ten shifts it is 1 % better in distribution and
// 10 % out of it than fine-tuning from a random head. Their fine-tuning is SGD with momentum 0.9 under a cosine schedule, in batches of 64,
// the rate chosen from 3e-5 to 3e-2.
//
// Defaults: a probe of 50 epochs of Adam at 3e-3; then the whole base, 4 epochs of SGD at 1e-3 with momentum 0.9, cosine, batches of 64.
func LinearThenFull(t Tuning) Procedure {
	probe := headStep(t, 50, 3e-3)
	probe.Phase.Name = "linear probe"
	full := Step{Unfreeze: or(t.Unfreeze, ThawEverything()), Most: 3 * or(t.Epochs, 4), Phase: Phase{Name: "full", Epochs: or(t.Epochs, 4), LearningRate: or(t.Rate, 1e-3),
		RateDecay: t.RateDecay, Optimizer: "sgd", Momentum: 0.9, Schedule: "cosine", BatchSize: 64, WeightDecay: t.WeightDecay, LabelSmoothing: t.LabelSmoothing}}
	return Procedure{Name: "linear then full", Paper: "Kumar et al. 2022", Steps: []Step{probe, full}}
}

// L2SP fine-tunes with the pretrained weights as the starting point: a penalty of α/2 times the squared distance from them takes the place of
// weight decay towards 0, and β/2 times the squared length holds the new head (Li, Grandvalet & Davoine 2018). They train everything with SGD,
// momentum 0.9, batches of 64, the rate (0.005 to 0.02) divided by 10 after two thirds, with β = 0.01 and α chosen by cross-validation.
//
// Defaults: 5 head epochs of Adam at 3e-3; the whole base, 4 epochs of SGD at 0.01 with momentum 0.9, cosine in place of the one drop, α = 0.1, β = 0.01.
func L2SP(t Tuning) Procedure {
	whole := Step{Unfreeze: or(t.Unfreeze, ThawEverything()), Most: 3 * or(t.Epochs, 4), Phase: Phase{Name: "anchored", Epochs: or(t.Epochs, 4),
		LearningRate: or(t.Rate, 0.01), RateDecay: t.RateDecay, Optimizer: "sgd", Momentum: 0.9, Schedule: "cosine", BatchSize: 64,
		Anchor: or(t.Anchor, 0.1), AnchorHead: 0.01, LabelSmoothing: t.LabelSmoothing}}
	return Procedure{Name: "L2-SP", Paper: "Li, Grandvalet & Davoine 2018", Steps: []Step{headStep(t, 5, 3e-3), whole}}
}

// Scratch trains everything from initial weights: what transfer is compared with (He, Girshick & Dollár 2019, "Rethinking ImageNet
// Pre-training", for how far that goes with many images and much time). The model must stand on a base without pretrained weights,
// tl.Load(name).Initial(seed); Run refuses another, since a model's weights are part of what it is.
//
// Defaults: 20 epochs of AdamW at 1e-3, one-cycle, weight decay 0.05, batch norm on the statistics of the batch.
func Scratch(t Tuning) Procedure {
	return Procedure{Name: "scratch", Paper: "He, Girshick & Dollár 2019", Initial: true, Steps: []Step{{Unfreeze: ThawEverything(), Most: 3 * or(t.Epochs, 20),
		Phase: Phase{Name: "scratch", Epochs: or(t.Epochs, 20), LearningRate: or(t.Rate, 1e-3), Optimizer: "adamw", Schedule: "one-cycle", BatchNorm: BatchNormTrained,
			WeightDecay: or(t.WeightDecay, 0.05), LabelSmoothing: t.LabelSmoothing}}}}
}
