package zoo

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"transferlab/datasets/fetch"
	"transferlab/tl"
	"transferlab/tl/weights"
)

// TestCountedParametersEqualTheWeightFile compares the network's arithmetic with the numbers that really stand in the weight file, block
// by block and in all, and both with PyTorch's sums.
func TestCountedParametersEqualTheWeightFile(t *testing.T) {
	n, w := load(t)
	g := readGolden(t)
	params, averages := 0, 0
	for _, b := range n.All() {
		row := b.Row()
		inFile, averagesInFile := 0, 0
		for _, v := range b.Variables {
			size := len(w.Tensors[b.Name+"/"+v.Name].Data)
			if v.Buffer {
				averagesInFile += size
			} else {
				inFile += size
			}
		}
		if row.Params != inFile || row.Buffers != averagesInFile {
			t.Errorf("%s: counted %d parameters and %d averages, the file has %d and %d", b.Name, row.Params, row.Buffers, inFile, averagesInFile)
		}
		params, averages = params+row.Params, averages+row.Buffers
	}
	if params != 4_652_008 || averages != 42_016 || params != g.Parameters || averages != g.Averages {
		t.Errorf("%d parameters and %d averages, PyTorch counts %d and %d", params, averages, g.Parameters, g.Averages)
	}
}

// TestMultiplyAccumulates: each weight of a kernel is used once at each place of the layer's output.
func TestMultiplyAccumulates(t *testing.T) {
	n, w := load(t)
	for _, b := range n.All() {
		places := map[string]int{}
		for _, r := range b.Rows {
			places[r.Name] = 1
			if len(r.Output) == 3 {
				places[r.Name] = r.Output[0] * r.Output[1]
			}
		}
		want := 0
		for _, v := range b.Variables {
			if layer, isKernel := strings.CutSuffix(v.Name, "/kernel"); isKernel {
				want += places[layer] * len(w.Tensors[b.Name+"/"+v.Name].Data)
			}
		}
		if got := b.Row().MACs; got != int64(want) || want == 0 {
			t.Errorf("%s: %d multiply-accumulates, want %d", b.Name, got, want)
		}
	}
	// 112·112·(3·3·3·32): the stem halves 224.
	if got := n.Blocks[0].Row().MACs; got != 10_838_016 {
		t.Errorf("stem: %d multiply-accumulates, want 10,838,016", got)
	}
}

// TestEveryTensorOfTheFileIsUsed sums the file itself: beside the network's tensors it holds only PyTorch's counters of batches.
func TestEveryTensorOfTheFileIsUsed(t *testing.T) {
	n, _ := load(t)
	dir, err := fetch.Unpacked(context.Background(), fetch.EfficientNetLite0, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := weights.ReadPTH(filepath.Join(dir, filepath.FromSlash(fetch.EfficientNetLite0Weights)))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, b := range n.All() {
		for _, v := range b.Variables {
			used[liteTorchName(b.Name, v.Name)] = true
		}
	}
	sum := 0
	for _, name := range p.Names {
		switch {
		case strings.HasSuffix(name, ".num_batches_tracked"):
		case !used[name]:
			t.Errorf("tensor %s is used by no block", name)
		default:
			sum += len(p.Tensors[name].Data)
		}
	}
	if sum != 4_652_008+42_016 {
		t.Errorf("the file holds %d numbers", sum)
	}
}

func TestCheckNamesTheTensor(t *testing.T) {
	n, w := load(t)
	change := func(edit func(Weights)) Weights {
		c := Weights{Tensors: map[string]tl.Tensor{}}
		for name, v := range w.Tensors {
			c.Tensors[name] = v
		}
		edit(c)
		return c
	}
	for want, broken := range map[string]Weights{
		"lack stem/conv/kernel":       change(func(c Weights) { delete(c.Tensors, "stem/conv/kernel") }),
		"mbconv3/project_bn/mean has": change(func(c Weights) { c.Tensors["mbconv3/project_bn/mean"] = tl.Tensor{Shape: []int{7}} }),
		"hold stem/extra, which":      change(func(c Weights) { c.Tensors["stem/extra"] = tl.Tensor{Shape: []int{7}} }),
	} {
		if err := n.Check(broken); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := n.Check(w); err != nil {
		t.Error(err)
	}
}
