package tl

import (
	"context"

	"transferlab/datasets"
)

// Filters are the kernels of a convolution: what its n filters look for in the c channels of their input.
type Filters struct {
	Base    string // the network's name, or the model's
	Block   string // the block that the convolution stands in
	Layer   string // its name in the block: "conv"
	Kernels Tensor // [n, h, w, c]; of the first convolution c is red, green, blue
}

// Activations are feature maps: what the channels behind a block answer to images.
type Activations struct {
	Base  string // the network's name, or the model's
	Block string
	// Maps is [n, h, w, c], or [n, c] behind a block without space. Of a block that ends in a mean over space it is what stands before the mean.
	Maps Tensor
}

// Filters gives the kernels of the first convolution. With the name of a block it gives those of the block's first convolution that is larger than
// one pixel, or else of its first. A block without a convolution is an error.
func (b Base) Filters(ctx context.Context, block ...string) (Filters, error) {
	return call[Filters](ctx, VerbFilters, b.Name, FiltersRequest{Model: Model{Base: b}, Blocks: block})
}

// Filters is [Base.Filters] of the model as it is now.
func (m Model) Filters(ctx context.Context, block ...string) (Filters, error) {
	return call[Filters](ctx, VerbFilters, m.Name, FiltersRequest{Model: m, Blocks: block})
}

// Activations gives the feature maps behind the block of that name for every image of d. They are large: 1.6 MB an image behind
// EfficientNet-Lite0's first block; where all take more than 256 MB it is an error that says how many images fit.
func (b Base) Activations(ctx context.Context, d datasets.Dataset, block string) (Activations, error) {
	return call[Activations](ctx, VerbActivations, b.Name, ActivationsRequest{Model: Model{Base: b}, Data: d, Block: block})
}

// Activations is [Base.Activations] of the model as it is now.
func (m Model) Activations(ctx context.Context, d datasets.Dataset, block string) (Activations, error) {
	return call[Activations](ctx, VerbActivations, m.Name, ActivationsRequest{Model: m, Data: d, Block: block})
}

// Maximised are images that excite one channel each as much as could be found.
type Maximised struct {
	Base     string // the network's name, or the model's
	Block    string
	Channels []int
	Images   Tensor // [n, size, size, 3]: red, green, blue in [0, 1]
	// Start and Reached, [n], are how strongly the channel answers to the noise at the start and to the image: the root of its mean square over space,
	// negative where negative values prevail.
	Start, Reached []float32
	Steps          int
	Seed           int64
}

// Maximisation says how images that excite a channel are looked for.
type Maximisation struct {
	Block    string
	Channels []int // of the block's output; none are the first four
	Steps    int   // of gradient ascent; 0 is 64
	// Size is the side of the images in pixels, 16 to 512; 0 is 64 to 128, by how much of an image the block sees. A network that takes images of one
	// size alone up to the block, as through dense layers, gives its own.
	Size int
	Seed int64 // of the noise at the start and of the shifts
}

// Maximise makes an image for each of these channels behind the block that excites it over the whole image as much as could be found: gradient
// ascent from noise (Erhan et al. 2009; Olah et al. 2017, "Feature Visualization"). The image is searched as the amplitudes of its waves, slow ones
// changing more easily than fast ones, with decorrelated colours, and is shifted and zoomed a little in each step; without these, what comes out is
// noise. What is sought is the mean over space of the channel's squares, so that strong places count more than many weak ones. The image of a channel that no noise excites, as
// behind a dead relu, stays noise: Reached is 0.
func (b Base) Maximise(ctx context.Context, block string, channels ...int) (Maximised, error) {
	return b.MaximiseAs(ctx, Maximisation{Block: block, Channels: channels})
}

// MaximiseAs is Maximise with all that can be chosen.
func (b Base) MaximiseAs(ctx context.Context, m Maximisation) (Maximised, error) {
	return call[Maximised](ctx, VerbMaximise, b.Name, MaximiseRequest{Model: Model{Base: b}, Maximisation: m})
}

// Maximise is [Base.Maximise] of the model as it is now.
func (m Model) Maximise(ctx context.Context, block string, channels ...int) (Maximised, error) {
	return call[Maximised](ctx, VerbMaximise, m.Name, MaximiseRequest{Model: m, Maximisation: Maximisation{Block: block, Channels: channels}})
}
