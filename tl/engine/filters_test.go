package engine

import (
	"math"
	"slices"
	"testing"

	"transferlab/tl"
)

// TestFilters: a block without batch norm or activation gives, at each place, the sum of what its filters see times their weights.
func TestFilters(t *testing.T) {
	ownCache(t)
	base := tl.Sequence("filters", []int{12, 12, 3}, tl.Named("conv", tl.Conv(4, 3).Unpadded().WithoutBias()), tl.Named("point", tl.Conv(2, 1), tl.DepthwiseConv(3), tl.GlobalAveragePool()))
	f := must[tl.Filters](t)(base.Filters(quiet()))
	if f.Base != "filters" || f.Block != "conv" || f.Layer != "conv" || !slices.Equal(f.Kernels.Shape, []int{4, 3, 3, 3}) {
		t.Fatalf("%s, %s, %s: %v", f.Base, f.Block, f.Layer, f.Kernels.Shape)
	}
	maps := must[tl.Activations](t)(base.Activations(quiet(), figures.Take(2), "conv")).Maps
	if !slices.Equal(maps.Shape, []int{2, 10, 10, 4}) {
		t.Fatalf("maps %v", maps.Shape)
	}
	data := must[rows](t)(hashed(quiet(), figures.Take(2)))
	s := must[subject](t)(registeredEngine.subject(quiet(), tl.Model{Base: base}))
	a, _, err := registeredEngine.activations(quiet(), s.source, 0, data, 0, callOf(quiet()).report)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.each(0, 2, func(i int, pixels []byte) {
		for place := range 100 {
			for n := range 4 {
				sum := 0.0
				for k, w := range f.Kernels.Row(n) {
					y, x, c := place/10+k/9, place%10+k/3%3, k%3
					sum += float64(w) * float64(pixels[3*(12*y+x)+c]) / 255
				}
				if got := maps.Row(i)[4*place+n]; math.Abs(float64(got)-sum) > 1e-5 {
					t.Fatalf("image %d, place %d, filter %d: %g, want %g", i, place, n, got, sum)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if f := must[tl.Filters](t)(base.Filters(quiet(), "point")); !slices.Equal(f.Kernels.Shape, []int{2, 3, 3, 1}) {
		t.Errorf("the first convolution of a block that is larger than a pixel: %s, %v", f.Layer, f.Kernels.Shape)
	}
}

// TestActivations: their mean over space is the representation, whatever is computed and what comes out of the cache; behind what has no space there is none;
// and a model whose block was trained answers otherwise than its base.
func TestActivations(t *testing.T) {
	ownCache(t)
	base := small("attributed")
	for range 2 {
		maps := must[tl.Activations](t)(base.Activations(quiet(), figures.Take(7), "three")).Maps
		want := must[tl.Tensor](t)(must[tl.Representation](t)(base.Represent(quiet(), figures.Take(7))).Values(quiet()))
		got := make([]float32, 7*12)
		for i, v := range maps.Data {
			got[i/(16*12)*12+i%12] += v / 16
		}
		near(t, "means", got, want.Data, 1e-5)
	}
	if maps := must[tl.Activations](t)(pixels.Activations(quiet(), figures.Take(3), "pixels")).Maps; !slices.Equal(maps.Shape, []int{3, 1024}) {
		t.Errorf("raw pixels: %v", maps.Shape)
	}
	model := halfTrained(t, "activations")
	for block, same := range map[string]bool{"two": true, "three": false} {
		was := must[tl.Activations](t)(base.Activations(quiet(), figures.Take(3), block)).Maps
		is := must[tl.Activations](t)(model.Activations(quiet(), figures.Take(3), block)).Maps
		if slices.Equal(was.Data, is.Data) != same {
			t.Errorf("behind %s, after three was trained: the same maps is %t", block, !same)
		}
	}
	if was, is := must[tl.Filters](t)(base.Filters(quiet(), "three")), must[tl.Filters](t)(model.Filters(quiet(), "three")); slices.Equal(was.Kernels.Data, is.Kernels.Data) || is.Base != "activations" {
		t.Error("the trained block has the kernels of the base")
	}
}
