package engine

import (
	"fmt"
	"math"
	"slices"

	"transferlab/tl"
	"transferlab/tl/gx"
)

// optimizers are those of tl.Phase.
var optimizers = []string{"adam", "adamw", "rmsprop", "sgd"}

// checkPhase says what is wrong with a phase, but for what needs a model or labels.
func checkPhase(p tl.Phase, valid bool) error {
	for _, check := range []func(tl.Phase) error{checkRates, checkOptimizer, checkLoss, checkPolicies} {
		if err := check(p); err != nil {
			return fmt.Errorf("phase %q: %w", p.Name, err)
		}
	}
	if p.Patience > 0 && !valid {
		return fmt.Errorf("phase %q: Patience is %d without valid: early stopping looks at the loss on a validation set", p.Name, p.Patience)
	}
	return nil
}

func checkRates(p tl.Phase) error {
	_, schedule := gx.ScheduleByName(p.Schedule)
	switch {
	case p.Epochs < 1:
		return fmt.Errorf("Epochs is %d: at least 1", p.Epochs)
	case p.LearningRate == 0:
		return fmt.Errorf("LearningRate is 0: give one above 0, and freeze what must not move")
	case !(p.LearningRate > 0) || math.IsInf(p.LearningRate, 0):
		return fmt.Errorf("LearningRate is %g: a number above 0", p.LearningRate)
	case !(p.RateDecay >= 0 && p.RateDecay <= 1):
		return fmt.Errorf("RateDecay is %g: above 0 and at most 1, or 0 for one rate for all", p.RateDecay)
	case p.BatchSize < 1:
		return fmt.Errorf("BatchSize is %d: at least 1, or 0 for %d", p.BatchSize, defaultBatch)
	case p.Within < 0:
		return fmt.Errorf("Within is %s: a time above 0, or 0 for no limit", p.Within)
	case (p.WarmUp != 0 || p.StartDivisor != 0) && p.Schedule != "one-cycle":
		return fmt.Errorf("WarmUp and StartDivisor are for Schedule \"one-cycle\" alone")
	case !(p.WarmUp >= 0 && p.WarmUp < 1):
		return fmt.Errorf("WarmUp is %g: a share of the phase above 0 and below 1, or 0 for 0.25", p.WarmUp)
	case p.StartDivisor != 0 && !(p.StartDivisor >= 1 && !math.IsInf(p.StartDivisor, 0)):
		return fmt.Errorf("StartDivisor is %g: 1 or more, or 0 for 25", p.StartDivisor)
	}
	return schedule
}

func checkOptimizer(p tl.Phase) error {
	if p.Optimizer != "" && !slices.Contains(optimizers, p.Optimizer) {
		return noSuch("optimizer", p.Optimizer, optimizers)
	}
	switch {
	case !(p.Momentum >= 0 && p.Momentum < 1):
		return fmt.Errorf("Momentum is %g: at least 0 and below 1", p.Momentum)
	case p.Momentum > 0 && p.Optimizer != "sgd":
		return fmt.Errorf("Momentum %g is for Optimizer \"sgd\" alone: the others have averages of their own", p.Momentum)
	case !isAmount(p.WeightDecay):
		return fmt.Errorf("WeightDecay is %g: 0 or more", p.WeightDecay)
	case !isAmount(p.ClipNorm):
		return fmt.Errorf("ClipNorm is %g: the largest norm of the gradients, above 0, or 0 for no limit", p.ClipNorm)
	case !isAmount(p.Anchor):
		return fmt.Errorf("Anchor is %g: 0 or more", p.Anchor)
	case !isAmount(p.AnchorHead):
		return fmt.Errorf("AnchorHead is %g: 0 or more", p.AnchorHead)
	}
	return nil
}

// isAmount tells whether x is a finite number from 0 on.
func isAmount(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }

func checkLoss(p tl.Phase) error {
	balances := []string{string(tl.BalanceWeights), string(tl.BalanceOver), string(tl.BalanceUnder)}
	switch {
	case !(p.LabelSmoothing >= 0 && p.LabelSmoothing < 1):
		return fmt.Errorf("LabelSmoothing is %g: at least 0 and below 1", p.LabelSmoothing)
	case p.Balance != tl.BalanceNone && !slices.Contains(balances, string(p.Balance)):
		return noSuch("balance", string(p.Balance), balances)
	case p.Balance == tl.BalanceWeights && p.ClassWeights != nil:
		return fmt.Errorf("both ClassWeights and Balance \"weights\" weigh the classes: give one")
	case p.Patience < 0:
		return fmt.Errorf("Patience is %d: a number of epochs, or 0 for never", p.Patience)
	}
	sum := 0.0
	for class, weight := range p.ClassWeights {
		if !isAmount(weight) {
			return fmt.Errorf("the weight of class %d is %g: 0 or more", class, weight)
		}
		sum += weight
	}
	if p.ClassWeights != nil && sum == 0 {
		return fmt.Errorf("the weights of all classes are 0: nothing would be learned")
	}
	return nil
}

func checkPolicies(p tl.Phase) error {
	switch {
	case !slices.Contains([]tl.BatchNormPolicy{tl.BatchNormFrozen, tl.BatchNormAverages, tl.BatchNormTrained}, p.BatchNorm):
		return fmt.Errorf("no batch-norm policy %q (have \"\", \"averages\", \"trained\")", p.BatchNorm)
	case p.Precision != tl.Float32 && p.Precision != tl.BFloat16:
		return noSuch("precision", string(p.Precision), []string{string(tl.BFloat16)})
	}
	return nil
}

// thaw leaves exactly those blocks unfrozen that the phase names, where it names any.
func (t *trained) thaw(p tl.Phase) error {
	if p.Thaw == nil {
		return nil
	}
	names := slices.DeleteFunc(slices.Clone(p.Thaw), func(name string) bool { return name == headBlock })
	thawed := []string{}
	if len(names) > 0 { // no names would mean all
		var err error
		if thawed, err = t.chosen(names); err != nil {
			return fmt.Errorf("phase %q: thaw: %w", p.Name, err)
		}
	}
	for _, block := range t.base.Blocks {
		t.frozen[block.Name] = !slices.Contains(thawed, block.Name)
	}
	return nil
}

// blockNames are the names of the base's blocks, from the input on.
func (b *base) blockNames() []string {
	names := make([]string, len(b.Blocks))
	for i, block := range b.Blocks {
		names[i] = block.Name
	}
	return names
}
