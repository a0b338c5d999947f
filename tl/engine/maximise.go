package engine

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
)

const (
	ascentSteps = 64
	ascentBatch = 4 // images that climb at once: the graph is the same for any channels
	mostSteps   = 10_000
	largestSide = 512
)

// maximise looks for images that excite channels; see tl.Base.Maximise.
func (e *Engine) maximise(ctx context.Context, r tl.MaximiseRequest, report func(remote.Progress)) (tl.Maximised, error) {
	s, err := e.subject(ctx, r.Model)
	if err != nil {
		return tl.Maximised{}, err
	}
	defer s.release()
	m := r.Maximisation
	block, err := s.block(m.Block)
	if err == nil {
		m, err = s.complete(m, block)
	}
	if err != nil {
		return tl.Maximised{}, err
	}
	p, err := e.program(ctx, s.Name, "maximise", fmt.Sprintf("maximise %s %d", s.base.key(), block), s.excitement(block))
	if err != nil {
		return tl.Maximised{}, err
	}
	if err := p.gate.enter(ctx, p.name); err != nil {
		return tl.Maximised{}, err
	}
	defer p.gate.Unlock()
	if err := p.put(s.needed(0, block, false), func(string) bool { return true }); err != nil {
		return tl.Maximised{}, err
	}
	report(remote.Progress{Stage: fmt.Sprintf("compile the gradient of %s for its input", s.Name)})
	channels := s.channels(block)
	if _, err := p.compile(ascentShapes(m.Size, channels)...); err != nil {
		return tl.Maximised{}, err
	}
	found := tl.Maximised{Base: s.name, Block: m.Block, Channels: m.Channels, Steps: m.Steps, Seed: m.Seed, Images: tl.Tensor{Shape: []int{len(m.Channels), m.Size, m.Size, 3}}}
	clock := newClock(fmt.Sprintf("images for %s of %s", m.Block, s.name))
	batches := (len(m.Channels) + ascentBatch - 1) / ascentBatch
	for from := 0; from < len(m.Channels); from += ascentBatch {
		a := newAscent(p, m, m.Channels[from:min(from+ascentBatch, len(m.Channels))], channels)
		if err := a.climb(ctx, func() { report(clock.tick(1, batches*m.Steps, "steps/s")) }); err != nil {
			return tl.Maximised{}, err
		}
		found.Images.Data = append(found.Images.Data, a.images()...)
		found.Start, found.Reached = append(found.Start, a.start...), append(found.Reached, a.reached...)
	}
	return found, nil
}

// channels is the number of channels of a block's maps.
func (s subject) channels(block int) int {
	shape := s.Blocks[block].MapsShape()
	return shape[len(shape)-1]
}

// complete checks what is asked and puts in what zero values stand for.
func (s subject) complete(m tl.Maximisation, block int) (tl.Maximisation, error) {
	channels := s.channels(block)
	if len(m.Channels) == 0 {
		for c := range min(4, channels) {
			m.Channels = append(m.Channels, c)
		}
	}
	for _, c := range m.Channels {
		if c < 0 || c >= channels {
			return m, fmt.Errorf("channel %d of block %s: it has %d, from 0 to %d", c, m.Block, channels, channels-1)
		}
	}
	if m.Steps == 0 {
		m.Steps = ascentSteps
	}
	if m.Steps < 1 || m.Steps > mostSteps {
		return m, fmt.Errorf("%d steps: take 1 to %d, or 0 for %d", m.Steps, mostSteps, ascentSteps)
	}
	any := s.Graph == "" // the operators of an ONNX file may be made for one size
	for _, b := range s.Blocks[:block+1] {
		any = any && len(b.MapsShape()) == 3
	}
	switch {
	case !any && m.Size != 0 && m.Size != s.Size:
		return m, fmt.Errorf("a size of %d: up to block %s %s takes images of %d×%d alone, leave Size 0", m.Size, m.Block, s.Name, s.Size, s.Size)
	case !any:
		m.Size = s.Size
	case m.Size == 0:
		m.Size = sideFor(s.Size, s.Blocks[block].MapsShape()[0])
	}
	if m.Size < 16 && m.Size < s.Size || m.Size > largestSide {
		return m, fmt.Errorf("images of %d×%d pixels: take 16 to %d, or 0", m.Size, m.Size, largestSide)
	}
	return m, nil
}

// sideFor is the side of images for maps of that side in a network for images of size: the further apart two places of the maps look, the larger.
func sideFor(size, maps int) int {
	side := 128
	switch apart := size / maps; {
	case apart <= 4:
		side = 64
	case apart <= 8:
		side = 96
	}
	return min(side, size)
}

// The inputs of the graph.
const (
	ascentWaves   = iota // [n, size, size, 3]: the amplitudes
	ascentRows           // [size, size]: the waves at each row …
	ascentColumns        // … and column
	ascentScale          // [size, size]: how far an amplitude reaches
	ascentChannel        // [n, channels]: 1 for the one that is to be excited
)

func ascentShapes(side, channels int) []shapes.Shape {
	f := func(dimensions ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dimensions...) }
	return []shapes.Shape{f(ascentBatch, side, side, 3), f(side, side), f(side, side), f(side, side), f(ascentBatch, channels)}
}

// excitement is the graph from amplitudes to the channels' means over space [n], the gradient of their sum in the amplitudes, and the images.
func (s subject) excitement(block int) graphFunction {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		waves := in[ascentWaves]
		image := s.picture(waves, in)
		y := s.mapsBehind(scope, graph.MulScalar(image, 255), 0, block)
		score := graph.ReduceSum(graph.Mul(overSpace(y), in[ascentChannel]), -1)
		return []*graph.Node{score, graph.Gradient(graph.ReduceAllSum(score), waves)[0], image}
	}
}

// picture is the graph from amplitudes to images in [0, 1]: a sum of waves, colours mixed as they go together in photographs, and a sigmoid.
func (s subject) picture(waves *graph.Node, in []*graph.Node) *graph.Node {
	d := waves.Shape().Dimensions
	scaled := graph.Mul(waves, graph.Reshape(in[ascentScale], 1, d[1], d[2], 1))
	rows := graph.Einsum("yu,nuvc->nyvc", in[ascentRows], scaled)
	values := graph.Einsum("xv,nyvc->nyxc", in[ascentColumns], rows)
	return graph.Sigmoid(graph.Einsum("nyxc,dc->nyxd", values, graph.Const(waves.Graph(), colours)))
}

// ascent is a batch of images while it climbs.
type ascent struct {
	program  *program
	m        tl.Maximisation
	channels int // that climb; the others fill the batch
	scale    []float32
	wanted   []float32 // [n, channels]
	waves    *climber
	random   *rand.Rand
	plain    []float32 // the waves, neither shifted nor zoomed

	start, reached []float32
	pixels         []float32
}

func newAscent(p *program, m tl.Maximisation, wanted []int, channels int) *ascent {
	a := &ascent{program: p, m: m, channels: len(wanted), scale: reach(m.Size), wanted: make([]float32, ascentBatch*channels), plain: cosines(m.Size, 0, 1)}
	a.random = rand.New(rand.NewPCG(uint64(m.Seed), 0x61736365))
	values := make([]float32, ascentBatch*m.Size*m.Size*3)
	each := len(values) / ascentBatch
	for i := range ascentBatch {
		channel := wanted[min(i, len(wanted)-1)]
		a.wanted[i*channels+channel] = 1
		noise := rand.New(rand.NewPCG(uint64(m.Seed), uint64(channel))) // a channel's image does not depend on which others are asked for
		for j := range values[i*each : (i+1)*each] {
			values[i*each+j] = float32(noise.NormFloat64() * startNoise)
		}
	}
	a.waves = newClimber(values)
	return a
}

// climb takes all steps.
func (a *ascent) climb(ctx context.Context, tick func()) (err error) {
	if a.start, _, err = a.run(a.plain, a.plain); err != nil {
		return err
	}
	for step := range a.m.Steps {
		if err := ctx.Err(); err != nil {
			callOf(ctx).stopped("stopped at step %d of %d", step, a.m.Steps)
			return err
		}
		zoom := 1 + mostZoom*(2*a.random.Float64()-1)
		rows, columns := cosines(a.m.Size, a.shift(), zoom), cosines(a.m.Size, a.shift(), zoom)
		_, gradient, err := a.run(rows, columns)
		if err != nil {
			return err
		}
		a.waves.climb(gradient)
		tick()
	}
	a.reached, _, err = a.run(a.plain, a.plain)
	return err
}

// shift is by how many pixels the image is moved along one axis.
func (a *ascent) shift() float64 {
	return (2*a.random.Float64() - 1) * float64(a.m.Size) / 16
}

// run gives the channels' means, of those that climb, and the gradient.
func (a *ascent) run(rows, columns []float32) (scores, gradient []float32, err error) {
	side := a.m.Size
	of := func(data []float32, dimensions ...int) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(data, dimensions...)
	}
	inputs := []*tensors.Tensor{of(a.waves.values, ascentBatch, side, side, 3), of(rows, side, side), of(columns, side, side), of(a.scale, side, side),
		of(a.wanted, ascentBatch, len(a.wanted)/ascentBatch)}
	outputs, err := a.program.run(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4])
	if err != nil {
		return nil, nil, err
	}
	defer finalize(append(outputs, inputs...)...)
	if scores, err = floats(outputs[0]); err != nil {
		return nil, nil, err
	}
	if gradient, err = floats(outputs[1]); err != nil {
		return nil, nil, err
	}
	a.pixels, err = floats(outputs[2])
	return scores[:a.channels], gradient, err
}

// images are those of the last run that climb.
func (a *ascent) images() []float32 { return a.pixels[:a.channels*len(a.pixels)/ascentBatch] }
