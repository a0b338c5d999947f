package tl

import "transferlab/datasets"

// The verbs that keep a model beyond its engine, each with what it takes and gives.
const (
	VerbSave    = "save"    // SaveRequest → Saved
	VerbOpen    = "open"    // OpenRequest → Model
	VerbReceipt = "receipt" // ModelRequest → Receipt
	VerbResume  = "resume"  // ResumeRequest → History
)

// The arguments of these verbs.
type (
	// SaveRequest names the folder that a model is written to, absolute: the engine may run elsewhere.
	SaveRequest struct {
		Model Model
		Dir   string
	}
	// OpenRequest names the folder of a saved model, absolute.
	OpenRequest struct{ Dir string }
	// ResumeRequest gives a stopped phase its data again.
	ResumeRequest struct {
		Model        Model
		Train, Valid datasets.Dataset
	}
)
