package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

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

// stepper is the compiled training step of a phase and the forward pass for validation. Learning rates, weight decay and smoothing are
// inputs of the step, so that another rate or seed compiles nothing.
type stepper struct {
	program  *program
	forward  *program // nil without valid
	groups   []string // the blocks that have a rate, "head" first: the order of the rates' input
	batch    int
	unfrozen []string // paths of what moves
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
	u.step = s
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
	if err := s.program.clear(weights); err != nil {
		return err
	}
	return s.program.store.SetRNGStateFromSeed(u.model.description.Seed)
}

// thaws tells whether a parameter of a frozen block is trained all the same, by the policy that shows the damage.
func (u *run) thaws(path string) bool {
	return u.phase.BatchNorm == tl.BatchNormTrained && u.model.base.batchNorm()[path]
}

// moves tells whether a batch-norm average moves.
func (u *run) moves(path string) bool {
	return u.phase.BatchNorm != tl.BatchNormFrozen && u.model.isFrozen(path) && u.model.base.buffers()[path]
}

// stepKey is what makes another graph: structure, not numbers.
func (u *run) stepKey(s *stepper) string {
	return fmt.Sprintf("step %s %d %v %v %d %q %q %t %v", u.model.base.Name, u.cut, u.model.description.Head, s.groups, s.batch, u.phase.Optimizer,
		u.phase.BatchNorm, u.phase.WeightDecay > 0, u.model.base.frozenList(u.model.frozen))
}

func (u *run) inputShapes() []shapes.Shape {
	a := u.views[0]
	n := u.step.batch
	return []shapes.Shape{
		shapes.Make(a.kind, append([]int{n}, a.shape...)...),
		shapes.Make(dtypes.Int32, n), shapes.Make(dtypes.Float32, n),
		shapes.Make(dtypes.Float32, len(u.step.groups)), shapes.Make(dtypes.Float32), shapes.Make(dtypes.Float32),
	}
}

// stepGraph builds the step: inputs x, labels, weights, rates [groups], weight decay, label smoothing → loss, right answers.
func (u *run) stepGraph(s *stepper) graphFunction {
	t, phase, from, decays := u.model, u.phase, u.cut, u.phase.WeightDecay > 0
	frozen := map[string]bool{}
	for name, f := range t.frozen {
		frozen[name] = f
	}
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		x, labels, weights, rates, decay, smoothing := in[0], in[1], in[2], in[3], in[4], in[5]
		logits := t.base.suffix(scope, t.description.Head, x, from, true, func(block string) zoo.Mode {
			if frozen[block] && phase.BatchNorm != tl.BatchNormFrozen {
				return zoo.Mode{BatchNorm: zoo.Batch}
			}
			return zoo.Mode{}
		})
		loss, right := crossEntropy(logits, labels, weights, smoothing)
		var inner optimizer.Interface = optimizer.Adam().LearningRate(1).Done()
		if phase.Optimizer == "sgd" {
			inner = optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(1)
		}
		kernels := t.base.kernels()
		gx.Scaled{
			Optimizer: inner,
			Rate: func(_ *graph.Graph, v *model.Variable) *graph.Node {
				i := max(0, slices.Index(s.groups, blockOf(v.Path()))) // a thawed batch norm takes the head's rate
				return graph.Squeeze(graph.Slice(rates, graph.AxisElem(i)))
			},
			Decay: func(_ *graph.Graph, v *model.Variable) *graph.Node {
				if decays && (kernels[v.Path()] || blockOf(v.Path()) == headBlock && v.Name() == "kernel") {
					return decay
				}
				return nil
			},
		}.UpdateGraph(scope, x.Graph(), loss)
		return []*graph.Node{loss, right}
	}
}

// epochs runs the phase's epochs, saving what moved after each.
func (u *run) epochs(report func(remote.Progress)) error {
	seed := uint64(u.model.description.Seed)
	random := rand.New(rand.NewPCG(seed, uint64(len(u.model.histories))+1))
	per := (len(u.labels) + u.step.batch - 1) / u.step.batch
	total := per * u.phase.Epochs
	start := time.Now()
	defer func() { u.history.Time.Train = time.Since(start) }()
	u.checkpoint(report)
	for epoch := range u.phase.Epochs {
		e, err := u.epoch(epoch, per, total, start, random, report)
		if err != nil {
			return err
		}
		u.history.Epochs = append(u.history.Epochs, e)
		u.checkpoint(report)
		report(remote.Progress{Stage: fmt.Sprintf("%s, epoch %d/%d", u.phase.Name, epoch+1, u.phase.Epochs), Detail: epochText(e), Finished: true})
	}
	return nil
}

func (u *run) epoch(epoch, per, total int, start time.Time, random *rand.Rand, report func(remote.Progress)) (tl.Epoch, error) {
	begun := time.Now()
	order := random.Perm(len(u.labels))
	lossSum, right, seen := 0.0, 0.0, 0
	stage := fmt.Sprintf("%s, epoch %d/%d", u.phase.Name, epoch+1, u.phase.Epochs)
	schedule, err := gx.ScheduleByName(u.phase.Schedule)
	if err != nil {
		return tl.Epoch{}, err
	}
	for positions := range slices.Chunk(order, u.step.batch) {
		if err := u.ctx.Err(); err != nil {
			return tl.Epoch{}, err
		}
		done := epoch*per + seen/u.step.batch
		loss, hits, err := u.oneStep(positions, random, schedule(done, total))
		if err != nil {
			return tl.Epoch{}, err
		}
		lossSum, right, seen = lossSum+loss*float64(len(positions)), right+hits, seen+len(positions)
		took := time.Since(start)
		report(remote.Progress{Stage: stage, Done: int64(seen), Total: int64(len(order)),
			Detail: fmt.Sprintf("loss %.4f  accuracy %.3f  %.0f images/s", lossSum/float64(seen), right/float64(seen), float64(seen)/time.Since(begun).Seconds()),
			Left:   time.Duration(float64(took) / float64(done+1) * float64(total-done-1))})
	}
	e := tl.Epoch{Loss: lossSum / float64(seen), Accuracy: right / float64(seen), ValidLoss: nan, ValidAccuracy: nan}
	e.ImagesPerSecond = float64(seen) / time.Since(begun).Seconds()
	moved, err := u.step.program.get(u.step.unfrozen)
	if err != nil {
		return e, err
	}
	u.saved = append(u.saved, newMoment(moved))
	u.model.weigh(u.saved)
	if u.valid != nil {
		if e.ValidLoss, e.ValidAccuracy, err = u.validate(moved); err != nil {
			return e, err
		}
	}
	e.Seconds = time.Since(begun).Seconds()
	return e, nil
}

// oneStep runs a batch of training rows, each in a view of its own. A smaller, last batch is filled up with its own rows at weight 0.
func (u *run) oneStep(positions []int, random *rand.Rand, factor float64) (loss, right float64, err error) {
	n := u.step.batch
	labels, weights := make([]int32, n), make([]float32, n)
	for i := range n {
		labels[i] = int32(u.labels[positions[i%len(positions)]])
		if i < len(positions) {
			weights[i] = 1
		}
	}
	x, err := rowsTensor(u.views[0].kind, append([]int{n}, u.views[0].shape...), func(dst []byte) error {
		chosen, filled := make([]int, n), make([]int, n)
		for i := range n {
			chosen[i], filled[i] = random.IntN(len(u.views)), positions[i%len(positions)]
		}
		return gather(u.views, chosen, filled, dst)
	})
	if err != nil {
		return 0, 0, err
	}
	rates := make([]float32, len(u.step.groups))
	for i, group := range u.step.groups {
		rates[i] = float32(u.rates[group] * factor)
	}
	outputs, err := u.step.program.run(x, labels, weights, rates, float32(u.phase.WeightDecay), float32(u.phase.LabelSmoothing))
	if err != nil {
		return 0, 0, err
	}
	loss, right = scalar(outputs[0]), scalar(outputs[1])
	if loss != loss {
		return 0, 0, errDiverged
	}
	return loss, right, nil
}

func scalar(t *tensors.Tensor) float64 { return float64(tensors.ToScalar[float32](t)) }

func epochText(e tl.Epoch) string {
	text := fmt.Sprintf("loss %.4f  accuracy %.3f", e.Loss, e.Accuracy)
	if e.ValidLoss == e.ValidLoss {
		text += fmt.Sprintf("  valid loss %.4f  valid accuracy %.3f", e.ValidLoss, e.ValidAccuracy)
	}
	return text + fmt.Sprintf("  %.0f images/s", e.ImagesPerSecond)
}
