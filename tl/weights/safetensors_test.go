package weights

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"transferlab/tl"
)

// TestSafetensorsOfPython reads what the format's own library wrote (0.8.0: numpy arrays under these names).
func TestSafetensorsOfPython(t *testing.T) {
	s, err := ReadSafetensors("testdata/peer.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	kernel := s.Tensors["head/kernel"]
	if !reflect.DeepEqual(kernel.Shape, []int{2, 3}) || kernel.Row(1)[2] != float32(5)/7 {
		t.Errorf("kernel %+v", kernel)
	}
	bias := s.Tensors["bias"].Data
	if len(bias) != 3 || bias[0] == bias[0] || math.Float32bits(bias[1]) != 1<<31 || !math.IsInf(float64(bias[2]), 1) {
		t.Errorf("bias %v", bias)
	}
	if scalar := s.Tensors["scalar"]; len(scalar.Shape) != 0 || scalar.Data[0] != 2.5 {
		t.Errorf("scalar %+v", scalar)
	}
	if len(s.Tensors) != 3 || s.Metadata["made by"] != "safetensors 0.8.0 of Python" {
		t.Errorf("%d tensors, metadata %v", len(s.Tensors), s.Metadata)
	}
	half, err := ReadSafetensors("testdata/half.safetensors")
	if err != nil || half.Converted["half"] != "float16" || len(half.Tensors["half"].Data) == 0 {
		t.Errorf("half precision: %v, %v", half, err)
	}
}

func TestSafetensorsRoundTrip(t *testing.T) {
	dir := t.TempDir()
	file, again := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	s := Safetensors{
		Tensors: map[string]tl.Tensor{
			"/head/kernel": {Shape: []int{2, 2}, Data: []float32{1, float32(math.Copysign(0, -1)), math.MaxFloat32, 1e-45}},
			"/head/bias":   {Shape: []int{1}, Data: []float32{math.Float32frombits(0x7fc00123)}}, // a NaN with a payload
		},
		Metadata: map[string]string{"phase": `{"Name": "fine-tune"}`},
	}
	size, err := WriteSafetensors(file, s)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadSafetensors(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range s.Tensors {
		got := read.Tensors[name]
		for i := range want.Data {
			if math.Float32bits(got.Data[i]) != math.Float32bits(want.Data[i]) {
				t.Errorf("%s[%d]: bits %x, want %x", name, i, math.Float32bits(got.Data[i]), math.Float32bits(want.Data[i]))
			}
		}
	}
	if !reflect.DeepEqual(read.Metadata, s.Metadata) {
		t.Errorf("metadata %v", read.Metadata)
	}
	if _, err := WriteSafetensors(again, read); err != nil {
		t.Fatal(err)
	}
	one, two := readFile(t, file), readFile(t, again)
	if string(one) != string(two) || int64(len(one)) != size {
		t.Errorf("the same tensors make other bytes: %d and %d, said %d", len(one), len(two), size)
	}
	empty := filepath.Join(dir, "empty")
	if _, err := WriteSafetensors(empty, Safetensors{}); err != nil {
		t.Fatal(err)
	}
	if read, err := ReadSafetensors(empty); err != nil || len(read.Tensors) != 0 {
		t.Errorf("no tensors: %v, %v", read, err)
	}
}

func TestSafetensorsRefusesToWrite(t *testing.T) {
	dir := t.TempDir()
	for _, bad := range []tl.Tensor{{Shape: []int{2}, Data: []float32{1}}, {Shape: []int{0}}, {Shape: []int{-1, -1}, Data: []float32{1}}} {
		if _, err := WriteSafetensors(filepath.Join(dir, "x"), Safetensors{Tensors: map[string]tl.Tensor{"t": bad}}); err == nil || !strings.Contains(err.Error(), `tensor "t"`) {
			t.Errorf("%v: %v", bad.Shape, err)
		}
	}
	if _, err := WriteSafetensors(filepath.Join(dir, "nowhere", "x"), Safetensors{}); err == nil {
		t.Error("a folder that does not exist")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withHeader is a file of that header and n bytes of numbers.
func withHeader(header string, n int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, n)...)
}

func TestLyingSafetensors(t *testing.T) {
	tensor := func(shape, offsets string) string {
		return `{"t":{"dtype":"F32","shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	for what, data := range map[string][]byte{
		"empty":                    nil,
		"a header beyond the file": binary.LittleEndian.AppendUint64(nil, 1000),
		"a huge header":            binary.LittleEndian.AppendUint64(nil, math.MaxUint64),
		"no JSON":                  withHeader("hello", 0),
		"numbers missing":          withHeader(tensor("[2,2]", "[0,16]"), 15),
		"numbers left over":        withHeader(tensor("[2,2]", "[0,16]"), 17),
		"a shape of other size":    withHeader(tensor("[2,3]", "[0,16]"), 16),
		"a shape that overflows":   withHeader(tensor("[4294967296,4294967296]", "[0,0]"), 0),
		"no numbers":               withHeader(tensor("[0]", "[0,0]"), 0),
		"a negative axis":          withHeader(tensor("[-4]", "[0,16]"), 16),
		"offsets backwards":        withHeader(tensor("[1]", "[4,0]"), 4),
		"a gap":                    withHeader(tensor("[1]", "[4,8]"), 8),
		"offsets that wrap":        withHeader(tensor("[4611686018427387900]", "[0,18446744073709551600]"), 0),
		"nine axes":                withHeader(tensor("[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4),
		"deep":                     withHeader(strings.Repeat("[", 1<<20), 0),
	} {
		if s, err := decodeSafetensors(data); err == nil {
			t.Errorf("%s is read as %v", what, s)
		}
	}
}
