package images

import (
	"fmt"
	"image"
	"math"

	"github.com/disintegration/imaging"
)

func (o Options) filter() imaging.ResampleFilter {
	if o.Bicubic {
		return imaging.CatmullRom // a = −0.5, as Pillow's BICUBIC
	}
	return imaging.Linear
}

// whole is the width and height to which an image is resized before Size×Size are cut out of its middle.
func (o Options) whole(width, height int) (int, int, error) {
	if o.Crop == 0 {
		return o.Size, o.Size, nil
	}
	short := int(float64(o.Size)/o.Crop + 1e-6) // timm rounds down; 224/(224/232) must not become 231
	w, h := short, short
	if width > height {
		w = int(int64(short) * int64(width) / int64(height))
	} else {
		h = int(int64(short) * int64(height) / int64(width))
	}
	if w > MaxSide || h > MaxSide || w*h > MaxPixels {
		return 0, 0, fmt.Errorf("it has %d×%d pixels, too long a strip to bring its shorter side to %d; cut it to something more like a square", width, height, short)
	}
	return w, h, nil
}

// fit brings p to Size×Size: resized, or its shorter side resized and the middle cut out. An image of the right size is left as it is,
// bit for bit.
func (p pixels) fit(o Options) (pixels, error) {
	b := p.bounds()
	w, h, err := o.whole(b.Dx(), b.Dy())
	if err != nil {
		return pixels{}, err
	}
	return p.resize(w, h, o.filter()).middle(o.Size), nil
}

// resize brings p to w×h.
func (p pixels) resize(w, h int, filter imaging.ResampleFilter) pixels {
	b := p.bounds()
	switch {
	case b.Dx() == w && b.Dy() == h:
		return p
	case p.grey != nil:
		return pixels{grey: resizeGrey(p.grey, w, h, filter)}
	}
	return pixels{colour: imaging.Resize(p.colour, w, h, filter)}
}

// middle cuts size×size out of the middle, half a pixel to the even side as torchvision does.
func (p pixels) middle(size int) pixels {
	b := p.bounds()
	if b.Dx() == size && b.Dy() == size {
		return p
	}
	at := b.Min.Add(image.Pt(int(math.RoundToEven(float64(b.Dx()-size)/2)), int(math.RoundToEven(float64(b.Dy()-size)/2))))
	return p.cut(image.Rectangle{at, at.Add(image.Pt(size, size))})
}

// cut shares the pixels of a part.
func (p pixels) cut(r image.Rectangle) pixels {
	if p.grey != nil {
		return pixels{grey: p.grey.SubImage(r).(*image.Gray)}
	}
	return pixels{colour: p.colour.SubImage(r).(*image.NRGBA)}
}
