package tl

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"transferlab/tl/count"
)

// small is a network with every kind of layer.
func small() Base {
	return Sequence("small", []int{32, 32, 3},
		Named("stem", Conv(16, 3).Strided(2).Padded(1).WithoutBias(), BatchNorm(), ReLU()),
		Named("side", DepthwiseConv(3), ReLU6(), Conv(16, 1).Grouped(4)).WithShortcut().In("middle"),
		Named("halve", MaxPool(2), Conv(24, 3).Unpadded().Called("wide"), AveragePool(3, 1), Dropout(0.1)).In("middle"),
		Named("top", Conv(32, 1), GlobalAveragePool(), Flatten(), Dense(10), ReLU()))
}

func ExampleSequence() {
	base := Sequence("mine", []int{32, 32, 3},
		Named("conv1", Conv(8, 3), ReLU()),
		Named("conv2", Conv(16, 5).Strided(2), ReLU()),
		Named("hidden", Flatten(), Dense(512), ReLU()))
	table, err := base.Network.Count()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, block := range table.Rows {
		fmt.Println(block.Name, block.Formula)
	}
	fmt.Println(table.Params(), "parameters")
	model := base.WithHead("shapes", Dense(4)) // the lecture's network; Fit trains it once its blocks are unfrozen
	fmt.Println(model.Name, "on", model.Base.Name)
	// Output:
	// conv1 8 × (3×3×3) + 8 = 224
	// conv2 16 × (5×5×8) + 16 = 3216
	// hidden 512 × 4096 + 512 = 2097664
	// 2101104 parameters
	// shapes on mine
}

func ExampleLayers_WithShortcut() {
	residual := Named("block1", Conv(64, 3).WithoutBias(), BatchNorm(), ReLU(), Conv(64, 3).WithoutBias(), BatchNorm()).WithShortcut()
	counted, err := residual.Counted()
	if err != nil {
		fmt.Println(err)
		return
	}
	row, err := counted.Count([]int{56, 56, 64})
	fmt.Println(row.Output, row.Params, err)
	// Output: [56 56 64] 73984 <nil>
}

func TestEveryKindIsCounted(t *testing.T) {
	table, err := small().Network.Count()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		output []int
		params int
	}{
		{[]int{16, 16, 16}, 16*27 + 32},
		{[]int{16, 16, 16}, 16*9 + 16 + 16*4 + 16},
		{[]int{4, 4, 24}, 24*9*16 + 24},
		{[]int{10}, 32*24 + 32 + 10*32 + 10},
	}
	for i, w := range want {
		if row := table.Rows[i]; row.Params != w.params || !reflect.DeepEqual(row.Output, w.output) {
			t.Errorf("%s: %d parameters, output %v; want %d, %v", row.Name, row.Params, row.Output, w.params, w.output)
		}
	}
	if table.Buffers() != 32 {
		t.Errorf("%d averages", table.Buffers())
	}
}

// TestDescriptionsCrossASocket: what gob and JSON give back is the same description, down to its identity.
func TestDescriptionsCrossASocket(t *testing.T) {
	for name, base := range map[string]Base{
		"user's": small(), "of a file": Load("resnet18").WithWeights("/a/b.pth"), "hub": Load("resnet18").Hub("timm/resnet18.a1_in1k"),
		"initial": small().Initial(7), "zoo": Load("efficientnet_lite0"), "empty": Sequence("none", nil),
	} {
		m := base.WithHead("m", Dense(2), ReLU())
		var buffer bytes.Buffer
		if err := gob.NewEncoder(&buffer).Encode(ModelRequest{m}); err != nil {
			t.Fatal(err)
		}
		var over ModelRequest
		if err := gob.NewDecoder(&buffer).Decode(&over); err != nil {
			t.Fatal(err)
		}
		before, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := json.Marshal(over.Model)
		var back Model
		if err := json.Unmarshal(after, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); string(before) != string(after) || string(again) != string(after) {
			t.Errorf("%s: %s became %s and %s", name, before, after, again)
		}
	}
	// Models that were kept before bases could be described have this identity.
	if text, _ := json.Marshal(Load("efficientnet_lite0").WithHead("cells", Dense(2))); string(text) !=
		`{"Name":"cells","Base":{"Name":"efficientnet_lite0"},"Head":[{"Kind":"dense","Units":2,"Rate":0}],"Seed":0}` {
		t.Errorf("the identity of a model changed: %s", text)
	}
}

func TestBadLayersAreNamed(t *testing.T) {
	for want, layer := range map[string]Layer{
		`no such kind of layer "conv2d"`:      {Kind: "conv2d"},
		"a relu has no groups":                ReLU().Grouped(2),
		"a dense has no window":               Dense(3).Strided(2),
		"a max pool has no units or biases":   MaxPool(2).WithoutBias(),
		"a conv has no epsilon":               {Kind: "conv", Units: 3, Kernel: 3, Epsilon: 1},
		"a flatten has no rate":               {Kind: "flatten", Rate: 0.5},
		`no padding "full"`:                   {Kind: "conv", Units: 3, Kernel: 3, Padding: "full"},
		"with a padding that is not Explicit": {Kind: "conv", Units: 3, Kernel: 3, Border: 1},
		"epsilon -1":                          {Kind: "batch norm", Epsilon: -1},
		"3 groups do not divide":              Conv(4, 3).Grouped(3),
		"0 filters":                           Conv(0, 3),
	} {
		_, err := layer.Count([]int{8, 8, 4})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	base := Sequence("bad", []int{8, 8, 3}, Named("one", Conv(4, 3)), Named("two", ReLU(), Dense(-1)))
	if _, err := base.Network.Count(); err == nil || !strings.Contains(err.Error(), `block "two"`) {
		t.Errorf("error %v", err)
	}
}

// TestLayersAreCountLayers: a head goes into package count as it is.
func TestLayersAreCountLayers(t *testing.T) {
	table, err := count.Network([]int{1280}, Dense(64), ReLU(), Dropout(0.5), Dense(2))
	if err != nil || table.Params() != 1280*64+64+64*2+2 {
		t.Errorf("%d parameters, %v", table.Params(), err)
	}
}
