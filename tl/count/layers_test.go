package count_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"transferlab/tl/count"
)

// TestMoreLayers are tables that can be computed by hand: the kinds beside those of TestLayers, and what convolutions can be told.
func TestMoreLayers(t *testing.T) {
	image := []int{7, 9, 4}
	for _, c := range []struct {
		what            string
		input           []int
		layer           count.Layer
		kind            string
		output          []int
		params, buffers int
		macs, elements  int64
		formula         string
	}{
		{"not square", image, count.Conv{Filters: 2, Kernel: 1, KernelWidth: 7}, "conv", []int{7, 9, 2}, 58, 0, 63 * 56, 126, "2 × (1×7×4) + 2 = 58"},
		{"not square, valid", image, count.Conv{Filters: 2, Kernel: 1, KernelWidth: 7, Padding: count.Valid}, "conv", []int{7, 3, 2}, 58, 0, 21 * 56, 42, "2 × (1×7×4) + 2 = 58"},
		{"dilated", image, count.Conv{Filters: 2, Kernel: 3, Dilation: 3, Padding: count.Valid}, "conv", []int{1, 3, 2}, 74, 0, 3 * 72, 6, "2 × (3×3×4) + 2 = 74"},
		{"dilated, same", image, count.Conv{Filters: 2, Kernel: 3, Dilation: 3, Stride: 2}, "conv", []int{4, 5, 2}, 74, 0, 20 * 72, 40, "2 × (3×3×4) + 2 = 74"},
		{"PyTorch's padding", image, count.Conv{Filters: 2, Kernel: 3, Stride: 2, Padding: count.Explicit, Border: count.Around(1)}, "conv", []int{4, 5, 2}, 74, 0, 20 * 72, 40, "2 × (3×3×4) + 2 = 74"},
		{"a border on two sides", image, count.Conv{Filters: 2, Kernel: 3, Padding: count.Explicit, Border: count.Border{Bottom: 1, Right: 2}}, "conv", []int{6, 9, 2}, 74, 0, 54 * 72, 108, "2 × (3×3×4) + 2 = 74"},
		{"groups and width", image, count.Conv{Filters: 6, Kernel: 5, KernelWidth: 3, Groups: 2, NoBias: true}, "conv", []int{7, 9, 6}, 180, 0, 63 * 180, 378, "6 × (5×3×2) = 180"},
		{"depthwise", image, count.Conv{Kernel: 3, Depthwise: true}, "depthwise conv", []int{7, 9, 4}, 40, 0, 63 * 36, 252, "4 × (3×3×1) + 4 = 40"},
		{"transposed, same", image, count.TransposedConv{Filters: 3, Kernel: 3, Stride: 2}, "transposed conv", []int{14, 18, 3}, 111, 0, 63 * 108, 756, "3 × (3×3×4) + 3 = 111"},
		{"transposed, valid", image, count.TransposedConv{Filters: 3, Kernel: 3, Stride: 2, Padding: count.Valid}, "transposed conv", []int{15, 19, 3}, 111, 0, 63 * 108, 855, "3 × (3×3×4) + 3 = 111"},
		{"transposed, valid, stride beyond the kernel", image, count.TransposedConv{Filters: 1, Kernel: 2, Stride: 3, Padding: count.Valid, NoBias: true}, "transposed conv", []int{21, 27, 1}, 16, 0, 63 * 16, 567, "1 × (2×2×4) = 16"},
		{"transposed, PyTorch", image, count.TransposedConv{Filters: 4, Kernel: 4, Stride: 2, Padding: count.Explicit, Border: count.Around(1), Groups: 2}, "transposed conv", []int{14, 18, 4}, 132, 0, 63 * 128, 1008, "4 × (4×4×2) + 4 = 132"},
		{"transposed, output padding", image, count.TransposedConv{Filters: 1, Kernel: 3, Stride: 2, Padding: count.Explicit, Border: count.Around(1), OutputPadding: 1}, "transposed conv", []int{14, 18, 1}, 37, 0, 63 * 36, 252, "1 × (3×3×4) + 1 = 37"},
		{"dense on positions", []int{12, 8}, count.Dense{Units: 3}, "dense", []int{12, 3}, 27, 0, 12 * 24, 36, "3 × 8 + 3 = 27"},
		{"batch norm", image, count.BatchNorm{}, "batch norm", image, 8, 8, 0, 252, "2 × 4 = 8"},
		{"batch norm without scale", image, count.BatchNorm{NoScale: true}, "batch norm", image, 4, 8, 0, 252, "1 × 4 = 4"},
		{"layer norm", []int{12, 768}, count.LayerNorm{}, "layer norm", []int{12, 768}, 1536, 0, 0, 9216, "2 × 768 = 1536"},
		{"embedding", []int{12}, count.Embedding{Words: 10000, Units: 128}, "embedding", []int{12, 128}, 1_280_000, 0, 0, 1536, "10000 × 128 = 1280000"},
		{"average pool", image, count.Pool{Size: 2, Average: true, Padding: count.Valid}, "average pool", []int{3, 4, 4}, 0, 0, 0, 48, ""},
		{"PyTorch's pool", image, count.Pool{Size: 3, Stride: 2, Padding: count.Explicit, Border: count.Around(1)}, "max pool", []int{4, 5, 4}, 0, 0, 0, 80, ""},
		{"global pool", image, count.GlobalPool{Max: true}, "global max pool", []int{4}, 0, 0, 0, 4, ""},
		{"global pool of a text", []int{12, 8}, count.GlobalPool{}, "global average pool", []int{8}, 0, 0, 0, 8, ""},
		{"flatten", image, count.Flatten{}, "flatten", []int{252}, 0, 0, 0, 0, ""},
		{"dropout", image, count.Dropout{Rate: 0.5}, "dropout", image, 0, 0, 0, 252, ""},
		{"pointer", image, &count.Dropout{}, "dropout", image, 0, 0, 0, 252, ""},
	} {
		table, err := count.Network(c.input, c.layer)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		row := table.Rows[0]
		if row.Kind != c.kind || !slices.Equal(row.Input, c.input) || !slices.Equal(row.Output, c.output) || row.Params != c.params ||
			row.Buffers != c.buffers || row.MACs != c.macs || row.Elements != c.elements || row.Formula != c.formula || row.Name == "" {
			t.Errorf("%s: %+v", c.what, row)
		}
	}
}

func TestKernelText(t *testing.T) {
	for want, layer := range map[string]count.Layer{
		"3×3":                count.Conv{Filters: 1, Kernel: 3},
		"1×7 /2":             count.Conv{Filters: 1, Kernel: 1, KernelWidth: 7, Stride: 2},
		"3×3, dilation 2":    count.Conv{Filters: 1, Kernel: 3, Dilation: 2},
		"2×2 /2":             count.Pool{Size: 2},
		"3×3 /2, dilation 2": count.TransposedConv{Filters: 1, Kernel: 3, Stride: 2, Dilation: 2},
		"":                   count.BatchNorm{},
	} {
		row, err := layer.Count([]int{32, 32, 3})
		if err != nil || row.Kernel != want {
			t.Errorf("%+v: %q, error %v, want %q", layer, row.Kernel, err, want)
		}
	}
}

func TestMoreBadInput(t *testing.T) {
	image, text := []int{8, 8, 4}, []int{8, 4}
	for _, c := range []struct {
		what  string
		input []int
		layer count.Layer
		want  string
	}{
		{"negative width", image, count.Conv{Filters: 1, Kernel: 3, KernelWidth: -1}, "kernel 3×-1"},
		{"too wide", image, count.Conv{Filters: 1, Kernel: 1, KernelWidth: 9, Padding: count.Valid}, "kernel 1×9 is larger than its input 8×8×4"},
		{"dilated too wide", image, count.Conv{Filters: 1, Kernel: 3, Dilation: 4, Padding: count.Valid}, "kernel 9×9 is larger"},
		{"too wide for its border", image, count.Conv{Filters: 1, Kernel: 11, Padding: count.Explicit, Border: count.Around(1)}, "with its border, 10×10"},
		{"negative dilation", image, count.Conv{Filters: 1, Kernel: 3, Dilation: -2}, "dilation -2"},
		{"negative border", image, count.Conv{Filters: 1, Kernel: 3, Padding: count.Explicit, Border: count.Around(-1)}, "want 0 or more on each side"},
		{"border that is not asked for", image, count.Conv{Filters: 1, Kernel: 3, Border: count.Around(1)}, "padding that is not Explicit"},
		{"huge border", image, count.Conv{Filters: 1, Kernel: 3, Padding: count.Explicit, Border: count.Around(math.MaxInt)}, "63 bits"},
		{"huge dilation", image, count.Conv{Filters: 1, Kernel: 3, Padding: count.Valid, Dilation: math.MaxInt}, "63 bits"},
		{"huge kernel width", image, count.Conv{Filters: 1, Kernel: 1, KernelWidth: math.MaxInt}, "63 bits"},
		{"transposed on a vector", []int{8}, count.TransposedConv{Filters: 1, Kernel: 3}, "want [h, w, c]"},
		{"transposed without filters", image, count.TransposedConv{Kernel: 3}, "0 filters"},
		{"transposed without kernel", image, count.TransposedConv{Filters: 1}, "kernel 0"},
		{"transposed groups", image, count.TransposedConv{Filters: 3, Kernel: 3, Groups: 2}, "2 groups do not divide 4 input channels and 3 filters"},
		{"transposed to nothing", image, count.TransposedConv{Filters: 1, Kernel: 1, Padding: count.Explicit, Border: count.Around(4)}, "leaves nothing of an output of 8"},
		{"transposed too far", []int{1 << 32, 1 << 20, 1}, count.TransposedConv{Filters: 1, Kernel: 3, Stride: 1 << 32}, "63 bits"},
		{"output padding that is not asked for", image, count.TransposedConv{Filters: 1, Kernel: 3, OutputPadding: 1}, "output padding 1"},
		{"dense without input", []int{0, 4}, count.Dense{Units: 1}, "want lengths of at least 1"},
		{"layer norm of nothing", []int{0}, count.LayerNorm{}, "want lengths of at least 1"},
		{"embedding of an image", image, count.Embedding{Words: 1, Units: 1}, "want [length]"},
		{"embedding without words", []int{8}, count.Embedding{Units: 1}, "0 words and 1 units"},
		{"embedding overflows", []int{8}, count.Embedding{Words: 1 << 40, Units: 1 << 40}, "63 bits"},
		{"global pool of a vector", []int{8}, count.GlobalPool{}, "want [h, w, c] or [length, c]"},
		{"conv of a text", text, count.Conv{Filters: 1, Kernel: 1}, "want [h, w, c]"},
		{"all dropped", image, count.Dropout{Rate: 1}, "rate 1, want"},
		{"rate that is no number", image, count.Dropout{Rate: math.NaN()}, "rate NaN"},
		{"nil pointer", image, (*count.Conv)(nil), "layer 1 is nil; leave it out"},
		{"nil pointer to a block", image, (*count.Block)(nil), "layer 1 is nil; leave it out"},
	} {
		_, err := count.Network(c.input, c.layer)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "count: layer 1") &&
			!strings.HasPrefix(err.Error(), "count: network: ") {
			t.Errorf("%s: error %v, want %q", c.what, err, c.want)
		}
	}
}

// lying is a layer from outside the package.
type lying struct{ row count.Row }

func (l lying) Count([]int) (count.Row, error) { return l.row, nil }

func TestLayersFromOutside(t *testing.T) {
	one := []int{1}
	for want, row := range map[string]count.Row{
		"output: input without axes": {Name: "none"},
		"less than nothing":          {Name: "negative", Output: one, Params: -1},
		"at least 1":                 {Name: "empty", Output: []int{0}},
		"it counts less":             {Name: "frozen", Output: one, Frozen: 1},
	} {
		if _, err := count.Network(one, lying{row}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", row, err, want)
		}
	}
	table, err := count.Network(one, lying{count.Row{Name: "squeeze", Kind: "own", Output: []int{3}, Params: 5, Formula: "5 = 5"}}, count.Dense{Units: 2})
	if err != nil || table.Params() != 5+8 {
		t.Errorf("%v, error %v", table, err)
	}
}
