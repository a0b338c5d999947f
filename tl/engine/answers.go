package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// forward is the program from activations at a cut to a model's logits, in inference mode.
func (e *Engine) forward(ctx context.Context, t *trained, from int) (*program, error) {
	b, head := t.base, t.description.Head
	return e.program(ctx, b.Name, "forward", fmt.Sprintf("forward %s %d %v", b.key(), from, head), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		return []*graph.Node{b.suffix(scope, head, in[0], from, false, inference)}
	})
}

// logits runs a program over all rows in batches of one shape. It returns the logits [n, classes] and the seconds of compilation.
func (e *Engine) logits(ctx context.Context, p *program, values map[string]*value, a activations, stage string,
	report func(remote.Progress)) (tl.Tensor, time.Duration, error) {
	if err := p.gate.enter(ctx, p.name); err != nil {
		return tl.Tensor{}, 0, err
	}
	defer p.gate.Unlock()
	if err := p.put(values, func(string) bool { return true }); err != nil {
		return tl.Tensor{}, 0, err
	}
	compiled, err := p.compile(shapes.Make(a.kind, append([]int{p.batch(len(a.hashes))}, a.shape...)...))
	if err != nil {
		return tl.Tensor{}, compiled, err
	}
	outputs, err := outputsOf(ctx, p, a, stage, report)
	if err != nil {
		return tl.Tensor{}, compiled, err
	}
	return outputs[0], compiled, nil
}

// outputsOf runs a compiled program over all rows, of which there is one at least, in batches of one shape, and collects each of its outputs,
// [n, numbers]. Call it with the program's gate held.
func outputsOf(ctx context.Context, p *program, a activations, stage string, report func(remote.Progress)) ([]tl.Tensor, error) {
	var all []tl.Tensor
	n := len(a.hashes)
	size := p.batch(n)
	clock := newClock(stage)
	for from := 0; from < n; from += size {
		if err := ctx.Err(); err != nil {
			callOf(ctx).stopped("stopped at %s of %s images", tl.WithCommas(int64(from)), tl.WithCommas(int64(n)))
			return nil, err
		}
		positions := make([]int, size)
		for i := range positions {
			positions[i] = min(from+i, n-1) // the last batch is filled with its last row
		}
		x, err := a.batch(positions)
		if err != nil {
			return nil, err
		}
		outputs, err := p.run(x)
		if err != nil {
			return nil, err
		}
		here := min(size, n-from)
		for i, output := range outputs {
			rows, err := floats(output)
			if err != nil {
				return nil, err
			}
			width := len(rows) / size
			if from == 0 {
				all = append(all, tl.Tensor{Shape: []int{n, width}, Data: make([]float32, 0, n*width)})
			}
			all[i].Data = append(all[i].Data, rows[:here*width]...)
		}
		finalize(append(outputs, x)...)
		report(clock.tick(here, n, "images/s"))
	}
	return all, nil
}

// modelLogits runs a model over one view of each image: its frozen prefix through the cache, then the rest.
func (e *Engine) modelLogits(ctx context.Context, t *trained, data rows, view int, report func(remote.Progress)) (tl.Tensor, tl.Timing, error) {
	from := t.prefix()
	a, timing, err := e.activations(ctx, t.source(), from, data, view, report)
	if err != nil {
		return tl.Tensor{}, timing, err
	}
	p, err := e.forward(ctx, t, from)
	if err != nil {
		return tl.Tensor{}, timing, err
	}
	logits, compiled, err := e.logits(ctx, p, t.suffixValues(from), a, t.description.Name, report)
	timing.Compile += compiled
	return logits, timing, err
}

func (e *Engine) predict(ctx context.Context, r tl.DataRequest, report func(remote.Progress)) (tl.Predictions, error) {
	if isBare(r.Model) {
		return e.predictOriginal(ctx, r, report)
	}
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Predictions{}, err
	}
	defer t.gate.Unlock()
	classes := t.journal.Classes // of what it was trained on, whatever the images to predict are filed under
	if classes == nil {
		if classes, err = r.Data.Classes(ctx); err != nil {
			return tl.Predictions{}, err
		}
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return tl.Predictions{}, err
	}
	logits, _, err := e.meanLogits(ctx, t, data, viewsOf(r), report)
	return answer(logits, named(classes, t.logits)), err
}

// predictOriginal runs the top that the network was trained with.
func (e *Engine) predictOriginal(ctx context.Context, r tl.DataRequest, report func(remote.Progress)) (tl.Predictions, error) {
	logits, b, err := e.originalLogits(ctx, tl.RepresentRequest{Base: r.Model.Base, Data: r.Data}, report)
	if err != nil {
		return tl.Predictions{}, err
	}
	return answer(logits, b.Classes), nil
}

// originalLogits are the answers [n, classes] of the top that the network was trained with.
func (e *Engine) originalLogits(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (tl.Tensor, *base, error) {
	b, err := e.base(ctx, r.Base)
	if err != nil {
		return tl.Tensor{}, nil, err
	}
	if b.Classifier.Forward == nil {
		return tl.Tensor{}, nil, fmt.Errorf("%s has no classifier of its own: give it a head with WithHead", b.Name)
	}
	a, _, err := e.representation(ctx, tl.RepresentRequest{Base: r.Base, Data: r.Data}, report)
	if err != nil {
		return tl.Tensor{}, nil, err
	}
	p, err := e.program(ctx, b.Name, "classifier", "classifier "+b.key(), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		return []*graph.Node{b.Classifier.Forward(scope.At("%s", b.Classifier.Name), in[0], zoo.Mode{})}
	})
	if err != nil {
		return tl.Tensor{}, nil, err
	}
	values := map[string]*value{}
	for _, v := range b.Classifier.Variables {
		path := "/" + b.Classifier.Name + "/" + v.Name
		values[path] = b.values[path]
	}
	logits, _, err := e.logits(ctx, p, values, a, b.Name, report)
	return logits, b, err
}

// named gives every logit a name: those of the data set's classes, then numbers.
func named(classes []string, logits int) []string {
	names := slices.Clone(classes)
	for len(names) < logits {
		names = append(names, fmt.Sprintf("class %d", len(names)))
	}
	return names[:logits]
}

// answer turns logits into probabilities and classes.
func answer(logits tl.Tensor, classes []string) tl.Predictions {
	p := tl.Predictions{Classes: classes, Logits: logits, Probabilities: tl.Tensor{Shape: logits.Shape, Data: make([]float32, len(logits.Data))}}
	for i := range logits.Len() {
		p.Class = append(p.Class, probabilitiesOf(logits.Row(i), p.Probabilities.Row(i)))
	}
	return p
}

// probabilitiesOf writes the softmax of one image's logits, and says which is the largest.
func probabilitiesOf(row, out []float32) (best int) {
	for c := range row {
		if row[c] > row[best] {
			best = c
		}
	}
	sum := 0.0
	for c := range row {
		sum += math.Exp(float64(row[c] - row[best]))
	}
	for c := range row {
		out[c] = float32(math.Exp(float64(row[c]-row[best])) / sum)
	}
	return best
}

// measure is the mean cross-entropy in nats and the accuracy of logits.
func measure(logits tl.Tensor, labels []int) (loss, accuracy float64) {
	right := 0
	for i, label := range labels {
		row := logits.Row(i)
		top := slices.Max(row)
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(float64(v - top))
		}
		loss += math.Log(sum) - float64(row[label]-top)
		if slices.Index(row, top) == label {
			right++
		}
	}
	n := float64(len(labels))
	return loss / n, float64(right) / n
}

func (e *Engine) evaluate(ctx context.Context, r tl.DataRequest, report func(remote.Progress)) (tl.Evaluation, error) {
	start := time.Now()
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Evaluation{}, err
	}
	defer t.gate.Unlock()
	labels, err := t.labels(ctx, "the data to evaluate on", r.Data)
	if err != nil {
		return tl.Evaluation{}, err
	}
	classes, err := r.Data.Classes(ctx)
	if err == nil {
		err = t.sameClasses("the data to evaluate on", classes)
	}
	if err != nil {
		return tl.Evaluation{}, err
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return tl.Evaluation{}, err
	}
	logits, timing, err := e.meanLogits(ctx, t, data, viewsOf(r), report)
	if err != nil {
		return tl.Evaluation{}, err
	}
	ev := tl.Evaluation{Model: r.Model.Name, Classes: named(classes, t.logits), Labels: labels, Time: timing, Views: viewsOf(r)}
	ev.Predicts = answer(logits, ev.Classes)
	ev.Loss, _ = measure(logits, labels)
	ev.Interval = ev.AccuracyInterval()
	if len(t.histories) > 0 {
		ev.Phase = t.histories[len(t.histories)-1].Phase.Name
	}
	ev.Time.Total = time.Since(start)
	return ev, e.looked(ctx, t, data, ev)
}

// validate measures the model as it is in the middle of a phase.
func (u *run) validate(moved map[string]*value) (loss, accuracy float64, err error) {
	values := u.model.suffixValues(u.cut)
	for path, v := range moved {
		values[path] = v
	}
	logits, compiled, err := u.engine.logits(u.ctx, u.step.forward, values, *u.valid, u.phase.Name+", validation", func(remote.Progress) {})
	if err != nil {
		return 0, 0, err
	}
	u.history.Time.Compile += compiled
	loss, accuracy = measure(logits, u.vLabels)
	return loss, accuracy, nil
}
