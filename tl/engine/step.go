package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"transferlab/tl"
	"transferlab/tl/gx"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// stepper is the compiled training step of a phase and the forward pass for validation. Every number of a phase is an input of the
// step, so that another rate or seed compiles nothing.
type stepper struct {
	program  *program
	forward  *program // nil without valid
	groups   []string // the blocks that have a rate, "head" first: the order of the rates' input
	batch    int
	unfrozen []string // paths of what moves
	record   record   // of the steps since the epoch began
}

// prepare compiles the step and sets its variables. The program stays locked until release.
func (u *run) prepare(report func(remote.Progress)) error {
	s := &stepper{batch: u.phase.BatchSize, groups: []string{headBlock}}
	for _, block := range u.model.base.Blocks {
		if _, moves := u.rates[block.Name]; moves {
			s.groups = append(s.groups, block.Name)
		}
	}
	report(remote.Progress{Stage: "compile the training step"})
	var err error
	if s.program, err = u.engine.program(u.ctx, u.model.base.Name, "step", u.stepKey(s), u.stepGraph(s)); err != nil {
		return err
	}
	if err := s.program.gate.enter(u.ctx, s.program.name); err != nil {
		return err
	}
	u.step, s.record = s, newRecord(len(s.groups))
	if err := u.loadStep(); err != nil {
		s.program.gate.Unlock()
		return err
	}
	if u.valid == nil {
		return nil
	}
	s.forward, err = u.engine.forward(u.ctx, u.model, u.cut)
	if err != nil {
		s.program.gate.Unlock()
	}
	return err
}

func (u *run) release() { u.step.program.gate.Unlock() }

// loadStep compiles, sets the weights, forgets the optimizer's state and seeds dropout.
func (u *run) loadStep() error {
	s, weights := u.step, u.model.suffixValues(u.cut)
	buffers := u.model.base.buffers()
	still := func(path string) bool { return u.model.isFrozen(path) && !u.thaws(path) || buffers[path] }
	if err := s.program.put(weights, still); err != nil {
		return err
	}
	anchors := u.anchors()
	if err := s.program.put(anchors, func(string) bool { return true }); err != nil {
		return err
	}
	for path := range weights {
		if !still(path) || u.moves(path) {
			s.unfrozen = append(s.unfrozen, path)
		}
	}
	sort.Strings(s.unfrozen)
	s.program.changes(s.unfrozen)
	compiled, err := s.program.compile(u.inputShapes()...)
	if err != nil {
		return err
	}
	u.history.Time.Compile += compiled
	maps.Copy(weights, anchors) // a map of our own
	if err := s.program.clear(weights); err != nil {
		return err
	}
	if err := s.program.store.SetRNGStateFromSeed(u.model.description.Seed); err != nil {
		return err
	}
	return u.restoreStep()
}

// thaws tells whether a parameter of a frozen block is trained all the same, by the policy that shows the damage.
func (u *run) thaws(path string) bool {
	return u.phase.BatchNorm == tl.BatchNormTrained && u.model.base.batchNorm()[path]
}

// moves tells whether a batch-norm average moves.
func (u *run) moves(path string) bool {
	return u.phase.BatchNorm != tl.BatchNormFrozen && u.model.base.buffers()[path]
}

// anchorScope is where the step's variables of pretrained weights stand.
const anchorScope = "/anchor"

// anchors are the pretrained values of what L2-SP pulls back, by the path of the step's variable.
func (u *run) anchors() map[string]*value {
	anchors := map[string]*value{}
	if u.phase.Anchor == 0 {
		return anchors
	}
	buffers := u.model.base.buffers()
	for path, v := range u.model.base.values {
		if _, in := u.model.values[path]; in && !u.model.isFrozen(path) && !buffers[path] {
			anchors[anchorScope+path] = v
		}
	}
	return anchors
}

// stepKey is what makes another graph: structure, not numbers.
func (u *run) stepKey(s *stepper) string {
	p := u.phase
	return fmt.Sprintf("step %s %d %v %v %d %q %q %q %t %t %t %t %t %v", u.model.base.key(), u.cut, u.model.description.Head, s.groups, s.batch, optimizerKind(p),
		p.BatchNorm, p.Precision, p.WeightDecay > 0, p.Momentum > 0, p.ClipNorm > 0, p.Anchor > 0, p.AnchorHead > 0, u.model.base.frozenList(u.model.frozen))
}

// optimizerKind is the optimizer without what a number makes of it.
func optimizerKind(p tl.Phase) string {
	if p.Optimizer == "" || p.Optimizer == "adamw" {
		return "adam"
	}
	return p.Optimizer
}

// The step's inputs, and the places in the vector of the phase's numbers.
const (
	inX       = iota // the batch
	inLabels         // [n] int32
	inMask           // [n]: 1, or 0 for a row that fills the batch
	inWeights        // [n]: of the rows' classes
	inRates          // [groups]
	inNumbers        // [numbersSize]
)

const (
	numberDecay = iota
	numberSmoothing
	numberMomentum
	numberClip
	numberAnchor
	numberAnchorHead
	numbersSize
)

func (u *run) numbers() []float32 {
	numbers := make([]float32, numbersSize)
	for i, x := range map[int]float64{numberDecay: u.phase.WeightDecay, numberSmoothing: u.phase.LabelSmoothing, numberMomentum: u.phase.Momentum,
		numberClip: u.phase.ClipNorm, numberAnchor: u.phase.Anchor, numberAnchorHead: u.phase.AnchorHead} {
		numbers[i] = float32(x)
	}
	return numbers
}

func (u *run) inputShapes() []shapes.Shape {
	a := u.views[0]
	n := u.step.batch
	return []shapes.Shape{
		shapes.Make(a.kind, append([]int{n}, a.shape...)...),
		shapes.Make(dtypes.Int32, n), shapes.Make(dtypes.Float32, n), shapes.Make(dtypes.Float32, n),
		shapes.Make(dtypes.Float32, len(u.step.groups)), shapes.Make(dtypes.Float32, numbersSize),
	}
}

// stepGraph builds the step: its inputs → loss, right answers, ‖step‖² and ‖weights‖² of each group.
func (u *run) stepGraph(s *stepper) graphFunction {
	t, phase, from := u.model, u.phase, u.cut
	frozen := maps.Clone(t.frozen)
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		if phase.Precision == tl.BFloat16 {
			gx.SetProducts(in[inX].Graph(), dtypes.BFloat16)
		}
		mode := zoo.Mode{}
		if phase.BatchNorm != tl.BatchNormFrozen {
			mode.BatchNorm = zoo.Batch
		}
		logits := t.base.suffix(scope, t.description.Head, in[inX], from, true, func(block string) zoo.Mode {
			mode := mode
			mode.Dropout = !frozen[block]
			return mode
		})
		loss, right := gx.CrossEntropy(logits, in[inLabels], in[inMask], in[inWeights], at(in[inNumbers], numberSmoothing))
		watch := newWatch(s.groups)
		gx.Scaled{
			Optimizer: stepOptimizer(scope, phase, t.base, frozen, in[inNumbers]),
			Rate: func(_ *graph.Graph, v *model.Variable) *graph.Node {
				return at(in[inRates], max(0, slices.Index(s.groups, blockOf(v.Path())))) // a thawed batch norm takes the head's rate
			},
			Decay: func(_ *graph.Graph, v *model.Variable) *graph.Node {
				if phase.WeightDecay > 0 && t.base.isKernel(v) {
					return at(in[inNumbers], numberDecay)
				}
				return nil
			},
			Watch: watch.see,
		}.UpdateGraph(scope, loss.Graph(), loss)
		return []*graph.Node{loss, right, watch.output(loss.Graph())}
	}
}

// at is element i of a vector.
func at(vector *graph.Node, i int) *graph.Node {
	return graph.Squeeze(graph.Slice(vector, graph.AxisElem(i)))
}

// stepOptimizer is the phase's optimizer with a learning rate of 1, and around it what changes gradients: L2-SP first, since it is a term of the
// loss, then clipping.
func stepOptimizer(scope *model.Scope, p tl.Phase, b *base, frozen map[string]bool, numbers *graph.Node) optimizer.Interface {
	number := func(i int) func(*graph.Graph) *graph.Node {
		return func(*graph.Graph) *graph.Node { return at(numbers, i) }
	}
	var o gx.GradientOptimizer
	switch kind := optimizerKind(p); {
	case kind == "rmsprop":
		o = gx.RMSProp{}
	case kind == "sgd" && p.Momentum > 0:
		o = gx.Momentum{Beta: number(numberMomentum)}
	case kind == "sgd":
		o = optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(1)
	default:
		o = optimizer.Adam().LearningRate(1).Done().(gx.GradientOptimizer)
	}
	if p.ClipNorm > 0 {
		o = gx.Clipped{Optimizer: o, Limit: number(numberClip)}
	}
	if p.Anchor == 0 && p.AnchorHead == 0 {
		return o
	}
	return gx.Anchored{Optimizer: o, Pull: func(g *graph.Graph, v *model.Variable) (strength, towards *graph.Node) {
		switch block := blockOf(v.Path()); {
		case block == headBlock && p.AnchorHead > 0 && b.isKernel(v):
			return at(numbers, numberAnchorHead), nil
		case block != headBlock && p.Anchor > 0 && !frozen[block]:
			return at(numbers, numberAnchor), anchor(scope, v, g)
		}
		return nil, nil
	}}
}

// anchor is the pretrained value of a variable.
func anchor(scope *model.Scope, v *model.Variable, g *graph.Graph) *graph.Node {
	return scope.Store().GetVariable(anchorScope + v.Path()).NodeValue(g)
}

// isKernel tells whether weight decay, and L2 of the head, apply to a variable.
func (b *base) isKernel(v *model.Variable) bool {
	return b.kernels()[v.Path()] || blockOf(v.Path()) == headBlock && v.Name() == "kernel"
}

// oneStep runs a batch of training rows, each in a view of its own, with all rates multiplied by factor. A smaller, last batch is filled up
// with its own rows, which count for nothing.
func (u *run) oneStep(positions []int, random *rand.Rand, factor float64) (loss, right float64, err error) {
	n := u.step.batch
	labels, mask, weights := make([]int32, n), make([]float32, n), make([]float32, n)
	rows, views := make([]int, n), make([]int, n)
	for i := range n {
		rows[i], views[i] = positions[i%len(positions)], random.IntN(len(u.views))
		label := u.labels[rows[i]]
		labels[i], weights[i] = int32(label), u.sampler.weight(label)
		if i < len(positions) {
			mask[i] = 1
		}
	}
	x, err := rowsTensor(u.views[0].kind, append([]int{n}, u.views[0].shape...), func(dst []byte) error {
		return gather(u.views, views, rows, dst)
	})
	if err != nil {
		return 0, 0, err
	}
	rates := make([]float32, len(u.step.groups))
	for i, group := range u.step.groups {
		rates[i] = float32(u.rates[group] * factor)
	}
	outputs, err := u.step.program.run(x, labels, mask, weights, rates, u.numbers())
	if err != nil {
		return 0, 0, err
	}
	loss, right = scalar(outputs[0]), scalar(outputs[1])
	bad, oldIsBad, err := u.step.record.add(outputs[2], rates)
	if err == nil && (!isFinite(loss) || bad >= 0) {
		err = u.ranAway(loss, bad, oldIsBad, x)
	}
	return loss, right, err
}

func scalar(t *tensors.Tensor) float64 { return float64(tensors.ToScalar[float32](t)) }
