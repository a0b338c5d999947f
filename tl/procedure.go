package tl

import (
	"fmt"
	"math"
	"strings"
	"time"

	"transferlab/datasets"
)

// Procedure is a way to transfer, as a list of phases that can be printed and changed before it runs (see [Model.Run]). The functions
// that make one (Extract, FineTune, Gradual, Discriminative, LinearThenFull, L2SP, Scratch) follow a paper or a peer.
type Procedure struct {
	Name  string
	Paper string // where it comes from
	Steps []Step
	// Budget is the wall-clock time that Run may take, from its call to its return; 0 is no limit, and then every phase has its Epochs.
	Budget time.Duration
	// Initial says that it starts from initial weights: Run refuses a base with pretrained ones.
	Initial bool
}

// Step is one phase of a procedure, and what is unfrozen while it runs.
type Step struct {
	Unfreeze Thaw  // done before the phase, and left so after it
	Views    int   // how many of train's augmented views are used, the plain image among them; 0 is all that it has, 1 the plain image alone
	Phase    Phase // its Thaw stays nil where Unfreeze says something

	// Spread s > 1 spreads the rates evenly in their logarithm from LearningRate at the head to LearningRate/s at the first unfrozen group (the
	// stages of the network and the head), whatever their number: fastai's slice(lr/s, lr). It sets Phase.RateDecay. 0 leaves that as it is.
	Spread float64

	// With a budget:
	Most    int      // the most epochs worth running; 0 is Phase.Epochs
	Least   int      // the fewest with which a choice is worth making; 0 is 1
	Choices []Choice // in order of preference: the first that gets Least epochs is taken, else the cheapest; nil is Unfreeze and Views alone
}

// Choice is what a step does, where there is a budget to keep to.
type Choice struct {
	Unfreeze Thaw
	Views    int // as in Step
}

// String says it in words: "top 2 stages, 4 views".
func (c Choice) String() string { return c.Unfreeze.String() + ", " + viewsText(c.Views) }

func viewsText(n int) string {
	switch n {
	case 0:
		return "all views"
	case 1:
		return "plain images"
	}
	return fmt.Sprintf("%d views", n)
}

// Within is the procedure with a budget of d: Run measures this machine, plans how deep it unfreezes, how many views it uses and how many
// epochs each phase gets, prints the plan and keeps to d within 15 %; it ends earlier where every phase had its most epochs.
func (p Procedure) Within(d time.Duration) Procedure {
	p.Budget = d
	return p
}

// String lists the phases.
func (p Procedure) String() string {
	var out strings.Builder
	out.WriteString(flat(p.Name))
	if p.Paper != "" {
		fmt.Fprintf(&out, " (%s)", flat(p.Paper))
	}
	if p.Budget > 0 {
		fmt.Fprintf(&out, ", within %s", p.Budget)
	}
	out.WriteString("\n")
	rows := make([][]string, 0, len(p.Steps))
	for i, s := range p.Steps {
		choices := s.choices(p.Budget > 0)
		rows = append(rows, []string{fmt.Sprintf("%d.", i+1), s.Phase.Name, choices[0].String(), s.epochsText(p.Budget > 0), s.rateText(), s.detailText()})
		for _, c := range choices[1:] {
			rows = append(rows, []string{"", "", "or " + c.String(), "", "", ""})
		}
	}
	if len(rows) > 0 {
		out.WriteString(table("rlllll", rows...))
	}
	return out.String()
}

// choices are what the step may do, in order of preference.
func (s Step) choices(budget bool) []Choice {
	if budget && len(s.Choices) > 0 {
		return s.Choices
	}
	return []Choice{{s.Unfreeze, s.Views}}
}

// most and least bound the epochs of the step under a budget.
func (s Step) most() int {
	if s.Most > 0 {
		return max(s.Most, s.least())
	}
	return max(s.Phase.Epochs, s.least())
}

func (s Step) least() int { return max(s.Least, 1) }

func (s Step) epochsText(budget bool) string {
	if budget {
		return "up to " + counted(s.most(), "epoch")
	}
	return counted(s.Phase.Epochs, "epoch")
}

func (s Step) rateText() string {
	text := fmt.Sprintf("rate %.3g", s.Phase.LearningRate)
	switch {
	case s.Spread > 1:
		text += fmt.Sprintf(" to %.3g", s.Phase.LearningRate/s.Spread)
	case s.Phase.RateDecay > 0 && s.Phase.RateDecay < 1:
		text += fmt.Sprintf(" × %.3g a stage", s.Phase.RateDecay)
	}
	return text
}

// detailText lists what is not the default.
func (s Step) detailText() string {
	p := s.Phase
	var details []string
	add := func(is bool, format string, arguments ...any) {
		if is {
			details = append(details, fmt.Sprintf(format, arguments...))
		}
	}
	add(p.Optimizer != "", "%s", p.Optimizer)
	add(p.Momentum > 0, "momentum %g", p.Momentum)
	add(p.Schedule != "", "%s", p.Schedule)
	add(p.WarmUp > 0, "rising for %g", p.WarmUp)
	add(p.StartDivisor > 0, "from 1/%g", p.StartDivisor)
	add(p.BatchSize > 0, "batches of %d", p.BatchSize)
	add(p.WeightDecay > 0, "weight decay %g", p.WeightDecay)
	add(p.LabelSmoothing > 0, "label smoothing %g", p.LabelSmoothing)
	add(p.Anchor > 0, "anchor %g", p.Anchor)
	add(p.AnchorHead > 0, "on the head %g", p.AnchorHead)
	add(p.ClipNorm > 0, "gradients clipped to %g", p.ClipNorm)
	add(p.Balance != "", "balanced by %s", p.Balance)
	add(p.Patience > 0, "patience %d", p.Patience)
	add(p.KeepLast, "the last epoch is kept")
	return strings.Join(details, ", ")
}

// Option is a choice worked out for a model and its data.
type Option struct {
	Train datasets.Dataset // in as many views as it is to have
	Phase Phase            // with the blocks that are thawed by name
}

// options are the step's choices for a model of that summary.
func (s Step) options(budget bool, train datasets.Dataset, summary Summary) ([]Option, error) {
	var options []Option
	for _, c := range s.choices(budget) {
		p, err := s.as(c, summary)
		if err == nil && c.Views < 0 {
			err = fmt.Errorf("%d views: 1 or more, or 0 for all that train has", c.Views)
		}
		if err != nil {
			return nil, fmt.Errorf("phase %q: %w", p.Name, err)
		}
		options = append(options, Option{views(train, c.Views), p})
	}
	return options, nil
}

// views is d with n of its augmented views, all for 0.
func views(d datasets.Dataset, n int) datasets.Dataset {
	if n > 0 && n < d.Augmentation.Views() {
		d.Augmentation.V = n
	}
	return d
}

// as is the phase of a step for a model: what is unfrozen, by name, and the rates that Spread means.
func (s Step) as(c Choice, summary Summary) (Phase, error) {
	p := s.Phase
	if c.Unfreeze.Kind != "" && p.Thaw != nil {
		return p, fmt.Errorf("both Unfreeze and Phase.Thaw say what is unfrozen: give one")
	}
	open, err := c.Unfreeze.Blocks(summary)
	if err != nil {
		return p, err
	}
	if c.Unfreeze.Kind != "" {
		p.Thaw = append([]string{headStage}, open...)
	}
	switch {
	case s.Spread == 0:
	case !(s.Spread >= 1) || math.IsInf(s.Spread, 0):
		return p, fmt.Errorf("Spread is %g: 1 or more, or 0 to leave RateDecay as it is", s.Spread)
	default:
		p.RateDecay = 0
		if groups := stagesOf(summary, open); groups > 0 {
			p.RateDecay = math.Pow(s.Spread, -1/float64(groups))
		}
	}
	return p, nil
}

// stagesOf counts the stages that a RateDecay passes on its way from the head to the first of those blocks.
func stagesOf(s Summary, open []string) int {
	stages, stage, found := 0, "", false
	for _, b := range s.Blocks {
		if !found && (len(open) == 0 || b.Name != open[0]) || b.Stage == headStage {
			continue
		}
		found = true
		if b.Stage != stage {
			stages, stage = stages+1, b.Stage
		}
	}
	return stages
}
