package images

import (
	"context"
	"image"
	"syscall"
	"testing"
	"time"

	"github.com/disintegration/imaging"

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
	before := processorTime(b)
	for b.Loop() {
		if err := Decode(ctx, table, d.Augmentation, positions, Options{Size: 224}, dst); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(len(positions) * b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/n, "processor-µs/image") // what other programs cannot slow down
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkResizeGrey is what packing three bands into the colours of one image saves: from 300×300 to 224×224 on one processor.
func BenchmarkResizeGrey(b *testing.B) {
	src := image.NewGray(image.Rect(0, 0, 300, 300))
	for i := range src.Pix {
		src.Pix[i] = uint8(i * i)
	}
	b.Run("packed", func(b *testing.B) {
		for b.Loop() {
			resizeGrey(src, 224, 224, imaging.Linear)
		}
	})
	b.Run("imaging", func(b *testing.B) {
		for b.Loop() {
			imaging.Resize(src, 224, 224, imaging.Linear)
		}
	})
}
