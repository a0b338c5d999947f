package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"transferlab/datasets/fetch"
)

// fashionInstalled is where the Debian package dataset-fashion-mnist puts its files.
const fashionInstalled = "/usr/share/datasets/fashion-mnist"

// fashionClasses are the labels 0 to 9 (Xiao, Rasul and Vollgraf 2017, table 2).
var fashionClasses = []string{"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}

// fashionParts are the two pairs of files, in the order of rows.
var fashionParts = []string{"train", "t10k"}

// openFashionMNIST lists Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): 70,000 grey pictures of clothes, 28×28, the 60,000 training
// rows first, then the 10,000 test rows: Take(60000) and Skip(60000) are the published split. dir holds the four IDX files; "" is the
// installed Debian package, else that package is fetched.
func openFashionMNIST(ctx context.Context, dir string) (source, error) {
	fail := func(err error) (source, error) {
		return source{}, fmt.Errorf("datasets: open %q: %w", "fashion-mnist", err)
	}
	if dir == "" {
		dir = fashionInstalled
		if _, err := idxFile(filepath.Join(dir, "train-labels-idx1-ubyte")); err != nil {
			unpacked, err := fetch.Unpacked(ctx, fetch.FashionMNIST, reporter(ctx))
			if err != nil {
				return fail(err)
			}
			dir = filepath.Join(unpacked, fashionInstalled)
		}
	}
	var items []Item
	for _, part := range fashionParts {
		_, labels, err := readIDXFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), 1)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%w; the folder must hold train- and t10k-images-idx3-ubyte and -labels-idx1-ubyte, gzipped or not", err)
		}
		if err != nil {
			return fail(err)
		}
		for row, label := range labels {
			if int(label) >= len(fashionClasses) {
				return fail(fmt.Errorf("row %d of the %s labels has label %d; labels are 0 to %d", row, part, label, len(fashionClasses)-1))
			}
			items = append(items, Item{ID: fmt.Sprintf("%s/%05d", part, row), Row: len(items), Label: int(label)})
		}
	}
	// Pixels are read when the first one is asked for: labels alone are a thousandth of the bytes.
	pixels := sync.OnceValues(func() (*pixelFile, error) { return fashionPixels.of(dir) })
	images := fashionImages{dir: dir, rows: len(items), pixels: pixels}
	return source{items: items, classes: fashionClasses, content: images.content}, nil
}

type fashionImages struct {
	dir    string
	rows   int // that the label files promise
	pixels func() (*pixelFile, error)
}

func (f fashionImages) content(item Item) (Content, error) {
	held, err := f.pixels()
	if err != nil {
		return Content{}, fmt.Errorf("datasets: read %q: %w", "fashion-mnist", err)
	}
	size := held.height * held.width
	if len(held.pixels) != f.rows*size {
		return Content{}, fmt.Errorf("datasets: read %q: %s holds %d labels and %d images", "fashion-mnist", f.dir, f.rows, len(held.pixels)/size)
	}
	return Content{Name: "fashion-mnist " + item.ID, Bytes: held.pixels[item.Row*size : (item.Row+1)*size : (item.Row+1)*size],
		Width: held.width, Height: held.height, Depth: 1}, nil
}

// fashionPixels keeps the pixels of the folder read last: unzipping 55 MB again for each batch would take longer than the batch.
var fashionPixels pixelStore

type pixelStore struct {
	sync.Mutex
	held *pixelFile
}

// pixelFile is all images of a folder. It is never changed.
type pixelFile struct {
	dir           string
	changed       [2]time.Time // of the files when they were read
	pixels        []byte       // [n, height, width]
	height, width int
}

// of returns the images of dir, reading them if others are held or the files changed since.
func (s *pixelStore) of(dir string) (*pixelFile, error) {
	s.Lock()
	defer s.Unlock()
	file := &pixelFile{dir: dir}
	for i, part := range fashionParts {
		path, err := idxFile(filepath.Join(dir, part+"-images-idx3-ubyte"))
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		file.changed[i] = info.ModTime()
	}
	if s.held != nil && s.held.dir == dir && s.held.changed == file.changed {
		return s.held, nil
	}
	for _, part := range fashionParts {
		shape, pixels, err := readIDXFile(filepath.Join(dir, part+"-images-idx3-ubyte"), 3)
		if err != nil {
			return nil, err
		}
		if file.pixels != nil && (shape[1] != file.height || shape[2] != file.width) {
			return nil, fmt.Errorf("the images of %s are %d×%d, those before %d×%d", part, shape[1], shape[2], file.height, file.width)
		}
		file.height, file.width = shape[1], shape[2]
		file.pixels = append(file.pixels, pixels...)
	}
	s.held = file
	return file, nil
}
