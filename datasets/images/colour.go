package images

import (
	"math"

	"transferlab/datasets"
)

// recolour changes brightness, contrast, saturation and hue, in this order, and takes the colours away. It computes as torchvision's
// ColorJitter does on images of Pillow, which mixes an image with a black one, its mean grey, or its own grey, and cuts fractions off.
// imaging's adjustments of these names are others: they add, and measure from middle grey.
func (p pixels) recolour(v datasets.View) pixels {
	if v.Brightness == 0 && v.Contrast == 0 && v.Saturation == 0 && v.Hue == 0 && !v.Grey {
		return p
	}
	p = p.clone()
	if v.Brightness != 0 {
		p.replace(mix(0, 1+v.Brightness))
	}
	if v.Contrast != 0 {
		p.replace(mix(p.mean(), 1+v.Contrast))
	}
	if p.grey != nil {
		return p
	}
	p.eachColour(func(c []uint8) {
		if v.Saturation != 0 {
			grey := luma(c)
			for i, value := range c {
				c[i] = blend(grey, value, 1+v.Saturation)
			}
		}
		if v.Hue != 0 {
			turnHue(c, v.Hue)
		}
		if v.Grey {
			c[0] = luma(c)
			c[1], c[2] = c[0], c[0]
		}
	})
	return p
}

// eachColour calls f with red, green and blue of every pixel of a coloured image.
func (p pixels) eachColour(f func(c []uint8)) {
	for i := 0; i < len(p.colour.Pix); i += 4 {
		f(p.colour.Pix[i : i+3 : i+3])
	}
}

// replace puts every value through a table.
func (p pixels) replace(table [256]uint8) {
	if p.grey != nil {
		for i, value := range p.grey.Pix {
			p.grey.Pix[i] = table[value]
		}
		return
	}
	p.eachColour(func(c []uint8) { c[0], c[1], c[2] = table[c[0]], table[c[1]], table[c[2]] })
}

// mix is the table of blend with a constant.
func mix(from uint8, factor float64) (table [256]uint8) {
	for value := range table {
		table[value] = blend(from, uint8(value), factor)
	}
	return table
}

// blend is from where factor is 0 and to where it is 1, and goes on beyond it. It rounds as Pillow does, in 32 bits.
func blend(from, to uint8, factor float64) uint8 {
	step := float32(float32(factor) * (float32(to) - float32(from))) // the conversion keeps compilers from fusing what follows
	return uint8(min(255, max(0, float32(from)+step)))
}

// mean is the mean grey, rounded. p has no other memory around it.
func (p pixels) mean() uint8 {
	sum, n := 0, 0
	if p.grey != nil {
		for _, value := range p.grey.Pix {
			sum += int(value)
		}
		n = len(p.grey.Pix)
	} else {
		p.eachColour(func(c []uint8) { sum, n = sum+int(luma(c)), n+1 })
	}
	return uint8(float64(sum)/float64(n) + 0.5)
}

// luma is the grey of a colour (ITU-R BT.601), in Pillow's arithmetic.
func luma(c []uint8) uint8 {
	return uint8((int(c[0])*19595 + int(c[1])*38470 + int(c[2])*7471 + 1<<15) >> 16)
}

// turnHue turns the colour circle by a share of it and leaves saturation and value (Smith 1978): all that changes is where between the
// smallest and the largest value the three colours lie.
func turnHue(c []uint8, turn float64) {
	r, g, b := float64(c[0]), float64(c[1]), float64(c[2])
	high, low := max(r, g, b), min(r, g, b)
	span := high - low
	if span == 0 {
		return
	}
	var hue float64 // in sixths of the circle, from red
	switch high {
	case r:
		hue = (g - b) / span
	case g:
		hue = 2 + (b-r)/span
	default:
		hue = 4 + (r-g)/span
	}
	hue += 6 * turn
	for i, offset := range [3]float64{5, 3, 1} {
		k := math.Mod(offset+hue+12, 6) // how far this colour is from where it is at its lowest
		c[i] = uint8(high - span*max(0, min(k, 4-k, 1)) + 0.5)
	}
}
