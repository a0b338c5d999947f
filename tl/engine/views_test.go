package engine

import (
	"math"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// TestDrawnViewsAreCached: each view of each image is computed once, whichever model, data set or number of views asks for it; another seed
// means other pictures, but for the plain one.
func TestDrawnViewsAreCached(t *testing.T) {
	ownCache(t)
	a := datasets.Augmentation{FlipLeftRight: true, CropArea: [2]float64{0.4, 1}, Rotate: 15, Brightness: 0.2, V: 3, Seed: 1}
	train, valid := figures.Split(0.75, 1)
	rows := must[int](t)(train.Len(quiet()))
	held := must[int](t)(valid.Len(quiet()))
	fit := func(name string, train datasets.Dataset) tl.History {
		t.Helper()
		model := pixels.WithHead(name, tl.Dense(3))
		must[bool](t)(model.Reset(quiet()))
		return must[tl.History](t)(model.Fit(quiet(), train, valid.Augment(a), tl.Phase{Epochs: 3, LearningRate: 1e-2}))
	}
	more, other := a, a
	more.V = 5
	other.Seed = 2
	for _, c := range []struct {
		name     string
		train    datasets.Dataset
		computed int
	}{
		{"drawn", train.Augment(a), 3*rows + held},
		{"drawn again", train.Augment(a), 0},
		{"of fewer rows", train.Take(10).Augment(a), 0},
		{"more views", train.Augment(more), 2 * rows},
		{"another seed", train.Augment(other), 2 * rows},
		{"plain", train, 0},
	} {
		h := fit(c.name, c.train)
		if h.Time.Computed != c.computed {
			t.Errorf("%s: %d rows were computed instead of %d", c.name, h.Time.Computed, c.computed)
		}
		if len(h.Epochs) != 3 || math.IsNaN(h.Epochs[2].Loss) {
			t.Errorf("%s: %v", c.name, h)
		}
	}
	if fit("drawn", train.Augment(a)).Epochs[2].Loss == fit("plain", train).Epochs[2].Loss {
		t.Error("the views make no difference")
	}
	bad := a
	bad.Rotate = 400
	if _, err := pixels.WithHead("bad", tl.Dense(3)).Fit(quiet(), train.Augment(bad), none, tl.Phase{Epochs: 1, LearningRate: 1e-2}); err == nil ||
		!strings.Contains(err.Error(), `tl: fit "bad": datasets: augment: Rotate is 400; degrees either way are 0 to 180`) {
		t.Errorf("a bad augmentation: %v", err)
	}
}
