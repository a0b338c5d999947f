package tl

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestCKAAsNumPy compares with testdata/cka.json, by numpy: fewer and more images than channels.
func TestCKAAsNumPy(t *testing.T) {
	text, err := os.ReadFile("testdata/cka.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		N, P, Q int
		X, Y    []byte
		CKA     float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 7 {
		t.Fatal(err)
	}
	tensor := func(n, channels int, raw []byte) Tensor {
		out := Tensor{Shape: []int{n, channels}, Data: make([]float32, n*channels)}
		for i := range out.Data {
			out.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return out
	}
	for _, c := range cases {
		x, y := tensor(c.N, c.P, c.X), tensor(c.N, c.Q, c.Y)
		for _, pair := range [][2]Tensor{{x, y}, {y, x}} {
			if got, err := CKA(pair[0], pair[1]); err != nil || math.Abs(got-c.CKA) > 1e-9 {
				t.Errorf("%d images, %d and %d channels: %.12f instead of %.12f, %v", c.N, c.P, c.Q, got, c.CKA, err)
			}
		}
	}
}

func normal(random *rand.Rand, n, channels int) Tensor {
	t := Tensor{Shape: []int{n, channels}, Data: make([]float32, n*channels)}
	for i := range t.Data {
		t.Data[i] = float32(random.NormFloat64())
	}
	return t
}

// TestCKAInvariants: 1 with itself, whatever the rotation, scale, shift and shape; near 0 for what has nothing to do with it; both ways of
// computing agree.
func TestCKAInvariants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{300, 4}, {20, 50}} {
		n, channels := size[0], size[1]
		x := normal(random, n, channels)
		turned := Tensor{Shape: x.Shape, Data: make([]float32, len(x.Data))}
		axis := normal(random, 1, channels).Data // a mirror image: y = x − 2·(x·a)·a, then scaled and shifted
		norm := 0.0
		for _, v := range axis {
			norm += float64(v) * float64(v)
		}
		for i := range n {
			along := 0.0
			for j, v := range x.Row(i) {
				along += float64(v) * float64(axis[j]) / norm
			}
			for j, v := range x.Row(i) {
				turned.Row(i)[j] = float32(7*(float64(v)-2*along*float64(axis[j])) + 3)
			}
		}
		for name, y := range map[string]Tensor{"itself": x, "mirrored, scaled and shifted": turned, "as a picture": {Shape: []int{n, 1, channels / 2, 2}, Data: x.Data}} {
			if got, err := CKA(x, y); err != nil || math.Abs(got-1) > 1e-6 {
				t.Errorf("%v, %s: %.9f, %v", size, name, got, err)
			}
		}
		a, b := centred(x), centred(normal(random, n, channels))
		cross, xx, yy := alignByImages(a, b)
		a, b = transposed(a), transposed(b)
		for i, pair := range [][2]float64{{cross, squares(a, b)}, {xx, squares(a, a)}, {yy, squares(b, b)}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*pair[0] {
				t.Errorf("%v, sum %d: %v by images, %v by channels", size, i, pair[0], pair[1])
			}
		}
	}
	if got, err := CKA(normal(random, 2000, 3), normal(random, 2000, 3)); err != nil || got > 0.01 {
		t.Errorf("of nothing in common: %v, %v", got, err)
	}
	few, err := CKA(normal(random, 5, 300), normal(random, 5, 300))
	if err != nil || few < 0.9 {
		t.Errorf("5 images in 300 channels of nothing in common: %v, %v; the comment says that few images lean towards 1", few, err)
	}
}

func TestCKARefuses(t *testing.T) {
	x := Tensor{Shape: []int{3, 2}, Data: []float32{1, 2, 3, 4, 5, 7}}
	nan := float32(math.NaN())
	for _, c := range []struct {
		x, y Tensor
		want string
	}{
		{x, Tensor{}, "3 rows and 0 rows; both must be representations of the same images"},
		{Tensor{}, Tensor{}, "0 rows; 2 or more are needed"},
		{Tensor{Shape: []int{1, 2}, Data: []float32{1, 2}}, Tensor{Shape: []int{1, 1}, Data: []float32{1}}, "1 rows; 2 or more"},
		{x, Tensor{Shape: []int{3, 2}, Data: []float32{1}}, "shape [3 2] does not go with 1 numbers"},
		{x, Tensor{Shape: []int{3, 1}, Data: []float32{0.1, 0.1, 0.1}}, "is the same for all 3 images"},
		{x, Tensor{Shape: []int{3, 2}, Data: []float32{1, 2, 3, 4, 5, nan}}, "a number that is not finite"},
		{Tensor{Shape: []int{3, 2}, Data: []float32{1, 2, 3, 4, 5, float32(math.Inf(1))}}, x, "a number that is not finite"},
	} {
		if got, err := CKA(c.x, c.y); err == nil || !strings.HasPrefix(err.Error(), "tl: CKA: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %v: %v, %v, without %q", c.x, c.y, got, err, c.want)
		}
	}
}

// BenchmarkCKA: the largest comparison of Drift.
func BenchmarkCKA(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	x, y := normal(random, DriftImages, 1280), normal(random, DriftImages, 1280)
	for b.Loop() {
		if _, err := CKA(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
