package tl

import (
	"time"

	"transferlab/datasets"
)

// The verbs of procedures.
const (
	VerbPlan     = "plan"      // PlanRequest → Plan
	VerbFindRate = "find rate" // FindRateRequest → RateCurve
)

type (
	// PlanRequest asks how the time that is left is best spent. The engine measures what it does not know yet: the frozen blocks on the first
	// images that are not cached, whose outputs stay, and the first step's training step on numbers of the right shape, whose graph stays.
	PlanRequest struct {
		Model   Model
		Valid   datasets.Dataset
		Steps   []Step        // those to come
		Options [][]Option    // of each step, in the order of its choices
		Begun   bool          // whether others were done before them: then too little time leaves steps out, and is no error
		Budget  time.Duration // of the whole procedure
		Spent   time.Duration // of it, until the request
	}
	// FindRateRequest asks for a rate curve; the data's augmented views are used.
	FindRateRequest struct {
		Model  Model
		Train  datasets.Dataset
		Search RateSearch
	}
)
