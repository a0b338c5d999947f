package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	_ "github.com/gomlx/gomlx/backends/default"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"transferlab/datasets/fetch"
	"transferlab/tl"
	"transferlab/tl/engine/backend"
	"transferlab/tl/gx"
	"transferlab/tl/zoo"
)

var (
	ownSpeed = flag.Bool("own-speed", false, "answer for speed jobs in this process (the benchmark's own use)")
	rounds   = flag.Int("rounds", 3, "how often each tool does each job; the median counts")
	jobNames = flag.String("jobs", "", "the only job to measure (empty: all of Jobs)")
)

// BenchmarkSpeed measures forward passes and training steps here, in PyTorch and in TensorFlow, each in a process of its own, in turns,
// and prints the table: go test -run '^$' -bench Speed -benchtime 1x -timeout 60m ./tl/engine/peers
func BenchmarkSpeed(b *testing.B) {
	ctx := b.Context()
	places, err := Find(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var runners []*Runner
	var names []string
	for _, tool := range speedTools(ctx, places, b.TempDir()) {
		if err := tool.check(); errors.Is(err, ErrMissing) {
			fmt.Println("left out:", err)
			continue
		}
		command, err := tool.command()
		if err != nil {
			b.Fatal(err)
		}
		r, err := StartRunner(tool.name, command, os.Stderr)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		runners, names = append(runners, r), append(names, tool.name)
	}
	jobs := Jobs
	if *jobNames != "" {
		jobs = []string{*jobNames}
	}
	for range b.N {
		paces := map[string]map[string][]Pace{}
		for _, name := range names {
			paces[name] = map[string][]Pace{}
		}
		for _, job := range jobs {
			for range *rounds {
				for _, r := range runners {
					p, err := r.Do(job)
					if err != nil {
						b.Fatal(err)
					}
					paces[r.Tool][job] = append(paces[r.Tool][job], p)
				}
			}
		}
		fmt.Printf("\nEfficientNet-Lite0, 224×224, median of %d rounds\n\n%s\n", *rounds, SpeedTable(names, jobs, paces))
	}
}

// speedTools are the columns of the table.
func speedTools(ctx context.Context, p Places, folder string) []tool {
	weights := filepath.Join(folder, "lite0.npz")
	return []tool{
		{"this lab", func() error { return nil }, func() (*exec.Cmd, error) {
			self, err := os.Executable()
			return exec.CommandContext(ctx, self, "-own-speed"), err
		}},
		{"PyTorch", func() error { return p.CheckTorch(ctx) }, func() (*exec.Cmd, error) { return p.TorchSpeedCommand(ctx), nil }},
		{"TensorFlow", func() error { return p.CheckKeras(ctx) }, func() (*exec.Cmd, error) {
			return p.KerasSpeedCommand(ctx, weights), p.ConvertWeights(ctx, weights)
		}},
	}
}

// answerJobs does jobs named on standard input until it ends, as torch_speed.py does.
func answerJobs(ctx context.Context) error {
	l, err := openLab(ctx)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		pace, err := l.pace(lines.Text())
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(pace); err != nil {
			return err
		}
	}
	return nil
}

// lab is the project's side: the blocks that the engine runs, compiled by the backend that it takes.
type lab struct {
	backend compute.Backend
	network zoo.Network
	weights zoo.Weights
	calls   map[string]func() error
}

func openLab(ctx context.Context) (*lab, error) {
	if _, err := fetch.Unpacked(ctx, fetch.EfficientNetLite0, nil); err != nil {
		return nil, err
	}
	config, _, err := backend.Config(ctx, nil)
	if err != nil {
		return nil, err
	}
	backend.Tune(config)
	l := &lab{calls: map[string]func() error{}}
	if l.backend, err = compute.NewWithConfig(config); err != nil {
		return nil, err
	}
	network, err := zoo.Find("efficientnet_lite0")
	if err != nil {
		return nil, err
	}
	l.network, l.weights, _, err = network.Load(ctx, tl.Weights{}, nil)
	return l, err
}

const speedSeconds = 4 // how long one job is repeated, as in the scripts

// pace does a job for a few seconds; the first time it compiles and warms up before.
func (l *lab) pace(job string) (Pace, error) {
	images := 32
	if l.calls[job] == nil {
		var err error
		switch job {
		case "forward 32", "forward 16":
			_, _ = fmt.Sscanf(job, "forward %d", &images)
			l.calls[job], err = l.forward(images)
		case "step":
			l.calls[job], err = l.step("stem", zoo.Mode{})
		case "step, batch statistics":
			l.calls[job], err = l.step("stem", zoo.Mode{BatchNorm: zoo.Batch})
		case "suffix step":
			l.calls[job], err = l.step("mbconv12", zoo.Mode{})
		default:
			return Pace{Job: job, Missing: true}, nil
		}
		for range 2 {
			if err == nil {
				err = l.calls[job]()
			}
		}
		if err != nil {
			return Pace{}, err
		}
	}
	if job == "forward 16" {
		images = 16
	}
	var walls []float64
	before := processor()
	for begun := time.Now(); time.Since(begun).Seconds() < speedSeconds || len(walls) < 3; {
		start := time.Now()
		backend.TrimAbove(backend.Keep()) // as the engine before every run
		if err := l.calls[job](); err != nil {
			return Pace{}, err
		}
		walls = append(walls, time.Since(start).Seconds())
	}
	used := (processor() - before) / float64(len(walls))
	slices.Sort(walls)
	return Pace{Job: job, Images: images, Seconds: walls[len(walls)/2], Processor: used}, nil
}

// store holds the blocks' weights.
func (l *lab) store(blocks []zoo.Block) (*model.Store, error) {
	s := model.NewStore()
	for _, block := range blocks {
		for _, v := range block.Variables {
			t := l.weights.Tensors[block.Name+"/"+v.Name]
			variable, err := s.CreateVariable("/"+block.Name+"/"+v.Name, tensors.FromFlatDataAndDimensions(t.Data, t.Shape...))
			if err != nil {
				return nil, err
			}
			variable.SetTrainable(!v.Buffer)
		}
	}
	return s, nil
}

func (l *lab) forward(images int) (func() error, error) {
	s, err := l.store(l.network.Blocks)
	if err != nil {
		return nil, err
	}
	exec, err := model.NewExec(l.backend, s, func(scope *model.Scope, x *graph.Node) *graph.Node {
		for _, block := range l.network.Blocks {
			x = block.Forward(scope.At("%s", block.Name), x, zoo.Mode{})
		}
		return x
	})
	x := noise(images, l.network.Size, l.network.Size, 3)
	return func() error { return finish(exec.Call(x)) }, err
}

// step is a step of Adam as the engine takes it, on the blocks from that one on and a head of two classes.
func (l *lab) step(from string, mode zoo.Mode) (func() error, error) {
	const batch = 32
	first := slices.IndexFunc(l.network.Blocks, func(b zoo.Block) bool { return b.Name == from })
	blocks := l.network.Blocks[first:]
	s, err := l.store(blocks)
	if err != nil {
		return nil, err
	}
	adam := gx.Scaled{Optimizer: optimizer.Adam().LearningRate(1).Done(),
		Rate: func(g *graph.Graph, _ *model.Variable) *graph.Node { return graph.Scalar(g, dtypes.Float32, 1e-4) }}
	exec, err := model.NewExec(l.backend, s, func(scope *model.Scope, x, labels *graph.Node) *graph.Node {
		for _, block := range blocks {
			x = block.Forward(scope.At("%s", block.Name), x, mode)
		}
		kernel := scope.At("head").VariableWithShape("kernel", shapes.Make(dtypes.Float32, x.Shape().Dimensions[1], 2))
		logits := graph.Dot(x, kernel.NodeValue(x.Graph())).Product()
		right := graph.Mul(graph.LogSoftmax(logits), graph.OneHot(labels, 2, dtypes.Float32))
		loss := graph.MulScalar(graph.ReduceAllSum(right), -1.0/batch)
		adam.UpdateGraph(scope, x.Graph(), loss)
		return loss
	})
	x, labels := noise(append([]int{batch}, blocks[0].Input...)...), tensors.FromShape(shapes.Make(dtypes.Int32, batch))
	return func() error { return finish(exec.Call(x, labels)) }, err
}

// finish waits for a call's result, as a caller who reads it does.
func finish(outputs []*tensors.Tensor, err error) error {
	for _, t := range outputs {
		if err == nil {
			err = t.ConstBytes(func([]byte) {})
		}
		err = errors.Join(err, t.FinalizeAll())
	}
	return err
}

// noise is reproducible numbers in [-1, 1).
func noise(dimensions ...int) *tensors.Tensor {
	t := tensors.FromShape(shapes.Make(dtypes.Float32, dimensions...))
	x := uint32(1)
	tensors.MustMutableFlatData(t, func(values []float32) {
		for i := range values {
			x = 1664525*x + 1013904223
			values[i] = float32(int32(x)) / (1 << 31)
		}
	})
	return t
}

// processor is the processor time of this process so far, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
