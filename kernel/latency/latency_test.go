package latency

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/setup"
)

var cells = flag.Int("cells", 15, "how many cells of each kind are timed")

// contender is a kind of cell in a kernel.
type contender struct {
	name   string
	kernel string // contenders with the same one share a process
	launch kernel.Launch
	before string           // a cell that declares what the others use
	cell   func(int) string // a cell that is another for each number
	want   string           // what it shows, beside the number
	took   []time.Duration
	split  split
}

// The same verb: in a cell beside the engine, and in one that links it.
const (
	verbImports   = "import (\n\t\"context\"\n\t\"fmt\"\n\n\t\"transferlab/tl\"\n)"
	figureImports = "import (\n\t\"context\"\n\t\"fmt\"\n\n\t\"transferlab/plots\"\n\t\"transferlab/tl\"\n)"
	linkedImports = "import (\n\t\"context\"\n\t\"fmt\"\n\n\t\"transferlab/tl\"\n\t_ \"transferlab/tl/engine\"\n)"
	verb          = "%%%%\nfmt.Println(tl.Must(tl.Load(\"efficientnet_lite0\").Summary(context.Background())), %d)"
	figure        = "%%%%\nfmt.Println(%d)\nplots.Show(plots.Parameters(tl.Must(tl.Load(\"efficientnet_lite0\").Summary(context.Background()))))"
	printing      = "%%%%\nfmt.Println(%d)"
)

func numbered(format string) func(int) string {
	return func(n int) string { return fmt.Sprintf(format, n) }
}

// The rows of the table. The second is what the others are compared with.
func (b bench) contenders(tb testing.TB) []*contender {
	gonb, ours := b.gonb(tb), b.ours()
	return []*contender{
		{name: "ipykernel, print", kernel: "ipykernel", launch: b.ipykernel(tb), cell: numbered("print(%d)")},
		{name: "GoNB, print", kernel: "gonb", launch: gonb, cell: numbered(printing)},
		{name: "lab, print", kernel: "ours", launch: ours, cell: numbered(printing)},
		{name: "lab, a verb", kernel: "ours, verb", launch: ours, before: verbImports, cell: numbered(verb), want: "mbconv16"},
		{name: "lab, a verb and a figure", kernel: "ours, figure", launch: ours, before: figureImports, cell: numbered(figure), want: "text/html"},
		{name: "lab, the verb with GoMLX linked in", kernel: "ours, linked", launch: ours, before: linkedImports, cell: numbered(verb), want: "mbconv16"},
		{name: "GoNB, !echo", kernel: "gonb", launch: gonb, cell: numbered("!echo %d")},
		{name: "lab, !echo", kernel: "ours", launch: ours, cell: numbered("!echo %d")},
	}
}

// BenchmarkLatency times changing cells, kernels taking turns, so that whatever else the machine does meets all alike.
func BenchmarkLatency(b *testing.B) {
	place := newBench(b, setup.ForLab)
	for range b.N {
		all := place.contenders(b)
		timeAll(b, all, *cells)
		place.splitAll(b, all)
		fmt.Printf("\n%s\n", table(all, *cells))
		for _, c := range all {
			b.ReportMetric(milliseconds(median(c.took)), strings.ReplaceAll(strings.ReplaceAll(c.name, ",", ""), " ", "-")+"-ms")
		}
	}
}

// number is part of each cell, so that none was ever built before.
var number = int(time.Now().UnixNano() % 1e9)

func timeAll(b *testing.B, all []*contender, rounds int) {
	sessions := map[string]*kernel.Session{}
	for _, c := range all {
		if sessions[c.kernel] == nil {
			sessions[c.kernel] = start(b, c.launch)
		}
		if c.before != "" {
			if _, _, err := run(b.Context(), sessions[c.kernel], c.before, ""); err != nil {
				b.Fatal(err)
			}
		}
	}
	for round := -1; round < rounds; round++ { // the first is for caches that a kernel's first cell fills
		for _, c := range all {
			number++
			took, out, err := run(b.Context(), sessions[c.kernel], c.cell(number), c.want)
			if err == nil && !strings.Contains(out, fmt.Sprint(number)) {
				err = fmt.Errorf("shows no %d, but %q", number, out)
			}
			if err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			if round >= 0 {
				c.took = append(c.took, took)
			}
		}
	}
	for _, s := range sessions {
		s.Close()
	}
}

func median(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// table compares each contender with GoNB's own cell that only prints and with ours. Times are in milliseconds.
func table(all []*contender, rounds int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "medians of %d cells, ms; split: of %d further cells\n\n", rounds, splitCells)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "cell\tmedian\tmin\tmax\t× GoNB's print\t× our print\tgoimports\tgo: load\tcompile\tlink\trest, run\t")
	gonb, ours := median(all[1].took), median(all[2].took)
	for _, c := range all {
		m := median(c.took)
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.2f\t%.2f\t%s\n", c.name, milliseconds(m), milliseconds(slices.Min(c.took)),
			milliseconds(slices.Max(c.took)), float64(m)/float64(gonb), float64(m)/float64(ours), c.split)
	}
	w.Flush()
	return out.String()
}
