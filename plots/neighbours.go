package plots

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"transferlab/datasets"
	"transferlab/datasets/images"
	"transferlab/tl"
)

// NeighboursFigure shows images with those that a representation takes for their nearest.
type NeighboursFigure struct {
	Images
	alt string
}

// Neighbours reads the images that were asked about, in the first column with a thick black frame, and to the right of each its nearest ones, the nearest
// first, with the cosine between the representations. A neighbour of another class has a cross and a dashed frame, one of the same a tick. d is the data
// set that was represented.
//
//	n := tl.Must(representation.Neighbours(ctx, 6, 0, 10, 20))
//	plots.Show(tl.Must(plots.Neighbours(ctx, train, n)))
func Neighbours(ctx context.Context, d datasets.Dataset, n tl.Neighbours) (NeighboursFigure, error) {
	table, err := d.Table(ctx)
	if err != nil {
		return NeighboursFigure{}, fmt.Errorf("plots: neighbours: %w", err)
	}
	if err := checkNeighbours(n, len(table.Items)); err != nil {
		return NeighboursFigure{}, err
	}
	k := len(n.Nearest[0])
	if err := checkTiles("neighbours", len(n.Rows)*(k+1)); err != nil {
		return NeighboursFigure{}, err
	}
	var positions []int
	for i, row := range n.Rows {
		positions = append(append(positions, row), n.Nearest[i]...)
	}
	d.Augmentation = datasets.Augmentation{} // what was represented is the plain image
	pictures, err := images.Images(ctx, d, positions, images.Options{Size: NetworkSize})
	if err != nil {
		return NeighboursFigure{}, fmt.Errorf("plots: neighbours: %w", err)
	}
	f := NeighboursFigure{}
	f.columns, f.Title = k+1, fmt.Sprintf("nearest by %s of %s", n.Place, n.Base)
	agree := 0
	for i, row := range n.Rows {
		truth := table.Items[row].Label
		f.tiles = append(f.tiles, tile{image: pictures[i*(k+1)], frame: black, lines: []line{
			{text: fmt.Sprintf("image %d", row)}, {text: nameOf(table.Classes, truth)},
		}})
		for j, near := range n.Nearest[i] {
			class := table.Items[near].Label
			t := tile{image: pictures[i*(k+1)+1+j], frame: green}
			ink, sign := darkGreen, tick
			if class == truth {
				agree++
			} else {
				t.frame, t.wrong, ink, sign = vermillion, true, darkVermillion, cross
			}
			t.lines = []line{{text: number(n.Similarity[i][j], 3), color: ink, sign: sign}, {text: nameOf(table.Classes, class), color: ink}}
			f.tiles = append(f.tiles, t)
		}
	}
	f.alt = neighboursAlt(table, n, agree)
	return f, nil
}

// checkNeighbours refuses what does not belong to a data set of so many images.
func checkNeighbours(n tl.Neighbours, rows int) error {
	if len(n.Rows) == 0 || len(n.Nearest) != len(n.Rows) || len(n.Similarity) != len(n.Rows) {
		return fmt.Errorf("plots: neighbours: %d images with %d lists of neighbours and %d of similarities (Representation.Neighbours gives as many of each)",
			len(n.Rows), len(n.Nearest), len(n.Similarity))
	}
	for i, row := range n.Rows {
		if len(n.Nearest[i]) == 0 || len(n.Nearest[i]) != len(n.Nearest[0]) || len(n.Similarity[i]) != len(n.Nearest[i]) {
			return fmt.Errorf("plots: neighbours: image %d has %d neighbours and %d similarities, the first has %d neighbours", row, len(n.Nearest[i]),
				len(n.Similarity[i]), len(n.Nearest[0]))
		}
		for _, position := range append([]int{row}, n.Nearest[i]...) {
			if position < 0 || position >= rows {
				return fmt.Errorf("plots: neighbours: position %d in a data set of %d images (take the data set that was represented)", position, rows)
			}
		}
	}
	return nil
}

func neighboursAlt(table *datasets.Table, n tl.Neighbours, agree int) string {
	all := len(n.Rows) * len(n.Nearest[0])
	var said []string
	for i, row := range n.Rows {
		same := 0
		for _, near := range n.Nearest[i] {
			if table.Items[near].Label == table.Items[row].Label {
				same++
			}
		}
		said = append(said, fmt.Sprintf("image %d, %s: %d of %d", row, nameOf(table.Classes, table.Items[row].Label), same, len(n.Nearest[i])))
	}
	if len(said) > 12 {
		said = append(slices.Clone(said[:12]), "…")
	}
	return clean(fmt.Sprintf("%s, each with its %d nearest by %s of %s; of the %s %d are of the same class. %s.", count(len(n.Rows), "image"), len(n.Nearest[0]),
		n.Place, n.Base, count(all, "neighbour"), agree, strings.Join(said, "; ")))
}

// Alt implements Figure.
func (f NeighboursFigure) Alt() string { return f.alt }
