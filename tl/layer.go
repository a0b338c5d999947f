package tl

// Layer describes one layer of a head, as data.
type Layer struct {
	Kind  string  // "dense", "relu" or "dropout"
	Units int     // dense: number of outputs, ≥ 1
	Rate  float64 // dropout: share of inputs set to zero in training, in [0, 1)
}

// Dense is a fully connected layer with bias: inputs × units + units parameters. Its weights start from a uniform distribution
// bounded by √(6/(inputs+units)) (Glorot & Bengio 2010, as Keras), its biases from 0.
func Dense(units int) Layer { return Layer{Kind: "dense", Units: units} }

// ReLU is max(x, 0), element by element.
func ReLU() Layer { return Layer{Kind: "relu"} }

// Dropout sets a share rate of its inputs to zero in training and scales the others by 1/(1−rate) (Srivastava et al. 2014).
func Dropout(rate float64) Layer { return Layer{Kind: "dropout", Rate: rate} }
