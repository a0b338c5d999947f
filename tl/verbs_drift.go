package tl

import "transferlab/datasets"

// VerbDrift compares a model's base with the pretrained one: DriftRequest → Drift.
const VerbDrift = "drift"

// DriftRequest names the model and the images on which representations are compared.
type DriftRequest struct {
	Model Model
	Data  datasets.Dataset
}
