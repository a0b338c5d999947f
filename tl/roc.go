package tl

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// ROC is the receiver operating characteristic of one class against all others: which share of its images is found, against which share of the others
// is taken for it, for every threshold on its probability (Fawcett 2006).
type ROC struct {
	Model      string
	Class      string
	Positives  int // images of the class
	Negatives  int // all others
	Thresholds []float64
	Found      []float64  // true-positive rate: share of the positives with a probability of at least the threshold, from 0 to 1
	False      []float64  // false-positive rate: share of the negatives, from 0 to 1
	Area       float64    // under the curve: how probable it is that a positive has a higher probability than a negative, ties counted half
	Interval   [2]float64 // 95 % bootstrap interval of the area, positives and negatives drawn apart, seed 0
}

// ROC reads the curve of a class off the probabilities. Without images of the class, or of others, it is an error. For two classes the name of the
// second, often the rarer, is the usual choice.
func (e Evaluation) ROC(class string) (ROC, error) {
	c := slices.Index(e.Classes, class)
	if c < 0 {
		return ROC{}, fmt.Errorf("tl: ROC of %q: no class %q (have %s)", e.Model, class, listed(e.Classes))
	}
	if e.Predicts.Probabilities.Len() != e.N() {
		return ROC{}, fmt.Errorf("tl: ROC of %q: probabilities of %d images for %d labels", e.Model, e.Predicts.Probabilities.Len(), e.N())
	}
	var positives, negatives []float64
	for i, label := range e.Labels {
		row := e.Predicts.Probabilities.Row(i)
		if len(row) != len(e.Classes) {
			return ROC{}, fmt.Errorf("tl: ROC of %q: %d probabilities of each image for %d classes", e.Model, len(row), len(e.Classes))
		}
		p := float64(row[c])
		if math.IsNaN(p) {
			return ROC{}, fmt.Errorf("tl: ROC of %q: the probability of image %d is no number (did training diverge?)", e.Model, i)
		}
		if label == c {
			positives = append(positives, p)
		} else {
			negatives = append(negatives, p)
		}
	}
	if len(positives) == 0 || len(negatives) == 0 {
		return ROC{}, fmt.Errorf("tl: ROC of %q: %d images of %q and %d others; both are needed", e.Model, len(positives), class, len(negatives))
	}
	slices.Sort(positives)
	slices.Sort(negatives)
	r := ROC{Model: e.Model, Class: class, Positives: len(positives), Negatives: len(negatives)}
	r.trace(positives, negatives)
	r.Area = area(positives, negatives)
	r.Interval = areaInterval(positives, negatives)
	return r, nil
}

// trace walks from the highest threshold, at which nothing is found, to the lowest. Both lists ascend.
func (r *ROC) trace(positives, negatives []float64) {
	r.Thresholds, r.Found, r.False = []float64{math.Inf(1)}, []float64{0}, []float64{0}
	p, n := len(positives), len(negatives)
	for p > 0 || n > 0 {
		threshold := math.Inf(-1)
		if p > 0 {
			threshold = positives[p-1]
		}
		if n > 0 {
			threshold = max(threshold, negatives[n-1])
		}
		for p > 0 && positives[p-1] == threshold {
			p--
		}
		for n > 0 && negatives[n-1] == threshold {
			n--
		}
		r.Thresholds = append(r.Thresholds, threshold)
		r.Found = append(r.Found, share(len(positives)-p, len(positives)))
		r.False = append(r.False, share(len(negatives)-n, len(negatives)))
	}
}

// area is the Mann-Whitney statistic over the number of pairs, of two ascending lists.
func area(positives, negatives []float64) float64 {
	below, upTo, wins := 0, 0, 0.0
	for _, p := range positives {
		for below < len(negatives) && negatives[below] < p {
			below++
		}
		for upTo < len(negatives) && negatives[upTo] <= p {
			upTo++
		}
		wins += float64(below+upTo) / 2
	}
	return wins / float64(len(positives)) / float64(len(negatives))
}

// areaInterval draws positives and negatives apart, so that no draw lacks either. What is drawn of an ascending list is given as how often each place
// was drawn, which needs no sorting.
func areaInterval(positives, negatives []float64) [2]float64 {
	of, against := make([]int, len(positives)), make([]int, len(negatives))
	return interval(0, func(random *rand.Rand) float64 {
		for _, times := range [][]int{of, against} {
			clear(times)
			for range times {
				times[random.IntN(len(times))]++
			}
		}
		return weightedArea(positives, negatives, of, against)
	})
}

// weightedArea is area of lists in which each number stands as often as times says.
func weightedArea(positives, negatives []float64, of, against []int) float64 {
	below, upTo, i, j, wins := 0, 0, 0, 0, 0.0
	all, most := 0, 0
	for _, t := range against {
		all += t
	}
	for at, p := range positives {
		for i < len(negatives) && negatives[i] < p {
			below += against[i]
			i++
		}
		for j < len(negatives) && negatives[j] <= p {
			upTo += against[j]
			j++
		}
		most += of[at]
		wins += float64(of[at]) * float64(below+upTo) / 2
	}
	return wins / float64(most) / float64(all)
}

// String states the area.
func (r ROC) String() string {
	return fmt.Sprintf("%s: area under the ROC curve of %q %.3f (95 %% interval %.3f to %.3f), %d images of it and %d others", flat(r.Model), flat(r.Class),
		r.Area, r.Interval[0], r.Interval[1], r.Positives, r.Negatives)
}

// listed joins names for a message, at most ten of them.
func listed(names []string) string {
	text := ""
	for i, name := range names {
		if i == 10 {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += flat(name)
	}
	return cmp.Or(text, "none")
}
