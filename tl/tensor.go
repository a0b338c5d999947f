package tl

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Tensor is a dense array of float32 in row-major order. The zero value is a scalar without data: an absent tensor.
type Tensor struct {
	Shape []int     // the length of each axis, e.g. [n, h, w, c]
	Data  []float32 // product(Shape) numbers
}

// Len is the number of rows, the length of the first axis; 0 for an absent tensor.
func (t Tensor) Len() int {
	if len(t.Shape) == 0 {
		return 0
	}
	return t.Shape[0]
}

// Row is row i of t, shared with t: everything behind the first axis.
func (t Tensor) Row(i int) []float32 {
	n := len(t.Data) / t.Shape[0]
	return t.Data[i*n : (i+1)*n : (i+1)*n]
}

// check says whether Data holds as many numbers as Shape means.
func (t Tensor) check() error {
	size := 1
	for _, n := range t.Shape {
		size *= n
	}
	if len(t.Shape) == 0 && len(t.Data) == 0 {
		size = 0
	}
	if size != len(t.Data) {
		return fmt.Errorf("tl: encode tensor: shape %v means %d numbers, Data has %d", t.Shape, size, len(t.Data))
	}
	if size == 0 && t.Len() > 0 {
		return fmt.Errorf("tl: encode tensor: shape %v has rows without numbers", t.Shape)
	}
	return nil
}

// GobEncode writes the shape and then the raw little-endian numbers: gob's own coding of a float32 takes a branch and up to nine
// bytes for each, which for a representation of 10 MB is slower than the call that made it.
func (t Tensor) GobEncode() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 8*(1+len(t.Shape))+4*len(t.Data))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(t.Shape)))
	for _, n := range t.Shape {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	for _, v := range t.Data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b, nil
}

// GobDecode reads what GobEncode wrote. It trusts no length: the shape must agree with the bytes that are there.
func (t *Tensor) GobDecode(b []byte) error {
	const maxAxes = 8
	if len(b) < 8 {
		return fmt.Errorf("tl: decode tensor: %d bytes are too few", len(b))
	}
	axes := binary.LittleEndian.Uint64(b)
	b = b[8:]
	if axes > maxAxes || uint64(len(b)) < 8*axes {
		return fmt.Errorf("tl: decode tensor: %d axes do not fit", axes)
	}
	shape, size := make([]int, axes), uint64(1)
	for i := range shape {
		n := binary.LittleEndian.Uint64(b[8*i:])
		if n > math.MaxInt32 || size > math.MaxInt64/max(n, 1) {
			return fmt.Errorf("tl: decode tensor: axis %d of length %d does not fit", i, n)
		}
		shape[i], size = int(n), size*n
	}
	b = b[8*axes:]
	if axes == 0 && len(b) == 0 {
		*t = Tensor{}
		return nil
	}
	if uint64(len(b))%4 != 0 || uint64(len(b))/4 != size {
		return fmt.Errorf("tl: decode tensor: shape %v means %d numbers, %d bytes follow", shape, size, len(b))
	}
	if size == 0 && shape[0] > 0 {
		return fmt.Errorf("tl: decode tensor: shape %v has rows without numbers", shape) // else a loop over rows could be endless
	}
	data := make([]float32, size)
	for i := range data {
		data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	t.Shape, t.Data = shape, data
	return nil
}
