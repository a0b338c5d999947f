package tl

import "context"

// TSNE says how representations are laid out in the plane (van der Maaten & Hinton 2008). The zero value is what scikit-learn does by default, from 50
// principal components.
type TSNE struct {
	Perplexity float64 // how many neighbours a point has, softly counted; 0 is 30. At most (n−1)/3, and for 2,900 images or more what memory holds: 279 for 10,000.
	Steps      int     // of gradient descent; 0 is 1,000, of which the first quarter is with early exaggeration
	Components int     // principal components that it starts from; 0 is 50, or all where there are fewer
	Seed       int64   // of the noise added to the first positions, which are the first two principal components; the same seed gives the same points
}

// MostTSNE is the most images that TSNE takes: its time grows with their square.
const MostTSNE = 10000

// TSNE lays the representations out in the plane so that neighbours stay neighbours: t-distributed stochastic neighbour embedding (van der Maaten &
// Hinton 2008), computed exactly, on the first principal components (50 unless said otherwise, as there). What lies far apart says nothing, nor does the
// size of a cluster or the empty room between two (Wattenberg, Viégas & Johnson 2016). The result says how far it can be trusted.
func (r Representation) TSNE(ctx context.Context, o TSNE) (Projection, error) {
	return call[Projection](ctx, VerbTSNE, r.Network(), TSNERequest{r.request(), o})
}

// Trustworthiness says whether the k nearest neighbours of each point of p are neighbours among the representations, too: 1 where all are, about 0.5
// for points at random (Venna & Kaski 2001). k is 12 where it is 0; 1 ≤ k < n/2.
func (r Representation) Trustworthiness(ctx context.Context, p Projection, k int) (float64, error) {
	return call[float64](ctx, VerbTrust, r.Network(), TrustRequest{r.request(), p.Points, k})
}
