package tl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// VerbLoadReport says how a base's weights were loaded: LoadRequest → LoadReport.
const VerbLoadReport = "load report"

// LoadRequest names a base.
type LoadRequest struct{ Base Base }

// LoadReport says where every number of a base came from, and what became of every tensor of the file.
type LoadReport struct {
	Base    string
	File    string // where the weights stand; "" for random ones
	Format  string // "PyTorch", "safetensors", "Keras" …
	Names   string // whose names the file has: "torchvision", "timm", "Keras"; "the lab" for its own
	Seed    int64  // of what is random
	Loaded  []string
	Initial []string          // our tensors that the file does not have, or has in another shape: left at their initial values
	Skipped map[string]string // tensors of the file that were not wanted → why
	Shapes  []ShapeMismatch
	// Converted are the tensors that the file does not hold as float32, by the type it has: "float16" → 54.
	Converted  map[string]int
	Parameters int    // numbers that were loaded, averages of batch norm included
	Pixels     string // what the network wants to see: size, mean, deviation, order of the channels
	Classifier bool   // whether the network's own top was loaded, too
}

// ShapeMismatch is a tensor that the file has in another shape.
type ShapeMismatch struct {
	Tensor     string // our name
	InFile     string // the file's name
	Want, Have []int  // both as we lay it
}

// LoadReport loads the base's weights, where that was not done yet, and says how it went.
func (b Base) LoadReport(ctx context.Context) (LoadReport, error) {
	return call[LoadReport](ctx, VerbLoadReport, b.Name, LoadRequest{b})
}

// mostListed bounds what a report lists of one kind.
const mostListed = 12

// String draws the report as a table, with the first of what was not loaded.
func (r LoadReport) String() string {
	var out strings.Builder
	from := r.File
	if from == "" {
		from = fmt.Sprintf("random from seed %d", r.Seed)
	} else if r.Names != "" {
		from += fmt.Sprintf(" (%s, names of %s)", r.Format, r.Names)
	}
	fmt.Fprintf(&out, "%s: %s\n", flat(r.Base), flat(from))
	rows := [][]string{{"", "tensors", ""}}
	line := func(what string, n int, detail string) {
		if n > 0 || what == "loaded" {
			rows = append(rows, []string{what, WithCommas(int64(n)), detail})
		}
	}
	line("loaded", len(r.Loaded), WithCommas(int64(r.Parameters))+" numbers"+r.converted())
	line("shapes disagree", len(r.Shapes), "")
	line("left at initial value", len(r.Initial), "")
	line("skipped", len(r.Skipped), "in the file and not wanted")
	out.WriteString(table("lrl", rows...))
	for i, s := range r.Shapes {
		if i == mostListed {
			fmt.Fprintf(&out, "… and %d more shapes\n", len(r.Shapes)-i)
			break
		}
		fmt.Fprintf(&out, "shape of %s: the network has %v, the file's %s has %v\n", flat(s.Tensor), s.Want, flat(s.InFile), s.Have)
	}
	if len(r.Initial) > 0 && len(r.Loaded) > 0 {
		fmt.Fprintf(&out, "initial: %s\n", someOf(r.Initial))
	}
	for _, why := range slices.Sorted(maps.Keys(r.reasons())) {
		fmt.Fprintf(&out, "skipped, %s: %s\n", why, someOf(r.reasons()[why]))
	}
	fmt.Fprintf(&out, "pixels: %s\n", r.Pixels)
	if !r.Classifier {
		out.WriteString("without a classifier of its own: give it a head\n")
	}
	return out.String()
}

// reasons are the skipped tensors by why they were, sorted.
func (r LoadReport) reasons() map[string][]string {
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(r.Skipped)) {
		by[r.Skipped[name]] = append(by[r.Skipped[name]], name)
	}
	return by
}

func (r LoadReport) converted() string {
	text := ""
	for _, kind := range slices.Sorted(maps.Keys(r.Converted)) {
		text += fmt.Sprintf(", %d tensors from %s", r.Converted[kind], flat(kind))
	}
	return text
}

// someOf lists the first names of a long list.
func someOf(names []string) string {
	shown := names
	if len(shown) > mostListed {
		shown = shown[:mostListed]
	}
	text := make([]string, len(shown))
	for i, name := range shown {
		text[i] = flat(name)
	}
	if n := len(names) - len(shown); n > 0 {
		return fmt.Sprintf("%s … and %d more", strings.Join(text, ", "), n)
	}
	return strings.Join(text, ", ")
}
