package tl

import (
	"fmt"
	"math"
)

// Calibration says whether a model's probabilities can be taken at their word: of the images that it is 80 % sure of, are 80 % right?
type Calibration struct {
	Model string
	Bins  []CalibrationBin // of equal width, from 0 to 1; those without images, too
	N     int
	Error float64 // expected calibration error: the mean over images of |accuracy − confidence| of their bin (Naeini et al. 2015; Guo et al. 2017)
}

// CalibrationBin are the images whose predicted class has a probability above Low and up to High.
type CalibrationBin struct {
	Low, High  float64
	N          int
	Confidence float64 // the mean probability of the predicted class; 0 without images
	Accuracy   float64 // the share predicted right; 0 without images
}

// DefaultBins is how many bins a calibration has that is not told: as Guo et al. 2017, figure 1.
const DefaultBins = 10

// Calibration sorts the images into bins of equal width by the probability of the predicted class; bins is 10 where it is 0 or less.
func (e Evaluation) Calibration(bins int) (Calibration, error) {
	if bins <= 0 {
		bins = DefaultBins
	}
	if e.Predicts.Probabilities.Len() != e.N() || len(e.Predicts.Class) != e.N() {
		return Calibration{}, fmt.Errorf("tl: calibration of %q: probabilities of %d images for %d labels", e.Model, e.Predicts.Probabilities.Len(), e.N())
	}
	c := Calibration{Model: e.Model, Bins: make([]CalibrationBin, bins), N: e.N()}
	for i := range c.Bins {
		c.Bins[i].Low, c.Bins[i].High = float64(i)/float64(bins), float64(i+1)/float64(bins)
	}
	for i, label := range e.Labels {
		if class, n := e.Predicts.Class[i], len(e.Predicts.Probabilities.Row(i)); class < 0 || class >= n {
			return Calibration{}, fmt.Errorf("tl: calibration of %q: image %d is predicted as class %d of %d", e.Model, i, class, n)
		}
		p := float64(e.Predicts.Probability(i))
		if math.IsNaN(p) {
			return Calibration{}, fmt.Errorf("tl: calibration of %q: the probability of image %d is no number (did training diverge?)", e.Model, i)
		}
		bin := &c.Bins[min(max(int(math.Ceil(p*float64(bins)))-1, 0), bins-1)]
		bin.N++
		bin.Confidence += p
		if e.Predicts.Class[i] == label {
			bin.Accuracy++
		}
	}
	for i := range c.Bins {
		bin := &c.Bins[i]
		if bin.N == 0 {
			continue
		}
		bin.Confidence, bin.Accuracy = bin.Confidence/float64(bin.N), bin.Accuracy/float64(bin.N)
		c.Error += float64(bin.N) / float64(c.N) * math.Abs(bin.Accuracy-bin.Confidence)
	}
	return c, nil
}

// String lists the bins that have images.
func (c Calibration) String() string {
	rows := [][]string{{"probability", "images", "mean probability", "right"}}
	for _, b := range c.Bins {
		if b.N > 0 {
			rows = append(rows, []string{fmt.Sprintf("%.2f to %.2f", b.Low, b.High), WithCommas(int64(b.N)), fmt.Sprintf("%.3f", b.Confidence),
				fmt.Sprintf("%.3f", b.Accuracy)})
		}
	}
	return fmt.Sprintf("%s: expected calibration error %.3f on %d images\n%s", flat(c.Model), c.Error, c.N, table("lrrr", rows...))
}
