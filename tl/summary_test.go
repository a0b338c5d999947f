package tl

import (
	"fmt"
	"math"
	"testing"
)

// lecture is the network that the lecture counts on its slides, here on images of 64×64 with its first layer frozen.
func lecture() Summary {
	block := func(name, kernel, formula string, params int, macs int64, output ...int) Block {
		return Block{Name: name, Output: output, Kernel: kernel, Formula: formula, Params: params, MACs: macs,
			Layers: []LayerRow{{Name: "weights", Output: output, Formula: formula, Params: params, MACs: macs}, {Name: "relu", Output: output}}}
	}
	s := Summary{Name: "lecture", Input: []int{64, 64, 3}, Blocks: []Block{
		block("conv1", "3×3", "8×(3×3×3) + 8 = 224", 224, 884736, 64, 64, 8),
		block("conv2", "5×5", "16×(5×5×8) + 16 = 3,216", 3216, 3276800, 32, 32, 16),
		block("dense1", "", "4096×512 + 512 = 2,097,664", 2097664, 2097152, 512),
		block("dense2", "", "512×4 + 4 = 2,052", 2052, 2048, 4),
	}}
	s.Blocks[0].Frozen, s.Blocks[0].Buffers, s.Blocks[2].Rate = true, 16, 1.0/3000
	return s
}

func TestSummary(t *testing.T) {
	s := lecture()
	golden(t, "summary", s.String())
	golden(t, "arithmetic", s.Arithmetic())
	if s.Total() != 2103156 || s.Frozen() != 224 || s.Trainable() != 2102932 || s.Buffers() != 16 || s.MACs() != 6260736 {
		t.Errorf("%d %d %d %d %d", s.Total(), s.Frozen(), s.Trainable(), s.Buffers(), s.MACs())
	}
	s.Blocks[0].Buffers = 0
	golden(t, "summary_without_buffers", s.String())
	golden(t, "summary_empty", Summary{Name: "raw_pixels", Input: []int{32, 32, 3}}.String())
}

// TestNamesInTables: names come from folders and users; none breaks a table.
func TestNamesInTables(t *testing.T) {
	s := Summary{Name: "m\tn", Input: []int{8, 8, 1}, Blocks: []Block{{Name: "a\tb\nc\x1b[31m", Params: 1}, {Name: "Zellgröße – überall", Params: 22}}}
	golden(t, "summary_hostile", s.String())
}

func TestWithCommas(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 2103156: "2,103,156", -1: "-1", -999: "-999", -1000: "-1,000",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := WithCommas(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func ExampleSummary_Arithmetic() {
	s := Summary{Blocks: []Block{{Name: "head", Params: 2562, Layers: []LayerRow{
		{Name: "dense", Output: []int{2}, Formula: "1280×2 + 2 = 2,562", Params: 2562},
	}}}}
	fmt.Print(s.Arithmetic())
	// Output:
	// head/dense  2  1280×2 + 2 = 2,562
	// total 2,562
}
