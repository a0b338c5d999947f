package engine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/tl"
)

// keepSaved names a folder in which TestSavedBytes leaves its model, for testdata/read_saved.py.
const keepSaved = "TLAB_KEEP_SAVED"

// TestSavedBytes: what Save writes is what the specification of safetensors wants, to the byte, and what Python's reader found in it. The reader
// here shares no code with the writer.
func TestSavedBytes(t *testing.T) {
	dir := os.Getenv(keepSaved)
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "saved")
	}
	e, m := inProcess(), small("saved bytes").WithHead("saved bytes", tl.Dense(2)).Seeded(12)
	saved := saveOn(t, e, m, dir)
	got := ""
	for _, f := range saved.Files {
		if !strings.HasSuffix(f.Name, ".safetensors") {
			continue
		}
		tensors, metadata := readBySpecification(t, filepath.Join(dir, f.Name))
		got += fmt.Sprintf("%s · %s · %s\n", f.Name, metadata["content"], metadata["layout"])
		for _, name := range slices.Sorted(maps.Keys(tensors)) {
			got += tensors[name].line(name) + "\n"
		}
	}
	want := must[[]byte](t)(os.ReadFile("testdata/read_saved.txt"))
	if got != string(want) {
		t.Errorf("the files hold\n%s\nPython read\n%s", got, want)
	}
	live := must[*trained](t)(e.model(quiet(), m))
	defer live.gate.Unlock()
	tensors, _ := readBySpecification(t, filepath.Join(dir, weightsFile))
	if len(tensors) != len(live.values) {
		t.Errorf("%d tensors of %d", len(tensors), len(live.values))
	}
	for path, v := range live.values {
		if got := tensors[path[1:]]; !slices.Equal(got.bits, bitsOf(v.Data)) || !slices.Equal(got.shape, v.Shape) {
			t.Errorf("%s differs", path)
		}
	}
}

func bitsOf(data []float32) []uint32 {
	bits := make([]uint32, len(data))
	for i, x := range data {
		bits[i] = math.Float32bits(x)
	}
	return bits
}

// stored is a tensor as a file has it.
type stored struct {
	shape []int
	bits  []uint32
}

// line describes it as read_saved.py does.
func (s stored) line(name string) string {
	check := uint32(0)
	for i, b := range s.bits {
		check += uint32(i+1) * b
	}
	shape := strings.ReplaceAll(fmt.Sprint(s.shape), " ", ", ")
	return fmt.Sprintf("%s %s float32 %08x … %08x, check %08x", name, shape, s.bits[0], s.bits[len(s.bits)-1], check)
}

// readBySpecification reads a file as the format's README has it: 8 bytes, little-endian, are the header's length; the header is a JSON object
// that begins with { and may end with spaces; offsets count from its end; tensors lie without gaps, in order, to the file's end. Everything is
// aligned to 8 bytes, as the writer of the reference does it, so that a mapped file can be used as it lies.
func readBySpecification(t *testing.T, file string) (map[string]stored, map[string]string) {
	t.Helper()
	data := must[[]byte](t)(os.ReadFile(file))
	n := binary.LittleEndian.Uint64(data)
	if n%8 != 0 || 8+n > uint64(len(data)) || data[8] != '{' {
		t.Fatalf("%s: a header of %d bytes that begins with %q", file, n, data[8])
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	metadata := map[string]string{}
	if err := json.Unmarshal(header["__metadata__"], &metadata); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	tensors, ends := map[string]stored{}, map[int]int{}
	for name, text := range header {
		var info struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(text, &info); err != nil {
			t.Fatal(err)
		}
		size := 4
		for _, d := range info.Shape {
			size *= d
		}
		begin, end := info.Offsets[0], info.Offsets[1]
		if info.DType != "F32" || end-begin != size || begin%4 != 0 || 8+int(n)+end > len(data) {
			t.Fatalf("%s: %s %+v in a file of %d bytes", file, name, info, len(data))
		}
		ends[begin] = end
		raw := data[8+int(n)+begin : 8+int(n)+end]
		s := stored{shape: info.Shape, bits: make([]uint32, len(raw)/4)}
		for i := range s.bits {
			s.bits[i] = binary.LittleEndian.Uint32(raw[4*i:])
		}
		tensors[name] = s
	}
	at := 0
	for range ends {
		next, found := ends[at]
		if !found {
			t.Fatalf("%s: no tensor begins at %d", file, at)
		}
		at = next
	}
	if 8+int(n)+at != len(data) {
		t.Fatalf("%s: the tensors end at %d of %d bytes", file, 8+int(n)+at, len(data))
	}
	return tensors, metadata
}
