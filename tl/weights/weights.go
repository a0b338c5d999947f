// Package weights reads files of pretrained weights into tensors by name, one file of this package for each format. It trusts no length
// that it reads.
package weights

import (
	"fmt"

	"transferlab/tl"
)

// FromTorch turns a kernel from PyTorch's layout into the lab's: a convolution [out, in/groups, kh, kw] into [kh, kw, in/groups, out], a
// depthwise one [channels, 1, kh, kw] into [kh, kw, 1, channels], a dense layer [out, in] into [in, out].
func FromTorch(t tl.Tensor) (tl.Tensor, error) {
	var out, in, window int
	var shape []int
	switch s := t.Shape; len(s) {
	case 2:
		out, in, window, shape = s[0], s[1], 1, []int{s[1], s[0]}
	case 4:
		out, in, window, shape = s[0], s[1], s[2]*s[3], []int{s[2], s[3], s[1], s[0]}
	default:
		return tl.Tensor{}, fmt.Errorf("weights: turn a kernel of shape %v: want 2 axes (dense) or 4 (convolution)", s)
	}
	if len(t.Data) != out*in*window {
		return tl.Tensor{}, fmt.Errorf("weights: turn a kernel of shape %v: it has %d numbers", t.Shape, len(t.Data))
	}
	turned := tl.Tensor{Shape: shape, Data: make([]float32, len(t.Data))}
	for o := range out {
		for i := range in {
			for k := range window {
				turned.Data[(k*in+i)*out+o] = t.Data[(o*in+i)*window+k]
			}
		}
	}
	return turned, nil
}
