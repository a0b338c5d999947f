package images

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"transferlab/datasets"
)

// pillow is testdata/pillow.json: what Pillow decodes, resizes and crops.
type pillow struct {
	Cells []struct {
		Name             string
		At               []int // pixels of the 224×224 image, row by row
		Resized, Cropped []int // their values
	}
	Files map[string]struct {
		File          []byte
		Width, Height int
		Want          []byte // [height, width, 3]
		Tolerance     int
	}
}

func readPillow(t *testing.T) pillow {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "pillow.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p pillow
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestELPVAsPillow compares ELPV cells, decoded and brought to 224×224, with Pillow: crops to the bit, bilinear resizing to 1 of 255,
// since Pillow computes with rounded weights. Over all 2,624 cells 14 of 131,661,824 pixels differed, by 1.
func TestELPVAsPillow(t *testing.T) {
	ctx := context.Background()
	golden := readPillow(t)
	d := datasets.Open("elpv")
	items, err := d.Items(ctx)
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]int{}
	for _, item := range items {
		row[filepath.Base(item.File)] = item.Row
	}
	var resized, cropped, positions []int
	for _, cell := range golden.Cells {
		positions = append(positions, row[cell.Name])
	}
	const size = 224 * 224 * 3
	plain, cut := make([]uint8, len(positions)*size), make([]uint8, len(positions)*size)
	if err := Pixels(ctx, d, positions, Options{Size: 224}, plain); err != nil {
		t.Fatal(err)
	}
	if err := Pixels(ctx, d, positions, Options{Size: 224, Crop: 224.0 / 300}, cut); err != nil {
		t.Fatal(err)
	}
	for i, cell := range golden.Cells {
		for k, at := range cell.At {
			resized = append(resized, difference(plain[i*size+3*at:][:3], cell.Resized[k]))
			cropped = append(cropped, difference(cut[i*size+3*at:][:3], cell.Cropped[k]))
		}
	}
	largest, mean := spread(resized)
	t.Logf("resized: largest difference %d of 255, mean %.5f, %d pixels", largest, mean, len(resized))
	if len(resized) != 16*250 || largest > 1 || mean > 0.001 {
		t.Errorf("resized: largest difference %d, mean %.4f, %d pixels", largest, mean, len(resized))
	}
	if largest, _ := spread(cropped); largest != 0 {
		t.Errorf("cropped: largest difference %d", largest)
	}
}

// difference is how far the farthest of the three colours is from want.
func difference(got []uint8, want int) int {
	far := 0
	for _, v := range got {
		far = max(far, int(v)-want, want-int(v))
	}
	return far
}

func spread(differences []int) (largest int, mean float64) {
	for _, d := range differences {
		largest, mean = max(largest, d), mean+float64(d)
	}
	return largest, mean / float64(len(differences))
}

// TestFormatsAsPillow: grey, 16 bits, one bit, palettes, alpha, CMYK, progressive JPEG and every orientation.
func TestFormatsAsPillow(t *testing.T) {
	golden := readPillow(t)
	if len(golden.Files) < 16 {
		t.Fatalf("only %d files", len(golden.Files))
	}
	for name, file := range golden.Files {
		p, _, err := load(context.Background(), datasets.Content{Name: name, Bytes: file.File}, Options{}, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.bounds().Dx() != file.Width || p.bounds().Dy() != file.Height {
			t.Errorf("%s: %v instead of %d×%d", name, p.bounds(), file.Width, file.Height)
			continue
		}
		got := make([]uint8, len(file.Want))
		p.write(got, flip{})
		far := 0
		for i, v := range file.Want {
			far = max(far, int(got[i])-int(v), int(v)-int(got[i]))
		}
		t.Logf("%s: largest difference %d", name, far)
		if far > file.Tolerance {
			t.Errorf("%s: largest difference %d, more than %d", name, far, file.Tolerance)
		}
		if file.Tolerance == 0 && !bytes.Equal(got, file.Want) {
			t.Errorf("%s is not equal to the bit", name)
		}
	}
}
