package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

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
	// of images
	smallestSide, largestSide = 16, 512
)

// maximise looks for images that excite channels; see tl.Base.Maximise.
func (e *Engine) maximise(ctx context.Context, r tl.MaximiseRequest, report func(remote.Progress)) (tl.Maximised, error) {
	s, err := e.subject(ctx, r.Model)
	if err != nil {
		return tl.Maximised{}, err
	}
	defer s.release()
	m := r.Maximisation
	var f frame
	block, err := s.block(m.Block)
	if err == nil {
		m, f, err = s.complete(m, block)
	}
	if err != nil {
		return tl.Maximised{}, err
	}
	p, err := e.program(ctx, s.Name, "maximise", fmt.Sprintf("maximise %s %d %v", s.base.key(), block, f.drop > 0), s.excitement(block, f.drop))
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
	if _, err := p.compile(ascentShapes(f.side, channels)...); err != nil {
		return tl.Maximised{}, err
	}
	found := tl.Maximised{Base: s.name, Block: m.Block, Channels: m.Channels, Steps: m.Steps, Seed: m.Seed, Images: tl.Tensor{Shape: []int{len(m.Channels), m.Size, m.Size, 3}}}
	clock := newClock(fmt.Sprintf("images for %s of %s", m.Block, s.name))
	batches := (len(m.Channels) + ascentBatch - 1) / ascentBatch
	for from := 0; from < len(m.Channels); from += ascentBatch {
		a := newAscent(p, m, f, m.Channels[from:min(from+ascentBatch, len(m.Channels))], channels)
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

// frame is how much larger the image is in which the one that is asked for is looked for.
type frame struct {
	side int // of the larger image
	drop int // places of the maps on each side that do not count, since they see the zeros around the image
	// fixed says that the network takes images of its own size alone.
	fixed bool
}

// complete checks what is asked and puts in what zero values stand for.
func (s subject) complete(m tl.Maximisation, block int) (tl.Maximisation, frame, error) {
	channels := s.channels(block)
	if len(m.Channels) == 0 {
		for c := range min(4, channels) {
			m.Channels = append(m.Channels, c)
		}
	}
	for _, c := range m.Channels {
		if c < 0 || c >= channels {
			return m, frame{}, fmt.Errorf("channel %d of block %s: it has %d, from 0 to %d", c, m.Block, channels, channels-1)
		}
	}
	if m.Steps == 0 {
		m.Steps = ascentSteps
	}
	if m.Steps < 1 || m.Steps > mostSteps {
		return m, frame{}, fmt.Errorf("%d steps: take 1 to %d, or 0 for %d", m.Steps, mostSteps, ascentSteps)
	}
	var f frame
	m.Size, f = s.frameFor(m.Size, block)
	switch {
	case f.fixed && m.Size != s.Size:
		return m, f, fmt.Errorf("a size of %d: up to block %s %s takes images of %d×%d alone, leave Size 0", m.Size, m.Block, s.Name, s.Size, s.Size)
	case m.Size < min(smallestSide, s.Size) || m.Size > largestSide:
		return m, f, fmt.Errorf("images of %d×%d pixels: take %d to %d, or 0", m.Size, m.Size, min(smallestSide, s.Size), largestSide)
	}
	if most := mostNumbers / (4 * 3 * m.Size * m.Size); len(m.Channels) > most {
		return m, f, fmt.Errorf("images of %d×%d pixels for %d channels are more than are given: take %d channels or fewer", m.Size, m.Size, len(m.Channels), most)
	}
	return m, f, nil
}

// frameFor is the size of images, where it is 0, and the frame to look for them in. The further apart two places of the maps look, the larger is the
// image; where they look near each other, places at the border do not count and are cut off.
func (s subject) frameFor(size, block int) (int, frame) {
	convolutional := s.Graph == "" // the operators of an ONNX file may be made for one size
	for _, b := range s.Blocks[:block+1] {
		convolutional = convolutional && len(b.MapsShape()) == 3
	}
	if !convolutional {
		if size == 0 {
			size = s.Size
		}
		return size, frame{side: s.Size, fixed: true}
	}
	apart := max(s.Size/s.Blocks[block].MapsShape()[0], 1)
	if size == 0 {
		size = 128
		switch {
		case apart <= 4:
			size = 64
		case apart <= 8:
			size = 96
		}
		size = min(size, s.Size)
	}
	if apart > 8 {
		return size, frame{side: size}
	}
	const drop = 2
	return size, frame{side: size + 2*(drop*apart+size/shiftShare), drop: drop}
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

// excitement is the graph from amplitudes to the strength of the channels [n], the gradient of its square in the amplitudes, and the images. Strong places
// count more than many weak ones: the mean is over squares, with their sign, as in DeepDream (Mordvintsev et al. 2015).
func (s subject) excitement(block, drop int) graphFunction {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		waves := in[ascentWaves]
		image := s.picture(waves, in)
		y := inner(s.mapsBehind(scope, graph.MulScalar(image, 255), 0, block), drop)
		squares := graph.ReduceSum(graph.Mul(overSpace(graph.Mul(y, graph.Abs(y))), in[ascentChannel]), -1)
		strength := graph.Mul(graph.Sign(squares), graph.Sqrt(graph.Abs(squares)))
		return []*graph.Node{strength, graph.Gradient(graph.ReduceAllSum(squares), waves)[0], image}
	}
}

// inner cuts off so many places on each side of maps.
func inner(y *graph.Node, drop int) *graph.Node {
	if drop == 0 {
		return y
	}
	h, w := y.Shape().Dimensions[1], y.Shape().Dimensions[2]
	return graph.Slice(y, graph.AxisRange(), graph.AxisRange(drop, h-drop), graph.AxisRange(drop, w-drop), graph.AxisRange())
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
	side     int // of the frame
	channels int // that climb; the others fill the batch
	scale    []float32
	wanted   []float32 // [n, channels]
	waves    *climber
	random   *rand.Rand
	plain    []float32 // the waves, neither shifted nor zoomed

	start, reached []float32
	pixels         []float32
}

func newAscent(p *program, m tl.Maximisation, f frame, wanted []int, channels int) *ascent {
	a := &ascent{program: p, m: m, side: f.side, channels: len(wanted), scale: reach(f.side), wanted: make([]float32, ascentBatch*channels), plain: cosines(f.side, 0, 1)}
	a.random = rand.New(rand.NewPCG(uint64(m.Seed), 0x61736365))
	values := make([]float32, ascentBatch*f.side*f.side*3)
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
	if err := a.wake(); err != nil {
		return err
	}
	for step := range a.m.Steps {
		if err := ctx.Err(); err != nil {
			callOf(ctx).stopped("stopped at step %d of %d", step, a.m.Steps)
			return err
		}
		zoom := 1 + mostZoom*(2*a.random.Float64()-1)
		rows, columns := cosines(a.side, a.shift(), zoom), cosines(a.side, a.shift(), zoom)
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

// wake makes the noise of an image stronger until its channel has a gradient: behind a relu, faint noise may excite nothing anywhere. What stays asleep
// stays noise.
func (a *ascent) wake() error {
	const tries, times = 5, 4
	for try := 0; ; try++ {
		var gradient []float32
		var err error
		if a.start, gradient, err = a.run(a.plain, a.plain); err != nil || try == tries {
			return err
		}
		each, asleep := len(gradient)/ascentBatch, false
		for i := range ascentBatch {
			if slices.ContainsFunc(gradient[i*each:(i+1)*each], func(g float32) bool { return g != 0 }) {
				continue
			}
			asleep = true
			for j := range each {
				a.waves.values[i*each+j] *= times
			}
		}
		if !asleep {
			return nil
		}
	}
}

// shift is by how many pixels the image is moved along one axis.
func (a *ascent) shift() float64 {
	return (2*a.random.Float64() - 1) * float64(a.m.Size) / shiftShare
}

// run gives the strengths of the channels that climb, and the gradient.
func (a *ascent) run(rows, columns []float32) (scores, gradient []float32, err error) {
	side := a.side
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

// images are the middles of those of the last run that climb.
func (a *ascent) images() []float32 {
	edge, each := (a.side-a.m.Size)/2, 3*a.side*a.side
	out := make([]float32, 0, a.channels*3*a.m.Size*a.m.Size)
	for i := range a.channels {
		for y := range a.m.Size {
			from := i*each + 3*((edge+y)*a.side+edge)
			out = append(out, a.pixels[from:from+3*a.m.Size]...)
		}
	}
	return out
}
