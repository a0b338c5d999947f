package images

import (
	"image"
	"image/color"
	"math"

	"github.com/disintegration/imaging"

	"transferlab/datasets"
)

// erasedTo is what a part becomes that is erased: about the mean of ImageNet, so that it is near 0 once normalised.
const erasedTo = 127

// vary brings p to its size and does what a view does, but for flips, which cost nothing as an image is written.
func (p pixels) vary(v datasets.View, o Options) (pixels, error) {
	var err error
	switch {
	case v.Crop != datasets.Box{}:
		at := p.bounds().Min.Add(image.Pt(v.Crop.X, v.Crop.Y))
		p = p.cut(image.Rectangle{at, at.Add(image.Pt(v.Crop.Width, v.Crop.Height))})
		if o.Size > 0 {
			p = p.resize(o.Size, o.Size, o.filter())
		}
	case o.Size > 0:
		if p, err = p.fit(o); err != nil {
			return pixels{}, err
		}
	}
	if v.Transpose {
		p = p.transpose()
	}
	if v.Angle != 0 {
		p = p.rotate(v.Angle)
	}
	p = p.recolour(v)
	if v.Erase != (datasets.Part{}) {
		p = p.erase(v.Erase)
	}
	return p, nil
}

func (p pixels) transpose() pixels {
	if p.grey == nil {
		return pixels{colour: imaging.Transpose(p.colour)}
	}
	return pixels{grey: greyOf(imaging.Transpose(p.grey))}
}

// rotate turns p about its middle, counter-clockwise, and keeps its size. Around it stand its mirror images, as fastai's default has it: black
// corners would be something to learn from.
func (p pixels) rotate(degrees float64) pixels {
	b := p.bounds()
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	sin, cos = math.Abs(sin), math.Abs(cos)
	w, h := float64(b.Dx()), float64(b.Dy())
	margin := func(need, have float64) int { return max(0, int(math.Ceil((need-have)/2))) + 1 } // 1 for the neighbours of the last pixel
	wide := p.mirrored(margin(w*cos+h*sin, w), margin(h*cos+w*sin, h))
	turned := imaging.CropCenter(imaging.Rotate(wide, degrees, color.Black), b.Dx(), b.Dy())
	if p.grey != nil {
		return pixels{grey: greyOf(turned)}
	}
	return pixels{colour: turned}
}

// mirrored is p with dx and dy more pixels on each side, which continue it as its mirror image.
func (p pixels) mirrored(dx, dy int) image.Image {
	b := p.bounds()
	from := func(i, n int) int { // … 2 1 0 1 2 … n−1 n−2 …
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = ((i % period) + period) % period
		return min(i, period-i)
	}
	if p.grey != nil {
		out := image.NewGray(image.Rect(0, 0, b.Dx()+2*dx, b.Dy()+2*dy))
		for y := range out.Rect.Dy() {
			in := p.grey.Pix[from(y-dy, b.Dy())*p.grey.Stride:]
			for x := range out.Rect.Dx() {
				out.Pix[y*out.Stride+x] = in[from(x-dx, b.Dx())]
			}
		}
		return out
	}
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx()+2*dx, b.Dy()+2*dy))
	for y := range out.Rect.Dy() {
		in := p.colour.Pix[from(y-dy, b.Dy())*p.colour.Stride:]
		for x := range out.Rect.Dx() {
			copy(out.Pix[y*out.Stride+4*x:][:4], in[4*from(x-dx, b.Dx()):])
		}
	}
	return out
}

// greyOf undoes what imaging makes of a grey image: the three colours are one.
func greyOf(m *image.NRGBA) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, m.Rect.Dx(), m.Rect.Dy()))
	for i := range out.Pix {
		out.Pix[i] = m.Pix[4*i]
	}
	return out
}

// erase makes a rectangle middle grey.
func (p pixels) erase(part datasets.Part) pixels {
	b := p.bounds()
	at := func(share float64, n int) int { return int(math.Round(share * float64(n))) }
	left, top := at(part.X, b.Dx()), at(part.Y, b.Dy())
	right, bottom := at(part.X+part.Width, b.Dx()), at(part.Y+part.Height, b.Dy())
	p = p.clone()
	for y := top; y < bottom; y++ {
		for x := left; x < right; x++ {
			if p.grey != nil {
				p.grey.Pix[y*p.grey.Stride+x] = erasedTo
				continue
			}
			copy(p.colour.Pix[y*p.colour.Stride+4*x:][:3], []uint8{erasedTo, erasedTo, erasedTo})
		}
	}
	return p
}

// clone is a copy that may be written to: pixels may belong to the data set.
func (p pixels) clone() pixels {
	if p.grey == nil {
		return pixels{colour: imaging.Clone(p.colour)}
	}
	b := p.grey.Rect
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		copy(out.Pix[y*out.Stride:][:b.Dx()], p.grey.Pix[y*p.grey.Stride:])
	}
	return pixels{grey: out}
}
