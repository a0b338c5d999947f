package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// stoppedPhase is what a phase goes on from that was stopped: all that its next step depends on besides weights, data and phase. It stands
// at the end of the last finished epoch; whatever the steps behind that did is forgotten.
type stoppedPhase struct {
	Random    []byte                    // the source of the order of rows and of views, as rand.PCG marshals itself
	Optimizer string                    `json:",omitempty"` // file of the optimizer's float32 variables, by path: moments
	Others    map[string]storedVariable `json:",omitempty"` // its other variables, by path: step counter, state of dropout's random numbers
	Weights   string                    // digest of all weights then
	Frozen    []string                  // blocks

	optimizer *moment
}

// storedVariable is a variable that is not float32.
type storedVariable struct {
	Kind  string // as in dtypes: "Int64"
	Shape []int
	Bytes []byte // in the order of this machine, as in all files of the lab: little-endian
}

// resume goes on with a stopped phase; see tl.Model.Resume.
func (e *Engine) resume(ctx context.Context, r tl.ResumeRequest, report func(remote.Progress)) (tl.History, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.History{}, err
	}
	defer t.gate.Unlock()
	n := len(t.histories)
	if n == 0 || !t.histories[n-1].Stopped {
		return tl.History{}, errors.New("no phase of the model was stopped: start one with Fit")
	}
	last := t.histories[n-1]
	if len(t.journal.Phases) != n {
		return tl.History{}, errors.New("what the phase was given is not kept any more: start a phase with Fit")
	}
	if t.stopped == nil || t.stopped.Weights != digest(t.values) || !slices.Equal(t.stopped.Frozen, t.frozenNames()) {
		return tl.History{}, fmt.Errorf("phase %q cannot be gone on with: the model changed since, or the loss was no number; start a phase with Fit", last.Phase.Name)
	}
	// The phase that is gone on with takes the place of the stopped one, unless it cannot begin.
	histories, journal := t.histories, t.journal
	t.histories = histories[: n-1 : n-1]
	t.journal.Phases = journal.Phases[: n-1 : n-1]
	history, err := e.runPhase(ctx, t, tl.FitRequest{Model: r.Model, Train: r.Train, Valid: r.Valid, Phase: last.Phase}, &continuation{last, journal.Phases[n-1]}, report)
	if len(t.histories) < n {
		t.histories, t.journal = histories, journal
	}
	return history, err
}

// continuation is the stopped phase that a run goes on with.
type continuation struct {
	history tl.History
	entry   phaseEntry
}

// goOn gives a run that is about to begin what its phase had done before it was stopped.
func (u *run) goOn(c *continuation) error {
	if c == nil {
		return nil
	}
	for _, other := range []struct {
		name string
		same bool
	}{{"train", sameData(&u.entry.Train, &c.entry.Train)}, {"valid", sameData(u.entry.Valid, c.entry.Valid)}} {
		if !other.same {
			return fmt.Errorf("%s is not that of the stopped phase %q: give its data, or start a phase with Fit", other.name, u.phase.Name)
		}
	}
	u.entry.Before, u.entry.Resumed = c.entry.Before, c.entry.Resumed+1
	u.history.Epochs, u.history.Time = slices.Clone(c.history.Epochs), c.history.Time
	u.saved = slices.Clone(u.model.epochs)
	if len(u.saved) != len(u.history.Epochs) {
		return fmt.Errorf("the epochs of phase %q are not kept any more: start a phase with Fit", u.phase.Name)
	}
	return nil
}

// sameData tells whether two descriptions mean the same rows in the same order, varied alike.
func sameData(a, b *tl.ReceiptData) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Order == b.Order && a.Description == b.Description
}

// restoreStep gives the compiled step and the source of random numbers the state of a stopped phase. Call it when the step is loaded.
func (u *run) restoreStep() error {
	if len(u.saved) == 0 {
		return nil
	}
	s := u.model.stopped
	if err := u.source.UnmarshalBinary(s.Random); err != nil {
		return fmt.Errorf("the state of the random numbers: %w", err)
	}
	store := u.step.program.store
	set := func(path string, t *tensors.Tensor) error {
		variable := store.GetVariable(path)
		if variable == nil || !variable.Shape().Equal(t.Shape()) {
			return fmt.Errorf("the optimizer's state has a variable %s of shape %s, this version's step has not: start a phase with Fit", path, t.Shape())
		}
		return variable.SetValue(t)
	}
	if s.optimizer != nil {
		for path, v := range s.optimizer.values {
			if err := set(path, tensors.FromFlatDataAndDimensions(v.Data, v.Shape...)); err != nil {
				return err
			}
		}
	}
	for path, v := range s.Others {
		kind, err := dtypes.DTypeString(v.Kind)
		if err != nil {
			return fmt.Errorf("the optimizer's state: %w", err)
		}
		t, err := rowsTensor(kind, v.Shape, func(dst []byte) error {
			if len(dst) != len(v.Bytes) {
				return fmt.Errorf("the optimizer's state: %s has %d bytes, not %d", path, len(v.Bytes), len(dst))
			}
			copy(dst, v.Bytes)
			return nil
		})
		if err != nil {
			return err
		}
		if err := set(path, t); err != nil {
			return err
		}
	}
	return nil
}

// pause notes, at the end of an epoch, what the next one depends on.
func (u *run) pause() error {
	random, err := u.source.MarshalBinary()
	if err != nil {
		return err
	}
	s := &stoppedPhase{Random: random, Others: map[string]storedVariable{}, Frozen: u.model.frozenNames()}
	floating := map[string]*value{}
	for variable := range u.step.program.store.IterVariables() {
		if !u.keepsState(variable) {
			continue
		}
		t, err := variable.Value()
		if err != nil {
			return fmt.Errorf("engine: read %s: %w", variable.Path(), shorten(err))
		}
		if t.DType() == dtypes.Float32 && t.Rank() > 0 && t.Size() > 0 {
			data, err := floats(t)
			if err != nil {
				return err
			}
			floating[variable.Path()] = newValue(t.Shape().Dimensions, data)
			continue
		}
		stored := storedVariable{Kind: t.DType().String(), Shape: slices.Clone(t.Shape().Dimensions)}
		if err := t.ConstBytes(func(data []byte) { stored.Bytes = slices.Clone(data) }); err != nil {
			return fmt.Errorf("engine: read %s: %w", variable.Path(), shorten(err))
		}
		s.Others[variable.Path()] = stored
	}
	if len(floating) > 0 {
		s.optimizer = newMoment(floating)
	}
	u.paused = s
	return nil
}

// keepsState tells whether a variable of the step carries something from one step to the next besides the weights.
func (u *run) keepsState(v *model.Variable) bool {
	return u.model.values[v.Path()] == nil && !strings.Contains(v.Path(), "learning_rate")
}

// note adds the phase that ended to the journal, and keeps what it can be gone on from where it was stopped.
func (u *run) note(stopped bool) {
	t := u.model
	t.journal = t.journal.withPhase(u.noted())
	t.stopped = nil
	if !stopped || u.ctx.Err() == nil { // a phase that diverged would again
		return
	}
	t.stopped = u.resumable()
	t.stopped.Weights = u.entry.After
	if t.stopped.optimizer != nil {
		t.stopped.Optimizer = t.stopped.optimizer.name()
	}
}

// resumable is what the phase can be gone on from, were it stopped now: before the end of its first epoch it begins again.
func (u *run) resumable() *stoppedPhase {
	if u.paused == nil {
		return &stoppedPhase{Frozen: u.model.frozenNames()}
	}
	return u.paused
}

// newSource is where the order of rows and the views of the model's next phase come from: its seed and the phase's number.
func (t *trained) newSource() *rand.PCG {
	return rand.NewPCG(uint64(t.description.Seed), uint64(len(t.histories))+1)
}
