package zoo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"transferlab/tl"
	"transferlab/tl/weights"
)

// seededNoise, seededTensor, seededPixels and wave are those of testdata/seeded.py.
func seededNoise(name string, count int) []float32 {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	seed := hash.Sum32()
	values := make([]float32, count)
	for i := range values {
		x := uint32(i)*0x9E3779B9 + seed
		x = (x ^ x>>16) * 0x7FEB352D
		x = (x ^ x>>15) * 0x846CA68B
		x ^= x >> 16
		values[i] = float32(float64(int32(x)) / (1 << 31))
	}
	return values
}

func seededTensor(name, kind string, shape []int, inputs int) tl.Tensor {
	size := 1
	for _, d := range shape {
		size *= d
	}
	t := tl.Tensor{Shape: shape, Data: seededNoise(name, size)}
	for i, u := range t.Data {
		v := float64(u)
		switch kind {
		case "kernel":
			v *= math.Sqrt(6 / float64(inputs))
		case "scale":
			v = 0.8 + 0.2*v
		case "variance":
			v = 1 + 0.3*v
		default:
			v *= 0.1
		}
		t.Data[i] = float32(v)
	}
	return t
}

func seededPixels(images, size int) []uint8 {
	values := make([]uint8, images*size*size*3)
	for i, u := range seededNoise("pixels", len(values)) {
		values[i] = uint8((float64(u) + 1) * 128)
	}
	return values
}

func wave(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	return values
}

// inFile is a variable's name and shape in a file of that naming.
func (names naming) inFile(b Block, v Variable) (name, kind string, shape []int, inputs int) {
	_, kind = splitLast(v.Name)
	shape, inputs = slices.Clone(v.Shape), 1
	for _, d := range v.Shape[:len(v.Shape)-1] {
		inputs *= d
	}
	if s := v.Shape; names.turned && len(s) == 4 {
		shape = []int{s[3], s[2], s[0], s[1]}
	} else if names.turned && len(s) == 2 {
		shape = []int{s[1], s[0]}
	}
	return names.name(b.Name, v.Name), kind, shape, inputs
}

// seededFile is a file of seeded weights as that publisher would write one.
func seededFile(n Network, names naming) weights.Tensors {
	file := weights.Tensors{Tensors: map[string]tl.Tensor{}}
	for _, b := range n.All() {
		for _, v := range b.Variables {
			name, kind, shape, inputs := names.inFile(b, v)
			file.Names = append(file.Names, name)
			file.Tensors[name] = seededTensor(name, kind, shape, inputs)
		}
	}
	return file
}

// seeded is the network with seeded weights, which came out of such a file.
func seeded(t testing.TB, name, by string) (Network, Weights) {
	t.Helper()
	n, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(n.namings, func(names naming) bool { return names.by == by })
	if at < 0 {
		t.Fatalf("%s has no names of %s", name, by)
	}
	n.Classifier = Block{} // half of a network's weights may be there
	n, w, report, err := n.Match(seededFile(n, n.namings[at]))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if report.Names != by || len(report.Initial) > 0 || len(report.Skipped) > 0 {
		t.Errorf("%s: names of %s, %d initial, %d skipped", name, report.Names, len(report.Initial), len(report.Skipped))
	}
	return n, w
}

// namesOf is the hash of parity_torch.py and parity_keras.py over names and shapes.
func namesOf(n Network, names naming) string {
	var lines []string
	for _, b := range n.All() {
		for _, v := range b.Variables {
			name, _, shape, _ := names.inFile(b, v)
			text := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
			if len(shape) == 1 {
				text += ","
			}
			lines = append(lines, fmt.Sprintf("%s (%s)", name, text))
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}
