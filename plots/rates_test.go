package plots

import (
	"testing"

	"transferlab/tl"
)

// What lies before the lowest loss is drawn whole, however noisy its start; what explodes behind it is cut.
func TestRatesShowsWhatLeadsToTheLowestLoss(t *testing.T) {
	smoothed := []float64{0.72, 0.80, 0.78, 0.70, 0.65, 0.90, 4}
	rates := []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1}
	_, high := Rates(tl.RateCurve{Rates: rates, Losses: smoothed, Smoothed: smoothed}).limits()
	if high < 0.80 || high > 0.90 {
		t.Errorf("the axis ends at %.3f: want 0.80 on it, and 4 not", high)
	}
}
