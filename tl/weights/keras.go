package weights

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"transferlab/tl"
)

// kerasMember is the file of weights in Keras 3's zip file.
const kerasMember = "model.weights.h5"

// resave tells how any file that Keras can read becomes one that is read here; testdata/make_keras.py runs these very lines.
const resave = `; where Keras reads it, save it again:
    import keras, numpy
    model = keras.saving.load_model("model.keras")
    numpy.savez("model.npz", **{v.path: v for v in model.variables})`

// decodeKeras reads the variables of .h5 (Keras 1 to 3, weights alone or a whole model), .weights.h5 and .keras.
func decodeKeras(data []byte) (Tensors, error) {
	if bytes.HasPrefix(data, []byte("PK")) {
		a, err := openArchive(data, noFolder)
		if err != nil {
			return Tensors{}, err
		}
		if data, err = a.record(kerasMember); err != nil {
			return Tensors{}, err
		}
	}
	if !bytes.HasPrefix(data, []byte(hdf5Signature)) {
		return Tensors{}, fmt.Errorf("%s is no HDF5 file", kerasMember)
	}
	found, err := hdf5Datasets(data)
	if err != nil {
		return Tensors{}, fmt.Errorf("%w%s", err, resave)
	}
	t := Tensors{Tensors: map[string]tl.Tensor{}}
	inGroup := map[string]int{}
	for _, d := range found {
		inGroup[path.Dir(d.path)]++
	}
	for _, d := range found {
		name, variable := kerasName(d.path)
		if named := kerasPath(d, inGroup[path.Dir(d.path)]); named != "" && t.Tensors[named].Data == nil {
			name = named
		}
		if d.what != "" || !variable {
			t.Skipped = append(t.Skipped, name)
			continue
		}
		if _, twice := t.Tensors[name]; twice {
			return Tensors{}, fmt.Errorf("variable %.200q: it is there twice", name)
		}
		t.Names = append(t.Names, name)
		t.Tensors[name] = tl.Tensor{Shape: d.shape, Data: d.class.floats(d.raw)}
		t.Converted = noteType(t.Converted, name, d.class)
	}
	slices.Sort(t.Names)
	return t, nil
}

// kerasName is a variable's name out of its path in the file, and whether it is one of the model's: an optimizer's and the metrics' are
// not. Keras before version 3 and its .h5 say the layer twice: "conv1/conv1/kernel:0".
func kerasName(place string) (name string, variable bool) {
	place = strings.TrimSuffix(strings.TrimPrefix(place, "model_weights/"), ":0")
	first, rest, _ := strings.Cut(place, "/")
	switch first {
	case "optimizer", "optimizer_weights", "metrics":
		return place, false
	}
	if strings.HasPrefix(rest, first+"/") {
		return rest, true
	}
	return place, true
}

// kerasVariables are the variables of Keras 3's layers in the order in which they are numbered in a file, by how many there are.
var kerasVariables = map[string][]string{
	"conv1d": {"kernel", "bias"}, "conv2d": {"kernel", "bias"}, "conv3d": {"kernel", "bias"}, "conv2d_transpose": {"kernel", "bias"},
	"depthwise_conv2d": {"kernel", "bias"}, "dense": {"kernel", "bias"}, "embedding": {"embeddings"}, "layer_normalization": {"gamma", "beta"},
	"separable_conv2d": {"depthwise_kernel", "pointwise_kernel", "bias"}, "batch_normalization": {"gamma", "beta", "moving_mean", "moving_variance"},
}

// numbered is a variable of Keras 3: "layers/conv2d_3/vars/0".
var numbered = regexp.MustCompile(`(?:^|/)layers/([a-z][a-z0-9_]*?)(?:_[0-9]+)?/vars/([0-9]+)$`)

// kerasPath is what Keras 3 calls a variable that its file only numbers, by the layer's own name: "block1_conv1/kernel". It is "" where the
// file does not give that name or the class is not known. A batch norm of three variables lacks its scale or its offset, and the file does not say
// which: these keep their numbers, "bn/vars/0".
func kerasPath(d dataset, inLayer int) string {
	m := numbered.FindStringSubmatch(d.path)
	if m == nil || d.owner == "" || strings.HasPrefix(d.path, "optimizer/") {
		return ""
	}
	names, number := kerasVariables[m[1]], 0
	if _, err := fmt.Sscan(m[2], &number); err != nil || number >= len(names) || inLayer > len(names) {
		return ""
	}
	if normalises := strings.HasSuffix(m[1], "_normalization"); normalises && inLayer < len(names) {
		return d.owner + "/vars/" + m[2]
	}
	return d.owner + "/" + names[number]
}

// FromKeras turns a depthwise kernel from Keras's layout [k, k, channels, 1] into the lab's [k, k, 1, channels]; all others lie alike in both.
func FromKeras(t tl.Tensor) (tl.Tensor, error) {
	s := t.Shape
	if len(s) != 4 || s[3] != 1 {
		return tl.Tensor{}, fmt.Errorf("weights: turn a depthwise kernel of shape %v: want [k, k, channels, 1]", s)
	}
	return tl.Tensor{Shape: []int{s[0], s[1], 1, s[2]}, Data: slices.Clone(t.Data)}, nil
}
