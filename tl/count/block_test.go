package count_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"transferlab/tl/count"
)

// A residual block: what its layers compute is added to its input.
func ExampleResidual() {
	table, err := count.Network([]int{8, 8, 4},
		count.Residual("sum", []count.Layer{
			count.Conv{Filters: 4, Kernel: 3, NoBias: true}, count.BatchNorm{}, count.Activation{Name: "relu"},
			count.Conv{Filters: 4, Kernel: 3, NoBias: true}, count.BatchNorm{},
		}),
		count.Activation{Name: "relu"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	// Output:
	// input       8×8×4
	// sum         8×8×4
	//   residual  8×8×4
	//     conv    8×8×4  4 × (3×3×4) = 144
	//     bn      8×8×4  2 × 4 = 8
	//     relu    8×8×4
	//     conv_2  8×8×4  4 × (3×3×4) = 144
	//     bn_2    8×8×4  2 × 4 = 8
	//   shortcut  8×8×4
	//   add       8×8×4
	// relu        8×8×4
	// total 304
}

func TestBlocks(t *testing.T) {
	conv := func(filters int) count.Conv { return count.Conv{Filters: filters, Kernel: 1} }
	table, err := count.Network([]int{4, 4, 2},
		count.Block{Name: "stem", Layers: []count.Layer{conv(3), count.Block{Name: "inner", Layers: []count.Layer{conv(5)}}}},
		count.Parallel{Join: count.Concat, Branches: []count.Block{{Layers: []count.Layer{conv(1)}}, {}, {Name: "wide", Layers: []count.Layer{conv(7)}}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range table.Leaves() {
		paths = append(paths, r.Name)
	}
	if want := []string{"stem/conv", "stem/inner/conv", "parallel/branch1/conv", "parallel/wide/conv", "parallel/concat"}; !slices.Equal(paths, want) {
		t.Errorf("layers %v, want %v", paths, want)
	}
	stem, parallel := table.Rows[0], table.Rows[1]
	if stem.Params != 9+20 || stem.MACs != 16*(6+15) || stem.Elements != 16*8 || stem.Formula != "9 + 20 = 29" || stem.Kind != "block" {
		t.Errorf("%+v", stem)
	}
	if !slices.Equal(parallel.Output, []int{4, 4, 1 + 5 + 7}) || parallel.Params != 6+42 || parallel.Elements != 16*(1+7+13) || len(parallel.Rows) != 4 {
		t.Errorf("%+v", parallel)
	}
	if !slices.Equal(table.Output(), []int{4, 4, 13}) || table.Params() != 77 || table.Elements() != 16*29 {
		t.Errorf("%v", table)
	}
}

func TestBlocksThatDoNotFit(t *testing.T) {
	halving := []count.Layer{count.Conv{Filters: 4, Kernel: 3, Stride: 2}}
	loop := &count.Block{Name: "loop"}
	loop.Layers = []count.Layer{loop}
	cyclic := make([]count.Layer, 2)
	cyclic[0], cyclic[1] = count.Block{Layers: cyclic}, count.Residual("", cyclic)
	doubled := []count.Layer{count.Activation{}}
	for range 40 {
		doubled = []count.Layer{count.Block{Layers: doubled}, count.Block{Layers: doubled}}
	}
	for _, c := range []struct {
		what  string
		layer count.Layer
		want  string
	}{
		{"shortcut of another shape", count.Residual("sum", halving),
			`parallel "sum": branch "residual" puts out 4×4×4 and branch "shortcut" 8×8×4; add wants equal shapes`},
		{"branches of other sizes", count.Parallel{Join: count.Concat, Branches: []count.Block{{}, {Layers: halving}}}, "concat wants shapes that differ only in their channels"},
		{"branches of other ranks", count.Parallel{Join: count.Concat, Branches: []count.Block{{}, {Layers: []count.Layer{count.Flatten{}}}}}, "concat wants"},
		{"factors of other channels", count.Parallel{Join: count.Multiply, Branches: []count.Block{{}, {Layers: []count.Layer{count.GlobalPool{}, count.Dense{Units: 3}}}}},
			`branch "branch1" puts out 8×8×4 and branch "branch2" 3; multiply wants equal shapes or one number for each channel`},
		{"no branches", count.Parallel{}, "branches: 0, want at least 2"},
		{"one branch", count.Parallel{Branches: []count.Block{{}}}, "branches: 1, want at least 2"},
		{"no such join", count.Parallel{Join: 7, Branches: []count.Block{{}, {}}}, "join 7, want Add, Concat or Multiply"},
		{"inside", count.Block{Name: "a", Layers: []count.Layer{count.Block{Name: "b", Layers: []count.Layer{count.Dropout{}, count.Dense{Units: 1}}}}},
			`count: layer 1: block "a": layer 1: block "b": layer 2: dense "dense": input [8 8 4]`},
		{"nil inside", count.Block{Layers: []count.Layer{(*count.Dense)(nil)}}, "layer 1 is nil"},
		{"a block within itself", loop, "one contains itself"},
		{"blocks in a ring", cyclic[1], "one contains itself"},
		{"layers without end", count.Block{Layers: doubled}, "more than 100000 layers"},
	} {
		_, err := count.Network([]int{8, 8, 4}, c.layer)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.what, err, c.want)
		}
	}
	if _, err := (count.Block{}).Count(nil); err == nil {
		t.Error("a block takes an input without axes")
	}
	if _, err := (count.Parallel{Branches: []count.Block{{}, {}}}).Count([]int{-1}); err == nil {
		t.Error("branches take a negative input")
	}
}

func TestFreeze(t *testing.T) {
	base := count.VGG16(2)
	base.Layers = slices.Clone(base.Layers)
	for i := range 5 {
		block := base.Layers[i].(count.Block)
		block.Frozen = true
		base.Layers[i] = block
	}
	frozen := counted(t, base)
	if frozen.Frozen() != 14_714_688 || frozen.Trainable() != 134_268_738-14_714_688 {
		t.Errorf("%d frozen, %d trainable", frozen.Frozen(), frozen.Trainable())
	}
	whole := counted(t, count.VGG16(2))
	later, err := whole.Freeze("block1", "block2", "block3", "block4", "block5")
	if err != nil || later.Frozen() != frozen.Frozen() || whole.Frozen() != 0 {
		t.Errorf("%d frozen later, %d in the original, error %v", later.Frozen(), whole.Frozen(), err)
	}
	one, err := whole.Freeze("block2/conv1")
	if err != nil || one.Frozen() != 128*(9*64)+128 || one.Rows[1].Frozen != one.Frozen() || one.Rows[1].Rows[0].Trainable() != 0 || whole.Rows[1].Rows[0].Frozen != 0 {
		t.Errorf("%d frozen, error %v", one.Frozen(), err)
	}
	for path, want := range map[string]string{
		"block9": `count: freeze "block9": no layer "block9" in the network (have block1, block2`, "block1/conv9": `no layer "conv9" in block1 (have conv1, relu1`,
		"top/fc1/kernel": "nothing stands in top/fc1", "": `no layer ""`,
	} {
		if _, err := whole.Freeze("block1", path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", path, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	table := counted(t, count.ResNet18(1000))
	held := table.Tensors()
	if len(held) != 20+20*4+2 {
		t.Errorf("%d tensors", len(held))
	}
	sum := 0
	for _, tensor := range held {
		n := 1
		for _, length := range tensor.Shape {
			n *= length
		}
		sum += n
	}
	if sum != 11_689_512+9_600 {
		t.Errorf("the tensors have %d numbers", sum)
	}
	slices.Reverse(held) // the order is not compared
	if err := table.Check(held); err != nil {
		t.Error(err)
	}
	change := func(edit func(*count.Tensor)) []count.Tensor {
		changed := slices.Clone(held)
		edit(&changed[0])
		return changed
	}
	for want, held := range map[string][]count.Tensor{
		"wants top/classifier/bias [1000], which is not held":           held[1:],
		"top/classifier/bias is [1000] by the arithmetic and held as [": change(func(c *count.Tensor) { c.Shape = []int{2} }),
		"is a parameter by the arithmetic and held as a buffer":         change(func(c *count.Tensor) { c.Buffer = true }),
		"top/extra [7] is held, which the arithmetic does not know":     append(slices.Clone(held), count.Tensor{Name: "top/extra", Shape: []int{7}}),
		"two tensors are called":                                        append(slices.Clone(held), held[0]),
	} {
		if err := table.Check(held); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestNetworkOfAReader is EfficientNet-B0 (Tan & Le 2019), written with what the package exports: torchvision counts 5,288,548 parameters and
// 0.386e9 operations.
func TestNetworkOfAReader(t *testing.T) {
	conv := func(filters, kernel, stride int) []count.Layer {
		return []count.Layer{count.Conv{Filters: filters, Kernel: kernel, Stride: stride, NoBias: true}, count.BatchNorm{}}
	}
	layers := append(conv(32, 3, 2), count.Activation{Name: "swish"})
	in := 32
	for _, s := range []struct{ expand, out, repeats, stride, kernel int }{{1, 16, 1, 1, 3}, {6, 24, 2, 2, 3}, {6, 40, 2, 2, 5}, {6, 80, 3, 2, 3},
		{6, 112, 3, 1, 5}, {6, 192, 4, 2, 5}, {6, 320, 1, 1, 3}} {
		for i := range s.repeats {
			if i > 0 {
				s.stride = 1
			}
			var body []count.Layer
			if s.expand > 1 {
				body = append(conv(in*s.expand, 1, 1), count.Activation{Name: "swish"})
			}
			squeeze := count.Block{Name: "squeeze", Layers: []count.Layer{count.GlobalPool{}, count.Dense{Units: max(1, in/4)}, count.Activation{Name: "swish"},
				count.Dense{Units: in * s.expand}, count.Activation{Name: "sigmoid"}}}
			body = append(body, count.Conv{Depthwise: true, Kernel: s.kernel, Stride: s.stride, NoBias: true}, count.BatchNorm{}, count.Activation{Name: "swish"},
				count.Parallel{Name: "excitation", Join: count.Multiply, Branches: []count.Block{{}, squeeze}})
			body = append(body, conv(s.out, 1, 1)...)
			if s.stride == 1 && in == s.out {
				layers = append(layers, count.Residual("mbconv", body))
			} else {
				layers = append(layers, count.Block{Name: "mbconv", Layers: body})
			}
			in = s.out
		}
	}
	layers = append(append(layers, conv(1280, 1, 1)...), count.GlobalPool{}, count.Dense{Units: 1000})
	table, err := count.Network([]int{224, 224, 3}, layers...)
	if err != nil {
		t.Fatal(err)
	}
	if table.Params() != 5_288_548 || table.MACs() < 385.5e6 || table.MACs() > 386.5e6 {
		t.Errorf("%d parameters, %d multiply-accumulates", table.Params(), table.MACs())
	}
}
