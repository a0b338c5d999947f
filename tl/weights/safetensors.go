package weights

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/nlpodyssey/safetensors"

	"transferlab/tl"
)

// Safetensors is a file of tensors in Hugging Face's format: a JSON header with names, shapes and places, and the raw numbers behind it.
type Safetensors struct {
	Tensors   map[string]tl.Tensor // as float32 whatever the file holds
	Metadata  map[string]string    // whatever the writer wanted to say; nil where it said nothing
	Converted map[string]string    // name → type of number, for those that the file does not hold as float32; nil where there are none
}

const (
	// maxHeader bounds the JSON header, which unpacks to many times its size in memory; that of a network with 1,000 tensors has 100 kB.
	maxHeader = 16 << 20
	maxAxes   = 8
)

// ReadSafetensors reads a file of tensors; half, bfloat16, double and integer numbers become float32. Each length in the header is
// checked against the file before anything is made of it.
func ReadSafetensors(file string) (Safetensors, error) {
	data, err := readWhole(file)
	if err != nil {
		return Safetensors{}, fmt.Errorf("weights: read safetensors file: %w", err)
	}
	s, err := decodeSafetensors(data)
	if err != nil {
		return Safetensors{}, fmt.Errorf("weights: read safetensors file %s: %w", file, err)
	}
	return s, nil
}

func decodeSafetensors(data []byte) (Safetensors, error) {
	if len(data) < 8 {
		return Safetensors{}, fmt.Errorf("%d bytes are too few", len(data))
	}
	if n := binary.LittleEndian.Uint64(data); n > maxHeader {
		return Safetensors{}, fmt.Errorf("its header is said to have %d bytes, at most %d are read", n, maxHeader)
	}
	n, header, err := safetensors.ReadMetadata(data)
	if err != nil { // the library prints what it does not expect, all of it
		return Safetensors{}, fmt.Errorf("%.300s", err)
	}
	s := Safetensors{Tensors: map[string]tl.Tensor{}, Metadata: header.Metadata()}
	for name, info := range header.Tensors() {
		t, class, err := floatTensor(info, data[8+n:])
		if err != nil {
			return Safetensors{}, fmt.Errorf("tensor %q: %w", name, err)
		}
		s.Tensors[name] = t
		s.Converted = noteType(s.Converted, name, class)
	}
	return s, nil
}

// safetensorsNumbers are the format's names of the types that are read.
var safetensorsNumbers = map[safetensors.DType]string{
	safetensors.F32: "float32", safetensors.F16: "float16", safetensors.BF16: "bfloat16", safetensors.F64: "float64",
	safetensors.I64: "int64", safetensors.I32: "int32", safetensors.I16: "int16", safetensors.I8: "int8", safetensors.U8: "uint8",
	safetensors.BOOL: "bool",
}

// floatTensor copies a tensor out of the numbers. The library has checked that its shape means as many bytes as it has, and that they are there.
func floatTensor(info *safetensors.TensorInfo, numbers []byte) (tl.Tensor, storageClass, error) {
	class, found := numbersOf(safetensorsNumbers[info.DType])
	if !found {
		return tl.Tensor{}, class, fmt.Errorf("numbers of type %s cannot be read: write the file again with float32 tensors", info.DType)
	}
	if len(info.Shape) > maxAxes {
		return tl.Tensor{}, class, fmt.Errorf("it has %d axes, at most %d are read", len(info.Shape), maxAxes)
	}
	shape := make([]int, len(info.Shape))
	for i, n := range info.Shape {
		if n == 0 || n > math.MaxInt32 {
			return tl.Tensor{}, class, fmt.Errorf("axis %d has length %d", i, n)
		}
		shape[i] = int(n)
	}
	return tl.Tensor{Shape: shape, Data: class.floats(numbers[info.DataOffsets[0]:info.DataOffsets[1]])}, class, nil
}

// WriteSafetensors writes a file that is whole or not there: under a temporary name beside it, and then renamed. The same content gives the
// same bytes. It returns how many.
func WriteSafetensors(file string, s Safetensors) (size int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("weights: write safetensors file %s: %w", file, err)
		}
	}()
	views := make(map[string]tensorView, len(s.Tensors))
	for name, t := range s.Tensors {
		if err := writable(t); err != nil {
			return 0, fmt.Errorf("tensor %q: %w", name, err)
		}
		views[name] = tensorView{t}
	}
	out, err := os.CreateTemp(filepath.Dir(file), ".safetensors-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(out.Name()) // fails after the rename, as it should
	buffered := bufio.NewWriterSize(out, 1<<16)
	err = errors.Join(safetensors.SerializeToWriter(views, s.Metadata, buffered), buffered.Flush())
	if err == nil {
		size, err = out.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, err
	}
	return size, os.Rename(out.Name(), file)
}

// writable refuses what could not be read again.
func writable(t tl.Tensor) error {
	size := 1
	for i, n := range t.Shape {
		if n < 1 || n > math.MaxInt32 {
			return fmt.Errorf("axis %d has length %d", i, n)
		}
		size *= n
	}
	if size != len(t.Data) || len(t.Shape) > maxAxes {
		return fmt.Errorf("shape %v does not fit %d numbers", t.Shape, len(t.Data))
	}
	return nil
}

// tensorView shows a tensor to the library; its bytes are made when they are written.
type tensorView struct{ tensor tl.Tensor }

func (v tensorView) DType() safetensors.DType { return safetensors.F32 }

func (v tensorView) Shape() []uint64 {
	shape := make([]uint64, len(v.tensor.Shape))
	for i, n := range v.tensor.Shape {
		shape[i] = uint64(n)
	}
	return shape
}

func (v tensorView) DataLen() uint64 { return 4 * uint64(len(v.tensor.Data)) }

func (v tensorView) Data() []byte {
	b := make([]byte, 0, 4*len(v.tensor.Data))
	for _, x := range v.tensor.Data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
