package tl

import (
	"fmt"

	"transferlab/tl/count"
)

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

// Count does the layer's arithmetic, so that a head can be counted without an engine: count.Network([]int{1280}, tl.Dense(2)).
func (l Layer) Count(input []int) (count.Row, error) {
	switch l.Kind {
	case "dense":
		return count.Dense{Units: l.Units}.Count(input)
	case "relu":
		return count.Activation{Name: "relu"}.Count(input)
	case "dropout":
		return count.Dropout{Rate: l.Rate}.Count(input)
	}
	return count.Row{}, fmt.Errorf("no such kind of layer %q (have dense, relu, dropout)", l.Kind)
}
