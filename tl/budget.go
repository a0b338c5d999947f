package tl

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Cost is what a step of a procedure takes on this machine with one choice, in seconds.
type Cost struct {
	Prefix   float64 // running the frozen blocks, decoding included, over all views of train and over valid; nothing for what is cached
	Compile  float64 // of the graphs that are not compiled yet
	Epoch    float64 // the optimizer steps of one epoch
	Validate float64 // after each epoch
	Measured bool    // Epoch and Validate were; else they follow from the multiply-accumulates and the speed of other blocks
}

func (c Cost) prepare() float64         { return c.Prefix + c.Compile }
func (c Cost) epoch() float64           { return c.Epoch + c.Validate }
func (c Cost) total(epochs int) float64 { return c.prepare() + float64(epochs)*c.epoch() }

// seconds are what the step takes as planned, preparations included.
func (p Planned) seconds() float64 {
	if p.Epochs == 0 {
		return 0
	}
	return p.Cost.total(p.Epochs)
}

// Planned is what a plan gives one step.
type Planned struct {
	Phase  string // its name
	Choice Choice
	Place  int // of the choice among the step's
	Epochs int // 0: there is no time for the step
	Most   int // epochs that it could have had
	Cost   Cost
}

// Plan is how a budget is spent: a ledger in seconds of wall-clock time.
type Plan struct {
	Budget  time.Duration
	Spent   time.Duration // before the steps that are planned …
	Load    time.Duration // … of it for this plan, reading weights and images' hashes …
	Measure time.Duration // … and measuring, which leaves compiled graphs and cached activations behind
	Reserve time.Duration // for what is not foreseen
	Steps   []Planned
}

// Ends is when the plan expects to be done, on the clock of the budget.
func (p Plan) Ends() time.Duration { return p.Spent + duration(p.seconds()) }

// Enough tells whether every step for which there is time has all the epochs that are worth running, so that the budget is not used up.
func (p Plan) Enough() bool {
	return !slices.ContainsFunc(p.Steps, func(s Planned) bool { return s.Epochs > 0 && s.Epochs < s.Most })
}

func (p Plan) seconds() float64 {
	sum := 0.0
	for _, s := range p.Steps {
		sum += s.seconds()
	}
	return sum
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// String draws the ledger.
func (p Plan) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "plan for %s\n", p.Budget)
	rows := [][]string{{"", "", "epochs", "prefix", "compile", "train", "valid", "total", ""}}
	line := func(name, what, epochs string, seconds ...float64) {
		row := []string{name, what, epochs}
		for _, s := range seconds {
			row = append(row, secondsText(s))
		}
		rows = append(rows, row)
	}
	for _, spent := range []struct {
		name, what string
		time       time.Duration
	}{
		{"load", "weights, hashes of the images", p.Load},
		{"measure", "first images, compiling, a few steps", p.Measure},
		{"before", "what was done before", p.Spent - p.Load - p.Measure},
	} {
		if spent.time >= 50*time.Millisecond {
			rows = append(rows, []string{spent.name, spent.what, "", "", "", "", "", secondsText(spent.time.Seconds()), ""})
		}
	}
	for _, s := range p.Steps {
		if s.Epochs == 0 {
			rows = append(rows, []string{s.Phase, "no time", "0", "", "", "", "", "0.0", ""})
			continue
		}
		n := float64(s.Epochs)
		line(s.Phase, s.Choice.String(), fmt.Sprint(s.Epochs), s.Cost.Prefix, s.Cost.Compile, n*s.Cost.Epoch, n*s.Cost.Validate, s.seconds())
		rows[len(rows)-1] = append(rows[len(rows)-1], s.note())
	}
	left := (p.Budget - p.Ends()).Seconds()
	note := ""
	if p.Enough() {
		note = "every phase that fits has its most epochs"
	}
	rows = append(rows, []string{"left", "reserve and what does not fill an epoch", "", "", "", "", "", secondsText(left), note})
	out.WriteString(table("llrrrrrrl", rows...))
	return out.String()
}

func (s Planned) note() string {
	if s.Cost.Measured {
		return "measured"
	}
	return "estimated"
}

func secondsText(s float64) string { return fmt.Sprintf("%.1f", s) }

// reserveShare of a budget is kept for what is not foreseen, but no less than half a second.
const reserveShare = 0.02

// Plan spends what is left of the budget on the steps to come; costs[i][j] is that of step i with its choice j, spent what is gone of the
// budget by now. Of each step the first choice is taken whose Least epochs fit beside one epoch of each other step, the last step first; else the
// cheapest; where not even one epoch of that fits, steps are left out from the end. Then the steps share the time that is left second by second, until
// one has the most epochs that are worth running. A budget in which not even the first step fits is refused with the least that would do.
func (r PlanRequest) Plan(costs [][]Cost, spent time.Duration) (Plan, error) {
	p := Plan{Budget: r.Budget, Spent: spent, Reserve: max(duration(reserveShare*r.Budget.Seconds()), time.Second/2)}
	left := (r.Budget - spent - p.Reserve).Seconds()
	steps := len(r.Steps)
	for steps > 0 && leastOf(costs[:steps]) > left {
		steps--
	}
	if steps == 0 && !r.Begun && len(r.Steps) > 0 {
		least := leastOf(costs[:1])
		need := time.Duration(math.Ceil(max((spent.Seconds()+least)/(1-reserveShare), spent.Seconds()+least+0.5))) * time.Second
		return p, fmt.Errorf("%s is not enough for one phase on this machine: give %s or more "+
			"(loading and measuring took %.1f s, one epoch of phase %q takes %.1f s with what it needs before)", r.Budget, need, spent.Seconds(), r.Steps[0].Phase.Name, least)
	}
	for i, s := range r.Steps {
		p.Steps = append(p.Steps, Planned{Phase: s.Phase.Name, Choice: s.choices(true)[0], Most: s.most()})
		if i < steps {
			p.Steps[i].Epochs = 1
		}
	}
	for i := steps - 1; i >= 0; i-- {
		p.Steps[i].choose(r.Steps[i], costs[i], left-leastOf(costs[:i])-chosen(p.Steps[i+1:]))
	}
	p.share(left)
	return p, nil
}

// choose takes the first choice whose least epochs fit, with those; else the cheapest, with one.
func (p *Planned) choose(s Step, costs []Cost, available float64) {
	p.Place = slices.IndexFunc(costs, func(c Cost) bool { return c.total(s.least()) <= available })
	if p.Place >= 0 {
		p.Epochs = s.least()
	} else {
		p.Place = cheapest(costs)
	}
	p.Choice, p.Cost = s.choices(true)[p.Place], costs[p.Place]
}

// cheapest is the choice that comes to its first epoch's end soonest.
func cheapest(costs []Cost) int {
	best := 0
	for j, c := range costs {
		if c.total(1) < costs[best].total(1) {
			best = j
		}
	}
	return best
}

// leastOf is what one epoch of each step takes.
func leastOf(costs [][]Cost) float64 {
	sum := 0.0
	for _, choices := range costs {
		sum += choices[cheapest(choices)].total(1)
	}
	return sum
}

func chosen(steps []Planned) float64 { return Plan{Steps: steps}.seconds() }

// share gives the steps that are in the plan more epochs, of equal time, until each has its most or the time is gone.
func (p *Plan) share(left float64) {
	wanting := map[int]bool{}
	for i, s := range p.Steps {
		if s.Epochs > 0 {
			wanting[i] = true
		}
	}
	for len(wanting) > 0 {
		each := max(left-p.seconds(), 0) / float64(len(wanting))
		satisfied := false
		for i := range p.Steps {
			if s := &p.Steps[i]; wanting[i] && float64(s.Most-s.Epochs)*s.Cost.epoch() <= each {
				s.Epochs, satisfied = s.Most, true
				delete(wanting, i)
			}
		}
		if !satisfied {
			for i := range wanting {
				p.Steps[i].Epochs += int(each / p.Steps[i].Cost.epoch())
			}
			break
		}
	}
	p.fill(left)
}

// fill spends what rounding left over, on the last step that may have more.
func (p *Plan) fill(left float64) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		s := &p.Steps[i]
		for s.Epochs > 0 && s.Epochs < s.Most && s.Cost.epoch() <= left-p.seconds() {
			s.Epochs++
		}
	}
}

// limit is how long the first step of the plan may take. Its epochs are planned; what may take longer than thought is what it prepares, and then its
// epochs come first: all that is left is its own where it is the last, or where no phase was fitted yet. Else the later steps keep time for an epoch.
func (p Plan) limit(fitted bool) time.Duration {
	left := (p.Budget - p.Spent - p.Reserve).Seconds()
	if fitted {
		for _, s := range p.Steps[1:] {
			if s.Epochs > 0 {
				left -= s.Cost.total(1)
			}
		}
	}
	return duration(left)
}

// last tells whether no step behind the one at place i has time.
func (p Plan) last(i int) bool {
	return !slices.ContainsFunc(p.Steps[i+1:], func(s Planned) bool { return s.Epochs > 0 })
}
