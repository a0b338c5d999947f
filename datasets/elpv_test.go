package datasets_test

import (
	"context"
	"crypto/sha256"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
)

// TestELPVEveryFourth pins the split that every accuracy of the lab is measured on.
func TestELPVEveryFourth(t *testing.T) {
	ctx := context.Background()
	rest, test := datasets.Open("elpv").EveryNth(4)
	others, err := rest.Len(ctx)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := test.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	class, share := counts.Majority()
	if others != 1968 || counts.Total() != 656 || class != "functional" || math.Abs(share-0.698) > 0.0005 {
		t.Errorf("%d others, majority %q %.4f\n%s", others, class, share, counts)
	}
	// 0.85 of the 1,345 functional and the 623 defective cells of the others is 1143.25 and 529.55.
	train, valid := rest.Split(0.85, 1)
	for d, want := range map[*datasets.Dataset][]int{&train: {1143, 530}, &valid: {202, 93}} {
		counts, err := d.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(counts.Rows, want) {
			t.Errorf("%s has %v rows of each class instead of %v", d, counts.Rows, want)
		}
	}
}

// TestELPVRows compares with what the authors publish: 2,624 cells, of them so many of each probability and kind.
func TestELPVRows(t *testing.T) {
	ctx := context.Background()
	d := datasets.Open("elpv")
	items, err := d.Items(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defects, mono := map[int]int{}, 0
	for i, item := range items {
		defects[int(math.Round(3*item.Probability))]++
		if item.Kind == "mono" {
			mono++
		}
		if (item.Probability >= 0.5) != (item.Label == 1) || item.Row != i {
			t.Errorf("row %d: %+v", i, item)
		}
	}
	if len(items) != 2624 || mono != 1074 || defects[0] != 1508 || defects[1] != 295 || defects[2] != 106 || defects[3] != 715 {
		t.Errorf("%d rows, %d mono, by thirds of probability %v", len(items), mono, defects)
	}
	hashes, err := d.Rows(5).Hashes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(items[5].File)
	if err != nil {
		t.Fatal(err)
	}
	if hashes[0] != sha256.Sum256(file) {
		t.Error("the hash is not the SHA-256 of the file")
	}
}

func TestBadELPV(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "no row is in it",
		"images/a.png 1.0":           "line 1 has 2 fields instead of 3",
		"images/a.png 1.0 mono x":    "line 1 has 4 fields",
		"images/a.png 1.5 mono":      `line 1: the probability "1.5" is no number from 0 to 1`,
		"images/a.png NaN mono":      `the probability "NaN"`,
		"\nimages/a.png yes mono":    `line 2: the probability "yes"`,
		"images/a.png 1 glass":       `the kind "glass" is neither`,
		"../a.png 1 mono":            "lies outside of the data set",
		"/etc/passwd 1 mono":         "lies outside of the data set",
		strings.Repeat("x", 100_000): "token too long",
	} {
		dir := tree(t, map[string]string{"labels.csv": text})
		err := errorOf(datasets.Dataset{Source: "elpv", Path: dir})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%q: error %v, without %q", text[:min(len(text), 30)], err, want)
		}
	}
	if err := errorOf(datasets.Dataset{Source: "elpv", Path: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "labels.csv") {
		t.Errorf("error %v", err)
	}
	dir := tree(t, map[string]string{"labels.csv": "images/a.png 1 mono"})
	if _, err := (datasets.Dataset{Source: "elpv", Path: dir}).Hashes(context.Background()); err == nil || !strings.Contains(err.Error(), "a.png") {
		t.Errorf("a missing image: %v", err)
	}
}

// TestFashionMNIST reads the files of the Debian package where it is installed; their format has its tests in idx_test.go.
func TestFashionMNIST(t *testing.T) {
	if _, err := os.Stat("/usr/share/datasets/fashion-mnist"); err != nil {
		t.Skip("the Debian package dataset-fashion-mnist is not installed")
	}
	ctx := context.Background()
	d := datasets.Open("fashion-mnist")
	for want, part := range map[int]datasets.Dataset{7000: d, 6000: d.Take(60000), 1000: d.Skip(60000)} {
		counts, err := part.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range counts.Rows {
			if n != want {
				t.Errorf("%s: class %s has %d rows instead of %d", part, counts.Classes[i], n, want)
			}
		}
	}
	hashes, err := d.Hashes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	different := map[[32]byte]bool{}
	for _, hash := range hashes {
		different[hash] = true
	}
	if len(hashes) != 70000 || len(different) < 69900 {
		t.Errorf("%d rows, %d different", len(hashes), len(different))
	}
}
