package tl

import (
	"context"
	"math"
	"slices"

	"transferlab/datasets"
)

// Method is a way to say which pixels speak for a class.
type Method string

// The methods.
const (
	// GradCAM weights the feature maps behind a block by the mean over space of the gradient of the class's logit, adds them and keeps what is
	// positive (Selvaraju et al. 2017). It is coarse, as the maps are: 7×7 behind the last blocks of most networks.
	GradCAM Method = ""
	// Saliency is the largest absolute value over red, green and blue of the gradient of the class's logit in each pixel, counted in what the
	// network takes: the normalised pixel (Simonyan et al. 2014).
	Saliency Method = "saliency"
	// Occlusion is how much the class's probability falls when a grey patch covers a place: for each pixel the mean over the patches that cover
	// it (Zeiler & Fergus 2014). It needs no gradient and runs the network once for each place of the patch.
	Occlusion Method = "occlusion"
)

// TrueLabel as Attribution.Class is the class that each image has in its data set.
const TrueLabel = "(true label)"

// Attribution says what is asked. The zero value is Grad-CAM behind the last block with space, for the class that is predicted.
type Attribution struct {
	Method Method // "" is GradCAM
	// Class is what the heat map speaks for: "" the class that is predicted for the image, TrueLabel its label, or for all images the class of that
	// name, or of that number, "1".
	Class string
	Block string // whose feature maps Grad-CAM weights; "" is the last one with space
	// Patch is the side of Occlusion's patch in pixels of the network's input, and Stride how far it moves each time; 0 are a quarter of the
	// input's side and half of the patch: 49 places.
	Patch, Stride int
}

// Attributions are heat maps: for each image, which places speak for a class.
type Attributions struct {
	Of     string      // the model's name, or the base's
	Asked  Attribution // with what was asked for by a zero value
	Maps   Tensor      // [n, h, w]: of Grad-CAM as the block's maps, else as the network's input; all cover the whole image. Occlusion alone has numbers below 0
	Class  []int       // [n]: the class that the map speaks for
	Answer Predictions // the same as Predict gives
	Time   Timing
}

// Attribute draws for each image of d the heat map of the places that speak for a class of the model.
func (m Model) Attribute(ctx context.Context, d datasets.Dataset, a Attribution) (Attributions, error) {
	return call[Attributions](ctx, VerbAttribute, m.Name, AttributeRequest{Model: m, Data: d, Attribution: a})
}

// Attribute is [Model.Attribute] for the source task's classes: the network with its original top, 1,000 classes of ImageNet.
func (b Base) Attribute(ctx context.Context, d datasets.Dataset, a Attribution) (Attributions, error) {
	return call[Attributions](ctx, VerbAttribute, b.Name, AttributeRequest{Model: Model{Base: b}, Data: d, Attribution: a})
}

// Losses are the images' cross-entropies in nats: minus the logarithm of the probability that the true class got.
func (e Evaluation) Losses() []float64 {
	losses := make([]float64, len(e.Labels))
	for i, label := range e.Labels {
		losses[i] = -math.Log(float64(e.Predicts.Probabilities.Row(i)[label]))
		if e.Predicts.Logits.Len() != len(e.Labels) {
			continue // of predictions that were put together by hand
		}
		row := e.Predicts.Logits.Row(i) // the probability of a sure mistake may round to 0, and then its logarithm is of no use
		top, sum := slices.Max(row), 0.0
		for _, v := range row {
			sum += math.Exp(float64(v - top))
		}
		losses[i] = math.Log(sum) - float64(row[label]-top)
	}
	return losses
}

// TopLosses are the positions of the n images with the highest loss, the highest first: the surest mistakes, and labels that may be wrong.
func (e Evaluation) TopLosses(n int) []int {
	losses := e.Losses()
	order := make([]int, len(losses))
	for i := range order {
		order[i] = i
	}
	sortBy(order, func(i int) float64 { return -losses[i] })
	return order[:max(0, min(n, len(order)))]
}
