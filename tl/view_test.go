package tl

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"transferlab/tl/count"
)

func TestSummaryViews(t *testing.T) {
	s := lecture()
	for depth, name := range map[int]string{0: "summary_all", 1: "summary_blocks"} {
		markdown, err := s.Markdown(View{Depth: depth})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".md", markdown)
		html, err := s.HTML(View{Depth: depth, Batch: 8, Optimizer: "sgd"})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".html", html)
	}
	raw, err := s.JSON(View{})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Layers []count.Row
		Totals struct {
			Params, Frozen, Buffers, Batch int
			Optimizer                      string
		}
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	if got := read.Totals; got.Params != 2103156 || got.Frozen != 224 || got.Buffers != 16 || got.Batch != 32 || got.Optimizer != "Adam" {
		t.Errorf("%+v", got)
	}
	if len(read.Layers) != 4 || len(read.Layers[1].Rows) != 2 || read.Layers[2].State != "trainable, rate 0.00033" || read.Layers[0].State != "frozen" {
		t.Errorf("%+v", read.Layers)
	}
}

func TestSummaryMemory(t *testing.T) {
	s := lecture()
	got, err := s.Memory(View{Batch: 10, Optimizer: "sgd"})
	if err != nil {
		t.Fatal(err)
	}
	// From conv2 on, its input included; each block writes twice, once by its weights and once by its relu.
	kept := 64*64*8 + 2*(32*32*16+512+4)
	want := count.Memory{Weights: 4 * (2103156 + 16), Gradients: 4 * 2102932, Activations: int64(4 * 10 * kept), Passing: 4 * 10 * (64*64*8 + 64*64*8)}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	adam, err := s.Memory(View{Batch: 10})
	if err != nil || adam.Optimizer != 2*4*2102932 {
		t.Errorf("%+v, error %v", adam, err)
	}
	for _, v := range []View{{Optimizer: "adamant"}, {Batch: -1}, {Depth: -1}} {
		_, markdown := s.Markdown(v)
		_, raw := s.JSON(v)
		for _, err := range []error{markdown, raw} {
			if err == nil || !strings.HasPrefix(err.Error(), "tl: write summary: ") {
				t.Errorf("%+v: error %v", v, err)
			}
		}
	}
}

// TestSummaryTable: what the engine says about a layer goes before what its shape says.
func TestSummaryTable(t *testing.T) {
	s := Summary{Input: []int{4, 4, 2}, Blocks: []Block{
		{Name: "a", Output: []int{32}, Params: 7, Layers: []LayerRow{
			{Name: "fused", Kind: "conv", Output: []int{4, 4, 2}, Params: 7, Elements: 5}, {Name: "flatten", Kind: "flatten", Output: []int{32}}}},
		{Name: "b", Output: []int{3}, Params: 2},
		{Name: "c", Output: []int{-3, 1 << 62, 1 << 62}},
	}}
	table := s.Table()
	if table.Elements() != 5+3 || table.Params() != 9 || len(table.Leaves()) != 4 || fmt.Sprint(table.Rows[0].Rows[1].Input, table.Rows[1].Input) != "[4 4 2] [32]" {
		t.Errorf("%d %+v", table.Elements(), table)
	}
}

// A head is counted without an engine.
func ExampleLayer_Count() {
	table, err := count.Network([]int{1280}, Dense(64), ReLU(), Dropout(0.5), Dense(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	// Output:
	// input    1280
	// dense    64    64 × 1280 + 64 = 81984
	// relu     64
	// dropout  64
	// dense_2  2     2 × 64 + 2 = 130
	// total 82114
}

func TestLayerThatIsNone(t *testing.T) {
	for want, layer := range map[string]Layer{`no such kind of layer "conv3d"`: {Kind: "conv3d"}, "0 units": Dense(0), "rate 1,": Dropout(1)} {
		if _, err := count.Network([]int{8}, layer); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", layer, err, want)
		}
	}
}
