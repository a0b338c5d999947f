// Package datasets describes labelled images: which images, which of their rows, and how they are varied for training.
//
// A [Dataset] is a description of a few bytes. Making one computes, reads and fetches nothing and cannot fail, so it can stand in a
// top-level variable of a notebook; what is wrong with it is reported by the first verb, a method that takes a context.
// Pixels are decoded in transferlab/datasets/images, so that a program that only describes data links no image code.
package datasets

import "path/filepath"

// Dataset describes labelled images. It travels to the engine as it is. The zero value names no source: its verbs return an error.
type Dataset struct {
	Source       string       // "elpv", "fashion-mnist", "folder", "image", "shapes" or "synthetic"
	Path         string       // folder: its directory; image: its file; elpv and fashion-mnist: a directory that holds its files, "" for the installed or fetched one
	N            int          // shapes and synthetic: how many images
	Seed         int64        // shapes and synthetic: the seed they are drawn from
	Picks        []Pick       // row selections, applied in order
	Augmentation Augmentation // how images vary in training; Represent, Evaluate and Predict always see the plain image
}

// Pick is one selection of rows, as data. Exactly one of its kinds is meant; see the methods of Dataset that make them.
type Pick struct {
	Kind     string  // "split", "nth", "rows", "take" or "per class"
	Fraction float64 // split: the share of each class that the first part gets, in (0, 1)
	Seed     int64   // split, per class: the seed of the shuffle
	K        int     // nth: every K-th row, rows 0, K, 2K …; take: the first K rows; per class: K rows of each class; K ≥ 1
	Rest     bool    // split, nth, take: the other rows instead
	Rows     []int   // rows: these positions, in this order
}

// Open describes a data set by its name: "elpv" or "fashion-mnist".
func Open(name string) Dataset { return Dataset{Source: name} }

// Folder describes the images under dir, PNG and JPEG, one directory for each class; classes and files are in the order of their
// names. A relative dir is meant from where this program runs, and is made absolute since the engine may run elsewhere.
func Folder(dir string) Dataset { return Dataset{Source: "folder", Path: absolute(dir)} }

// FashionMNIST is Open("fashion-mnist") read from dir, which holds the four IDX files, gzipped (.gz) or not.
func FashionMNIST(dir string) Dataset { return Dataset{Source: "fashion-mnist", Path: absolute(dir)} }

// absolute is dir as seen from the root. Where even the working directory is gone the first verb will say so.
func absolute(dir string) string {
	if dir == "" {
		return ""
	}
	if full, err := filepath.Abs(dir); err == nil {
		return full
	}
	return dir
}

// Shapes describes n synthetic 32×32 images of three classes (circle, square, cross), drawn from seed. For tests only.
func Shapes(n int, seed int64) Dataset { return Dataset{Source: "shapes", N: n, Seed: seed} }

// Split parts d in two, class by class, after a shuffle by seed: the first part holds fraction of each class's rows, rounded to the
// nearest whole number, the second the rest. Both keep d's order of rows.
func (d Dataset) Split(fraction float64, seed int64) (first, second Dataset) {
	p := Pick{Kind: "split", Fraction: fraction, Seed: seed}
	first = d.pick(p)
	p.Rest = true
	return first, d.pick(p)
}

// EveryNth parts d in two: every holds rows 0, k, 2k …, rest the others, both in d's order.
func (d Dataset) EveryNth(k int) (rest, every Dataset) {
	return d.pick(Pick{Kind: "nth", K: k, Rest: true}), d.pick(Pick{Kind: "nth", K: k})
}

// Take keeps the first n rows of d, or all where d has fewer.
func (d Dataset) Take(n int) Dataset { return d.pick(Pick{Kind: "take", K: n}) }

// Skip leaves out the first n rows of d: what Take(n) does not keep.
func (d Dataset) Skip(n int) Dataset { return d.pick(Pick{Kind: "take", K: n, Rest: true}) }

// PerClass keeps n rows of each class after a shuffle by seed, or all of a class that has fewer, in d's order. With one seed a smaller n gives
// some of the rows of a larger one: what learning curves compare.
func (d Dataset) PerClass(n int, seed int64) Dataset {
	return d.pick(Pick{Kind: "per class", K: n, Seed: seed})
}

// Rows keeps the rows at the given positions of d (from 0), in that order; a position may come twice.
func (d Dataset) Rows(positions ...int) Dataset { return d.pick(Pick{Kind: "rows", Rows: positions}) }

// Augment is d with the given variations in training. A bad description is reported by the first verb.
func (d Dataset) Augment(a Augmentation) Dataset {
	d.Augmentation = a
	return d
}

// pick appends to a copy: two descriptions made from one must not share the array behind Picks.
func (d Dataset) pick(p Pick) Dataset {
	picks := make([]Pick, 0, len(d.Picks)+1)
	d.Picks = append(append(picks, d.Picks...), p)
	return d
}
