package tl

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Difference is one thing in which two receipts differ.
type Difference struct {
	Group string // one of the groups of Comparison
	Text  string // in plain words; A and B are the two receipts
}

// Comparison is what Compare found.
type Comparison struct {
	Differences []Difference
	Identical   bool // the weights that the runs ended with, bit for bit
}

// groups are what a receipt is compared by, in the order in which they are listed.
var groups = []string{"data", "weights", "code", "machine", "phases", "rates", "seed", "results"}

// causes are the same groups, the likeliest cause of a difference first. Results are what is caused.
var causes = []string{"data", "seed", "weights", "phases", "rates", "code", "machine"}

// Compare finds what differs between two runs, times apart.
func (r Receipt) Compare(other Receipt) Comparison {
	c := &Comparison{Identical: r.Weights.After == other.Weights.After}
	c.data(r, other)
	c.weights(r, other)
	c.code(r, other)
	c.machine(r.Machine, other.Machine)
	c.phases(r.Phases, other.Phases)
	if r.Seed != other.Seed {
		c.add("seed", "the seeds differ: %d and %d", r.Seed, other.Seed)
	}
	c.results(r, other)
	return *c
}

// Of lists the differences of a group.
func (c Comparison) Of(group string) (texts []string) {
	for _, d := range c.Differences {
		if d.Group == group {
			texts = append(texts, d.Text)
		}
	}
	return texts
}

// First says in a sentence why the runs differ: the likeliest cause. Where only results do, that is said.
func (c Comparison) First() string {
	for _, group := range causes {
		if texts := c.Of(group); len(texts) > 0 {
			if c.Identical {
				return texts[0] + "; yet the weights are bit-identical"
			}
			return texts[0]
		}
	}
	switch {
	case len(c.Differences) == 0:
		return "same everything; results are bit-identical"
	case c.Identical:
		return c.Differences[0].Text + "; the weights are bit-identical"
	}
	return "everything that a receipt records is the same, and the results differ: " + c.Differences[0].Text
}

// String lists the groups with their differences, and the first cause.
func (c Comparison) String() string {
	rows := [][]string{}
	for _, group := range groups {
		texts := c.Of(group)
		if len(texts) == 0 {
			texts = []string{"same"}
		}
		for i, text := range texts {
			if i > 0 {
				group = ""
			}
			rows = append(rows, []string{group, text})
		}
	}
	return table("ll", rows...) + "first cause: " + c.First() + "\n"
}

// add notes a difference, once.
func (c *Comparison) add(group, format string, arguments ...any) {
	d := Difference{group, fmt.Sprintf(format, arguments...)}
	if !slices.Contains(c.Differences, d) {
		c.Differences = append(c.Differences, d)
	}
}

// data compares the data sets of the phases that both have. What is so in all of them is said once.
func (c *Comparison) data(a, b Receipt) {
	if !slices.Equal(a.Classes, b.Classes) && len(a.Phases) > 0 && len(b.Phases) > 0 {
		c.add("data", "the classes differ: %s and %s", strings.Join(a.Classes, ", "), strings.Join(b.Classes, ", "))
	}
	for i := range min(len(a.Phases), len(b.Phases)) {
		c.dataset("train", &a.Phases[i].Train, &b.Phases[i].Train)
		c.dataset("valid", a.Phases[i].Valid, b.Phases[i].Valid)
	}
}

func (c *Comparison) dataset(role string, a, b *ReceiptData) {
	switch {
	case a == nil && b == nil:
	case a == nil:
		c.add("data", "only B has %s data (%s)", role, b.Description)
	case b == nil:
		c.add("data", "only A has %s data (%s)", role, a.Description)
	case a.Name != b.Name:
		c.add("data", "%s is %s in A and %s in B", role, a.Name, b.Name)
	case a.Rows != b.Rows:
		more, which := b.Rows-a.Rows, "B"
		if more < 0 {
			more, which = -more, "A"
		}
		c.add("data", "%s has %s more in %s: %s and %s%s", role, plural(more, "row"), which, WithCommas(int64(a.Rows)), WithCommas(int64(b.Rows)), selections(a, b))
	case a.Images != b.Images:
		c.add("data", "%s has as many rows, but other images%s", role, selections(a, b))
	case a.Labelled != b.Labelled:
		c.add("data", "%s has the same images, but other labels", role)
	case a.Order != b.Order:
		c.add("data", "%s has the same rows in another order%s", role, selections(a, b))
	case a.Description != b.Description:
		c.add("data", "%s is varied otherwise (%s)", role, pair(a.Description, b.Description))
	}
}

// selections says how the descriptions differ, if they do.
func selections(a, b *ReceiptData) string {
	if a.Description == b.Description {
		return ""
	}
	return " (" + pair(a.Description, b.Description) + ")"
}

// pair names what A and B have, texts in quotation marks.
func pair(a, b any) string { return fmt.Sprintf("%v and %v", quoted(a), quoted(b)) }

func quoted(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return fmt.Sprintf("%q", r.String())
	}
	return v
}

// weights compares what the runs started from.
func (c *Comparison) weights(a, b Receipt) {
	switch {
	case a.Base.Name != b.Base.Name:
		c.add("weights", "the bases differ: %s and %s", a.Base.Name, b.Base.Name)
	case a.Base.Weights != b.Base.Weights:
		c.add("weights", "%s has other pretrained weights", a.Base.Name)
	}
	if !sameJSON(a.Head, b.Head) {
		c.add("weights", "the heads differ: %s", pair(headText(a.Head), headText(b.Head)))
	}
	if a.Weights.Opened != b.Weights.Opened {
		c.add("weights", "they start from different saved models")
	}
	if a.Weights.Before != b.Weights.Before && len(c.Of("weights")) == 0 && a.Seed == b.Seed {
		c.add("weights", "the weights before the first phase differ")
	}
}

func headText(head []Layer) string {
	parts := make([]string, len(head))
	for i, layer := range head {
		switch {
		case layer.Units != 0:
			parts[i] = fmt.Sprintf("%s %d", layer.Kind, layer.Units)
		case layer.Rate != 0:
			parts[i] = fmt.Sprintf("%s %g", layer.Kind, layer.Rate)
		default:
			parts[i] = layer.Kind
		}
	}
	return strings.Join(parts, " → ")
}

// sameJSON tells whether two values are the same where nil and empty are.
func sameJSON(a, b any) bool {
	textA, errA := json.Marshal(a)
	textB, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(textA) == string(textB)
}

func (c *Comparison) code(a, b Receipt) {
	names := map[string]bool{}
	for _, versions := range []map[string]string{a.Versions, b.Versions} {
		for name := range versions {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if va, vb := a.Versions[name], b.Versions[name]; va != vb {
			c.add("code", "%s: %s and %s", name, orNone(va), orNone(vb))
		}
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func (c *Comparison) machine(a, b Machine) {
	for _, part := range []struct{ what, a, b string }{
		{"backend", a.Backend, b.Backend},
		{"CPU", a.CPU, b.CPU},
		{"cores", fmt.Sprint(a.Cores), fmt.Sprint(b.Cores)},
		{"system", a.OS + "/" + a.Arch, b.OS + "/" + b.Arch},
	} {
		if part.a != part.b {
			c.add("machine", "%s: %s and %s", part.what, orNone(part.a), orNone(part.b))
		}
	}
}

// phases compares phase by phase: first what was asked for, then the rates that came of it.
func (c *Comparison) phases(a, b []ReceiptPhase) {
	for i := range min(len(a), len(b)) {
		c.fields(a[i].Phase, b[i].Phase)
		if a[i].Chosen != b[i].Chosen {
			c.add("phases", "phase %q: the epoch was chosen by %s", a[i].Phase.Name, pair(a[i].Chosen, b[i].Chosen))
		}
		if a[i].Stopped != b[i].Stopped {
			c.add("phases", "phase %q was stopped: %s", a[i].Phase.Name, pair(a[i].Stopped, b[i].Stopped))
		}
		if sameJSON(a[i].Phase, b[i].Phase) {
			c.rates(a[i], b[i])
		}
	}
	longer, which := a[min(len(a), len(b)):], "A"
	if len(b) > len(a) {
		longer, which = b[len(a):], "B"
	}
	if len(longer) > 0 {
		names := make([]string, len(longer))
		for i, p := range longer {
			names[i] = fmt.Sprintf("%q", p.Phase.Name)
		}
		c.add("phases", "%s has %s more: %s", which, plural(len(longer), "phase"), strings.Join(names, ", "))
	}
}

// rateFields are the fields of a phase that are about learning rates.
var rateFields = []string{"LearningRate", "RateDecay", "Rates", "Schedule", "WarmUp", "StartDivisor"}

func (c *Comparison) fields(a, b Phase) {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		name := va.Type().Field(i).Name
		fa, fb := va.Field(i).Interface(), vb.Field(i).Interface()
		if sameJSON(fa, fb) {
			continue
		}
		group := "phases"
		if slices.Contains(rateFields, name) {
			group = "rates"
		}
		c.add(group, "phase %q: %s is %s", a.Name, name, pair(fa, fb))
	}
}

// rates compares which blocks moved, and how fast, where the phases are described alike.
func (c *Comparison) rates(a, b ReceiptPhase) {
	var onlyA, onlyB, other []string
	for _, block := range slices.Sorted(maps.Keys(a.Rates)) {
		switch rate, both := b.Rates[block]; {
		case !both:
			onlyA = append(onlyA, block)
		case rate != a.Rates[block]:
			other = append(other, fmt.Sprintf("%s %g and %g", block, a.Rates[block], rate))
		}
	}
	for _, block := range slices.Sorted(maps.Keys(b.Rates)) {
		if _, both := a.Rates[block]; !both {
			onlyB = append(onlyB, block)
		}
	}
	if len(onlyA) > 0 {
		c.add("rates", "phase %q: frozen in B alone: %s", a.Phase.Name, strings.Join(onlyA, ", "))
	}
	if len(onlyB) > 0 {
		c.add("rates", "phase %q: frozen in A alone: %s", a.Phase.Name, strings.Join(onlyB, ", "))
	}
	if len(other) > 0 {
		c.add("rates", "phase %q: the rates of %s", a.Phase.Name, strings.Join(other, ", "))
	}
}

// results compares what came out: the weights, the epochs, the evaluations.
func (c *Comparison) results(a, b Receipt) {
	if !c.Identical {
		c.add("results", "the weights differ%s", since(a.Phases, b.Phases))
	}
	for i := range min(len(a.Phases), len(b.Phases)) {
		if text := outcome(a.Phases[i], b.Phases[i]); text != "" {
			c.add("results", "%s", text)
		}
	}
	for i := range min(len(a.Evaluations), len(b.Evaluations)) {
		ea, eb := a.Evaluations[i], b.Evaluations[i]
		if ea.Accuracy != eb.Accuracy || !sameFigure(ea.Loss, eb.Loss) {
			c.add("results", "evaluation %d on %s: accuracy %.4f and %.4f, loss %.4f and %.4f", i+1, ea.Data.Name, ea.Accuracy, eb.Accuracy, ea.Loss, eb.Loss)
		}
		if ea.Data.Images != eb.Data.Images {
			c.add("results", "evaluation %d is on other images (%s)", i+1, pair(ea.Data.Description, eb.Data.Description))
		}
	}
	if len(a.Evaluations) != len(b.Evaluations) {
		c.add("results", "evaluated %s in A and %s in B", plural(len(a.Evaluations), "time"), plural(len(b.Evaluations), "time"))
	}
}

// since names the first phase after which the weights differ.
func since(a, b []ReceiptPhase) string {
	for i := range min(len(a), len(b)) {
		if a[i].After != b[i].After {
			return fmt.Sprintf(" from phase %q on", a[i].Phase.Name)
		}
	}
	return ""
}

// outcome says how the epochs of a phase differ: the first that does, and the last of both.
func outcome(a, b ReceiptPhase) string {
	for i := range min(len(a.Epochs), len(b.Epochs)) {
		ea, eb := a.Epochs[i], b.Epochs[i]
		what, fa, fb := "losses", ea.Loss, eb.Loss
		if sameFigure(fa, fb) {
			what, fa, fb = "losses on valid", ea.ValidLoss, eb.ValidLoss
		}
		if !sameFigure(fa, fb) {
			return fmt.Sprintf("phase %q: from epoch %d on the %s differ, %s and %s; it ends with %s", a.Phase.Name, i+1, what, orDash("%.6g", fa), orDash("%.6g", fb), ends(a, b))
		}
	}
	if a.Kept != b.Kept {
		return fmt.Sprintf("phase %q: epoch %d stands in A, %d in B", a.Phase.Name, a.Kept, b.Kept)
	}
	return ""
}

func ends(a, b ReceiptPhase) string {
	la, lb := a.Epochs[len(a.Epochs)-1], b.Epochs[len(b.Epochs)-1]
	if math.IsNaN(la.ValidAccuracy) || math.IsNaN(lb.ValidAccuracy) {
		return fmt.Sprintf("accuracy %.4f and %.4f in training", la.Accuracy, lb.Accuracy)
	}
	return fmt.Sprintf("accuracy %.4f and %.4f on valid", la.ValidAccuracy, lb.ValidAccuracy)
}

// sameFigure tells whether two figures are the same, or were both not measured.
func sameFigure(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
