package images

import (
	"image"

	"github.com/disintegration/imaging"
)

// pixels is a decoded image: grey where it has one channel, else red, green, blue without alpha.
type pixels struct {
	grey   *image.Gray  // or nil
	colour *image.NRGBA // or nil; every alpha is 255
}

// flip says how an image is turned over as it is written.
type flip struct{ leftRight, upDown bool }

func (p pixels) bounds() image.Rectangle {
	if p.grey != nil {
		return p.grey.Rect
	}
	return p.colour.Rect
}

// write puts p into dst as bytes [h, w, 3].
func (p pixels) write(dst []uint8, f flip) {
	b := p.bounds()
	w, h := b.Dx(), b.Dy()
	for y := range h {
		row := y
		if f.upDown {
			row = h - 1 - y
		}
		out := dst[y*w*3 : (y+1)*w*3 : (y+1)*w*3]
		if p.grey != nil {
			in := p.grey.Pix[row*p.grey.Stride:][:w]
			writeGrey(out, in, f.leftRight)
			continue
		}
		writeColour(out, p.colour.Pix[row*p.colour.Stride:][:4*w], f.leftRight)
	}
}

func writeGrey(out, in []uint8, mirrored bool) {
	if mirrored {
		for x, v := range in {
			o := out[3*(len(in)-1-x):][:3]
			o[0], o[1], o[2] = v, v, v
		}
		return
	}
	for x, v := range in {
		o := out[3*x:][:3]
		o[0], o[1], o[2] = v, v, v
	}
}

func writeColour(out, in []uint8, mirrored bool) {
	w := len(in) / 4
	for x := range w {
		at := x
		if mirrored {
			at = w - 1 - x
		}
		copy(out[3*at:3*at+3], in[4*x:4*x+3])
	}
}

// image is p for a figure.
func (p pixels) image(f flip) image.Image {
	b := p.bounds()
	if p.grey != nil && f == (flip{}) {
		return p.grey
	}
	w, h := b.Dx(), b.Dy()
	flat := make([]uint8, w*h*3)
	p.write(flat, f)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(out.Pix[4*i:4*i+3], flat[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out
}

// resizeGrey is imaging.Resize(src, width, height, filter) for grey, to the bit, in half of its time: imaging works on
// red, green and blue, so three bands of rows, then three bands of columns, travel as the three colours of one image a third as large.
func resizeGrey(src *image.Gray, width, height int, filter imaging.ResampleFilter) *image.Gray {
	if src.Rect.Dx() != width {
		packed, rows := packRows(src)
		packed = imaging.Resize(packed, width, rows, filter) // rows stay: this pass is horizontal
		src = unpackRows(packed, src.Rect.Dy())
	}
	if src.Rect.Dy() != height {
		packed, columns := packColumns(src)
		packed = imaging.Resize(packed, columns, height, filter)
		src = unpackColumns(packed, src.Rect.Dx())
	}
	return src
}

// packRows puts rows y, rows+y and 2·rows+y of src into the red, green and blue of row y.
func packRows(src *image.Gray) (packed *image.NRGBA, rows int) {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	rows = (h + 2) / 3
	packed = opaque(w, rows)
	for y := range h {
		in := src.Pix[y*src.Stride:][:w]
		out := packed.Pix[y%rows*packed.Stride+y/rows:]
		for x, v := range in {
			out[4*x] = v
		}
	}
	return packed, rows
}

// unpackRows undoes packRows for an image of h rows.
func unpackRows(packed *image.NRGBA, h int) *image.Gray {
	w, rows := packed.Rect.Dx(), packed.Rect.Dy()
	dst := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		in := packed.Pix[y%rows*packed.Stride+y/rows:]
		out := dst.Pix[y*dst.Stride:][:w]
		for x := range out {
			out[x] = in[4*x]
		}
	}
	return dst
}

// packColumns puts columns x, columns+x and 2·columns+x of src into the red, green and blue of column x.
func packColumns(src *image.Gray) (packed *image.NRGBA, columns int) {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	columns = (w + 2) / 3
	packed = opaque(columns, h)
	for y := range h {
		in := src.Pix[y*src.Stride:][:w]
		out := packed.Pix[y*packed.Stride:][:4*columns]
		for colour := range 3 {
			for x := colour * columns; x < min(w, (colour+1)*columns); x++ {
				out[4*(x-colour*columns)+colour] = in[x]
			}
		}
	}
	return packed, columns
}

// unpackColumns undoes packColumns for an image of w columns.
func unpackColumns(packed *image.NRGBA, w int) *image.Gray {
	columns, h := packed.Rect.Dx(), packed.Rect.Dy()
	dst := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		in := packed.Pix[y*packed.Stride:][:4*columns]
		out := dst.Pix[y*dst.Stride:][:w]
		for colour := range 3 {
			for x := colour * columns; x < min(w, (colour+1)*columns); x++ {
				out[x] = in[4*(x-colour*columns)+colour]
			}
		}
	}
	return dst
}

// opaque is a black image whose alpha is 255: imaging weighs colours by alpha.
func opaque(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	return m
}
