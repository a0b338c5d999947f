package tl

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"transferlab/datasets"
)

// DriftImages is the most images on which Drift compares representations: of more it takes so many, chosen by seed 0.
const DriftImages = 512

// Drift is how far training took a model's base from its pretrained weights, block by block from the input on.
type Drift struct {
	Model  string // its name
	Base   string
	Data   string // the images, in words
	Images int    // how many of them, at most DriftImages
	Blocks []BlockDrift
	Time   Timing
}

// BlockDrift is the drift of one block.
type BlockDrift struct {
	Block  string
	Stage  string
	Frozen bool // as the model stands now
	// L2 is ‖w − w₀‖/‖w₀‖ over all parameters of the block as one vector, w₀ the pretrained ones; batch-norm averages are none. 0 without parameters.
	L2 float64
	// CKA is how alike what leaves the block is to what leaves the pretrained one, averaged over space, on the images; see [CKA]. It is 1
	// where neither the block nor any before it moved, and NaN where one of both is the same for all images.
	CKA float64
}

// Drift measures how far the base's blocks moved from the pretrained weights: the relative distance of the weights, and linear CKA of the
// representations behind each block over the images of d, at most DriftImages of them. The frozen prefix comes from the cache.
func (m Model) Drift(ctx context.Context, d datasets.Dataset) (Drift, error) {
	return call[Drift](ctx, VerbDrift, m.Name, DriftRequest{Model: m, Data: d})
}

// String draws the blocks as a table.
func (d Drift) String() string {
	rows := [][]string{{"block", "stage", "", "‖w−w₀‖/‖w₀‖", "CKA"}}
	for _, b := range d.Blocks {
		frozen, cka := "", fmt.Sprintf("%.3f", b.CKA)
		if b.Frozen {
			frozen = "frozen"
		}
		if math.IsNaN(b.CKA) {
			cka = "–"
		}
		rows = append(rows, []string{b.Block, b.Stage, frozen, fmt.Sprintf("%.2g", b.L2), cka})
	}
	return fmt.Sprintf("%s: drift of %s from its pretrained weights, CKA on %d images (%s)\n%s", flat(d.Model), flat(d.Base), d.Images, flat(d.Data),
		table("lllrr", rows...))
}

// blockDriftFigures is BlockDrift as JSON has it.
type blockDriftFigures struct {
	Block, Stage string
	Frozen       bool
	L2, CKA      figure
}

// MarshalJSON writes the figures by name; those that are no numbers are strings.
func (b BlockDrift) MarshalJSON() ([]byte, error) {
	return json.Marshal(blockDriftFigures{b.Block, b.Stage, b.Frozen, figure(b.L2), figure(b.CKA)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *BlockDrift) UnmarshalJSON(text []byte) error {
	var f blockDriftFigures
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*b = BlockDrift{f.Block, f.Stage, f.Frozen, float64(f.L2), float64(f.CKA)}
	return nil
}
