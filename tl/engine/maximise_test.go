package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"transferlab/tl"
)

// TestMaximise: every image excites its channel more than the noise does, is the same for a seed whichever channels are asked for with it, and is another
// for another seed. Another channel compiles nothing.
func TestMaximise(t *testing.T) {
	ownCache(t)
	base := small("attributed")
	asked := tl.Maximisation{Block: "two", Channels: []int{0, 3, 5, 6, 7}, Steps: 24, Seed: 4}
	m := must[tl.Maximised](t)(base.MaximiseAs(quiet(), asked))
	if !slices.Equal(m.Images.Shape, []int{5, 32, 32, 3}) || m.Steps != 24 || m.Block != "two" || m.Base != "attributed" {
		t.Fatalf("%v, %d steps, %s of %s", m.Images.Shape, m.Steps, m.Block, m.Base)
	}
	for i, channel := range m.Channels {
		if !(m.Reached[i] > m.Start[i]) {
			t.Errorf("channel %d: from %g to %g", channel, m.Start[i], m.Reached[i])
		}
	}
	for i, v := range m.Images.Data {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("value %d is %g", i, v)
		}
	}
	before := registeredEngine.compiled.Load()
	asked.Channels = []int{5}
	alone := must[tl.Maximised](t)(base.MaximiseAs(quiet(), asked))
	near(t, "channel 5 alone", alone.Images.Data, m.Images.Row(2), 1e-5)
	asked.Seed = 5
	if other := must[tl.Maximised](t)(base.MaximiseAs(quiet(), asked)); slices.Equal(other.Images.Data, alone.Images.Data) {
		t.Error("another seed gives the same image")
	}
	if now := registeredEngine.compiled.Load(); now != before {
		t.Errorf("another channel and seed compiled %d graphs", now-before)
	}
	asked.Block, asked.Size, asked.Steps = "one", 22, 1 // its frame is as large as the network's input, by chance
	if any := must[tl.Maximised](t)(base.MaximiseAs(quiet(), asked)); !slices.Equal(any.Images.Shape, []int{1, 22, 22, 3}) {
		t.Errorf("images of shape %v", any.Images.Shape)
	}
	if few := must[tl.Maximised](t)(base.MaximiseAs(quiet(), tl.Maximisation{Block: "three", Steps: 4})); !slices.Equal(few.Channels, []int{0, 1, 2, 3}) {
		t.Errorf("no channels are %v", few.Channels)
	}
}

// TestMaximiseThroughDense: where a network takes images of one size alone, the image has it, and a unit without space can be excited.
func TestMaximiseThroughDense(t *testing.T) {
	ownCache(t)
	base := tl.Sequence("dense", []int{16, 16, 3}, tl.Named("conv", tl.Conv(4, 3)), tl.Named("dense", tl.Flatten(), tl.Dense(6)))
	m := must[tl.Maximised](t)(base.Maximise(quiet(), "dense", 5, 1))
	if !slices.Equal(m.Images.Shape, []int{2, 16, 16, 3}) || !(m.Reached[0] > m.Start[0]) || !(m.Reached[1] > m.Start[1]) {
		t.Errorf("%v: from %v to %v", m.Images.Shape, m.Start, m.Reached)
	}
}

// TestWaves: the waves are orthonormal, and shifted by a pixel they give what they gave a pixel further on.
func TestWaves(t *testing.T) {
	const side = 12
	c, shifted := cosines(side, 0, 1), cosines(side, 1, 1)
	for u := range side {
		for v := range side {
			sum := 0.0
			for i := range side {
				sum += float64(c[i*side+u]) * float64(c[i*side+v])
			}
			if want := map[bool]float64{true: 1}[u == v]; math.Abs(sum-want) > 1e-5 {
				t.Errorf("waves %d and %d: %g", u, v, sum)
			}
		}
		for i := range side - 1 {
			if math.Abs(float64(shifted[i*side+u]-c[(i+1)*side+u])) > 1e-5 {
				t.Errorf("wave %d at %d, shifted: %g, want %g", u, i, shifted[i*side+u], c[(i+1)*side+u])
			}
		}
	}
	if r := reach(side); r[0] != r[1] || r[1] != r[2] || !(r[2] > r[3]) || r[3] != r[3*side] {
		t.Errorf("reach of slow waves: %v", r[:4])
	}
}

// TestClimber: Adam's steps are of the rate's size in the direction of the gradient, whatever its size.
func TestClimber(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	c := newClimber(make([]float32, 50))
	gradient := make([]float32, 50)
	for i := range gradient {
		gradient[i] = float32(random.NormFloat64() * math.Pow(10, float64(i%6-3)))
	}
	for range 3 {
		c.climb(gradient)
	}
	for i, v := range c.values {
		if want := 3 * ascentRate * math.Copysign(1, float64(gradient[i])); math.Abs(float64(v)-want) > 1e-3 {
			t.Errorf("after three steps along %g: %g, want %g", gradient[i], v, want)
		}
	}
}
