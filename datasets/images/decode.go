package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"

	"github.com/disintegration/imaging"
	"golang.org/x/sync/semaphore"

	"transferlab/datasets"
)

// MaxPixels is the largest image that is decoded, 100 megapixels. A header of a few bytes may promise 100,000×100,000, so it is
// compared before memory is asked for; images that are decoded at one time have this many pixels together.
const MaxPixels = 100_000_000

// room is the pixels that may be decoded at once in this process.
var room = semaphore.NewWeighted(MaxPixels)

// decode makes pixels of what a row holds. Its errors do not name the image.
func decode(ctx context.Context, c datasets.Content) (pixels, error) {
	if c.Width > 0 {
		return raw(c)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(c.Bytes))
	if errors.Is(err, image.ErrFormat) {
		return pixels{}, errors.New("it is neither PNG nor JPEG")
	}
	if err != nil {
		return pixels{}, damaged(err)
	}
	if format != "png" && format != "jpeg" {
		return pixels{}, fmt.Errorf("it is a %s file; only PNG and JPEG are read", format)
	}
	if config.Width < 1 || config.Height < 1 || int64(config.Width)*int64(config.Height) > MaxPixels {
		return pixels{}, fmt.Errorf("its header says %d×%d pixels; up to %d megapixels are read", config.Width, config.Height, MaxPixels/1_000_000)
	}
	weight := int64(config.Width) * int64(config.Height)
	if err := room.Acquire(ctx, weight); err != nil {
		return pixels{}, err
	}
	defer room.Release(weight)
	return decodeFile(c.Bytes, format)
}

// decodeFile decodes an encoded image. A decoder that panics on damaged bytes must not end the engine, which holds trained models.
func decodeFile(file []byte, format string) (p pixels, err error) {
	defer func() {
		if r := recover(); r != nil {
			var fault runtime.Error
			if e, ok := r.(error); !ok || !errors.As(e, &fault) {
				panic(r) // not a slip of a decoder
			}
			p, err = pixels{}, damaged(fault)
		}
	}()
	var m image.Image
	if format == "jpeg" {
		m, err = imaging.Decode(bytes.NewReader(file), imaging.AutoOrientation(true))
	} else {
		m, _, err = image.Decode(bytes.NewReader(file))
	}
	if err != nil {
		return pixels{}, damaged(err)
	}
	if grey, ok := m.(*image.Gray); ok {
		return pixels{grey: grey}, nil
	}
	colour := imaging.Clone(m)
	for i := 3; i < len(colour.Pix); i += 4 {
		colour.Pix[i] = 255 // drops alpha, as Pillow's convert("RGB") does
	}
	return pixels{colour: colour}, nil
}

func damaged(err error) error {
	return fmt.Errorf("the file is damaged or cut off: %w; copy it again or remove it", err)
}

// raw wraps pixels that need no decoding.
func raw(c datasets.Content) (pixels, error) {
	if c.Height < 1 || len(c.Bytes) != c.Width*c.Height*c.Depth {
		return pixels{}, fmt.Errorf("%d bytes are no %d×%d×%d pixels", len(c.Bytes), c.Height, c.Width, c.Depth)
	}
	bounds := image.Rect(0, 0, c.Width, c.Height)
	switch c.Depth {
	case 1:
		return pixels{grey: &image.Gray{Pix: c.Bytes, Stride: c.Width, Rect: bounds}}, nil
	case 3:
		m := opaque(c.Width, c.Height)
		for i := range c.Width * c.Height {
			copy(m.Pix[4*i:4*i+3], c.Bytes[3*i:3*i+3])
		}
		return pixels{colour: m}, nil
	}
	return pixels{}, fmt.Errorf("%d channels; 1 or 3 are possible", c.Depth)
}
