package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// BlockRatesFigure shows the learning rate that each block had in each phase.
type BlockRatesFigure struct {
	Histories []tl.History // of one model; phases in order
	Blocks    []string     // the blocks from the input to the head, as Summary lists them; nil is those that were trained in a phase
	Title     string       // "" is the model's name
	Sizing                 // 0 is 8 × 5
}

// BlockRates draws the learning rates of the blocks, from the input on the left to the head, on a logarithmic axis: one line for each phase. A block
// without a mark was frozen. Under RateDecay the marks make stairs: each stage a constant factor below the next.
func BlockRates(histories ...tl.History) BlockRatesFigure {
	return BlockRatesFigure{Histories: histories}
}

// Size implements Figure.
func (f BlockRatesFigure) Size() (width, height vg.Length) { return f.or(8, 5) }

func (f BlockRatesFigure) check() error {
	found := false
	for i, h := range f.Histories {
		if h.Model != f.Histories[0].Model {
			return fmt.Errorf("plots: draw block rates: history %d is of model %q, the first of %q (one figure for each model)", i, h.Model, f.Histories[0].Model)
		}
		for block, rate := range h.Rates {
			if !(rate > 0) || !isFinite(rate) {
				return fmt.Errorf("plots: draw block rates: phase %q has a rate of %v for block %q; rates are above 0", h.Phase.Name, rate, block)
			}
			if f.Blocks != nil && !slices.Contains(f.Blocks, block) {
				return fmt.Errorf("plots: draw block rates: phase %q trained block %q, which Blocks does not list", h.Phase.Name, block)
			}
			found = true
		}
	}
	if !found {
		return errors.New("plots: draw block rates: no block has a rate (Fit gives a history)")
	}
	return nil
}

const headName = "head"

// blocks are the names from the input to the head.
func (f BlockRatesFigure) blocks() []string {
	if f.Blocks != nil {
		return f.Blocks
	}
	histories := slices.Clone(f.Histories)
	slices.SortStableFunc(histories, func(a, b tl.History) int { return len(b.Rates) - len(a.Rates) }) // the one with most blocks has their order
	var names []string
	add := func(name string) {
		if name != headName && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	head := false
	for _, h := range histories {
		if len(h.Epochs) > 0 {
			for _, b := range h.Epochs[0].Blocks {
				add(b.Block)
			}
		}
		var rest []string // of a phase that finished no epoch
		for name := range h.Rates {
			rest, head = append(rest, name), head || name == headName
		}
		slices.Sort(rest)
		for _, name := range rest {
			add(name)
		}
	}
	if head {
		names = append(names, headName)
	}
	return names
}

// Draw implements Figure.
func (f BlockRatesFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = f.Histories[0].Model
	}
	var keys []key
	low, high := math.Inf(1), math.Inf(-1)
	for i, h := range f.Histories {
		if len(h.Rates) == 0 {
			continue
		}
		keys = append(keys, lineKey(h.Phase.Name, i, true))
		for _, rate := range h.Rates {
			low, high = min(low, rate), max(high, rate)
		}
	}
	c = heading(c, title, keys)
	blocks := f.blocks()
	p := newPlot("", "block, from the input to the head; no mark: frozen", "learning rate")
	logAxis(&p.Y, low/1.2, high*1.2)
	p.X.Min, p.X.Max = -0.5, float64(len(blocks))-0.5
	ticks := make([]plot.Tick, len(blocks))
	for i, name := range blocks {
		ticks[i] = plot.Tick{Value: float64(i), Label: fit(lettering(small), name, 90)}
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	style := &p.X.Tick.Label
	widest := vg.Length(0)
	for _, t := range ticks {
		widest = max(widest, lettering(small).Width(t.Label))
	}
	if widest > (c.Max.X-c.Min.X)*0.85/vg.Length(len(blocks)) {
		style.Rotation, style.XAlign, style.YAlign = math.Pi/3, text.XRight, text.YCenter
	}
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { f.drawPhases(c, p, blocks) }))
	p.Draw(c)
	return nil
}

// drawPhases sets the phases a little apart, so that equal rates do not hide each other.
func (f BlockRatesFigure) drawPhases(c draw.Canvas, p *plot.Plot, blocks []string) {
	x, y := p.Transforms(&c)
	for i, h := range f.Histories {
		shift := 0.0
		if n := len(f.Histories); n > 1 {
			shift = 0.4 * (float64(i)/float64(n-1) - 0.5)
		}
		var run []vg.Point
		finish := func() {
			c.StrokeLines(lineStyle(i), run)
			for _, at := range run {
				c.DrawGlyph(classStyle(i, 5), at)
			}
			run = nil
		}
		for j, name := range blocks {
			if rate, trained := h.Rates[name]; trained {
				run = append(run, vg.Point{X: x(float64(j) + shift), Y: y(rate)})
			} else {
				finish()
			}
		}
		finish()
	}
}

// Alt implements Figure.
func (f BlockRatesFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Learning rates of the blocks of %s in %s.", f.Histories[0].Model, count(len(f.Histories), "phase"))
	for _, h := range f.Histories {
		if len(h.Rates) == 0 {
			continue
		}
		low, high := "", ""
		for _, name := range f.blocks() {
			rate, trained := h.Rates[name]
			if !trained {
				continue
			}
			if low == "" || rate < h.Rates[low] {
				low = name
			}
			if high == "" || rate > h.Rates[high] {
				high = name
			}
		}
		fmt.Fprintf(&out, " Phase %s: %s trained, rates from %s (%s) to %s (%s).", h.Phase.Name, count(len(h.Rates), "block"),
			rate(h.Rates[low]), low, rate(h.Rates[high]), high)
	}
	return clean(out.String())
}
