package diagnose

import (
	"fmt"
	"regexp"
	"strings"
)

// shape is what a message of GoMLX says about an operation whose operands do not fit.
type shape struct {
	op       string   // as a cell calls it
	calls    []string // names of functions that may stand in the cell for it
	function string   // the graph function, as the runtime names it: main.main.func1
	hint     string
}

var (
	// around an operation's own message GoMLX says which graph was being built.
	wrapping  = regexp.MustCompile(`failed during graph construction/compilation: |compilation failed for Exec "[^"]*": |graphFn for "[^"]*" panicked: `)
	trailing  = regexp.MustCompile(`\n(?:graphFn for "[^"]*" panicked|compilation failed for Exec "[^"]*"|failed during graph construction/compilation)`)
	graphFunc = regexp.MustCompile(`graphFn for "(?:[^":]*:)?([^"]*)" panicked`)
	anyShape  = regexp.MustCompile(`\(?\((Float\d+|BFloat16|Int\d+|Uint\d+|Bool|Complex\d+)\)(?:\[([^\]]*)\])?\)?`)
)

// bareDims are dimensions as Go prints a slice.
var bareDims = regexp.MustCompile(`\[-?\d+(?: -?\d+)+\]`)

// shapeRule turns one wording of GoMLX or its backends into one that names the operation and both shapes.
type shapeRule struct {
	message *regexp.Regexp
	op      int // the group with the operation's name; 0 means name
	name    string
	calls   []string
	text    string // with $1 and so on
	hint    string
}

const fitHint = "Two shapes go together when they are equal, or where an axis has 1, or one is a scalar. ExpandAxes adds axes, BroadcastToShape and " +
	"BroadcastToDims repeat, Reshape and Transpose rearrange."

var shapeRules = []shapeRule{
	{re(`if operands are not scalars, their rank must match for BinaryOp \((\w+)\)[,;] got shapes (\S.*\]|\S+) and (\S.*)`), 1, "", nil,
		"$1: the shapes $2 and $3 differ in their number of axes", fitHint},
	{re(`dimension of axis #(\d+) doesn't match and cannot be broadcast for BinaryOp \((\w+)\), got shapes (\S.*\]|\S+) and (\S.*)`), 2, "", nil,
		"$2: the shapes $3 and $4 differ in axis $1", fitHint},
	{re(`cannot broadcast (\S+) and (\S+) for "(\w+)": they have different dtypes`), 3, "", nil,
		"$3: the types $1 and $2 differ", "ConvertDType(x, dtype) makes them equal."},
	{re(`data types \(DType\) for (?:BinaryOp|ComparisonOp) (\w+) must match, got (\S.*\]|\S+) and (\S.*)`), 1, "", nil,
		"$1: the types of $2 and $3 differ", "ConvertDType(x, dtype) makes them equal."},
	{re(`DotGeneral contracting dimensions do(?:n't| not) match: lhs\[(\d+)\]=(\d+)(?: !=|,) rhs\[(\d+)\]=(\d+)`), 0, "MatMul",
		[]string{"MatMul", "Dot", "DotGeneral", "Einsum", "EinsumAxes", "Dense"},
		"matrix product: axis $1 of the left operand has $2 elements, axis $3 of the right one has $4", "The last axis of the left operand is summed over the " +
			"one before the last of the right: [n, k] × [k, m] → [n, m]. Transpose(x, a, b) swaps axes."},
	{re(`DotGeneral batch dimensions do(?:n't| not) match: lhs\[(\d+)\]=(\d+)(?: !=|,) rhs\[(\d+)\]=(\d+)`), 0, "MatMul",
		[]string{"MatMul", "Dot", "DotGeneral", "Einsum", "EinsumAxes"},
		"matrix product: batch axis $1 of the left operand has $2 elements, axis $3 of the right one has $4", ""},
	{re(`total requested size (\d+) \(dimensions=(\[[^\]]*\])\) doesnt match original size (\d+) \(dimensions (\[[^\]]*\])\)`), 0, "Reshape", nil,
		"Reshape: $4 has $3 elements, $2 has $1", "A reshape keeps the number of elements; one dimension may be -1 and is then computed."},
	{re(`Reshape\(\) cannot reshape (\S.*\]|\S+) to dimensions (\[[^\]]*\]), their size don't match.*`), 0, "Reshape", nil,
		"Reshape: $1 and $2 differ in their number of elements", "A reshape keeps the number of elements; one dimension may be -1 and is then computed."},
	{re(`Concatenate operand #(\d+) has different rank \((\d+)\) than operand 0's rank \((\d+)\)`), 0, "Concatenate", nil,
		"Concatenate: operand 0 has $3 axes, operand $1 has $2", "ExpandAxes adds an axis."},
	{re(`Concatenate\(axis=(\d+)\) operand #(\d+) has incompatible shape \((.+?)\) with operand 0's shape \((.+?)\) -- .*`), 0, "Concatenate", nil,
		"Concatenate along axis $1: one operand is $3, the first $4", "All axes but the one that is joined must be equal."},
	{re(`Concatenate operand #(\d+) has different dtype \((\S+)\) than operand 0's dtype \((\S+)\)`), 0, "Concatenate", nil,
		"Concatenate: the types $3 and $2 differ", "ConvertDType(x, dtype) makes them equal."},
	{re(`AssertDims\((\[[^\]]*\])\): shape \(?(.+?\])\)? axis (\d+) has dimension (\d+), wanted (\d+).*`), 0, "AssertDims", nil,
		"AssertDims: the shape is $2, wanted $1 (axis $3)", ""},
	{re(`^(\S+)'s axis #\d+ of \[[^\]]*\] = (-?\d+) given is out-of-range for rank (\d+)`), 0, "", nil,
		"axis $2 of $1 does not exist: it has $3 axes, from 0", "Negative axes count from the end: -1 is the last."},
	{re(`Where\(\) requires onTrue \((.+?)\) and onFalse \((.+?)\) to either be the same shape or be a scalar`), 0, "Where", nil,
		"Where: the two choices have the shapes $1 and $2", "They must be equal, or one a scalar."},
	{re(`Convolve: +we must have inputChannels \(=(\d+)\) = kernelInputChannels \(=(\d+)\) \* channelGroupCount \(=(\d+)\) -- input shape is (.+?\]), kernel shape is (.+?\])`),
		0, "Convolve", nil, "Convolve: the input $4 has $1 channels, the kernel $5 takes $2 in $3 groups", "A kernel is [height, width, input channels, output channels]."},
	{re(`Convolve: +input \(operand\) needs to be at least rank-3 .* -- input shape is (.+\])`), 0, "Convolve", nil,
		"Convolve: the input $1 has too few axes", "An input is [images, height, width, channels]."},
	{re(`only gradients of a non-complex scalar with respect to tensors are accepted.* got (.+)`), 0, "Gradient", nil,
		"Gradient: of a single number only, not of $1", "ReduceAllMean or ReduceAllSum make one number of it."},
	{re(`# of arguments to call \(#args=(\d+), \d+ per device\) don't match # arguments to the graph function \(#args=(\d+)\).*`), 0, "", nil,
		"the graph function takes $2 arguments and got $1", ""},
	{re(`(?:Slice|SliceOp): limit index (\d+) is out of bounds for axis (\d+) \(start=\d+, size=(\d+), operand shape (.+?\])\)`), 0, "Slice", nil,
		"Slice: $1 is beyond axis $2 of $4, which has $3", ""},
}

// tidy shortens a message of GoMLX to the operation and the shapes; other messages stay as they are.
func tidy(message string) (string, shape) {
	var s shape
	if m := graphFunc.FindStringSubmatch(message); m != nil {
		s.function = m[1]
	}
	message = trailing.ReplaceAllString(wrapping.ReplaceAllString(message, ""), "")
	message = anyShape.ReplaceAllStringFunc(message, func(text string) string {
		m := anyShape.FindStringSubmatch(text)
		// A shape in parentheses keeps those that belong to the sentence.
		left, right := strings.HasPrefix(text, "(("), strings.HasSuffix(text, "])") || strings.HasSuffix(text, "))")
		out := m[1] + dims(m[2])
		if left {
			out = "(" + out
		}
		if right {
			out += ")"
		}
		return out
	})
	for _, r := range shapeRules {
		at := r.message.FindStringSubmatchIndex(message)
		if at == nil {
			continue
		}
		text := bareDims.ReplaceAllStringFunc(string(r.message.ExpandString(nil, r.text, message, at)), func(list string) string {
			return dims(strings.Trim(list, "[]"))
		})
		s.op, s.calls, s.hint = r.name, r.calls, r.hint
		if r.op > 0 {
			s.op = message[at[2*r.op]:at[2*r.op+1]]
		}
		if s.calls == nil && s.op != "" {
			s.calls = []string{s.op}
		}
		return message[:at[0]] + text + message[at[1]:], s
	}
	return message, s
}

// dims writes a shape's axes one way: the backends do it with and without commas, and leave out the brackets of a scalar.
func dims(list string) string {
	return fmt.Sprintf("[%s]", strings.Join(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }), ", "))
}
