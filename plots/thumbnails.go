package plots

import (
	"context"
	"fmt"
	"image"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/datasets"
	"transferlab/datasets/images"
)

// thumbnailSide is how large a picture in a scatter plot is, at the most.
const thumbnailSide vg.Length = 27

// WithThumbnails is the figure with pictures at up to n of its points, spread over all of it, so that what stands where can be seen. d is the data set that
// was projected; only the pictures that are shown are read. Each has a frame in its class's colour and the class's mark at its corner.
//
//	plots.Show(tl.Must(plots.Scatter("t-SNE", projection, labels, classes...).WithThumbnails(ctx, train, 60)))
func (f ScatterFigure) WithThumbnails(ctx context.Context, d datasets.Dataset, n int) (ScatterFigure, error) {
	if err := f.check(); err != nil {
		return f, err
	}
	const most = 400
	if n < 1 || n > most {
		return f, fmt.Errorf("plots: scatter %q: %d thumbnails; ask for 1 to %d", f.Title, n, most)
	}
	rows, err := d.Len(ctx)
	if err != nil {
		return f, fmt.Errorf("plots: scatter %q: %w", f.Title, err)
	}
	if rows != f.Projection.Points.Len() {
		return f, fmt.Errorf("plots: scatter %q: thumbnails of %d images for %d points (take the data set that was projected)", f.Title, rows, f.Projection.Points.Len())
	}
	chosen := f.spread(n)
	const pixels = 96
	d.Augmentation = datasets.Augmentation{} // what was represented is the plain image
	pictures, err := images.Images(ctx, d, chosen, images.Options{Size: pixels})
	if err != nil {
		return f, fmt.Errorf("plots: scatter %q: %w", f.Title, err)
	}
	f.Thumbnails = map[int]image.Image{}
	for i, position := range chosen {
		f.Thumbnails[position] = pictures[i]
	}
	if f.Height == 0 && f.Width == 0 {
		f.Height = 6.5 // pictures need room
	}
	return f, nil
}

// spread chooses up to n points as far from each other as can be: the one farthest from the middle, and then each time the one farthest from all chosen.
func (f ScatterFigure) spread(n int) (chosen []int) {
	points := f.Projection.Points
	far := make([]float64, points.Len())
	for i := range far {
		far[i] = math.Inf(1)
	}
	next, best := 0, -1.0
	for i := range far {
		if d := math.Hypot(float64(points.Row(i)[0]), float64(points.Row(i)[1])); d > best {
			next, best = i, d
		}
	}
	for range min(n, points.Len()) {
		chosen = append(chosen, next)
		here := points.Row(next)
		following, best := next, 0.0
		for i := range far {
			row := points.Row(i)
			far[i] = min(far[i], math.Hypot(float64(row[0])-float64(here[0]), float64(row[1])-float64(here[1])))
			if far[i] > best {
				following, best = i, far[i]
			}
		}
		if best == 0 {
			break // every point is chosen, or lies on one that is
		}
		next = following
	}
	return chosen
}

// drawThumbnails draws the pictures that do not cover one that stands already, in the order of their rows, and never beyond the frame.
func (f ScatterFigure) drawThumbnails(c draw.Canvas, at func(i int) vg.Point) {
	side := min(thumbnailSide, (c.Max.X-c.Min.X)/12, (c.Max.Y-c.Min.Y)/8)
	var standing []vg.Point
	order := slices.Sorted(maps.Keys(f.Thumbnails))
	for _, i := range order {
		picture := f.Thumbnails[i]
		if picture == nil || i < 0 || i >= f.Projection.Points.Len() {
			continue
		}
		middle := at(i)
		middle.X = min(max(middle.X, c.Min.X+side/2), c.Max.X-side/2)
		middle.Y = min(max(middle.Y, c.Min.Y+side/2), c.Max.Y-side/2)
		if slices.ContainsFunc(standing, func(p vg.Point) bool {
			return math.Abs(float64(p.X-middle.X)) < float64(side)+4 && math.Abs(float64(p.Y-middle.Y)) < float64(side)+4
		}) {
			continue
		}
		standing = append(standing, middle)
		f.drawThumbnail(c, i, picture, middle, side)
	}
}

func (f ScatterFigure) drawThumbnail(c draw.Canvas, i int, picture image.Image, middle vg.Point, side vg.Length) {
	half := vg.Point{X: side / 2, Y: side / 2}
	box := vg.Rectangle{Min: middle.Sub(half), Max: middle.Add(half)}
	c.DrawImage(box, picture)
	class := 0
	if f.Labels != nil {
		class = f.Labels[i]
	}
	c.SetLineStyle(draw.LineStyle{Color: palette[class%len(palette)], Width: 1.8})
	c.Stroke(box.Path())
	if f.Labels != nil {
		c.DrawGlyph(classStyle(class, 4), box.Max)
	}
}
