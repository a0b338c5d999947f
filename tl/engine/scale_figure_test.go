package engine

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// drawScale draws seconds and memory against the number of images, both axes logarithmic.
func drawScale(path string, all []measured) error {
	blue, orange, grey := color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.Gray{150}
	points := func(y func(measured) float64) (xy plotter.XYs) {
		for _, m := range all {
			xy = append(xy, plotter.XY{X: float64(m.Images), Y: max(y(m), 1e-3)})
		}
		return xy
	}
	first := all[0]
	seconds, err := logPlot("Represent, Fit, Evaluate and PCA", "seconds", []series{
		{"the whole run", blue, points(measured.seconds), false},
		{"of the processor", orange, points(func(m measured) float64 { return m.Processor }), false},
		{"in proportion to the first", grey, points(func(m measured) float64 { return first.Processor / float64(first.Images) * float64(m.Images) }), true},
	})
	if err != nil {
		return err
	}
	memory, err := logPlot("Memory", "most that was resident, MB", []series{
		{"all", blue, points(func(m measured) float64 { return float64(m.Resident >> 20) }), false},
		{"without pages of files", orange, points(func(m measured) float64 { return float64(m.Anonymous >> 20) }), false},
		{"2 GiB", grey, points(func(measured) float64 { return 2048 }), true},
	})
	if err != nil {
		return err
	}
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

func logPlot(title, y string, all []series) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "images of 224×224", y
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: 0}, plot.LogTicks{Prec: 0}
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
	return p, nil
}
