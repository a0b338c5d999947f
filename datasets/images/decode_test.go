package images

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
)

// folder writes files under a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// letters is a 3×2 grey image with the values of abc above def.
func letters() *image.Gray {
	return &image.Gray{Pix: []byte("abcdef"), Stride: 3, Rect: image.Rect(0, 0, 3, 2)}
}

// TestFlips writes one image in every view, grey and colour.
func TestFlips(t *testing.T) {
	colour := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i, v := range letters().Pix {
		colour.SetNRGBA(i%3, i/3, color.NRGBA{v, v, v, 255})
	}
	for f, want := range map[flip]string{{}: "abcdef", {true, false}: "cbafed", {false, true}: "defabc", {true, true}: "fedcba"} {
		for name, p := range map[string]pixels{"grey": {grey: letters()}, "colour": {colour: colour}} {
			dst := make([]uint8, 18)
			p.write(dst, f)
			got := ""
			for i := 0; i < 18; i += 3 {
				if dst[i] != dst[i+1] || dst[i] != dst[i+2] {
					t.Fatalf("%s: %v", name, dst)
				}
				got += string(dst[i])
			}
			if got != want {
				t.Errorf("%s, %v: %s instead of %s", name, f, got, want)
			}
			m := p.image(f)
			for i := range want {
				if r, _, _, _ := m.At(i%3, i/3).RGBA(); byte(r>>8) != want[i] {
					t.Errorf("%s, %v: the figure has %c at %d", name, f, byte(r>>8), i)
				}
			}
		}
	}
}

// TestViewsFlip: the views of Pixels are the flips of Augmentation.
func TestViewsFlip(t *testing.T) {
	ctx := context.Background()
	plain := datasets.Shapes(1, 5)
	both := plain.Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
	view := func(d datasets.Dataset, view int) []uint8 {
		dst := make([]uint8, 32*32*3)
		if err := Pixels(ctx, d, []int{0}, Options{Size: 32, View: view}, dst); err != nil {
			t.Fatal(err)
		}
		return dst
	}
	p := view(plain, 0)
	for v := range 4 {
		got := view(both, v)
		for y := range 32 {
			for x := range 32 {
				fx, fy := x, y
				if v%2 == 1 {
					fx = 31 - x
				}
				if v/2 == 1 {
					fy = 31 - y
				}
				if !bytes.Equal(got[(y*32+x)*3:][:3], p[(fy*32+fx)*3:][:3]) {
					t.Fatalf("view %d: pixel %d,%d", v, x, y)
				}
			}
		}
	}
	if err := Pixels(ctx, plain, []int{0}, Options{Size: 32, View: 1}, make([]uint8, 32*32*3)); err == nil || !strings.Contains(err.Error(), "view 1; this augmentation has views 0 to 0") {
		t.Errorf("error %v", err)
	}
}

func TestCropAndKeep(t *testing.T) {
	ctx := context.Background()
	m := image.NewGray(image.Rect(0, 0, 6, 5))
	for i := range m.Pix {
		m.Pix[i] = uint8(i)
	}
	d := datasets.Folder(folder(t, map[string][]byte{"a/1.png": encodePNG(t, m)}))
	dst := make([]uint8, 3*3*3)
	if err := Pixels(ctx, d, []int{0}, Options{Size: 3, Crop: 3.0 / 5}, dst); err != nil {
		t.Fatal(err)
	}
	got := []uint8{}
	for i := 0; i < len(dst); i += 3 {
		got = append(got, dst[i])
	}
	if want := []uint8{8, 9, 10, 14, 15, 16, 20, 21, 22}; !slices.Equal(got, want) {
		t.Errorf("%v instead of %v", got, want)
	}
	stored, err := Image(ctx, d, 0, Options{})
	if err != nil || stored.Bounds() != m.Rect || stored.(*image.Gray).Pix[29] != 29 {
		t.Errorf("%v, %v", stored, err)
	}
	small, err := Image(ctx, d, 0, Options{Size: 2})
	if err != nil || small.Bounds().Dx() != 2 || small.Bounds().Dy() != 2 {
		t.Errorf("%v, %v", small, err)
	}
}

func TestBadRequests(t *testing.T) {
	ctx := context.Background()
	d := datasets.Shapes(3, 1)
	for _, c := range []struct {
		positions []int
		o         Options
		dst       int
		want      string
	}{
		{[]int{3}, Options{Size: 8}, 192, "position 3 does not exist; positions are 0 to 2"},
		{[]int{-1}, Options{Size: 8}, 192, "position -1"},
		{[]int{0}, Options{}, 0, "size 0; 1 to 4096"},
		{[]int{0}, Options{Size: 1 << 40}, 0, "1 to 4096"},
		{[]int{0}, Options{Size: 8, View: -1}, 192, "view -1"},
		{[]int{0, 1}, Options{Size: 8}, 192, "dst has 192 bytes; 2 images of 8×8×3 need 384"},
	} {
		if err := Pixels(ctx, d, c.positions, c.o, make([]uint8, c.dst)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, without %q", err, c.want)
		}
	}
	if _, err := Image(ctx, d, 0, Options{Size: -1}); err == nil {
		t.Error("a negative size was taken")
	}
	if _, err := Image(ctx, datasets.Open("elvp"), 0, Options{}); err == nil || !strings.Contains(err.Error(), "did you mean elpv?") {
		t.Errorf("error %v", err)
	}
	if err := Pixels(ctx, d, nil, Options{Size: 8}, nil); err != nil {
		t.Errorf("no positions: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	table, err := d.Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := Decode(cancelled, table, d.Augmentation, []int{0}, Options{Size: 8}, make([]uint8, 192)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestStream: the batches are the positions in order, with the pixels that Pixels gives.
func TestStream(t *testing.T) {
	ctx := context.Background()
	d := datasets.Shapes(11, 1)
	positions := []int{10, 3, 3, 0, 7, 1, 2, 5, 6, 4}
	want := make([]uint8, len(positions)*8*8*3)
	if err := Pixels(ctx, d, positions, Options{Size: 8}, want); err != nil {
		t.Fatal(err)
	}
	for _, batch := range []int{1, 3, 5, 10, 99} {
		var seen []int
		var got []uint8
		for b, err := range Stream(ctx, d, positions, Options{Size: 8}, batch) {
			if err != nil {
				t.Fatal(err)
			}
			if len(b.Positions) > batch || len(b.Pixels) != len(b.Positions)*192 {
				t.Fatalf("batch of %d: %d positions, %d bytes", batch, len(b.Positions), len(b.Pixels))
			}
			seen, got = append(seen, b.Positions...), append(got, b.Pixels...)
		}
		if !slices.Equal(seen, positions) || !bytes.Equal(got, want) {
			t.Errorf("batch of %d: positions %v", batch, seen)
		}
	}
}

// TestStreamEnds: with the first error, with a cancelled context, with a loop that is left; and no goroutine stays behind.
func TestStreamEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	good := encodePNG(t, letters())
	d := datasets.Folder(folder(t, map[string][]byte{"a/1.png": good, "a/2.png": good, "a/3.png": good[:30], "a/4.png": good, "a/5.png": good}))
	ctx := context.Background()
	batches, failures := 0, 0
	for _, err := range Stream(ctx, d, []int{0, 1, 2, 3, 4}, Options{Size: 2}, 1) {
		switch {
		case err == nil:
			batches++
		case !strings.Contains(err.Error(), "3.png"):
			t.Errorf("error %v", err)
		default:
			failures++
		}
	}
	if batches != 2 || failures != 1 {
		t.Errorf("%d batches and %d errors", batches, failures)
	}
	for range Stream(ctx, d, []int{0, 1, 2, 3, 4}, Options{Size: 2}, 1) {
		break
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	batches = 0
	var last error
	for _, err := range Stream(within, datasets.Shapes(1000, 1), positionsTo(1000), Options{Size: 2}, 1) {
		if batches++; batches == 3 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || batches > 8 {
		t.Errorf("%d batches, then %v", batches, last)
	}
	for _, c := range []struct {
		batch    int
		position int
	}{{0, 0}, {1, 9}} {
		for _, err := range Stream(ctx, datasets.Shapes(3, 1), []int{c.position}, Options{Size: 2}, c.batch) {
			if err == nil {
				t.Errorf("%+v was taken", c)
			}
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines stayed behind", n-before)
	}
}

func positionsTo(n int) []int {
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i
	}
	return positions
}

// TestStreamIsBounded: a consumer that does not come back for more stops the decoding two batches ahead.
func TestStreamIsBounded(t *testing.T) {
	d := datasets.Shapes(500, 1)
	var before, after runtime.MemStats
	for _, err := range Stream(context.Background(), d, positionsTo(500), Options{Size: 512}, 1) {
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&before)
		time.Sleep(300 * time.Millisecond)
		runtime.ReadMemStats(&after)
		break
	}
	// An image takes 0.8 MB, and resizing it about 2 MB more; all of them 400 MB and more.
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 20 {
		t.Errorf("%d MB were decoded ahead", took)
	}
}
