package datasets_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
)

func rowsOf(t *testing.T, d datasets.Dataset) []int {
	t.Helper()
	items, err := d.Items(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int, len(items))
	for i, item := range items {
		rows[i] = item.Row
	}
	return rows
}

func labelsOf(t *testing.T, d datasets.Dataset) []int {
	t.Helper()
	labels, err := d.Labels(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

// TestSplitProperties: whatever the size, fraction and seed, the parts are disjoint, complete, in order, and as large as they should be.
func TestSplitProperties(t *testing.T) {
	for _, n := range []int{10, 101, 999} {
		for _, fraction := range []float64{0.15, 0.5, 0.85} {
			for seed := range int64(5) {
				d := datasets.Shapes(n, 7)
				first, second := d.Split(fraction, seed)
				a, b := rowsOf(t, first), rowsOf(t, second)
				if !slices.IsSorted(a) || !slices.IsSorted(b) {
					t.Fatalf("n %d, fraction %v: order was not kept", n, fraction)
				}
				all := slices.Sorted(slices.Values(slices.Concat(a, b)))
				if !slices.Equal(all, rowsOf(t, d)) {
					t.Fatalf("n %d, fraction %v: %d + %d rows are not the %d rows, each once", n, fraction, len(a), len(b), n)
				}
				inAll, inFirst := tally(labelsOf(t, d)), tally(labelsOf(t, first))
				for label, count := range inAll {
					if want := int(math.Round(fraction * float64(count))); inFirst[label] != want {
						t.Fatalf("n %d, fraction %v, class %d: %d of %d instead of %d", n, fraction, label, inFirst[label], count, want)
					}
				}
			}
		}
	}
}

func tally(labels []int) map[int]int {
	counts := map[int]int{}
	for _, label := range labels {
		counts[label]++
	}
	return counts
}

// TestSplitIsStable pins the generator: a split that changed with a Go version would move test images into training.
func TestSplitIsStable(t *testing.T) {
	first, _ := datasets.Shapes(12, 1).Split(0.5, 42)
	want := []int{2, 4, 6, 7, 8, 10, 11}
	if got := rowsOf(t, first); !slices.Equal(got, want) {
		t.Errorf("rows %v instead of %v", got, want)
	}
	again, _ := datasets.Shapes(12, 1).Split(0.5, 42)
	if !slices.Equal(rowsOf(t, again), rowsOf(t, first)) {
		t.Error("the same seed gave other rows")
	}
	big := datasets.Shapes(300, 1)
	one, _ := big.Split(0.5, 1)
	two, _ := big.Split(0.5, 2)
	if slices.Equal(rowsOf(t, one), rowsOf(t, two)) {
		t.Error("another seed gave the same rows")
	}
}

func TestPicks(t *testing.T) {
	d := datasets.Shapes(10, 1)
	rest, every := d.EveryNth(4)
	for _, c := range []struct {
		d    datasets.Dataset
		want []int
	}{
		{rest, []int{1, 2, 3, 5, 6, 7, 9}},
		{every, []int{0, 4, 8}},
		{d.Take(3), []int{0, 1, 2}},
		{d.Take(30), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{d.Skip(8), []int{8, 9}},
		{d.Rows(5, 2, 2), []int{5, 2, 2}},
		{rest.Skip(2).Rows(0, 4), []int{3, 9}},
	} {
		if got := rowsOf(t, c.d); !slices.Equal(got, c.want) {
			t.Errorf("%s: rows %v instead of %v", c.d, got, c.want)
		}
	}
	if _, none := d.EveryNth(1); !slices.Equal(rowsOf(t, none), rowsOf(t, d)) {
		t.Error("every first row is not every row")
	}
}

// TestDescriptionsShareNothing: two descriptions made from one do not overwrite each other.
func TestDescriptionsShareNothing(t *testing.T) {
	base := datasets.Shapes(20, 1).Take(19).Take(18).Take(17)
	a, b := base.Take(5), base.Skip(5)
	if got := len(rowsOf(t, a)); got != 5 {
		t.Errorf("%d rows instead of 5", got)
	}
	if got := len(rowsOf(t, b)); got != 12 {
		t.Errorf("%d rows instead of 12", got)
	}
}

// TestTravels: a description survives gob, as which it goes to the engine.
func TestTravels(t *testing.T) {
	d, _ := datasets.Shapes(20, 1).Split(0.5, 3)
	d = d.Rows(3, 1).Augment(datasets.Augmentation{FlipUpDown: true})
	var wire bytes.Buffer
	if err := gob.NewEncoder(&wire).Encode(d); err != nil {
		t.Fatal(err)
	}
	var got datasets.Dataset
	if err := gob.NewDecoder(&wire).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, d) || !slices.Equal(rowsOf(t, got), rowsOf(t, d)) {
		t.Errorf("%+v became %+v", d, got)
	}
}

func TestBadDescriptions(t *testing.T) {
	d := datasets.Shapes(4, 1)
	bad := func(p datasets.Pick) datasets.Dataset {
		d := d
		d.Picks = []datasets.Pick{p}
		return d
	}
	split := func(fraction float64) datasets.Dataset { first, _ := d.Split(fraction, 1); return first }
	_, everyZeroth := d.EveryNth(0)
	noRest, _ := d.EveryNth(1)
	for _, c := range []struct {
		d    datasets.Dataset
		want string // a part of the error
	}{
		{datasets.Open("elvp"), `datasets: open "elvp": no such data set (have elpv, fashion-mnist; did you mean elpv?)`},
		{datasets.Open("ELPV"), `did you mean elpv?`},
		{datasets.Open("fashion_mnist"), `did you mean fashion-mnist?`},
		{datasets.Open("imagenet"), `datasets: open "imagenet": no such data set (have elpv, fashion-mnist)`},
		{datasets.Dataset{}, `names no source`},
		{split(0), "fraction 0 is not between 0 and 1"},
		{split(1), "fraction 1 is not"},
		{split(-0.5), "fraction -0.5 is not"},
		{split(math.NaN()), "fraction NaN is not"},
		{split(math.Inf(1)), "fraction +Inf is not"},
		{everyZeroth, "k is 0 and must be at least 1"},
		{noRest, "without every 1st row: no row is left of 4"},
		{d.Take(0), "0 rows; the number must be at least 1"},
		{d.Skip(-1), "-1 rows; the number must be at least 1"},
		{d.Skip(4), "no row is left of 4"},
		{d.Rows(), "no position is given"},
		{d.Rows(1, 4), "position 4 does not exist; positions are 0 to 3"},
		{d.Rows(-1), "position -1 does not exist"},
		{split(0.01), "no row is left of 4"},
		{bad(datasets.Pick{Kind: "best"}), `pick "best": no such kind`},
		{datasets.Shapes(0, 1), "0 images"},
		{datasets.Shapes(2_000_000, 1), "the number must be 1 to 1000000"},
		{datasets.Folder(""), "no directory is named"},
	} {
		for verb, call := range verbs {
			err := call(context.Background(), c.d)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "datasets: ") {
				t.Errorf("%s of %s: error %v, without %q", verb, c.d, err, c.want)
			}
		}
	}
}

var verbs = map[string]func(context.Context, datasets.Dataset) error{
	"Items":   func(ctx context.Context, d datasets.Dataset) error { _, err := d.Items(ctx); return err },
	"Labels":  func(ctx context.Context, d datasets.Dataset) error { _, err := d.Labels(ctx); return err },
	"Classes": func(ctx context.Context, d datasets.Dataset) error { _, err := d.Classes(ctx); return err },
	"Len":     func(ctx context.Context, d datasets.Dataset) error { _, err := d.Len(ctx); return err },
	"Hashes":  func(ctx context.Context, d datasets.Dataset) error { _, err := d.Hashes(ctx); return err },
	"Counts":  func(ctx context.Context, d datasets.Dataset) error { _, err := d.Counts(ctx); return err },
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for verb, call := range verbs {
		if err := call(ctx, datasets.Shapes(3, 1)); err == nil || !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("%s of a cancelled context: %v", verb, err)
		}
	}
}

func TestString(t *testing.T) {
	rest, test := datasets.Open("elpv").EveryNth(4)
	train, valid := rest.Split(0.85, 1)
	for want, d := range map[string]datasets.Dataset{
		"elpv; every 4th row":         test,
		"elpv; without every 4th row": rest,
		"elpv; without every 4th row; 0.85 of each class, seed 1; flipped left to right in training": train.Augment(datasets.Augmentation{FlipLeftRight: true}),
		"elpv; without every 4th row; the rest of a split at 0.85, seed 1":                           valid,
		"5 shapes, seed 2; rows 1 2":                    datasets.Shapes(5, 2).Rows(1, 2),
		"folder /data; the first 3 rows; 5 chosen rows": datasets.Folder("/data").Take(3).Rows(0, 1, 2, 0, 1),
		"no data set; without the first 2 rows":         datasets.Dataset{}.Skip(2),
		"fashion-mnist /data; every 22nd row":           second(datasets.FashionMNIST("/data").EveryNth(22)),
		"fashion-mnist /data; every 113th row":          second(datasets.FashionMNIST("/data").EveryNth(113)),
		"elpv; flipped upside down in training":         datasets.Open("elpv").Augment(datasets.Augmentation{FlipUpDown: true}),
	} {
		if got := d.String(); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}

func second(_, d datasets.Dataset) datasets.Dataset { return d }

// TestPerClass: so many of each class, in order, and a smaller number's rows are among a larger one's.
func TestPerClass(t *testing.T) {
	d := datasets.Shapes(300, 3)
	all := tally(labelsOf(t, d))
	smaller := map[int]bool{}
	for _, n := range []int{1, 10, 60, 1000} {
		picked := d.PerClass(n, 5)
		rows := rowsOf(t, picked)
		if !slices.IsSorted(rows) {
			t.Errorf("%d of each class: order was not kept", n)
		}
		for label, have := range tally(labelsOf(t, picked)) {
			if want := min(n, all[label]); have != want {
				t.Errorf("%d of each class: class %d has %d, want %d", n, label, have, want)
			}
		}
		for row := range smaller {
			if !slices.Contains(rows, row) {
				t.Errorf("%d of each class: row %d of a smaller pick is gone", n, row)
			}
		}
		for _, row := range rows {
			smaller[row] = true
		}
	}
	if slices.Equal(rowsOf(t, d.PerClass(10, 5)), rowsOf(t, d.PerClass(10, 6))) {
		t.Error("two seeds pick the same rows")
	}
	if _, err := d.PerClass(0, 1).Labels(context.Background()); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("none of each class: error %v", err)
	}
}
