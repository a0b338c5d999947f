package weights

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// ONNXGraph is what a file says to compute, beside the tensors it holds.
type ONNXGraph struct {
	Tensors
	Nodes   []ONNXNode // in an order in which each stands behind those whose outputs it takes
	Inputs  []ONNXValue
	Outputs []string

	version uint64   // of the format
	opsets  [][]byte // which version of the operators
	raw     map[string][]byte
}

// ONNXNode is one operator.
type ONNXNode struct {
	Name, Op        string
	Inputs, Outputs []string // names of values; "" is an input left out

	domain     string
	attributes []onnxAttribute
}

// ONNXValue is an input of the graph. Lengths that the file leaves open are 0.
type ONNXValue struct {
	Name  string
	Shape []int
}

type onnxAttribute struct {
	name     string
	raw      []byte
	subgraph bool
	integers []uint64
}

// ReadONNX reads an ONNX file with its graph. It allocates no more than [Read] does.
func ReadONNX(file string) (ONNXGraph, error) {
	data, err := readWhole(file)
	if err != nil {
		return ONNXGraph{}, fmt.Errorf("weights: read %w", err)
	}
	if !isONNX(data) {
		what := appearance(data)
		if format := recognise(data); format != "" {
			what = "it is a " + string(format) + " file"
		}
		return ONNXGraph{}, fmt.Errorf("weights: read %s: no ONNX file: %s", file, what)
	}
	g, err := decodeONNXGraph(data)
	if err != nil {
		return ONNXGraph{}, fmt.Errorf("weights: read ONNX file %s: %w", file, err)
	}
	return g, nil
}

func decodeONNXGraph(data []byte) (ONNXGraph, error) {
	tensors, err := decodeONNX(data)
	if err != nil {
		return ONNXGraph{}, err
	}
	tensors.Format = ONNX
	g := ONNXGraph{Tensors: tensors, raw: map[string][]byte{}}
	err = fields(data, func(number protowire.Number, value []byte, n uint64) error {
		switch {
		case number == onnxVersion:
			g.version = n
		case number == 8:
			g.opsets = append(g.opsets, value)
		case number == 25:
			return errors.New("it defines functions of its own, which are not read")
		case number == onnxGraph && value != nil:
			return g.read(value)
		}
		return nil
	})
	return g, err
}

// read is the message GraphProto.
func (g *ONNXGraph) read(graph []byte) error {
	return fields(graph, func(number protowire.Number, value []byte, _ uint64) error {
		if value == nil {
			return nil
		}
		switch number {
		case 1:
			n, err := readNode(value)
			if err != nil {
				return fmt.Errorf("operator %.100q: %w", n.Name, err)
			}
			if n.Op == "" || len(n.Outputs) == 0 { // two bytes would do to make as much here as they like
				return fmt.Errorf("operator %.100q has no kind or no output", n.Name)
			}
			g.Nodes = append(g.Nodes, n)
		case onnxInitializer:
			p, err := readTensorProto(value)
			if err != nil {
				return err
			}
			g.raw[p.name] = value
		case 11, 12:
			v, err := readValue(value)
			if err != nil {
				return fmt.Errorf("value %.100q: %w", v.Name, err)
			}
			if number == 12 {
				g.Outputs = append(g.Outputs, v.Name)
			} else if _, initial := g.Tensors.Tensors[v.Name]; !initial { // files before version 4 list the weights, too
				g.Inputs = append(g.Inputs, v)
			}
		case 15:
			return errors.New("it holds sparse tensors, which are not read")
		}
		return nil
	})
}

// readNode is the message NodeProto.
func readNode(data []byte) (n ONNXNode, err error) {
	err = fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			n.Inputs = append(n.Inputs, string(value))
		case 2:
			n.Outputs = append(n.Outputs, string(value))
		case 3:
			n.Name = string(value)
		case 4:
			n.Op = string(value)
		case 5:
			a, err := readAttribute(value)
			if a.name == "" && err == nil {
				err = errors.New("an attribute has no name")
			}
			n.attributes = append(n.attributes, a)
			return err
		case 7:
			n.domain = string(value)
		}
		return nil
	})
	return n, err
}

// readAttribute is the message AttributeProto.
func readAttribute(data []byte) (a onnxAttribute, err error) {
	a.raw = data
	add := func(n uint64) error {
		a.integers = append(a.integers, n)
		return nil
	}
	err = fields(data, func(number protowire.Number, value []byte, n uint64) error {
		switch {
		case number == 1:
			a.name = string(value)
		case number == 3 || number == 8 && value == nil:
			return add(n)
		case number == 8:
			return varints(value, add)
		case number == 6 || number == 11:
			a.subgraph = true
		}
		return nil
	})
	return a, err
}

// readValue is the message ValueInfoProto: a name, and in type.tensor_type.shape the dimensions.
func readValue(data []byte) (v ONNXValue, err error) {
	err = errors.Join(
		inside(data, []protowire.Number{1}, func(name []byte) error {
			v.Name = string(name)
			return nil
		}),
		inside(data, []protowire.Number{2, 1, 2, 1}, func(dimension []byte) error {
			length := uint64(0)
			err := fields(dimension, func(number protowire.Number, _ []byte, n uint64) error {
				if number == 1 {
					length = n
				}
				return nil
			})
			if length > 1<<20 || len(v.Shape) == maxAxes {
				return fmt.Errorf("axis %d of length %d", len(v.Shape), length)
			}
			v.Shape = append(v.Shape, int(length))
			return err
		}))
	return v, err
}

// inside visits the messages at a path of field numbers.
func inside(data []byte, path []protowire.Number, visit func([]byte) error) error {
	if len(path) == 0 {
		return visit(data)
	}
	return fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		if number != path[0] || value == nil {
			return nil
		}
		return inside(value, path[1:], visit)
	})
}

// Conditional tells whether the node holds a graph of its own, as If and Loop do.
func (n ONNXNode) Conditional() bool {
	for _, a := range n.attributes {
		if a.subgraph {
			return true
		}
	}
	return false
}

// Integers is an attribute of numbers; nil where the node does not have it.
func (n ONNXNode) Integers(attribute string) []int {
	for _, a := range n.attributes {
		if a.name == attribute {
			numbers := make([]int, len(a.integers))
			for i, v := range a.integers {
				numbers[i] = int(int64(v))
			}
			return numbers
		}
	}
	return nil
}

// ONNXPart is a piece of a graph as a graph of its own.
type ONNXPart struct {
	Nodes     []ONNXNode
	Input     string // the one value that it takes, float32
	Axes      int    // of the input; their lengths are left open
	Output    string
	Variables []string // initializers that stay what they are, but without their numbers: whoever runs the part has them
	Constants []string // initializers that become nodes, so that whoever runs the part does not take them for variables
}

// nested appends a message as a field of another.
func nested(to []byte, number protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), message)
}

// Encode writes the part as an ONNX file. Attributes that say what holds anyway are left out: importers refuse them.
func (g ONNXGraph) Encode(part ONNXPart) []byte {
	var graph []byte
	for _, name := range part.Constants { // a node Constant with the attribute value
		value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "value")
		value = nested(value, 5, g.raw[name])
		value = protowire.AppendVarint(protowire.AppendTag(value, 20, protowire.VarintType), 4)
		node := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), name)
		node = protowire.AppendString(protowire.AppendTag(node, 4, protowire.BytesType), "Constant")
		graph = nested(graph, 1, nested(node, 5, value))
	}
	for _, n := range part.Nodes {
		graph = nested(graph, 1, n.encode())
	}
	graph = nested(graph, 2, []byte("part"))
	for _, name := range part.Variables {
		var tensor []byte
		for _, n := range g.Tensors.Tensors[name].Shape {
			tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 1, protowire.VarintType), uint64(n))
		}
		tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 2, protowire.VarintType), 1)
		graph = nested(graph, onnxInitializer, nested(tensor, 8, []byte(name)))
	}
	graph = nested(graph, 11, encodeValue(part.Input, part.Axes))
	graph = nested(graph, 12, encodeValue(part.Output, 0))
	file := protowire.AppendVarint(protowire.AppendTag(nil, onnxVersion, protowire.VarintType), g.version)
	for _, opset := range g.opsets {
		file = nested(file, 8, opset)
	}
	return nested(file, onnxGraph, graph)
}

func (n ONNXNode) encode() (out []byte) {
	text := func(number protowire.Number, values ...string) {
		for _, v := range values {
			out = protowire.AppendString(protowire.AppendTag(out, number, protowire.BytesType), v)
		}
	}
	text(1, n.Inputs...)
	text(2, n.Outputs...)
	text(3, n.Name)
	text(4, n.Op)
	for _, a := range n.attributes {
		if !n.noOp(a) {
			out = protowire.AppendBytes(protowire.AppendTag(out, 5, protowire.BytesType), a.raw)
		}
	}
	text(7, n.domain)
	return out
}

// noOp tells of an attribute that changes nothing: a dilation by 1, a momentum where no average moves, border pixels that are
// counted where there are none.
func (n ONNXNode) noOp(a onnxAttribute) bool {
	all := func(numbers []int, want int) bool {
		for _, v := range numbers {
			if v != want {
				return false
			}
		}
		return true
	}
	switch n.Op + "." + a.name {
	case "Conv.dilations", "MaxPool.dilations", "AveragePool.dilations":
		return all(n.Integers(a.name), 1)
	case "BatchNormalization.momentum":
		return true
	case "AveragePool.count_include_pad":
		return all(n.Integers("pads"), 0)
	}
	return false
}

// encodeValue describes a float32 tensor of so many axes, each of any length.
func encodeValue(name string, axes int) []byte {
	var shape []byte
	for i := range axes {
		shape = nested(shape, 1, nested(nil, 2, fmt.Appendf(nil, "d%d", i)))
	}
	tensor := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	tensor = nested(tensor, 2, shape)
	return nested(nested(nil, 1, []byte(name)), 2, nested(nil, 1, tensor))
}
