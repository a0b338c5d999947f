package tl

// LearningPoint is one run of a comparison over the number of images: what a method reached with so many images of each class.
type LearningPoint struct {
	Method   string // "scratch", "frozen base"; the runs of a method make its curve
	PerClass int    // training images of each class, ≥ 1
	Seed     int64  // of the run; runs of one method and number of images make a band
	Accuracy float64
}
