package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// grey is the value of the patch's pixels.
const grey = 128

// occluder runs a network over images with and without a patch on them.
type occluder struct {
	subject
	question
	program *program
	pixels  activations
	places  []int // where the patch begins, along either axis
}

// occlude draws the maps of Zeiler & Fergus 2014, section 4.2: the drop of the class's probability, for each pixel the mean over the patches that
// cover it.
func (e *Engine) occlude(ctx context.Context, s subject, q question, report func(remote.Progress)) (heat, error) {
	pixels, timing, err := e.activations(ctx, s.source, 0, q.data, 0, report)
	if err != nil {
		return heat{}, err
	}
	p, err := e.program(ctx, s.Name, "occlusion", "whole "+s.key(), func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		return []*graph.Node{s.top(scope, s.input(in[0], 0), 0)}
	})
	if err != nil {
		return heat{}, err
	}
	if err := p.gate.enter(ctx, p.name); err != nil {
		return heat{}, err
	}
	defer p.gate.Unlock()
	if err := p.put(s.needed(0, 0, true), func(string) bool { return true }); err != nil {
		return heat{}, err
	}
	report(remote.Progress{Stage: "compile " + s.Name})
	compiled, err := p.compile(shapes.Make(dtypes.Uint8, prefixBatch, s.Size, s.Size, 3))
	if err != nil {
		return heat{}, err
	}
	timing.Compile += compiled
	o := occluder{subject: s, question: q, program: p, pixels: pixels, places: placesOf(s.Size, q.Patch, q.Stride)}
	found, err := o.draw(ctx, report)
	found.timing = timing
	return found, err
}

// placesOf are the places of a patch along an axis: every stride pixels, and the last one at the edge.
func placesOf(side, patch, stride int) (places []int) {
	for at := 0; at < side-patch; at += stride {
		places = append(places, at)
	}
	return append(places, side-patch)
}

// draw runs the plain images, then those with the patch, in full batches across images.
func (o *occluder) draw(ctx context.Context, report func(remote.Progress)) (heat, error) {
	n, each := len(o.wanted), len(o.places)*len(o.places)
	clock := newClock("images under a patch, for " + o.subject.name)
	total := n * (each + 1)
	tick := func(done int) { report(clock.tick(done, total, "images/s")) }
	found := heat{logits: tl.Tensor{Shape: []int{n, len(o.classes)}}, maps: tl.Tensor{Shape: []int{n, o.Size, o.Size}, Data: make([]float32, n*o.Size*o.Size)}}
	take := func(_ int, logits []float32) { found.logits.Data = append(found.logits.Data, logits...) }
	if err := o.run(ctx, n, func(i int) (image, place int) { return i, -1 }, take, tick); err != nil {
		return heat{}, err
	}
	before := answer(found.logits, o.classes)
	for i := range n {
		class := int(o.wanted[i])
		if class < 0 {
			class = before.Class[i]
		}
		found.class = append(found.class, class)
	}
	// One image's drops are kept at a time: with small strides there are 50,000 places, each with the logits of 1,000 classes.
	drops, after := make([]float32, each), make([]float32, len(o.classes))
	take = func(i int, logits []float32) {
		image, place := i/each, i%each
		probabilitiesOf(logits, after)
		drops[place] = before.Probabilities.Row(image)[found.class[image]] - after[found.class[image]]
		if place == each-1 {
			o.spread(drops, found.maps.Row(image))
		}
	}
	return found, o.run(ctx, n*each, func(i int) (image, place int) { return i / each, i % each }, take, tick)
}

// spread gives each pixel the mean over the patches that cover it.
func (o *occluder) spread(drops, dst []float32) {
	counts := make([]float32, len(dst))
	for place, drop := range drops {
		top, left := o.places[place/len(o.places)], o.places[place%len(o.places)]
		for y := top; y < top+o.Patch; y++ {
			for x := left; x < left+o.Patch; x++ {
				dst[y*o.Size+x] += drop
				counts[y*o.Size+x]++
			}
		}
	}
	for i := range dst {
		dst[i] /= counts[i]
	}
}

// run runs n variants of images: which image, and where the patch is, −1 for nowhere. take is given the logits of each, in order.
func (o *occluder) run(ctx context.Context, n int, variant func(i int) (image, place int), take func(i int, logits []float32), tick func(done int)) error {
	for from := 0; from < n; from += prefixBatch {
		if err := ctx.Err(); err != nil {
			callOf(ctx).stopped("stopped at %s of %s images with a patch", tl.WithCommas(int64(from)), tl.WithCommas(int64(n)))
			return err
		}
		images, places := make([]int, prefixBatch), make([]int, prefixBatch)
		for i := range images {
			images[i], places[i] = variant(min(from+i, n-1)) // the last batch is filled with its last row
		}
		x, err := rowsTensor(dtypes.Uint8, []int{prefixBatch, o.Size, o.Size, 3}, func(dst []byte) error {
			if err := gather([]activations{o.pixels}, make([]int, len(images)), images, dst); err != nil {
				return err
			}
			for i, row := range slices.Collect(slices.Chunk(dst, o.Size*o.Size*3)) {
				o.cover(row, places[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
		outputs, err := o.program.run(x)
		if err != nil {
			return err
		}
		logits, err := floats(outputs[0])
		if err != nil {
			return err
		}
		if len(logits) != prefixBatch*len(o.classes) {
			return fmt.Errorf("engine: %d logits for %d images of %d classes", len(logits), prefixBatch, len(o.classes))
		}
		here := min(prefixBatch, n-from)
		for i := range here {
			take(from+i, logits[i*len(o.classes):(i+1)*len(o.classes)])
		}
		finalize(append(outputs, x)...)
		tick(here)
	}
	return nil
}

// cover lays the patch on an image [size, size, 3].
func (o *occluder) cover(pixels []byte, place int) {
	if place < 0 {
		return
	}
	top, left := o.places[place/len(o.places)], o.places[place%len(o.places)]
	for y := top; y < top+o.Patch; y++ {
		row := pixels[3*(y*o.Size+left) : 3*(y*o.Size+left+o.Patch)]
		for i := range row {
			row[i] = grey
		}
	}
}
