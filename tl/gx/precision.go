package gx

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // as in gradient.go
)

type productsKey struct{}

// SetProducts has the products of matrices and the convolutions of this package's layers that are added to g from now on computed with inputs
// of that kind, dtypes.BFloat16 say, forward and backward; what they put out, and everything else, stays as it is (mixed precision, Micikevicius
// et al. 2018; bfloat16 has float32's range, so that no loss need be scaled). Depthwise convolutions are sums of products, number by number, and
// stay as they are, too.
func SetProducts(g *Graph, kind dtypes.DType) { g.AttachState(productsKey{}, kind) }

// product is f(x, kernel) with inputs of the kind that [SetProducts] asked for.
func product(x, kernel *Node, f func(x, kernel *Node) *Node) *Node {
	kind, set := x.Graph().State(productsKey{}).(dtypes.DType)
	if !set || kind == x.DType() {
		return f(x, kernel)
	}
	return ConvertDType(f(ConvertDType(x, kind), ConvertDType(kernel, kind)), x.DType())
}

func matrixProduct(x, y *Node) *Node { return Dot(x, y).Product() }
