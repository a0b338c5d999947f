package engine

import (
	"fmt"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"transferlab/tl"
)

// drawScale draws seconds, both axes logarithmic, and memory against the number of images.
func drawScale(path string, all []measured) error {
	blue, orange, grey := color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.Gray{150}
	points := func(y func(measured) float64) (xy plotter.XYs) {
		for _, m := range all {
			xy = append(xy, plotter.XY{X: float64(m.Images), Y: max(y(m), 1e-3)})
		}
		return xy
	}
	last := all[len(all)-1]
	seconds, err := overImages("Represent, Fit, Evaluate and PCA", "seconds", []series{
		{"the whole run", blue, points(measured.seconds), false},
		{"of the processor", orange, points(func(m measured) float64 { return m.Processor }), false},
		{"in proportion to the images", grey, points(func(m measured) float64 { return last.Processor / float64(last.Images) * float64(m.Images) }), true},
	})
	if err != nil {
		return err
	}
	memory, err := overImages("Memory", "most that was resident, MiB", []series{
		{"all", blue, points(func(m measured) float64 { return float64(m.Resident >> 20) }), false},
		{"without pages of files", orange, points(func(m measured) float64 { return float64(m.Anonymous >> 20) }), false},
		{"2 GiB", grey, points(func(measured) float64 { return 2048 }), true},
	})
	if err != nil {
		return err
	}
	seconds.Y.Scale, seconds.Y.Tick.Marker = plot.LogScale{}, decades{}
	memory.Y.Min, memory.Y.Max, memory.Legend.Top = 0, 3000, true
	canvas := vgimg.New(24*vg.Centimeter, 11*vg.Centimeter)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Centimeter, PadTop: vg.Millimeter * 3, PadBottom: vg.Millimeter * 3, PadLeft: vg.Millimeter * 3, PadRight: vg.Millimeter * 5}
	plots := [][]*plot.Plot{{seconds, memory}}
	for i, c := range plot.Align(plots, tiles, draw.New(canvas))[0] {
		plots[0][i].Draw(c)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(file); err != nil {
		return fmt.Errorf("draw %s: %w", path, err)
	}
	return nil
}

type series struct {
	name   string
	colour color.Color
	points plotter.XYs
	dashed bool
}

// decades are the powers of ten, written out.
type decades struct{}

func (decades) Ticks(least, most float64) (ticks []plot.Tick) {
	for _, tick := range (plot.LogTicks{}).Ticks(least, most) {
		if tick.Label != "" {
			tick.Label = tl.WithCommas(int64(math.Round(tick.Value)))
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// overImages draws series against the number of images on a logarithmic axis.
func overImages(title, y string, all []series) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "images of 224×224", y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	p.Legend.Top, p.Legend.Left = true, true
	for _, s := range all {
		line, dots, err := plotter.NewLinePoints(s.points)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color, line.Width = s.colour, s.colour, vg.Points(1.5)
		dots.Shape = draw.CircleGlyph{}
		if s.dashed {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
			p.Add(line)
		} else {
			p.Add(line, dots)
		}
		p.Legend.Add(s.name, line)
	}
	p.Add(plotter.NewGrid())
	p.X.Padding, p.Y.Padding = 0, 0
	return p, nil
}
