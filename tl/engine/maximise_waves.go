package engine

import "math"

// The image that climbs is a sum of cosine waves (the discrete cosine transform), as Olah et al. 2017 search it in Fourier space: an amplitude's reach
// falls with its frequency, as amplitudes do in photographs, so that steps of one size do not end in the checkerboards to which gradients of
// convolutions with strides lead. Waves can be asked for between pixels, which makes shifts and zooms another matrix.

const (
	startNoise = 0.01 // of amplitudes
	ascentRate = 0.1  // of a step
	shiftShare = 16   // a shift is up to this part of the image's side
	mostZoom   = 0.05 // either way
)

// colours mixes three numbers into red, green and blue, so that they vary together as over ImageNet's photographs: the square root of the
// covariance of its pixels, over its largest column (lucid, lucid/optvis/param/color.py).
var colours = mixed([3][3]float64{{0.26, 0.09, 0.02}, {0.27, 0.00, -0.05}, {0.27, -0.09, 0.03}})

func mixed(m [3][3]float64) [][]float32 {
	largest := 0.0
	for c := range 3 {
		largest = max(largest, math.Sqrt(m[0][c]*m[0][c]+m[1][c]*m[1][c]+m[2][c]*m[2][c]))
	}
	out := make([][]float32, 3)
	for d := range out {
		for c := range 3 {
			out[d] = append(out[d], float32(m[d][c]/largest))
		}
	}
	return out
}

// cosines are the orthonormal waves of the DCT-II at side places, moved by shift pixels and spread by zoom around the middle: [place, wave].
func cosines(side int, shift, zoom float64) []float32 {
	out := make([]float32, 0, side*side)
	middle := float64(side) / 2
	for i := range side {
		at := middle + (float64(i)+0.5-middle)*zoom + shift
		for u := range side {
			size := math.Sqrt(2 / float64(side))
			if u == 0 {
				size = math.Sqrt(1 / float64(side))
			}
			out = append(out, float32(size*math.Cos(math.Pi*at*float64(u)/float64(side))))
		}
	}
	return out
}

// reach is what an amplitude is multiplied with: [row wave, column wave], 1 over the frequency in waves a pixel, a quarter of it as in lucid.
func reach(side int) []float32 {
	out := make([]float32, 0, side*side)
	for u := range side {
		for v := range side {
			frequency := math.Hypot(float64(u), float64(v)) / float64(2*side)
			out = append(out, float32(0.25/max(frequency, 1/float64(side))))
		}
	}
	return out
}

// climber is Adam (Kingma & Ba 2015) upwards.
type climber struct {
	values, first, second []float32
	steps                 int
}

func newClimber(values []float32) *climber {
	return &climber{values: values, first: make([]float32, len(values)), second: make([]float32, len(values))}
}

func (c *climber) climb(gradient []float32) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	c.steps++
	rate := ascentRate * math.Sqrt(1-math.Pow(beta2, float64(c.steps))) / (1 - math.Pow(beta1, float64(c.steps)))
	for i, g := range gradient {
		c.first[i] = beta1*c.first[i] + (1-beta1)*g
		c.second[i] = beta2*c.second[i] + (1-beta2)*g*g
		c.values[i] += float32(rate) * c.first[i] / (float32(math.Sqrt(float64(c.second[i]))) + epsilon)
	}
}
