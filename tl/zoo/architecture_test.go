package zoo

import (
	"slices"
	"testing"

	"transferlab/tl"
	"transferlab/tl/count"
)

// TestLectureCountsVGG16: with a head for two classes behind its last hidden layer it has what the lecture should have said.
func TestLectureCountsVGG16(t *testing.T) {
	for name, want := range map[string]int{"vgg16": 134_268_738, "vgg16_notop": 14_714_688 + 2*512 + 2} {
		n, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		head, err := count.Network(n.output(), tl.Dense(2))
		if err != nil {
			t.Fatal(err)
		}
		sum := head.Params()
		for _, b := range n.Blocks {
			sum += b.Row().Params
		}
		if sum != want {
			t.Errorf("%s: %d parameters with two classes, want %d", name, sum, want)
		}
	}
}

// TestBlocksEqualTheArithmetic: what is built counts as what package count counts, and so do the shapes of its variables.
func TestBlocksEqualTheArithmetic(t *testing.T) {
	published := map[string]count.Architecture{}
	for _, a := range append(count.Architectures(1000), count.LectureCNN(0)) {
		published[a.Name] = a
	}
	notop := count.VGG16(0)
	published["vgg16_notop"] = notop
	for _, name := range Names() {
		a, found := published[name]
		if !found {
			t.Errorf("%s is in no list of architectures", name)
			continue
		}
		want, err := a.Count()
		if err != nil {
			t.Fatal(err)
		}
		n, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		var sum tl.Block
		params, buffers := 0, 0
		for _, b := range n.All() {
			row := b.Row()
			sum.Params, sum.Buffers, sum.MACs = sum.Params+row.Params, sum.Buffers+row.Buffers, sum.MACs+row.MACs
			var named []count.Tensor
			for _, v := range b.Variables {
				size := 1
				for _, d := range v.Shape {
					size *= d
				}
				if v.Buffer {
					buffers += size
				} else {
					params += size
				}
				named = append(named, count.Tensor{Name: v.Name, Shape: v.Shape, Buffer: v.Buffer})
			}
			if err := (count.Table{Rows: b.Rows}).Check(named); err != nil {
				t.Errorf("%s, block %s: %v", name, b.Name, err)
			}
		}
		if sum.Params != want.Params() || sum.Buffers != want.Buffers() || sum.MACs != want.MACs() || params != want.Params() || buffers != want.Buffers() {
			t.Errorf("%s: %d parameters, %d averages, %d multiply-accumulates, and %d and %d numbers in its variables; the arithmetic has %d, %d, %d",
				name, sum.Params, sum.Buffers, sum.MACs, params, buffers, want.Params(), want.Buffers(), want.MACs())
		}
		if len(n.output()) != 1 || !slices.Equal([]int{n.Size, n.Size, 3}, a.Input) {
			t.Errorf("%s: input %d, want %v; output %v", name, n.Size, a.Input, n.output())
		}
	}
}
