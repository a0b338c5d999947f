package count

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Optimizer is what an optimizer remembers between two steps: its number is that of the numbers it keeps for each parameter that it moves.
type Optimizer int

const (
	// SGD remembers nothing.
	SGD Optimizer = iota
	// Momentum remembers one, the velocity.
	Momentum
	// Adam remembers two, the means of the gradient and of its square (Kingma & Ba 2014). So does AdamW.
	Adam
)

func (o Optimizer) String() string {
	switch o {
	case SGD:
		return "SGD"
	case Momentum:
		return "SGD with momentum"
	case Adam:
		return "Adam"
	}
	return fmt.Sprintf("Optimizer(%d)", int(o))
}

// Memory is an estimate, in bytes, of what a training step holds at its fullest. All numbers are float32.
//
// It counts the numbers that the arithmetic of training needs. It leaves out what depends on the program: the workspace of convolutions, the
// code of compiled graphs, what a compiler saves by not keeping an activation (a relu may overwrite its input) or by computing it again, what an
// allocator loses between its pieces, the images that wait in line, and the program itself. So it keeps more activations than PyTorch does:
// 1.5 to 1.75 times as many for VGG16 and ResNets, whose relus overwrite their input, 1.01 times for MobileNetV2 (saved_test.go). Sums
// beyond 63 bits are the largest int64.
type Memory struct {
	Weights     int64 `json:"weights"`     // parameters and buffers
	Gradients   int64 `json:"gradients"`   // one number for each trainable parameter
	Optimizer   int64 `json:"optimizer"`   // what the optimizer remembers
	Activations int64 `json:"activations"` // what the layers wrote and the way back needs: from the first trainable layer on, its input included
	Passing     int64 `json:"passing"`     // input and output of one layer, where they are largest: the way forward below, and the gradients on the way back
}

// Total is the sum of all.
func (m Memory) Total() int64 {
	return saturated(m.Weights, m.Gradients, m.Optimizer, m.Activations, m.Passing)
}

// String is the sum and its terms.
func (m Memory) String() string {
	return fmt.Sprintf("%s = %s weights + %s gradients + %s optimizer + %s activations + %s passing between layers", BytesText(m.Total()), BytesText(m.Weights),
		BytesText(m.Gradients), BytesText(m.Optimizer), BytesText(m.Activations), BytesText(m.Passing))
}

// Memory estimates what training takes with batches of so many images. What is frozen below the first trainable layer keeps no activations,
// and where all is frozen this is what a prediction takes.
func (t Table) Memory(batch int, o Optimizer) (Memory, error) {
	if batch < 1 {
		return Memory{}, fmt.Errorf("count: memory: batch of %d images, want at least 1", batch)
	}
	if o < SGD || o > Adam {
		return Memory{}, fmt.Errorf("count: memory: optimizer %d, want SGD, Momentum or Adam", int(o))
	}
	kept, passing, training := int64(0), int64(0), false
	for _, r := range t.Leaves() {
		read := elementsOf(r.Input)
		if r.Trainable() > 0 && !training {
			training, kept = true, read
		}
		if training {
			kept = saturated(kept, r.Elements)
		}
		if r.Elements > 0 {
			passing = max(passing, saturated(read, r.Elements))
		}
	}
	trainable := int64(t.Trainable())
	return Memory{Weights: t.WeightBytes(), Gradients: times(4, trainable), Optimizer: times(4*int64(o), trainable),
		Activations: times(times(4, int64(batch)), kept), Passing: times(times(4, int64(batch)), passing)}, nil
}

// WeightBytes is what parameters and buffers take as float32.
func (t Table) WeightBytes() int64 { return times(4, saturated(int64(t.Params()), int64(t.Buffers()))) }

// ActivationBytes is what all layers write for so many images, as float32.
func (t Table) ActivationBytes(batch int) int64 { return times(times(4, int64(batch)), t.Elements()) }

// elementsOf is the number of numbers in a shape.
func elementsOf(shape []int) int64 {
	n, err := product(shape...)
	if err != nil {
		return math.MaxInt64
	}
	return int64(n)
}

// times multiplies numbers that are not negative; beyond 63 bits it is the largest int64.
func times(a, b int64) int64 {
	high, low := bits.Mul64(uint64(max(a, 0)), uint64(max(b, 0)))
	if high != 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(low)
}

// saturated adds numbers that are not negative; beyond 63 bits it is the largest int64.
func saturated(numbers ...int64) int64 {
	total := int64(0)
	for _, n := range numbers {
		if total += n; total < 0 {
			return math.MaxInt64
		}
	}
	return total
}

// BytesText writes a number of bytes with three figures, in powers of 1,000.
func BytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		v /= 1000
		switch {
		case v < 9.995:
			return fmt.Sprintf("%.2f %s", v, unit)
		case v < 99.95:
			return fmt.Sprintf("%.1f %s", v, unit)
		case v < 999.5:
			return fmt.Sprintf("%.0f %s", v, unit)
		}
	}
	return fmt.Sprintf("%.1f TB", v/1000)
}

// grouped writes n in groups of three digits.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return sign + out.String()
}
