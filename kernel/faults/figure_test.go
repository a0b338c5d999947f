package faults

import (
	"fmt"
	"image/color"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sessionFigure draws a long session: memory, descriptors and latency over its cells.
type sessionFigure struct {
	samples []sample
	took    []time.Duration
}

// The colours of Okabe & Ito 2008, by process.
var colours = map[string]color.Color{
	"kernel": color.NRGBA{0x00, 0x72, 0xB2, 0xFF}, "gonb": color.NRGBA{0xD5, 0x5E, 0x00, 0xFF},
	"engine": color.NRGBA{0x00, 0x9E, 0x73, 0xFF}, "gopls": color.NRGBA{0x99, 0x99, 0x99, 0xFF},
}

// Size implements plots.Figure.
func (f sessionFigure) Size() (width, height vg.Length) { return 10 * vg.Inch, 11 * vg.Inch }

// Alt implements plots.Figure.
func (f sessionFigure) Alt() string { return report(f.samples, f.took) }

// Draw implements plots.Figure.
func (f sessionFigure) Draw(c draw.Canvas) error {
	memory, err := f.lines("memory (MB)", func(m sample, role string) float64 { return m.memory[role] })
	if err != nil {
		return err
	}
	open, err := f.lines("open descriptors", func(m sample, role string) float64 { return m.descriptors[role] })
	if err != nil {
		return err
	}
	latency, err := f.latency()
	if err != nil {
		return err
	}
	panels := [][]*plot.Plot{{memory}, {open}, {latency}}
	c = draw.Crop(c, 12, -16, 12, -12)
	for i, row := range plot.Align(panels, draw.Tiles{Rows: 3, Cols: 1, PadY: 14}, c) {
		panels[i][0].Draw(row[0])
	}
	return nil
}

func (f sessionFigure) panel(label string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "cells so far", label
	for _, style := range []*text.Style{&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant, style.Font.Size = "Sans", 12
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = wholeTicks{}, wholeTicks{}
	p.Legend.Padding = 3
	p.Add(plotter.NewGrid())
	p.X.Min, p.X.Max, p.Y.Min = 0, float64(len(f.took)), 0
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs = true, true, 10
	return p
}

// wholeTicks are the plot's own, with numbers that have no decimals.
type wholeTicks struct{ plot.DefaultTicks }

// Ticks implements plot.Ticker.
func (w wholeTicks) Ticks(low, high float64) []plot.Tick {
	ticks := w.DefaultTicks.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = fmt.Sprintf("%.0f", ticks[i].Value)
		}
	}
	return ticks
}

func (f sessionFigure) lines(label string, of func(sample, string) float64) (*plot.Plot, error) {
	p := f.panel(label)
	most := 0.0
	for _, role := range watched {
		var points plotter.XYs
		for _, m := range f.samples {
			points = append(points, plotter.XY{X: float64(m.cell), Y: of(m, role)})
			most = max(most, of(m, role))
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = colours[role], 2
		p.Add(line)
		p.Legend.Add(fmt.Sprintf("%s: %.0f, then %.0f", role, points[0].Y, points[len(points)-1].Y), line)
	}
	p.Y.Max = 1.45 * most // room for the legend
	return p, nil
}

// latency is a dot for each cell and a line for the median of a hundred; the reference build, which shows how busy the machine was, beside it.
func (f sessionFigure) latency() (*plot.Plot, error) {
	p := f.panel("cell, request to idle (ms)")
	var dots, medians, reference plotter.XYs
	for i, d := range f.took {
		dots = append(dots, plotter.XY{X: float64(i), Y: 1e3 * d.Seconds()})
		if window := f.took[max(0, i-99) : i+1]; len(window) >= min(100, len(f.took)) {
			medians = append(medians, plotter.XY{X: float64(i), Y: 1e3 * median(window).Seconds()})
		}
	}
	for _, m := range f.samples {
		reference = append(reference, plotter.XY{X: float64(m.cell), Y: 1e3 * m.reference.Seconds()})
	}
	cells, err := plotter.NewScatter(dots)
	if err != nil {
		return nil, err
	}
	cells.GlyphStyle = draw.GlyphStyle{Color: color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}, Radius: 1.5, Shape: draw.CircleGlyph{}}
	line, err := plotter.NewLine(medians)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = colours["kernel"], 2.5
	busy, err := plotter.NewLine(reference)
	if err != nil {
		return nil, err
	}
	busy.Color, busy.Width, busy.Dashes = color.NRGBA{0x70, 0x70, 0x70, 0xFF}, 1.2, []vg.Length{4, 3}
	p.Add(cells, busy, line)
	p.Legend.Add("a cell", cells)
	p.Legend.Add("median of the last 100", line)
	p.Legend.Add("a reference build beside it: how busy the machine was", busy)
	sorted := slices.Sorted(slices.Values(f.took))
	p.Y.Max = 1.6e3 * sorted[len(sorted)*99/100].Seconds()
	return p, nil
}
