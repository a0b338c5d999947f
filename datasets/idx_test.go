package datasets

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func idx(kind byte, shape []int, data ...byte) []byte {
	out := []byte{0, 0, kind, byte(len(shape))}
	for _, n := range shape {
		out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, data...)
}

func TestReadIDX(t *testing.T) {
	shape, data, err := readIDX(bytes.NewReader(idx(8, []int{2, 1, 3}, 1, 2, 3, 4, 5, 6)), 3)
	if err != nil || len(shape) != 3 || shape[0] != 2 || shape[1] != 1 || shape[2] != 3 || !bytes.Equal(data, []byte{1, 2, 3, 4, 5, 6}) {
		t.Fatalf("%v %v %v", shape, data, err)
	}
	for want, file := range map[string][]byte{
		"header has 16 bytes":         {},
		"an IDX header":               idx(8, []int{2, 1, 3})[:9],
		"no IDX file of bytes":        idx(13, []int{2, 1, 3}, 1, 2, 3, 4, 5, 6),
		"was cut off":                 idx(8, []int{2, 1, 3}, 1, 2, 3, 4, 5),
		"6 bytes and more are there":  idx(8, []int{2, 1, 3}, 1, 2, 3, 4, 5, 6, 7),
		"axis 0 has length 0":         idx(8, []int{0, 1, 3}),
		"axis 0 has length 429496729": idx(8, []int{-1, 1, 3}),
		"axis 2 has length 5000":      idx(8, []int{1, 1, 5000}),
		"more than 1024 MB":           idx(8, []int{9_000_000, 28, 28}),
	} {
		if _, _, err := readIDX(bytes.NewReader(file), 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, without %q", err, want)
		}
	}
}

// FuzzReadIDX: no bytes make the parser panic, take memory that is not in the file, or return a shape that its data does not have.
func FuzzReadIDX(f *testing.F) {
	f.Add(idx(8, []int{2, 1, 3}, 1, 2, 3, 4, 5, 6), 3)
	f.Add(idx(8, []int{10_000_000, 4096, 4096}, 1), 3)
	f.Add(idx(8, []int{2}, 1, 2), 1)
	f.Fuzz(func(t *testing.T, file []byte, axes int) {
		axes = 1 + (axes&0xff)%4
		shape, data, err := readIDX(bytes.NewReader(file), axes)
		if err != nil {
			return
		}
		size := 1
		for _, n := range shape {
			size *= n
		}
		if len(shape) != axes || size != len(data) || cap(data) > 4*len(file)+4096 {
			t.Errorf("shape %v with %d bytes (capacity %d) from a file of %d", shape, len(data), cap(data), len(file))
		}
	})
}

// fashion writes a small data set of IDX files, gzipped where zipped is set, and returns its folder.
func fashion(t *testing.T, zipped bool, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range files {
		if zipped {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := w.Write(file); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			name, file = name+".gz", packed.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func smallFashion() map[string][]byte {
	return map[string][]byte{
		"train-labels-idx1-ubyte": idx(8, []int{2}, 9, 0),
		"train-images-idx3-ubyte": idx(8, []int{2, 1, 2}, 10, 11, 20, 21),
		"t10k-labels-idx1-ubyte":  idx(8, []int{1}, 3),
		"t10k-images-idx3-ubyte":  idx(8, []int{1, 1, 2}, 30, 31),
	}
}

func TestFashionMNISTFolder(t *testing.T) {
	ctx := context.Background()
	for _, zipped := range []bool{false, true} {
		table, err := FashionMNIST(fashion(t, zipped, smallFashion())).Table(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Items) != 3 || table.Items[2] != (Item{ID: "t10k/00000", Row: 2, Label: 3}) || table.Items[0].Label != 9 {
			t.Errorf("rows %+v", table.Items)
		}
		for i, want := range [][]byte{{10, 11}, {20, 21}, {30, 31}} {
			content, err := table.Content(i)
			if err != nil || !bytes.Equal(content.Bytes, want) || content.Width != 2 || content.Height != 1 || content.Depth != 1 {
				t.Errorf("row %d: %+v, %v", i, content, err)
			}
		}
	}
}

func TestBadFashionMNIST(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		file []byte // nil removes it
		want string
	}{
		{"train-labels-idx1-ubyte", idx(8, []int{2}, 9, 10), "row 1 of the train labels has label 10; labels are 0 to 9"},
		{"t10k-labels-idx1-ubyte", nil, "the folder must hold train- and t10k-images"},
		{"t10k-images-idx3-ubyte", nil, "t10k-images-idx3-ubyte"},
		{"t10k-images-idx3-ubyte", idx(8, []int{1, 2, 1}, 1, 2), "the images of t10k are 2×1, those before 1×2"},
		{"train-images-idx3-ubyte", idx(8, []int{1, 1, 2}, 1, 2), "3 labels and 2 images"},
		{"train-images-idx3-ubyte", idx(8, []int{2, 1, 2}, 1, 2), "was cut off"},
	} {
		files := smallFashion()
		files[c.name] = c.file
		if c.file == nil {
			delete(files, c.name)
		}
		dir := fashion(t, false, files)
		_, err := FashionMNIST(dir).Hashes(ctx)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) && !strings.Contains(err.Error(), "row ") && !strings.Contains(err.Error(), "those before") {
			t.Errorf("%s: error %v, without %q", c.name, err, c.want)
		}
	}
	if _, err := FashionMNIST("/nowhere").Len(ctx); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("error %v", err)
	}
}

// TestFashionMNISTFilesChange: pixels that are kept are not those of a file that was there before.
func TestFashionMNISTFilesChange(t *testing.T) {
	ctx := context.Background()
	dir := fashion(t, false, smallFashion())
	before, err := FashionMNIST(dir).Hashes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "train-images-idx3-ubyte")
	if err := os.WriteFile(path, idx(8, []int{2, 1, 2}, 99, 11, 20, 21), 0o644); err != nil {
		t.Fatal(err)
	}
	after, err := FashionMNIST(dir).Hashes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if before[0] == after[0] || before[1] != after[1] {
		t.Error("the first image changed and its hash did not, or the second's did")
	}
}
