package tl

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"transferlab/datasets"
)

// RateSearch says how FindRate searches. The zero value is fastai's: 100 steps from 1e-7 to 10.
type RateSearch struct {
	From, To float64 // learning rates of the first and last step; 0 is 1e-7 and 10
	Steps    int     // 0 is 100; at least 6, as there
	// Phase gives everything but rates, schedule and epochs: optimizer, batch size, weight decay, what is thawed … Its LearningRate is not looked at;
	// RateDecay and Rates are, and then the rate of the curve is that of the head.
	Phase Phase
}

// RateCurve is the loss of training steps at ever higher learning rates (Smith 2017, section 3.3, as fastai's lr_find). Its three suggestions
// are read off the smoothed losses behind the first tenth of the steps and before the last five, as there; each is 0 where too few are left.
type RateCurve struct {
	Model    string
	Rates    []float64 // of each step, in geometric steps
	Losses   []float64 // of the batch; the last may be NaN or infinite
	Smoothed []float64 // exponential mean with 0.98, unbiased, as fastai shows it
	Valley   float64   // two thirds down the longest valley: fastai's own choice, and the one to begin with
	Steep    float64   // where the loss falls fastest
	Tenth    float64   // a tenth of the rate at the lowest loss
	Diverged bool      // whether it ended early, since the smoothed loss was more than 4 times its lowest or no number
	Time     Timing
}

// FindRate trains the model on batches of train at learning rates that grow from step to step, and puts everything back: weights, histories,
// freeze state and the order of what is random are, bit for bit, as before. It stops where the loss explodes.
func (m Model) FindRate(ctx context.Context, train datasets.Dataset, search RateSearch) (RateCurve, error) {
	return call[RateCurve](ctx, VerbFindRate, m.Name, FindRateRequest{Model: m, Train: train, Search: search})
}

// smoothing is fastai's: the weight of the past in the mean of the losses.
const smoothing = 0.98

// NewRateCurve smooths the losses of steps at those rates, ends them where they explode and reads off the suggestions.
func NewRateCurve(rates, losses []float64) RateCurve {
	c := RateCurve{}
	for i, loss := range losses {
		if !c.Add(rates[i], loss) {
			break
		}
	}
	c.Suggest(len(rates))
	return c
}

// Add appends a step, and tells whether the search goes on.
func (c *RateCurve) Add(rate, loss float64) bool {
	mean, lowest := 0.0, math.Inf(1)
	if n := len(c.Smoothed); n > 0 {
		mean, lowest = c.Smoothed[n-1]*(1-math.Pow(smoothing, float64(n))), slices.Min(c.Smoothed)
	}
	mean = smoothing*mean + (1-smoothing)*loss
	smooth := mean / (1 - math.Pow(smoothing, float64(len(c.Smoothed)+1)))
	c.Rates, c.Losses, c.Smoothed = append(c.Rates, rate), append(c.Losses, loss), append(c.Smoothed, smooth)
	c.Diverged = !(smooth <= explosion*min(lowest, smooth))
	return !c.Diverged
}

// explosion ends a search: the loss is so many times its lowest.
const explosion = 4

// Suggest reads the suggestions off the curve of a search over so many planned steps.
func (c *RateCurve) Suggest(planned int) {
	first, last := min(planned/10, len(c.Rates)), max(len(c.Rates)-5, 0)
	if last-first < 2 {
		return
	}
	rates, losses := c.Rates[first:last], c.Smoothed[first:last]
	if bad := slices.IndexFunc(losses, func(l float64) bool { return math.IsNaN(l) || math.IsInf(l, 0) }); bad >= 0 {
		rates, losses = rates[:bad], losses[:bad]
	}
	if len(losses) < 2 {
		return
	}
	c.Valley, c.Steep = rates[valley(losses)], rates[steepest(rates, losses)]
	c.Tenth = rates[slices.Index(losses, slices.Min(losses))] / 10
}

// valley is the place two thirds down the longest valley, which is the longest falling subsequence of the losses, as fastai finds it: the sum
// of a third and of half of a third, each rounded down, behind its start.
func valley(losses []float64) int {
	length := make([]int, len(losses))
	start, end := 0, 0
	for i := range losses {
		length[i] = 1
		for j := range i {
			if losses[i] < losses[j] {
				length[i] = max(length[i], length[j]+1)
			}
			if length[end] < length[i] {
				end = i
				start = end - length[end]
			}
		}
	}
	third := float64(end-start) / 3
	return min(max(start+int(third)+int(third/2), 0), len(losses)-1)
}

// steepest is where the loss falls fastest over the logarithm of the rate.
func steepest(rates, losses []float64) int {
	best, slope := 0, math.Inf(1)
	for i := range len(rates) - 1 {
		if s := (losses[i+1] - losses[i]) / math.Log(rates[i+1]/rates[i]); s < slope {
			best, slope = i, s
		}
	}
	return best
}

// plotRows and plotColumns are the size of the curve in text.
const plotRows, plotColumns = 12, 60

// String draws the smoothed losses over the logarithm of the rate, and the suggestions below.
func (c RateCurve) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: loss of %s at rates from ", flat(c.Model), counted(len(c.Rates), "step"))
	if len(c.Rates) == 0 {
		return out.String() + "none\n"
	}
	first, last := c.Rates[0], c.Rates[len(c.Rates)-1]
	fmt.Fprintf(&out, "%.2g to %.2g", first, last)
	if c.Diverged {
		fmt.Fprint(&out, ", where it exploded")
	}
	fmt.Fprintln(&out)
	for _, line := range c.plot() {
		fmt.Fprintln(&out, line)
	}
	fmt.Fprintf(&out, "valley %s, steep %s, a tenth of the lowest %s\n", rateOrDash(c.Valley), rateOrDash(c.Steep), rateOrDash(c.Tenth))
	return out.String()
}

func rateOrDash(rate float64) string {
	if rate == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2e", rate)
}

// plot is the curve as lines of text: a dot for each column's mean, v, s and t below where the suggestions are.
func (c RateCurve) plot() []string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range c.Smoothed {
		if !math.IsNaN(l) && !math.IsInf(l, 0) {
			low, high = min(low, l), max(high, l)
		}
	}
	if math.IsInf(low, 1) {
		return nil
	}
	high = min(high, low+2*(c.Smoothed[0]-low)+1e-9) // what explodes would flatten the valley
	column := func(rate float64) int {
		whole := math.Log(c.Rates[len(c.Rates)-1] / c.Rates[0])
		if whole == 0 {
			return 0
		}
		return min(max(int(math.Round(math.Log(rate/c.Rates[0])/whole*(plotColumns-1))), 0), plotColumns-1)
	}
	grid := make([][]rune, plotRows+1)
	for i := range grid {
		grid[i] = []rune(strings.Repeat(" ", plotColumns))
	}
	for i, l := range c.Smoothed {
		if row := int(math.Round((high - l) / max(high-low, 1e-12) * (plotRows - 1))); l <= high && row >= 0 && row < plotRows {
			grid[row][column(c.Rates[i])] = '·'
		}
	}
	for i := range grid[plotRows] {
		grid[plotRows][i] = '─'
	}
	for i, rate := range []float64{c.Tenth, c.Steep, c.Valley} {
		if rate >= c.Rates[0] {
			grid[plotRows][column(rate)] = []rune("tsv")[i]
		}
	}
	lines := make([]string, len(grid))
	for i, row := range grid {
		label := "       "
		switch i {
		case 0:
			label = fmt.Sprintf("%7.4f", high)
		case plotRows - 1:
			label = fmt.Sprintf("%7.4f", low)
		}
		lines[i] = strings.TrimRight(label+" "+string(row), " ")
	}
	return lines
}
