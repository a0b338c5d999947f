package tl

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTensorTravels(t *testing.T) {
	for _, sent := range []Tensor{
		{},
		{Data: []float32{7}}, // a scalar
		{Shape: []int{3}, Data: []float32{1, float32(math.Inf(-1)), math.Float32frombits(0x7FC00001)}},
		{Shape: []int{2, 1, 2}, Data: []float32{0, math.SmallestNonzeroFloat32, math.MaxFloat32, float32(math.Copysign(0, -1))}},
		{Shape: []int{0, 1280}, Data: []float32{}}, // no rows
	} {
		var got Tensor
		roundTrip(t, sent, &got)
		if !slices.Equal(got.Shape, sent.Shape) || len(got.Data) != len(sent.Data) {
			t.Errorf("sent %v, got %v", sent, got)
			continue
		}
		for i := range sent.Data {
			if math.Float32bits(got.Data[i]) != math.Float32bits(sent.Data[i]) {
				t.Errorf("%v: number %d is %v", sent, i, got.Data[i])
			}
		}
	}
	// Inside another value, and over one that was there before.
	got := envelope{T: Tensor{Shape: []int{1}, Data: []float32{9}}}
	roundTrip(t, envelope{Name: "x", T: Tensor{Shape: []int{2}, Data: []float32{1, 2}}}, &got)
	if want := (envelope{Name: "x", T: Tensor{Shape: []int{2}, Data: []float32{1, 2}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

type envelope struct {
	Name string
	T    Tensor
}

func TestTensorWithoutItsData(t *testing.T) {
	for _, broken := range []Tensor{{Shape: []int{2}}, {Shape: []int{2}, Data: []float32{1}}, {Data: []float32{1, 2}}, {Shape: []int{0}, Data: []float32{1}}, {Shape: []int{3, 0}}} {
		if _, err := broken.GobEncode(); err == nil || !strings.Contains(err.Error(), "encode tensor") {
			t.Errorf("%v: %v", broken, err)
		}
	}
}

func words(numbers ...uint64) (b []byte) {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func TestGobDecodeRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":               {},
		"half a number":         {1, 0, 0},
		"nine axes":             words(9, 1, 1, 1, 1, 1, 1, 1, 1, 1),
		"axes that are missing": words(2, 1),
		"most axes there are":   words(math.MaxUint64),
		"a longer axis":         append(words(1, 3), 0, 0, 0, 0),
		"an endless axis":       words(1, math.MaxUint64),
		"product overflows":     append(words(4, 1<<16, 1<<16, 1<<16, 1<<16), 0, 0, 0, 0),
		"overflows to nothing":  words(2, 1<<32, 1<<32),
		"behind an empty axis":  words(2, 0, math.MaxUint64),
		"bytes left over":       append(words(1, 1), 0, 0, 0, 0, 0),
		"rows of no data":       words(2, 1<<30, 0),
		"data of no rows":       append(words(1, 0), 0, 0, 0, 0),
	} {
		was := Tensor{Shape: []int{1}, Data: []float32{5}}
		got := was
		if err := got.GobDecode(b); err == nil || !strings.HasPrefix(err.Error(), "tl: decode tensor") {
			t.Errorf("%s: %v, gave %v", name, err, got)
		}
		if !reflect.DeepEqual(got, was) {
			t.Errorf("%s: a refused tensor changed what was there: %v", name, got)
		}
	}
}

// FuzzGobDecode: whatever arrives, no panic, no memory that the bytes do not pay for, and what is accepted reads back the same.
func FuzzGobDecode(f *testing.F) {
	for _, seed := range []Tensor{{}, {Data: []float32{1}}, {Shape: []int{2, 2}, Data: []float32{1, 2, 3, 4}}, {Shape: []int{0, 3}}} {
		b, err := seed.GobEncode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(words(2, 1<<32, 1<<32))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got Tensor
		if got.GobDecode(b) != nil {
			return
		}
		if len(got.Data)*4 > len(b) {
			t.Fatalf("%d numbers from %d bytes", len(got.Data), len(b))
		}
		for i := range got.Len() {
			if n := len(got.Row(i)); n*got.Len() != len(got.Data) {
				t.Fatalf("row %d of shape %v has %d numbers", i, got.Shape, n)
			}
		}
		again, err := got.GobEncode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %v, which is %x (%v)", b, got, again, err)
		}
	})
}

func TestRow(t *testing.T) {
	x := Tensor{Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}}
	if row := x.Row(1); x.Len() != 2 || !slices.Equal(row, []float32{4, 5, 6}) {
		t.Errorf("%v", row)
	}
	first := append(x.Row(0), 9) // must not run into the next row
	if x.Data[3] != 4 || first[3] != 9 {
		t.Errorf("appending to a row changed the next: %v", x.Data)
	}
	if (Tensor{}).Len() != 0 {
		t.Error("an absent tensor has rows")
	}
}

// BenchmarkTensorGob is the representation of 1,968 images, 10 MB.
func BenchmarkTensorGob(b *testing.B) {
	x := Tensor{Shape: []int{1968, 1280}, Data: make([]float32, 1968*1280)}
	b.SetBytes(int64(4 * len(x.Data)))
	for b.Loop() {
		wire, err := x.GobEncode()
		if err != nil {
			b.Fatal(err)
		}
		var got Tensor
		if err := got.GobDecode(wire); err != nil {
			b.Fatal(err)
		}
	}
}
