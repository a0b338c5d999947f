package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// roundTicks marks round numbers (1, 2 or 5 times a power of ten), four to nine of them, with no more decimals than they need.
type roundTicks struct{}

// Ticks implements plot.Ticker.
func (roundTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	step, decimals := roundStep((high - low) / 4)
	for i := math.Ceil(low / step); i*step <= high; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: number(i*step, decimals)})
	}
	return ticks
}

// roundStep is the largest round number that is not above step, and how many decimals it takes to write its multiples.
func roundStep(step float64) (round float64, decimals int) {
	exponent := math.Floor(math.Log10(step))
	unit := math.Pow(10, exponent)
	for _, times := range []float64{5, 2, 1} {
		if round = times * unit; round <= step*(1+1e-9) {
			break
		}
	}
	return round, max(0, -int(exponent))
}

// number writes v with a true minus sign; numbers of many digits get an exponent.
func number(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if len(text) > 8 {
		text = strconv.FormatFloat(v, 'g', 3, 64)
	}
	if v == 0 {
		text = "0"
	}
	return strings.ReplaceAll(text, "-", "−")
}
