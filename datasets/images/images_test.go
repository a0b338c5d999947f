package images

import (
	"bytes"
	"context"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/disintegration/imaging"

	"transferlab/datasets"
)

// TestResizeGreyIsImaging: packing three bands into three colours changes no bit of what imaging computes.
func TestResizeGreyIsImaging(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][4]int{{300, 300, 224, 224}, {28, 28, 224, 224}, {1, 1, 5, 7}, {2, 5, 4, 3}, {31, 64, 31, 20}, {31, 64, 20, 64}, {7, 3, 7, 3}} {
		src := image.NewGray(image.Rect(0, 0, size[0], size[1]))
		for i := range src.Pix {
			src.Pix[i] = uint8(random.Uint32())
		}
		for name, filter := range map[string]imaging.ResampleFilter{"bilinear": imaging.Linear, "bicubic": imaging.CatmullRom} {
			got := resizeGrey(src, size[2], size[3], filter)
			want := imaging.Resize(src, size[2], size[3], filter)
			if got.Rect.Size() != image.Pt(size[2], size[3]) {
				t.Fatalf("%s, %v: size %v", name, size, got.Rect.Size())
			}
			for i, v := range got.Pix {
				if p := want.Pix[4*i : 4*i+3]; p[0] != v || p[1] != v || p[2] != v {
					t.Fatalf("%s, %v: pixel %d is %d, imaging gives %d", name, size, i, v, p)
				}
			}
		}
	}
}

func TestShapesRawPixels(t *testing.T) {
	ctx := context.Background()
	d := datasets.Shapes(5, 3)
	table, err := d.Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]uint8, 2*32*32*3)
	if err := Pixels(ctx, d, []int{4, 1}, Options{Size: 32}, dst); err != nil {
		t.Fatal(err)
	}
	for i, position := range []int{4, 1} {
		content, err := table.Content(position)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(dst[i*3072:(i+1)*3072], content.Bytes) {
			t.Errorf("row %d: an image of the right size was changed", position)
		}
	}
}
