package gx

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Schedule gives the factor in [0, 1] by which the maximal learning rate is multiplied at a step, counted from 0, of total steps.
// Steps outside [0, total] are taken as its ends.
type Schedule func(step, total int) float64

// Constant is 1 at every step.
func Constant(int, int) float64 { return 1 }

// Cosine falls from 1 to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts).
func Cosine(step, total int) float64 { return between(1, 0, progress(step, total)) }

// OneCycle rises from 1/25 to 1 in the first quarter and falls to 1/100,000 in the rest, both along half a cosine (Smith 2018, with
// the values of fastai's fit_one_cycle; momentum is left alone).
func OneCycle(step, total int) float64 { return OneCycleWith(0.25, 25)(step, total) }

// OneCycleWith is OneCycle that rises from 1/divisor in the share warmUp of the steps, in (0, 1).
func OneCycleWith(warmUp, divisor float64) Schedule {
	return func(step, total int) float64 {
		const end = 1e-5
		t := progress(step, total)
		if t < warmUp {
			return between(1/divisor, 1, t/warmUp)
		}
		return between(1, end, (t-warmUp)/(1-warmUp))
	}
}

// schedules are the schedules by their names in tl.Phase.
var schedules = []struct {
	name     string
	schedule Schedule
}{{"constant", Constant}, {"cosine", Cosine}, {"one-cycle", OneCycle}}

// ScheduleByName finds "constant" (also ""), "cosine" or "one-cycle".
func ScheduleByName(name string) (Schedule, error) {
	if name == "" {
		return Constant, nil
	}
	var names []string
	for _, s := range schedules {
		if s.name == name {
			return s.schedule, nil
		}
		names = append(names, s.name)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("gx: no learning-rate schedule %q (have %s)", name, strings.Join(names, ", "))
}

// progress is step/total, in [0, 1].
func progress(step, total int) float64 {
	if step <= 0 || total <= 0 {
		return 0
	}
	return min(float64(step)/float64(total), 1)
}

// between goes from a to b along half a cosine as t goes from 0 to 1.
func between(a, b, t float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*t))/2 }
