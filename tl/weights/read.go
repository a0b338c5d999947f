package weights

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"transferlab/tl"
)

// Format is the kind of file that tensors came from. It says how kernels lie in them: PyTorch's and ONNX's are turned by [FromTorch],
// Keras's lie as the lab has them but for depthwise ones, which [FromKeras] turns; safetensors and NumPy files have whatever their
// writer had, mostly PyTorch's.
type Format string

// The formats that [Read] knows by what a file begins with, whatever its name.
const (
	PyTorch     Format = "PyTorch"     // .pth, .pt, .bin, of torch.save: the old format and the zip file
	SafeTensors Format = "safetensors" // .safetensors
	Keras       Format = "Keras"       // .h5, .weights.h5 and .keras
	NumPy       Format = "NumPy"       // .npz of numpy.savez
	ONNX        Format = "ONNX"        // .onnx: the initializers of the graph
)

// Tensors is what a file of weights holds.
type Tensors struct {
	Format    Format
	Names     []string             // of the tensors, in the file's order where it has one, sorted otherwise
	Tensors   map[string]tl.Tensor // by the name that the file gives them, as float32 whatever the file holds
	Converted map[string]string    // name → type of number, for those that the file does not hold as float32; nil where there are none
	Skipped   []string             // entries that are no weights: an epoch, an optimizer's moments
}

// allowance is how many times a file's size reading it may allocate. The costliest bytes that were found are an object in an object without end in a
// safetensors header, 145 times, and the value None in a pickle, 95 to 125.
const allowance = 256

const readFormats = "PyTorch (.pth, .pt, .bin), safetensors, Keras (.h5, .weights.h5, .keras), NumPy (.npz) and ONNX"

// Read reads a file of pretrained weights in any of the formats above, recognised by content. Half, bfloat16, double and integer
// numbers become float32; doubles lose precision. Keras's variables are named layer first and without ":0", "block1_conv1/kernel", as Keras
// does; where a .weights.h5 or .keras does not say what a variable is called, by its place there: "layers/my_layer/vars/0".
//
// It trusts nothing in the file: reading one of n bytes allocates at most 256 n + 1 MiB in all, freed or not, whatever it holds;
// an honest file costs 2 to 6 n. An error names the file, what it seems to be and, where one is at fault,
// the tensor.
func Read(file string) (Tensors, error) {
	data, err := readWhole(file)
	if err != nil {
		return Tensors{}, fmt.Errorf("weights: read %w", err)
	}
	t, err := decode(data)
	if err != nil {
		return Tensors{}, fmt.Errorf("weights: read %s: %w", file, err)
	}
	return t, nil
}

// readWhole reads a regular file of at most maxFile bytes.
func readWhole(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s: want a regular file of at most %d GiB", file, maxFile>>30)
	}
	return os.ReadFile(file)
}

// decode recognises the format and reads it.
func decode(data []byte) (Tensors, error) {
	format := recognise(data)
	var t Tensors
	var err error
	switch format {
	case PyTorch:
		var p PTH
		p, err = decodePTH(data)
		t = Tensors{Names: p.Names, Tensors: p.Tensors, Converted: p.Converted, Skipped: p.Skipped}
	case SafeTensors:
		var s Safetensors
		s, err = decodeSafetensors(data)
		t = Tensors{Names: slices.Sorted(maps.Keys(s.Tensors)), Tensors: s.Tensors, Converted: s.Converted}
	case Keras:
		t, err = decodeKeras(data)
	case NumPy:
		t, err = decodeNPZ(data)
	case ONNX:
		t, err = decodeONNX(data)
	default:
		return Tensors{}, fmt.Errorf("%s; formats that are read: %s", appearance(data), readFormats)
	}
	if err == nil && len(t.Tensors) == 0 {
		err = errors.New("the file holds no tensors")
	}
	if err != nil {
		return Tensors{}, fmt.Errorf("a %s file: %w", format, err)
	}
	t.Format = format
	return t, nil
}

// recognise tells the format by the file's first bytes and, in a zip file, by its records' names; "" where it is none.
func recognise(data []byte) Format {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return recogniseZip(data)
	case bytes.HasPrefix(data, []byte(hdf5Signature)):
		return Keras
	case len(data) > 8 && data[8] == '{' && little.Uint64(data) <= uint64(len(data)-8):
		return SafeTensors
	case bytes.HasPrefix(data, []byte(torchMagic)):
		return PyTorch
	case isONNX(data):
		return ONNX
	}
	return ""
}

// torchMagic opens the old format: protocol 2, and the number 0x1950a86a20f9469cfc6c in ten bytes.
const torchMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// recogniseZip tells whose zip file it is: NumPy's members end in .npy, Keras's has model.weights.h5, and PyTorch's has a folder with data.pkl.
func recogniseZip(data []byte) Format {
	records, err := zipRecords(data)
	if err != nil {
		return PyTorch // whose reader says what is wrong with it
	}
	for _, f := range records {
		switch {
		case f.Name == kerasMember:
			return Keras
		case len(f.Name) > 4 && f.Name[len(f.Name)-4:] == ".npy":
			return NumPy
		}
	}
	return PyTorch
}

// appearance says what a file that is not read seems to be.
func appearance(data []byte) string {
	known := []struct{ prefix, what string }{
		{"version https://git-lfs", "a pointer of Git LFS instead of the file it stands for: fetch the file itself"},
		{"<!DOCTYPE", "a web page, perhaps an error of the server it was fetched from"},
		{"<html", "a web page, perhaps an error of the server it was fetched from"},
		{"{", "JSON text, perhaps a configuration"},
		{"\x1f\x8b", "compressed with gzip: unpack it first"},
		{"BZh", "compressed with bzip2: unpack it first"},
		{"\xfd7zXZ", "compressed with xz: unpack it first"},
		{"7z\xbc\xaf", "a 7z archive: unpack it first"},
		{"\x93NUMPY", "a single NumPy array (.npy): save it by name with numpy.savez"},
		{"GGUF", "a GGUF file of llama.cpp"},
		{"\x80", "a Python pickle, but not one of torch.save"},
		{"PK", "a damaged zip file"},
	}
	if len(data) == 0 {
		return "the file is empty"
	}
	for _, k := range known {
		if bytes.HasPrefix(data, []byte(k.prefix)) {
			return "it seems to be " + k.what
		}
	}
	if len(data) > 8 && string(data[4:8]) == "TFL3" {
		return "it seems to be a TensorFlow Lite model"
	}
	return fmt.Sprintf("it begins with %q, which no format that is read does", data[:min(len(data), 8)])
}
