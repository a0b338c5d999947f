package images

import (
	"context"
	"image"
	"math"
	"strings"
	"testing"

	"transferlab/datasets"
)

// TestSizesAsTorchvision: the size before the cut, as torchvision's Resize(shorter side) and timm's crop_pct give it.
func TestSizesAsTorchvision(t *testing.T) {
	for _, c := range []struct {
		o             Options
		width, height int
		wantW, wantH  int
	}{
		{Options{Size: 224}, 640, 480, 224, 224},
		{Options{Size: 224, Crop: 224.0 / 256}, 640, 480, 341, 256}, // 256·640/480 = 341.3
		{Options{Size: 224, Crop: 0.875}, 480, 641, 256, 341},
		{Options{Size: 224, Crop: 224.0 / 232}, 300, 300, 232, 232},
		{Options{Size: 240, Crop: 0.882}, 300, 300, 272, 272}, // timm: floor(272.1)
		{Options{Size: 224, Crop: 0.9}, 300, 300, 248, 248},   // timm: floor(248.9)
		{Options{Size: 299, Crop: 1}, 500, 375, 398, 299},
		{Options{Size: 4, Crop: 1}, 3, 2, 6, 4},
	} {
		w, h, err := c.o.whole(c.width, c.height)
		if w != c.wantW || h != c.wantH || err != nil {
			t.Errorf("%+v of %d×%d: %d×%d instead of %d×%d, %v", c.o, c.width, c.height, w, h, c.wantW, c.wantH, err)
		}
	}
}

// TestMiddle cuts what torchvision's CenterCrop cuts: of an odd rest the half goes to the even side.
func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		width, height, size int
		want                image.Point // the upper left corner
	}{{6, 5, 3, image.Pt(2, 1)}, {5, 3, 2, image.Pt(2, 0)}, {7, 4, 4, image.Pt(2, 0)}, {4, 4, 4, image.Pt(0, 0)}} {
		for _, p := range []pixels{{grey: image.NewGray(image.Rect(0, 0, c.width, c.height))}, {colour: opaque(c.width, c.height)}} {
			if got := p.middle(c.size).bounds(); got.Min != c.want || got.Dx() != c.size || got.Dy() != c.size {
				t.Errorf("%+v: %v", c, got)
			}
		}
	}
}

func TestBadCrops(t *testing.T) {
	ctx := context.Background()
	d := datasets.Shapes(1, 1)
	for _, crop := range []float64{-0.1, 1.01, math.NaN(), math.Inf(1)} {
		err := Pixels(ctx, d, []int{0}, Options{Size: 8, Crop: crop}, make([]uint8, 8*8*3))
		if err == nil || !strings.Contains(err.Error(), "is above 0 and at most 1, or 0 to keep all and squash") {
			t.Errorf("Crop %v: %v", crop, err)
		}
	}
	strip := datasets.Folder(folder(t, map[string][]byte{"a/strip.png": encodePNG(t, image.NewGray(image.Rect(0, 0, 1000, 1)))}))
	err := Pixels(ctx, strip, []int{0}, Options{Size: 224, Crop: 1}, make([]uint8, 224*224*3))
	if err == nil || !strings.Contains(err.Error(), "strip.png: it has 1000×1 pixels, too long a strip to bring its shorter side to 224") {
		t.Errorf("error %v", err)
	}
}
