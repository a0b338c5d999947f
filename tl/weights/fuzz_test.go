package weights

import (
	"archive/zip"
	"bytes"
	"runtime"
	"testing"
)

// allocated is what f allocates in all, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// bounded runs a reader over data and checks the promise of Read: no more than allowance × the file + 1 MiB. Files over 1 MiB are left out, so
// that the constant part counts.
func bounded(t *testing.T, data []byte, read func()) {
	if len(data) > 1<<20 {
		t.Skip("large")
	}
	if used := allocated(read); used > uint64(allowance*len(data)+1<<20) {
		t.Errorf("%d bytes allocated for a file of %d", used, len(data))
	}
}

// holds checks that tensors hold together: shapes fit, and there are no more numbers than the file has bytes.
func holds(t *testing.T, got Tensors, fileSize int) {
	total := 0
	for _, name := range got.Names {
		tensor, found := got.Tensors[name]
		if !found || product(tensor.Shape) != len(tensor.Data) {
			t.Errorf("tensor %q: shape %v with %d numbers", name, tensor.Shape, len(tensor.Data))
		}
		total += len(tensor.Data)
	}
	if len(got.Names) != len(got.Tensors) || total > fileSize {
		t.Errorf("%d names, %d tensors, %d numbers from a file of %d bytes", len(got.Names), len(got.Tensors), total, fileSize)
	}
	for name := range got.Converted {
		if _, found := got.Tensors[name]; !found {
			t.Errorf("%q is converted, but not there", name)
		}
	}
}

// fuzz feeds a reader of one format.
func fuzz(f *testing.F, read func(data []byte) (Tensors, error), seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, data, func() {
			if got, err := read(data); err == nil {
				holds(t, got, len(data))
			}
		})
	})
}

func seedFiles(f *testing.F, names ...string) (seeds [][]byte) {
	for _, name := range names {
		seeds = append(seeds, readTestdata(f, name))
	}
	return seeds
}

// FuzzRead begins with the recognition of the format.
func FuzzRead(f *testing.F) {
	fuzz(f, decode, append(seedFiles(f, "state.old.pth", "state.zip.pth", "peer.safetensors", "half.safetensors", "keras.weights.h5", "model.keras",
		"keras.h5", "arrays.npz", "../../zoo/testdata/onnx/small.onnx"), []byte("<html>"), nil)...)
}

// FuzzPTH reads anything: it must neither panic nor answer with tensors that do not hold together.
func FuzzPTH(f *testing.F) {
	for _, name := range []string{"state", "checkpoint", "system", "complex", "nothing", "list"} {
		for _, format := range []string{".old.pth", ".zip.pth"} {
			f.Add(readTestdata(f, name+format))
		}
	}
	f.Add(archiveOf(f, tensorPickle(storagePickle("FloatStorage", "0", 4), 0, shapeOf(2, 2), shapeOf(2, 1))))
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, data, func() {
			if p, err := decodePTH(data); err == nil {
				sound(t, p, len(data))
			}
		})
		// A pickle inside a zip file hides behind its checksum; here it stands alone.
		bounded(t, data, func() { _, _, _ = unpickle(data, map[string]*storage{}) })
		bounded(t, data, func() { _, _, _ = unpickle([]byte(pickled(string(data))), map[string]*storage{}) })
	})
}

func FuzzSafetensors(f *testing.F) {
	for _, seed := range seedFiles(f, "peer.safetensors", "half.safetensors") {
		f.Add(seed)
	}
	f.Add(withHeader(`{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"a":"b"}}`, 8))
	f.Add(withHeader(`{"t":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"d":{"dtype":"F64","shape":[1],"data_offsets":[4,12]}}`, 12))
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, data, func() {
			s, err := decodeSafetensors(data)
			if err != nil {
				return
			}
			numbers := 0
			for name, tensor := range s.Tensors {
				if err := writable(tensor); err != nil {
					t.Errorf("%q: %v", name, err)
				}
				numbers += len(tensor.Data)
			}
			if numbers > len(data) {
				t.Errorf("%d numbers out of a file of %d bytes", numbers, len(data))
			}
		})
	})
}

func FuzzKeras(f *testing.F) {
	fuzz(f, decodeKeras, seedFiles(f, "keras.weights.h5", "model.keras", "keras.h5", "keras2.h5", "latest.h5")...)
}

// FuzzNPZ reads an archive, and what stands in for a member of one: in the archive a checksum hides it.
func FuzzNPZ(f *testing.F) {
	for _, seed := range seedFiles(f, "arrays.npz") {
		f.Add(seed)
		records, err := zipRecords(seed)
		if err != nil {
			f.Fatal(err)
		}
		for _, r := range records {
			var member bytes.Buffer
			in, err := r.Open()
			if err == nil {
				_, err = member.ReadFrom(in)
			}
			if err != nil {
				f.Fatal(err)
			}
			f.Add(member.Bytes())
		}
	}
	f.Add([]byte(zipOf(f, zip.Deflate, "a.npy", "hello")))
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, data, func() {
			if got, err := decodeNPZ(data); err == nil {
				holds(t, got, len(data))
			}
		})
		bounded(t, data, func() {
			if tensor, _, err := decodeNPY(data); err == nil && (product(tensor.Shape) != len(tensor.Data) || len(tensor.Data) > len(data)) {
				t.Errorf("shape %v with %d numbers", tensor.Shape, len(tensor.Data))
			}
		})
	})
}

// FuzzONNX reads the tensors and the graph; what is read of a graph can be written as a piece of it and read again.
func FuzzONNX(f *testing.F) {
	for _, seed := range seedFiles(f, "../../zoo/testdata/onnx/small.onnx", "../../zoo/testdata/onnx/folded.onnx", "types.onnx") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var g ONNXGraph
		var err error
		bounded(t, data, func() { g, err = decodeONNXGraph(data) })
		if err != nil {
			return
		}
		holds(t, g.Tensors, len(data))
		again, err := decodeONNXGraph(g.Encode(ONNXPart{Nodes: g.Nodes, Input: "x", Axes: 4, Output: "y", Constants: g.Names}))
		if err != nil || len(again.Nodes) != len(g.Nodes)+len(g.Names) || len(again.Inputs) != 1 || len(again.Outputs) != 1 {
			t.Errorf("written and read again: %d operators of %d, %v", len(again.Nodes), len(g.Nodes)+len(g.Names), err)
		}
	})
}
