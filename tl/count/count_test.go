package count_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"transferlab/tl/count"
)

// The lecture's network, a small convolutional network for images of 32×32 in colour and four classes.
func ExampleNetwork() {
	table, err := count.Network([]int{32, 32, 3},
		count.Conv{Name: "conv1", Filters: 8, Kernel: 3},
		count.Conv{Name: "conv2", Filters: 16, Kernel: 5, Stride: 2},
		count.Flatten{},
		count.Dense{Name: "hidden", Units: 512},
		count.Dense{Name: "classes", Units: 4},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	fmt.Println(table.Sum())
	// Output:
	// input    32×32×3
	// conv1    32×32×8   8 × (3×3×3) + 8 = 224
	// conv2    16×16×16  16 × (5×5×8) + 16 = 3216
	// flatten  4096
	// hidden   512       512 × 4096 + 512 = 2097664
	// classes  4         4 × 512 + 4 = 2052
	// total 2103156
	// 224 + 3216 + 2097664 + 2052 = 2103156
}

func TestLayers(t *testing.T) {
	for _, c := range []struct {
		what            string
		input           []int
		layer           count.Layer
		output          []int
		params, buffers int
		macs            int64
		formula         string
	}{
		{"conv, same", []int{5, 4, 2}, count.Conv{Filters: 3, Kernel: 3}, []int{5, 4, 3}, 57, 0, 5 * 4 * 54, "3 × (3×3×2) + 3 = 57"},
		{"conv, valid", []int{5, 4, 2}, count.Conv{Filters: 3, Kernel: 3, Padding: count.Valid}, []int{3, 2, 3}, 57, 0, 3 * 2 * 54, "3 × (3×3×2) + 3 = 57"},
		{"no bias", []int{5, 4, 2}, count.Conv{Filters: 3, Kernel: 3, NoBias: true}, []int{5, 4, 3}, 54, 0, 5 * 4 * 54, "3 × (3×3×2) = 54"},
		{"1×1", []int{7, 7, 10}, count.Conv{Filters: 4, Kernel: 1}, []int{7, 7, 4}, 44, 0, 49 * 40, "4 × (1×1×10) + 4 = 44"},
		{"same, stride 2, odd", []int{7, 8, 1}, count.Conv{Filters: 1, Kernel: 3, Stride: 2}, []int{4, 4, 1}, 10, 0, 16 * 9, "1 × (3×3×1) + 1 = 10"},
		{"valid, stride 2, odd", []int{7, 8, 1}, count.Conv{Filters: 1, Kernel: 3, Stride: 2, Padding: count.Valid}, []int{3, 3, 1}, 10, 0, 9 * 9, "1 × (3×3×1) + 1 = 10"},
		{"valid, as large as the input", []int{3, 3, 1}, count.Conv{Filters: 2, Kernel: 3, Padding: count.Valid}, []int{1, 1, 2}, 20, 0, 18, "2 × (3×3×1) + 2 = 20"},
		{"same, larger than the input", []int{2, 2, 1}, count.Conv{Filters: 1, Kernel: 5}, []int{2, 2, 1}, 26, 0, 4 * 25, "1 × (5×5×1) + 1 = 26"},
		{"stride beyond the input", []int{3, 3, 1}, count.Conv{Filters: 1, Kernel: 3, Stride: 10}, []int{1, 1, 1}, 10, 0, 9, "1 × (3×3×1) + 1 = 10"},
		{"depthwise", []int{6, 6, 4}, count.Conv{Kernel: 3, Stride: 2, Depthwise: true}, []int{3, 3, 4}, 40, 0, 9 * 36, "4 × (3×3×1) + 4 = 40"},
		{"depthwise, filters said", []int{6, 6, 4}, count.Conv{Filters: 4, Kernel: 3, Depthwise: true, NoBias: true}, []int{6, 6, 4}, 36, 0, 36 * 36, "4 × (3×3×1) = 36"},
		{"groups", []int{6, 6, 4}, count.Conv{Filters: 6, Kernel: 3, Groups: 2}, []int{6, 6, 6}, 114, 0, 36 * 108, "6 × (3×3×2) + 6 = 114"},
		{"dense", []int{10}, count.Dense{Units: 3}, []int{3}, 33, 0, 30, "3 × 10 + 3 = 33"},
		{"dense, no bias", []int{10}, count.Dense{Units: 3, NoBias: true}, []int{3}, 30, 0, 30, "3 × 10 = 30"},
		{"batch norm", []int{4, 4, 7}, count.BatchNorm{}, []int{4, 4, 7}, 14, 14, 0, "2 × 7 = 14"},
		{"batch norm of a vector", []int{7}, count.BatchNorm{}, []int{7}, 14, 14, 0, "2 × 7 = 14"},
		{"pool", []int{7, 6, 3}, count.Pool{Size: 2, Padding: count.Valid}, []int{3, 3, 3}, 0, 0, 0, ""},
		{"pool, same", []int{7, 6, 3}, count.Pool{Size: 2}, []int{4, 3, 3}, 0, 0, 0, ""},
		{"pool, overlapping", []int{7, 7, 3}, count.Pool{Size: 3, Stride: 2, Padding: count.Valid}, []int{3, 3, 3}, 0, 0, 0, ""},
		{"global pool", []int{7, 6, 3}, count.GlobalPool{}, []int{3}, 0, 0, 0, ""},
		{"flatten", []int{7, 6, 3}, count.Flatten{}, []int{126}, 0, 0, 0, ""},
		{"activation", []int{7, 6, 3}, count.Activation{}, []int{7, 6, 3}, 0, 0, 0, ""},
	} {
		row, err := c.layer.Count(c.input)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if !slices.Equal(row.Output, c.output) || row.Params != c.params || row.Buffers != c.buffers || row.MACs != c.macs ||
			row.Formula != c.formula || row.Name == "" {
			t.Errorf("%s: %+v", c.what, row)
		}
	}
}

// vgg16 is configuration D of Simonyan & Zisserman 2014, arXiv:1409.1556, table 1, for so many classes.
func vgg16(classes int) []count.Layer {
	var layers []count.Layer
	for stage, filters := range []int{64, 128, 256, 512, 512} {
		for range []int{2, 2, 3, 3, 3}[stage] {
			layers = append(layers, count.Conv{Filters: filters, Kernel: 3}, count.Activation{Name: "relu"})
		}
		layers = append(layers, count.Pool{Size: 2})
	}
	return append(layers, count.Flatten{}, count.Dense{Units: 4096}, count.Dense{Units: 4096}, count.Dense{Units: classes})
}

// TestVGG16 has the published number for 1,000 classes. The lecture's 134,268,737 is the number of no head: it has one more parameter
// than one class and as many less one as two.
func TestVGG16(t *testing.T) {
	for classes, want := range map[int]int{1000: 138_357_544, 2: 134_268_738, 1: 134_264_641} {
		table, err := count.Network([]int{224, 224, 3}, vgg16(classes)...)
		if err != nil {
			t.Fatal(err)
		}
		if table.Params() != want || table.Buffers() != 0 {
			t.Errorf("%d classes: %d parameters and %d averages, want %d and 0", classes, table.Params(), table.Buffers(), want)
		}
		// 15.35e9 in the convolutions, and the dense layers' weights once each
		if want := int64(15_346_630_656 + 25_088*4096 + 4096*4096 + 4096*classes); table.MACs() != want {
			t.Errorf("%d classes: %d multiply-accumulates, want %d", classes, table.MACs(), want)
		}
	}
}

func TestBadInput(t *testing.T) {
	image := []int{8, 8, 3}
	huge := math.MaxInt / 2
	for _, c := range []struct {
		what  string
		input []int
		layer count.Layer
		want  string
	}{
		{"no layer", image, nil, "layer 1 is nil"},
		{"no input", nil, count.Flatten{}, "without axes"},
		{"zero height", []int{0, 8, 3}, count.Conv{Filters: 1, Kernel: 3}, "want lengths of at least 1"},
		{"negative channels", []int{8, 8, -3}, count.BatchNorm{}, "want lengths of at least 1"},
		{"no filters", image, count.Conv{Kernel: 3}, "0 filters"},
		{"negative filters", image, count.Conv{Filters: -8, Kernel: 3}, "-8 filters"},
		{"no kernel", image, count.Conv{Filters: 8}, "kernel 0"},
		{"negative kernel", image, count.Conv{Filters: 8, Kernel: -3}, "kernel -3"},
		{"negative stride", image, count.Conv{Filters: 8, Kernel: 3, Stride: -1}, "stride -1"},
		{"kernel larger than its input", image, count.Conv{Filters: 8, Kernel: 9, Padding: count.Valid}, "kernel 9×9 is larger than its input 8×8×3"},
		{"pool larger than its input", image, count.Pool{Size: 9, Padding: count.Valid}, "larger than its input"},
		{"no such padding", image, count.Conv{Filters: 8, Kernel: 3, Padding: 7}, "padding 7"},
		{"groups that do not divide", image, count.Conv{Filters: 8, Kernel: 3, Groups: 2}, "2 groups do not divide 3"},
		{"negative groups", image, count.Conv{Filters: 8, Kernel: 3, Groups: -1}, "-1 groups"},
		{"depthwise with filters", image, count.Conv{Filters: 8, Kernel: 3, Depthwise: true}, "leave both 0"},
		{"pool without a size", image, count.Pool{}, "kernel 0"},
		{"conv on a vector", []int{8}, count.Conv{Filters: 8, Kernel: 3}, "want [h, w, c]"},
		{"pool on a vector", []int{8}, count.Pool{Size: 2}, "want [h, w, c]"},
		{"global pool on a vector", []int{8}, count.GlobalPool{}, "want [h, w, c]"},
		{"dense on an image", image, count.Dense{Units: 2}, "put Flatten or GlobalPool before it"},
		{"no units", []int{8}, count.Dense{}, "0 units"},
		{"conv weights overflow", image, count.Conv{Filters: huge, Kernel: 3}, "63 bits"},
		{"conv kernel overflows", image, count.Conv{Filters: 1, Kernel: huge}, "63 bits"},
		{"conv multiply-accumulates overflow", []int{1 << 20, 1 << 20, 1}, count.Conv{Filters: 1 << 20, Kernel: 3}, "63 bits"},
		{"bias overflows", []int{1}, count.Dense{Units: math.MaxInt}, "63 bits"},
		{"dense overflows", []int{1 << 32}, count.Dense{Units: 1 << 32}, "63 bits"},
		{"flatten overflows", []int{1 << 22, 1 << 22, 1 << 22}, count.Flatten{}, "63 bits"},
		{"batch norm overflows", []int{math.MaxInt}, count.BatchNorm{}, "63 bits"},
	} {
		_, err := count.Network(c.input, c.layer)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "count: ") {
			t.Errorf("%s: error %v, want %q", c.what, err, c.want)
		}
	}
	if _, err := count.Network([]int{-1}); err == nil {
		t.Error("a network without layers takes a negative input")
	}
}

// TestSumsThatOverflow are layers that fit alone and together do not.
func TestSumsThatOverflow(t *testing.T) {
	half := 1 << 61
	for what, layers := range map[string][]count.Layer{
		"parameters": {count.BatchNorm{}, count.BatchNorm{}},
		"multiply-accumulates": {count.Dense{Units: 1, NoBias: true}, count.Dense{Units: half, NoBias: true},
			count.Dense{Units: 1, NoBias: true}, count.Dense{Units: half, NoBias: true}},
	} {
		_, err := count.Network([]int{half}, layers...)
		if err == nil || !strings.Contains(err.Error(), "the sum so far") {
			t.Errorf("%s: error %v, want the sum so far", what, err)
		}
	}
}

func TestNetworkDoesNotKeepItsInput(t *testing.T) {
	input := []int{4, 4, 2}
	table, err := count.Network(input, count.BatchNorm{}, count.Activation{})
	if err != nil {
		t.Fatal(err)
	}
	input[0] = 99
	if table.Input[0] != 4 || table.Rows[0].Output[0] != 4 || table.Rows[1].Output[0] != 4 {
		t.Errorf("the table follows its caller's slice: %+v", table)
	}
	if got := (count.Table{}).Sum(); got != "0" {
		t.Errorf("the sum of nothing is %q", got)
	}
}

// FuzzNetwork counts any two layers: an error or numbers that are not negative, never a panic.
func FuzzNetwork(f *testing.F) {
	f.Add(32, 32, 3, 8, 3, 1, 0, 1, byte(0), byte(6))
	f.Add(32, 32, 3, 0, 5, 2, 1, 0, byte(1), byte(2))
	f.Add(math.MaxInt, 1, 1, math.MaxInt, 1, 1, 0, 0, byte(0), byte(5))
	f.Add(1<<31, 1<<31, 4, 2, 2, 2, 0, 2, byte(3), byte(4))
	f.Fuzz(func(t *testing.T, h, w, c, filters, kernel, stride, padding, groups int, first, second byte) {
		kinds := []count.Layer{
			count.Conv{Filters: filters, Kernel: kernel, Stride: stride, Padding: count.Padding(padding), Groups: groups},
			count.Conv{Kernel: kernel, Stride: stride, Padding: count.Padding(padding), Depthwise: true, NoBias: true},
			count.Pool{Size: kernel, Stride: stride, Padding: count.Padding(padding)},
			count.BatchNorm{}, count.GlobalPool{}, count.Flatten{}, count.Activation{}, count.Dense{Units: filters},
			count.Conv{Filters: filters, Kernel: kernel, KernelWidth: groups, Dilation: stride, Padding: count.Explicit, Border: count.Around(padding)},
			count.TransposedConv{Filters: filters, Kernel: kernel, Stride: stride, Padding: count.Padding(padding), Groups: groups},
			count.TransposedConv{Filters: filters, Kernel: kernel, Stride: stride, Dilation: groups, Padding: count.Explicit, Border: count.Around(padding), OutputPadding: groups},
			count.LayerNorm{}, count.Embedding{Words: filters, Units: kernel}, count.Dropout{}, count.BatchNorm{NoScale: true}, (*count.Conv)(nil),
			count.Block{Layers: []count.Layer{count.BatchNorm{}, count.Conv{Filters: filters, Kernel: kernel}}, Frozen: true},
			count.Parallel{Join: count.Join(padding), Branches: []count.Block{{}, {Layers: []count.Layer{count.Conv{Filters: filters, Kernel: kernel, Stride: stride}}}}},
		}
		input := []int{h, w, c}
		if first&0x80 != 0 {
			input = []int{c}
		}
		a, b := kinds[int(first)%len(kinds)], kinds[int(second)%len(kinds)]
		table, err := count.Network(input, a, b)
		if err != nil {
			return
		}
		if table.Params() < 0 || table.Buffers() < 0 || table.MACs() < 0 || table.Elements() < 0 || len(table.Rows) != 2 || table.String() == "" {
			t.Errorf("%+v", table)
		}
		if _, err := table.JSON(count.View{Batch: max(h, 0), Optimizer: count.Adam}); err != nil {
			t.Error(err)
		}
		if memory, err := table.Memory(1, count.Adam); err != nil || memory.Total() < 0 {
			t.Errorf("%+v, error %v", memory, err)
		}
		for _, row := range table.Rows {
			if row.Params < 0 || row.Buffers < 0 || row.MACs < 0 || len(row.Output) == 0 || slices.Min(row.Output) < 1 {
				t.Errorf("%+v", row)
			}
			if row.Params > 0 && !strings.HasSuffix(row.Formula, fmt.Sprintf(" = %d", row.Params)) {
				t.Errorf("%d parameters with the formula %q", row.Params, row.Formula)
			}
		}
	})
}
