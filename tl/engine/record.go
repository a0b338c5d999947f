package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
)

// watch collects, while a step's graph is built, how far the parameters of each group move.
type watch struct {
	groups map[string]int
	sums   [][2]*graph.Node // of each group: ‖step‖², ‖old‖²
}

func newWatch(groups []string) *watch {
	w := &watch{groups: map[string]int{}, sums: make([][2]*graph.Node, len(groups))}
	for i, group := range groups {
		w.groups[group] = i
	}
	return w
}

// see adds a variable's step; see gx.Scaled. A batch norm that a policy trains in a frozen block is in no group.
func (w *watch) see(v *model.Variable, old, step *graph.Node) {
	i, found := w.groups[blockOf(v.Path())]
	if !found {
		return
	}
	for j, x := range []*graph.Node{step, old} {
		square := graph.ReduceAllSum(graph.Square(x))
		if w.sums[i][j] != nil {
			square = graph.Add(w.sums[i][j], square)
		}
		w.sums[i][j] = square
	}
}

// output is [groups, 2].
func (w *watch) output(g *graph.Graph) *graph.Node {
	var all []*graph.Node
	for _, pair := range w.sums {
		for _, sum := range pair {
			if sum == nil { // a block without parameters
				sum = graph.Const(g, float32(0))
			}
			all = append(all, sum)
		}
	}
	return graph.Reshape(graph.Stack(all, 0), len(w.sums), 2)
}

// record is what the steps of one epoch did to each group.
type record struct {
	steps   int
	updates []float64 // sum of ‖step‖/‖old‖ over the steps
	rates   []float64 // of the last step
}

func newRecord(groups int) record {
	return record{updates: make([]float64, groups), rates: make([]float64, groups)}
}

// add notes a step. bad is the index of a group whose norms say that its numbers ran away, or −1; oldIsBad, that they had before the step.
func (r *record) add(sums *tensors.Tensor, rates []float32) (bad int, oldIsBad bool, err error) {
	flat, err := floats(sums)
	if err != nil {
		return -1, false, err
	}
	r.steps++
	bad = -1
	for i := range r.updates {
		step, old := float64(flat[2*i]), float64(flat[2*i+1])
		switch {
		case !isFinite(old) && !oldIsBad:
			bad, oldIsBad = i, true
		case !isFinite(step) && bad < 0:
			bad = i
		case old > 0:
			r.updates[i] += math.Sqrt(step / old)
		}
		r.rates[i] = float64(rates[i])
	}
	return bad, oldIsBad, nil
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// blocks is the record of the epoch that ends with those weights.
func (u *run) blocks(moved map[string]*value) []tl.BlockRecord {
	s := u.step
	drifted, length := make([]float64, len(s.groups)), make([]float64, len(s.groups))
	index := map[string]int{}
	for i, group := range s.groups {
		index[group] = i
	}
	for _, path := range slices.Sorted(maps.Keys(moved)) { // sums have the same bits in every run
		now := moved[path]
		i, found := index[blockOf(path)]
		from := u.origin(path)
		if !found || u.model.base.buffers()[path] || from == nil {
			continue
		}
		for j, x := range now.Data {
			before := float64(from.Data[j])
			drifted[i] += (float64(x) - before) * (float64(x) - before)
			length[i] += before * before
		}
	}
	records := make([]tl.BlockRecord, len(s.groups))
	for i, group := range s.groups {
		records[i] = tl.BlockRecord{Block: group, Rate: s.record.rates[i]}
		if s.record.steps > 0 {
			records[i].Update = s.record.updates[i] / float64(s.record.steps)
		}
		if length[i] > 0 {
			records[i].Drift = math.Sqrt(drifted[i] / length[i])
		}
	}
	return records
}

// origin is what a parameter's drift is measured from: the base's pretrained value; for the head its first one.
func (u *run) origin(path string) *value {
	if pretrained := u.model.base.values[path]; pretrained != nil {
		return pretrained
	}
	return u.model.head[path]
}

// notFinite names a block in which a value is no number, or infinite; "" where all are finite.
func notFinite(values map[string]*value) string {
	block := ""
	for path, v := range values {
		for _, x := range v.Data {
			if x-x != 0 { // NaN, or Inf − Inf
				if name := blockOf(path); block == "" || name < block {
					block = name
				}
				break
			}
		}
	}
	return block
}

// errDiverged is in every error that ends a phase because numbers ran away. The model is then as of the last finished epoch.
var errDiverged = errors.New("diverged")

// divergence says where and why numbers ran away.
type divergence struct{ text string }

func (d divergence) Error() string { return d.text }
func (d divergence) Unwrap() error { return errDiverged }

// diverged is the error of a phase that cannot go on: what is no number, where it was seen, and what helps.
func (u *run) diverged(step int, what, remedy string) error {
	at := fmt.Sprintf("phase %q, epoch %d", u.phase.Name, len(u.history.Epochs)+1)
	if step > 0 {
		at += fmt.Sprintf(", step %d", step)
	}
	return divergence{fmt.Sprintf("%s: %s: %s; %s", at, what, remedy, u.asStopped().Standing())}
}

const rateTooHigh = "the learning rate is too high (or clip the gradients with ClipNorm)"

// ranAway is the error of a step whose loss or weights are no numbers; bad and oldIsBad are record.add's. It looks for the cause, from the
// input on.
func (u *run) ranAway(loss float64, bad int, oldIsBad bool, inputs *tensors.Tensor) error {
	s := u.step
	what := fmt.Sprintf("the loss is %g", loss)
	switch {
	case oldIsBad:
		what += fmt.Sprintf(", and the weights of block %s are too large or no numbers", s.groups[bad])
	case isFinite(loss):
		what = fmt.Sprintf("the step of block %s is too large or no number", s.groups[bad])
	}
	if where := u.inputsNotFinite(inputs); where != "" {
		return u.diverged(s.record.steps, what, where)
	}
	if len(u.history.Epochs) == 0 && s.record.steps == 1 {
		if block := notFinite(u.model.suffixValues(u.cut)); block != "" {
			return u.diverged(1, what, fmt.Sprintf("the weights of block %s held NaN or Inf before the phase: load the base again, or Reset the model", block))
		}
	}
	return u.diverged(s.record.steps, what, rateTooHigh)
}

// inputsNotFinite says whose fault NaN or Inf in a batch is. Decoded images are bytes and cannot hold any.
func (u *run) inputsNotFinite(inputs *tensors.Tensor) string {
	data, err := floats(inputs)
	if err != nil {
		return ""
	}
	for i, x := range data {
		if x-x != 0 {
			row := i / max(1, len(data)/inputs.Shape().Dimensions[0])
			blocks := u.model.base.Blocks[:u.cut]
			return fmt.Sprintf("the output of block %s holds NaN or Inf (row %d of the batch), so the frozen weights do, or overflow: load the base again (blocks %s to %s)",
				blocks[len(blocks)-1].Name, row, blocks[0].Name, blocks[len(blocks)-1].Name)
		}
	}
	return ""
}

// detail is the progress line's part about the last step: what head and the unfrozen block next to it moved by, on average, in shares of their
// weights.
func (s *stepper) detail() string {
	if s.record.steps == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString("  update")
	shown := []int{0}
	if last := len(s.groups) - 1; last > 0 {
		shown = append(shown, last)
	}
	for _, i := range shown {
		fmt.Fprintf(&text, " %s %.0e", s.groups[i], s.record.updates[i]/float64(s.record.steps))
	}
	return text.String()
}
