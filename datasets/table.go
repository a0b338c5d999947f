package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
)

// Item is one row: an image and what is known about it.
type Item struct {
	ID          string  // stable name inside its source, e.g. "images/cell0001.png"
	File        string  // absolute path of the encoded image; "" where the source has no file for it (IDX, shapes, synthetic)
	Row         int     // row in the source, before any Pick
	Label       int     // index into Classes
	Probability float64 // elpv: how sure the experts were that the cell is defective: 0, 1/3, 2/3 or 1
	Kind        string  // elpv: "mono" or "poly", the crystal of the solar cell; "" elsewhere
}

// Table is a data set that was read: its rows after all Picks. Read once and keep it where images are read again and again.
type Table struct {
	Items   []Item
	Classes []string
	content func(Item) (Content, error)
	hash    func(Item) [32]byte // or nil
}

// Content is the image of one row, undecoded.
type Content struct {
	Name   string // for errors: the file's path, or source and row
	Bytes  []byte // an encoded PNG or JPEG file where Width is 0, else pixels, row by row, Depth bytes each
	Width  int
	Height int
	Depth  int // 1 (grey) or 3 (red, green, blue)
}

// maxFileBytes bounds what is read into memory for one image; the largest photographs of cameras have a tenth of it.
const maxFileBytes = 256 << 20

// source is a data set before any Pick.
type source struct {
	items   []Item
	classes []string
	content func(Item) (Content, error) // may be called by many goroutines at once
	hash    func(Item) [32]byte         // of the content, where that is known without reading it; or nil
}

// Content reads the image of row i (a position in Items).
func (t *Table) Content(i int) (Content, error) {
	if i < 0 || i >= len(t.Items) {
		return Content{}, fmt.Errorf("datasets: read row %d: positions are 0 to %d", i, len(t.Items)-1)
	}
	return t.content(t.Items[i])
}

// Hash is the hash of row i's image; see Dataset.Hashes. content is what Content gave for that row.
func (t *Table) Hash(i int, content Content) [32]byte {
	if t.hash != nil {
		return t.hash(t.Items[i])
	}
	return content.hash()
}

// Labels are the labels of all rows.
func (t *Table) Labels() []int {
	labels := make([]int, len(t.Items))
	for i, item := range t.Items {
		labels[i] = item.Label
	}
	return labels
}

// Table reads the list of d's rows, fetching the data set on its first use. Images are read later, by Content.
func (d Dataset) Table(ctx context.Context) (*Table, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("datasets: open %q: %w", d.Source, err)
	}
	if err := d.Augmentation.Check(); err != nil {
		return nil, err
	}
	src, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	for _, item := range src.items {
		if item.Label < 0 || item.Label >= len(src.classes) {
			return nil, fmt.Errorf("datasets: open %q: %s has label %d; labels of %d classes are 0 to %d",
				d.Source, item.ID, item.Label, len(src.classes), len(src.classes)-1)
		}
	}
	items := src.items
	for _, p := range d.Picks {
		if items, err = p.apply(items); err != nil {
			return nil, fmt.Errorf("datasets: %w (of %s)", err, d)
		}
	}
	return &Table{Items: items, Classes: src.classes, content: src.content, hash: src.hash}, nil
}

// open finds the source by its name.
func (d Dataset) open(ctx context.Context) (source, error) {
	switch d.Source {
	case "elpv":
		return openELPV(ctx, d.Path)
	case "fashion-mnist":
		return openFashionMNIST(ctx, d.Path)
	case "folder":
		return openFolder(d.Path)
	case "image":
		return openImage(d.Path)
	case "shapes":
		return openShapes(d.N, d.Seed)
	case "synthetic":
		return openSynthetic(d.N, d.Seed)
	case "":
		return source{}, errors.New(`datasets: this data set names no source; make one with datasets.Open("elpv") or datasets.Folder(dir)`)
	}
	hint := ""
	if name := Nearest(d.Source, names()); name != "" {
		hint = "; did you mean " + name + "?"
	}
	return source{}, fmt.Errorf("datasets: open %q: no such data set (have %s%s)", d.Source, strings.Join(names(), ", "), hint)
}

// names lists what Open knows.
func names() []string { return []string{"elpv", "fashion-mnist"} }

// Nearest is the name that a slip of the finger would turn into word, or "". It counts insertions, deletions, replacements and swaps of
// neighbours, whatever the case (optimal string alignment, Damerau 1964), up to two of them, or a quarter of a longer word. Of names that
// are equally near, one of the same letters comes first: who writes mbconv61 means mbconv16, not mbconv1.
func Nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, at := 2*max(2, len(word)/4)+1, ""
	for _, name := range names {
		lower := strings.ToLower(name)
		n := 2 * edlib.OSADamerauLevenshteinDistance(word, lower)
		if n > 0 && slices.Equal(letters(word), letters(lower)) {
			n--
		}
		if n < best {
			best, at = n, name
		}
	}
	return at
}

// letters are the letters of a word in the order of the alphabet.
func letters(word string) []rune { return slices.Sorted(slices.Values([]rune(word))) }

// fileContent reads an encoded image.
func fileContent(item Item) (Content, error) {
	file, err := os.Open(item.File)
	if err != nil {
		return Content{}, fmt.Errorf("datasets: read image: %w", err)
	}
	defer file.Close()
	bytes, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	switch {
	case err != nil:
		return Content{}, fmt.Errorf("datasets: read image: %w", err)
	case len(bytes) == 0:
		return Content{}, fmt.Errorf("datasets: read image %s: the file is empty; copy it again or remove it", item.File)
	case len(bytes) > maxFileBytes:
		return Content{}, fmt.Errorf("datasets: read image %s: the file is larger than %d MB; store it smaller", item.File, maxFileBytes>>20)
	}
	return Content{Name: item.File, Bytes: bytes}, nil
}

// Items are the rows of d after all Picks.
func (d Dataset) Items(ctx context.Context) ([]Item, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(t.Items), nil
}

// Labels are the labels of d's rows, indices into Classes.
func (d Dataset) Labels(ctx context.Context) ([]int, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return nil, err
	}
	return t.Labels(), nil
}

// Classes are the names of d's classes, also of those that no row of d shows.
func (d Dataset) Classes(ctx context.Context) ([]string, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(t.Classes), nil
}

// Len is the number of d's rows, at least 1: a description that leaves none is an error.
func (d Dataset) Len(ctx context.Context) (int, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return 0, err
	}
	return len(t.Items), nil
}
