package counter

import (
	"fmt"
	"go/format"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"golang.org/x/net/html"

	"transferlab/tl/count"
)

// parsed is the piece as a browser reads it.
func parsed(t *testing.T, piece string) (element, script *html.Node) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(piece))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case strings.HasPrefix(n.Data, "tlab-counter-"):
			element = n
		case n.Data == "script":
			if script != nil {
				t.Error("two scripts")
			}
			script = n
		case n.Data == "link", n.Data == "img", n.Data == "iframe":
			t.Errorf("a <%s>", n.Data)
		}
	}
	if element == nil || script == nil || script.FirstChild == nil {
		t.Fatal("no element or no script")
	}
	return element, script
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}

// TestHTML: names that mean something in HTML mean nothing here, the table stands for the element, the script is whole and asks for nothing.
func TestHTML(t *testing.T) {
	evil := `"></tlab-counter><script>alert(1)</script><!--`
	a := count.LectureCNN(4)
	a.Name, a.Layers[0] = evil, count.Conv{Name: evil, Filters: 8, Kernel: 3}
	piece, err := HTML(a, count.VGG16(2))
	if err != nil {
		t.Fatal(err)
	}
	element, script := parsed(t, piece)
	if attribute(element, "class") != Class || !strings.Contains(textOf(element), "8 × (3×3×3) + 8 = 224") || !strings.Contains(textOf(element), evil) {
		t.Errorf("the table in the element: %s", textOf(element))
	}
	var names strings.Builder
	vm := goja.New()
	for name, value := range map[string]any{"text": attribute(element, "data-networks"), "say": func(s string) { names.WriteString(s + "\n") }} {
		if err := vm.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := vm.RunString(`for (const n of JSON.parse(text)) say(n.name + " " + n.layers[0].name)`); err != nil {
		t.Fatal(err)
	}
	if names.String() != evil+" "+evil+"\nvgg16 block1\n" {
		t.Errorf("the networks arrive as %q", names.String())
	}
	code := textOf(script)
	if _, err := goja.Compile("counter", code, true); err != nil {
		t.Error(err)
	}
	if !strings.Contains(code, "customElements.define("+fmt.Sprintf("%q", element.Data)) {
		t.Error("the script defines another element")
	}
	for _, outside := range []string{"fetch(", "XMLHttpRequest", "import(", "WebSocket", "innerHTML", "eval("} {
		if strings.Contains(code, outside) {
			t.Errorf("the script has %s", outside)
		}
	}
	if len(piece) > 100_000 {
		t.Errorf("the piece has %d bytes, and every counter of a notebook has one", len(piece))
	}
}

// A network that does not fit together opens, with what is wrong.
func TestHTMLOfAWrongNetwork(t *testing.T) {
	piece, err := HTML(count.Architecture{Name: "wrong", Input: []int{8, 8, 3}, Layers: []count.Layer{count.Dense{Units: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if element, _ := parsed(t, piece); !strings.Contains(textOf(element), "put Flatten or GlobalPool before it (in wrong)") {
		t.Errorf("the table: %s", textOf(element))
	}
}

// A network without an input is another wrong one: the element must find a list there.
func TestHTMLWithoutInput(t *testing.T) {
	piece, err := HTML(count.Architecture{Name: "forgotten", Layers: []count.Layer{count.Flatten{}}})
	if err != nil {
		t.Fatal(err)
	}
	element, _ := parsed(t, piece)
	if data := attribute(element, "data-networks"); !strings.Contains(data, `"input":[]`) || !strings.Contains(textOf(element), "input without axes") {
		t.Errorf("%s\n%s", data, textOf(element))
	}
}

type foreign struct{ count.Flatten }

func TestHTMLErrors(t *testing.T) {
	loop := count.Block{Layers: make([]count.Layer, 1)}
	loop.Layers[0] = loop
	for want, layers := range map[string][]count.Layer{
		"layer 2: a layer of type counter.foreign is unknown":   {count.Flatten{}, foreign{}},
		"layer 1: a layer of type <nil> is unknown":             {nil},
		"layer 1: a number beyond 53 bits":                      {count.Dense{Units: 1 << 53}},
		"layer 1: branch \"\": layer 1: a number beyond":        {count.Parallel{Branches: []count.Block{{Layers: []count.Layer{count.Conv{Kernel: -1 << 60}}}}}},
		"blocks inside blocks, more than 100 deep":              {loop},
		"layer 1: rate NaN is no number":                        {count.Dropout{Rate: nan()}},
		"layer 1: a number beyond 53 bits, which a browser doe": {count.Pool{Padding: count.Explicit, Border: count.Around(1 << 60)}},
	} {
		if _, err := HTML(count.Architecture{Name: "n", Input: []int{1}, Layers: layers}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := HTML(count.Architecture{Input: []int{1 << 60}}); err == nil {
		t.Error("an input beyond 53 bits is taken")
	}
	if _, err := HTML(); err == nil {
		t.Error("no network is taken")
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

// TestPresets: all are counted without an error, and are the published ones.
func TestPresets(t *testing.T) {
	networks, err := presets()
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t)
	params := map[string]string{"lecture_cnn": "2103156", "lenet_5": "61706", "vgg16": "138357544 134268738", "resnet18": "11689512",
		"efficientnet_lite0": "4652008", "empty": "0"}
	for _, n := range networks {
		got := e.count(t, n)
		if got.Error != "" || !strings.Contains(params[n.Name], got.Sum.Params) || n.Label == "" {
			t.Errorf("%s (%s): %s parameters, %s", n.Name, n.Label, got.Sum.Params, got.Error)
		}
	}
	if len(networks) != 7 {
		t.Errorf("%d presets", len(networks))
	}
}

// TestSource: the Go that a counter offers is what gofmt would write, and says the same network.
func TestSource(t *testing.T) {
	vm := goja.New()
	value, err := vm.RunString(countJS + sourceJS + "text => source(JSON.parse(text))")
	if err != nil {
		t.Fatal(err)
	}
	write, _ := goja.AssertFunction(value)
	of := func(a count.Architecture) string {
		n, err := described(a)
		if err != nil {
			t.Fatal(err)
		}
		return call(t, write, n.json(t))
	}
	if got := of(count.LectureCNN(4)); got != `count.Network([]int{32, 32, 3},
	count.Conv{Name: "conv1", Filters: 8, Kernel: 3},
	count.Conv{Name: "conv2", Filters: 16, Kernel: 5, Stride: 2},
	count.Flatten{},
	count.Dense{Name: "hidden", Units: 512},
	count.Dense{Name: "classes", Units: 4},
)` {
		t.Errorf("the lecture's network:\n%s", got)
	}
	r := rand.New(rand.NewPCG(6, 7))
	for range 300 {
		source := "var _, _ = " + of(count.Architecture{Input: randomInput(r), Layers: randomLayers(r, r.IntN(7), 3)}) + "\n"
		formatted, err := format.Source([]byte(source))
		if err != nil || string(formatted) != source {
			t.Fatalf("%v\n%s\nwant\n%s", err, source, formatted)
		}
	}
}
