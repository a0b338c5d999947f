package tl

import (
	"context"

	"transferlab/datasets"
)

// Base describes a pretrained network without its top: blocks in order from the input, all of them frozen.
// It is a few bytes; its verbs make the engine load the weights.
type Base struct {
	Name    string       // as in Load; of a network of the user's own, what it is called
	Network *Network     `json:",omitempty"` // a network of the user's own (see Sequence); nil is the one that Load knows by Name
	Weights Weights      `json:",omitzero"`  // where the weights come from; zero is the published ones
	ONNX    *ONNXNetwork `json:",omitempty"` // the network of an ONNX file (see ONNX); nil where it is not one
}

// Load describes the base of that name with its ImageNet weights: "efficientnet_lite0", 1 or 2, "resnet18", "resnet50", "mobilenet_v2",
// "inception_v3", "vgg16", "vgg16_notop", and "lecture_cnn", which has none. Where weights cannot be fetched, the first verb says which file to put
// where; an unknown name is reported by it, too.
func Load(name string) Base { return Base{Name: name} }

// WithWeights describes the base with the weights of a file that the engine can read: .pth, .safetensors and others, with tensors named as
// torchvision, timm or Keras name them. LoadReport says what of it was used.
func (b Base) WithWeights(file string) Base {
	b.Weights = Weights{File: file}
	return b
}

// Hub describes the base with the weights of a repository of the hub: tl.Load("resnet50").Hub("timm/resnet50.a1_in1k").
func (b Base) Hub(repository string) Base {
	b.Weights = Weights{Hub: repository}
	return b
}

// Initial describes the base with random weights, from which training from scratch starts: of convolutions as He et al. 2015, of dense layers
// as Glorot & Bengio 2010. Unfreeze its blocks to train them, and where it has batch norms let them use each batch's statistics:
// Phase{BatchNorm: BatchNormTrained}, as Scratch does.
func (b Base) Initial(seed int64) Base {
	b.Weights = Weights{Initial: true, Seed: seed}
	return b
}

// WithHead describes a model: the base with a new head of these layers on its representation, initialised from seed 0
// (see [Model.Seeded]). The name is how other cells and later calls find the trained model again.
func (b Base) WithHead(name string, head ...Layer) Model {
	return Model{Name: name, Base: b, Head: head}
}

// Summary lists the base's blocks with output shapes, parameters and MACs.
func (b Base) Summary(ctx context.Context) (Summary, error) {
	return call[Summary](ctx, VerbSummary, b.Name, ModelRequest{Model: Model{Base: b}})
}

// Represent computes the representation of every image of d: the base's output, averaged over space, float32 [n, channels].
// It is computed once for each image and kept, keyed by the weights, the image's content and its size.
func (b Base) Represent(ctx context.Context, d datasets.Dataset) (Representation, error) {
	return call[Representation](ctx, VerbRepresent, b.Name, RepresentRequest{Base: b, Data: d})
}

// Predict runs the network's original top, the one thrown away for transfer, over the images of d: 1,000 ImageNet classes.
func (b Base) Predict(ctx context.Context, d datasets.Dataset) (Predictions, error) {
	return call[Predictions](ctx, VerbPredict, b.Name, DataRequest{Model: Model{Base: b}, Data: d})
}

// RawPixels is the base that knows nothing: the representation of an image is its pixels, resized to 32×32, in grey,
// float32 [n, 1024], in [0, 1]. It is what a representation is compared with; it has one block and no weights.
func RawPixels() Base { return Base{Name: "raw_pixels"} }
