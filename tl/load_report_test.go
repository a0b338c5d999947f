package tl

import "testing"

func TestLoadReport(t *testing.T) {
	r := LoadReport{Base: "resnet18", File: "/home/student/resnet18-f37072fd.pth", Format: "PyTorch", Names: "torchvision", Parameters: 11_186_112,
		Loaded: make([]string, 100), Initial: []string{"layer4.1/sum/residual/conv2/kernel"}, Converted: map[string]int{"float16": 99, "float64": 1},
		Shapes:  []ShapeMismatch{{Tensor: "layer4.1/sum/residual/conv2/kernel", InFile: "layer4.1.conv2.weight", Want: []int{3, 3, 512, 512}, Have: []int{3, 3, 512, 500}}},
		Skipped: map[string]string{"fc.weight": "no such tensor in the network", "fc.bias": "no such tensor in the network", "bn1.num_batches_tracked": "counters of batches"},
		Pixels:  "224×224 RGB"}
	for i := range 15 {
		r.Skipped["layer"+string(rune('a'+i))+".num_batches_tracked"] = "counters of batches"
	}
	golden(t, "load_report", r.String())
	golden(t, "load_report_random", LoadReport{Base: "own\tnetwork", Seed: 7, Initial: []string{"a/b"}, Pixels: "32×32 RGB"}.String())
}
