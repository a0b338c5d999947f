package tl

import (
	"path/filepath"
	"strings"
)

// ONNXNetwork describes the network in an ONNX file: what [ONNX] makes a base of.
type ONNXNetwork struct {
	File   string      // the engine reads it, on its own machine
	Blocks []ONNXBlock // from the input to the representation
	// Size is the side of the input in pixels; 0 is what the file says.
	Size int `json:",omitempty"`
	// Mean and Deviation of red, green and blue in [0, 1]: the network takes (image − mean) / deviation. Zeros are ImageNet's, as torchvision
	// has them; a deviation of 1 and a mean of 0 leave the image in [0, 1].
	Mean, Deviation [3]float64
}

// ONNXBlock is one block of it.
type ONNXBlock struct {
	Name string // not empty, no "/", each once in a network
	// Pattern is a regular expression (package regexp): the block begins with the first operator whose name, or the name of one of its
	// weights, has a match, "^/?layer1[./]". It must not reach back before a block that stands earlier.
	Pattern string
	Stage   string `json:",omitempty"` // blocks of one stage share a learning rate under Phase.RateDecay; "" is a stage of its own
}

// ONNX describes the network in an ONNX file as a base: blocks chosen by name pattern, in order. An operator belongs to the block that
// matches it, else to that of its inputs; between two blocks exactly one tensor must pass. What has weights of its own behind the last
// block's last match is the classifier, which transfer throws away. A representation that still has places is averaged over them.
//
// The file takes images [n, 3, h, h] or [n, h, h, 3] and was exported with batch norm in inference mode, not folded into the convolutions where it shall
// stay visible. A saved model names the file and is opened where it lies. What is wrong with it is reported by the first verb.
func ONNX(file string, blocks ...ONNXBlock) Base {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return Base{Name: name, ONNX: &ONNXNetwork{File: file, Blocks: blocks}}
}

// WithInput describes the ONNX base with the images that it takes: their side in pixels, 0 for what the file says, and the mean and
// deviation of red, green and blue in [0, 1] that they are normalised with. It changes no other base.
func (b Base) WithInput(size int, mean, deviation [3]float64) Base {
	var o ONNXNetwork // of no file, which the first verb reports
	if b.ONNX != nil {
		o = *b.ONNX
	}
	o.Size, o.Mean, o.Deviation = size, mean, deviation
	b.ONNX = &o
	return b
}
