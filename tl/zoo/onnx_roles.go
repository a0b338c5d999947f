package zoo

import (
	"fmt"
	"slices"
	"strings"

	"transferlab/tl/count"
	"transferlab/tl/weights"
)

// role says what an operator does with an input that is an initializer.
type role int

const (
	constant role = iota // a shape, a bound, a scale: part of the graph
	weight               // training moves it
	buffer               // an average of batch norm, which no optimizer moves
)

// roleOf decides by the operator and the input's place. Factors and summands are weights where they are more than one number, as biases behind
// a product are; subtrahends and divisors are not: they normalise images.
func roleOf(op string, place int, size int) role {
	switch op {
	case "BatchNormalization":
		if place >= 3 {
			return buffer
		}
		return weight
	case "Conv", "ConvTranspose", "Gemm", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "PRelu":
		return weight
	case "MatMul":
		return weight
	case "Add", "Mul":
		if size > 1 {
			return weight
		}
	}
	return constant
}

// roles sorts the initializers that nodes take, in the order in which they take them. One that has two roles is a buffer before it is a
// weight, and a weight before it is a constant.
func roles(file weights.ONNXGraph, nodes []weights.ONNXNode) (variables []Variable, constants []string) {
	found := map[string]role{}
	var order []string
	for _, n := range nodes {
		for place, name := range n.Inputs {
			t, held := file.Tensors.Tensors[name]
			if !held {
				continue
			}
			if _, known := found[name]; !known {
				order = append(order, name)
			}
			r := roleOf(n.Op, place, len(t.Data))
			if strings.HasPrefix(file.Converted[name], "int") || file.Converted[name] == "bool" || file.Converted[name] == "uint8" {
				r = constant
			}
			found[name] = max(found[name], r)
		}
	}
	for _, name := range order {
		if found[name] == constant {
			constants = append(constants, name)
			continue
		}
		shape := file.Tensors.Tensors[name].Shape
		variables = append(variables, Variable{Name: name, Shape: slices.Clone(shape), Buffer: found[name] == buffer, Kernel: len(shape) > 1})
	}
	return variables, constants
}

// onnxRows is the block's arithmetic, an operator a row.
func onnxRows(file weights.ONNXGraph, piece onnxPiece, outputs map[string][]int, input []int) (rows []count.Row) {
	kinds := map[string]string{"Conv": "conv", "ConvTranspose": "transposed conv", "Gemm": "dense", "MatMul": "dense", "BatchNormalization": "batch norm",
		"LayerNormalization": "layer norm", "MaxPool": "max pool", "AveragePool": "mean pool", "GlobalAveragePool": "global mean pool", "Flatten": "flatten"}
	shapeOf := func(value string) []int {
		if value == piece.input {
			return input
		}
		return lastShape(outputs[value], false)
	}
	for _, n := range piece.nodes {
		if len(n.Inputs) == 0 || n.Op == "Constant" {
			continue
		}
		row := count.Row{Name: n.Name, Kind: kinds[n.Op], Input: shapeOf(n.Inputs[0]), Output: shapeOf(n.Outputs[0])}
		if row.Name == "" {
			row.Name = n.Outputs[0]
		}
		if row.Kind == "" {
			row.Kind = strings.ToLower(n.Op)
		}
		row.Elements = elements(row.Output)
		if n.Op == "Flatten" || n.Op == "Reshape" || n.Op == "Identity" {
			row.Elements = 0
		}
		onnxParameters(&row, file, n)
		rows = append(rows, row)
	}
	return rows
}

// onnxParameters counts what training may move, the averages, and the multiply-accumulates of convolutions and dense layers.
func onnxParameters(row *count.Row, file weights.ONNXGraph, n weights.ONNXNode) {
	var terms []string
	variables, _ := roles(file, []weights.ONNXNode{n})
	for _, v := range variables {
		size := int(elements(v.Shape))
		if v.Buffer {
			row.Buffers += size
			continue
		}
		row.Params += size
		terms = append(terms, onnxTerm(n.Op, v.Shape))
		if len(v.Shape) < 2 {
			continue
		}
		switch n.Op {
		case "Conv":
			row.MACs = elements(row.Output) / int64(max(v.Shape[0], 1)) * int64(size)
			row.Kernel = fmt.Sprintf("%d×%d", v.Shape[2], v.Shape[len(v.Shape)-1])
			if s := n.Integers("strides"); len(s) > 0 && s[0] > 1 {
				row.Kernel += fmt.Sprintf(" /%d", s[0])
			}
		case "Gemm", "MatMul":
			row.MACs = elements(row.Output) / max(elements(row.Output[len(row.Output)-1:]), 1) * int64(size)
		}
	}
	if len(terms) > 0 {
		row.Formula = fmt.Sprintf("%s = %d", strings.Join(terms, " + "), row.Params)
	}
}

// onnxTerm is a tensor's size as a product: "8 × (3×3×3)" for a convolution's [8, 3, 3, 3].
func onnxTerm(op string, shape []int) string {
	texts := make([]string, len(shape))
	for i, n := range shape {
		texts[i] = fmt.Sprint(n)
	}
	switch {
	case op == "Conv" && len(shape) == 4:
		return fmt.Sprintf("%d × (%d×%d×%d)", shape[0], shape[2], shape[3], shape[1])
	case len(shape) == 0:
		return "1"
	}
	return strings.Join(texts, " × ")
}

func elements(shape []int) int64 {
	n := int64(1)
	for _, s := range shape {
		n *= int64(s)
	}
	return n
}
