package datasets_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
)

// TestSynthetic: the rows of a longer list are those of a shorter one, hashes tell images apart without drawing them, and the drawing that
// belongs to the hashes is pinned: a cache keyed by them must not be found for other pixels.
func TestSynthetic(t *testing.T) {
	ctx := context.Background()
	long, err := datasets.Synthetic(100_000, 5).Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	short, err := datasets.Synthetic(20, 5).Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(long.Items) != 100_000 || !slices.Equal(long.Items[:20], short.Items) {
		t.Error("the first rows differ")
	}
	hashes, err := long.Hashes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[32]byte]bool{}
	for _, hash := range hashes {
		seen[hash] = true
	}
	if other, err := datasets.Synthetic(1, 6).Hashes(ctx); err != nil || seen[other[0]] || len(seen) != 100_000 {
		t.Errorf("%d hashes of 100,000 images, those of another seed among them: %v", len(seen), err)
	}
	counts := tally(long.Labels())
	for label := range long.Classes {
		if n := counts[label]; n < 32_000 || n > 35_000 {
			t.Errorf("%d of 100,000 images are a %s", n, long.Classes[label])
		}
	}
	pixels := sha256.New()
	for i := range 20 {
		content, err := short.Content(i)
		if err != nil || content.Width != 224 || content.Height != 224 || content.Depth != 3 || len(content.Bytes) != 224*224*3 {
			t.Fatalf("%d×%d×%d, %v", content.Width, content.Height, content.Depth, err)
		}
		if short.Hash(i, content) != hashes[i] {
			t.Error("another hash")
		}
		pixels.Write(content.Bytes)
	}
	const want = "ecff7af84bd4a46f9ddec77d4bb36f16860bd2a19bb093956922efe8a8b3e788"
	if got := fmt.Sprintf("%x", pixels.Sum(nil)); got != want {
		t.Errorf("the pixels have the hash %s instead of %s: change the text that openSynthetic hashes, too", got, want)
	}
	for _, n := range []int{0, -1, 1_000_001} {
		if _, err := datasets.Synthetic(n, 1).Table(ctx); err == nil || !strings.Contains(err.Error(), "the number must be 1 to 1000000") {
			t.Errorf("%d images: %v", n, err)
		}
	}
}

func BenchmarkSynthetic(b *testing.B) {
	table, err := datasets.Synthetic(1000, 1).Table(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		if _, err := table.Content(i % 1000); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
