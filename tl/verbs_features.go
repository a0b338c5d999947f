package tl

import "transferlab/datasets"

// The verbs about what a network has learned. Each takes a model, or, where it has neither name nor head, its bare base.
const (
	VerbFilters     = "filters"     // FiltersRequest → Filters
	VerbActivations = "activations" // ActivationsRequest → Activations
	VerbMaximise    = "maximise"    // MaximiseRequest → Maximised
	VerbAttribute   = "attribute"   // AttributeRequest → Attributions
)

// Their arguments.
type (
	// FiltersRequest names at most one block; none is the first with a convolution.
	FiltersRequest struct {
		Model  Model
		Blocks []string
	}
	// ActivationsRequest names a block and the images.
	ActivationsRequest struct {
		Model Model
		Data  datasets.Dataset
		Block string
	}
	// MaximiseRequest names what to look for.
	MaximiseRequest struct {
		Model        Model
		Maximisation Maximisation
	}
	// AttributeRequest names the images and what is asked of them.
	AttributeRequest struct {
		Model       Model
		Data        datasets.Dataset
		Attribution Attribution
	}
)
