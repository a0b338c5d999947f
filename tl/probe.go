package tl

import (
	"context"
	"fmt"
)

// Probe says how a linear probe is fitted: multinomial logistic regression on the representation (Alain & Bengio 2016), each number standardised by the
// mean and deviation of the rows that are trained on.
type Probe struct {
	Folds int     // of the stratified cross-validation: every row is predicted by a probe that did not see it; 0 is 5
	L2    float64 // the penalty: mean cross-entropy + L2/2·‖w‖²; 0 is 0.01
	Seed  int64   // of the folds
}

// ProbeResult is how well classes can be read linearly off a representation.
type ProbeResult struct {
	Base     string // the base's name, or the model's
	Place    string // where in the network, as Representation.Place says
	Channels int    // numbers for each image
	Classes  []string
	Labels   []int      // [n] true classes
	Class    []int      // [n] the class that a probe said that did not see the image
	Scores   Tensor     // [n, classes]: its probabilities
	Interval [2]float64 // 95 % bootstrap interval of the accuracy over images, as an Evaluation's
	Folds    int
	L2       float64
	Time     Timing
}

// Probe fits a linear probe by cross-validation and says how well it does. labels are the classes of the rows, nil those of the data set.
func (r Representation) Probe(ctx context.Context, labels []int, p Probe) (ProbeResult, error) {
	return call[ProbeResult](ctx, VerbProbe, r.Network(), ProbeRequest{r.request(), labels, p})
}

// Evaluation is the result as that of a model, for every figure that shows one: Confusion, ROC, Calibration, Intervals. Its predictions are each by
// a probe that did not see the image.
func (p ProbeResult) Evaluation() Evaluation {
	return Evaluation{Model: p.Base + ", " + p.Place, Classes: p.Classes, Labels: p.Labels, Interval: p.Interval, Time: p.Time,
		Predicts: Predictions{Classes: p.Classes, Probabilities: p.Scores, Class: p.Class}}
}

// Accuracy is the share of images whose class the probes said right.
func (p ProbeResult) Accuracy() float64 { return p.Evaluation().Accuracy() }

// BalancedAccuracy is the mean over classes of the share said right.
func (p ProbeResult) BalancedAccuracy() float64 { return p.Evaluation().BalancedAccuracy() }

// Majority is the most frequent class and its share: the accuracy of always giving that answer.
func (p ProbeResult) Majority() (class string, accuracy float64) { return p.Evaluation().Majority() }

// String states the accuracy beside what it must be compared with.
func (p ProbeResult) String() string {
	class, floor := p.Majority()
	return fmt.Sprintf("linear probe on %s of %s, %d numbers, %d images in %d folds: accuracy %.3f (95 %% interval %.3f to %.3f), balanced accuracy %.3f; "+
		"always answering %q would get %.3f", flat(p.Place), flat(p.Base), p.Channels, len(p.Labels), p.Folds, p.Accuracy(), p.Interval[0], p.Interval[1],
		p.BalancedAccuracy(), flat(class), floor)
}

// ProbeTable lists probes, one line each.
func ProbeTable(probes ...ProbeResult) string {
	rows := [][]string{{"base", "behind", "numbers", "accuracy", "95 % interval", "balanced"}}
	for _, p := range probes {
		rows = append(rows, []string{p.Base, p.Place, WithCommas(int64(p.Channels)), fmt.Sprintf("%.3f", p.Accuracy()),
			fmt.Sprintf("%.3f to %.3f", p.Interval[0], p.Interval[1]), fmt.Sprintf("%.3f", p.BalancedAccuracy())})
	}
	text := table("llrrrr", rows...)
	if len(probes) > 0 {
		class, floor := probes[0].Majority()
		text += fmt.Sprintf("always answering %q would get %.3f\n", flat(class), floor)
	}
	return text
}
