package counter

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"github.com/dop251/goja"

	"transferlab/tl/count"
)

// engine runs the page's arithmetic in Go.
type engine struct {
	network, bytes, quote goja.Callable
}

func newEngine(t testing.TB) engine {
	t.Helper()
	vm := goja.New()
	// BigInt has no JSON: numbers cross as text.
	const crossing = `
		const counted = text => {
			const n = JSON.parse(text);
			return JSON.stringify(count.network(n.input, n.layers), (_, v) => typeof v === "bigint" ? v.toString() : v);
		};
		[counted, text => count.bytes(BigInt(text)), count.quote]`
	value, err := vm.RunString(countJS + crossing)
	if err != nil {
		t.Fatal(err)
	}
	function := func(i int) goja.Callable {
		f, is := goja.AssertFunction(value.ToObject(vm).Get(strconv.Itoa(i)))
		if !is {
			t.Fatalf("%d is no function", i)
		}
		return f
	}
	return engine{function(0), function(1), function(2)}
}

func call(t testing.TB, f goja.Callable, argument string) string {
	t.Helper()
	out, err := f(goja.Undefined(), goja.New().ToValue(argument))
	if err != nil {
		t.Fatalf("%s: %v", argument, err)
	}
	return out.String()
}

// answer is what count.network in the page returns.
type answer struct {
	Rows    []answerRow `json:"rows"`
	Error   string      `json:"error"`
	Sum     answerRow   `json:"sum"`
	Formula string      `json:"formula"`
	Output  []string    `json:"output"`
}

// answerRow has the numbers of count.Row as text.
type answerRow struct {
	Name          string      `json:"name"`
	Kind          string      `json:"kind"`
	Input         []string    `json:"input"`
	Output        []string    `json:"output"`
	Kernel        string      `json:"kernel"`
	Formula       string      `json:"formula"`
	BufferFormula string      `json:"bufferFormula"`
	Params        string      `json:"params"`
	Frozen        string      `json:"frozen"`
	Buffers       string      `json:"buffers"`
	MACs          string      `json:"macs"`
	Elements      string      `json:"elements"`
	Rows          []answerRow `json:"rows"`
}

// wanted is what Go says.
func wanted(a count.Architecture) answer {
	table, err := count.Network(a.Input, a.Layers...)
	w := answer{Rows: wantedRows(table.Rows), Formula: table.Sum(), Output: texts(table.Output())}
	if err != nil {
		w.Error = err.Error()
	}
	w.Sum = answerRow{Params: fmt.Sprint(table.Params()), Frozen: fmt.Sprint(table.Frozen()), Buffers: fmt.Sprint(table.Buffers()),
		MACs: fmt.Sprint(table.MACs()), Elements: fmt.Sprint(table.Elements())}
	return w
}

func wantedRows(rows []count.Row) []answerRow {
	wanted := []answerRow{}
	for _, r := range rows {
		wanted = append(wanted, answerRow{r.Name, r.Kind, texts(r.Input), texts(r.Output), r.Kernel, r.Formula, r.BufferFormula, fmt.Sprint(r.Params),
			fmt.Sprint(r.Frozen), fmt.Sprint(r.Buffers), fmt.Sprint(r.MACs), fmt.Sprint(r.Elements), wantedRows(r.Rows)})
	}
	return wanted
}

func texts(shape []int) []string {
	all := []string{}
	for _, n := range shape {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

func (n network) json(t testing.TB) string {
	t.Helper()
	data, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (e engine) count(t testing.TB, n network) (got answer) {
	t.Helper()
	if err := json.Unmarshal([]byte(call(t, e.network, n.json(t))), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// compare counts a network in the page's script and in Go. It returns what Go says.
func (e engine) compare(t testing.TB, a count.Architecture) answer {
	t.Helper()
	n, err := described(a)
	if err != nil {
		t.Fatal(err)
	}
	got := e.count(t, n)
	want := wanted(a)
	if len(want.Error) > 0 && got.Error == want.Error && reflect.DeepEqual(got.Rows, want.Rows) {
		return want // sums of what stands before an error may exceed 63 bits, which Go says with a negative number
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nthe page: %+v\nGo:       %+v", n.json(t), got, want)
	}
	return want
}

// TestEqual counts 10,000 networks at random, such as fit together and such as do not, in the page's script and by tl/count: shapes, formulas,
// sums and errors are equal, letter by letter.
func TestEqual(t *testing.T) {
	e, r := newEngine(t), rand.New(rand.NewPCG(6, 4))
	fits, wrong, kinds := 0, map[string]int{}, map[string]int{}
	for range 10_000 {
		a := count.Architecture{Name: "random", Input: randomInput(r), Layers: randomLayers(r, r.IntN(7), 2)}
		want := e.compare(t, a)
		if t.Failed() {
			return
		}
		if want.Error == "" {
			fits++
		} else {
			wrong[family(want.Error)]++
		}
		for _, row := range want.Rows {
			kinds[row.Kind]++
		}
	}
	if fits < 2000 || len(wrong) < 25 || len(kinds) < 13 {
		t.Errorf("%d of 10,000 networks fit, %d kinds of errors, %d kinds of layers", fits, len(wrong), len(kinds))
	}
	t.Logf("%d networks fit; errors: %v; layers: %v", fits, wrong, kinds)
}

// TestEqualOnPublishedNetworks does the same for the networks that tl/count knows, with and without their heads.
func TestEqualOnPublishedNetworks(t *testing.T) {
	e := newEngine(t)
	for _, classes := range []int{0, 2, 1000} {
		for _, a := range count.Architectures(classes) {
			if want := e.compare(t, a); want.Error != "" || want.Sum.Params == "0" {
				t.Errorf("%s for %d classes: %q", a.Name, classes, want.Error)
			}
		}
	}
	if want := e.compare(t, count.LectureCNN(4)); want.Formula != "224 + 3216 + 2097664 + 2052 = 2103156" {
		t.Errorf("the lecture's network: %s", want.Formula)
	}
}

func TestEqualInDeepAndLargeNetworks(t *testing.T) {
	e := newEngine(t)
	for _, depth := range []int{99, 100} {
		block := count.Block{Layers: []count.Layer{count.Flatten{}}}
		for range depth - 1 {
			block = count.Block{Layers: []count.Layer{block}}
		}
		e.compare(t, count.Architecture{Input: []int{2, 2, 2}, Layers: []count.Layer{block}})
	}
	huge := count.Dense{Units: 1 << 31}
	for _, layers := range [][]count.Layer{{huge, huge, huge}, {huge, count.Dense{Units: 1 << 33}}, {count.Block{Layers: []count.Layer{huge, huge, huge}}},
		{count.Parallel{Join: count.Concat, Branches: []count.Block{{Layers: []count.Layer{huge, huge}}, {Layers: []count.Layer{huge, huge}}}}}} {
		for _, input := range [][]int{{1}, {1 << 30}, {1 << 31, 1 << 31}, {1 << 52}} {
			e.compare(t, count.Architecture{Input: input, Layers: layers})
		}
	}
}

// TestEqualText compares what Go prints for names, numbers and sizes.
func TestEqualText(t *testing.T) {
	e, r := newEngine(t), rand.New(rand.NewPCG(6, 5))
	for _, name := range []string{"", "conv1", "a\"b\\c", "tab\tline\nbell\a\x00\x7f", "ümläut ×", "\u00a0\u200b\u2028\ufeff", "図", "🐹", "e\u0301", "</script>"} {
		if got := call(t, e.quote, name); got != fmt.Sprintf("%q", name) {
			t.Errorf("%q is quoted as %s", name, got)
		}
	}
	sizes := []int64{0, 1, 999, 1000, 1005, 1115, 1125, 1135, 9994, 9995, 99949, 99950, 999499, 999500, 1<<63 - 1}
	for range 2000 {
		sizes = append(sizes, r.Int64()>>r.IntN(63), int64(r.IntN(8000))*125)
	}
	for _, n := range sizes {
		if got := call(t, e.bytes, fmt.Sprint(n)); got != count.BytesText(n) {
			t.Errorf("%d bytes are %q, want %q", n, got, count.BytesText(n))
		}
	}
	for _, rate := range []float64{1, 1.5, -0.25, 1e6, 123456789, 1e20, 1e21, 2.5e30, -1e-5, -0.0001, -0.000123, -1e-300, 1 << 52} {
		e.compare(t, count.Architecture{Input: []int{3}, Layers: []count.Layer{count.Dropout{Rate: rate}}})
	}
}

func BenchmarkCount(b *testing.B) {
	e := newEngine(b)
	n, err := described(count.ResNet50(1000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		e.count(b, n)
	}
}
