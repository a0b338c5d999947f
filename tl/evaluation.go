package tl

import (
	"fmt"
	"strings"
)

// Evaluation is a model measured on images it was not trained on. n images, c classes.
type Evaluation struct {
	Model    string
	Phase    string // the last phase that was fitted, "" for an untrained head
	Classes  []string
	Labels   []int // [n] true classes
	Predicts Predictions
	Loss     float64    // mean cross-entropy in nats
	Interval [2]float64 // 95 % bootstrap interval of the accuracy over images (Efron 1979, percentile, 2,000 draws, seed 0)
	Time     Timing
	Views    int // how many views of each image were averaged; 0 and 1 are the plain image alone
}

// N is the number of images.
func (e Evaluation) N() int { return len(e.Labels) }

// Confusion counts images: row = true class, column = predicted class.
func (e Evaluation) Confusion() [][]int {
	m := make([][]int, len(e.Classes))
	for i := range m {
		m[i] = make([]int, len(e.Classes))
	}
	for i, label := range e.Labels {
		m[label][e.Predicts.Class[i]]++
	}
	return m
}

// Accuracy is the share of images whose class is predicted right; 0 for no images.
func (e Evaluation) Accuracy() float64 {
	right := 0
	for i, label := range e.Labels {
		if e.Predicts.Class[i] == label {
			right++
		}
	}
	return share(right, len(e.Labels))
}

// BalancedAccuracy is the mean over classes of the share that is predicted right: what a constant answer gets is 1/classes.
// Classes without an image are left out.
func (e Evaluation) BalancedAccuracy() float64 {
	right, all := make([]int, len(e.Classes)), make([]int, len(e.Classes))
	for i, label := range e.Labels {
		all[label]++
		if e.Predicts.Class[i] == label {
			right[label]++
		}
	}
	return meanShare(right, all)
}

// meanShare is the mean over classes of right of all, those without an image left out.
func meanShare(right, all []int) float64 {
	sum, classes := 0.0, 0
	for class, n := range all {
		if n > 0 {
			sum, classes = sum+share(right[class], n), classes+1
		}
	}
	if classes == 0 {
		return 0
	}
	return sum / float64(classes)
}

// Majority is the most frequent true class and its share: the accuracy of always giving that answer.
func (e Evaluation) Majority() (class string, accuracy float64) {
	counts := make([]int, len(e.Classes))
	best := 0
	for _, label := range e.Labels {
		counts[label]++
	}
	for c := range counts {
		if counts[c] > counts[best] {
			best = c
		}
	}
	if len(counts) == 0 {
		return "", 0
	}
	return e.Classes[best], share(counts[best], len(e.Labels))
}

// Mistakes are the positions of images predicted wrong, the most confident mistake first.
func (e Evaluation) Mistakes() []int {
	var wrong []int
	for i, label := range e.Labels {
		if e.Predicts.Class[i] != label {
			wrong = append(wrong, i)
		}
	}
	sortBy(wrong, func(i int) float64 { return -float64(e.Predicts.Probability(i)) })
	return wrong
}

// mostRows is how much of a long list is printed.
const mostRows = 20

// String states the accuracy beside what it must be compared with, and the confusion matrix of up to 20 classes.
func (e Evaluation) String() string {
	var out strings.Builder
	majority, floor := e.Majority()
	fmt.Fprintf(&out, "%s on %d images: accuracy %.3f (95 %% interval %.3f to %.3f), balanced accuracy %.3f, loss %.4f\n",
		e.Model, e.N(), e.Accuracy(), e.Interval[0], e.Interval[1], e.BalancedAccuracy(), e.Loss)
	if e.Views > 1 {
		fmt.Fprintf(&out, "mean probabilities over %d views of each image\n", e.Views)
	}
	fmt.Fprintf(&out, "always answering %q would get %.3f\n", majority, floor)
	if len(e.Classes) > mostRows {
		fmt.Fprintf(&out, "%d classes: Confusion has the matrix\n", len(e.Classes))
		return out.String()
	}
	rows := [][]string{append([]string{"true \\ predicted"}, e.Classes...)}
	for i, counts := range e.Confusion() {
		row := []string{e.Classes[i]}
		for _, n := range counts {
			row = append(row, WithCommas(int64(n)))
		}
		rows = append(rows, row)
	}
	out.WriteString(table("l"+strings.Repeat("r", len(e.Classes)), rows...))
	return out.String()
}

// Predictions are a model's answers for n images.
type Predictions struct {
	Classes       []string
	Logits        Tensor // [n, classes]
	Probabilities Tensor // [n, classes]: softmax of the logits
	Class         []int  // [n]: the most probable class
}

// Probability is the probability of the class predicted for image i.
func (p Predictions) Probability(i int) float32 { return p.Probabilities.Row(i)[p.Class[i]] }

// Top are the k most probable classes of image i, the most probable first.
func (p Predictions) Top(i, k int) []int {
	row := p.Probabilities.Row(i)
	order := make([]int, len(row))
	for c := range order {
		order[c] = c
	}
	sortBy(order, func(c int) float64 { return -float64(row[c]) })
	return order[:min(k, len(order))]
}

// String lists the three most probable classes of each image, at most twenty images.
func (p Predictions) String() string {
	var out strings.Builder
	for i := range min(len(p.Class), mostRows) {
		fmt.Fprintf(&out, "%3d ", i)
		for _, c := range p.Top(i, 3) {
			fmt.Fprintf(&out, "  %s %.3f", p.Classes[c], p.Probabilities.Row(i)[c])
		}
		fmt.Fprintln(&out)
	}
	if len(p.Class) > mostRows {
		fmt.Fprintf(&out, "… and %d more\n", len(p.Class)-mostRows)
	}
	return out.String()
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
