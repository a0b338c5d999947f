package engine

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

func silent(remote.Progress) {}

// keptBlocks is how many blocks of the network the caches of TestActivationKeys stand behind.
const keptBlocks = 10

var (
	unchangedView = datasets.Augmentation{}.Key(0)
	bothFlips     = datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}
	randomCrops   = datasets.Augmentation{CropArea: [2]float64{0.5, 1}, V: 3}
)

// keptName names the cache of the plain images behind keptBlocks.
func keptName(s source) string { return cacheName("cpu", decoding, s, s.at(keptBlocks), unchangedView) }

// bitFlipped is a network with one bit of one weight of a block changed.
func bitFlipped(b *base, block int) source {
	changed := maps.Clone(b.values)
	path := "/" + b.Blocks[block].Name + "/" + b.Blocks[block].Variables[0].Name
	data := slices.Clone(changed[path].Data)
	data[7] = math.Float32frombits(math.Float32bits(data[7]) ^ 1)
	changed[path] = newValue(changed[path].Shape, data)
	return source{b, changed}
}

// blockRenamed is a network with another name for a block and its weights.
func blockRenamed(b *base, block int) source {
	other := &base{Network: b.Network, structure: b.structure}
	other.Blocks = slices.Clone(b.Blocks)
	other.Blocks[block].Name += "x"
	values := maps.Clone(b.values)
	for path, v := range b.values {
		values[strings.Replace(path, "/"+b.Blocks[block].Name+"/", "/"+other.Blocks[block].Name+"/", 1)] = v
	}
	return source{other, values}
}

// changedNames are the names of caches of a network, each with one thing changed.
func changedNames(b *base) map[string]string {
	plain := source{b, b.values}
	with := func(change func(*base)) string {
		other := &base{Network: b.Network, structure: b.structure}
		change(other)
		return keptName(source{other, b.values})
	}
	return map[string]string{
		"the cut":              cacheName("cpu", decoding, plain, plain.at(keptBlocks+1), unchangedView),
		"the decoded image":    cacheName("cpu", decoding, plain, plain.at(0), unchangedView),
		"the device":           cacheName("gpu", decoding, plain, plain.at(keptBlocks), unchangedView),
		"the decoder":          cacheName("cpu", decoding+"1", plain, plain.at(keptBlocks), unchangedView),
		"flipped left right":   cacheName("cpu", decoding, plain, plain.at(keptBlocks), bothFlips.Key(1)),
		"flipped upside down":  cacheName("cpu", decoding, plain, plain.at(keptBlocks), bothFlips.Key(2)),
		"flipped both ways":    cacheName("cpu", decoding, plain, plain.at(keptBlocks), bothFlips.Key(3)),
		"cropped at random":    cacheName("cpu", decoding, plain, plain.at(keptBlocks), randomCrops.Key(1)),
		"cropped once more":    cacheName("cpu", decoding, plain, plain.at(keptBlocks), randomCrops.Key(2)),
		"a bit of a weight":    keptName(bitFlipped(b, 0)),
		"a bit of another":     keptName(bitFlipped(b, keptBlocks-1)),
		"the size":             with(func(b *base) { b.Size++ }),
		"the mean":             with(func(b *base) { b.Mean[1] += 1e-3 }),
		"the deviation":        with(func(b *base) { b.Deviation[2] += 1e-3 }),
		"the order of colours": with(func(b *base) { b.BGR = true }),
		"the operators":        with(func(b *base) { b.Graph = "other" }),
		"the user's layers":    with(func(b *base) { b.structure = `{"stride": 2}` }),
		"the network's name":   with(func(b *base) { b.Name += "2" }),
		"the name of a block":  keptName(blockRenamed(b, 3)),
		"nothing":              keptName(plain),
	}
}

// TestActivationKeys: whatever shapes a row makes another key, down to one bit of one weight, and what does not shape it makes none.
func TestActivationKeys(t *testing.T) {
	b := must[*base](t)(registeredEngine.base(quiet(), lite))
	seen := map[string]string{}
	for what, key := range changedNames(b) {
		if other, found := seen[key]; found {
			t.Errorf("%q and %q share a cache", what, other)
		}
		seen[key] = what
	}
	for what, s := range map[string]source{
		"a weight behind the cut": bitFlipped(b, keptBlocks),
		"the same bits elsewhere": {b, maps.Clone(b.values)},
	} {
		if seen[keptName(s)] != "nothing" {
			t.Errorf("%s makes another cache", what)
		}
	}
	if bothFlips.Key(0) != unchangedView || randomCrops.Key(0) != unchangedView {
		t.Error("the plain view of an augmented data set is not that of the plain one")
	}
}

// greyFolder writes n images of 32×32, and returns the data set and the way to draw one of them again.
func greyFolder(t *testing.T, n int) (d datasets.Dataset, draw func(i int, grey uint8)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "images")
	if err := os.MkdirAll(filepath.Join(dir, "one"), 0o700); err != nil {
		t.Fatal(err)
	}
	draw = func(i int, grey uint8) {
		m := image.NewGray(image.Rect(0, 0, 32, 32))
		m.Pix[0], m.Pix[500] = uint8(i), grey
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "one", fmt.Sprintf("%03d.png", i)), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		draw(i, 100)
	}
	return datasets.Folder(dir), draw
}

// rawRows represents d by its pixels.
func rawRows(t *testing.T, d datasets.Dataset) (tl.Tensor, tl.Timing) {
	t.Helper()
	request := tl.RepresentRequest{Base: tl.RawPixels(), Data: d}
	_, timing, err := registeredEngine.representation(quiet(), request, silent)
	if err != nil {
		t.Fatal(err)
	}
	return must[tl.Tensor](t)(registeredEngine.values(quiet(), request, silent)), timing
}

// TestOnePixelMakesAnotherRow changes one pixel of one image, in place and with its time of modification put back: that row alone is computed again.
func TestOnePixelMakesAnotherRow(t *testing.T) {
	ownCache(t)
	d, draw := greyFolder(t, 3)
	before, timing := rawRows(t, d)
	if timing.Computed != 3 {
		t.Fatalf("%d rows computed", timing.Computed)
	}
	path := filepath.Join(d.Path, "one", "001.png")
	info := must[os.FileInfo](t)(os.Stat(path))
	draw(1, 101)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	after, timing := rawRows(t, d)
	if timing.Computed != 1 || timing.Reused != 2 {
		t.Errorf("%d rows computed, %d reused", timing.Computed, timing.Reused)
	}
	if slices.Equal(before.Row(1), after.Row(1)) || !slices.Equal(before.Row(0), after.Row(0)) || !slices.Equal(before.Row(2), after.Row(2)) {
		t.Error("not exactly the row of the changed image changed")
	}
}

// TestImageReplacedWhileItIsComputed: a file that was hashed and then replaced would leave the row of another image under its hash. A file that
// is another after its row was computed is an error, and its row is not kept.
func TestImageReplacedWhileItIsComputed(t *testing.T) {
	ownCache(t)
	d, draw := greyFolder(t, 40)
	replaced := false
	_, _, err := registeredEngine.representation(quiet(), tl.RepresentRequest{Base: tl.RawPixels(), Data: d}, func(p remote.Progress) {
		if p.Done > 0 && !replaced {
			replaced = true
			draw(39, 200)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "039.png changed while its activations were computed: run this again") {
		t.Fatalf("error %v", err)
	}
	after, timing := rawRows(t, d)
	if timing.Computed != 40 || math.Abs(float64(after.Row(39)[500])-200./255) > 1e-6 {
		t.Errorf("%d rows computed; the pixel is %g", timing.Computed, after.Row(39)[500])
	}
}
