package tl

import (
	"context"
	"fmt"

	"transferlab/datasets"
)

// Representation is a handle on the representations of a data set that the engine holds.
type Representation struct {
	Base   Base
	Data   datasets.Dataset
	Shape  []int  // [n, channels]
	Block  string // the block that they stand behind, averaged over space; "" is the base's output
	Logits bool   // whether they are the answers of the network's original top, see [Base.Logits]
	Model  Model  // of a model, that: each verb takes it as it is then, see [Model.Represent]; zero is the base
}

func (r Representation) request() RepresentRequest {
	return RepresentRequest{Base: r.Base, Data: r.Data, Block: r.Block, Logits: r.Logits, Model: r.Model}
}

// Network is the name of the model, or of the base.
func (r Representation) Network() string {
	if r.Model.Name != "" {
		return r.Model.Name
	}
	return r.Base.Name
}

// Place says where in the network the representation stands: "mbconv3", "logits", or "output".
func (r Representation) Place() string {
	switch {
	case r.Logits:
		return "logits"
	case r.Block != "":
		return r.Block
	}
	return "output"
}

// String says what the representation is of, and its shape.
func (r Representation) String() string {
	where := "output of " + flat(r.Network())
	switch {
	case r.Logits:
		where = "logits of " + flat(r.Base.Name)
	case r.Block != "":
		where = fmt.Sprintf("%s behind %s", flat(r.Network()), flat(r.Block))
	}
	images, channels := 0, 0
	if len(r.Shape) > 1 {
		images, channels = r.Shape[0], r.Shape[1]
	}
	return fmt.Sprintf("%s: %s images × %s numbers (%s)", where, WithCommas(int64(images)), WithCommas(int64(channels)), flat(r.Data.String()))
}

// Values fetches the numbers themselves: float32 [n, channels].
func (r Representation) Values(ctx context.Context) (Tensor, error) {
	return call[Tensor](ctx, VerbValues, r.Network(), r.request())
}

// PCA projects the representations on their first k principal components (Pearson 1901). 1 ≤ k ≤ min(n, channels).
func (r Representation) PCA(ctx context.Context, k int) (Projection, error) {
	return call[Projection](ctx, VerbPCA, r.Network(), PCARequest{r.request(), k})
}

// Projection is points in few dimensions that stand for representations: the result of PCA or TSNE.
type Projection struct {
	Method    string    // how it was made, for captions: "PCA" or "t-SNE"
	Points    Tensor    // [n, k], centred; of PCA the scores
	Variances []float64 // [k]: of PCA, the variance along each component, descending; else nil
	Total     float64   // of PCA, the variance of all channels together; else 0

	// Of t-SNE alone, else zero:
	Perplexity float64
	Components int     // principal components that it started from
	Kept       float64 // their share of the variance, in [0, 1]
	Divergence float64 // Kullback-Leibler divergence at the end, in nats
	// Trustworthiness says, in [0, 1], whether neighbours among the points are neighbours among the representations, too (Venna & Kaski 2001), at
	// 12 neighbours; 0 where it was not measured, see [Representation.Trustworthiness].
	Trustworthiness float64
}

// Explained is the share of the total variance that the components of a PCA hold together, in [0, 1].
func (p Projection) Explained() float64 {
	sum := 0.0
	for _, v := range p.Variances {
		sum += v
	}
	if p.Total == 0 {
		return 0
	}
	return sum / p.Total
}
