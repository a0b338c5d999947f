package gx

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// numbers are reproducible values in [-1, 1), float64 so that gradients can be compared with finite differences.
func numbers(seed uint32, dimensions ...int) *tensors.Tensor {
	size := 1
	for _, n := range dimensions {
		size *= n
	}
	values := make([]float64, size)
	for i := range values {
		seed = 1664525*seed + 1013904223
		values[i] = float64(int32(seed)) / (1 << 31)
	}
	return tensors.FromFlatDataAndDimensions(values, dimensions...)
}

// flat copies a tensor's numbers.
func flat(x *tensors.Tensor) []float64 { return tensors.MustCopyFlatData[float64](x) }

// call compiles a function, runs it once and gives the numbers of each output.
func call[F ExecGraphFn](t *testing.T, fn F, args ...any) [][]float64 {
	t.Helper()
	exec, err := NewExec(xla, fn)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]float64, len(out))
	for i, o := range out {
		all[i] = flat(o)
	}
	return all
}

// near fails where two slices differ in length or by more than tolerance.
func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance) { // so that NaN fails
			t.Fatalf("%s: number %d is %.12g, want %.12g within %g", what, i, got[i], want[i], tolerance)
		}
	}
}

// slopes are the central differences of f, one for each number of x.
func slopes(x *tensors.Tensor, f func(x *tensors.Tensor) float64) []float64 {
	const h = 1e-5
	at := flat(x)
	all := make([]float64, len(at))
	moved := func(i int, by float64) float64 {
		values := append([]float64(nil), at...)
		values[i] += by
		return f(tensors.FromFlatDataAndDimensions(values, x.Shape().Dimensions...))
	}
	for i := range at {
		all[i] = (moved(i, h) - moved(i, -h)) / (2 * h)
	}
	return all
}

// variable makes a float64 variable of a store.
func variable(t *testing.T, s *model.Store, path string, values ...float64) *model.Variable {
	t.Helper()
	v, err := s.CreateVariable(path, tensors.FromValue(values))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func value(v *model.Variable) []float64 { return flat(v.MustValue()) }

// run runs a program of a store once.
func run(t *testing.T, exec *model.Exec, args ...any) []*tensors.Tensor {
	t.Helper()
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
