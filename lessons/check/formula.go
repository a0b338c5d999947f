package check

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// formula is a formula that can be evaluated for values of its names.
type formula func(at map[string]float64) float64

// Go's own parser would do but for ^, which binds more weakly there than *, and people mean a power by it.

// spellings are what people write for the operators.
var spellings = strings.NewReplacer("×", "*", "·", "*", "⋅", "*", "∗", "*", "÷", "/", "−", "-", "–", "-", "**", "^", "²", "^2", "³", "^3",
	"⌊", "floor(", "⌋", ")", "⌈", "ceil(", "⌉", ")", "[", "(", "]", ")", "{", "(", "}", ")")

// functions are what a formula may call, each with its number of arguments.
var functions = map[string]struct {
	arguments int
	value     func(x []float64) float64
}{
	"floor": {1, func(x []float64) float64 { return math.Floor(x[0]) }},
	"ceil":  {1, func(x []float64) float64 { return math.Ceil(x[0]) }},
	"sqrt":  {1, func(x []float64) float64 { return math.Sqrt(x[0]) }},
	"log":   {1, func(x []float64) float64 { return math.Log(x[0]) }},
	"exp":   {1, func(x []float64) float64 { return math.Exp(x[0]) }},
	"min":   {2, func(x []float64) float64 { return math.Min(x[0], x[1]) }},
	"max":   {2, func(x []float64) float64 { return math.Max(x[0], x[1]) }},
}

// longestFormula is in bytes; each bracket of a formula is a call of the parser in another.
const longestFormula = 500

// parseFormula reads sums, products, quotients, powers and brackets of numbers and the names.
func parseFormula(text string, names []string) (formula, error) {
	if len(text) > longestFormula {
		return nil, fmt.Errorf("the formula is %d bytes long, want at most %d", len(text), longestFormula)
	}
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("there is no formula")
	}
	p := &formulaParser{names: names}
	p.s.Init(strings.NewReader(spellings.Replace(text)))
	p.s.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats
	p.s.Error = func(*scanner.Scanner, string) {} // what is odd comes as a token and is refused there
	p.next()
	f := p.sum()
	if p.err == nil && p.token != scanner.EOF {
		p.unexpected()
	}
	return f, p.err
}

// formulaParser keeps its first error and goes on, quickly, to the end.
type formulaParser struct {
	s     scanner.Scanner
	token rune
	names []string
	err   error
}

func (p *formulaParser) next() { p.token = p.s.Scan() }

func (p *formulaParser) fail(format string, args ...any) formula {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.token = scanner.EOF
	return func(map[string]float64) float64 { return math.NaN() }
}

// unexpected refuses the token, with a guess at what was meant.
func (p *formulaParser) unexpected() formula {
	switch p.token {
	case scanner.EOF:
		return p.fail("the formula ends too early")
	case scanner.Ident, scanner.Int, scanner.Float, '(':
		return p.fail("before %q an operator is missing; write 2*n for two times n", p.s.TokenText())
	}
	return p.fail("%q has no place there", p.s.TokenText())
}

func (p *formulaParser) sum() formula {
	f := p.product()
	for p.token == '+' || p.token == '-' {
		left, minus := f, p.token == '-'
		p.next()
		right := p.product()
		f = func(at map[string]float64) float64 {
			if minus {
				return left(at) - right(at)
			}
			return left(at) + right(at)
		}
	}
	return f
}

func (p *formulaParser) product() formula {
	f := p.signed()
	for p.token == '*' || p.token == '/' {
		left, over := f, p.token == '/'
		p.next()
		right := p.signed()
		f = func(at map[string]float64) float64 {
			if over {
				return left(at) / right(at)
			}
			return left(at) * right(at)
		}
	}
	return f
}

func (p *formulaParser) signed() formula {
	switch p.token {
	case '-':
		p.next()
		f := p.signed()
		return func(at map[string]float64) float64 { return -f(at) }
	case '+':
		p.next()
		return p.signed()
	}
	base := p.atom()
	if p.token != '^' {
		return base
	}
	p.next()
	exponent := p.signed() // from the right, and 2^-1
	return func(at map[string]float64) float64 { return math.Pow(base(at), exponent(at)) }
}

func (p *formulaParser) atom() formula {
	text := p.s.TokenText()
	switch p.token {
	case scanner.Int, scanner.Float:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return p.fail("%q is no number", text)
		}
		p.next()
		return func(map[string]float64) float64 { return n }
	case '(':
		p.next()
		f := p.sum()
		p.closing()
		return f
	case scanner.Ident:
		p.next()
		if f, known := functions[text]; known && p.token == '(' {
			return p.call(text, f.arguments, f.value)
		}
		if slices.Contains(p.names, text) {
			return func(at map[string]float64) float64 { return at[text] }
		}
		return p.fail("%q means nothing here; the names are %s", text, strings.Join(slices.Sorted(slices.Values(p.names)), ", "))
	}
	return p.unexpected()
}

func (p *formulaParser) closing() {
	if p.err == nil && p.token != ')' {
		p.fail("a closing bracket is missing")
		return
	}
	p.next()
}

func (p *formulaParser) call(name string, arguments int, value func([]float64) float64) formula {
	var args []formula
	for p.token == '(' || p.token == ',' {
		p.next()
		args = append(args, p.sum())
	}
	p.closing()
	if p.err == nil && len(args) != arguments {
		return p.fail("%s takes %d, not %d", name, arguments, len(args))
	}
	return func(at map[string]float64) float64 {
		x := make([]float64, len(args))
		for i, arg := range args {
			x[i] = arg(at)
		}
		return value(x)
	}
}
