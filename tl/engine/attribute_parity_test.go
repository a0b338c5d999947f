package engine

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

// photographs are those of the zoo's goldens, which have the network's size already, in the order of their names.
func photographs(t *testing.T) datasets.Dataset {
	t.Helper()
	there, folder := must[string](t)(filepath.Abs("../zoo/testdata/photographs")), t.TempDir()
	if err := os.Symlink(there, filepath.Join(folder, "photographs")); err != nil {
		t.Fatal(err)
	}
	return datasets.Folder(folder)
}

// attributionGoldens are what testdata/attribution/attribution_torch.py wrote, in float64.
type attributionGoldens struct {
	Files    []string
	Class    []int
	Top      [][][]float64 `json:"cam top"`
	TopTabby [][][]float64 `json:"cam top 281"`
	Mid      [][][]float64 `json:"cam mbconv10"`
	MidTabby [][][]float64 `json:"cam mbconv10 281"`
	Saliency [][][]float64
	Mean     []float64 `json:"saliency mean"`
	Largest  []float64 `json:"saliency largest"`
}

// TestAttributionAgreesWithPyTorch compares heat maps of the real weights with autograd's, relative to the largest value of each map.
func TestAttributionAgreesWithPyTorch(t *testing.T) {
	ownCache(t)
	var want attributionGoldens
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile("testdata/attribution/attribution_torch.json")), &want); err != nil {
		t.Fatal(err)
	}
	d := photographs(t)
	for _, c := range []struct {
		asked tl.Attribution
		maps  [][][]float64
	}{
		{tl.Attribution{}, want.Top},
		{tl.Attribution{Class: "281"}, want.TopTabby},
		{tl.Attribution{Block: "mbconv10"}, want.Mid},
		{tl.Attribution{Block: "mbconv10", Class: "tabby"}, want.MidTabby},
	} {
		got := must[tl.Attributions](t)(lite.Attribute(quiet(), d, c.asked))
		class := want.Class
		if c.asked.Class != "" {
			class = []int{281, 281, 281, 281}
		}
		if !slices.Equal(got.Class, class) {
			t.Errorf("%+v: classes %v, want %v", c.asked, got.Class, class)
		}
		t.Logf("%+v: differs by %.1g", got.Asked, compareMaps(t, got.Maps, c.maps))
	}
	got := must[tl.Attributions](t)(lite.Attribute(quiet(), d, tl.Attribution{Method: tl.Saliency}))
	compareSaliency(t, got.Maps, want.Saliency)
	for i := range want.Mean {
		sum, largest := 0.0, 0.0
		for _, v := range got.Maps.Row(i) {
			sum, largest = sum+float64(v), max(largest, float64(v))
		}
		if mean := sum / (224 * 224); math.Abs(mean/want.Mean[i]-1) > 1e-4 || math.Abs(largest/want.Largest[i]-1) > 1e-4 {
			t.Errorf("saliency %d: mean %g, largest %g; want %g, %g", i, mean, largest, want.Mean[i], want.Largest[i])
		}
	}
}

// compareMaps compares all places and returns the worst difference relative to its map's largest value.
func compareMaps(t *testing.T, got tl.Tensor, want [][][]float64) (worst float64) {
	t.Helper()
	for i, rows := range want {
		all := slices.Concat(rows...)
		largest := slices.Max(all)
		if len(all) != len(got.Row(i)) || largest == 0 {
			t.Fatalf("maps of shape %v, largest value %g", got.Shape, largest)
		}
		for j, v := range all {
			worst = max(worst, math.Abs(float64(got.Row(i)[j])-v)/largest)
		}
	}
	if !(worst <= 1e-4) {
		t.Errorf("differs by %g of the largest value", worst)
	}
	return worst
}

// compareSaliency compares every 8th pixel of every 8th row. Where the input of a relu6 lies within rounding of 0 or 6, float32 takes the other side of the
// kink, and the pixels that this place sees get another gradient: PyTorch in float32 differs from PyTorch in float64 by 0.7 % of the largest value in 47
// pixels of coffee, by 0.08 % in 24 of astronaut, and nowhere by 1e-4 in the others. XLA rounds otherwise and so meets other kinks. A twentieth of the
// pixels may differ by more than 1e-4 therefore, by 3 % at most, and the cat, which has no kink, nowhere.
func compareSaliency(t *testing.T, got tl.Tensor, want [][][]float64) {
	t.Helper()
	for i, rows := range want {
		largest, worst, apart := 0.0, 0.0, 0
		for _, row := range rows {
			largest = max(largest, slices.Max(row))
		}
		for y, row := range rows {
			for x, v := range row {
				d := math.Abs(float64(got.Row(i)[(4+8*y)*224+4+8*x])-v) / largest
				if d > 1e-4 {
					apart++
				}
				worst = max(worst, d)
			}
		}
		if apart > 39 || i == 1 && apart > 0 || !(worst < 0.03) {
			t.Errorf("saliency %d: %d of 784 pixels differ by more than 1e-4, the worst by %g", i, apart, worst)
		}
		t.Logf("saliency %d: %d of 784 pixels differ by more than 1e-4, the worst by %.1g", i, apart, worst)
	}
}
