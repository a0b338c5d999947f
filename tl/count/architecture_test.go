package count_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"transferlab/tl/count"
)

// The lecture says 134,268,737 for VGG16 with a head for two classes. The counter finds 134,268,738.
func ExampleVGG16() {
	for _, classes := range []int{1000, 2, 1, 0} {
		table, err := count.VGG16(classes).Count()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(classes, table.Params())
	}
	// Output:
	// 1000 138357544
	// 2 134268738
	// 1 134264641
	// 0 14714688
}

// counted counts a network or ends the test.
func counted(t testing.TB, a count.Architecture) count.Table {
	t.Helper()
	table, err := a.Count()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestArchitectures(t *testing.T) {
	for _, c := range []struct {
		network         func(classes int) count.Architecture
		params, buffers int // for 1,000 classes
		macs            int64
		withoutTop      int
		top             []int // shape without top
	}{
		{count.LectureCNN, 2_614_104, 0, 884_736*32*32/(64*64) + 819_200 + 4096*512 + 512_000, 2_101_104, []int{512}},
		{count.VGG16, 138_357_544, 0, 15_470_264_320, 14_714_688, []int{7, 7, 512}},
		{count.ResNet18, 11_689_512, 9_600, 1_814_073_344, 11_176_512, []int{7, 7, 512}},
		{count.ResNet50, 25_557_032, 53_120, 4_089_184_256, 23_508_032, []int{7, 7, 2048}},
		{count.MobileNetV2, 3_504_872, 34_112, 300_774_272, 2_223_872, []int{7, 7, 1280}},
		{count.InceptionV3, 23_851_784 - 34_432, 34_432, 5_713_216_096, 21_802_784 - 34_432, []int{8, 8, 2048}},
		{lite(0), 4_652_008, 42_016, 385_187_552, 3_371_008, []int{7, 7, 1280}},
		{lite(1), 5_416_680, 53_664, 600_185_232, 4_135_680, []int{8, 8, 1280}},
		{lite(2), 6_092_072, 58_096, 859_736_272, 4_811_072, []int{9, 9, 1280}},
		{lite(3), 8_197_096, 76_672, 1_383_321_872, 6_916_096, []int{9, 9, 1280}},
		{lite(4), 13_006_568, 112_368, 2_553_034_336, 11_725_568, []int{10, 10, 1280}},
	} {
		whole, base := counted(t, c.network(1000)), counted(t, c.network(0))
		if whole.Params() != c.params || whole.Buffers() != c.buffers || whole.MACs() != c.macs || !slices.Equal(whole.Output(), []int{1000}) {
			t.Errorf("%s: %d parameters, %d averages, %d multiply-accumulates, output %v", whole.Name, whole.Params(), whole.Buffers(), whole.MACs(), whole.Output())
		}
		if base.Params() != c.withoutTop || !slices.Equal(base.Output(), c.top) {
			t.Errorf("%s without top: %d parameters, output %v", base.Name, base.Params(), base.Output())
		}
	}
	if table := counted(t, count.LectureCNN(4)); table.Params() != 2_103_156 || table.Sum() == "0" {
		t.Errorf("the lecture's network has %d parameters", table.Params())
	}
	for _, a := range []count.Architecture{count.EfficientNetLite(5, 2), count.EfficientNetLite(-1, 2), count.VGG16(-1)} {
		if _, err := a.Count(); err == nil || !strings.HasSuffix(err.Error(), "(in "+a.Name+")") {
			t.Errorf("%s: error %v", a.Name, err)
		}
	}
	if n := len(count.Architectures(2)); n != 11 {
		t.Errorf("%d networks", n)
	}
}

func lite(size int) func(int) count.Architecture {
	return func(classes int) count.Architecture { return count.EfficientNetLite(size, classes) }
}

// TestTheLecturesVGG16 takes the lecture's number apart: below the head stand 134,260,544 parameters; what is left for the head is two classes
// with one bias.
func TestTheLecturesVGG16(t *testing.T) {
	const lecture = 134_268_737
	two := counted(t, count.VGG16(2))
	leaves := two.Leaves()
	head := leaves[len(leaves)-1]
	if head.Params != 2*4096+2 || two.Params()-head.Params != 134_260_544 {
		t.Errorf("head %d, below it %d", head.Params, two.Params()-head.Params)
	}
	if left := lecture - (two.Params() - head.Params); left != 2*4096+1 {
		t.Errorf("the lecture's number leaves %d for the head", left)
	}
	if two.Params()-lecture != 1 {
		t.Errorf("the lecture's number is %d short", two.Params()-lecture)
	}
	for classes := range 2000 {
		if n := counted(t, count.VGG16(classes)).Params(); n == lecture {
			t.Errorf("the lecture's number is that of %d classes", classes)
		}
	}
}

// TestPublishedNumbers holds the counts against what others say: they differ by less than one in the last digit that is given.
func TestPublishedNumbers(t *testing.T) {
	for _, a := range count.Architectures(1000) {
		table := counted(t, a)
		for _, p := range a.Published {
			if p.By == "" || (p.Params == 0 && p.MACs == 0) {
				t.Errorf("%s: nothing is published: %+v", a.Name, p)
			}
			params, macs, within := float64(table.Params()), float64(table.MACs()), 1.0
			switch a.Name + " " + p.By {
			case "mobilenet_v2 Keras", "inception_v3 Keras":
				params += float64(table.Buffers())
			case "inception_v3 torchvision": // scales of batch norms, and the auxiliary classifier
				params += 17_216 + 3_326_696
			case "resnet50 He et al. 2015, table 1":
				macs = float64(counted(t, strideFirst()).MACs())
			case "vgg16 He et al. 2015, arXiv:1512.03385":
				macs = float64(counted(t, count.VGG16(0)).MACs())
			case "mobilenet_v2 Sandler et al. 2018, table 4": // see its note
				within = 1.1
			}
			if !agree(params, p.Params, within) {
				t.Errorf("%s: %s publish %g parameters, counted %.0f", a.Name, p.By, p.Params, params)
			}
			if p.By == "the authors' table" { // EfficientNet-Lite: see its note
				if ratio := (p.MACs - macs) / elements(table, "batch norm"); ratio < 2.9 || ratio > 3.3 {
					t.Errorf("%s: published %g multiply-adds, %.2f a normalised number more than counted", a.Name, p.MACs, ratio)
				}
			} else if !agree(macs, p.MACs, within) {
				t.Errorf("%s: %s publish %g multiply-accumulates, counted %.0f", a.Name, p.By, p.MACs, macs)
			}
		}
	}
}

// agree says whether a number is the published one, which may be rounded or cut off: it differs by less than so many of the last digit. A
// published 0 is not said.
func agree(number, published, within float64) bool {
	digit := 1.0
	for published != 0 && math.Mod(published, 10*digit) == 0 {
		digit *= 10
	}
	return published == 0 || math.Abs(number-published) < within*digit
}

func elements(table count.Table, kind string) (sum float64) {
	for _, r := range table.Leaves() {
		if r.Kind == kind {
			sum += float64(r.Elements)
		}
	}
	return sum
}

// strideFirst is ResNet-50 with the stride where the paper has it.
func strideFirst() count.Architecture {
	a := count.ResNet50(1000)
	for i, stage := range a.Layers {
		block, isBlock := stage.(count.Block)
		if !isBlock || i == 0 || block.Name == "top" {
			continue
		}
		sum := block.Layers[0].(count.Block).Layers[0].(count.Parallel)
		body := slices.Clone(sum.Branches[0].Layers)
		first, second := body[0].(count.Conv), body[3].(count.Conv)
		first.Stride, second.Stride = second.Stride, first.Stride
		body[0], body[3] = first, second
		sum.Branches[0].Layers = body
		block.Layers[0].(count.Block).Layers[0] = sum
	}
	return a
}
