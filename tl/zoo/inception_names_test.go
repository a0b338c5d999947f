package zoo

import (
	"fmt"
	"slices"
	"testing"

	"transferlab/tl"
	"transferlab/tl/weights"
)

// Keras 3 numbers the variables of a layer; InceptionV3's batch norms have no scale, so that number 0 is the offset.
func TestInceptionFromKeras3(t *testing.T) {
	n, err := Find("inception_v3")
	if err != nil {
		t.Fatal(err)
	}
	file := weights.Tensors{Format: weights.Keras, Tensors: map[string]tl.Tensor{}}
	convs, norms, next := 0, 0, float32(0)
	put := func(name string, shape []int) {
		next++
		file.Names = append(file.Names, name)
		file.Tensors[name] = tl.Tensor{Shape: shape, Data: slices.Repeat([]float32{next}, int(elements(shape)))}
	}
	number := func(name string, i int) string {
		if i == 0 {
			return name
		}
		return fmt.Sprintf("%s_%d", name, i)
	}
	want := map[string]float32{}
	for _, b := range n.Blocks {
		for _, v := range b.Variables { // kernel, offset, mean, variance, in the order in which layers are made
			_, kind := splitLast(v.Name)
			switch kind {
			case "kernel":
				put(number("conv2d", convs)+"/kernel", v.Shape)
				convs++
			case "offset":
				put(number("batch_normalization", norms)+"/vars/0", v.Shape)
			case "mean":
				put(number("batch_normalization", norms)+"/vars/1", v.Shape)
			case "variance":
				put(number("batch_normalization", norms)+"/vars/2", v.Shape)
				norms++
			default:
				t.Fatalf("%s/%s", b.Name, v.Name)
			}
			want[b.Name+"/"+v.Name] = next
		}
	}
	_, w, report, err := n.Match(file)
	if err != nil || len(report.Loaded) != 376 || convs != 94 || norms != 94 {
		t.Fatalf("%d loaded of %d convolutions and %d batch norms, %v", len(report.Loaded), convs, norms, err)
	}
	for name, first := range want {
		if w.Tensors[name].Data[0] != first {
			t.Errorf("%s begins with %v, want %v", name, w.Tensors[name].Data[0], first)
		}
	}
}
