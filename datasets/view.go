package datasets

import (
	"crypto/sha256"
	"math"
	"math/rand/v2"
)

// View is what one view does with one image, in the order of the fields. The zero value is the plain image.
type View struct {
	Crop       Box     // of the image as it is stored, in pixels, then resized to the network's size; zero is the image by the usual rule
	Transpose  bool    // rows become columns
	Angle      float64 // degrees counter-clockwise
	Brightness float64 // v becomes v·(1+Brightness)
	Contrast   float64 // the distance from the mean grey is multiplied by 1+Contrast
	Saturation float64 // the distance from the pixel's grey is multiplied by 1+Saturation
	Hue        float64 // turn of the colour circle, −0.5 to 0.5
	Grey       bool
	Erase      Part // becomes middle grey
	LeftRight  bool
	UpDown     bool
}

// Box is a rectangle in whole pixels.
type Box struct{ X, Y, Width, Height int }

// Part is a rectangle in shares of the width and height, 0 to 1.
type Part struct{ X, Y, Width, Height float64 }

// View is what a view, 0 to Views()−1, does with the image of this content (see Dataset.Hashes), which is stored with width×height pixels.
// Each kind of variation has a generator of its own, so that turning one on or off moves no other.
func (a Augmentation) View(view int, hash [32]byte, width, height int) View {
	exact := a.exact()
	if view == 0 || !a.drawn() {
		return exact[view%len(exact)]
	}
	draw := func(what string) *rand.Rand {
		text := append([]byte("view 1 "), hash[:]...)
		for _, n := range []uint64{uint64(a.Seed), uint64(view)} {
			for shift := 0; shift < 64; shift += 8 {
				text = append(text, byte(n>>shift))
			}
		}
		return rand.New(rand.NewChaCha8(sha256.Sum256(append(text, what...))))
	}
	v := exact[draw("flip").IntN(len(exact))]
	if a.CropArea != ([2]float64{}) {
		v.Crop = crop(draw("crop"), a.CropArea, a.aspect(), width, height)
	}
	either := func(what string, most float64) float64 { return (2*draw(what).Float64() - 1) * most }
	v.Angle = either("angle", a.Rotate)
	v.Brightness, v.Contrast = either("brightness", a.Brightness), either("contrast", a.Contrast)
	v.Saturation, v.Hue = either("saturation", a.Saturation), either("hue", a.Hue)
	v.Grey = draw("grey").Float64() < a.Grey
	if random := draw("erase"); random.Float64() < a.Erase {
		v.Erase = erased(random)
	}
	return v
}

// tries is how often a rectangle is drawn before one that fits is made, as in torchvision.
const tries = 10

// crop draws the rectangle of torchvision's RandomResizedCrop: where none of ten tries fits, the largest in the middle whose aspect is allowed.
func crop(random *rand.Rand, area, aspect [2]float64, width, height int) Box {
	for range tries {
		size := between(random, area) * float64(width) * float64(height)
		ratio := math.Exp(between(random, [2]float64{math.Log(aspect[0]), math.Log(aspect[1])}))
		w, h := int(math.Round(math.Sqrt(size*ratio))), int(math.Round(math.Sqrt(size/ratio)))
		if w >= 1 && h >= 1 && w <= width && h <= height {
			return Box{random.IntN(width - w + 1), random.IntN(height - h + 1), w, h}
		}
	}
	w, h := width, height
	switch have := float64(width) / float64(height); {
	case have < aspect[0]:
		h = min(height, max(1, int(math.Round(float64(w)/aspect[0]))))
	case have > aspect[1]:
		w = min(width, max(1, int(math.Round(float64(h)*aspect[1]))))
	}
	return Box{(width - w) / 2, (height - h) / 2, w, h}
}

// erased draws the rectangle of torchvision's RandomErasing; nothing, where none of ten tries fits.
func erased(random *rand.Rand) Part {
	for range tries {
		size := between(random, [2]float64{0.02, 0.33})
		ratio := math.Exp(between(random, [2]float64{math.Log(0.3), math.Log(3.3)}))
		w, h := math.Sqrt(size*ratio), math.Sqrt(size/ratio)
		if w < 1 && h < 1 {
			return Part{random.Float64() * (1 - w), random.Float64() * (1 - h), w, h}
		}
	}
	return Part{}
}

// between is uniform in [limits[0], limits[1]).
func between(random *rand.Rand, limits [2]float64) float64 {
	return limits[0] + random.Float64()*(limits[1]-limits[0])
}
