package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"transferlab/tl"
)

// storageClass is a type of number that files of weights hold.
type storageClass struct {
	name   string // PyTorch's
	number string // everybody else's, the NumPy name
	bytes  int
	read   func(b []byte) float32
}

var little = binary.LittleEndian

// storageClasses are the types of numbers that are read, all of them as float32.
var storageClasses = []storageClass{
	{"FloatStorage", "float32", 4, func(b []byte) float32 { return math.Float32frombits(little.Uint32(b)) }},
	{"HalfStorage", "float16", 2, func(b []byte) float32 { return half(little.Uint16(b)) }},
	{"BFloat16Storage", "bfloat16", 2, func(b []byte) float32 { return math.Float32frombits(uint32(little.Uint16(b)) << 16) }},
	{"DoubleStorage", "float64", 8, func(b []byte) float32 { return float32(math.Float64frombits(little.Uint64(b))) }},
	{"LongStorage", "int64", 8, func(b []byte) float32 { return float32(int64(little.Uint64(b))) }},
	{"IntStorage", "int32", 4, func(b []byte) float32 { return float32(int32(little.Uint32(b))) }},
	{"ShortStorage", "int16", 2, func(b []byte) float32 { return float32(int16(little.Uint16(b))) }},
	{"CharStorage", "int8", 1, func(b []byte) float32 { return float32(int8(b[0])) }},
	{"ByteStorage", "uint8", 1, func(b []byte) float32 { return float32(b[0]) }},
	{"BoolStorage", "bool", 1, func(b []byte) float32 { return float32(b[0]) }},
}

// numbersOf finds a type of number by its NumPy name.
func numbersOf(name string) (storageClass, bool) {
	i := slices.IndexFunc(storageClasses, func(c storageClass) bool { return c.number == name })
	if i < 0 {
		return storageClass{}, false
	}
	return storageClasses[i], true
}

// floats turns raw into float32; what is left over of it behind the last whole number is dropped.
func (c storageClass) floats(raw []byte) []float32 {
	data := make([]float32, len(raw)/c.bytes)
	for i := range data {
		data[i] = c.read(raw[i*c.bytes:])
	}
	return data
}

// findClass is the list of what a pickle may name, beside the ordered dictionary that gopickle knows.
func findClass(module, name string) (any, error) {
	switch module + "." + name {
	case "torch._utils._rebuild_tensor_v2":
		return rebuild{}, nil
	case "torch._utils._rebuild_parameter":
		return rebuildParameter{}, nil
	}
	if module == "torch" {
		for _, c := range storageClasses {
			if c.name == name {
				return c, nil
			}
		}
		if strings.HasSuffix(name, "Storage") {
			return nil, fmt.Errorf("numbers of type torch.%.100s cannot be read: write the file again with float32 tensors", name)
		}
	}
	return nil, fmt.Errorf("the pickle names %.100s.%.100s, which no file of weights needs: refused", module, name)
}

// half is IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15), int(h>>10&31), float64(h&1023)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		return math.Float32frombits(sign<<31 | 0xff<<23 | uint32(h&1023)<<13)
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	return math.Float32frombits(math.Float32bits(float32(v)) | sign<<31)
}

// tensor copies a view out of its storage. It may have at most room numbers.
func (v *view) tensor(room int) (tl.Tensor, error) {
	n, last := 1, v.offset
	for i, size := range v.size {
		if size != 0 && n > room/size {
			return tl.Tensor{}, fmt.Errorf("shape %v has more numbers than the file has bytes", v.size)
		}
		n *= size
		last += max(size-1, 0) * v.stride[i] // below 2^62 each, at most 8 of them: checked against overflow below
		if last < 0 {
			return tl.Tensor{}, fmt.Errorf("shape %v with strides %v reaches beyond its storage", v.size, v.stride)
		}
	}
	t := tl.Tensor{Shape: slices.Clone(v.size), Data: make([]float32, n)}
	if n == 0 {
		return t, nil
	}
	class := v.storage.class
	if last >= len(v.storage.raw)/class.bytes {
		return tl.Tensor{}, fmt.Errorf("it reaches number %d of storage %s, which has %d", last, v.storage.key, len(v.storage.raw)/class.bytes)
	}
	index := make([]int, len(v.size))
	at := v.offset
	for i := range t.Data {
		t.Data[i] = class.read(v.storage.raw[at*class.bytes:])
		for axis := len(index) - 1; axis >= 0; axis-- { // the next index in row-major order
			index[axis]++
			at += v.stride[axis]
			if index[axis] < v.size[axis] {
				break
			}
			at -= v.size[axis] * v.stride[axis]
			index[axis] = 0
		}
	}
	return t, nil
}
