package plots

import (
	"image"
	"image/color"
	"math"
	"sync"

	"github.com/disintegration/imaging"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours of viridis (Smith & van der Walt 2015, CC0) at tenths of its way: from dark blue to yellow, lighter all the way, so that it reads alike
// for colour-blind readers and in print without colour. Between them package moreland goes by luminance in CIE Lab.
var viridisColours = []color.Color{
	color.NRGBA{0x44, 0x01, 0x54, 0xFF}, color.NRGBA{0x48, 0x24, 0x75, 0xFF}, color.NRGBA{0x41, 0x44, 0x87, 0xFF}, color.NRGBA{0x35, 0x5F, 0x8D, 0xFF},
	color.NRGBA{0x2A, 0x78, 0x8E, 0xFF}, color.NRGBA{0x21, 0x91, 0x8C, 0xFF}, color.NRGBA{0x22, 0xA8, 0x84, 0xFF}, color.NRGBA{0x44, 0xBF, 0x70, 0xFF},
	color.NRGBA{0x7A, 0xD1, 0x51, 0xFF}, color.NRGBA{0xBD, 0xDF, 0x26, 0xFF}, color.NRGBA{0xFD, 0xE7, 0x25, 0xFF},
}

// shades is a colour map in 256 steps.
type shades [256]color.NRGBA

// at is the colour of v in [0, 1]; what lies beyond takes the nearer end, NaN the lower one.
func (s *shades) at(v float64) color.NRGBA {
	if !(v > 0) {
		return s[0]
	}
	return s[int(math.Round(min(v, 1)*255))]
}

// viridis is made when it is first needed: every cell that links plots would pay for it otherwise.
var viridis = sync.OnceValue(func() *shades {
	s := greys()
	m, err := moreland.NewLuminance(viridisColours)
	if err != nil {
		return s // not for these colours, each lighter than the one before
	}
	m.SetMax(1)
	for i := range s {
		if c, err := m.At(float64(i) / 255); err == nil {
			s[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
	}
	return s
})

func greys() *shades {
	var s shades
	for i := range s {
		s[i] = color.NRGBA{uint8(i), uint8(i), uint8(i), 0xFF}
	}
	return &s
}

// grid2 is a map of numbers, [h, w] in row-major order.
type grid2 struct {
	values []float32
	h, w   int
}

// span is the lowest and the highest finite value; 0 and 0 where there is none.
func (g grid2) span() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range g.values {
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			low, high = min(low, f), max(high, f)
		}
	}
	if low > high {
		return 0, 0
	}
	return low, high
}

// picture is the map in colours, low as the darkest and high as the lightest.
func (g grid2) picture(s *shades, low, high float64) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, g.w, g.h))
	for i, v := range g.values {
		share := 0.0
		if high > low {
			share = (float64(v) - low) / (high - low)
		}
		m.SetNRGBA(i%g.w, i/g.w, s.at(share))
	}
	return m
}

// over lays the map on a picture, stretched to it: the higher a value between 0 and high, the more its colour covers.
func (g grid2) over(m image.Image, s *shades, high float64) image.Image {
	size := m.Bounds().Size()
	heat := imaging.Resize(g.picture(greys(), 0, high), size.X, size.Y, imaging.CatmullRom)
	below := imaging.Clone(m)
	out := image.NewNRGBA(image.Rect(0, 0, size.X, size.Y))
	for y := range size.Y {
		for x := range size.X {
			out.SetNRGBA(x, y, covered(below.NRGBAAt(x, y), s, float64(heat.NRGBAAt(x, y).R)/255))
		}
	}
	return out
}

// covered is a pixel under a share in [0, 1] of the highest value.
func covered(under color.NRGBA, s *shades, share float64) color.NRGBA {
	c, cover := s.at(share), 0.8*math.Pow(share, 0.75)
	mix := func(over, under uint8) uint8 {
		return uint8(math.Round(cover*float64(over) + (1-cover)*float64(under)))
	}
	return color.NRGBA{mix(c.R, under.R), mix(c.G, under.G), mix(c.B, under.B), 0xFF}
}

// onGrey is how a colour map looks over middle grey, for a legend.
func (s *shades) onGrey() *shades {
	over := greys()
	middle := over[128]
	for i := range over {
		over[i] = covered(middle, s, float64(i)/255)
	}
	return over
}

// scaleKey is a legend's entry for a colour map.
func scaleKey(label string, s *shades) key {
	return key{label: label, sample: func(c *draw.Canvas, middle vg.Point) {
		const strips, high = 30, 10
		for i := range strips {
			left := middle.X - sampleWidth/2 + vg.Length(i)*sampleWidth/strips
			strip := vg.Rectangle{Min: vg.Point{X: left, Y: middle.Y - high/2}, Max: vg.Point{X: left + sampleWidth/strips + 0.3, Y: middle.Y + high/2}}
			c.SetColor(s.at(float64(i) / (strips - 1)))
			c.Fill(strip.Path())
		}
	}}
}
