// Package plots draws the figures of a transfer-learning lesson: learning curves and rate searches, projections and neighbours of representations,
// images with what a model made of them, confusion matrices, ROC, calibration and intervals, parameters, rates and drift per block.
//
// Each figure is a function that returns a struct; its exported fields may be changed before it is shown, and their zero values are
// stated. Making one cannot fail: what is wrong with its data is reported by [Save], [SVG], [PNG] and [Show]. [Batch], [Results], [HeatMaps],
// [TopLosses] and others that read images are verbs therefore: they take a context and return an error at once.
//
//	plots.Show(plots.Curves(history))                                 // in a notebook
//	err := plots.Save("curves.svg", plots.Curves(history))            // in a program
//	figure := plots.Scatter("representation", projection, labels)
//	figure.Width = 6                                                  // inches
//
// Every figure carries a text that stands for it where it cannot be seen (Alt), made from its data. Colours are those of Okabe & Ito
// (2008), which colour-blind readers can tell apart, and never carry a meaning alone: a marker, a dash, a hatching or a sign says the same. Maps of
// numbers are in viridis, which gets lighter all the way.
// No text is smaller than 12 points at a figure's own size.
package plots
