// Package tl holds the vocabulary and the verbs of transfer learning: bases, heads, blocks, phases.
//
// Descriptions ([Load], [Base.WithHead], datasets.Open) are values of a few bytes that compute nothing and cannot fail. Everything that
// touches data or weights is a verb, a method that takes a context and returns an error, carried out by an [Engine]: the resident
// one of the lab's kernel, so that a notebook cell stays small and finds everything warm, or one in this process (see [Register]).
//
//	base := tl.Load("efficientnet_lite0")             // ImageNet weights, every block frozen
//	model := base.WithHead("cells", tl.Dense(2))
//	history, err := model.Fit(ctx, train, valid, tl.Phase{Name: "head", Epochs: 5, LearningRate: 1e-3})
//	summary, err := model.UnfreezeTop(ctx, 6)
//	history, err = model.Fit(ctx, train, valid, tl.Phase{Name: "fine-tune", Epochs: 3, LearningRate: 3e-4, RateDecay: 1.0 / 3})
//	evaluation, err := model.Evaluate(ctx, test)
//	saved, err := model.Save(ctx, "models/cells")     // weights as safetensors, and the run's receipt
//	model, err = tl.Open(ctx, "models/cells")         // in another program, on another machine
package tl
