// Package images decodes the images that transferlab/datasets describes into pixels for a network or a figure.
//
// Every image becomes red, green and blue of 8 bits. Grey is repeated three times, 16 bits are cut to the upper 8, the alpha channel is
// dropped, palettes and CMYK are converted, and the orientation that a camera noted is followed. Resizing is bilinear or bicubic with
// antialiasing, as Pillow's BILINEAR and BICUBIC. It ignores the aspect ratio, as Keras's loaders do, or brings the shorter side to a size
// and cuts the middle out, as torchvision and timm do: see Options.
package images

import (
	"context"
	"fmt"
	"image"
	"runtime"

	"golang.org/x/sync/errgroup"

	"transferlab/datasets"
)

// Options says how an image becomes pixels.
type Options struct {
	Size int // width and height in pixels, 1 to MaxSize; 0 keeps the image as it is (for Image only)
	View int // which view of the data set's Augmentation, 0 (the plain image) to Views()−1
	// Crop c in (0, 1] brings the shorter side to Size/c, rounded down, keeps the aspect ratio and cuts Size×Size out of the middle: what timm
	// calls crop_pct, and torchvision's Resize(256), CenterCrop(224) with c = 224/256. 0 resizes both sides to Size, whatever the aspect ratio.
	Crop    float64
	Bicubic bool // resize with the bicubic filter instead of the bilinear one
}

// MaxSize bounds Options.Size: a batch of 32 of that size takes 1.6 GB.
const MaxSize = 4096

// Pixels decodes the images of d at the given positions, on all processors, into dst: bytes [len(positions), Size, Size, 3].
// d is listed once; to decode many batches, list it yourself with d.Table and use Decode.
func Pixels(ctx context.Context, d datasets.Dataset, positions []int, o Options, dst []uint8) error {
	t, err := d.Table(ctx)
	if err != nil {
		return err
	}
	return Decode(ctx, t, d.Augmentation, positions, o, dst)
}

// Decode is Pixels for a data set that is already listed. a says what o.View means.
func Decode(ctx context.Context, t *datasets.Table, a datasets.Augmentation, positions []int, o Options, dst []uint8) error {
	if err := o.check(a, positions, len(t.Items)); err != nil {
		return err
	}
	size := o.Size * o.Size * 3
	if len(dst) != len(positions)*size {
		return fmt.Errorf("images: decode: dst has %d bytes; %d images of %d×%d×3 need %d", len(dst), len(positions), o.Size, o.Size, len(positions)*size)
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, position := range positions {
		if within.Err() != nil {
			break // the first error, or the caller, ended it
		}
		group.Go(func() error {
			p, f, err := loadRow(within, t, a, position, o)
			if err == nil {
				p.write(dst[i*size:(i+1)*size], f)
			}
			return err
		})
	}
	err := group.Wait()
	if cancelled := ctx.Err(); cancelled != nil {
		return fmt.Errorf("images: decode: %w", cancelled)
	}
	return err
}

// check refuses options and positions that no image could meet.
func (o Options) check(a datasets.Augmentation, positions []int, rows int) error {
	if o.Size < 1 || o.Size > MaxSize {
		return fmt.Errorf("images: decode: size %d; 1 to %d is possible", o.Size, MaxSize)
	}
	if o.Crop != 0 && !(o.Crop > 0 && o.Crop <= 1) { // also refuses NaN
		return fmt.Errorf("images: decode: Crop %v; the share of the shorter side that is kept is above 0 and at most 1, or 0 to keep all and squash", o.Crop)
	}
	if err := a.Check(); err != nil {
		return err
	}
	if o.View < 0 || o.View >= a.Views() {
		return fmt.Errorf("images: decode: view %d; this augmentation has views 0 to %d", o.View, a.Views()-1)
	}
	for _, position := range positions {
		if position < 0 || position >= rows {
			return fmt.Errorf("images: decode: position %d does not exist; positions are 0 to %d", position, rows-1)
		}
	}
	return nil
}

// Image decodes one image for a figure: what Pixels gives, or with Size 0 the image as it is stored, views included.
func Image(ctx context.Context, d datasets.Dataset, position int, o Options) (image.Image, error) {
	all, err := Images(ctx, d, []int{position}, o)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Images is Image for many positions, decoded in parallel: the thumbnails of a figure.
func Images(ctx context.Context, d datasets.Dataset, positions []int, o Options) ([]image.Image, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return nil, err
	}
	checked := o
	checked.Size = max(o.Size, 1) // 0 is allowed here
	if o.Size < 0 {
		checked.Size = o.Size
	}
	if err := checked.check(d.Augmentation, positions, len(t.Items)); err != nil {
		return nil, err
	}
	all := make([]image.Image, len(positions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, position := range positions {
		group.Go(func() error {
			p, f, err := loadRow(ctx, t, d.Augmentation, position, o)
			if err == nil {
				all[i] = p.image(f)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}
