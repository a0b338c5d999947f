package zoo

import (
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"transferlab/tl/gx"
)

// fastest reports images a second of the fastest call: on a shared machine the mean measures the neighbours.
func fastest(b *testing.B, images int, call func()) {
	call() // compiles
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		call()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(images)/best.Seconds(), "images/s")
}

// numbers are reproducible values in [-1, 1).
func numbers(dimensions ...int) *tensors.Tensor {
	size := 1
	for _, n := range dimensions {
		size *= n
	}
	values, x := make([]float32, size), uint32(1)
	for i := range values {
		x = 1664525*x + 1013904223
		values[i] = float32(int32(x)) / (1 << 31)
	}
	return tensors.FromFlatDataAndDimensions(values, dimensions...)
}

// BenchmarkForward runs the whole base: go test -bench Forward ./tl/zoo
func BenchmarkForward(b *testing.B) {
	const batch = 16
	n, w := load(b)
	s := store(b, w, n.Blocks...)
	exec := model.MustNewExec(xla, s, func(scope *model.Scope, x *graph.Node) *graph.Node {
		for _, block := range n.Blocks {
			x = block.Forward(scope.At("%s", block.Name), x, Mode{})
		}
		return x
	})
	x := numbers(batch, n.Size, n.Size, 3)
	fastest(b, batch, func() { exec.MustCall1(x).MustFinalizeAll() })
}

// trainer is one step of Adam for the blocks from the given one to the top and a head of two classes.
func trainer(t testing.TB, from string, mode Mode, frozenKernels bool) (*model.Exec, *tensors.Tensor, *tensors.Tensor) {
	const batch = 32
	n, w := load(t)
	at := 0
	for n.Blocks[at].Name != from {
		at++
	}
	blocks := n.Blocks[at:]
	s := store(t, w, blocks...)
	for _, block := range blocks {
		for _, v := range block.Variables {
			variable := s.GetVariable("/" + block.Name + "/" + v.Name)
			variable.SetTrainable(!v.Buffer && !(frozenKernels && v.Name == "depthwise/kernel"))
		}
	}
	head, err := denseBlock("head", 1280, 2)
	if err != nil {
		t.Fatal(err)
	}
	step := gx.Scaled{Optimizer: optimizer.Adam().LearningRate(1).Done(),
		Rate: func(g *graph.Graph, _ *model.Variable) *graph.Node { return graph.Scalar(g, dtypes.Float32, 1e-4) }}
	exec := model.MustNewExec(xla, s, func(scope *model.Scope, x, labels *graph.Node) *graph.Node {
		for _, block := range blocks {
			x = block.Forward(scope.At("%s", block.Name), x, mode)
		}
		logits := head.Forward(scope.At("head"), x, mode)
		wanted := graph.OneHot(labels, 2, dtypes.Float32)
		loss := graph.Neg(graph.ReduceAllMean(graph.ReduceSum(graph.Mul(graph.LogSoftmax(logits), wanted), 1)))
		step.UpdateGraph(scope, x.Graph(), loss)
		return loss
	})
	labels := tensors.FromShape(shapes.Make(dtypes.Int32, batch))
	return exec, numbers(append([]int{batch}, blocks[0].Input...)...), labels
}

// BenchmarkTrainSuffix is a step of Adam on the last 5 MBConv blocks, the top and a head, from cached activations [32, 14, 14, 112].
func BenchmarkTrainSuffix(b *testing.B) {
	for _, variant := range []struct {
		name   string
		mode   Mode
		frozen bool
	}{{"averages", Mode{}, false}, {"without depthwise kernels", Mode{}, true}, {"batch statistics", Mode{BatchNorm: Batch}, false}} {
		b.Run(variant.name, func(b *testing.B) {
			exec, x, labels := trainer(b, "mbconv12", variant.mode, variant.frozen)
			fastest(b, 32, func() { exec.MustCall1(x, labels).MustFinalizeAll() })
		})
	}
}

// BenchmarkTrainWhole is a step of Adam on every block, from pixels [32, 224, 224, 3]. Compiling it takes half a minute.
func BenchmarkTrainWhole(b *testing.B) {
	exec, x, labels := trainer(b, "stem", Mode{}, false)
	fastest(b, 32, func() { exec.MustCall1(x, labels).MustFinalizeAll() })
}
