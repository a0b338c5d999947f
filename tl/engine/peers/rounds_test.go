package peers

import (
	"math"
	"strings"
	"testing"
)

func TestMediansJoinRounds(t *testing.T) {
	receipts := []Receipt{{Tool: "a", Total: 3, Head: 1}, {Tool: "b", Total: 10}, {Tool: "a", Total: 1, Head: 9}, {Tool: "b", Total: 30}, {Tool: "a", Total: 2, Head: 2}}
	joined := medians(receipts)
	if len(joined) != 2 || joined[0].Tool != "a" || joined[0].Total != 2 || joined[0].Head != 2 || joined[1].Total != 20 {
		t.Errorf("medians %+v", joined)
	}
	if receipts[0].Total != 3 {
		t.Error("the receipts themselves changed")
	}
}

// Of 100 images the first tool has 80 right and the other 90 in every round: 10 points, and by the binomial about ±5 with pairs that
// disagree on 30 images.
func TestComparePairsImages(t *testing.T) {
	own := strings.Repeat("1", 70) + strings.Repeat("1", 10) + strings.Repeat("0", 20)
	other := strings.Repeat("1", 70) + strings.Repeat("0", 10) + strings.Repeat("1", 20)
	c := Compare([]Receipt{{Tool: "lab", TuneRight: own}, {Tool: "peer", TuneRight: other}, {Tool: "lab", TuneRight: own}, {Tool: "silent"}})
	if len(c) != 1 || c[0].Tool != "peer" || math.Abs(c[0].Difference-0.1) > 1e-12 {
		t.Fatalf("compared %+v", c)
	}
	deviation := math.Sqrt((0.3 - 0.1*0.1) / 100) // of the mean of 100 differences that are −1, 0 or 1
	if want := 0.1 + 1.645*deviation; math.Abs(c[0].Upper-want) > 0.015 {
		t.Errorf("upper bound %.3f, want about %.3f", c[0].Upper, want)
	}
	if text := CompareText(c); !strings.Contains(text, "peer's last accuracy − this lab's, on the same images: +10.0 points") {
		t.Error(text)
	}
}

// The same answers differ by nothing, in every draw.
func TestCompareOfTwins(t *testing.T) {
	c := Compare([]Receipt{{Tool: "lab", TuneRight: "1101"}, {Tool: "peer", TuneRight: "1101"}})
	if len(c) != 1 || c[0].Difference != 0 || c[0].Upper != 0 {
		t.Errorf("compared %+v", c)
	}
	if Compare(nil) != nil || len(Compare([]Receipt{{Tool: "lab", TuneRight: "1"}, {Tool: "peer", TuneRight: "11"}})) != 0 {
		t.Error("nothing to compare is compared")
	}
}
