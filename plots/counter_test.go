package plots

import (
	"strings"
	"testing"

	"transferlab/plots/counter"
	"transferlab/tl"
	arithmetic "transferlab/tl/count"
)

func TestCounter(t *testing.T) {
	mine := arithmetic.Architecture{Name: "mine", Input: []int{8, 8, 3},
		Layers: []arithmetic.Layer{tl.Conv(8, 3), tl.GlobalAveragePool(), arithmetic.Dense{Units: 2}}}
	for name, c := range map[string]struct {
		figure CounterFigure
		alt    string // part of it
		plain  string // part of the text beside the HTML
	}{
		"the lecture's":      {Counter(), "of lecture_cnn in 4 blocks, 0 of them frozen: 2,103,156 in all", "total 2103156"},
		"with layers of tl":  {Counter(mine, arithmetic.VGG16(2)), "of mine in 2 blocks", "8 × (3×3×3) + 8 = 224"},
		"with frozen blocks": {Counter(frozen(arithmetic.VGG16(2))), "6 blocks, 1 of them frozen: 134,268,738 in all, 134,230,018 trainable", "total 134268738"},
	} {
		html, plain, err := c.figure.markup()
		if err != nil || !strings.Contains(html, `class="`+counter.Class+`"`) || !strings.Contains(plain, c.plain) {
			t.Errorf("%s: %v, plain text %q", name, err, plain)
		}
		if alt := c.figure.Alt(); !strings.Contains(alt, c.alt) {
			t.Errorf("%s: %q", name, alt)
		}
		if svg, err := SVG(c.figure); err != nil || len(svg) < 1000 {
			t.Errorf("%s: as a picture: %v", name, err)
		}
	}
}

func frozen(a arithmetic.Architecture) arithmetic.Architecture {
	first := a.Layers[0].(arithmetic.Block)
	first.Frozen = true
	a.Layers[0] = first
	return a
}

// A network that does not fit together can be shown, to be mended, but not drawn.
func TestCounterOfWrongNetworks(t *testing.T) {
	for name, c := range map[string]struct {
		figure         CounterFigure
		shown, drawing string // errors; "" is none
	}{
		"dense on an image": {Counter(arithmetic.Architecture{Name: "n", Input: []int{8, 8, 3}, Layers: []arithmetic.Layer{arithmetic.Dense{Units: 2}}}),
			"", "put Flatten or GlobalPool before it (in n)"},
		"no parameters":  {Counter(arithmetic.Architecture{Name: "n", Input: []int{8}, Layers: []arithmetic.Layer{arithmetic.Activation{}}}), "", "n has no layer with parameters"},
		"no network":     {CounterFigure{}, "no network", "no network (Counter gives the lecture's)"},
		"no such layer":  {Counter(arithmetic.Architecture{Name: "n", Input: []int{8}, Layers: []arithmetic.Layer{nil}}), "a layer of type <nil> is unknown", "layer 1 is nil"},
		"a wrong tl one": {Counter(arithmetic.Architecture{Name: "n", Input: []int{8}, Layers: []arithmetic.Layer{tl.Layer{Kind: "x"}}}), `no such kind of layer "x"`, `no such kind of layer "x"`},
	} {
		_, plain, err := c.figure.markup()
		if (err == nil) != (c.shown == "") || err != nil && !strings.Contains(err.Error(), c.shown) || err == nil && plain == "" {
			t.Errorf("%s: shown with error %v and text %q, want %q", name, err, plain, c.shown)
		}
		if _, err := SVG(c.figure); err == nil || !strings.Contains(err.Error(), c.drawing) || !strings.HasPrefix(err.Error(), "plots: draw counter: ") {
			t.Errorf("%s: drawn with error %v, want %q", name, err, c.drawing)
		}
		if alt := c.figure.Alt(); alt != "" {
			t.Errorf("%s: %q stands for nothing", name, alt)
		}
	}
}
