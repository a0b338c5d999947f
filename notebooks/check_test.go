package main

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
)

const header = "package x_test\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\n\t\"transferlab/datasets\"\n\t\"transferlab/tl\"\n)\n\n" // ten lines

// Each lesson is wrong in one way; the message names the line and what is wrong.
func TestFaultsAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"syntax":            {header + "func Example_x() {\n", "lesson_test.go:"},
		"not formatted":     {header + "var  ctx = 1\n", "lesson_test.go:1: not formatted"},
		"verb":              {header + "var s, err = tl.Load(\"a\").Summary(context.Background())\n", "lesson_test.go:11:14: .Summary in a var"},
		"verb inside":       {header + "var n = len(tl.Must(tl.Load(\"a\").Summary(nil)).Blocks)\n", "tl.Must in a var"},
		"verb in literal":   {header + "var p = []any{fmt.Sprint(1)}\n", "lesson_test.go:11:15: fmt.Sprint in a var"},
		"verb in group":     {header + "var (\n\ta = 1\n\tb = fmt.Sprint(1)\n)\n", "lesson_test.go:13:6: fmt.Sprint in a var"},
		"function in var":   {header + "func f() int { return 1 }\n\nvar a = f()\n", "lesson_test.go:13:9: f in a var"},
		"literal called":    {header + "var a = func() int { return 1 }()\n", "this call in a var"},
		"main":              {header + "func main() {}\n", "func main would run"},
		"init":              {header + "func init() {}\n", "func init would run"},
		"test":              {header + "func TestX() {}\n", "TestX is no part of a lesson"},
		"upper case":        {header + "func ExampleModel() {\n\tfmt.Println()\n}\n", "lesson_test.go:11:1: ExampleModel: an example that becomes a cell"},
		"empty":             {header + "func Example_x() {\n\t// Output:\n}\n", "Example_x does nothing"},
		"declared below":    {header + "func Example_x() {\n\tfmt.Println(n)\n}\n\n// Prose.\n\nvar n = 1\n", "lesson_test.go:12:14: n is declared only further down, at line 17"},
		"declared below, f": {header + "func f() int { return n }\n\n// Prose.\n\nvar n = 1\n", "n is declared only further down"},
		"elsewhere":         {header + "func Example_x() {\n\tfmt.Println(other)\n}\n", "lesson_test.go:12:14: undefined: other in this file"},
		"dot import":        {"package x_test\n\nimport . \"fmt\"\n", "import . \"fmt\""},
		"blank import":      {"package x_test\n\nimport _ \"transferlab/tl/engine\"\n", "import _"},
		"two imports":       {"package x_test\n\nimport \"fmt\"\nimport \"os\"\n", "two cells have the id \"import\""},
		"magic":             {header + "func Example_x() {\n\tfmt.Println(`\n%reset`)\n}\n", "lesson_test.go:13:1: GoNB does not"},
		"shell":             {header + "var s = `\n!rm`\n", "lesson_test.go:12:1: GoNB"},
		"package":           {header + "func Example_x() {\n\tpackages := 1\n\tfmt.Println(packages)\n}\n", "lesson_test.go:12:1: GoNB"},
		"long id":           {header + "func Example_x" + strings.Repeat("y", 64) + "() {\n\tfmt.Println()\n}\n", "choose another name"},
	} {
		cells, err := readLesson("lesson_test.go", []byte(c.source))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %d cells, error %v; want one with %q", name, len(cells), err, c.want)
		}
	}
}

func TestAllFaultsOfALessonAreReported(t *testing.T) {
	_, err := readLesson("lesson_test.go", []byte(header+"func init() {}\n\nvar a = fmt.Sprint(1)\n"))
	if err == nil || !strings.Contains(err.Error(), "and 1 more error") {
		t.Errorf("got %v", err)
	}
}

// What the design's own example writes at top level is accepted.
func TestDescriptionsAreAccepted(t *testing.T) {
	source := header + `var ctx = context.Background()
var rest, test = datasets.Open("elpv").EveryNth(4)
var train, valid = rest.Augment(datasets.Augmentation{FlipUpDown: true}).Split(0.85, 1)
var model = tl.Load("efficientnet_lite0").WithHead("cells", tl.Dropout(0.2), tl.Dense(2)).Seeded(1)
var phase = tl.Phase{Name: "head", Epochs: 20, LearningRate: 1e-3, RateDecay: 1.0 / 3}
var later = func() { fmt.Println(test) }
var count, raw = float64(len("abc")), []byte("abc")
`
	if _, err := readLesson("lesson_test.go", []byte(source)); err != nil {
		t.Error(err)
	}
}

// The list of descriptions is held against the packages: a name on it takes no context and gives no error, and every method that gives
// a description and takes no context is on it.
func TestListOfDescriptionsAgreesWithThePackages(t *testing.T) {
	functions := map[string]any{
		"context.Background": context.Background, "datasets.Open": datasets.Open, "datasets.Folder": datasets.Folder, "datasets.Image": datasets.Image,
		"tl.Load": tl.Load, "tl.RawPixels": tl.RawPixels, "tl.ONNX": tl.ONNX, "tl.Sequence": tl.Sequence, "tl.Named": tl.Named,
		"tl.Conv": tl.Conv, "tl.DepthwiseConv": tl.DepthwiseConv, "tl.BatchNorm": tl.BatchNorm, "tl.ReLU": tl.ReLU, "tl.ReLU6": tl.ReLU6,
		"tl.MaxPool": tl.MaxPool, "tl.AveragePool": tl.AveragePool, "tl.GlobalAveragePool": tl.GlobalAveragePool, "tl.Flatten": tl.Flatten,
		"tl.Dense": tl.Dense, "tl.Dropout": tl.Dropout, "tl.Extract": tl.Extract, "tl.FineTune": tl.FineTune, "tl.Gradual": tl.Gradual,
		"tl.Discriminative": tl.Discriminative, "tl.LinearThenFull": tl.LinearThenFull, "tl.L2SP": tl.L2SP, "tl.Scratch": tl.Scratch,
		"tl.ThawNothing": tl.ThawNothing, "tl.ThawTop": tl.ThawTop, "tl.ThawStages": tl.ThawStages, "tl.ThawFrom": tl.ThawFrom, "tl.ThawEverything": tl.ThawEverything,
	}
	described := []reflect.Type{reflect.TypeFor[datasets.Dataset](), reflect.TypeFor[tl.Base](), reflect.TypeFor[tl.Model](), reflect.TypeFor[tl.Layer](),
		reflect.TypeFor[tl.Layers](), reflect.TypeFor[tl.Procedure](), reflect.TypeFor[tl.Step](), reflect.TypeFor[tl.Thaw]()}
	var methods []string
	for _, in := range described {
		for m := range in.Methods() {
			if m.Type.NumOut() > 0 && slices.Contains(described, m.Type.Out(0)) && !isVerb(m.Type) {
				methods = append(methods, m.Name)
			}
		}
	}
	for scope, names := range descriptions {
		for _, name := range names {
			if scope == "" && !slices.Contains(methods, name) {
				t.Errorf(".%s is listed and no method that describes", name)
			}
			if f := functions[scope+"."+name]; scope != "" && (f == nil || isVerb(reflect.TypeOf(f))) {
				t.Errorf("%s.%s is listed and a verb, or unknown to this test", scope, name)
			}
		}
	}
	for _, name := range methods {
		if !slices.Contains(descriptions[""], name) {
			t.Errorf(".%s describes: add it to descriptions in check.go", name)
		}
	}
}

// isVerb reports whether a function takes a context or gives an error.
func isVerb(f reflect.Type) bool {
	for i := range f.NumIn() {
		if f.In(i) == reflect.TypeFor[context.Context]() {
			return true
		}
	}
	return f.NumOut() > 0 && f.Out(f.NumOut()-1) == reflect.TypeFor[error]()
}
