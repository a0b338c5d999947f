package engine

import (
	"math"
	"slices"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// TestAugmentedIsTheMeanOfTheViews: probabilities are the mean of those of each view, and without an augmentation those of the plain image.
func TestAugmentedIsTheMeanOfTheViews(t *testing.T) {
	figures := datasets.Shapes(6, 3)
	model := small("augmented").WithHead("augmented", tl.Dense(3))
	plain := must[tl.Predictions](t)(model.Predict(quiet(), figures))
	if same := must[tl.Predictions](t)(model.PredictAugmented(quiet(), figures)); !slices.Equal(same.Logits.Data, plain.Logits.Data) {
		t.Error("one view is not the plain image")
	}
	flipped := figures.Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
	e := registeredEngine
	held := must[*trained](t)(e.model(quiet(), model))
	data := must[rows](t)(hashed(quiet(), flipped))
	want := make([]float64, len(plain.Logits.Data))
	for view := range 4 {
		logits, _, err := e.modelLogits(quiet(), held, data, view, func(remote.Progress) {})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range answer(logits, nil).Probabilities.Data {
			want[i] += float64(p) / 4
		}
	}
	held.gate.Unlock()
	got := must[tl.Predictions](t)(model.PredictAugmented(quiet(), flipped))
	moved := false
	for i, p := range got.Probabilities.Data {
		if math.Abs(float64(p)-want[i]) > 1e-6 {
			t.Errorf("number %d: probability %g, the views' mean is %g", i, p, want[i])
		}
		moved = moved || math.Abs(float64(p-plain.Probabilities.Data[i])) > 1e-6
	}
	if !moved {
		t.Error("views change nothing: the network sees no difference between them, and the test nothing either")
	}
	evaluation := must[tl.Evaluation](t)(model.EvaluateAugmented(quiet(), flipped))
	for i, class := range evaluation.Predicts.Class {
		if class != got.Class[i] {
			t.Errorf("image %d: evaluated as class %d, predicted as %d", i, class, got.Class[i])
		}
	}
}
