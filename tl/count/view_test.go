package count_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"encoding/xml"

	"transferlab/tl/count"
)

var update = flag.Bool("update", false, "write the golden files anew; read them before you commit")

// golden compares text with testdata/name.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, text, want)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, " ") {
			t.Errorf("%s: a line ends with a space: %q", name, line)
		}
	}
}

// hostile has names that no table may trip over.
func hostile(t *testing.T) count.Table {
	table, err := count.Network([]int{4, 4, 1},
		count.Block{Name: "a|b\n<script>alert('&')</script>", Layers: []count.Layer{count.Conv{Name: "*_[x](y)`\x1b[31m\\", Filters: 1, Kernel: 1}}},
		count.Activation{Name: "Zellgröße – überall \u2028 \"q\""})
	if err != nil {
		t.Fatal(err)
	}
	table.Name = "<b>&|*"
	return table
}

func TestViews(t *testing.T) {
	tuned, err := counted(t, count.ResNet18(2)).Freeze("stem", "layer1", "layer2/block1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		table count.Table
		view  count.View
	}{
		{"lecture", counted(t, count.LectureCNN(4)), count.View{Batch: 32, Optimizer: count.Adam}},
		{"resnet18_1", tuned, count.View{Depth: 1, Batch: 16, Optimizer: count.Momentum}},
		{"resnet18_3", tuned, count.View{Depth: 3}},
		{"hostile", hostile(t), count.View{}},
		{"empty", count.Table{Input: []int{8}}, count.View{}},
	} {
		text, err := c.table.Text(c.view)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name+".txt", text)
		markdown, err := c.table.Markdown(c.view)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name+".md", markdown)
		markup, err := c.table.HTML(c.view)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name+".html", markup)
		isWhole(t, c.name, markup)
		raw, err := c.table.JSON(c.view)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name+".json", string(raw)+"\n")
	}
	golden(t, "mobilenet_v2.txt", counted(t, count.MobileNetV2(1000)).String())
}

// isWhole reads the HTML as XML: what is opened is closed, and nothing is fetched or run.
func isWhole(t *testing.T, name, markup string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader("<body>" + markup + "</body>"))
	decoder.Entity = xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if element, ok := token.(xml.StartElement); ok {
			if strings.Contains("script img link iframe object", element.Name.Local) {
				t.Errorf("%s: an element %s", name, element.Name.Local)
			}
			for _, a := range element.Attr {
				if a.Name.Local == "href" || a.Name.Local == "src" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s: an attribute %s", name, a.Name.Local)
				}
			}
		}
	}
}

// TestViewsTellTheSame reads every row's parameters back out of the four renderings.
func TestViewsTellTheSame(t *testing.T) {
	table := counted(t, count.MobileNetV2(1000))
	text, err := table.Text(count.View{})
	if err != nil {
		t.Fatal(err)
	}
	markdown, _ := table.Markdown(count.View{})
	markup, _ := table.HTML(count.View{})
	raw, err := table.JSON(count.View{})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Layers []count.Row
		Totals struct{ Params, Buffers, Trainable int }
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	again := count.Table{Rows: read.Layers}
	if again.Params() != 3_504_872 || read.Totals.Params != 3_504_872 || read.Totals.Buffers != 34_112 || read.Totals.Trainable != 3_504_872 {
		t.Errorf("JSON says %d and %+v", again.Params(), read.Totals)
	}
	if fmt.Sprint(again.Leaves()) != fmt.Sprint(table.Leaves()) {
		t.Error("JSON does not bring the layers back")
	}
	for _, r := range table.Leaves() {
		for name, view := range map[string]string{"text": text, "Markdown": markdown, "HTML": html.UnescapeString(markup)} {
			if r.Formula != "" && !strings.Contains(view, r.Formula) {
				t.Errorf("%s lacks %q", name, r.Formula)
			}
		}
	}
	for name, view := range map[string]string{"text": text, "Markdown": markdown, "HTML": markup} {
		if !strings.Contains(view, "total 3,504,872, trainable 3,504,872, frozen 0") || !strings.Contains(view, "34,112 batch-norm averages") {
			t.Errorf("%s lacks the totals", name)
		}
	}
}

func TestDepth(t *testing.T) {
	table := counted(t, count.ResNet50(1000))
	whole, err := table.JSON(count.View{})
	if err != nil {
		t.Fatal(err)
	}
	for depth, rows := range map[int]int{1: 6, 2: 6 + 4 + 16 + 2, 99: -1} {
		text, err := table.Text(count.View{Depth: depth})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := table.JSON(count.View{Depth: depth})
		if err != nil {
			t.Fatal(err)
		}
		names := bytes.Count(raw, []byte(`"kind"`))
		if rows > 0 && (strings.Count(text, "\n") != rows+8 || names != rows) {
			t.Errorf("depth %d: %d lines, %d layers in JSON, want %d layers:\n%s", depth, strings.Count(text, "\n"), names, rows, text)
		}
		if rows < 0 && !bytes.Equal(raw, whole) {
			t.Errorf("depth %d is not the whole", depth)
		}
		if !strings.Contains(text, "total 25,557,032") {
			t.Errorf("depth %d has other totals", depth)
		}
	}
}

func TestViewsThatAreRefused(t *testing.T) {
	table := counted(t, count.LectureCNN(4))
	for _, v := range []count.View{{Depth: -1}, {Batch: -1}, {Optimizer: 9}} {
		_, text := table.Text(v)
		_, markdown := table.Markdown(v)
		_, markup := table.HTML(v)
		_, raw := table.JSON(v)
		for _, err := range []error{text, markdown, markup, raw} {
			if err == nil || !strings.HasPrefix(err.Error(), "count: ") {
				t.Errorf("%+v: error %v", v, err)
			}
		}
	}
}

// TestMemory computes the estimate by hand for 10 → 20 → 30 numbers.
func TestMemory(t *testing.T) {
	table, err := count.Network([]int{10}, count.Dense{Name: "a", Units: 20}, count.BatchNorm{}, count.Flatten{}, count.Dense{Name: "b", Units: 30})
	if err != nil {
		t.Fatal(err)
	}
	a, bn, b := 220, 40, 630
	frozen, err := table.Freeze("a", "bn")
	if err != nil {
		t.Fatal(err)
	}
	all, err := frozen.Freeze("b")
	if err != nil {
		t.Fatal(err)
	}
	weights := int64(4 * (a + bn + 40 + b)) // with the averages
	for _, c := range []struct {
		what  string
		table count.Table
		batch int
		by    count.Optimizer
		want  count.Memory
	}{
		{"SGD", table, 8, count.SGD, count.Memory{Weights: weights, Gradients: int64(4 * (a + bn + b)), Activations: 4 * 8 * (10 + 20 + 20 + 30), Passing: 4 * 8 * (20 + 30)}},
		{"momentum", table, 1, count.Momentum, count.Memory{Weights: weights, Gradients: int64(4 * (a + bn + b)), Optimizer: int64(4 * (a + bn + b)), Activations: 4 * 80, Passing: 4 * 50}},
		{"Adam, base frozen", frozen, 8, count.Adam, count.Memory{Weights: weights, Gradients: int64(4 * b), Optimizer: int64(8 * b), Activations: 4 * 8 * (20 + 30), Passing: 4 * 8 * 50}},
		{"all frozen", all, 8, count.Adam, count.Memory{Weights: weights, Passing: 4 * 8 * 50}},
	} {
		got, err := c.table.Memory(c.batch, c.by)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, error %v, want %+v", c.what, got, err, c.want)
		}
		if sum := c.want.Weights + c.want.Gradients + c.want.Optimizer + c.want.Activations + c.want.Passing; got.Total() != sum {
			t.Errorf("%s: total %d, want %d", c.what, got.Total(), sum)
		}
	}
	if _, err := table.Memory(0, count.SGD); err == nil || !strings.Contains(err.Error(), "batch of 0") {
		t.Errorf("error %v", err)
	}
	if _, err := table.Memory(1, -1); err == nil || !strings.Contains(err.Error(), "optimizer -1") {
		t.Errorf("error %v", err)
	}
	huge, err := count.Network([]int{1 << 61}, count.Activation{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := huge.Memory(math.MaxInt, count.Adam); err != nil || got.Total() != math.MaxInt64 || got.Passing != math.MaxInt64 {
		t.Errorf("%+v, error %v", got, err)
	}
	if vgg := counted(t, count.VGG16(1000)); vgg.WeightBytes() != 553_430_176 || vgg.ActivationBytes(2) != 2*4*vgg.Elements() {
		t.Errorf("%d bytes of weights, %d of activations", vgg.WeightBytes(), vgg.ActivationBytes(2))
	}
}

// A head on a frozen base: what keeps the way back is only the head.
func ExampleTable_Memory() {
	table, err := count.MobileNetV2(2).Count()
	if err != nil {
		fmt.Println(err)
		return
	}
	whole, err := table.Memory(32, count.Adam)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("everything:", whole)
	for _, block := range table.Rows[:len(table.Rows)-1] {
		if table, err = table.Freeze(block.Name); err != nil {
			fmt.Println(err)
			return
		}
	}
	head, err := table.Memory(32, count.Adam)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the head:  ", head)
	// Output:
	// everything: 2.88 GB = 9.04 MB weights + 8.91 MB gradients + 17.8 MB optimizer + 2.54 GB activations + 308 MB passing between layers
	// the head:   318 MB = 9.04 MB weights + 10.2 kB gradients + 20.5 kB optimizer + 164 kB activations + 308 MB passing between layers
}
