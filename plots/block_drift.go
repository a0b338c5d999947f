package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/tl"
)

// BlockDriftFigure shows how far training took each block from its pretrained weights.
type BlockDriftFigure struct {
	Drift  tl.Drift
	Title  string // "" is the model's name with that of its base
	Sizing        // Width 0 is 9; Height 0 is what the blocks need, 3 or more
}

// BlockDrift draws two bars for each block, from the input at the top to the representation: on the left how far its weights moved, ‖w − w₀‖/‖w₀‖, on the
// right how alike what leaves it still is to what left it before (linear CKA, 1 is the same). Blocks that are frozen now are hatched.
func BlockDrift(d tl.Drift) BlockDriftFigure { return BlockDriftFigure{Drift: d} }

// Size implements Figure.
func (f BlockDriftFigure) Size() (width, height vg.Length) {
	return f.or(9, min(100, max(3, 1.4+0.27*float64(len(f.Drift.Blocks)))))
}

func (f BlockDriftFigure) check() error {
	if len(f.Drift.Blocks) == 0 {
		return errors.New("plots: draw drift: no blocks (Model.Drift gives them)")
	}
	for _, b := range f.Drift.Blocks {
		if !(b.L2 >= 0) || !(math.IsNaN(b.CKA) || b.CKA >= 0 && b.CKA <= 1) {
			return fmt.Errorf("plots: draw drift: block %q has a distance of %v and a CKA of %v; they are 0 or more, and between 0 and 1", b.Block, b.L2, b.CKA)
		}
	}
	return nil
}

// Draw implements Figure.
func (f BlockDriftFigure) Draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	title := f.Title
	if title == "" {
		title = fmt.Sprintf("%s: drift from the pretrained %s", f.Drift.Model, f.Drift.Base)
	}
	c = heading(c, title, []key{{"unfrozen", barSample(false)}, {"frozen", barSample(true)}})
	name, head := leftOf(lettering(small)), centred(lettering(normal))
	widest, farthest := vg.Length(0), 0.0
	for _, b := range f.Drift.Blocks {
		widest = max(widest, name.Width(clean(b.Block)))
		if isFinite(b.L2) {
			farthest = max(farthest, b.L2)
		}
	}
	widest = min(widest, (c.Max.X-c.Min.X)*0.3)
	left := c.Min.X + widest + 8
	panel := (c.Max.X - left - 2*margin) / 2
	right := left + panel + 2*margin
	c.FillText(head, vg.Point{X: left + panel/2, Y: c.Max.Y - lineHeight/2}, fit(head, "weights: ‖w − w₀‖ / ‖w₀‖", panel))
	c.FillText(head, vg.Point{X: right + panel/2, Y: c.Max.Y - lineHeight/2}, fit(head, fmt.Sprintf("outputs: CKA on %s", count(f.Drift.Images, "image")), panel))
	c.Max.Y -= lineHeight + 4
	row := (c.Max.Y - c.Min.Y) / vg.Length(len(f.Drift.Blocks))
	for i, b := range f.Drift.Blocks {
		middle := c.Max.Y - (vg.Length(i)+0.5)*row
		c.FillText(name, vg.Point{X: left - 8, Y: middle}, fit(name, b.Block, widest))
		share := 0.0
		if farthest > 0 {
			share = min(1, b.L2/farthest)
		}
		driftBar(c, vg.Point{X: left, Y: middle}, panel, row, share, b.Frozen, rate(b.L2))
		if math.IsNaN(b.CKA) {
			driftBar(c, vg.Point{X: right, Y: middle}, panel, row, 0, b.Frozen, "no variance")
		} else {
			driftBar(c, vg.Point{X: right, Y: middle}, panel, row, b.CKA, b.Frozen, fmt.Sprintf("%.3f", b.CKA))
		}
	}
	for _, x := range []vg.Length{left, right} {
		c.StrokeLine2(draw.LineStyle{Color: grey, Width: 1}, x, c.Min.Y, x, c.Max.Y)
	}
	return nil
}

// driftBar draws a bar from its left end on, share of what the longest may take, with its number behind it.
func driftBar(c draw.Canvas, from vg.Point, panel, row vg.Length, share float64, frozen bool, text string) {
	number := rightOf(lettering(small))
	const room = 62 // for the number
	length, thick := (panel-room)*vg.Length(share), min(row*0.72, 24)
	drawBar(&c, vg.Rectangle{Min: vg.Point{X: from.X, Y: from.Y - thick/2}, Max: vg.Point{X: from.X + length, Y: from.Y + thick/2}}, frozen)
	c.FillText(number, vg.Point{X: from.X + length + 6, Y: from.Y}, fit(number, text, panel-length-6))
}

// Alt implements Figure.
func (f BlockDriftFigure) Alt() string {
	if f.check() != nil {
		return ""
	}
	blocks := f.Drift.Blocks
	farthest, least := blocks[0], blocks[0]
	frozen := 0
	for _, b := range blocks {
		if b.L2 > farthest.L2 {
			farthest = b
		}
		if b.CKA < least.CKA || math.IsNaN(least.CKA) {
			least = b
		}
		if b.Frozen {
			frozen++
		}
	}
	moved, changed := "No weights moved.", fmt.Sprintf("What leaves the blocks is the same on %s.", count(f.Drift.Images, "image"))
	if farthest.L2 > 0 {
		moved = fmt.Sprintf("The weights of %s moved farthest, by %s of their length.", farthest.Block, rate(farthest.L2))
	}
	switch {
	case math.IsNaN(least.CKA):
		changed = fmt.Sprintf("What leaves the blocks has no variance on %s.", count(f.Drift.Images, "image"))
	case least.CKA < 1:
		changed = fmt.Sprintf("What leaves %s changed most: CKA %.3f on %s.", least.Block, least.CKA, count(f.Drift.Images, "image"))
	}
	return clean(fmt.Sprintf("Bar charts of how far %s of %s drifted from the pretrained %s, %d of them frozen. %s %s", count(len(blocks), "block"), f.Drift.Model,
		f.Drift.Base, frozen, moved, changed))
}
