package tl

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
)

// lite is a summary with the stages of a small network.
func liteSummary() Summary {
	s := Summary{Name: "net"}
	for _, b := range [][2]string{{"stem", "stem"}, {"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"b2", "b"}, {"top", "c"}, {"head", "head"}} {
		s.Blocks = append(s.Blocks, Block{Name: b[0], Stage: b[1], Frozen: b[0] != "top" && b[0] != "head"})
	}
	return s
}

func TestThawBlocks(t *testing.T) {
	for _, c := range []struct {
		thaw      Thaw
		want, err string
	}{
		{Thaw{}, "top", ""},
		{ThawNothing(), "", ""},
		{ThawEverything(), "stem a1 a2 b1 b2 top", ""},
		{ThawTop(0), "", ""},
		{ThawTop(2), "b2 top", ""},
		{ThawTop(7), "", "net has 6"},
		{ThawTop(-1), "", "net has 6"},
		{ThawStages(0), "", ""},
		{ThawStages(1), "top", ""},
		{ThawStages(2), "b1 b2 top", ""},
		{ThawStages(3), "a1 a2 b1 b2 top", ""},
		{ThawStages(99), "stem a1 a2 b1 b2 top", ""},
		{ThawStages(-1), "", "0 or more"},
		{ThawFrom("a2"), "a2 b1 b2 top", ""},
		{ThawFrom("head"), "", "net has stem, a1, a2, b1, b2, top"},
		{Thaw{Kind: "sideways"}, "", "no way to thaw \"sideways\""},
	} {
		got, err := c.thaw.Blocks(liteSummary())
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.thaw, err, c.err)
		}
		if err == nil && strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.thaw, got, c.want)
		}
	}
}

// TestSpreadIsTheSliceOfFastai: from the head to the first unfrozen group the rates fall by Spread, in equal ratios.
func TestSpreadIsTheSliceOfFastai(t *testing.T) {
	s := Discriminative(Tuning{}).Steps[1]
	for _, c := range []struct {
		thaw   Thaw
		stages int
	}{{ThawEverything(), 4}, {ThawStages(2), 2}, {ThawFrom("a2"), 3}, {ThawStages(1), 1}} {
		p, err := s.as(Choice{Unfreeze: c.thaw}, liteSummary())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.LearningRate * math.Pow(p.RateDecay, float64(c.stages)); math.Abs(got-1e-3/100) > 1e-15 {
			t.Errorf("%s: the first group has rate %g, want 1e-5 (decay %g)", c.thaw, got, p.RateDecay)
		}
	}
	p, err := s.as(Choice{Unfreeze: ThawNothing()}, liteSummary())
	if err != nil || p.RateDecay != 0 || !slices.Equal(p.Thaw, []string{"head"}) {
		t.Errorf("frozen: %v, decay %g, thaw %v", err, p.RateDecay, p.Thaw)
	}
	s.Spread = 0.5
	if _, err := s.as(Choice{}, liteSummary()); err == nil || !strings.Contains(err.Error(), "Spread is 0.5") {
		t.Errorf("error %v", err)
	}
	if _, err := (Step{Phase: Phase{Thaw: []string{"*"}}}).as(Choice{Unfreeze: ThawTop(1)}, liteSummary()); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("error %v", err)
	}
}

// TestDiscriminativeIsFastais holds the procedure to fastai's fine_tune(epochs=4): base_lr 2e-3, one frozen epoch, halved rate, lr_mult 100.
func TestDiscriminativeIsFastais(t *testing.T) {
	p := Discriminative(Tuning{})
	frozen, whole := p.Steps[0], p.Steps[1]
	if f := frozen.Phase; frozen.Unfreeze != ThawNothing() ||
		f.Epochs != 1 || f.LearningRate != 2e-3 || f.WarmUp != 0.99 || f.StartDivisor != 0 || f.Schedule != "one-cycle" {
		t.Errorf("frozen: %+v", frozen)
	}
	if w := whole.Phase; whole.Unfreeze != ThawEverything() ||
		w.Epochs != 4 || w.LearningRate != 1e-3 || w.WarmUp != 0.3 || w.StartDivisor != 5 || whole.Spread != 100 || w.WeightDecay != 0.01 {
		t.Errorf("unfrozen: %+v", whole)
	}
}

func TestProceduresPrint(t *testing.T) {
	var text strings.Builder
	for _, p := range []Procedure{Extract(Tuning{}), FineTune(Tuning{}), FineTune(Tuning{}).Within(3 * time.Minute), Gradual(Tuning{}), Discriminative(Tuning{}),
		LinearThenFull(Tuning{}), L2SP(Tuning{}), Scratch(Tuning{}), {Name: "nothing"}} {
		text.WriteString(p.String() + "\n")
	}
	golden(t, "procedures", text.String())
}

func TestViews(t *testing.T) {
	both := datasets.Shapes(9, 1).Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
	for n, want := range map[int]int{0: 4, 1: 1, 2: 2, 3: 3, 4: 4, 9: 4} {
		if d := views(both, n); d.Augmentation.Views() != want {
			t.Errorf("%d views: %d, want %d", n, d.Augmentation.Views(), want)
		}
	}
}
