package tl

import (
	"context"
	"fmt"
	"strings"
)

// Neighbours are the images whose representations are nearest to those of some images.
type Neighbours struct {
	Base       string      // the base's name, or the model's
	Place      string      // where in the network, as Representation.Place says
	Rows       []int       // [q]: the images that were asked about, as positions in the data set
	Nearest    [][]int     // [q][k]: the positions of their neighbours, the nearest first, never the image itself
	Similarity [][]float64 // [q][k]: the cosine between the representations, in [-1, 1]
}

// Neighbours finds for each of these rows, and without rows for every one, the k other rows whose representations are nearest by cosine.
func (r Representation) Neighbours(ctx context.Context, k int, rows ...int) (Neighbours, error) {
	return call[Neighbours](ctx, VerbNeighbours, r.Network(), NeighboursRequest{r.request(), k, rows})
}

// Agreement is the share of all neighbours that are of their image's class. labels are those of the whole data set. It is 0 without neighbours.
func (n Neighbours) Agreement(labels []int) (float64, error) {
	same, all := 0, 0
	for i, row := range n.Rows {
		for _, near := range n.Nearest[i] {
			if row >= len(labels) || near >= len(labels) {
				return 0, fmt.Errorf("tl: agreement of neighbours: row %d has no label among %d (take the labels of the data set that was represented)",
					max(row, near), len(labels))
			}
			all++
			if labels[row] == labels[near] {
				same++
			}
		}
	}
	return share(same, all), nil
}

// String lists the neighbours, at most twenty lines.
func (n Neighbours) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "nearest by cosine, %s of %s\n", flat(n.Place), flat(n.Base))
	for i, row := range n.Rows {
		if i == mostRows {
			fmt.Fprintf(&out, "… and %d more\n", len(n.Rows)-mostRows)
			break
		}
		fmt.Fprintf(&out, "%5d:", row)
		for j, near := range n.Nearest[i] {
			fmt.Fprintf(&out, "  %d (%.3f)", near, n.Similarity[i][j])
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}
