package tl

import "transferlab/datasets"

// The verbs that an engine carries out, each with what it takes and gives.
const (
	VerbSummary     = "summary"     // ModelRequest → Summary
	VerbRepresent   = "represent"   // RepresentRequest → Representation
	VerbValues      = "values"      // RepresentRequest → Tensor
	VerbPCA         = "pca"         // PCARequest → Projection
	VerbFit         = "fit"         // FitRequest → History
	VerbFreeze      = "freeze"      // FreezeRequest → Summary
	VerbUnfreezeTop = "unfreeze"    // UnfreezeTopRequest → Summary
	VerbEvaluate    = "evaluate"    // DataRequest → Evaluation
	VerbPredict     = "predict"     // DataRequest → Predictions
	VerbHistories   = "histories"   // ModelRequest → []History
	VerbStepBack    = "step back"   // StepBackRequest → History
	VerbReset       = "reset"       // ModelRequest → bool
	VerbFingerprint = "fingerprint" // ModelRequest → map[string]string
	VerbHeld        = "held"        // HeldRequest → Held
	VerbFree        = "free"        // FreeRequest → Held
	VerbStopped     = "stopped"     // StoppedRequest → []string
	VerbLease       = "lease"       // LeaseRequest → bool, when the client closes its connection
)

// The arguments of verbs.
type (
	// ModelRequest names a model; a Model without a name and head is its bare base.
	ModelRequest struct{ Model Model }
	// DataRequest is a model and the images it is to see.
	DataRequest struct {
		Model     Model
		Data      datasets.Dataset
		Augmented bool // every view of Data's augmentation, not the plain image alone
	}
	// RepresentRequest asks for representations: the base's output, or with a Block what leaves it, averaged over space, or with Logits the
	// answers of the top that the network was trained with. A Model with a name or head is meant as it is now, in place of its Base.
	RepresentRequest struct {
		Base   Base
		Data   datasets.Dataset
		Block  string
		Logits bool
		Model  Model
	}
	// PCARequest asks for the first K components.
	PCARequest struct {
		RepresentRequest
		K int
	}
	// FitRequest is one phase.
	FitRequest struct {
		Model        Model
		Train, Valid datasets.Dataset
		Phase        Phase
	}
	// FreezeRequest changes the blocks of these names; no names mean every block of the base.
	FreezeRequest struct {
		Model  Model
		Blocks []string
		Frozen bool
	}
	// UnfreezeTopRequest leaves the last N blocks of the base unfrozen.
	UnfreezeTopRequest struct {
		Model Model
		N     int
	}
	// StepBackRequest names an epoch of the last phase, from 1.
	StepBackRequest struct {
		Model Model
		Epoch int
	} // HeldRequest asks what the engine holds.
	HeldRequest struct{}
	// FreeRequest names what to free; no names mean all that only this session used and that is not in use.
	FreeRequest struct{ Names []string }
	// StoppedRequest asks what was stopped in this session.
	StoppedRequest struct{}
	// LeaseRequest keeps a shared engine, and this session's models in it, for as long as the call lasts. Build is what the client
	// was built from: the engine refuses another than its own.
	LeaseRequest struct{ Build string }
)
