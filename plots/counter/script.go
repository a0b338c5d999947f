package counter

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	"transferlab/tl/count"
)

// The script of a page, in the order in which it runs.
var (
	//go:embed count.js
	countJS string
	//go:embed source.js
	sourceJS string
	//go:embed fields.js
	fieldsJS string
	//go:embed drawing.js
	drawingJS string
	//go:embed counter.js
	counterJS string
	//go:embed editor.js
	editorJS string
	//go:embed table.js
	tableJS string
	//go:embed counter.css
	stylesCSS string
)

// script is the element's whole script, and the name that it gives to the element. The name holds a sum of the script: a notebook may show
// counters of an older version beside new ones.
func script() (text, element string, err error) {
	networks, err := presets()
	if err != nil {
		return "", "", err
	}
	offers, err := json.Marshal(networks)
	if err != nil {
		return "", "", fmt.Errorf("counter: presets: %w", err)
	}
	styles, err := json.Marshal(bare(stylesCSS))
	if err != nil {
		return "", "", fmt.Errorf("counter: styles: %w", err)
	}
	body := fmt.Sprintf("const presets = %s;\nconst styles = %s;\n%s", offers, styles,
		bare(strings.Join([]string{countJS, sourceJS, fieldsJS, drawingJS, counterJS, editorJS, tableJS}, "")))
	sum := fnv.New32a()
	sum.Write([]byte(body))
	element = fmt.Sprintf("tlab-counter-%08x", sum.Sum32())
	// A page with several counters has the script several times; it works once.
	return fmt.Sprintf("(() => {\n\"use strict\";\nif (customElements.get(%q)) return;\n%scustomElements.define(%q, Counter);\n})();", element, body, element),
		element, nil
}

// bare is a source without comments of whole lines and without indentation, which readers of the page do not need.
func bare(source string) string {
	var out strings.Builder
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// presets are the networks that every counter offers.
func presets() ([]network, error) {
	lenet := count.Architecture{Name: "lenet_5", Input: []int{28, 28, 1}, Paper: "LeCun et al. 1998, with all maps connected", Layers: []count.Layer{
		count.Conv{Name: "c1", Filters: 6, Kernel: 5}, count.Activation{Name: "tanh"}, count.Pool{Name: "s2", Size: 2, Average: true},
		count.Conv{Name: "c3", Filters: 16, Kernel: 5, Padding: count.Valid}, count.Activation{Name: "tanh"}, count.Pool{Name: "s4", Size: 2, Average: true},
		count.Flatten{}, count.Dense{Name: "c5", Units: 120}, count.Dense{Name: "f6", Units: 84}, count.Dense{Name: "classes", Units: 10}}}
	var all []network
	for _, offer := range []struct {
		label string
		count.Architecture
	}{
		{"the lecture's network, 4 classes", count.LectureCNN(4)},
		{"LeNet-5, 10 classes", lenet},
		{"VGG16, 1,000 classes", count.VGG16(1000)},
		{"VGG16, 2 classes", count.VGG16(2)},
		{"ResNet18, 1,000 classes", count.ResNet18(1000)},
		{"EfficientNet-Lite0, 1,000 classes", count.EfficientNetLite(0, 1000)},
	} {
		n, err := described(offer.Architecture)
		if err != nil {
			return nil, err
		}
		n.Label = offer.label
		all = append(all, n)
	}
	return append(all, network{Name: "empty", Label: "an empty network", Input: []int{32, 32, 3}, Layers: []layer{}}), nil
}
