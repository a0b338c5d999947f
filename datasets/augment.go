package datasets

import (
	"fmt"
	"math"
	"strings"
)

// Augmentation says how the images of a training phase vary, as data. Every image has V views, each cached like the image itself (design: the
// frozen prefix runs once for each view); an epoch sees one of them, drawn anew. View 0 is always the plain image. The zero value is the
// plain image alone.
//
// Flips and quarter turns alone are counted out: their views are all there are of them, without chance. With anything else a view is drawn,
// a flip with a chance of a half; what is drawn depends on the image's content, the view's number and Seed only, so that it is the same in
// every order, batch, process and data set.
type Augmentation struct {
	FlipLeftRight bool
	FlipUpDown    bool
	QuarterTurns  bool // turned by 90°, 180° or 270°, exactly

	// V is how many views an image has, the plain one included: 1 to 64. 0 is 1 where nothing varies, all that flips and quarter turns
	// alone make (2, 4 or 8), else 8.
	V    int
	Seed int64

	// CropArea turns on random resized crops (Szegedy et al. 2015, as torchvision's RandomResizedCrop): a part of the image with a share of
	// its area from CropArea[0] to CropArea[1], in (0, 1], and with a ratio of width to height from CropAspect[0] to CropAspect[1], is
	// resized to the network's size. {0.08, 1} is torchvision's for training from scratch; {0.35, 1} fastai's. Zero is no crop.
	CropArea   [2]float64
	CropAspect [2]float64 // 1/10 to 10, uniform in the logarithm; zero is {3/4, 4/3}
	Rotate     float64    // turned by up to so many degrees either way, 0 to 180; what comes in at the corners is the image's mirror image

	// Colours as torchvision's ColorJitter: brightness, contrast and saturation are multiplied by a factor from 1−x to 1+x, 0 ≤ x ≤ 1; the
	// hue moves by up to Hue of the colour circle either way, 0 to 0.5. Saturation and hue leave grey images as they are.
	Brightness, Contrast, Saturation, Hue float64
	Grey                                  float64 // share of the drawn views that lose their colours, 0 to 1

	// Erase is the share of the drawn views, 0 to 1, of which a rectangle of 2 to 33 % of the area becomes middle grey, 127 (Zhong et al. 2017,
	// as torchvision's RandomErasing; also known as cutout).
	Erase float64
}

const (
	mostViews  = 64
	drawnViews = 8 // where V is 0
)

// drawn tells whether views are drawn, not counted out.
func (a Augmentation) drawn() bool {
	a.FlipLeftRight, a.FlipUpDown, a.QuarterTurns, a.V, a.Seed, a.CropAspect = false, false, false, 0, 0, [2]float64{}
	return a != Augmentation{}
}

// Views is the number of views of one image. With both flips, view 1 is mirrored left to right, view 2 upside down, view 3 both; with one
// flip, view 1 is that flip.
func (a Augmentation) Views() int {
	switch {
	case a.V != 0:
		return max(1, a.V)
	case a.drawn():
		return drawnViews
	}
	return len(a.exact())
}

// exact lists what flips and quarter turns alone make of an image, the image itself first.
func (a Augmentation) exact() []View {
	plain, mirrored, upsideDown, both := View{}, View{LeftRight: true}, View{UpDown: true}, View{LeftRight: true, UpDown: true}
	all := []View{plain}
	switch {
	case a.FlipLeftRight && a.FlipUpDown, a.QuarterTurns && (a.FlipLeftRight || a.FlipUpDown):
		all = []View{plain, mirrored, upsideDown, both}
	case a.FlipLeftRight:
		all = []View{plain, mirrored}
	case a.FlipUpDown:
		all = []View{plain, upsideDown}
	case a.QuarterTurns:
		return []View{plain, {Transpose: true, UpDown: true}, both, {Transpose: true, LeftRight: true}} // 90°, 180°, 270° counter-clockwise
	}
	if a.QuarterTurns {
		for _, v := range all[:4] {
			v.Transpose = true
			all = append(all, v)
		}
	}
	return all
}

// Key is what a view does in a canonical text: where it is equal, so are the pixels of the view of every image. Caches are keyed by it and
// by the image's content. The key of a flip is the same in every augmentation that has it.
func (a Augmentation) Key(view int) string {
	if view > 0 && a.drawn() {
		a.V = 0 // more views do not change those that are there
		if a.CropArea == ([2]float64{}) {
			a.CropAspect = [2]float64{}
		} else {
			a.CropAspect = a.aspect()
		}
		type fields Augmentation // its String rounds
		return fmt.Sprintf("view %d of augmentation 1 %+v", view, fields(a))
	}
	v := a.View(view, [32]byte{}, 1, 1)
	if v.Transpose {
		return fmt.Sprintf("transposed %v %v", v.LeftRight, v.UpDown)
	}
	return fmt.Sprintf("%v %v", v.LeftRight, v.UpDown)
}

// Name is a caption for a view: "left ↔ right", "turned by 90°", "view 3".
func (a Augmentation) Name(view int) string {
	if view > 0 && a.drawn() {
		return fmt.Sprint("view ", view)
	}
	switch a.View(view, [32]byte{}, 1, 1) {
	case View{}:
		return "plain"
	case View{LeftRight: true}:
		return "left ↔ right"
	case View{UpDown: true}:
		return "upside down"
	case View{LeftRight: true, UpDown: true}:
		if a.QuarterTurns {
			return "turned by 180°"
		}
		return "both"
	case View{Transpose: true, UpDown: true}:
		return "turned by 90°"
	case View{Transpose: true, LeftRight: true}:
		return "turned by 270°"
	case View{Transpose: true}:
		return "diagonal"
	}
	return "other diagonal"
}

// aspect is CropAspect with its default.
func (a Augmentation) aspect() [2]float64 {
	if a.CropAspect == ([2]float64{}) {
		return [2]float64{3.0 / 4, 4.0 / 3}
	}
	return a.CropAspect
}

// Check says what is wrong with a, for the first verb that sees it. Every error names the field and what it may be.
func (a Augmentation) Check() error {
	for _, f := range []struct {
		name     string
		value    float64
		most     float64
		meanings string
	}{
		{"Rotate", a.Rotate, 180, "degrees either way are 0 to 180"},
		{"Brightness", a.Brightness, 1, "0.2 is a factor from 0.8 to 1.2; 0 to 1 is possible"},
		{"Contrast", a.Contrast, 1, "0.2 is a factor from 0.8 to 1.2; 0 to 1 is possible"},
		{"Saturation", a.Saturation, 1, "0.2 is a factor from 0.8 to 1.2; 0 to 1 is possible"},
		{"Hue", a.Hue, 0.5, "a share of the colour circle either way is 0 to 0.5"},
		{"Grey", a.Grey, 1, "a share of the views is 0 to 1"},
		{"Erase", a.Erase, 1, "a share of the views is 0 to 1"},
	} {
		if !(f.value >= 0 && f.value <= f.most) { // also refuses NaN
			return fmt.Errorf("datasets: augment: %s is %v; %s", f.name, f.value, f.meanings)
		}
	}
	if c := a.CropArea; c != ([2]float64{}) && !(c[0] > 0 && c[0] <= c[1] && c[1] <= 1) {
		return fmt.Errorf("datasets: augment: CropArea is %v; it is from a smaller to a larger share of the area, above 0 and at most 1, as {0.35, 1}", c)
	}
	if c := a.CropAspect; c != ([2]float64{}) {
		if !(c[0] >= 0.1 && c[0] <= c[1] && c[1] <= 10) {
			return fmt.Errorf("datasets: augment: CropAspect is %v; it is from a smaller to a larger ratio of width to height, 0.1 to 10, as {0.75, 1.33}", c)
		}
		if a.CropArea == ([2]float64{}) {
			return fmt.Errorf("datasets: augment: CropAspect is %v, but there is no crop; set CropArea, as {0.35, 1}, or leave CropAspect out", c)
		}
	}
	return a.checkViews()
}

func (a Augmentation) checkViews() error {
	if a.V < 0 || a.V > mostViews {
		return fmt.Errorf("datasets: augment: V is %d; an image has 1 to %d views, each of which is computed and kept", a.V, mostViews)
	}
	if most := len(a.exact()); !a.drawn() && a.V > most {
		if most == 1 {
			return fmt.Errorf("datasets: augment: V is %d, but nothing varies; set FlipLeftRight, CropArea, Rotate or another field", a.V)
		}
		return fmt.Errorf("datasets: augment: V is %d, but flips and quarter turns alone make %d views; leave V out, or vary more, as with Rotate", a.V, most)
	}
	return nil
}

// String describes a in words for captions: "8 views: flipped left to right, crops of 35 to 100 % of the area, turned by up to 10°".
func (a Augmentation) String() string {
	what := a.variations()
	if len(what) == 0 || a.Views() == 1 {
		return "the plain image"
	}
	return fmt.Sprintf("%d views: %s", a.Views(), strings.Join(what, ", "))
}

// variations lists what varies, in words.
func (a Augmentation) variations() []string {
	var what []string
	add := func(there bool, format string, arguments ...any) {
		if there {
			what = append(what, fmt.Sprintf(format, arguments...))
		}
	}
	percent := func(x float64) float64 { return math.Round(1000*x) / 10 }
	add(a.FlipLeftRight, "flipped left to right")
	add(a.FlipUpDown, "flipped upside down")
	add(a.QuarterTurns, "turned by quarters")
	add(a.CropArea != [2]float64{}, "crops of %v to %v %% of the area", percent(a.CropArea[0]), percent(a.CropArea[1]))
	add(a.Rotate != 0, "turned by up to %v°", a.Rotate)
	add(a.Brightness != 0, "brightness ±%v %%", percent(a.Brightness))
	add(a.Contrast != 0, "contrast ±%v %%", percent(a.Contrast))
	add(a.Saturation != 0, "saturation ±%v %%", percent(a.Saturation))
	add(a.Hue != 0, "hue ±%v°", math.Round(3600*a.Hue)/10)
	add(a.Grey != 0, "grey in %v %%", percent(a.Grey))
	add(a.Erase != 0, "a part erased in %v %%", percent(a.Erase))
	return what
}
