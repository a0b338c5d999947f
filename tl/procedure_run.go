package tl

import (
	"context"
	"fmt"
	"strings"
	"time"

	"transferlab/datasets"
	"transferlab/tl/remote"
)

// Outcome is how a procedure went.
type Outcome struct {
	Model     string
	Procedure Procedure
	Histories []History // of the phases that were fitted, in order
	Plans     []Plan    // with a budget: the plan before each phase, the first for all of them
	Notes     []string  // what was left out, and why
	Seconds   float64   // from the call of Run to its return
	Summary   Summary   // of the model at the end
}

// Run carries out the procedure step by step: it thaws and freezes, then fits the phase. A trained model goes on from where it is, with fresh
// optimizer state in each phase; Reset first to start over. With a budget it plans before each phase how the time that is left is best spent
// (see [Procedure.Within]); the measuring counts, too. Where a phase fails or ctx ends, the outcome so far comes with the error, and the model is as of
// the last finished epoch.
func (m Model) Run(ctx context.Context, train, valid datasets.Dataset, p Procedure) (Outcome, error) {
	return m.run(ctx, train, valid, p, time.Now)
}

func (m Model) run(ctx context.Context, train, valid datasets.Dataset, p Procedure, now func() time.Time) (Outcome, error) {
	start := now()
	r := &procedureRun{ctx: ctx, model: m, train: train, valid: valid, since: func() time.Duration { return now().Sub(start) },
		outcome: Outcome{Model: m.Name, Procedure: p}}
	err := p.check(m)
	for i := range p.Steps {
		if err != nil || r.over {
			break
		}
		err = r.step(i)
	}
	if err == nil {
		r.outcome.Summary, err = m.Summary(ctx)
	}
	r.outcome.Seconds = r.since().Seconds()
	if err != nil {
		return r.outcome, fmt.Errorf("tl: run %q on %q: %w", p.Name, m.Name, err)
	}
	return r.outcome, nil
}

// check finds what is wrong with a procedure before anything is done.
func (p Procedure) check(m Model) error {
	switch {
	case len(p.Steps) == 0:
		return fmt.Errorf("the procedure has no steps")
	case p.Budget < 0:
		return fmt.Errorf("a budget of %s: give a time above 0, or 0 for no limit", p.Budget)
	case p.Initial && !m.Base.startsEmpty():
		return fmt.Errorf("it starts from initial weights, and %q stands on pretrained ones: put the head on base.Initial(seed) instead", m.Name)
	}
	return nil
}

// startsEmpty tells whether the base has random weights.
func (b Base) startsEmpty() bool {
	return b.Weights.Initial || b.Network != nil && b.Weights == Weights{}
}

// procedureRun is a procedure while it runs.
type procedureRun struct {
	ctx          context.Context
	model        Model
	train, valid datasets.Dataset
	since        func() time.Duration // the call of Run
	outcome      Outcome
	over         bool // there is no time for another step
}

// step carries out the step at place i.
func (r *procedureRun) step(i int) error {
	summary, err := r.model.Summary(r.ctx)
	if err != nil {
		return err
	}
	options, err := r.options(i, summary)
	if err != nil {
		return err
	}
	option := options[0][0]
	if r.outcome.Procedure.Budget > 0 {
		if option, err = r.choose(i, options); err != nil || r.over {
			return err
		}
	}
	h, err := r.model.Fit(r.ctx, option.Train, r.valid, option.Phase)
	if len(h.Epochs) == 0 && err == nil {
		r.leaveOut(i, "not one epoch fitted when it was prepared")
		return nil
	}
	if len(h.Epochs) > 0 {
		r.outcome.Histories = append(r.outcome.Histories, h)
	}
	return err
}

// options are those of the steps from place i on. Each step finds the blocks as the first option of the one before leaves them.
func (r *procedureRun) options(i int, summary Summary) ([][]Option, error) {
	p := r.outcome.Procedure
	var all [][]Option
	for _, s := range p.Steps[i:] {
		options, err := s.options(p.Budget > 0, r.train, summary)
		if err != nil {
			return nil, err
		}
		all = append(all, options)
		if thaw := options[0].Phase.Thaw; thaw != nil {
			summary = summary.thawed(thaw)
		}
	}
	return all, nil
}

// choose plans the steps from place i on, and gives the option for the first of them with its epochs and its time.
func (r *procedureRun) choose(i int, options [][]Option) (Option, error) {
	p := r.outcome.Procedure
	plan, err := call[Plan](r.ctx, VerbPlan, r.model.Name, PlanRequest{Model: r.model, Valid: r.valid, Steps: p.Steps[i:], Options: options,
		Begun: i > 0, Budget: p.Budget, Spent: r.since()})
	if err != nil {
		return Option{}, err
	}
	r.outcome.Plans = append(r.outcome.Plans, plan)
	r.show(plan)
	first := plan.Steps[0]
	option := options[0][first.Place]
	option.Phase.Epochs = first.Epochs
	if plan.last(0) {
		option.Phase.Epochs = first.Most // as many as fit, should the machine be faster than measured
	}
	within := plan.limit(len(r.outcome.Histories) > 0) - (r.since() - plan.Spent)
	if first.Epochs == 0 || within <= 0 {
		r.leaveOut(i, "the time is up")
		r.over = true
	}
	if option.Phase.Within == 0 || within < option.Phase.Within {
		option.Phase.Within = within
	}
	return option, nil
}

// leaveOut notes that a step, and with it those behind it, was not done.
func (r *procedureRun) leaveOut(i int, why string) {
	r.outcome.Notes = append(r.outcome.Notes, fmt.Sprintf("phase %q was left out: %s", r.outcome.Procedure.Steps[i].Phase.Name, why))
}

// show prints a plan where progress goes.
func (r *procedureRun) show(p Plan) {
	report, done := reporter(r.ctx)
	report(remote.Progress{Stage: strings.TrimSuffix(p.String(), "\n"), Finished: true})
	done()
}

// String draws the phases with what each came to.
func (o Outcome) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s: %.1f s", flat(o.Model), flat(o.Procedure.Name), o.Seconds)
	if b := o.Procedure.Budget; b > 0 {
		fmt.Fprintf(&out, " of %s (%+.0f %%)", b, 100*(o.Seconds/b.Seconds()-1))
	}
	fmt.Fprintln(&out)
	rows := [][]string{{"phase", "unfrozen", "epochs", "kept", "loss", "valid loss", "valid accuracy", "seconds"}}
	for _, h := range o.Histories {
		row := []string{h.Phase.Name, counted(max(len(h.Rates)-1, 0), "block"), fmt.Sprint(len(h.Epochs)), fmt.Sprint(h.Kept), "–", "–", "–",
			secondsText(h.Time.Total.Seconds())}
		if h.Kept > 0 {
			e := h.Epochs[h.Kept-1]
			row[4], row[5], row[6] = fmt.Sprintf("%.4f", e.Loss), orDash("%.4f", e.ValidLoss), orDash("%.3f", e.ValidAccuracy)
		}
		rows = append(rows, row)
	}
	if len(o.Histories) > 0 {
		out.WriteString(table("llrrrrrr", rows...))
	}
	for _, note := range o.Notes {
		fmt.Fprintln(&out, note)
	}
	if len(o.Plans) > 0 {
		last := o.Plans[len(o.Plans)-1]
		if last.Enough() {
			fmt.Fprintln(&out, "every phase was planned with its most epochs: more time would change nothing")
		}
		out.WriteString(o.Plans[0].String())
	}
	return out.String()
}
