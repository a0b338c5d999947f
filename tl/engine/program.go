package engine

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl/engine/backend"
)

// program is a compiled graph with the variables it works on. The same program serves every model of the same structure: its
// variables are set before a run. What makes it another program stands in its key (see Engine.program).
type program struct {
	gate  *gate // held for a whole run: the variables are one model's then
	used  usage
	name  string
	base  string
	bytes atomic.Int64 // of its variables
	sizes map[int]bool // of batches that it was compiled for
	store *model.Store
	exec  *model.Exec
	held  map[string]*value // what the variables were last set to
}

type graphFunction = func(scope *model.Scope, inputs []*graph.Node) []*graph.Node

// program finds the program of that key or makes it. It is compiled when it first runs. role says what it does for the base, for people.
func (e *Engine) program(ctx context.Context, base, role, key string, build graphFunction) (*program, error) {
	backend, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.programs[key]; p != nil {
		p.used.touch(ctx)
		return p, nil
	}
	p := &program{gate: newGate(), name: e.newName(base, role), base: base, store: model.NewStore(), held: map[string]*value{}, sizes: map[int]bool{}}
	p.exec, err = model.NewExec(backend, p.store, func(scope *model.Scope, inputs []*graph.Node) []*graph.Node {
		e.compiled.Add(1)
		return build(scope, inputs)
	})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", shorten(err))
	}
	p.exec.SetMaxCache(4)
	p.used.touch(ctx)
	e.programs[key] = p
	return p, nil
}

// put sets variables, by path; frozen tells which of them the optimizer must not see. Call it with the gate held.
func (p *program) put(values map[string]*value, frozen func(path string) bool) error {
	for _, path := range slices.Sorted(maps.Keys(values)) { // the store keeps their order, and a norm over all sums in it: same bits in every engine
		v := values[path]
		if p.held[path] == v {
			continue
		}
		t := tensors.FromFlatDataAndDimensions(v.Data, v.Shape...)
		variable := p.store.GetVariable(path)
		if variable == nil {
			var err error
			if variable, err = p.store.CreateVariable(path, t); err != nil {
				return fmt.Errorf("engine: %w", shorten(err))
			}
		} else if err := variable.SetValue(t); err != nil {
			return fmt.Errorf("engine: set %s: %w", path, shorten(err))
		}
		variable.SetTrainable(!frozen(path))
		p.held[path] = v
	}
	return nil
}

// clear zeroes every variable that is not a weight: the optimizer's moments and counters, so that a phase starts fresh. An
// optimizer's state that survived would take up to 6.6 times too large steps on a block thawed late (design, section 4).
func (p *program) clear(weights map[string]*value) error {
	for variable := range p.store.IterVariables() {
		if weights[variable.Path()] != nil || strings.Contains(variable.Path(), "#") || strings.Contains(variable.Path(), "learning_rate") {
			continue
		}
		if err := variable.SetValue(tensors.FromShape(variable.Shape())); err != nil {
			return fmt.Errorf("engine: clear %s: %w", variable.Path(), shorten(err))
		}
	}
	return nil
}

// changes says that the next run moves these variables: what they were set to holds no longer, also where the run is stopped half-way.
func (p *program) changes(paths []string) {
	for _, path := range paths {
		delete(p.held, path)
	}
}

// get reads variables back.
func (p *program) get(paths []string) (map[string]*value, error) {
	values := map[string]*value{}
	for _, path := range paths {
		variable := p.store.GetVariable(path)
		if variable == nil {
			return nil, fmt.Errorf("engine: the graph lost variable %s", path)
		}
		t, err := variable.Value()
		if err != nil {
			return nil, fmt.Errorf("engine: read %s: %w", path, shorten(err))
		}
		data, err := floats(t)
		if err != nil {
			return nil, err
		}
		values[path] = newValue(variable.Shape().Dimensions, data)
	}
	return values, nil
}

// newName is a short name that nothing else in this engine has: "efficientnet_lite0/step#3". Call it with mu held.
func (e *Engine) newName(base, role string) string {
	e.named++
	return fmt.Sprintf("%s/%s#%d", base, role, e.named)
}

// close gives back what the compiled graph and its variables occupy. Nothing may use it any more.
func (p *program) close() {
	p.exec.Finalize()
	p.store.Finalize()
	backend.Trim()
}

// batch is the size of batches for so many rows: a small one for a few, unless only the large one was compiled, which takes longer than it
// saves. Call it with the gate held.
func (p *program) batch(rows int) int {
	if rows <= fewImages && (p.sizes[fewImages] || !p.sizes[prefixBatch]) {
		return fewImages
	}
	return prefixBatch
}

// compile builds the graph for these input shapes, where it was not yet, and returns how long that took.
func (p *program) compile(inputs ...shapes.Shape) (time.Duration, error) {
	start := time.Now()
	if _, err := p.exec.Compile(inputs...); err != nil {
		throwFault(err)
		return 0, fmt.Errorf("engine: compile: %w", shorten(err))
	}
	p.bytes.Store(p.store.ByteSize())
	p.sizes[inputs[0].Dimensions[0]] = true
	return time.Since(start), nil
}

func (p *program) run(inputs ...any) ([]*tensors.Tensor, error) {
	backend.TrimAbove(backend.Keep())
	outputs, err := p.exec.Call(inputs...)
	if err != nil {
		throwFault(err)
		return nil, fmt.Errorf("engine: run: %w", shorten(err))
	}
	return outputs, nil
}

// throwFault panics anew with a fault of the program in a graph function, which GoMLX turned into an error that looks like one about the graph:
// exceptions.TryCatch catches both.
func throwFault(err error) {
	if fault := runtime.Error(nil); errors.As(err, &fault) {
		log.Printf("engine: %+v", err) // where it happened
		panic(fault)
	}
}

// floats copies a float32 tensor's numbers.
func floats(t *tensors.Tensor) (data []float32, err error) {
	err = t.ConstFlatData(func(flat any) {
		f, isFloat := flat.([]float32)
		if !isFloat {
			err = fmt.Errorf("engine: want float32, have %s", t.DType())
			return
		}
		data = append([]float32(nil), f...)
	})
	return data, err
}

// rows makes a tensor from rows of raw bytes.
func rowsTensor(kind dtypes.DType, shape []int, fill func(dst []byte) error) (*tensors.Tensor, error) {
	t := tensors.FromShape(shapes.Make(kind, shape...))
	var inner error
	err := t.MutableBytes(func(data []byte) { inner = fill(data) })
	if err == nil {
		err = inner
	}
	return t, err
}
