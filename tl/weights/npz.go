package weights

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"transferlab/tl"
)

// npyHeader is the Python dictionary before an array's numbers (numpy.lib.format, version 1 to 3): numpy writes its keys in this order.
var npyHeader = regexp.MustCompile(`^\{'descr': '([<|=]?[a-z][0-9]+)', 'fortran_order': (False|True), 'shape': \(([0-9, ]*)\), \}[ \n]*$`)

// npyNumbers are NumPy's codes of the types that are read, little-endian.
var npyNumbers = map[string]string{"f4": "float32", "f2": "float16", "f8": "float64", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
	"u1": "uint8", "b1": "bool"}

// decodeNPZ reads what numpy.savez wrote: a zip file of arrays, NAME.npy each, not compressed.
func decodeNPZ(data []byte) (Tensors, error) {
	a, err := openArchive(data, noFolder)
	if err != nil {
		return Tensors{}, err
	}
	t := Tensors{Tensors: map[string]tl.Tensor{}}
	for _, member := range slices.Sorted(maps.Keys(a.records)) {
		name, array := strings.CutSuffix(member, ".npy")
		if !array {
			t.Skipped = append(t.Skipped, member)
			continue
		}
		raw, err := a.record(member)
		if err != nil {
			return Tensors{}, fmt.Errorf("%w: compressed arrays are not read; save them with numpy.savez", err)
		}
		tensor, class, err := decodeNPY(raw)
		if err != nil {
			return Tensors{}, fmt.Errorf("array %.100q: %w", name, err)
		}
		t.Names, t.Tensors[name] = append(t.Names, name), tensor
		t.Converted = noteType(t.Converted, name, class)
	}
	return t, nil
}

// decodeNPY reads one array: a signature, the version, the header's length in two bytes (four since version 2), the header, the numbers.
func decodeNPY(raw []byte) (tl.Tensor, storageClass, error) {
	const signature = "\x93NUMPY"
	width := 2
	if len(raw) < 12 || !bytes.HasPrefix(raw, []byte(signature)) {
		return tl.Tensor{}, storageClass{}, errors.New("it is no NumPy array")
	}
	if raw[6] > 1 {
		width = 4
	}
	length := uint64(little.Uint16(raw[8:]))
	if width == 4 {
		length = uint64(little.Uint32(raw[8:]))
	}
	raw = raw[8+width:]
	const maxHeader = 1 << 10 // that of an array of numbers has some 100 bytes; a record type's may be longer
	if length > uint64(len(raw)) || length > maxHeader {
		return tl.Tensor{}, storageClass{}, fmt.Errorf("a header of %d bytes, where %d follow and %d are enough", length, len(raw), maxHeader)
	}
	header := npyHeader.FindSubmatch(raw[:length])
	if header == nil {
		return tl.Tensor{}, storageClass{}, fmt.Errorf("its header is not that of an array of numbers: %.100q", raw[:length])
	}
	raw = raw[length:]
	class, found := numbersOf(npyNumbers[strings.TrimLeft(string(header[1]), "<|=")])
	if !found {
		return tl.Tensor{}, class, fmt.Errorf("numbers of type %s cannot be read: write the file again with float32", header[1])
	}
	shape, err := npyShape(string(header[3]), len(raw)/class.bytes)
	if err != nil {
		return tl.Tensor{}, class, err
	}
	if string(header[2]) == "True" && len(shape) > 1 {
		return tl.Tensor{}, class, errors.New("its first axis runs fastest (Fortran order): save numpy.ascontiguousarray of it")
	}
	return tl.Tensor{Shape: shape, Data: class.floats(raw)}, class, nil
}

// npyShape reads the numbers of a Python tuple, which must mean n numbers.
func npyShape(tuple string, n int) ([]int, error) {
	shape, size := []int{}, 1
	for _, field := range strings.FieldsFunc(tuple, func(r rune) bool { return r == ',' || r == ' ' }) {
		length, err := strconv.ParseUint(field, 10, 31)
		if err != nil || len(shape) == maxAxes || (length != 0 && size > n/int(length)) {
			return nil, fmt.Errorf("shape (%s) does not fit %d numbers", tuple, n)
		}
		shape, size = append(shape, int(length)), size*int(length)
	}
	if size != n {
		return nil, fmt.Errorf("shape (%s) does not fit %d numbers", tuple, n)
	}
	return shape, nil
}
