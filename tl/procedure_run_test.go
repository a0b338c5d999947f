package tl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl/remote"
)

// fakeEngine carries out procedures on a clock of its own: plans by its cost model, and phases that keep their limit as the engine's do.
type fakeEngine struct {
	now    time.Time
	slow   func(since time.Duration) float64 // 1 is as planned
	start  time.Time
	fitted []Phase
	stop   int // the phase, from 1, that is interrupted; 0 is none
}

func (e *fakeEngine) work(seconds float64) {
	e.now = e.now.Add(duration(seconds * e.slow(e.now.Sub(e.start))))
}

func (e *fakeEngine) Call(_ context.Context, verb string, in, out any, _ func(remote.Progress)) error {
	set := func(v any) { reflect.ValueOf(out).Elem().Set(reflect.ValueOf(v)) }
	switch r := in.(type) {
	case PlanRequest:
		e.work(1)
		p, err := r.Plan(e.costs(r), e.now.Sub(e.start))
		set(p)
		return err
	case FitRequest:
		h, err := e.fit(r)
		set(h)
		return err
	case ModelRequest:
		set(liteSummary())
		return nil
	}
	return fmt.Errorf("no verb %q", verb)
}

// cost is that of a phase: the head's is nothing but its preparation, the others' grow with what is unfrozen.
func (e *fakeEngine) cost(name string, c Choice) Cost {
	if name == "head" {
		return Cost{Prefix: 10, Compile: 2, Epoch: 0.1, Validate: 0.1}
	}
	blocks, _ := c.Unfreeze.Blocks(liteSummary())
	return Cost{Prefix: 10 * float64(max(c.Views, 1)-1), Compile: 2 * float64(len(blocks)), Epoch: float64(len(blocks)), Validate: 0.5}
}

func (e *fakeEngine) costs(r PlanRequest) [][]Cost {
	var all [][]Cost
	for _, s := range r.Steps {
		var costs []Cost
		for _, c := range s.choices(true) {
			costs = append(costs, e.cost(s.Phase.Name, c))
		}
		all = append(all, costs)
	}
	return all
}

func (e *fakeEngine) fit(r FitRequest) (History, error) {
	begun := e.now
	e.fitted = append(e.fitted, r.Phase)
	h := History{Model: r.Model.Name, Phase: r.Phase, Rates: map[string]float64{"head": 1}}
	c := e.cost(r.Phase.Name, Choice{ThawTop(max(len(r.Phase.Thaw)-1, 0)), r.Train.Augmentation.Views()})
	e.work(c.prepare())
	for len(h.Epochs) < r.Phase.Epochs {
		before := e.now
		e.work(0)
		epoch := c.epoch() * e.slow(e.now.Sub(e.start))
		if r.Phase.Within > 0 && (r.Phase.Within-before.Sub(begun)).Seconds() < 0.65*epoch {
			break
		}
		if e.stop == len(e.fitted) && len(h.Epochs) == 2 {
			h.Stopped = true
			return h, context.Canceled
		}
		e.work(c.epoch())
		h.Epochs = append(h.Epochs, Epoch{ValidLoss: math.NaN(), ValidAccuracy: math.NaN()})
		h.Kept = len(h.Epochs)
	}
	return h, nil
}

// onFake runs f with a fake engine in this process's place.
func onFake(t *testing.T, e *fakeEngine) {
	t.Helper()
	e.start = time.Unix(0, 0)
	e.now = e.start
	if e.slow == nil {
		e.slow = func(time.Duration) float64 { return 1 }
	}
	before := registered.engine
	Register(e)
	t.Cleanup(func() { Register(before) })
}

var (
	silent   = WithReport(context.Background(), nil)
	fakeTask = Load("net").WithHead("fake", Dense(2))
	fakeData = datasets.Shapes(9, 1).Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
)

func budgeted(d time.Duration) Procedure {
	head := Step{Unfreeze: ThawNothing(), Views: 1, Phase: Phase{Name: "head", Epochs: 10, LearningRate: 1}}
	top := Step{Phase: Phase{Name: "top", Epochs: 8, LearningRate: 1, Schedule: "cosine"}, Most: 20, Least: 3,
		Choices: []Choice{{ThawStages(2), 4}, {ThawStages(2), 2}, {ThawStages(2), 1}, {ThawStages(1), 1}}}
	return Procedure{Name: "test", Steps: []Step{head, top}, Budget: d}
}

// TestRunKeepsItsBudget: the machine changes its speed, and the run still ends within 15 % of the budget, or has done all there is to do.
func TestRunKeepsItsBudget(t *testing.T) {
	from := func(when time.Duration, factor float64) func(time.Duration) float64 {
		return func(since time.Duration) float64 {
			if since >= when {
				return factor
			}
			return 1
		}
	}
	for _, c := range []struct {
		name   string
		budget time.Duration
		slow   func(time.Duration) float64
		early  bool
	}{
		{"as planned", 60 * time.Second, nil, false},
		{"half the speed in the middle", 60 * time.Second, from(30*time.Second, 2), false},
		{"compiling and all else takes longer than thought", 60 * time.Second, from(time.Second, 1.5), false},
		{"twice the speed in the middle", 60 * time.Second, from(30*time.Second, 0.5), false},
		{"small", 25 * time.Second, nil, false},
		{"more than enough", 20 * time.Minute, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &fakeEngine{slow: c.slow}
			onFake(t, e)
			o, err := fakeTask.run(silent, fakeData, datasets.Dataset{}, budgeted(c.budget), func() time.Time { return e.now })
			if err != nil {
				t.Fatal(err)
			}
			off := o.Seconds/c.budget.Seconds() - 1
			if enough := o.Plans[len(o.Plans)-1].Enough(); enough != c.early || off > 0.15 || !c.early && off < -0.15 {
				t.Errorf("%.1f s of %s, enough %v\n%s", o.Seconds, c.budget, enough, o)
			}
			if len(o.Histories) != 2 || len(o.Plans) != 2 {
				t.Errorf("%d phases, %d plans\n%s", len(o.Histories), len(o.Plans), o)
			}
		})
	}
}

func TestRunWithoutTime(t *testing.T) {
	e := &fakeEngine{}
	onFake(t, e)
	_, err := fakeTask.run(silent, fakeData, datasets.Dataset{}, budgeted(10*time.Second), func() time.Time { return e.now })
	if err == nil || !strings.Contains(err.Error(), "give 14s or more") || len(e.fitted) != 0 {
		t.Errorf("error %v, %d phases fitted", err, len(e.fitted))
	}
	e = &fakeEngine{}
	onFake(t, e)
	o, err := fakeTask.run(silent, fakeData, datasets.Dataset{}, budgeted(16*time.Second), func() time.Time { return e.now })
	if err != nil || len(o.Histories) != 1 || len(o.Notes) != 1 || !strings.Contains(o.String(), `phase "top" was left out: the time is up`) {
		t.Errorf("%v\n%s", err, o)
	}
	// The machine stands still while the second phase is prepared: the head that is trained stays.
	e = &fakeEngine{slow: func(since time.Duration) float64 {
		if since > 16*time.Second {
			return 30
		}
		return 1
	}}
	onFake(t, e)
	o, err = fakeTask.run(silent, fakeData, datasets.Dataset{}, budgeted(40*time.Second), func() time.Time { return e.now })
	if err != nil || len(o.Histories) != 1 || len(o.Notes) != 1 {
		t.Errorf("%v\n%s", err, o)
	}
	// It is slow while the first is: that one comes first all the same, with the epochs that it was to have.
	e = &fakeEngine{slow: func(time.Duration) float64 { return 3 }}
	onFake(t, e)
	o, err = fakeTask.run(silent, fakeData, datasets.Dataset{}, budgeted(60*time.Second), func() time.Time { return e.now })
	if err != nil || len(o.Histories) == 0 || o.Histories[0].Phase.Name != "head" || len(o.Histories[0].Epochs) != 10 {
		t.Errorf("%v\n%s", err, o)
	}
}

// TestRunWithoutBudget: each phase as the step says, thawed by name.
func TestRunWithoutBudget(t *testing.T) {
	e := &fakeEngine{}
	onFake(t, e)
	o, err := fakeTask.run(silent, fakeData, datasets.Dataset{}, Gradual(Tuning{Epochs: 1}), func() time.Time { return e.now })
	if err != nil {
		t.Fatal(err)
	}
	var thawed []string
	for _, p := range e.fitted {
		if p.Within != 0 {
			t.Errorf("phase %q has a limit", p.Name)
		}
		thawed = append(thawed, strings.Join(p.Thaw, " "))
	}
	if want := []string{"head", "head top", "head b1 b2 top", "head a1 a2 b1 b2 top"}; !reflect.DeepEqual(thawed, want) {
		t.Errorf("thawed %q, want %q", thawed, want)
	}
	if len(o.Plans) != 0 || len(o.Histories) != 4 || len(o.Summary.Blocks) == 0 {
		t.Errorf("%+v", o)
	}
}

func TestRunInterrupted(t *testing.T) {
	e := &fakeEngine{stop: 2}
	onFake(t, e)
	o, err := fakeTask.run(silent, fakeData, datasets.Dataset{}, FineTune(Tuning{}), func() time.Time { return e.now })
	if !errors.Is(err, context.Canceled) || len(o.Histories) != 2 || len(o.Histories[1].Epochs) != 2 || o.Seconds == 0 {
		t.Errorf("%v\n%s", err, o)
	}
}

func TestRunRefuses(t *testing.T) {
	onFake(t, &fakeEngine{})
	for _, c := range []struct {
		p    Procedure
		want string
	}{
		{Procedure{Name: "none"}, `tl: run "none" on "fake": the procedure has no steps`},
		{Extract(Tuning{}).Within(-time.Second), "a budget of -1s"},
		{Scratch(Tuning{}), "put the head on base.Initial(seed) instead"},
		{Procedure{Steps: []Step{{Views: -1, Phase: Phase{Name: "x"}}}}, "-1 views"},
	} {
		if _, err := fakeTask.Run(silent, fakeData, datasets.Dataset{}, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if o, err := Load("net").Initial(1).WithHead("fake", Dense(2)).Run(silent, fakeData, datasets.Dataset{}, Scratch(Tuning{Epochs: 1})); err != nil {
		t.Errorf("%v\n%s", err, o)
	}
}
