package weights

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"transferlab/tl"
)

// An ONNX file is a protocol buffer (onnx.proto of the ONNX project): the message ModelProto with the graph in field 7, in which field 5
// repeats the initializers. Only these are read here; zoo.ONNX runs the graph.
const (
	onnxVersion     = 1 // ModelProto.ir_version
	onnxGraph       = 7 // ModelProto.graph
	onnxInitializer = 5 // GraphProto.initializer
)

// onnxNumbers are TensorProto.DataType's values for the types that are read.
var onnxNumbers = map[uint64]string{1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64",
	16: "bfloat16"}

// isONNX tells whether the data begins with ir_version and holds a graph.
func isONNX(data []byte) bool {
	if len(data) < 2 || data[0] != onnxVersion<<3 {
		return false
	}
	found := false
	err := fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		found = found || number == onnxGraph && value != nil
		return nil
	})
	return err == nil && found
}

// decodeONNX reads the initializers: the weights, the averages of batch norm and whatever constants the graph needs.
func decodeONNX(data []byte) (Tensors, error) {
	t := Tensors{Tensors: map[string]tl.Tensor{}}
	err := fields(data, func(number protowire.Number, graph []byte, _ uint64) error {
		if number != onnxGraph || graph == nil {
			return nil
		}
		return fields(graph, func(number protowire.Number, value []byte, _ uint64) error {
			if number != onnxInitializer || value == nil {
				return nil
			}
			p, err := readTensorProto(value)
			if err != nil {
				return err
			}
			if _, twice := t.Tensors[p.name]; twice {
				return fmt.Errorf("tensor %.100q: it is there twice", p.name)
			}
			tensor, class, err := p.tensor()
			if err != nil {
				return fmt.Errorf("tensor %.100q: %w", p.name, err)
			}
			t.Names, t.Tensors[p.name] = append(t.Names, p.name), tensor
			t.Converted = noteType(t.Converted, p.name, class)
			return nil
		})
	})
	return t, err
}

// fields calls visit for each field of a message: value is the bytes of a nested message, a text or numbers in a row, nil for a
// field that is a number itself.
func fields(message []byte, visit func(number protowire.Number, value []byte, n uint64) error) error {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return errors.New("it is cut off or damaged")
		}
		message = message[length:]
		var value []byte
		var n uint64
		switch kind {
		case protowire.BytesType:
			if value, length = protowire.ConsumeBytes(message); value == nil {
				value = []byte{}
			}
		case protowire.VarintType:
			n, length = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var v uint32
			v, length = protowire.ConsumeFixed32(message)
			n = uint64(v)
		case protowire.Fixed64Type:
			n, length = protowire.ConsumeFixed64(message)
		default: // groups, which version 3 of the language does not have
			length = -1
		}
		if length < 0 {
			return errors.New("it is cut off or damaged")
		}
		if err := visit(number, value, n); err != nil {
			return err
		}
		message = message[length:]
	}
	return nil
}

// tensorProto is the message of one tensor: its numbers lie in raw, or in one of the typed fields, packed.
type tensorProto struct {
	name     string
	shape    []int
	kind     uint64
	raw      []byte
	floats   []byte // of field float_data, 4 bytes each
	varints  []byte // of fields int32_data and int64_data
	doubles  []byte
	external bool
}

func readTensorProto(data []byte) (p tensorProto, err error) {
	err = fields(data, func(number protowire.Number, value []byte, n uint64) error {
		switch number {
		case 1: // dims, packed or not
			if value == nil {
				return p.axis(n)
			}
			return varints(value, p.axis)
		case 2:
			p.kind = n
		case 4:
			p.floats = value
		case 5, 7:
			p.varints = value
		case 8:
			p.name = string(value)
		case 9:
			p.raw = value
		case 10:
			p.doubles = value
		case 14:
			p.external = n == 1
		}
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("tensor %.100q: %w", p.name, err)
	}
	return p, nil
}

func (p *tensorProto) axis(n uint64) error {
	if n > math.MaxInt32 || len(p.shape) == maxAxes {
		return fmt.Errorf("axis %d of length %d; at most %d axes are read", len(p.shape), n, maxAxes)
	}
	p.shape = append(p.shape, int(n))
	return nil
}

func varints(packed []byte, visit func(n uint64) error) error {
	for len(packed) > 0 {
		n, length := protowire.ConsumeVarint(packed)
		if length < 0 {
			return errors.New("a number is cut off")
		}
		if err := visit(n); err != nil {
			return err
		}
		packed = packed[length:]
	}
	return nil
}

// tensor is the message's numbers as float32.
func (p *tensorProto) tensor() (tl.Tensor, storageClass, error) {
	class, found := numbersOf(onnxNumbers[p.kind])
	switch {
	case p.external:
		return tl.Tensor{}, class, errors.New("its numbers lie in another file: save the model with its weights inside (torch.onnx.export(…, external_data=False))")
	case !found:
		return tl.Tensor{}, class, fmt.Errorf("numbers of ONNX type %d cannot be read: write the file again with float32", p.kind)
	}
	raw := p.raw
	if raw == nil {
		var err error
		if raw, err = p.typed(class); err != nil {
			return tl.Tensor{}, class, err
		}
	}
	size, room := 1, len(raw)/class.bytes
	for _, n := range p.shape {
		if n != 0 && size > room/n {
			return tl.Tensor{}, class, fmt.Errorf("shape %v does not fit %d numbers", p.shape, room)
		}
		size *= n
	}
	if size != room || len(raw)%class.bytes != 0 {
		return tl.Tensor{}, class, fmt.Errorf("shape %v does not fit %d bytes", p.shape, len(raw))
	}
	return tl.Tensor{Shape: append([]int{}, p.shape...), Data: class.floats(raw)}, class, nil
}

// typed turns the typed fields into the bytes that raw would hold.
func (p *tensorProto) typed(class storageClass) ([]byte, error) {
	switch class.number {
	case "float32":
		return p.floats, nil
	case "float64":
		return p.doubles, nil
	}
	var raw []byte
	err := varints(p.varints, func(n uint64) error {
		var b [8]byte
		little.PutUint64(b[:], n)
		raw = append(raw, b[:class.bytes]...)
		return nil
	})
	return raw, err
}
