package images

import (
	"context"
	"testing"

	"transferlab/datasets"
)

// BenchmarkELPV decodes ELPV cells from 300×300 to 224×224 on GOMAXPROCS processors:
//
//	go test -run - -bench ELPV -cpu 1,2 ./datasets/images
//	python3 datasets/images/testdata/pillow_speed.py FOLDER   (the same images with Pillow, on one and two threads)
func BenchmarkELPV(b *testing.B) {
	ctx := context.Background()
	d := datasets.Open("elpv").Take(256)
	table, err := d.Table(ctx)
	if err != nil {
		b.Fatal(err)
	}
	positions := make([]int, len(table.Items))
	for i := range positions {
		positions[i] = i
	}
	dst := make([]uint8, len(positions)*224*224*3)
	for b.Loop() {
		if err := Decode(ctx, table, d.Augmentation, positions, Options{Size: 224}, dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(positions)*b.N)/b.Elapsed().Seconds(), "images/s")
}
