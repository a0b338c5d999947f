package plots

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"transferlab/datasets"
	"transferlab/datasets/images"
)

// NetworkSize is the width and height in pixels at which the networks that were trained on ImageNet see an image.
const NetworkSize = 224

// BatchFigure shows images as a network sees them.
type BatchFigure struct {
	Images
	alt string
}

// Batch reads the first n images of d as the network sees them in training: cut to 224×224, before their pixels are centred and scaled, each
// in every view of d's augmentation, with its class. d.Rows and d.Take choose other images.
func Batch(ctx context.Context, d datasets.Dataset, n int) (BatchFigure, error) {
	return BatchAt(ctx, d, n, NetworkSize)
}

// BatchAt is Batch for a network that sees size×size pixels; size 0 shows the images as they are stored.
func BatchAt(ctx context.Context, d datasets.Dataset, n, size int) (BatchFigure, error) {
	views := d.Augmentation.Views()
	table, err := d.Table(ctx)
	if err != nil {
		return BatchFigure{}, fmt.Errorf("plots: batch: %w", err)
	}
	if n < 1 {
		return BatchFigure{}, fmt.Errorf("plots: batch: %d images; ask for 1 or more", n)
	}
	n = min(n, len(table.Items))
	if err := checkTiles("batch", n*views); err != nil {
		return BatchFigure{}, err
	}
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i
	}
	f := BatchFigure{}
	f.tiles = make([]tile, n*views)
	for view := range views {
		pictures, err := images.Images(ctx, d, positions, images.Options{Size: size, View: view})
		if err != nil {
			return BatchFigure{}, fmt.Errorf("plots: batch: %w", err)
		}
		for i, picture := range pictures {
			caption := nameOf(table.Classes, table.Items[i].Label)
			if view > 0 {
				caption = d.Augmentation.Name(view)
			}
			f.tiles[i*views+view] = tile{image: picture, lines: []line{{text: caption}}}
		}
	}
	f.columns = squareColumns(n)
	if views > 1 {
		f.columns = views
	}
	f.alt = batchAlt(table, n, views, size)
	return f, nil
}

func batchAlt(table *datasets.Table, n, views, size int) string {
	counts := make([]int, len(table.Classes))
	for _, item := range table.Items[:n] {
		counts[item.Label]++
	}
	var classes []string
	for class, number := range counts {
		if number > 0 {
			classes = append(classes, fmt.Sprintf("%d %s", number, nameOf(table.Classes, class)))
		}
	}
	if len(classes) > 12 {
		classes = append(slices.Clone(classes[:12]), "others")
	}
	text := fmt.Sprintf("%s: %s.", count(n, "image"), strings.Join(classes, ", "))
	if size > 0 {
		text += fmt.Sprintf(" Each is %d by %d pixels, as the network sees it.", size, size)
	}
	if views > 1 {
		text += fmt.Sprintf(" Each stands in a row of its own, in %d views: plain and mirrored.", views)
	}
	return text
}

// Alt implements Figure.
func (f BatchFigure) Alt() string { return f.alt }
