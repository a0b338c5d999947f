package gx

import "math"

// Cosine is the factor of the learning rate at a share of the training in [0, 1]: from 1 to 0 along half a cosine (Loshchilov & Hutter 2017,
// arXiv:1608.03983).
func Cosine(share float64) float64 { return (1 + math.Cos(math.Pi*clamp(share))) / 2 }

// OneCycle is the factor at a share of the training in [0, 1]: along half a cosine from 1/25 to 1 in the first quarter, then to 1/100,000 (Smith &
// Topin 2017, arXiv:1708.07120; the numbers are fastai's).
func OneCycle(share float64) float64 {
	const warm, first, last = 0.25, 1.0 / 25, 1e-5
	if share = clamp(share); share < warm {
		return between(first, 1, share/warm)
	}
	return between(1, last, (share-warm)/(1-warm))
}

// between goes from a to b along half a cosine while share goes from 0 to 1.
func between(a, b, share float64) float64 { return b + (a-b)*Cosine(share) }

func clamp(share float64) float64 { return min(max(share, 0), 1) }
