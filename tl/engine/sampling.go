package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"transferlab/tl"
)

// sampler says which training rows an epoch sees, in which order, and what their losses weigh.
type sampler struct {
	balance tl.Balance
	rows    int
	classes [][]int   // the rows of each class that has any
	weights []float32 // of each class; nil is 1 for all
}

// newSampler reads the labels of the training rows; logits is how many classes the head knows.
func newSampler(p tl.Phase, labels []int, logits int) (sampler, error) {
	s := sampler{balance: p.Balance, rows: len(labels)}
	byClass := make([][]int, logits)
	for row, label := range labels {
		byClass[label] = append(byClass[label], row)
	}
	s.classes = slices.DeleteFunc(slices.Clone(byClass), func(rows []int) bool { return len(rows) == 0 })
	if len(s.classes) < 2 {
		return s, fmt.Errorf("phase %q: every training row is of class %d, and there is nothing to tell apart: give rows of at least two classes", p.Name, labels[0])
	}
	if p.ClassWeights != nil && len(p.ClassWeights) != logits {
		return s, fmt.Errorf("phase %q: %d ClassWeights for a head of %d classes: give one for each", p.Name, len(p.ClassWeights), logits)
	}
	for _, weight := range p.ClassWeights {
		s.weights = append(s.weights, float32(weight))
	}
	if p.Balance == tl.BalanceWeights {
		s.weights = balancedWeights(byClass, len(labels))
	}
	return s, nil
}

// balancedWeights are n/(classes·n_c), of the classes that have rows: scikit-learn's compute_class_weight("balanced", …). A class without
// rows gets 1, which nothing sees.
func balancedWeights(byClass [][]int, n int) []float32 {
	present := 0
	for _, rows := range byClass {
		present += min(len(rows), 1)
	}
	weights := make([]float32, len(byClass))
	for class, rows := range byClass {
		weights[class] = 1
		if len(rows) > 0 {
			weights[class] = float32(float64(n) / float64(present*len(rows)))
		}
	}
	return weights
}

// weight is what the loss of a row of that class weighs.
func (s sampler) weight(class int) float32 {
	if s.weights == nil {
		return 1
	}
	return s.weights[class]
}

// size is how many rows an epoch has: the same in every epoch.
func (s sampler) size() int {
	switch s.balance {
	case tl.BalanceOver:
		return len(s.classes) * slices.Max(lengths(s.classes))
	case tl.BalanceUnder:
		return len(s.classes) * slices.Min(lengths(s.classes))
	}
	return s.rows
}

func lengths(classes [][]int) []int {
	n := make([]int, len(classes))
	for i, rows := range classes {
		n[i] = len(rows)
	}
	return n
}

// epoch draws the rows of one epoch. Over-sampling has every row as often as it goes into the largest class's number, and a random choice of rows once
// more; under-sampling has a random choice of as many rows as the smallest class has.
func (s sampler) epoch(random *rand.Rand) []int {
	if s.balance != tl.BalanceOver && s.balance != tl.BalanceUnder {
		return random.Perm(s.rows)
	}
	each := s.size() / len(s.classes)
	drawn := make([]int, 0, s.size())
	for _, rows := range s.classes {
		for range each / len(rows) {
			drawn = append(drawn, rows...)
		}
		for _, i := range random.Perm(len(rows))[:each%len(rows)] {
			drawn = append(drawn, rows[i])
		}
	}
	random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn
}
