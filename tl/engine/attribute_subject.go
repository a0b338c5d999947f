package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// subject is a network that is looked into: a model as it stands, or a base with the top that it was trained with.
type subject struct {
	source
	name    string
	model   *trained // nil for a base
	frozen  int      // leading blocks whose activations are worth keeping
	release func()
}

// subject finds a model, which comes locked, or a bare base. Release it.
func (e *Engine) subject(ctx context.Context, m tl.Model) (subject, error) {
	if isBare(m) {
		b, err := e.base(ctx, m.Base)
		if err != nil {
			return subject{}, err
		}
		return subject{source: source{b, b.values}, name: b.Name, frozen: len(b.Blocks), release: func() {}}, nil
	}
	t, err := e.model(ctx, m)
	if err != nil {
		return subject{}, err
	}
	return subject{source: t.source(), name: m.Name, model: t, frozen: t.prefix(), release: t.gate.Unlock}, nil
}

// key is what the subject's graphs depend on beside the weights' numbers.
func (s subject) key() string {
	if s.model != nil {
		return fmt.Sprintf("%s %v", s.base.key(), s.model.description.Head)
	}
	return s.base.key()
}

// block finds a block by its name.
func (s subject) block(name string) (int, error) {
	at := slices.Index(s.blockNames(), name)
	if at < 0 {
		return 0, noSuch("block", name, s.blockNames())
	}
	return at, nil
}

// lastWithSpace is the last block whose maps have space, or −1.
func (s subject) lastWithSpace() int {
	for n, block := range slices.Backward(s.Blocks) {
		if hasSpace(block) {
			return n
		}
	}
	return -1
}

// hasSpace tells whether a block gives [h, w, c] with more than one place.
func hasSpace(b zoo.Block) bool {
	shape := b.MapsShape()
	return len(shape) == 3 && shape[0]*shape[1] > 1
}

// start gives the rows from which the maps behind a block are computed: the nearest that is worth keeping, and not where so many rows take much room.
// Where the whole base is frozen that is the tap, whose rows Predict leaves in passing: an image that was predicted has run through most of it then,
// and one that was not runs through what is compiled for Predict.
func (e *Engine) start(ctx context.Context, s subject, block int, data rows, report func(remote.Progress)) (activations, tl.Timing, error) {
	from := block + 1
	if s.Blocks[block].Maps != nil {
		from = block
	}
	from = min(from, s.frozen)
	if s.at(from).bytes()*len(data.hashes) > mostNumbers {
		from = 0
	}
	var before tl.Timing
	if tap := s.tap(); tap > 0 && from > tap && s.frozen == len(s.Blocks) {
		var err error
		if _, before, err = e.activations(ctx, s.source, len(s.Blocks), data, 0, report); err != nil {
			return activations{}, before, err
		}
		from = tap
	}
	a, timing, err := e.activations(ctx, s.source, from, data, 0, report)
	timing.Prefix += before.Prefix
	timing.Compile += before.Compile
	return a, timing, err
}

// mapsBehind is the graph from what enters at a cut to the maps behind a block.
func (s subject) mapsBehind(scope *model.Scope, x *graph.Node, from, block int) *graph.Node {
	x = s.input(x, from)
	for _, b := range s.Blocks[min(from, block):block] {
		x = b.Forward(scope.At("%s", b.Name), x, zoo.Mode{})
	}
	last := s.Blocks[block]
	switch {
	case from > block: // they are what enters
		return x
	case last.Maps != nil:
		return last.Maps(scope.At("%s", last.Name), x, zoo.Mode{})
	}
	return last.Forward(scope.At("%s", last.Name), x, zoo.Mode{})
}

// logitsFrom is the graph from the maps behind a block to the logits.
func (s subject) logitsFrom(scope *model.Scope, x *graph.Node, block int) *graph.Node {
	if pool := s.Blocks[block].Pool; pool != nil {
		x = pool(x)
	}
	return s.top(scope, x, block+1)
}

// top is the graph from a cut behind the input to the logits: the blocks from there on, and the head or the original top.
func (s subject) top(scope *model.Scope, x *graph.Node, from int) *graph.Node {
	for _, b := range s.Blocks[from:] {
		x = b.Forward(scope.At("%s", b.Name), x, zoo.Mode{})
	}
	if s.model != nil {
		return headForward(scope, s.model.description.Head, x, false)
	}
	return s.Classifier.Forward(scope.At("%s", s.Classifier.Name), x, zoo.Mode{})
}

// needed are the variables of the blocks from a cut up to a block, and with logits all behind it.
func (s subject) needed(from, block int, logits bool) map[string]*value {
	if !logits {
		return ofBlocks(s.base, s.source.values, min(from, block+1), block+1)
	}
	if s.model != nil {
		return s.model.suffixValues(from)
	}
	picked := ofBlocks(s.base, s.source.values, from, len(s.Blocks))
	for _, v := range s.Classifier.Variables {
		path := "/" + s.Classifier.Name + "/" + v.Name
		picked[path] = s.source.values[path]
	}
	return picked
}
