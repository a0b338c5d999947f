package tl

import (
	"strings"
	"testing"
	"time"
)

// costsOf is a head that takes nothing and a fine-tuning with three choices on a machine of 50 images a second.
func costsOf() [][]Cost {
	return [][]Cost{
		{{Prefix: 36, Compile: 5, Epoch: 0.05, Validate: 0.01, Measured: true}},
		{{Prefix: 100, Compile: 12, Epoch: 19, Validate: 1}, {Prefix: 33, Compile: 12, Epoch: 19, Validate: 1}, {Compile: 6, Epoch: 4, Validate: 1}},
	}
}

func stepsOf() []Step {
	return []Step{
		{Unfreeze: ThawNothing(), Views: 1, Phase: Phase{Name: "head", Epochs: 20, LearningRate: 1}},
		{Phase: Phase{Name: "top", Epochs: 8, LearningRate: 1}, Most: 30, Least: 3, Choices: []Choice{{ThawStages(2), 4}, {ThawStages(2), 2}, {ThawStages(1), 1}}},
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name          string
		budget, spent time.Duration
		begun         bool
		place         int
		epochs        [2]int
		enough        bool
		err           string
	}{
		// 300·0.98 − 3 − 42.2 = 248.8 s: 112 s of preparations leave six epochs of 20 s.
		{"time for the first choice", 5 * time.Minute, 3 * time.Second, false, 0, [2]int{20, 6}, false, ""},
		// 131 s: the first choice would leave less than three epochs, the second leaves four.
		{"time for the second", 3 * time.Minute, 3 * time.Second, false, 1, [2]int{20, 4}, false, ""},
		{"time for the third", 2 * time.Minute, 3 * time.Second, false, 2, [2]int{20, 13}, false, ""},
		{"more than enough", 20 * time.Minute, 3 * time.Second, false, 0, [2]int{20, 30}, true, ""},
		{"one epoch of the cheapest", 57 * time.Second, 2 * time.Second, false, 2, [2]int{20, 1}, false, ""},
		{"no time for the second step", 50 * time.Second, 2 * time.Second, false, 0, [2]int{20, 0}, true, ""},
		{"no time for anything", 30 * time.Second, 2 * time.Second, false, 0, [2]int{}, false, "give 44s or more"},
		{"no time after a first step", 30 * time.Second, 2 * time.Second, true, 0, [2]int{0, 0}, true, ""},
		{"all gone after a first step", 30 * time.Second, 31 * time.Second, true, 0, [2]int{0, 0}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := PlanRequest{Steps: stepsOf(), Budget: c.budget, Begun: c.begun}
			p, err := r.Plan(costsOf(), c.spent)
			if c.err != "" || err != nil {
				if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if p.Steps[0].Epochs != c.epochs[0] || p.Steps[1].Epochs != c.epochs[1] || p.Steps[1].Place != c.place || p.Enough() != c.enough {
				t.Errorf("%+v, enough %v, want choice %d, epochs %v, %v\n%s", p.Steps, p.Enough(), c.place, c.epochs, c.enough, p)
			}
			if p.Ends() > p.Budget && !c.begun {
				t.Errorf("the plan ends at %s of %s", p.Ends(), p.Budget)
			}
		})
	}
}

// TestLeastBudgetIsEnough: what the error asks for is what does, and a second less does not.
func TestLeastBudgetIsEnough(t *testing.T) {
	for _, c := range []struct {
		least time.Duration
		ok    bool
	}{{44 * time.Second, true}, {43 * time.Second, false}} {
		if _, err := (PlanRequest{Steps: stepsOf(), Budget: c.least}).Plan(costsOf(), 2*time.Second); (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.least, err)
		}
	}
}

// TestStepsShareTheTime: two steps of one cost get the same time; what a cheap one does not need goes to the others.
func TestStepsShareTheTime(t *testing.T) {
	step := Step{Phase: Phase{Epochs: 100, LearningRate: 1}}
	r := PlanRequest{Steps: []Step{step, step, {Phase: Phase{Epochs: 3, LearningRate: 1}}}, Budget: 100 * time.Second}
	p, err := r.Plan([][]Cost{{{Prefix: 10, Epoch: 2}}, {{Prefix: 10, Epoch: 4}}, {{Epoch: 1}}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	// 98 s without the reserve, 20 of preparations, 3 of the last step, a first epoch each of 2 and 4: 69 s, 34.5 each.
	if got := [3]int{p.Steps[0].Epochs, p.Steps[1].Epochs, p.Steps[2].Epochs}; got != [3]int{18, 9, 3} && got != [3]int{19, 9, 3} {
		t.Errorf("epochs %v\n%s", got, p)
	}
	if left := p.Budget - p.Ends(); left > 6*time.Second || left < p.Reserve {
		t.Errorf("%s left\n%s", left, p)
	}
}

func TestPlanIsALedger(t *testing.T) {
	p, err := PlanRequest{Steps: stepsOf(), Budget: 3 * time.Minute}.Plan(costsOf(), 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	p.Load, p.Measure = 1200*time.Millisecond, 1800*time.Millisecond
	golden(t, "plan", p.String())
}
