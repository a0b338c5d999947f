package latency

import (
	"context"
	"testing"

	"transferlab/datasets"
	"transferlab/kernel/setup"
	"transferlab/tl"
	_ "transferlab/tl/engine" // carries out the verbs in this process, and counts what it compiles
)

// TestSecondCompilesNothing: graphs are compiled for a shape, not for images. Other images, more
// of them, and another head of as many classes find them.
func TestSecondCompilesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a whole network")
	}
	lab, err := setup.Ensure(t.Context(), setup.ForRun, func(_, _ int64, what string) { t.Log(what) })
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir() // without what was computed before
	if err := (bench{lab: lab}).mirror(home, ""); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TLAB_HOME", home)
	ctx := tl.WithReport(t.Context(), nil)
	base, elpv := tl.Load("efficientnet_lite0"), datasets.Open("elpv")
	predict := func(head string, d datasets.Dataset) func(context.Context) error {
		return func(ctx context.Context) error {
			p, err := base.WithHead(head, tl.Dense(2)).Predict(ctx, d)
			if err == nil && len(p.Class) == 0 {
				t.Error("nothing was predicted")
			}
			return err
		}
	}
	represent := func(d datasets.Dataset) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := base.Represent(ctx, d)
			return err
		}
	}
	compiled := 0
	for _, step := range []struct {
		what  string
		do    func(context.Context) error
		first bool // of its shape: one photograph, or a batch of them
	}{
		{"the first Represent", represent(elpv.Take(20)), true},
		{"Represent of the same images", represent(elpv.Take(20)), false},
		{"Represent of other images", represent(elpv.Skip(20).Take(20)), false},
		{"Represent of more images", represent(elpv.Skip(40).Take(50)), false},
		{"the first Predict", predict("a", elpv.Take(1)), true},
		{"Predict of the same photograph", predict("a", elpv.Take(1)), false},
		{"Predict of another", predict("a", elpv.Skip(100).Take(1)), false},
		{"Predict with another head", predict("b", elpv.Take(1)), false},
		{"the first Predict of many", predict("a", elpv.Skip(101).Take(20)), true},
		{"Predict of as many others", predict("a", elpv.Skip(121).Take(20)), false},
		{"Predict of one again", predict("b", elpv.Skip(141).Take(1)), false},
	} {
		before, err := tl.Holdings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := step.do(ctx); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		after, err := tl.Holdings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n := after.Compilations - before.Compilations
		if n > 0 && !step.first {
			t.Errorf("%s compiled %d graphs", step.what, n)
		}
		compiled += n
	}
	if compiled == 0 {
		t.Error("nothing was compiled at all: the counter does not count")
	}
}
