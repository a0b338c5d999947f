package peers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// medians joins the rounds of each tool, in the order in which the tools first stand: each number is the median of its own.
func medians(receipts []Receipt) []Receipt {
	rounds := map[string][]Receipt{}
	var tools []string
	for _, r := range receipts {
		if rounds[r.Tool] == nil {
			tools = append(tools, r.Tool)
		}
		rounds[r.Tool] = append(rounds[r.Tool], r)
	}
	joined := make([]Receipt, len(tools))
	for i, tool := range tools {
		all := rounds[tool]
		joined[i] = all[0]
		for n, number := range joined[i].numbers() {
			column := make([]float64, len(all))
			for j := range all {
				column[j] = *all[j].numbers()[n]
			}
			slices.Sort(column)
			*number = (column[(len(column)-1)/2] + column[len(column)/2]) / 2
		}
	}
	return joined
}

// numbers are all that a receipt measured.
func (r *Receipt) numbers() []*float64 {
	return []*float64{&r.Import, &r.Decode, &r.Load, &r.Represent, &r.Head, &r.Tune, &r.Evaluate, &r.Total, &r.Wall, &r.Processor, &r.HeadAccuracy, &r.TuneAccuracy}
}

// Compared is a paired comparison of the first tool's last accuracy with another's, in shares of test images.
type Compared struct {
	Tool       string
	Difference float64 // the other's accuracy − the first tool's, mean over the rounds
	Upper      float64 // the upper bound of it: in 95 % of the draws it is less
}

// Compare draws the test images 10,000 times with replacement, the same ones for both tools (a paired bootstrap; Efron & Tibshirani 1993,
// chapter 16), seed 0. An image counts by the share of its tool's rounds that had it right. Tools that say nothing about single images are
// left out.
func Compare(receipts []Receipt) []Compared {
	var compared []Compared
	if len(receipts) == 0 {
		return nil
	}
	own := rightShares(receipts, receipts[0].Tool)
	for _, r := range medians(receipts)[1:] {
		other := rightShares(receipts, r.Tool)
		if len(own) == 0 || len(other) != len(own) {
			continue
		}
		const draws = 10_000
		random := rand.New(rand.NewPCG(0, 0))
		differences := make([]float64, draws)
		c := Compared{Tool: r.Tool}
		for i := range own {
			c.Difference += (other[i] - own[i]) / float64(len(own))
		}
		for d := range differences {
			for range own {
				i := random.IntN(len(own))
				differences[d] += (other[i] - own[i]) / float64(len(own))
			}
		}
		slices.Sort(differences)
		c.Upper = differences[draws*95/100]
		compared = append(compared, c)
	}
	return compared
}

// rightShares is, for each test image, the share of a tool's rounds that had it right after fine-tuning; nil where rounds disagree about how many there are.
func rightShares(receipts []Receipt, tool string) []float64 {
	var shares []float64
	n := 0.0
	for _, r := range receipts {
		if r.Tool != tool {
			continue
		}
		if n == 0 {
			shares = make([]float64, len(r.TuneRight))
		}
		if n++; len(r.TuneRight) != len(shares) {
			return nil
		}
		for i, mark := range []byte(r.TuneRight) {
			if mark == '1' {
				shares[i]++
			}
		}
	}
	for i := range shares {
		shares[i] /= n
	}
	return shares
}

// CompareText says it in lines.
func CompareText(compared []Compared) string {
	var out strings.Builder
	for _, c := range compared {
		fmt.Fprintf(&out, "%s's last accuracy − this lab's, on the same images: %+.1f points, below %+.1f with 95 %% (paired bootstrap over the images)\n",
			c.Tool, 100*c.Difference, 100*c.Upper)
	}
	return out.String()
}
