package weights

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"transferlab/datasets/fetch"
)

// realFile is the weight file of EfficientNet-Lite0, in PyTorch's old format.
var realFile = sync.OnceValues(func() (string, error) {
	dir, err := fetch.Unpacked(context.Background(), fetch.EfficientNetLite0, nil)
	return filepath.Join(dir, filepath.FromSlash(fetch.EfficientNetLite0Weights)), err
})

func readReal(t *testing.T) []byte {
	t.Helper()
	file, err := realFile()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRealFileHasPyTorchsTensors compares names, order and shapes with what PyTorch listed.
func TestRealFileHasPyTorchsTensors(t *testing.T) {
	file, err := realFile()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPTH(file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.Open("../zoo/testdata/state_dict.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	var names []string
	for lines := bufio.NewScanner(list); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		shape := []int{}
		for _, f := range fields[1:] {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			shape = append(shape, n)
		}
		names = append(names, fields[0])
		got := p.Tensors[fields[0]]
		if !slices.Equal(got.Shape, shape) || len(got.Data) != product(shape) {
			t.Errorf("%s: shape %v with %d numbers, PyTorch says %v", fields[0], got.Shape, len(got.Data), shape)
		}
	}
	if len(names) < 200 || !slices.Equal(names, p.Names) || len(p.Tensors) != len(names) || len(p.Skipped) != 0 {
		t.Errorf("%d tensors in another order than PyTorch's %d, or skipped %v", len(p.Names), len(names), p.Skipped)
	}
}

func product(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// TestEveryNumberType compares all number types, shared and transposed storages with PyTorch's own conversion to float32.
func TestEveryNumberType(t *testing.T) {
	raw, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]struct {
		Shape []int
		Data  []string
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"state.old.pth", "state.zip.pth"} {
		p, err := ReadPTH(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Names) != len(expected) || !slices.Equal(p.Skipped, []string{"epoch"}) {
			t.Errorf("%s: %d tensors, want %d; skipped %v, want epoch", file, len(p.Names), len(expected), p.Skipped)
		}
		for name, want := range expected {
			got := p.Tensors[name]
			if !slices.Equal(got.Shape, want.Shape) || len(got.Data) != len(want.Data) {
				t.Errorf("%s: %s has shape %v and %d numbers, want %v", file, name, got.Shape, len(got.Data), want.Shape)
				continue
			}
			for i, text := range want.Data {
				v, err := strconv.ParseFloat(text, 64) // "1e400" would be an error, "inf" is none
				if err != nil {
					t.Fatal(err)
				}
				if got.Data[i] != float32(v) {
					t.Errorf("%s: %s[%d] is %v, want %v", file, name, i, got.Data[i], text)
				}
			}
		}
	}
}

func TestCheckpointHoldsStateDict(t *testing.T) {
	var both []PTH
	for _, file := range []string{"checkpoint.old.pth", "checkpoint.zip.pth"} {
		p, err := ReadPTH(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"}
		if !slices.Equal(p.Names, want) {
			t.Errorf("%s: tensors %v, want %v", file, p.Names, want)
		}
		both = append(both, p)
	}
	if a, b := both[0].Tensors["0.weight"].Data, both[1].Tensors["0.weight"].Data; !slices.Equal(a, b) || len(a) != 54 {
		t.Errorf("the two formats hold different kernels: %v, %v", a, b)
	}
}

func TestFromTorchTurnsKernels(t *testing.T) {
	iota := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i)
		}
		return v
	}
	for _, c := range []struct {
		what                 string
		from, shape          []int
		numbers              int
		wantError            string
		at, want, at2, want2 int // the number at this place of the result is that one of the input
	}{
		{what: "dense [out 2, in 3]", from: []int{2, 3}, numbers: 6, shape: []int{3, 2}, at: 1, want: 3, at2: 2, want2: 1},
		// [out 2, in 3, kh 2, kw 2]: (o, i, y, x) = (1, 2, 0, 1) stands at 12+8+1 = 21, and in [2, 2, 3, 2] at ((0·2+1)·3+2)·2+1 = 11
		{what: "convolution", from: []int{2, 3, 2, 2}, numbers: 24, shape: []int{2, 2, 3, 2}, at: 11, want: 21, at2: 0, want2: 0},
		// [channels 4, 1, 1, 2]: (3, 0, 0, 0) stands at 6, and in [1, 2, 1, 4] at 3
		{what: "depthwise", from: []int{4, 1, 1, 2}, numbers: 8, shape: []int{1, 2, 1, 4}, at: 3, want: 6, at2: 4, want2: 1},
		{what: "vector", from: []int{3}, numbers: 3, wantError: "2 axes (dense) or 4"},
		{what: "too few numbers", from: []int{2, 3}, numbers: 5, wantError: "it has 5 numbers"},
	} {
		in := tensorOf(c.from, iota(c.numbers))
		got, err := FromTorch(in)
		if c.wantError != "" {
			if err == nil || !strings.Contains(err.Error(), c.wantError) {
				t.Errorf("%s: error %v, want %q", c.what, err, c.wantError)
			}
			continue
		}
		if err != nil || !slices.Equal(got.Shape, c.shape) || int(got.Data[c.at]) != c.want || int(got.Data[c.at2]) != c.want2 {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
	}
}
