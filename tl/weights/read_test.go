package weights

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) Tensors {
	t.Helper()
	got, err := Read(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, got, len(readTestdata(t, name)))
	return got
}

// The format is told by what is in the file, not by its name.
func TestReadRecognisesByContent(t *testing.T) {
	for name, want := range map[string]struct {
		format  Format
		tensors int
	}{
		"state.old.pth": {PyTorch, 16}, "state.zip.pth": {PyTorch, 16}, "peer.safetensors": {SafeTensors, 3}, "keras.weights.h5": {Keras, 10},
		"model.keras": {Keras, 10}, "keras.h5": {Keras, 10}, "arrays.npz": {NumPy, 6}, "types.onnx": {ONNX, 16},
	} {
		file := filepath.Join(t.TempDir(), "weights")
		if err := os.WriteFile(file, readTestdata(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(file)
		if err != nil || got.Format != want.format || len(got.Tensors) != want.tensors || len(got.Names) != want.tensors {
			t.Errorf("%s: a %s file of %d tensors, %v; want %s, %d", name, got.Format, len(got.Tensors), err, want.format, want.tensors)
		}
	}
}

func TestReadSaysWhatAFileSeemsToBe(t *testing.T) {
	for data, want := range map[string]string{
		"":                                    "the file is empty",
		"<!DOCTYPE html>":                     "a web page",
		"version https://git-lfs.github.com/": "a pointer of Git LFS",
		"\x1f\x8b\x08\x00":                    "compressed with gzip",
		"\x93NUMPY\x01\x00":                   "a single NumPy array",
		"\x80\x02}q\x00.":                     "not one of torch.save",
		"{\"a\": 1}":                          "JSON text",
		"hello, world":                        `it begins with "hello, w"`,
		"PK\x03\x04 and no more":              "a PyTorch file: it begins like a zip file, but its directory is cut off",
		hdf5Signature:                         "a Keras file: it ends in its first block",
	} {
		file := filepath.Join(t.TempDir(), "model.pth")
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v, want %q and the file's name", data, err, want)
		}
		if err != nil && recognise([]byte(data)) == "" && !strings.Contains(err.Error(), readFormats) {
			t.Errorf("%q: %v does not say which formats are read", data, err)
		}
	}
	for name, want := range map[string]string{
		"compressed.npz": "save them with numpy.savez", "fortran.npz": "Fortran order", "records.npz": "not that of an array of numbers",
		"chunks.h5": "conv/kernel\": it is compressed", "dense.h5": "fractal heap", "big.h5": "big-endian", "links.h5": "links of one object by two names",
	} {
		if _, err := Read(filepath.Join("testdata", name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "absent")); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("no file: %v", err)
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// TestKerasVariables compares the three forms in which Keras 3 saves one model with the values it was given, and the file that the lines of
// the error text make of it.
func TestKerasVariables(t *testing.T) {
	var expected map[string]struct {
		Shape []int
		Data  []float32
	}
	if err := json.Unmarshal(readTestdata(t, "expected_keras.json"), &expected); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"keras.h5", "model.npz", "keras.weights.h5", "model.keras"} {
		got := read(t, name)
		if len(expected) != 10 || len(got.Tensors) != len(expected) || len(got.Converted) > 0 {
			t.Errorf("%s: %d tensors, converted %v", name, len(got.Tensors), got.Converted)
		}
		for path, want := range expected {
			tensor, found := got.Tensors[path]
			if !found || !slices.Equal(tensor.Shape, want.Shape) || !slices.Equal(tensor.Data, want.Data) {
				t.Errorf("%s: %s is %v, want %v", name, path, tensor, want)
			}
		}
	}
	if got := read(t, "keras.h5"); !slices.Contains(got.Skipped, "optimizer_weights/SGD/learning_rate") && len(got.Skipped) == 0 {
		t.Errorf("the optimizer is not among what was skipped: %v", got.Skipped)
	}
	for _, c := range []struct {
		path, owner string
		inLayer     int
		want        string
	}{
		{"layers/batch_normalization/vars/0", "bn", 3, "bn/vars/0"}, // is it the scale or the offset?
		{"layers/functional/layers/conv2d_7/vars/1", "c7", 2, "c7/bias"},
		{"layers/conv2d_7/vars/2", "c7", 3, ""},
		{"layers/conv2d_7/vars/0", "", 1, ""},
		{"layers/my_layer/vars/0", "mine", 1, ""},
		{"optimizer/layers/dense/vars/0", "d", 1, ""},
	} {
		if got := kerasPath(dataset{path: c.path, owner: c.owner}, c.inLayer); got != c.want {
			t.Errorf("%s is called %q, want %q", c.path, got, c.want)
		}
	}
	kernel, err := FromKeras(read(t, "keras.h5").Tensors["dw/kernel"])
	if err != nil || !slices.Equal(kernel.Shape, []int{3, 3, 1, 2}) || !slices.Equal(kernel.Data, expected["dw/kernel"].Data) {
		t.Errorf("the depthwise kernel turned is %v, %v", kernel, err)
	}
	if _, err := FromKeras(read(t, "keras.h5").Tensors["block1_conv1/kernel"]); err == nil {
		t.Error("a convolution's kernel is turned like a depthwise one")
	}
}

// Files as Keras 1 and 2 wrote them, in HDF5's old layout and its newest, with every type of number.
func TestOldKerasFiles(t *testing.T) {
	for _, name := range []string{"keras2.h5", "latest.h5"} {
		got := read(t, name)
		kernel := got.Tensors["block1_conv1/block1_conv1_W_1"]
		if !slices.Equal(kernel.Shape, []int{3, 3, 3, 2}) || kernel.Data[53] != 53.0/8 || got.Tensors["block1_conv1/block1_conv1_b_1"].Data[1] != 55.0/8 {
			t.Errorf("%s: kernel %v", name, kernel)
		}
		for _, kind := range []string{"float16", "float64", "int64", "int32", "int16", "int8", "uint8"} {
			path := "resnet50/conv1/" + kind
			if !slices.Equal(got.Tensors[path].Data, []float32{0, 1, 2, 3, 4}) || got.Converted[path] != kind {
				t.Errorf("%s: %s is %v, converted from %q", name, path, got.Tensors[path], got.Converted[path])
			}
		}
		if s := got.Tensors["resnet50/conv2/scalar"]; len(s.Shape) != 0 || s.Data[0] != 2.5 {
			t.Errorf("%s: scalar %v", name, s)
		}
		if e := got.Tensors["resnet50/conv2/empty"]; !slices.Equal(e.Shape, []int{0, 3}) {
			t.Errorf("%s: empty %v", name, e)
		}
		if !slices.Contains(got.Skipped, "resnet50/conv2/text") || !slices.Contains(got.Skipped, "resnet50/conv2/bfloat16") || len(got.Tensors) != 11 {
			t.Errorf("%s: skipped %v of %d", name, got.Skipped, len(got.Tensors))
		}
	}
}

// The lines that the error shows are those that make_keras.py ran to write model.npz, which TestKerasVariables reads.
func TestLinesOfTheErrorWereRun(t *testing.T) {
	script := string(readTestdata(t, "make_keras.py"))
	lines := strings.Split(resave, "\n")[1:]
	for _, line := range lines {
		if !strings.Contains(script, "\n"+strings.TrimSpace(line)+"\n") {
			t.Errorf("make_keras.py does not run %q", line)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestNumPyArrays(t *testing.T) {
	got := read(t, "arrays.npz")
	if w := got.Tensors["w"]; !slices.Equal(w.Shape, []int{2, 3}) || w.Data[5] != 5.0/8 {
		t.Errorf("w %v", w)
	}
	if got.Tensors["half"].Data[2] != 2 || got.Tensors["long"].Data[0] != 7 || got.Tensors["double"].Data[0] != 0.1 || got.Tensors["flag"].Data[0] != 1 {
		t.Errorf("%v", got.Tensors)
	}
	if s := got.Tensors["scalar"]; len(s.Shape) != 0 || s.Data[0] != 2.5 || got.Converted["long"] != "int64" || got.Converted["w"] != "" {
		t.Errorf("scalar %v, converted %v", s, got.Converted)
	}
}

func TestONNXInitializers(t *testing.T) {
	got := read(t, "types.onnx")
	for name, want := range map[string][]float32{
		"typed.float32": {0, 0.5, 1, 1.5}, "typed.float64": {0, 0.5}, "typed.int64": {-1, 0, 1 << 40}, "typed.int32": {-1, 7},
		"typed.float16": {0.5, -2}, "typed.bfloat16": {0.5, -2}, "scalar": {2.5}, "raw.bool": {0, 1, 1, 1}, "raw.int8": {0, 1, 2, 3},
		"raw.float16": {0, 1, 2, 3}, "raw.float64": {0, 1, 2, 3},
	} {
		if !slices.Equal(got.Tensors[name].Data, want) {
			t.Errorf("%s is %v, want %v", name, got.Tensors[name], want)
		}
	}
	if got.Converted["typed.bfloat16"] != "bfloat16" || got.Converted["scalar"] != "" || !slices.Equal(got.Tensors["raw.int64"].Shape, []int{2, 2}) {
		t.Errorf("converted %v", got.Converted)
	}
}

// What Read says that honest files cost.
func TestHonestFilesCostLittle(t *testing.T) {
	file, err := realFile()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPTH(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	same := filepath.Join(dir, "same.safetensors")
	if _, err := WriteSafetensors(same, Safetensors{Tensors: p.Tensors}); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{file, same} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		used := allocated(func() { _, err = Read(file) })
		t.Logf("%s: %.2f times its size", filepath.Base(file), float64(used)/float64(info.Size()))
		if err != nil || used > 6*uint64(info.Size()) {
			t.Errorf("%s: %d bytes for %d, %v", file, used, info.Size(), err)
		}
	}
}

// A library's error may hold the whole file.
func TestErrorsAreShort(t *testing.T) {
	header := `{"t":{"dtype":[` + strings.Repeat("1,", 100_000) + `1],"shape":[1],"data_offsets":[0,4]}}`
	if _, err := decode(withHeader(header, 4)); err == nil || len(err.Error()) > 1000 {
		t.Errorf("%.2000v", err)
	}
}

// Cut anywhere, or altered anywhere, a file is an error or holds together.
func TestEveryFormatDamagedAnywhere(t *testing.T) {
	for _, name := range []string{"keras2.h5", "latest.h5", "arrays.npz", "types.onnx", "peer.safetensors"} {
		data := readTestdata(t, name)
		step := max(1, len(data)/2000)
		for i := 0; i < len(data); i += step {
			if got, err := decode(data[:i]); err == nil && len(got.Tensors) > 0 {
				holds(t, got, i)
			}
			for _, flip := range []byte{0xff, 0x01, 0x80} {
				altered := slices.Clone(data)
				altered[i] ^= flip
				if got, err := decode(altered); err == nil {
					holds(t, got, len(data))
				}
			}
		}
	}
}
