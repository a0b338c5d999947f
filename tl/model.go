package tl

import (
	"context"

	"transferlab/datasets"
)

// Model describes a base with a new head. Its name, its description and its seed are its identity: the engine creates the model at the
// first verb, and every later verb, in whichever cell, finds it with its weights, freeze state and histories. A changed
// description is another model.
type Model struct {
	Name string  // chosen by the user; not empty
	Base Base    // the pretrained network
	Head []Layer // layers of the head, from the representation to the logits
	Seed int64   // of the head's initial weights, the order of batches, dropout and augmentation
	// Origin is the folder that an opened model starts from, see Open; zero is the base's weights and a new head.
	Origin Origin `json:",omitzero"`
}

// Seeded is the same model started from another seed.
func (m Model) Seeded(seed int64) Model {
	m.Seed = seed
	return m
}

// Fit trains what is not frozen on train for one phase and returns how it went. Labels are the class numbers of train; loss is cross-entropy.
// Without a valid (the zero Dataset) the last epoch stands; with it, the epoch that did best on valid (see Phase.KeepLast).
// Fit on a trained model continues, with fresh optimizer state. When ctx ends, the last finished epoch stands and Fit returns the
// history so far with ctx's error.
func (m Model) Fit(ctx context.Context, train, valid datasets.Dataset, p Phase) (History, error) {
	return call[History](ctx, VerbFit, m.Name, FitRequest{Model: m, Train: train, Valid: valid, Phase: p})
}

// Summary lists the model's blocks with output shapes, parameters, MACs and what is frozen.
func (m Model) Summary(ctx context.Context) (Summary, error) {
	return call[Summary](ctx, VerbSummary, m.Name, ModelRequest{Model: m})
}

// Freeze freezes the blocks of these names; without names, every block of the base. A name is that of a block, or that of a stage and means
// all of its blocks (a block comes first where both have it), or a pattern as in path.Match for the names of blocks: "mbconv1*" is mbconv1 and
// mbconv10 to mbconv16, "mbconv[1-3]" the first three, and "layer?.0" the first of each layer. Names are listed by Summary; one that means no
// block is an error. It takes effect when the next Fit starts.
func (m Model) Freeze(ctx context.Context, blocks ...string) (Summary, error) {
	return call[Summary](ctx, VerbFreeze, m.Name, FreezeRequest{Model: m, Blocks: blocks, Frozen: true})
}

// Unfreeze unfreezes the blocks of these names, stages and patterns, as in Freeze; without names, every block of the base. The head is never frozen.
func (m Model) Unfreeze(ctx context.Context, blocks ...string) (Summary, error) {
	return call[Summary](ctx, VerbFreeze, m.Name, FreezeRequest{Model: m, Blocks: blocks})
}

// UnfreezeTop unfreezes the last n blocks of the base, those next to the head, and freezes the others.
func (m Model) UnfreezeTop(ctx context.Context, n int) (Summary, error) {
	return call[Summary](ctx, VerbUnfreezeTop, m.Name, UnfreezeTopRequest{Model: m, N: n})
}

// UnfreezeFrom unfreezes the block of that name, or the first of the stage or pattern (see Freeze), and all behind it towards the head, and
// freezes those before it.
func (m Model) UnfreezeFrom(ctx context.Context, block string) (Summary, error) {
	return call[Summary](ctx, VerbUnfreezeFrom, m.Name, UnfreezeFromRequest{Model: m, Block: block})
}

// Evaluate measures the model on d, once, in inference mode.
func (m Model) Evaluate(ctx context.Context, d datasets.Dataset) (Evaluation, error) {
	return call[Evaluation](ctx, VerbEvaluate, m.Name, DataRequest{Model: m, Data: d})
}

// Predict runs the model over d: logits, probabilities and classes.
func (m Model) Predict(ctx context.Context, d datasets.Dataset) (Predictions, error) {
	return call[Predictions](ctx, VerbPredict, m.Name, DataRequest{Model: m, Data: d})
}

// EvaluateAugmented is Evaluate with what PredictAugmented says.
func (m Model) EvaluateAugmented(ctx context.Context, d datasets.Dataset) (Evaluation, error) {
	return call[Evaluation](ctx, VerbEvaluate, m.Name, DataRequest{Model: m, Data: d, Augmented: true})
}

// PredictAugmented predicts from every view of d's augmentation and averages the probabilities (test-time augmentation: Krizhevsky et al. 2012,
// section 4.1; fastai's tta). Its logits are the logarithms of the means. It costs as many times as much as Predict as there are views; their
// activations are kept like those of training.
func (m Model) PredictAugmented(ctx context.Context, d datasets.Dataset) (Predictions, error) {
	return call[Predictions](ctx, VerbPredict, m.Name, DataRequest{Model: m, Data: d, Augmented: true})
}

// Histories are the phases that were fitted so far, in order.
func (m Model) Histories(ctx context.Context) ([]History, error) {
	return call[[]History](ctx, VerbHistories, m.Name, ModelRequest{Model: m})
}

// StepBack returns the weights to those after the given epoch (counted from 1) of the last phase.
// It is the lecture's "until we overfit and then step back some epochs". The best epoch, the last, and the latest of the others that fit into 1 GB
// are kept: all of them, but for long phases of large networks.
func (m Model) StepBack(ctx context.Context, epoch int) (History, error) {
	return call[History](ctx, VerbStepBack, m.Name, StepBackRequest{Model: m, Epoch: epoch})
}

// Reset forgets the model: weights, freeze state and histories. The next verb creates it anew from its description. It reports
// whether there was one.
func (m Model) Reset(ctx context.Context) (bool, error) {
	return call[bool](ctx, VerbReset, m.Name, ModelRequest{Model: m})
}
