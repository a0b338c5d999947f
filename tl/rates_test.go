package tl

import (
	"math"
	"slices"
	"testing"
)

// search is the losses of 100 steps from 1e-7 to 10 on a task that learns around 1.6e-3 and explodes above 0.3, with batches that differ.
func search() (rates, losses []float64) {
	for i := range 100 {
		rate := 1e-7 * math.Pow(1e8, float64(i)/99)
		loss := 0.7 - 0.55/(1+math.Exp(-2.2*(math.Log10(rate)+2.8))) + 0.02*math.Sin(1.7*float64(i))
		if rate > 0.3 {
			loss += math.Pow(rate/0.3, 2) - 1
		}
		rates, losses = append(rates, rate), append(losses, loss)
	}
	return rates, losses
}

// TestSuggestionsAreFastais: the wanted rates come from fastai's three functions on the same losses (Python, see the numbers' places in the
// curve behind the first tenth): valley at 41, steep at 51, the lowest at 70.
func TestSuggestionsAreFastais(t *testing.T) {
	c := NewRateCurve(search())
	for _, s := range []struct {
		name      string
		got, want float64
	}{{"valley", c.Valley, 0.0013219411484660286}, {"steep", c.Steep, 0.008497534359086439}, {"tenth", c.Tenth, 0.029150530628251757}} {
		if math.Abs(s.got/s.want-1) > 1e-9 {
			t.Errorf("%s %g, want %g", s.name, s.got, s.want)
		}
	}
	if !c.Diverged || len(c.Rates) != 90 {
		t.Errorf("%d steps, diverged %v", len(c.Rates), c.Diverged)
	}
	c.Model = "cells"
	golden(t, "rates", c.String())
}

func TestRateCurveOfDamage(t *testing.T) {
	rates, losses := search()
	losses[60] = math.NaN()
	c := NewRateCurve(rates, losses)
	if !c.Diverged || len(c.Rates) != 61 || !math.IsNaN(c.Smoothed[60]) || c.Valley == 0 || c.Valley > rates[60] {
		t.Errorf("NaN at step 61: %d steps, %v, valley %g", len(c.Rates), c.Diverged, c.Valley)
	}
	losses[12] = math.Inf(1)
	if c = NewRateCurve(rates, losses); !c.Diverged || len(c.Rates) != 13 || c.Valley != 0 || c.Steep != 0 || c.Tenth != 0 {
		t.Errorf("infinite at step 13: %+v", c)
	}
	_ = c.String()
	losses[0] = math.NaN()
	if c = NewRateCurve(rates, losses); len(c.Rates) != 1 || !c.Diverged {
		t.Errorf("NaN at once: %+v", c)
	}
	_ = c.String()
	flat := slices.Repeat([]float64{1}, 100)
	if c = NewRateCurve(rates, flat); c.Diverged || c.Valley == 0 {
		t.Errorf("flat: %+v", c)
	}
	_ = c.String()
	if c = NewRateCurve(nil, nil); c.String() == "" || c.Valley != 0 {
		t.Errorf("empty: %+v", c)
	}
	if c = NewRateCurve(rates[:8], losses[1:9]); c.String() == "" {
		t.Errorf("short: %+v", c)
	}
}
