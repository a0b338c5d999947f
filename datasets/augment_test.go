package datasets_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"testing"

	"transferlab/datasets"
)

// everything varies all there is.
var everything = datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true, QuarterTurns: true, V: 8, Seed: 3,
	CropArea: [2]float64{0.35, 1}, Rotate: 10, Brightness: 0.2, Contrast: 0.3, Saturation: 0.4, Hue: 0.1, Grey: 0.25, Erase: 0.5}

func contentHash(i int) [32]byte { return sha256.Sum256(fmt.Append(nil, "image ", i)) }

// TestExactViews: flips and quarter turns are counted out, each once, the plain image first, and their keys are what they always were.
func TestExactViews(t *testing.T) {
	for _, c := range []struct {
		a    datasets.Augmentation
		keys string
	}{
		{datasets.Augmentation{}, "false false"},
		{datasets.Augmentation{FlipLeftRight: true}, "false false, true false"},
		{datasets.Augmentation{FlipUpDown: true}, "false false, false true"},
		{datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}, "false false, true false, false true, true true"},
		{datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true, V: 3}, "false false, true false, false true"},
		{datasets.Augmentation{QuarterTurns: true}, "false false, transposed false true, true true, transposed true false"},
		{datasets.Augmentation{QuarterTurns: true, FlipUpDown: true}, "false false, true false, false true, true true, " +
			"transposed false false, transposed true false, transposed false true, transposed true true"},
	} {
		var keys []string
		names := map[string]bool{}
		for view := range c.a.Views() {
			keys = append(keys, c.a.Key(view))
			names[c.a.Name(view)] = true
			v := c.a.View(view, contentHash(view), 300, 200)
			if key := fmt.Sprintf("%v %v", v.LeftRight, v.UpDown); strings.TrimPrefix(c.a.Key(view), "transposed ") != key || v.Transpose != strings.HasPrefix(c.a.Key(view), "t") && !v.LeftRight && v.Transpose {
				t.Errorf("%+v: view %d is %+v with key %s", c.a, view, v, c.a.Key(view))
			}
		}
		if got := strings.Join(keys, ", "); got != c.keys || len(names) != len(keys) {
			t.Errorf("%s: keys %s instead of %s, names %v", c.a, got, c.keys, names)
		}
	}
}

// TestDrawnViews: what is drawn stays inside its bounds, depends on image, view and seed only, and all views differ.
func TestDrawnViews(t *testing.T) {
	a := everything
	seen := map[datasets.View]bool{}
	var turned, grey, erased, brighter int
	for image := range 200 {
		for view := range a.Views() {
			v := a.View(view, contentHash(image), 640, 480)
			if view == 0 {
				if v != (datasets.View{}) {
					t.Fatalf("view 0 is no plain image: %+v", v)
				}
				continue
			}
			if seen[v] {
				t.Errorf("view %d of image %d is there twice", view, image)
			}
			seen[v] = true
			area, ratio := float64(v.Crop.Width*v.Crop.Height)/(640*480), float64(v.Crop.Width)/float64(v.Crop.Height)
			inside := v.Crop.X >= 0 && v.Crop.Y >= 0 && v.Crop.X+v.Crop.Width <= 640 && v.Crop.Y+v.Crop.Height <= 480
			if !inside || area < 0.345 || area > 1 || ratio < 0.745 || ratio > 1.34 { // a rounded side may go a little over
				t.Errorf("crop %+v: area %.3f, aspect %.3f", v.Crop, area, ratio)
			}
			for _, c := range []struct{ got, most float64 }{{v.Angle, 10}, {v.Brightness, 0.2}, {v.Contrast, 0.3}, {v.Saturation, 0.4}, {v.Hue, 0.1}} {
				if math.Abs(c.got) > c.most || c.got == 0 {
					t.Errorf("%+v: %v is beyond %v", v, c.got, c.most)
				}
			}
			if e := v.Erase; e != (datasets.Part{}) {
				erased++
				if share := e.Width * e.Height; e.X < 0 || e.Y < 0 || e.X+e.Width > 1 || e.Y+e.Height > 1 || share < 0.02 || share > 0.33 {
					t.Errorf("erased %+v", e)
				}
			}
			turned += count(v.Transpose)
			grey += count(v.Grey)
			brighter += count(v.Brightness > 0)
			if again := a.View(view, contentHash(image), 640, 480); again != v {
				t.Errorf("drawn again: %+v, %+v", v, again)
			}
		}
	}
	for name, c := range map[string]struct {
		n     int
		share float64
	}{"transposed": {turned, 0.5}, "grey": {grey, 0.25}, "erased": {erased, 0.5}, "brighter": {brighter, 0.5}} {
		if share := float64(c.n) / 1400; math.Abs(share-c.share) > 0.05 { // 1,400 views: 4 standard errors are 0.05
			t.Errorf("%s: %.3f of the views instead of %v", name, share, c.share)
		}
	}
	other := a
	other.Seed++
	if a.View(1, contentHash(1), 640, 480) == other.View(1, contentHash(1), 640, 480) || a.View(1, contentHash(1), 640, 480) == a.View(1, contentHash(2), 640, 480) {
		t.Error("another seed or image gives the same view")
	}
	plainer := a // one variation less moves no other
	plainer.Hue = 0
	v := a.View(5, contentHash(7), 640, 480)
	v.Hue = 0
	if plainer.View(5, contentHash(7), 640, 480) != v {
		t.Error("without hue, all else was drawn anew")
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestDrawnViewIsStable pins a view: caches are keyed by what it is drawn from, so that another drawing needs another key (see Key).
func TestDrawnViewIsStable(t *testing.T) {
	want := `{{000014 000075 000177 000223} false 6.05472 -0.0963301 0.147751 0.091288 -0.0293954 false {0 0 0 0} false true}`
	if got := fmt.Sprintf("%.6v", everything.View(2, contentHash(0), 300, 300)); got != want {
		t.Errorf("%s\ninstead of %s", got, want)
	}
	wantKey := "view 2 of augmentation 1 {FlipLeftRight:true FlipUpDown:true QuarterTurns:true V:0 Seed:3 CropArea:[0.35 1] " +
		"CropAspect:[0.75 1.3333333333333333] Rotate:10 Brightness:0.2 Contrast:0.3 Saturation:0.4 Hue:0.1 Grey:0.25 Erase:0.5}"
	if got := everything.Key(2); got != wantKey {
		t.Errorf("%s\ninstead of %s", got, wantKey)
	}
}

// TestKeys: whatever changes a pixel changes the key, and nothing else does.
func TestKeys(t *testing.T) {
	keys := map[string]string{}
	for name, change := range map[string]func(a *datasets.Augmentation){
		"nothing":     func(*datasets.Augmentation) {},
		"left right":  func(a *datasets.Augmentation) { a.FlipLeftRight = false },
		"up down":     func(a *datasets.Augmentation) { a.FlipUpDown = false },
		"turns":       func(a *datasets.Augmentation) { a.QuarterTurns = false },
		"seed":        func(a *datasets.Augmentation) { a.Seed = 4 },
		"crop area":   func(a *datasets.Augmentation) { a.CropArea[0] = 0.5 },
		"crop aspect": func(a *datasets.Augmentation) { a.CropAspect = [2]float64{1, 1} },
		"rotate":      func(a *datasets.Augmentation) { a.Rotate = 11 },
		"brightness":  func(a *datasets.Augmentation) { a.Brightness = 0.25 },
		"contrast":    func(a *datasets.Augmentation) { a.Contrast = 0.25 },
		"saturation":  func(a *datasets.Augmentation) { a.Saturation = 0.25 },
		"hue":         func(a *datasets.Augmentation) { a.Hue = 0.2 },
		"grey":        func(a *datasets.Augmentation) { a.Grey = 0.3 },
		"erase":       func(a *datasets.Augmentation) { a.Erase = 0.3 },
	} {
		a := everything
		change(&a)
		for _, view := range []int{1, 7} {
			what := fmt.Sprint(name, ", view ", view)
			if other, found := keys[a.Key(view)]; found {
				t.Errorf("%s has the key of %s", what, other)
			}
			keys[a.Key(view)] = what
		}
		if a.Key(0) != "false false" {
			t.Errorf("%s: view 0 has the key %s", name, a.Key(0))
		}
	}
	same := everything
	same.V, same.CropAspect = 4, [2]float64{3.0 / 4, 4.0 / 3}
	if same.Key(3) != everything.Key(3) {
		t.Error("fewer views and the default spelt out change the key")
	}
}

// TestCropFallback: where no rectangle of that area and aspect fits, the middle is taken, as torchvision does.
func TestCropFallback(t *testing.T) {
	a := datasets.Augmentation{CropArea: [2]float64{1, 1}, CropAspect: [2]float64{1, 1}}
	for _, c := range []struct {
		width, height int
		want          datasets.Box
	}{
		{400, 200, datasets.Box{X: 100, Y: 0, Width: 200, Height: 200}},
		{200, 400, datasets.Box{X: 0, Y: 100, Width: 200, Height: 200}},
		{300, 300, datasets.Box{Width: 300, Height: 300}},
		{1, 1, datasets.Box{Width: 1, Height: 1}},
		{1, 9, datasets.Box{Y: 4, Width: 1, Height: 1}},
	} {
		if got := a.View(1, contentHash(1), c.width, c.height).Crop; got != c.want {
			t.Errorf("%d×%d: %+v instead of %+v", c.width, c.height, got, c.want)
		}
	}
}

// TestBadAugmentations: descriptions never fail; the first verb says which field is wrong and what it may be.
func TestBadAugmentations(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		a    datasets.Augmentation
		want string
	}{
		{datasets.Augmentation{Rotate: -1}, "Rotate is -1; degrees either way are 0 to 180"},
		{datasets.Augmentation{Rotate: 181}, "Rotate is 181"},
		{datasets.Augmentation{Rotate: nan}, "Rotate is NaN"},
		{datasets.Augmentation{Brightness: 1.5}, "Brightness is 1.5; 0.2 is a factor from 0.8 to 1.2; 0 to 1 is possible"},
		{datasets.Augmentation{Contrast: -0.1}, "Contrast is -0.1"},
		{datasets.Augmentation{Saturation: inf}, "Saturation is +Inf"},
		{datasets.Augmentation{Hue: 0.6}, "Hue is 0.6; a share of the colour circle either way is 0 to 0.5"},
		{datasets.Augmentation{Grey: 2}, "Grey is 2; a share of the views is 0 to 1"},
		{datasets.Augmentation{Erase: -2}, "Erase is -2"},
		{datasets.Augmentation{CropArea: [2]float64{0, 1}}, "CropArea is [0 1]; it is from a smaller to a larger share of the area"},
		{datasets.Augmentation{CropArea: [2]float64{0.5, 0.2}}, "CropArea is [0.5 0.2]"},
		{datasets.Augmentation{CropArea: [2]float64{0.5, 1.2}}, "CropArea is [0.5 1.2]"},
		{datasets.Augmentation{CropArea: [2]float64{nan, 1}}, "CropArea is [NaN 1]"},
		{datasets.Augmentation{CropArea: [2]float64{0.5, 1}, CropAspect: [2]float64{0.01, 1}}, "CropAspect is [0.01 1]; it is from a smaller to a larger ratio"},
		{datasets.Augmentation{CropArea: [2]float64{0.5, 1}, CropAspect: [2]float64{2, 1}}, "CropAspect is [2 1]"},
		{datasets.Augmentation{CropAspect: [2]float64{1, 1}}, "CropAspect is [1 1], but there is no crop; set CropArea"},
		{datasets.Augmentation{V: -1, Rotate: 1}, "V is -1; an image has 1 to 64 views"},
		{datasets.Augmentation{V: 65, Rotate: 1}, "V is 65; an image has 1 to 64 views"},
		{datasets.Augmentation{V: 2}, "V is 2, but nothing varies; set FlipLeftRight"},
		{datasets.Augmentation{V: 5, FlipLeftRight: true, FlipUpDown: true}, "V is 5, but flips and quarter turns alone make 4 views; leave V out, or vary more"},
	} {
		d := datasets.Shapes(3, 1).Augment(c.a)
		_ = fmt.Sprint(d, c.a.Views(), c.a.Name(1), c.a.Key(1)) // none of them may panic
		for verb, call := range verbs {
			if err := call(context.Background(), d); err == nil || !strings.Contains(err.Error(), "datasets: augment: "+c.want) {
				t.Errorf("%s of %+v: error %v, without %q", verb, c.a, err, c.want)
			}
		}
	}
	for _, a := range []datasets.Augmentation{{}, {V: 1}, everything, {V: 8, QuarterTurns: true, FlipUpDown: true}, {V: 64, Grey: 1}} {
		if err := a.Check(); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestAugmentationString(t *testing.T) {
	for want, a := range map[string]datasets.Augmentation{
		"the plain image":                {},
		"2 views: flipped left to right": {FlipLeftRight: true},
		"8 views: flipped left to right, flipped upside down, turned by quarters":                                     {FlipLeftRight: true, FlipUpDown: true, QuarterTurns: true},
		"8 views: crops of 35 to 100 % of the area, turned by up to 10°":                                              {CropArea: [2]float64{0.35, 1}, Rotate: 10},
		"4 views: brightness ±20 %, contrast ±7.5 %, saturation ±30 %, hue ±36°, grey in 10 %, a part erased in 50 %": {V: 4, Brightness: 0.2, Contrast: 0.075, Saturation: 0.3, Hue: 0.1, Grey: 0.1, Erase: 0.5},
	} {
		if got := a.String(); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	if got, want := datasets.Open("elpv").Augment(datasets.Augmentation{Rotate: 5, V: 3}).String(), "elpv; 3 views: turned by up to 5° in training"; got != want {
		t.Errorf("%q instead of %q", got, want)
	}
}
