package zoo

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"transferlab/tl"
)

// Initial are random weights for the blocks, without the classifier: the same for the same seed and names, whatever else the network has.
// Convolutions are normal with variance 2/inputs, cut at two deviations (He et al. 2015, arXiv:1502.01852; Keras's he_normal), dense layers
// uniform up to √(6/(inputs + outputs)) (Glorot & Bengio 2010; Keras's glorot_uniform), batch norms 1 and 0, averages those of a mean of 0
// and a variance of 1, biases 0.
func (n Network) Initial(seed int64) Weights {
	w := Weights{Tensors: map[string]tl.Tensor{}}
	for _, b := range n.Blocks {
		for _, v := range b.Variables {
			name := b.Name + "/" + v.Name
			w.Tensors[name] = initial(v, name, seed)
		}
	}
	return w
}

func initial(v Variable, name string, seed int64) tl.Tensor {
	size, inputs := 1, 1
	for i, d := range v.Shape {
		size *= d
		if i < len(v.Shape)-1 {
			inputs *= d
		}
	}
	t := tl.Tensor{Shape: v.Shape, Data: make([]float32, size)}
	switch {
	case v.Kernel:
		hash := fnv.New64a()
		hash.Write([]byte(name))
		draw := heNormal(inputs)
		if len(v.Shape) == 2 {
			draw = glorot(inputs, v.Shape[1])
		}
		random := rand.New(rand.NewPCG(uint64(seed), hash.Sum64()))
		for i := range t.Data {
			t.Data[i] = draw(random)
		}
	case strings.HasSuffix(name, "/scale") || strings.HasSuffix(name, "/variance"):
		for i := range t.Data {
			t.Data[i] = 1
		}
	}
	return t
}

// cutNormal is the deviation of a standard normal that is cut at two deviations.
const cutNormal = 0.87962566103423978

func heNormal(inputs int) func(*rand.Rand) float32 {
	deviation := math.Sqrt(2/float64(inputs)) / cutNormal
	return func(random *rand.Rand) float32 {
		for {
			if z := random.NormFloat64(); math.Abs(z) <= 2 {
				return float32(deviation * z)
			}
		}
	}
}

func glorot(inputs, outputs int) func(*rand.Rand) float32 {
	bound := math.Sqrt(6 / float64(inputs+outputs))
	return func(random *rand.Rand) float32 { return float32((2*random.Float64() - 1) * bound) }
}
