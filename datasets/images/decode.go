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

// MaxPixels is the largest image that is decoded, 100 megapixels, and MaxSide its largest width and height. A header of a few bytes may
// promise 100,000×100,000, so it is compared before memory is asked for.
const (
	MaxPixels = 100_000_000
	MaxSide   = 65_535 // JPEG's own limit; the weights of resizing take memory in proportion to a side
)

// room is the pixels that may be decoded and resized at once in this process: two images of 100 megapixels wait for each other, so that
// they take at most about 1.2 GB (16 bits of four channels, and a copy of 8) on any number of processors.
var room = semaphore.NewWeighted(MaxPixels)

// load decodes what a row holds, brings it to o.Size, unless that is 0, and does what view says for an image of the decoded size, but for
// flips, which it returns; a nil view is the plain image. Its errors name the image.
func load(ctx context.Context, c datasets.Content, o Options, view func(width, height int) datasets.View) (pixels, flip, error) {
	var v datasets.View
	p, err := func() (pixels, error) {
		format, weight, err := examine(c)
		if err != nil {
			return pixels{}, err
		}
		if err := room.Acquire(ctx, weight); err != nil {
			return pixels{}, err
		}
		defer room.Release(weight)
		p, err := decode(c, format)
		if err != nil {
			return p, err
		}
		if view != nil {
			v = view(p.bounds().Dx(), p.bounds().Dy())
		}
		return p.vary(v, o)
	}()
	if err != nil {
		return pixels{}, flip{}, fmt.Errorf("images: decode %s: %w", c.Name, err)
	}
	return p, flip{v.LeftRight, v.UpDown}, nil
}

// loadRow is load for one row of a data set.
func loadRow(ctx context.Context, t *datasets.Table, a datasets.Augmentation, position int, o Options) (pixels, flip, error) {
	content, err := t.Content(position)
	if err != nil {
		return pixels{}, flip{}, err
	}
	if o.View == 0 {
		return load(ctx, content, o, nil)
	}
	return load(ctx, content, o, func(width, height int) datasets.View {
		return a.View(o.View, t.Hash(position, content), width, height)
	})
}

// examine reads the header: which decoder is meant and how many pixels it will make.
func examine(c datasets.Content) (format string, count int64, err error) {
	width, height, format := c.Width, c.Height, "raw"
	if c.Width == 0 {
		config, name, err := image.DecodeConfig(bytes.NewReader(c.Bytes))
		switch {
		case errors.Is(err, image.ErrFormat):
			return "", 0, errors.New("it is neither PNG nor JPEG")
		case err != nil:
			return "", 0, damaged(err)
		case name != "png" && name != "jpeg": // imaging knows more formats
			return "", 0, fmt.Errorf("it is a %s file; only PNG and JPEG are read", name)
		}
		width, height, format = config.Width, config.Height, name
	}
	count = int64(width) * int64(height)
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide || count > MaxPixels {
		return "", 0, fmt.Errorf("its header says %d×%d pixels; up to %d megapixels and %d on a side are read", width, height, MaxPixels/1_000_000, MaxSide)
	}
	return format, count, nil
}

// decode makes pixels of what a row holds, once examine passed it.
func decode(c datasets.Content, format string) (pixels, error) {
	if format == "raw" {
		return raw(c)
	}
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
